"""The compiled parser: one pass over a folded text, names by longest cover, the rest by form."""

# mypy: disable-error-code="arg-type,assignment,return-value,no-any-return"
# Compiled code: numpy scalars are plain numbers there.

from typing import NamedTuple

import numpy as np

from geodata.address.folding import LONGEST_TEXT
from geodata.address.numbers import (
    DIGIT_VALUE,
    VARIANT,
    find_dashed,
    is_digit,
    is_letter,
    read_number,
    read_unit,
)
from geodata.address.trie import Trie, find_names_at
from geodata.address.words import NumberUnit, TokenKind
from geodata.kernels import borrow, inner_kernel, kernel

MOST_TOKENS = 48
"""Parts kept of one address; a text with more is a story whose later parts are not read."""

_NAMES_PER_START = 4
_NAME = int(TokenKind.NAME)
_NUMBER = int(TokenKind.NUMBER)
_WAY = int(TokenKind.WAY)
_STREET_TEXT = int(TokenKind.STREET_TEXT)
_COMMUNITY_TEXT = int(TokenKind.COMMUNITY_TEXT)
_DISTRICT_TEXT = int(TokenKind.DISTRICT_TEXT)
_VILLAGE_TEXT = int(TokenKind.VILLAGE_TEXT)
_TEXT = int(TokenKind.TEXT)
_MARK = int(TokenKind.MARK)
_NOISE = int(TokenKind.NOISE)
_AND = int(TokenKind.AND)
_SIDE, _END = int(TokenKind.SIDE), int(TokenKind.END)
_GATE, _MIDDLE = int(TokenKind.GATE), int(TokenKind.MIDDLE)
_REGION, _REGION_SHORT = int(TokenKind.REGION), int(TokenKind.REGION_SHORT)
_CITY, _CITY_SHORT = int(TokenKind.CITY), int(TokenKind.CITY_SHORT)
_CITY_STEM = int(TokenKind.CITY_STEM)
_LARGE_AREAS = (_REGION, _REGION_SHORT, _CITY, _CITY_SHORT, _CITY_STEM)
_SHORTS = (_REGION_SHORT, _CITY_SHORT, _CITY_STEM)
_NO_UNIT = int(NumberUnit.NONE)
_HOUSE, _BUILDING = int(NumberUnit.HOUSE), int(NumberUnit.BUILDING)
_UNIT, _ROOM, _FLOOR = int(NumberUnit.UNIT), int(NumberUnit.ROOM), int(NumberUnit.FLOOR)
_OTHER_UNIT = int(NumberUnit.OTHER)
_TEN = ord("十")


def make_flags(characters: str) -> np.ndarray:
    """Return a flag for each of 65,536 codes: whether it is one of `characters`."""
    flags = np.zeros(0x10000, dtype=np.bool_)
    flags[[ord(character) for character in characters]] = True
    return flags


_IS_MARK = make_flags(",:()、;+|&=@$[]")
_IS_AND = make_flags("与和跟")
_WAY_ENDS = make_flags("路街巷条道弄沿同")
_AREA_PAIRS = tuple((ord(a), ord(b)) for a, b in ("街道", "地区"))
_COMMUNITY_PAIR = (ord("社"), ord("区"))
_TOWN_ENDS = (ord("镇"), ord("乡"))
_NO_TOWN = make_flags("路街巷村江海中")
"""After 镇 and 乡: 镇中路, 乡村."""
_VILLAGE_END = ord("村")
_NO_VILLAGE = make_flags("新农乡山假路街巷道")
"""Before 村: 新村 is a compound, 度假村 a place."""
_AFTER_VILLAGE = make_flags("路街巷道口委里民庄桥公北南东西镇乡")
_DISTRICT_ENDS = make_flags("区县市旗")
_NO_DISTRICT = make_flags("小社园校厂街片分景库老东西南北中一二三四五六七八九十甲乙丙丁期")
"""Before 区: parts of compounds, 小区, 园区, 东区, 二区."""
_NO_DISTRICT_OF_CITY = make_flags("小社园校厂街")
"""The same straight after a city: 济南市市中区, 张掖市城北区."""
_AFTER_DISTRICT = make_flags("场民政容域间委")
"""After 区, 县, 市: 超市, 市场, 市民, 区间."""
_LONGEST_DISTRICT, _LONGEST_COUNTY = 5, 15
_AUTONOMOUS = (ord("自"), ord("治"))
_LEADS = make_flags("在到从至于是往去来住")
"""Before the name of a region: 住在山东省, not 中山东路."""
_AT = ord("在")
_SIDES = make_flags("东西南北中")
_PREFIXES = make_flags("东西南北新老大小前后上下")
"""What makes another road of a road's name: 小 + 石桥胡同."""
_HU, _TONG, _LU, _DA, _JIE, _DAO = (ord(character) for character in "胡同路大街道")
_MEN, _NEI, _WAI, _QU, _SHI, _HAO = (ord(character) for character in "门内外区市号")
_DASH = ord("-")
_STATION = ord("站")
_BEFORE_LU = make_flags("铁道线网电")
"""Before 路: 铁路, 道路, 网路."""
_AFTER_LU = make_flags("公车口段边旁附沿线局由过")
"""After 路: 路公交, 路口, 公路局."""
_LONGEST_REST = 5
_LONGEST_VILLAGE = 4
_SHORTEST_AFTER_WAY = 3
"""Two characters after a road may be a part of what is called after it: 育新大街小学."""


