"""Numbers of addresses: digits and Chinese numerals, variants, ranges, lists and what they count."""

# mypy: disable-error-code="arg-type,assignment,return-value,no-any-return"
# Compiled code: numpy scalars are plain numbers there.

from typing import NamedTuple

import numpy as np

from geodata.address.words import UNIT_WORDS, NumberUnit
from geodata.kernels import inner_kernel

DIGITS = "零一二三四五六七八九"
VARIANT_LETTERS = "甲乙丙丁戊己庚辛临附新"
LARGEST_NUMBER = 99_999
"""No house number is larger; longer digits are telephone or order numbers."""

_ZERO, _NINE = ord("0"), ord("9")
_A, _Z = ord("a"), ord("z")
_TEN, _HUNDRED, _THOUSAND = ord("十"), ord("百"), ord("千")
_DASH, _LIST, _TO, _UNTIL = ord("-"), ord("、"), ord("至"), ord("到")
_NO = int(NumberUnit.NONE)
_HOUSE = int(NumberUnit.HOUSE)
_BUILDING = int(NumberUnit.BUILDING)
_UNIT = int(NumberUnit.UNIT)
_ROOM = int(NumberUnit.ROOM)
_FLOOR = int(NumberUnit.FLOOR)
_OTHER = int(NumberUnit.OTHER)


def _make_digit_values() -> np.ndarray:
    values = np.full(0x10000, -1, dtype=np.int8)
    for value, character in enumerate(DIGITS):
        values[ord(character)] = value
    values[ord("〇")] = 0
    values[ord("两")] = 2
    values[ord("幺")] = 1
    return values


def _make_variants() -> np.ndarray:
    variants = np.zeros(0x10000, dtype=np.uint8)
    for index, character in enumerate(VARIANT_LETTERS):
        variants[ord(character)] = index + 1
    return variants


def _make_units() -> tuple[np.ndarray, np.ndarray]:
    longest = max(len(word) for word in UNIT_WORDS)
    words = sorted(UNIT_WORDS, key=len, reverse=True)
    codes = np.zeros((len(words), longest), dtype=np.uint16)
    for row, word in enumerate(words):
        codes[row, : len(word)] = [ord(character) for character in word]
    return codes, np.array([UNIT_WORDS[word] for word in words], dtype=np.int64)


DIGIT_VALUE = _make_digit_values()
VARIANT = _make_variants()
UNIT_CODES, UNIT_KINDS = _make_units()
UNIT_BEGINS = np.zeros(0x10000, dtype=np.bool_)
UNIT_BEGINS[UNIT_CODES[:, 0]] = True


class ParsedNumber(NamedTuple):
    """A number found in a text: ``end == 0`` means none; ``last`` differs from ``value`` in ranges."""

    end: int
    value: int
    last: int
    variant: int
    unit: int


@inner_kernel
def is_digit(code: int) -> bool:
    """Tell whether a folded code is a digit."""
    return _ZERO <= code <= _NINE


@inner_kernel
def _read_digits(text: np.ndarray, at: int) -> tuple[int, int]:
    """Return the end of the digits at `at` and their value (-1 if too large)."""
    value, i = 0, at
    while i < len(text) and is_digit(text[i]):
        value = min(value * 10 + np.int64(text[i]) - _ZERO, 10_000_000)
        i += 1
    return i, value if value <= LARGEST_NUMBER else -1


@inner_kernel
def _read_numerals(text: np.ndarray, at: int) -> tuple[int, int]:
    """Return the end of the Chinese numerals at `at` and their value: 一百零二, 二十一, 一〇二."""
    total, digit, i = 0, 0, at
    positional, scaled = 0, False
    while i < len(text):
        code = np.int64(text[i])
        value = np.int64(DIGIT_VALUE[code])
        if value >= 0:
            digit = value
            positional = min(positional * 10 + value, 10_000_000)
        elif code in (_TEN, _HUNDRED, _THOUSAND):
            scale = 10 if code == _TEN else (100 if code == _HUNDRED else 1000)
            total += max(digit, 1 if i == at or total > 0 else digit) * scale
            digit, scaled = 0, True
        else:
            break
        i += 1
    result = total + digit if scaled else positional
    return i, result if result <= LARGEST_NUMBER else -1


@inner_kernel
def read_unit(text: np.ndarray, at: int) -> tuple[int, int]:
    """Return the end and the kind of the unit word at `at`; (at, NONE) where there is none."""
    if at >= len(text) or not UNIT_BEGINS[text[at]]:
        return at, _NO
    for row in range(len(UNIT_KINDS)):
        k = 0
        width = UNIT_CODES.shape[1]
        while k < width and UNIT_CODES[row, k] and at + k < len(text):
            if text[at + k] != UNIT_CODES[row, k]:
                break
            k += 1
        if k == width or UNIT_CODES[row, k] == 0:
            return at + k, UNIT_KINDS[row]
    return at, _NO


