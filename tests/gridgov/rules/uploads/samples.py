"""Files made byte by byte, as phones make them: with place and time, turned, cut off, under a false name."""

import struct
import zlib

SECRET = b"GPS 39.9050N 116.4050E iPhone of Wang"


def make_segment(code, body):
    return bytes([0xFF, code]) + struct.pack(">H", len(body) + 2) + body


def make_exif(turn=6, order="<"):
    mark = b"II*\x00" if order == "<" else b"MM\x00*"
    entries = [(0x010F, 2, 4, 0), (0x0112, 3, 1, turn)]
    body = b"".join(
        struct.pack(order + "HHI", tag, kind, n)
        + (struct.pack(order + "HH", value, 0) if kind == 3 else struct.pack(order + "I", value))
        for tag, kind, n, value in entries
    )
    tiff = mark + struct.pack(order + "IH", 8, len(entries)) + body + struct.pack(order + "I", 0)
    return b"Exif\x00\x00" + tiff + SECRET


def make_jpeg(
    *, turn=6, order="<", width=640, height=480, tail=b"", scan=b"\x01\xff\x00\x02\xff\xd0\x03"
):
    return (
        b"\xff\xd8"
        + make_segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
        + make_segment(0xE1, make_exif(turn, order))
        + make_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + SECRET)
        + make_segment(0xED, b"Photoshop 3.0\x00" + SECRET)
        + make_segment(0xFE, SECRET)
        + make_segment(0xDB, bytes(65))
        + make_segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00")
        + make_segment(0xDA, b"\x01\x01\x00\x00\x3f\x00")
        + scan
        + b"\xff\xd9"
        + tail
    )


def make_chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def make_png(*, width=2, height=2, tail=b""):
    rows = b"".join(b"\x00" + bytes(3 * min(width, 4)) for _ in range(min(height, 4)))
    return (
        b"\x89PNG\r\n\x1a\n"
        + make_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + make_chunk(b"tEXt", b"Comment\x00" + SECRET)
        + make_chunk(b"eXIf", make_exif())
        + make_chunk(b"IDAT", zlib.compress(rows))
        + make_chunk(b"IEND", b"")
        + tail
    )


def make_webp(*, width=10, height=10):
    def chunk(name, body):
        return name + struct.pack("<I", len(body)) + body + b"\x00" * (len(body) % 2)

    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = (
        b"WEBP"
        + chunk(b"VP8X", bytes([0x2C, 0, 0, 0]) + size)
        + chunk(b"ICCP", SECRET)
        + chunk(b"VP8 ", bytes(11))
        + chunk(b"EXIF", make_exif())
        + chunk(b"XMP ", SECRET)
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def make_box(name, body):
    return struct.pack(">I", len(body) + 8) + name + body


def make_m4a():
    return (
        make_box(b"ftyp", b"M4A \x00\x00\x00\x00")
        + make_box(
            b"moov", make_box(b"mvhd", bytes(20)) + make_box(b"udta", make_box(b"\xa9xyz", SECRET))
        )
        + make_box(b"mdat", b"sound")
    )


PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