def _make_relations() -> np.ndarray:
    """Return the token kind of single characters that tell a relation at the end of a gap."""
    relations = np.zeros(0x10000, dtype=np.uint8)
    relations[ord("内")] = TokenKind.INSIDE
    relations[[ord("旁"), ord("外")]] = TokenKind.NEAR
    return relations


_RELATIONS = _make_relations()


class Tokens(NamedTuple):
    """Parts of texts, one row a text, ``size`` of them in each row.

    ``start end`` positions, ``kind``, ``ident`` (name, word, number unit, or the code of a single character),
    ``value last variant`` of numbers.
    """

    start: np.ndarray
    end: np.ndarray
    kind: np.ndarray
    ident: np.ndarray
    value: np.ndarray
    last: np.ndarray
    variant: np.ndarray
    size: np.ndarray


class Cover(NamedTuple):
    """Room for the best cover of one text by names."""

    best: np.ndarray
    end: np.ndarray
    name: np.ndarray


class Lexicon(NamedTuple):
    """Names and words in one trie; ``word`` is the word of a name or -1, ``word_kind`` its kind."""

    trie: Trie
    word: np.ndarray
    word_kind: np.ndarray


def make_tokens(rows: int) -> Tokens:
    """Return room for the parts of `rows` texts."""
    shape = (rows, MOST_TOKENS)
    return Tokens(
        np.zeros(shape, np.int16),
        np.zeros(shape, np.int16),
        np.zeros(shape, np.uint8),
        np.zeros(shape, np.int32),
        np.zeros(shape, np.int32),
        np.zeros(shape, np.int32),
        np.zeros(shape, np.uint8),
        np.zeros(rows, np.int16),
    )


@kernel
def make_cover() -> Cover:
    """Return room for the cover of one text."""
    return Cover(
        np.zeros(LONGEST_TEXT + 2, dtype=np.float32),
        np.zeros(LONGEST_TEXT + 2, dtype=np.int16),
        np.zeros(LONGEST_TEXT + 2, dtype=np.int32),
    )


def parse_text(lexicon: Lexicon, codes: np.ndarray) -> Tokens:
    """Return the parts of one folded text, in the only row."""
    tokens = make_tokens(1)
    parse_rows(lexicon, codes, np.array([0, len(codes)]), (0, 1), tokens)
    return tokens


@kernel
def parse_rows(
    lexicon: Lexicon, codes: np.ndarray, start: np.ndarray, rows: tuple[int, int], tokens: Tokens
) -> None:
    """Parse texts ``rows[0]`` to ``rows[1]`` into the first rows of `tokens`."""
    _parse_texts(lexicon, (codes, start), rows, make_cover(), tokens)