@inner_kernel
def read_number(text: np.ndarray, at: int) -> ParsedNumber:
    """Read a number at `at`: 甲17号, 13-15号, 5、7、9号, 一百零二号, 375; end 0 where none stands."""
    none = ParsedNumber(0, 0, 0, 0, 0)
    variant = np.int64(VARIANT[text[at]])
    i = at + 1 if variant else at
    if i >= len(text):
        return none
    if is_letter(text[i]):
        return _read_lettered(text, i)
    if is_digit(text[i]):
        end, value = _read_digits(text, i)
        if end + 1 < len(text) and is_letter(text[end]) and read_unit(text, end)[1] == _NO:
            # 12B号 is number 12.
            end += 1 if read_unit(text, end + 1)[1] in (_HOUSE, _BUILDING, _UNIT, _ROOM) else 0
    elif not is_digit(text[i]) and (DIGIT_VALUE[text[i]] >= 0 or text[i] == _TEN):
        end, value = _read_numerals(text, i)
        if read_unit(text, end)[1] in (_NO, _OTHER):
            return none
    else:
        return none
    unit_end, unit = read_unit(text, end)
    if unit == _NO:
        end, last, unit = _read_further(text, end, value)
        unit_end = end
        if unit == _NO:
            unit_end, unit = read_unit(text, end)
    elif unit == _HOUSE:
        end, last, _ = _read_further(text, unit_end, value)
        unit_end = max(unit_end, end)
    else:
        last = value
    if value < 0:
        return ParsedNumber(unit_end, 0, 0, variant, _OTHER)
    return ParsedNumber(unit_end, value, last, variant, unit)


@inner_kernel
def is_letter(code: int) -> bool:
    """Tell whether a folded code is a letter of the Latin alphabet."""
    return _A <= code <= _Z


@inner_kernel
def _read_lettered(text: np.ndarray, at: int) -> ParsedNumber:
    """Read a building or unit that is called by a letter: B座, W1座; its number is 0."""
    i = at + 1
    while i < len(text) and is_digit(text[i]):
        i += 1
    end, unit = read_unit(text, i)
    if unit in (_BUILDING, _UNIT):
        return ParsedNumber(end, 0, 0, 0, unit)
    return ParsedNumber(0, 0, 0, 0, 0)


@inner_kernel
def find_dashed(text: np.ndarray, at: int, inside: int) -> tuple[int, int]:
    """Return how many numbers joined by dashes at `at` count different things, and where they end; (0, at) for none.

    13-2021 is building and room, 8-10-1109 building, unit and room; 13-15号 is a range. ``inside``: a building
    stands before them.
    """
    first, before, here, count, i = 0, 0, 0, 0, at
    while i < len(text) and is_digit(text[i]) and count < 3:
        before = here
        i, here = _read_digits(text, i)
        first = here if count == 0 else first
        count += 1
        if i + 1 >= len(text) or text[i] != _DASH or not is_digit(text[i + 1]):
            break
        i += 1
    end, unit = read_unit(text, i)
    fits = unit in (_NO, _ROOM, _HOUSE) and (end == len(text) or text[end] != _DASH)
    if count == 3 and fits and first > 0:
        return 3, end
    roomy = here >= 101 and (here - before > 100 or here < before) and before <= 300
    if count == 2 and fits and first > 0 and (roomy or (inside and unit != _HOUSE)):
        return 2, end
    return 0, at


@inner_kernel
def _read_further(text: np.ndarray, end: int, value: int) -> tuple[int, int, int]:
    """Read the rest of a range or list after its first number; return end, last number and unit."""
    last, counted = value, _NO
    while end + 1 < len(text):
        separator = np.int64(text[end])
        if separator not in (_DASH, _LIST, _TO, _UNTIL):
            break
        i = end + 2 if VARIANT[text[end + 1]] else end + 1
        if i >= len(text) or not is_digit(text[i]):
            break
        after, number = _read_digits(text, i)
        unit_end, unit = read_unit(text, after)
        if separator == _LIST and unit not in (_NO, _HOUSE):
            break
        last = number if number > value else last
        end = unit_end if unit == _HOUSE else after
        counted = _HOUSE if unit == _HOUSE else counted
        if unit not in (_NO, _HOUSE):
            break
    return end, last, counted
