"""Text of unknown or mixed encoding: UTF-8, GB18030, Big5 or UTF-16 found, undecodable lines marked.

Exports of Chinese systems are UTF-8 with or without BOM or GB18030, and files pasted together hold
both. Any byte pair can be some GB18030 character, so the whole file is never trusted to one attempt:
the lines vote, and a line that does not fit the file's encoding is marked, not guessed.
"""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from geodata.paths import fail_file

MARK = "\ufdd0"
"""Noncharacter (never in real text) that stands where bytes could not be decoded."""

NUL_MARK = "\ufdd1"
"""Noncharacter that stands where the file has a NUL byte."""

# Two three-byte sequences in a line that is valid UTF-8 throughout: GB18030 text of that length is
# valid UTF-8 only by a rare chance, while single pairs such as the bytes of 联通 are a known trap.
_UTF8_LINE = re.compile(rb"[\xe0-\xef][\x80-\xbf]{2}.*?[\xe0-\xef][\x80-\xbf]{2}", re.DOTALL)

BIG5 = "big5hkscs"
"""Big5 with the characters of Hong Kong, as Python names it."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BINARY_MAGIC = {
    b"PK\x03\x04": "a ZIP or XLSX file",
    b"\xd0\xcf\x11\xe0": "an old Excel (.xls) file",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "a SQLite or GeoPackage file",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip file",
}
_MOST_NUL_SHARE = (
    0.01  # a text file has stray NUL bytes at most; UTF-16 without BOM has a third or more
)


@dataclass(frozen=True, kw_only=True)
class DecodedText:
    """Text of a file; where ``marked`` is true some lines hold :data:`MARK` or :data:`NUL_MARK`."""

    text: str
    encoding: str
    marked: bool


def decode(data: bytes, path: Path, *, encoding: str = "auto") -> DecodedText:
    """Return the text of `data`, the bytes of the file `path`.

    Parameters
    ----------
    data
        Content of the file.
    path
        Named in messages.
    encoding
        A name that Python knows, or "auto".

    Raises
    ------
    InvalidDataError
        If the file is no text, the encoding is not known, or most lines do not fit it.
    """
    body, name = _strip_bom(data, encoding)
    if not name.startswith("utf-16"):
        _check_text(body, path)
    if name == "auto":
        name = detect_encoding(body)
    try:
        text, marked = body.decode(name), False
    except LookupError as error:
        raise fail_file(path, f"encoding {encoding!r} is not known", "utf-8 or gb18030") from error
    except UnicodeDecodeError:
        text, marked = _decode_lines(body, path, name), True
    else:
        if not name.startswith("utf") and encoding == "auto" and _has_utf8_line(body):
            text, marked = _decode_lines(body, path, name), True
    if "\0" in text:
        text, marked = text.replace("\0", NUL_MARK), True
    return DecodedText(text=text, encoding=name, marked=marked)


def detect_encoding(data: bytes) -> str:
    """Return "utf-8", "gb18030" or "big5hkscs", whichever more of the non-ASCII lines of `data` fit."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return "utf-8"
    lines = [line for line in data.splitlines() if not line.isascii()]
    as_utf8 = sum(_fits(line, "utf-8") for line in lines)
    if as_utf8 * 2 > len(lines):
        return "utf-8"
    return BIG5 if _is_big5(lines[:_LINES_JUDGED]) else "gb18030"


def _is_big5(lines: list[bytes]) -> bool:
    """Tell whether lines are Big5, which GB18030 decodes as well, to rare characters.

    The common characters of GB 2312 have a second byte from 0xA1 on, those of Big5 as often one below 0x7F, and
    a first byte from 0xA4 to 0xC6 (its level 1) or 0xA1 to 0xA3 (its signs).
    """
    pairs: list[bytes] = [
        pair for line in lines if _fits(line, BIG5) for pair in _PAIR.findall(line)
    ]
    sound = sum(_fits(line, BIG5) for line in lines)
    if len(pairs) < _LEAST_PAIRS or sound * 2 <= len(lines):
        return False
    common = sum(0xA1 <= pair[0] <= 0xC6 for pair in pairs)
    low = sum(0x40 <= pair[1] <= 0x7E and 0xA1 <= pair[0] <= 0xC6 for pair in pairs)
    return common >= 0.85 * len(pairs) and low >= 0.12 * len(pairs)


_PAIR = re.compile(rb"[\x80-\xff][\x00-\xff]", re.DOTALL)
_LEAST_PAIRS = 4
"""Fewer characters are a matter of luck; the usual encoding is assumed then."""
_LINES_JUDGED = 2_000


def _strip_bom(data: bytes, encoding: str) -> tuple[bytes, str]:
    for bom, name in _BOMS:
        if data.startswith(bom) and encoding.lower() in {
            "auto",
            name,
            name[:6],
            "utf-8-sig",
            "utf8",
        }:
            return data[len(bom) :], name
    return data, encoding.lower()


def _check_text(data: bytes, path: Path) -> None:
    for magic, kind in _BINARY_MAGIC.items():
        if data.startswith(magic):
            raise fail_file(path, f"is {kind}, not text", "the ending that fits, or a CSV export")
    if data.count(0) > _MOST_NUL_SHARE * len(data):
        raise fail_file(path, "is not a text file (many NUL bytes)", "CSV in UTF-8 or GB18030")


def _has_utf8_line(data: bytes) -> bool:
    return any(_is_utf8_line(line) for line in data.splitlines() if not line.isascii())


def _is_utf8_line(line: bytes) -> bool:
    return _UTF8_LINE.search(line) is not None and _fits(line, "utf-8")


def _fits(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _decode_lines(data: bytes, path: Path, encoding: str) -> str:
    lines = data.splitlines(keepends=True)
    texts, bad, wide = [], 0, 0
    for line in lines:
        wide += not line.isascii()
        text = _decode_line(line, encoding)
        bad += MARK in text
        texts.append(text)
    if bad * 2 > wide:
        other = "gb18030" if encoding.startswith("utf") else "utf-8"
        raise fail_file(
            path,
            f"is not {encoding}: {bad} of {wide} lines with non-ASCII text do not fit",
            f"the right encoding, perhaps {other}; or save the file again as UTF-8",
        )
    return "".join(texts)


def _decode_line(line: bytes, encoding: str) -> str:
    other = "gb18030" if encoding.startswith("utf") else "utf-8"
    foreign = not encoding.startswith("utf") and _is_utf8_line(line)
    if not foreign and _fits(line, encoding):
        return line.decode(encoding)
    if foreign or _fits(line, other):
        return _mark_text(line.decode(other))
    return line.decode(encoding, errors="replace").replace("\ufffd", MARK)


def _mark_text(text: str) -> str:
    # Readable in the report, and marked inside the text so that quotes keep their places.
    at = next(i for i, character in enumerate(text) if ord(character) > 127)
    return f"{text[:at]}{MARK}{text[at:]}"