@kernel
def _parse_texts(
    lexicon: Lexicon,
    texts: tuple[np.ndarray, np.ndarray],
    rows: tuple[int, int],
    cover: Cover,
    tokens: Tokens,
) -> None:
    codes, start = texts
    lexicon, cover, tokens = borrow(lexicon), borrow(cover), borrow(tokens)
    for row in range(rows[0], rows[1]):
        parse_row(lexicon, codes[start[row] : start[row + 1]], cover, tokens, row - rows[0])


@kernel
def parse_row(lexicon: Lexicon, text: np.ndarray, cover: Cover, tokens: Tokens, row: int) -> None:
    """Parse one text: cover it by names, then read numbers and unknown text between them."""
    _find_cover(lexicon, text, cover)
    tokens.size[row] = 0
    gap, i = 0, 0
    while i < len(text):
        stop = np.int64(cover.end[i])
        if stop > i:
            end = _find_longer_name(text, gap, i, cover)
            if end > stop:
                # Unknown, though it begins like a known name: 西长安街 + 街道, 西河沿 + 街.
                _add_gap(text, (gap, end, 0), tokens, row)
                gap = i = end
                continue
            word = lexicon.word[cover.name[i]]
            kind = _NAME if word < 0 else np.int64(lexicon.word_kind[word])
            if kind != _NAME and not _says_word(text, gap, (i, stop), kind, tokens, row):
                i += 1  # 海南 in 后海南沿
                continue
            begin = i
            if kind == _NAME and _is_other_way(text, gap, i, stop):
                _add_gap(text, (gap, stop, 0), tokens, row)
            else:
                _add_gap(text, (gap, i, 0), tokens, row)
                _add(tokens, row, begin, stop, kind, cover.name[i] if word < 0 else word)
            gap = i = stop
            continue
        if _may_be_number(text, i):
            stop = _add_number(text, gap, i, tokens, row)
            if stop > i:
                gap = i = stop
                continue
            if is_digit(text[i]):
                while i < len(text) and is_digit(text[i]):
                    i += 1
                continue
        if _IS_MARK[text[i]] or (text[i] == _DASH and _joins_numbers(text, gap, i, tokens, row)):
            _add_gap(text, (gap, i, 0), tokens, row)
            _add(tokens, row, i, i + 1, _MARK, np.int64(text[i]))
            gap = i = i + 1
            continue
        i += 1
    _add_gap(text, (gap, len(text), 0), tokens, row)
    _settle_numbers(tokens, row)


@inner_kernel
def _add_number(text: np.ndarray, gap: int, i: int, tokens: Tokens, row: int) -> int:
    """Add the number or the numbers at `i`, after what stands before; return where they end, `i` for none."""
    if _ends_in_way(text, i) > i:
        return i
    size = tokens.size[row]
    last = size - 1
    if last > 0 and tokens.kind[row, last] == _MARK and tokens.ident[row, last] == _DASH:
        last -= 1
    inside = gap == i and last >= 0 and tokens.kind[row, last] == _NUMBER
    inside = inside and tokens.ident[row, last] == _BUILDING
    count, end = find_dashed(text, i, inside)
    if count == 0:
        number = read_number(text, i)
        if number.end == 0:
            return i
        _add_gap(text, (gap, i, np.int64(number.unit != _OTHER_UNIT)), tokens, row)
        _add_counted(tokens, row, (i, number.end), (number.value, number.last), number.unit)
        if tokens.size[row] and tokens.start[row, tokens.size[row] - 1] == i:
            tokens.variant[row, tokens.size[row] - 1] = number.variant
        return number.end
    _add_gap(text, (gap, i, 1), tokens, row)
    for k in range(count):
        stop = i
        value = 0
        while stop < len(text) and is_digit(text[stop]):
            value = min(value * 10 + np.int64(text[stop]) - 48, 10_000_000)
            stop += 1
        unit = (
            _ROOM if k == count - 1 else (_UNIT if k == 1 or (inside and count == 2) else _BUILDING)
        )
        last = k == count - 1
        _add_counted(tokens, row, (i, end if last else stop), (value, value), unit)
        if not last:
            _add(tokens, row, stop, stop + 1, _MARK, _DASH)
        i = stop + 1
    return end


