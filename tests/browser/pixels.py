"""Pictures of pages as arrays: the PNG that a browser gives, decoded without another library."""

import struct
import zlib

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def read_png(data: bytes) -> np.ndarray:
    """Return an 8-bit RGB or RGBA picture as (height, width, 3), int."""
    assert data.startswith(SIGNATURE)
    at, parts, head = len(SIGNATURE), [], b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        head = body if kind == b"IHDR" else head
        if kind == b"IDAT":
            parts.append(body)
        at += length + 12
    width, height, depth, colour = struct.unpack(">IIBB", head[:10])
    assert depth == 8
    channels = {2: 3, 6: 4}[colour]
    raw = np.frombuffer(zlib.decompress(b"".join(parts)), dtype=np.uint8)
    rows = raw.reshape(height, 1 + width * channels)
    return _unfilter(rows, width, channels)[..., :3].astype(int)


def _unfilter(rows: np.ndarray, width: int, channels: int) -> np.ndarray:
    done = np.zeros((len(rows) + 1, width, channels), dtype=np.int32)
    for number, row in enumerate(rows, 1):
        kind, line = int(row[0]), row[1:].reshape(width, channels).astype(np.int32)
        above = done[number - 1]
        if kind == 1:
            line = np.cumsum(line, axis=0)
        elif kind == 2:
            line = line + above
        elif kind in {3, 4}:
            line = _predict(line, above, kind)
        done[number] = line & 255
    return done[1:]


def _predict(line: np.ndarray, above: np.ndarray, kind: int) -> np.ndarray:
    """Undo the filters that look at the left neighbour and the one above, pixel by pixel."""
    out = np.zeros_like(line)
    left = np.zeros(line.shape[1], dtype=np.int32)
    corner = left
    for at in range(len(line)):
        up = above[at]
        if kind == 3:
            guess = (left + up) // 2
        else:
            p = left + up - corner
            a, b, c = abs(p - left), abs(p - up), abs(p - corner)
            guess = np.where((a <= b) & (a <= c), left, np.where(b <= c, up, corner))
        left = out[at] = (line[at] + guess) & 255
        corner = up
    return out
