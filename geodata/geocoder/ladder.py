"""The areas that an address names, and how names touch the text around them, compiled."""

# mypy: disable-error-code="arg-type,assignment,return-value,no-any-return"
# Compiled code: numpy scalars are plain numbers there.

import numpy as np

from geodata.address.parse import Tokens, make_flags
from geodata.address.words import TokenKind
from geodata.gazetteer.places import Areas
from geodata.gazetteer.postings import AREA, BARE
from geodata.geocoder.evidence import MOST_AREAS, Index, Ladder
from geodata.geocoder.geometry import find_distance_to_area, is_inside
from geodata.kernels import inner_kernel, kernel

_NAME = int(TokenKind.NAME)
_WAY = int(TokenKind.WAY)
_TEXT = int(TokenKind.TEXT)
_COMMUNITY_LEVEL = 2
OTHER_COST = 0.35
"""Added to the log error of an area named by another ending than its own (西营村 for 西营社区) [A]."""
_PREFIXES = make_flags("东西南北新老大小前后上下")
"""What makes another name of a name: 西 + 庄户村."""
_PARTICLES = make_flags("的在到从是有也都又那这处口前后左右上中外内边旁等被把给对向往与和及跟")
"""Single characters that may follow a name and are no part of one."""
_NEAR_AREA_M = 1_500.0
"""An area whose middle lies farther than this from the larger one named is another of that name."""


@inner_kernel
def add_area(areas: Areas, ident: int, weak: float, ladder: Ladder) -> None:
    """Add an area to the ladder; said twice, the surer way counts."""
    level = np.int64(areas.level[ident])
    at = ladder.size[level]
    for i in range(at):
        if ladder.ident[level, i] == ident:
            ladder.weak[level, i] = min(ladder.weak[level, i], weak)
            return
    if at < MOST_AREAS:
        ladder.ident[level, at] = ident
        ladder.weak[level, at] = weak
        ladder.size[level] = at + 1


@inner_kernel
def leads_on(areas: Areas, area: int, tokens: Tokens, at: tuple[int, int], ladder: Ladder) -> bool:
    """Tell whether a bare area name is a rung: 海淀 in 北京海淀某小区, not 溪庆 in 溪庆5号楼."""
    row, k = at
    level = np.int64(areas.level[area])
    if level == _COMMUNITY_LEVEL or k + 1 >= tokens.size[row]:
        return False
    for below in range(level, _COMMUNITY_LEVEL + 1):
        for i in range(ladder.size[below]):
            if below > level or ladder.weak[below, i] <= OTHER_COST:
                return False
    return tokens.kind[row, k + 1] in (_NAME, _WAY, _TEXT)


@inner_kernel
def touches_name(index: Index, tokens: Tokens, row: int, k: int) -> bool:
    """Tell whether a name runs on into another that is no area: 瑞龙 + 名苑 are one unknown compound."""
    for near in (k - 1, k + 1):
        if near < 0 or near >= tokens.size[row] or tokens.kind[row, near] != _NAME:
            continue
        p = index.postings.start[tokens.ident[row, near]]
        if p < len(index.postings.kind) and (
            index.postings.kind[p] != AREA or index.postings.weak[p] == BARE
        ):
            return True
    return False


@inner_kernel
def means_district(index: Index, name: int) -> bool:
    """Tell whether a name stands for a district, in full or for short."""
    for p in range(index.postings.start[name], index.postings.start[name + 1]):
        if index.postings.kind[p] == AREA and index.areas.level[index.postings.ident[p]] == 0:
            return True
    return False


@inner_kernel
def names_district(index: Index, name: int) -> bool:
    """Tell whether a name is that of a district in full."""
    for p in range(index.postings.start[name], index.postings.start[name + 1]):
        is_area = index.postings.kind[p] == AREA and index.postings.weak[p] != BARE
        if is_area and index.areas.level[index.postings.ident[p]] == 0:
            return True
    return False


@inner_kernel
def leads_into_tail(index: Index, tokens: Tokens, row: int, k: int) -> bool:
    """Tell whether a name runs on into what is only short for something: 荷莲 + 嘉园 is not the compound 荷莲."""
    if k + 1 >= tokens.size[row] or tokens.kind[row, k + 1] != _NAME:
        return False
    following = tokens.ident[row, k + 1]
    for p in range(index.postings.start[following], index.postings.start[following + 1]):
        if index.postings.weak[p] < BARE:
            return False
    return True


@inner_kernel
def prune_ladder(areas: Areas, ladder: Ladder, level: int) -> None:
    """Keep the areas of a level that lie in (else near) a larger area named; of these the most surely named."""
    for above in range(level - 1, -1, -1):
        if ladder.size[above] == 0 or ladder.size[level] == 0:
            continue
        kept = 0
        for reach in (0.0, _NEAR_AREA_M):
            for i in range(kept, ladder.size[level]):
                if _lies_near(areas, ladder, (level, i), above, reach):
                    # Those kept move to the front; what they overwrite has been looked at already.
                    _swap(ladder, level, i, kept)
                    kept += 1
            if kept:
                break
        if kept or above == 0:
            ladder.size[level] = kept
    kept = 0
    for i in range(ladder.size[level]):
        if ladder.weak[level, i] == np.min(ladder.weak[level, : ladder.size[level]]):
            _swap(ladder, level, i, kept)
            kept += 1
    ladder.size[level] = kept


@inner_kernel
def _lies_near(
    areas: Areas, ladder: Ladder, which: tuple[int, int], above: int, reach: float
) -> bool:
    """Tell whether an area's middle lies within `reach` metres of one of the larger areas named."""
    ident = ladder.ident[which[0], which[1]]
    x, y = np.float64(areas.x[ident]), np.float64(areas.y[ident])
    for k in range(ladder.size[above]):
        larger = ladder.ident[above, k]
        if reach == 0.0:
            if is_inside(areas, larger, x, y):
                return True
        elif find_distance_to_area(areas, larger, x, y)[0] <= reach:
            return True
    return False


@kernel
def _swap(ladder: Ladder, level: int, i: int, k: int) -> None:
    ident, weak = ladder.ident[level, i], ladder.weak[level, i]
    ladder.ident[level, i], ladder.weak[level, i] = ladder.ident[level, k], ladder.weak[level, k]
    ladder.ident[level, k], ladder.weak[level, k] = ident, weak


@inner_kernel
def is_part(tokens: Tokens, row: int, k: int) -> bool:
    """Tell whether a name touches unknown text: 天坛 in 天坛东里 is only near the place meant."""
    for near in (k - 1, k + 1):
        if near < 0 or near >= tokens.size[row] or tokens.kind[row, near] not in (_WAY, _TEXT):
            continue
        if tokens.end[row, near] - tokens.start[row, near] >= 2:
            return True
    return False


@inner_kernel
def runs_on(tokens: Tokens, row: int, k: int) -> bool:
    """Tell whether a name runs on into a single character: 景营 + 园, 北 + 太平 are other places."""
    if k > 0 and _is_single(tokens, row, k - 1) and _PREFIXES[max(tokens.ident[row, k - 1], 0)]:
        return True
    if k + 1 >= tokens.size[row] or not _is_single(tokens, row, k + 1):
        return False
    return not _PARTICLES[max(tokens.ident[row, k + 1], 0)]


@inner_kernel
def _is_single(tokens: Tokens, row: int, k: int) -> bool:
    single = tokens.end[row, k] - tokens.start[row, k] == 1
    return single and tokens.kind[row, k] in (_WAY, _TEXT)
