"""Personal data in free text: masked wherever text leaves the system, unless asked otherwise.

People dictate their telephone and identity numbers to the hotline, and write them as they like: in full width, in
groups, in Chinese numerals. So a text is searched in a folded form (NFKC, numerals as digits, nothing invisible), and
what is found is masked in the text as it was written. The masks keep what a reader needs to tell two numbers apart in
one text and hide the rest, as in printed official notices in China (``138****5678``).
"""

import re
import unicodedata
from dataclasses import dataclass

import pandas as pd

_LEFT = r"(?<![0-9A-Za-z])"
_RIGHT = r"(?![0-9A-Za-z])"
_GAP = r"[ \-.·、]{0,2}"
"""What may stand between two digits of a number that is read out or written in groups."""

_NUMERALS = str.maketrans(
    "零〇○一二三四五六七八九幺壹贰叁肆伍陆柒捌玖", "000123456789" + "1" + "123456789"
)
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使"


def _digits(least: int, most: int | None = None) -> str:
    """Return a pattern of some digits with gaps between them."""
    return rf"\d(?:{_GAP}\d){{{least - 1},{(most or least) - 1}}}"


@dataclass(frozen=True, kw_only=True)
class Mask:
    """One kind of personal number.

    Parameters
    ----------
    name
        What it is.
    pattern
        How it is recognised in folded text; the group ``all`` is replaced, the whole match if there is none.
    head, tail
        Letters and digits that remain at the beginning and at the end.
    stars
        What stands for the others.
    """

    name: str
    pattern: re.Pattern[str]
    head: int
    tail: int
    stars: str


MASKS = (
    Mask(
        name="identity number",  # GB 11643: 6 area + 8 birth date + 3 sequence + check character
        pattern=re.compile(
            _LEFT
            + rf"{_digits(6)}{_GAP}(?:1{_GAP}[89]|2{_GAP}0){_GAP}\d{_GAP}\d{_GAP}[01]{_GAP}\d{_GAP}[0-3]{_GAP}\d"
            + rf"(?:{_GAP}\d){{3}}{_GAP}[\dXx]"
            + _RIGHT
        ),
        head=6,
        tail=1,
        stars="***********",
    ),
    Mask(
        name="mobile number",  # eleven digits from 13 to 19, often spoken and written in groups
        pattern=re.compile(
            _LEFT + rf"(?:\+?86{_GAP}|0)?(?P<all>1{_GAP}[3-9]{_GAP}{_digits(9)})" + _RIGHT
        ),
        head=3,
        tail=4,
        stars="****",
    ),
    Mask(
        name="landline number",  # area code 0xx or 0xxx, then seven or eight digits
        pattern=re.compile(_LEFT + r"\(?(?P<all>0\d{2,3}[)\- ]{0,2}\d{7,8})" + _RIGHT),
        head=0,
        tail=3,
        stars="*****",
    ),
    Mask(
        name="bank card number",  # sixteen to nineteen digits from 62 (UnionPay), in groups of four or not
        pattern=re.compile(_LEFT + rf"6{_GAP}2{_GAP}{_digits(14, 17)}" + _RIGHT),
        head=4,
        tail=4,
        stars="********",
    ),
    Mask(
        name="e-mail address",
        pattern=re.compile(r"(?P<all>[A-Za-z0-9._%+-]+)@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"),
        head=0,
        tail=0,
        stars="***",
    ),
    Mask(
        name="licence plate",  # GA 36: province, letter, five or six letters and digits
        pattern=re.compile(
            rf"(?P<all>[{_PROVINCES}][A-HJ-NP-Za-hj-np-z][· ]?(?=[A-Za-z0-9]*\d)[A-HJ-NP-Za-hj-np-z0-9]{{4,5}}"
            r"[A-HJ-NP-Za-hj-np-z0-9挂学警港澳])(?![0-9A-Za-z])"
        ),
        head=2,
        tail=1,
        stars="****",
    ),
    Mask(
        name="passport number",  # ordinary and exit permits; other letters only where the text says what it is
        pattern=re.compile(
            _LEFT
            + r"(?P<all>[EGeg]\d{8}|[Ee][A-HJ-NP-Za-hj-np-z]\d{7}|(?<=护照)[A-Za-z]{1,2}\d{6,8}"
            + r"|(?<=护照号)[A-Za-z]{1,2}\d{6,8}|(?<=护照[:： ])[A-Za-z]{1,2}\d{6,8})"
            + _RIGHT
        ),
        head=1,
        tail=2,
        stars="******",
    ),
    Mask(
        name="WeChat or QQ number",
        pattern=re.compile(
            r"(?:微信|薇信|[Ww]e[Cc]hat|(?<![A-Za-z])[VvWw][Xx]|QQ|qq)(?:号码|号|帐号|账号)?[是为:： ]{0,3}"
            r"(?P<all>[A-Za-z][-_A-Za-z0-9]{5,19}|[1-9]\d{4,11})(?![-_A-Za-z0-9])"
        ),
        head=1,
        tail=0,
        stars="*****",
    ),
)
"""What is masked, how it is recognised and what remains; applied in this order."""


