"""Personal data in free text: masked wherever text leaves the system, unless asked otherwise.

People dictate their telephone and identity numbers to the hotline. The masks keep what a reader needs to tell
two numbers apart in one text and hide the rest, as in printed official notices in China (``138****5678``).
"""

import re

import pandas as pd

_LEFT = r"(?<![0-9A-Za-z])"
_RIGHT = r"(?![0-9A-Za-z])"

MASKS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    (
        "identity number",  # GB 11643: 6 area + 8 birth date + 3 sequence + check character
        re.compile(
            _LEFT
            + r"(\d{6})(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}([\dXx])"
            + _RIGHT
        ),
        r"\1***********\2",
    ),
    (
        "mobile number",  # eleven digits from 13 to 19, often spoken and written in groups
        re.compile(_LEFT + r"((?:\+?86[- ]?)?1[3-9]\d)[- ]?\d{4}[- ]?(\d{4})" + _RIGHT),
        r"\1****\2",
    ),
    (
        "landline number",  # area code 0xx or 0xxx, then seven or eight digits
        re.compile(_LEFT + r"(0\d{2,3})[- ]?\d{4,5}(\d{3})" + _RIGHT),
        r"\1-*****\2",
    ),
    (
        "bank card number",  # sixteen to nineteen digits from 62 (UnionPay), in groups of four or not
        re.compile(_LEFT + r"(62\d{2})(?:[ -]?\d{4}){2,3}[ -]?(\d{3,4})" + _RIGHT),
        r"\1********\2",
    ),
    (
        "e-mail address",
        re.compile(r"[A-Za-z0-9._%+-]+(@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)"),
        r"***\1",
    ),
)
"""What is masked, how it is recognised and what remains; applied in this order."""


def mask_text(text: str) -> str:
    """Return `text` with telephone, identity and card numbers and e-mail addresses masked."""
    for _name, pattern, kept in MASKS:
        text = pattern.sub(kept, text)
    return text


_SUSPECT = re.compile(r"\d[\d -]{8,}|@")


def mask_series(texts: pd.Series) -> pd.Series:
    """Return texts masked as by :func:`mask_text`, missing values kept, on the same index.

    Only texts with a long run of digits or an @ are touched: few are, and a million rows stay quick.
    """
    suspect = texts.str.contains(_SUSPECT).fillna(value=False).astype(bool)
    if not suspect.any():
        return texts
    masked = texts.astype(object)
    masked[suspect] = [mask_text(text) for text in texts[suspect]]
    return masked.astype(texts.dtype)
