"""Text of shapefiles: which encoding its bytes are in, whatever the .cpg file beside it says.

A .cpg file is often empty, wrong or names what nobody knows ("OEM"), and the format cuts names of fields after ten
bytes, in the middle of a character. So the bytes decide: sound UTF-8 is UTF-8; else what the .cpg file names, unless
that makes Latin letters of Chinese pairs of bytes; else GB18030 or Big5.
"""

import codecs
import re
from collections.abc import Iterable
from pathlib import Path

import geopandas as gpd
import pandas as pd

from geodata.files.encodings import detect_encoding
from geodata.problems import Problem

RAW = "ISO-8859-1"
"""Gives each byte a character of its own, so that text read in it can be turned into its bytes."""

_ALIASES = {
    "936": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "950": "cp950",
    "65001": "utf-8",
}
_CHINESE_PAIRS = re.compile(rb"(?:[\x00-\x7f]|[\xa1-\xfe][\xa1-\xfe])*")


def find_codec(cpg: str) -> str:
    """Return Python's name of the encoding that a .cpg file names, empty if it names none."""
    plain = re.sub(r"^(?:ansi|cp|windows|ibm|ms|oem)?[\s_\-]*", "", cpg.strip().lower())
    for name in filter(None, (_ALIASES.get(plain), cpg.strip(), plain, f"cp{plain}")):
        try:
            return codecs.lookup(name).name
        except LookupError:
            continue
    return ""


def decode_frame(
    frame: gpd.GeoDataFrame, path: Path, *, encoding: str | None
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Return a layer read in :data:`RAW` with its names and texts decoded, and what was wrong with the .cpg file.

    Parameters
    ----------
    frame
        The layer.
    path
        Its .shp file.
    encoding
        The encoding that the caller declares; None finds it.
    """
    names = [str(name) for name in frame.columns if name != frame.geometry.name]
    texts = [name for name in names if _is_text(frame[name])]
    values = {name: frame[name].dropna().unique() for name in texts}
    given = [
        text.encode(RAW) for text in (*names, *(one for some in values.values() for one in some))
    ]
    said = _read_cpg(path)
    codec, problems = encoding or "", []
    if not codec:
        codec = _choose(given, find_codec(said or ""))
        # Said where it would have been read otherwise; a file without .cpg states nothing.
        if (
            said is not None
            and find_codec(said) != codec
            and any(not raw.isascii() for raw in given)
        ):
            problems.append(
                Problem(
                    file=str(path),
                    field=f"{path.stem}.cpg",
                    value=said,
                    problem=f"names no encoding that fits the text; it is read as {codec.upper()}",
                    expected="the encoding of the .dbf file, such as UTF-8 or GBK",
                    severity="warning",
                )
            )
    renamed = frame.rename(columns={name: _decode(name, codec) for name in names})
    for name in texts:
        table = {text: _decode(text, codec) for text in values[name]}
        renamed[_decode(name, codec)] = frame[name].map(table).astype("str")
    return renamed, problems


def _is_text(column: pd.Series) -> bool:
    return bool(pd.api.types.is_string_dtype(column) or column.dtype == object)


def _read_cpg(path: Path) -> str | None:
    for entry in path.parent.iterdir():
        if entry.stem == path.stem and entry.suffix.lower() == ".cpg":
            return entry.read_bytes()[:64].decode("ascii", errors="replace").strip()
    return None


def _choose(given: Iterable[bytes], stated: str) -> str:
    wide = [raw for raw in given if not raw.isascii()]
    if not wide or all(_fits(raw, "utf-8") for raw in wide):
        return "utf-8"
    multibyte = stated.startswith(("gb", "big5", "cp9", "euc", "shift", "johab", "hz", "iso2022"))
    if stated and stated != "utf-8" and all(_fits(raw, stated) for raw in wide):
        # Letters with accents stand alone among others; Chinese comes in pairs of high bytes.
        pairs = sum(_CHINESE_PAIRS.fullmatch(raw) is not None for raw in wide)
        if multibyte or pairs * 2 <= len(wide):
            return stated
    return detect_encoding(b"\n".join(wide))


def _fits(raw: bytes, codec: str) -> bool:
    """Tell whether bytes are text of a codec, but for a last character that was cut."""
    return any(_is_sound(raw[: len(raw) - cut], codec) for cut in range(4) if cut < len(raw))


def _is_sound(raw: bytes, codec: str) -> bool:
    try:
        raw.decode(codec)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def _decode(text: str, codec: str) -> str:
    raw = text.encode(RAW)
    for cut in range(min(4, len(raw))):
        if _is_sound(raw[: len(raw) - cut], codec):
            return raw[: len(raw) - cut].decode(codec)
    return raw.decode(codec, errors="replace")
