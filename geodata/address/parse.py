"""The compiled parser: one pass over a folded text, names by longest cover, the rest by form."""

# mypy: disable-error-code="arg-type,assignment,return-value,no-any-return"
# Compiled code: numpy scalars are plain numbers there.

from typing import NamedTuple

import numpy as np

from geodata.address.folding import LONGEST_TEXT
from geodata.address.numbers import DIGIT_VALUE, VARIANT, is_digit, read_number
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
_TEXT = int(TokenKind.TEXT)
_MARK = int(TokenKind.MARK)
_AND = int(TokenKind.AND)
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
_VILLAGE_END = ord("村")
DISTRICT_TEXT = -2
"""What ``ident`` of a text says that has the form of a district (朝阳区); of one character it is its code."""
_DISTRICT_ENDS = make_flags("区县市旗")
_NO_DISTRICT = make_flags("小社园校厂街片分景库老东西南北中一二三四五六七八九十甲乙丙丁期")
"""Before 区: parts of compounds, 小区, 园区, 东区, 二区."""
_HU, _TONG, _LU, _DA, _JIE, _DAO = (ord(character) for character in "胡同路大街道")


def _make_relations() -> np.ndarray:
    """Return the token kind of single characters that tell a relation at the end of a gap."""
    relations = np.zeros(0x10000, dtype=np.uint8)
    relations[ord("内")] = TokenKind.INSIDE
    relations[[ord("旁"), ord("外")]] = TokenKind.NEAR
    return relations


_RELATIONS = _make_relations()


class Tokens(NamedTuple):
    """Parts of texts, one row a text, ``size`` of them in each row.

    ``start end`` positions, ``kind``, ``ident`` (name, word, number unit, or what a text is: :data:`DISTRICT_TEXT`),
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
            area_end = _find_area_end(text, stop)
            if area_end > stop:
                # An unknown street named after a known road: 西长安街 + 街道.
                _add_gap(text, (gap, area_end, 0), tokens, row)
                gap = i = area_end
                continue
            _add_gap(text, (gap, i, 0), tokens, row)
            word = lexicon.word[cover.name[i]]
            kind = _NAME if word < 0 else np.int64(lexicon.word_kind[word])
            _add(tokens, row, i, stop, kind, cover.name[i] if word < 0 else word)
            gap = i = stop
            continue
        if _may_be_number(text, i):
            number = read_number(text, i)
            if number.end > 0:
                _add_gap(text, (gap, i, np.int64(number.unit != _OTHER_UNIT)), tokens, row)
                if _add(tokens, row, i, number.end, _NUMBER, number.unit):
                    at = tokens.size[row] - 1
                    tokens.value[row, at] = number.value
                    tokens.last[row, at] = number.last
                    tokens.variant[row, at] = number.variant
                gap = i = number.end
                continue
        if _IS_MARK[text[i]]:
            _add_gap(text, (gap, i, 0), tokens, row)
            _add(tokens, row, i, i + 1, _MARK, np.int64(text[i]))
            gap = i = i + 1
            continue
        i += 1
    _add_gap(text, (gap, len(text), 0), tokens, row)


@inner_kernel
def _find_area_end(text: np.ndarray, stop: int) -> int:
    """Return where the ending of an area (街道 地区 社区) stops that follows a name, or `stop`."""
    if stop < len(text) and text[stop - 1] == _JIE and text[stop] == _DAO:
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
    return (
        VARIANT[code] > 0
        and i + 1 < len(text)
        and (is_digit(text[i + 1]) or DIGIT_VALUE[text[i + 1]] >= 0)
    )


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
    start = _add_areas(text, start, stop, tokens, row)
    if start >= stop:
        return
    relation = 0 if numbered else np.int64(_RELATIONS[text[stop - 1]])
    body = stop - 1 if relation else stop
    if body - start == 1:
        _add(tokens, row, start, body, _TEXT, text[start])
    elif body > start and (numbered or _WAY_ENDS[text[body - 1]]):
        start = _split_ways(text, start, body, tokens, row)
        _add(tokens, row, start, body, _WAY, -1)
    elif body > start:
        _add(
            tokens,
            row,
            start,
            body,
            _TEXT,
            DISTRICT_TEXT if _is_district(text, start, body) else -1,
        )
    if relation:
        _add(tokens, row, body, stop, relation, -1)


@inner_kernel
def _is_district(text: np.ndarray, start: int, stop: int) -> bool:
    """Tell whether an unknown text has the form of a district or county: 朝阳区, not 瑞龙小区."""
    if not 3 <= stop - start <= 5 or not _DISTRICT_ENDS[text[stop - 1]]:
        return False
    return not _NO_DISTRICT[text[stop - 2]]


@inner_kernel
def _add_areas(text: np.ndarray, start: int, stop: int, tokens: Tokens, row: int) -> int:
    """Add unknown streets and communities at the head of a gap; return where the rest begins."""
    i = start + 1
    while i < stop:
        kind = 0
        if i + 1 < stop:
            for first, second in _AREA_PAIRS:
                if text[i] == first and text[i + 1] == second:
                    kind = _STREET_TEXT
            if text[i] == _COMMUNITY_PAIR[0] and text[i + 1] == _COMMUNITY_PAIR[1]:
                kind = _COMMUNITY_TEXT
        if kind:
            _add(tokens, row, start, i + 2, kind, -1)
            start = i + 2
            i = start
        elif i - start >= 2 and i + 1 < stop and text[i] in _TOWN_ENDS:
            _add(tokens, row, start, i + 1, _STREET_TEXT, -1)
            start = i + 1
            i = start
        i += 1
    return start


@inner_kernel
def _split_ways(text: np.ndarray, start: int, stop: int, tokens: Tokens, row: int) -> int:
    """Add ways before the last one of a gap (某路某街 5号); return where the last begins."""
    i = start + 2
    while i < stop - 2:
        if _IS_AND[text[i]] and _WAY_ENDS[text[i - 1]]:
            _add(tokens, row, start, i, _WAY, -1)
            _add(tokens, row, i, i + 1, _AND, -1)
            start = i = i + 1
        elif _ends_way(text, start, i) and _WAY_ENDS[text[stop - 1]] and not _IS_AND[text[i + 1]]:
            _add(tokens, row, start, i + 1, _WAY, -1)
            start = i = i + 1
        i += 1
    return start


@inner_kernel
def _ends_way(text: np.ndarray, start: int, i: int) -> bool:
    """Tell whether a road surely ends at i: 路, 胡同, 大街 within a longer unknown text."""
    if text[i] == _LU:
        return True
    lane = text[i] == _TONG and text[i - 1] == _HU
    return i > start and (lane or (text[i] == _JIE and text[i - 1] == _DA))