@inner_kernel
def _joins_numbers(text: np.ndarray, gap: int, i: int, tokens: Tokens, row: int) -> bool:
    """Tell whether a dash joins a number before it with one after it: 12号楼-3-502."""
    last = tokens.size[row] - 1
    if gap < i or last < 0 or tokens.kind[row, last] != _NUMBER:
        return False
    return i + 1 < len(text) and is_digit(text[i + 1])


@inner_kernel
def _add_counted(
    tokens: Tokens, row: int, span: tuple[int, int], values: tuple[int, int], unit: int
) -> None:
    if _add(tokens, row, span[0], span[1], _NUMBER, unit):
        at = tokens.size[row] - 1
        tokens.value[row, at], tokens.last[row, at] = values


@inner_kernel
def _ends_in_way(text: np.ndarray, i: int) -> int:
    """Return where a road's name stops whose number stands at `i` (东四9条, 纬2路, 12号大街), or `i`."""
    stop = i
    while stop < len(text) and is_digit(text[stop]):
        stop += 1
    if stop == i or stop - i > 3:
        return i
    if stop < len(text) and text[stop] == _HAO:
        stop += 1
    end = _find_way_end(text, stop)
    return end if end > stop else i


@inner_kernel
def _settle_numbers(tokens: Tokens, row: int) -> None:
    """Tell what numbers count by what they follow: 3单元502 is a room, 12楼 before 3单元 a building."""
    for k in range(tokens.size[row]):
        if tokens.kind[row, k] != _NUMBER:
            continue
        last = k - 1
        if last > 0 and tokens.kind[row, last] == _MARK and tokens.ident[row, last] == _DASH:
            last -= 1
        follows = last >= 0 and tokens.kind[row, last] == _NUMBER
        before = tokens.ident[row, last] if follows else -1
        unit, value = tokens.ident[row, k], tokens.value[row, k]
        if follows and before != _OTHER_UNIT and unit == _NO_UNIT:
            if before != _HOUSE or value > 100:
                tokens.ident[row, k] = _ROOM
        elif follows and unit == _HOUSE:
            if before in (_UNIT, _FLOOR) or (before == _BUILDING and value > 100):
                tokens.ident[row, k] = _ROOM
        elif follows and unit in (_FLOOR, _UNIT) and before == _FLOOR:
            tokens.ident[row, last] = _BUILDING


@inner_kernel
def _find_way_end(text: np.ndarray, at: int) -> int:
    """Return where the ending of a road that stands at `at` stops (路 北街 大道 胡同 条), or `at`."""
    i = at
    n = len(text)
    if i + 1 < n and (_SIDES[text[i]] or text[i] == ord("支")):
        i += 1
    if i + 1 < n and text[i] == _DA and (text[i + 1] == _JIE or text[i + 1] == _DAO):
        return i + 2
    if i + 1 < n and text[i] == _HU and text[i + 1] == _TONG:
        return i + 2
    if i < n and (text[i] == _LU or text[i] == _JIE or text[i] in (ord("巷"), ord("条"))):
        if i + 1 < n and text[i] == _JIE and text[i + 1] == _DAO:
            return at
        if i + 1 < n and (_AFTER_LU[text[i + 1]] or _SIDES[text[i + 1]]):
            # 路北 is a side, 路口 a crossing; 路北街 is a road.
            return at
        return i + 1
    return at


@inner_kernel
def _says_word(
    text: np.ndarray, gap: int, span: tuple[int, int], kind: int, tokens: Tokens, row: int
) -> bool:
    """Tell whether a word of the parser is meant as such, not as a part of a name."""
    i, stop = span
    n = len(text)
    if kind in (_SIDE, _END, _GATE, _MIDDLE):
        # 西门外大街, 北口胡同.
        at = stop + 1 if stop < n and (text[stop] == _WAI or text[stop] == _NEI) else stop
        return _find_way_end(text, at) == at
    if kind not in _LARGE_AREAS:
        return True
    if gap < i and not _LEADS[text[i - 1]]:
        return False
    last = tokens.size[row] - 1
    follows = gap == i and last >= 0 and tokens.end[row, last] == i
    if kind == _CITY_STEM:
        return follows and tokens.kind[row, last] in (_REGION, _REGION_SHORT)
    if kind in _SHORTS:
        if stop == n:
            return True
        if _find_way_end(text, stop) > stop or text[stop] == ord("湾"):
            return False
        at = stop + 1 if _SIDES[text[stop]] else stop
        if at < n and text[at] == _STATION:
            return False
        # 湖南街道, 河南岸街道, 青海镇.
        for begin in (stop, stop + 1):
            if begin < n and (text[begin] in _TOWN_ENDS or text[begin] == _VILLAGE_END):
                return False
            if _find_area_end(text, begin) > begin:
                return False
        return text[stop] != _QU
    return stop == n or not (_AFTER_DISTRICT[text[stop]] and text[stop - 1] == _SHI)


