"""Sound files without where they were recorded. Format: ISO/IEC 14496-12 (boxes)."""

import struct

from gridgov.rules.uploads.pictures import BrokenError

_HOLDERS = frozenset({b"moov", b"trak", b"mdia"})
_WORDS = frozenset({b"udta", b"meta", b"uuid"})
"""Boxes of words about the recording: title, device, place."""


def clean_m4a(data: bytes) -> bytes:
    """Return an M4A whose boxes of words are blank; nothing moves, so the offsets of the sound stay right.

    Raises
    ------
    BrokenError
        A box is cut off.
    """
    made = bytearray(data)
    _blank(made, 0, len(made))
    return bytes(made)


def _blank(made: bytearray, start: int, end: int) -> None:
    at = start
    while at < end:
        if at + 8 > end:
            raise BrokenError("a box is cut off")
        size, name = struct.unpack(">I", made[at : at + 4])[0], bytes(made[at + 4 : at + 8])
        head = 8
        if size == 1:
            size, head = struct.unpack(">Q", made[at + 8 : at + 16])[0], 16
        stop = end if size == 0 else at + size
        if stop > end or stop < at + head:
            raise BrokenError("a box is longer than the file")
        if name in _WORDS:
            made[at + 4 : at + 8] = b"free"
            made[at + head : stop] = bytes(stop - at - head)
        elif name in _HOLDERS:
            _blank(made, at + head, stop)
        at = stop
