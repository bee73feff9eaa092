"""Pictures without what stands beside them: place, time, device, thumbnail, words, and whatever hangs behind the end.

The pixels are not touched: a photo as evidence stays the photo. Formats: ITU-T T.81 annex B (JPEG), W3C PNG third
edition, RFC 9649 (WebP), Exif 2.32 for the one tag that is kept, how the phone was held.
"""

import struct
import zlib

MOST_PIXELS = 100_000_000
"""A browser that unpacks more stands still; phones of today make up to 50 million, seldom 100."""
ORIENTATION = 0x0112


class BrokenError(ValueError):
    """The bytes do not hold together."""


class TooManyPixelsError(ValueError):
    """The picture would fill the memory of who looks at it."""


def check_pixels(width: int, height: int) -> None:
    """Refuse a picture of no or too many pixels.

    Raises
    ------
    BrokenError, TooManyPixelsError
        It has none; more than :data:`MOST_PIXELS`.
    """
    if not width or not height:
        raise BrokenError("it has no pixels")
    if width * height > MOST_PIXELS:
        raise TooManyPixelsError(
            f"the picture has {width} × {height} pixels; expected at most {MOST_PIXELS // 1_000_000} million"
        )


# --- JPEG ---------------------------------------------------------------------------------------------

_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_SOS, _EOI, _APP0, _APP1, _APP14, _COM = 0xDA, 0xD9, 0xE0, 0xE1, 0xEE, 0xFE


def clean_jpeg(data: bytes) -> bytes:
    """Return a JPEG with its frame, tables and scans alone, and how it was held.

    Raises
    ------
    BrokenError, TooManyPixelsError
        It is cut off, has no frame or scan; see :func:`check_pixels`.
    """
    kept, at, turn = [data[:2]], 2, 1
    frames = scans = 0
    while True:
        at = _find_marker(data, at)
        code = data[at + 1]
        if code == _EOI:
            break
        if at + 4 > len(data):
            raise BrokenError("a segment has no length")
        end = at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
        if end > len(data) or end < at + 4:
            raise BrokenError("a segment is longer than the file")
        segment = data[at:end]
        if code in _FRAMES:
            frames += 1
            height, width = struct.unpack(">HH", segment[5:9])
            check_pixels(width, height)
        if code == _APP1:
            turn = _read_turn(segment) or turn
        if code == _SOS:
            scans += 1
            end = _find_scan_end(data, end)
            segment = data[at:end]
        if code in {_APP0, _APP14} or not (_APP0 <= code <= 0xEF or code == _COM):
            kept.append(segment)
        at = end
    if not frames or not scans:
        raise BrokenError("it has no picture in it")
    if turn != 1:
        kept.insert(1, _make_turn(turn))
    return b"".join(kept) + b"\xff\xd9"


def _find_marker(data: bytes, at: int) -> int:
    """Return where a marker stands; fill bytes before it are passed over."""
    if at >= len(data) or data[at] != 0xFF:
        raise BrokenError("no marker where one must stand")
    while at + 1 < len(data) and data[at + 1] == 0xFF:
        at += 1
    if at + 1 >= len(data):
        raise BrokenError("its end is missing")
    return at


def _find_scan_end(data: bytes, at: int) -> int:
    """Return where the coded data of a scan ends: at a marker that is neither stuffed nor a restart."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise BrokenError("its end is missing")
        if data[at + 1] == 0x00 or 0xD0 <= data[at + 1] <= 0xD7:
            at += 2
        elif data[at + 1] == 0xFF:
            at += 1
        else:
            return at


def _read_turn(segment: bytes) -> int:
    """Return the orientation (1–8) of an Exif segment, 0 where it says none that can be read."""
    if segment[4:10] != b"Exif\x00\x00":
        return 0
    tiff = segment[10:]
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 10:
        return 0
    (first,) = struct.unpack(order + "I", tiff[4:8])
    if first + 2 > len(tiff):
        return 0
    (count,) = struct.unpack(order + "H", tiff[first : first + 2])
    for number in range(min(count, 200)):
        entry = tiff[first + 2 + 12 * number : first + 14 + 12 * number]
        if len(entry) < 12:
            return 0
        tag, kind, _, value = struct.unpack(order + "HHIH", entry[:10])
        if tag == ORIENTATION and kind == 3 and 1 <= value <= 8:
            return int(value)
    return 0


def _make_turn(turn: int) -> bytes:
    """Return an Exif segment that says how the picture was held and nothing else."""
    tiff = b"MM\x00*" + struct.pack(">IHHHIHHI", 8, 1, ORIENTATION, 3, 1, turn, 0, 0)
    body = b"Exif\x00\x00" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


# --- PNG ----------------------------------------------------------------------------------------------

_PNG_KEPT = frozenset(
    {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"sBIT"}
)


def clean_png(data: bytes) -> bytes:
    """Return a PNG with the chunks that make its picture.

    Raises
    ------
    BrokenError, TooManyPixelsError
        A chunk is cut off or its check sum wrong, or there is no picture; see :func:`check_pixels`.
    """
    kept, at = [data[:8]], 8
    names: set[bytes] = set()
    while True:
        if at + 12 > len(data):
            raise BrokenError("its end is missing")
        (length,) = struct.unpack(">I", data[at : at + 4])
        name, end = data[at + 4 : at + 8], at + 12 + length
        if end > len(data):
            raise BrokenError("a chunk is longer than the file")
        if struct.pack(">I", zlib.crc32(data[at + 4 : end - 4])) != data[end - 4 : end]:
            raise BrokenError("the check sum of a chunk is wrong")
        if not names and name != b"IHDR":
            raise BrokenError("its first chunk is not its head")
        if name == b"IHDR":
            check_pixels(*struct.unpack(">II", data[at + 8 : at + 16]))
        names.add(name)
        if name in _PNG_KEPT:
            kept.append(data[at:end])
        if name == b"IEND":
            break
        at = end
    if b"IDAT" not in names:
        raise BrokenError("it has no picture in it")
    return b"".join(kept)


# --- WebP ---------------------------------------------------------------------------------------------

_WEBP_KEPT = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"})
_BESIDE = 0x20 | 0x08 | 0x04
"""Flags of VP8X that announce a colour profile, Exif and XMP."""


def clean_webp(data: bytes) -> bytes:
    """Return a WebP with the chunks that make its picture.

    Raises
    ------
    BrokenError, TooManyPixelsError
        It is cut off or has no picture; see :func:`check_pixels`.
    """
    (size,) = struct.unpack("<I", data[4:8])
    whole = 8 + size
    if whole > len(data):
        raise BrokenError("its end is missing")
    kept, at = [], 12
    names: set[bytes] = set()
    while at + 8 <= whole:
        name = data[at : at + 4]
        (length,) = struct.unpack("<I", data[at + 4 : at + 8])
        end = at + 8 + length + length % 2
        if at + 8 + length > whole:
            raise BrokenError("a chunk is longer than the file")
        chunk = bytearray(data[at : min(end, whole)])
        if name == b"VP8X":
            chunk[8] &= ~_BESIDE & 0xFF
            width, height = (int.from_bytes(chunk[n : n + 3], "little") + 1 for n in (12, 15))
            check_pixels(width, height)
        elif name == b"VP8L":
            bits = int.from_bytes(chunk[9:13], "little")
            check_pixels((bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1)
        if name in _WEBP_KEPT:
            kept.append(bytes(chunk))
            names.add(name)
        at = end
    if not names & {b"VP8 ", b"VP8L", b"ANMF"}:
        raise BrokenError("it has no picture in it")
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body