@inner_kernel
def _find_longer_name(text: np.ndarray, gap: int, i: int, cover: Cover) -> int:
    """Return where an unknown name ends that begins with the known one at `i`, or where that ends."""
    stop = np.int64(cover.end[i])
    n = len(text)
    end = _find_area_end(text, stop)
    if end > stop:
        return end
    if stop >= n or cover.end[stop] > stop:
        return stop
    if gap == i and stop - i <= 4 and _DISTRICT_ENDS[text[stop]] and text[stop] != _SHI:
        after = stop + 1 == n or not _AFTER_DISTRICT[text[stop + 1]]
        before = text[stop - 1]
        ended = _WAY_ENDS[before] or _DISTRICT_ENDS[before] or _NO_DISTRICT[before]
        if after and not ended:
            return stop + 1
    if _WAY_ENDS[text[stop - 1]]:
        return stop
    end = _find_way_end(text, stop)
    if end > stop:
        return end
    if text[stop - 1] == _MEN and (text[stop] == _NEI or text[stop] == _WAI):
        return _find_gate_way(text, stop, cover)
    return stop


@inner_kernel
def _find_gate_way(text: np.ndarray, stop: int, cover: Cover) -> int:
    """Return where a road ends that is called after the gate before `stop`: 东直门 + 内南小街; else `stop`."""
    first = stop + 1
    if first < len(text) and cover.end[first] > first and not _PREFIXES[text[first]]:
        return stop  # 建国门外 + 秀水街
    for i in range(first, min(first + _LONGEST_REST, len(text))):
        if _IS_MARK[text[i]] or is_digit(text[i]):
            return stop
        if i > first and (_ends_way(text, first, i) or text[i] == _JIE):
            after = i + 1
            if after < len(text) and (_AFTER_LU[text[after]] or text[after] == _DAO):
                return stop
            return after
    return stop


@inner_kernel
def _is_other_way(text: np.ndarray, gap: int, i: int, stop: int) -> bool:
    """Tell whether one character before a known road makes another road of it: 小石桥胡同."""
    return i - gap == 1 and _PREFIXES[text[gap]] and _WAY_ENDS[text[stop - 1]]


@inner_kernel
def _find_area_end(text: np.ndarray, stop: int) -> int:
    """Return where the ending of an area (街道 地区 社区) stops that follows a name, or `stop`."""
    if 0 < stop < len(text) and text[stop - 1] == _JIE and text[stop] == _DAO:
        return stop + 1
    if stop + 1 < len(text):
        for first, second in _AREA_PAIRS:
            if text[stop] == first and text[stop + 1] == second:
                return stop + 2
        if text[stop] == _COMMUNITY_PAIR[0] and text[stop + 1] == _COMMUNITY_PAIR[1]:
            return stop + 2
    return stop


@inner_kernel
def _may_be_number(text: np.ndarray, i: int) -> bool:
    code = text[i]
    if is_digit(code) or DIGIT_VALUE[code] >= 0 or code == _TEN:
        return True
    if i + 1 >= len(text):
        return False
    if is_letter(code):
        return is_digit(text[i + 1]) or read_unit(text, i + 1)[1] == _BUILDING
    return VARIANT[code] > 0 and (is_digit(text[i + 1]) or DIGIT_VALUE[text[i + 1]] >= 0)