def _fold(text: str) -> tuple[str, list[int]]:
    """Return the folded text and, for each of its characters, the place in `text` that it comes from."""
    folded: list[str] = []
    places: list[int] = []
    for place, sign in enumerate(text):
        if unicodedata.category(sign) == "Cf":
            continue  # Invisible: a space of no width between two digits hides nothing.
        plain = unicodedata.normalize("NFKC", sign).translate(_NUMERALS)
        for part in plain:
            digit = unicodedata.digit(part, None)
            folded.append(part if digit is None else str(digit))
            places.append(place)
    return "".join(folded), places


def mask_text(text: str) -> str:
    """Return `text` with telephone, identity, card, passport, plate and account numbers and e-mail addresses masked."""
    for mask in MASKS:
        folded, places = _fold(text)
        found = list(mask.pattern.finditer(folded))
        for match in reversed(found):
            group = "all" if "all" in mask.pattern.groupindex else 0
            start, stop = match.span(group)
            text = text[: places[start]] + _hide(mask, match[group]) + text[places[stop - 1] + 1 :]
    return text


def _hide(mask: Mask, number: str) -> str:
    """Return what stands in a number's place."""
    if mask.name == "landline number":
        area = re.match(r"0\d{2,3}(?=[)\- ])|010|02\d|0\d{3}", number)
        signs = re.sub(r"\D", "", number)
        return f"{area[0] if area else signs[:3]}-{mask.stars}{signs[-mask.tail :]}"
    signs = re.sub(r"[ \-.·、]", "", number) if mask.name != "WeChat or QQ number" else number
    return signs[: mask.head] + mask.stars + (signs[-mask.tail :] if mask.tail else "")


_SUSPECT = re.compile(
    rf"(?:[\d零〇○一二三四五六七八九幺壹贰叁肆伍陆柒捌玖][ \-.·、)）\u200b-\u200f\u2060\ufeff　]*){{7,}}|[@＠﹫]"
    rf"|[{_PROVINCES}][A-Za-zＡ-Ｚａ-ｚ]|微信|薇信|[Ww]e[Cc]hat|[VvWw][Xx]|[Qq]{{2}}"
)
"""Texts without any of these hold nothing that a mask would find."""


_CUT = re.compile(rf"[\dA-Za-z](?:{_GAP}[\dA-Za-z]){{4,}}{_GAP}\.\.\.$")
"""The beginning of a number whose end was cut off, in folded text: no mask knows it any more."""


def mask_shortened(text: str) -> str:
    """Return a masked text that may have been cut to a length, so that half a number does not stay either.

    Examples
    --------
    >>> mask_shortened("电话13812345678，邻居1390000…")
    '电话138****5678，邻居…'
    """
    folded, places = _fold(text)
    cut = _CUT.search(folded)
    return mask_text(text if cut is None else text[: places[cut.start()]] + "…")


def mask_series(texts: pd.Series) -> pd.Series:
    """Return texts masked as by :func:`mask_text`, missing values kept, on the same index.

    Only texts that could hold something are looked at closely: few are, and a million rows stay quick.
    """
    suspect = texts.str.contains(_SUSPECT).fillna(value=False).astype(bool)
    if not suspect.any():
        return texts
    masked = texts.astype(object)
    masked[suspect] = [mask_text(text) for text in texts[suspect]]
    return masked.astype(texts.dtype)