@inner_kernel
def _find_cover(lexicon: Lexicon, text: np.ndarray, cover: Cover) -> None:
    """Choose names that do not overlap and whose squared lengths sum to the most."""
    ends = np.empty(_NAMES_PER_START, dtype=np.int64)
    names = np.empty(_NAMES_PER_START, dtype=np.int64)
    trie = lexicon.trie
    n = len(text)
    cover.best[n] = 0
    for i in range(n - 1, -1, -1):
        cover.best[i] = cover.best[i + 1]
        cover.end[i] = 0
        if trie.root[text[i]] < 0:
            continue
        for k in range(find_names_at(trie, text, i, ends, names)):
            stop = ends[k]
            if stop - i < 2 or _cuts_number(text, i, stop):
                continue
            worth = np.float32((stop - i) * (stop - i)) + cover.best[stop]
            # Of equal covers the one that leaves 和 between two names: 礼枫街 + 和 + 嘉苑路.
            if worth > cover.best[i] or (worth == cover.best[i] and not _IS_AND[text[i]]):
                cover.best[i] = worth
                cover.end[i] = stop
                cover.name[i] = names[k]


@inner_kernel
def _cuts_number(text: np.ndarray, start: int, stop: int) -> bool:
    """Tell whether a name from `start` to `stop` would cut digits in two."""
    if start > 0 and is_digit(text[start]) and is_digit(text[start - 1]):
        return True
    return stop < len(text) and is_digit(text[stop]) and is_digit(text[stop - 1])


@inner_kernel
def _add(tokens: Tokens, row: int, start: int, stop: int, kind: int, ident: int) -> bool:
    at = tokens.size[row]
    if at >= MOST_TOKENS:
        return False
    tokens.start[row, at] = start
    tokens.end[row, at] = stop
    tokens.kind[row, at] = kind
    tokens.ident[row, at] = ident
    tokens.value[row, at] = 0
    tokens.last[row, at] = 0
    tokens.variant[row, at] = 0
    tokens.size[row] = at + 1
    return True


@inner_kernel
def _add_gap(text: np.ndarray, gap: tuple[int, int, int], tokens: Tokens, row: int) -> None:
    """Add text between known parts: unknown areas, ways and the rest; `gap`: start, stop, numbered."""
    start, stop, numbered = gap
    if start < stop and _IS_AND[text[start]] and start > 0:
        _add(tokens, row, start, start + 1, _AND, -1)
        start += 1
    if start < stop and _is_lead(text, start, tokens, row):
        _add(tokens, row, start, start + 1, _NOISE, -1)
        start += 1
    start = _add_areas(text, start, stop, tokens, row)
    if start >= stop:
        return
    relation = 0 if numbered else np.int64(_RELATIONS[text[stop - 1]])
    body = stop - 1 if relation else stop
    if body - start == 1:
        _add(tokens, row, start, body, _TEXT, text[start])
    elif body > start:
        is_way = numbered or _WAY_ENDS[text[body - 1]]
        start = _split_ways(text, start, (body, is_way), tokens, row)
        _add(tokens, row, start, body, _WAY if is_way else _TEXT, -1)
    if relation:
        _add(tokens, row, body, stop, relation, -1)


@inner_kernel
def _is_lead(text: np.ndarray, start: int, tokens: Tokens, row: int) -> bool:
    """Tell whether a gap begins with what is no part of a name: 在, the 区 of 北京市区."""
    if text[start] == _AT:
        return True
    last = tokens.size[row] - 1
    return text[start] == _QU and last >= 0 and tokens.kind[row, last] in (_CITY, _CITY_SHORT)


@inner_kernel
def _is_district(text: np.ndarray, start: int, i: int, after_city: int) -> bool:
    """Tell whether a district or county ends at `i` that begins at `start`: 朝阳区, not 瑞龙小区."""
    size = i + 1 - start
    if size >= 5 and text[i - 1] == _AUTONOMOUS[1] and text[i - 2] == _AUTONOMOUS[0]:
        return size <= _LONGEST_COUNTY
    if not 3 <= size <= _LONGEST_DISTRICT:
        return False
    if is_letter(text[i - 1]) or is_digit(text[i - 1]):
        return False
    if _NO_DISTRICT_OF_CITY[text[i - 1]] or (_NO_DISTRICT[text[i - 1]] and not after_city):
        return False
    return i + 1 == len(text) or not _AFTER_DISTRICT[text[i + 1]]


@inner_kernel
def _may_hold_district(tokens: Tokens, row: int) -> bool:
    """Tell whether a district may be named next: nothing smaller stands before."""
    last = tokens.size[row] - 1
    if last < 0:
        return True
    kind = tokens.kind[row, last]
    return kind in _LARGE_AREAS or kind in (_MARK, _NOISE, _DISTRICT_TEXT)


@inner_kernel
def _add_areas(text: np.ndarray, start: int, stop: int, tokens: Tokens, row: int) -> int:
    """Add unknown districts, streets and communities at the head of a gap; return where the rest begins."""
    i = start + 1
    heads = _may_hold_district(tokens, row)
    last = tokens.size[row] - 1
    after_city = last >= 0 and tokens.kind[row, last] in _LARGE_AREAS
    while i < stop:
        kind, end = _find_area_kind(text, (start, i, stop), heads, after_city)
        if kind:
            _add(tokens, row, start, end, kind, -1)
            heads = heads and kind == _DISTRICT_TEXT
            after_city = False
            start = i = end
        i += 1
    return start


@inner_kernel
def _find_area_kind(
    text: np.ndarray, span: tuple[int, int, int], heads: int, after_city: int
) -> tuple[int, int]:
    """Return the kind of the unknown area that begins at ``span[0]`` and ends around ``span[1]``, and its end."""
    start, i, stop = span
    if heads and _DISTRICT_ENDS[text[i]] and _is_district(text, start, i, after_city):
        return _DISTRICT_TEXT, i + 1
    if i + 1 < stop:
        for first, second in _AREA_PAIRS:
            if text[i] == first and text[i + 1] == second:
                return _STREET_TEXT, i + 2
        if text[i] == _COMMUNITY_PAIR[0] and text[i + 1] == _COMMUNITY_PAIR[1]:
            return _COMMUNITY_TEXT, i + 2
    ends = i + 1 == len(text)
    if i - start >= 2 and text[i] in _TOWN_ENDS and (ends or not _NO_TOWN[text[i + 1]]):
        return _STREET_TEXT, i + 1
    village = text[i] == _VILLAGE_END and not _NO_VILLAGE[text[i - 1]]
    if village and i - start <= _LONGEST_VILLAGE and (ends or not _AFTER_VILLAGE[text[i + 1]]):
        return _VILLAGE_TEXT, i + 1
    return 0, i


@inner_kernel
def _split_ways(
    text: np.ndarray, start: int, until: tuple[int, int], tokens: Tokens, row: int
) -> int:
    """Add ways before the last part of a gap (某路某街 5号, 某路某大厦); return where that begins."""
    stop, _ = until
    i = start + 2
    while i < stop - 2:
        if _IS_AND[text[i]] and _WAY_ENDS[text[i - 1]]:
            _add(tokens, row, start, i, _WAY, -1)
            _add(tokens, row, i, i + 1, _AND, -1)
            start = i = i + 1
        elif _splits_way(text, start, i, until):
            _add(tokens, row, start, i + 1, _WAY, -1)
            start = i = i + 1
        i += 1
    return start


@inner_kernel
def _splits_way(text: np.ndarray, start: int, i: int, until: tuple[int, int]) -> bool:
    """Tell whether a road ends at i and enough follows that is no part of it; ``until`` as in :func:`_split_ways`."""
    stop, is_way = until
    if not _ends_way(text, start, i) or _IS_AND[text[i + 1]]:
        return False
    return (is_way and _WAY_ENDS[text[stop - 1]]) or stop - i > _SHORTEST_AFTER_WAY


@inner_kernel
def _ends_way(text: np.ndarray, start: int, i: int) -> bool:
    """Tell whether a road surely ends at i: 路, 胡同, 大街, 大道 within a longer unknown text."""
    if text[i] == _LU:
        after = i + 1 == len(text) or not (_AFTER_LU[text[i + 1]] or _SIDES[text[i + 1]])
        return after and not _BEFORE_LU[text[i - 1]]
    lane = text[i] == _TONG and text[i - 1] == _HU
    avenue = (text[i] == _JIE or text[i] == _DAO) and text[i - 1] == _DA
    return i > start and (lane or avenue)
