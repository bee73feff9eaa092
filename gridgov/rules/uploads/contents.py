"""What a file is by its content: the name and the type that came with it are words of a stranger."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gridgov.errors import GridgovError
from gridgov.rules.uploads import pictures, sounds

MB = 1024 * 1024


class UploadKind(StrEnum):
    """Kinds of files that are kept; the value is the ending under which one is given out."""

    JPG = "jpg"
    PNG = "png"
    WEBP = "webp"
    PDF = "pdf"
    MP3 = "mp3"
    M4A = "m4a"
    OGG = "ogg"
    WAV = "wav"
    AMR = "amr"


TYPES: Mapping[UploadKind, str] = {
    UploadKind.JPG: "image/jpeg",
    UploadKind.PNG: "image/png",
    UploadKind.WEBP: "image/webp",
    UploadKind.PDF: "application/pdf",
    UploadKind.MP3: "audio/mpeg",
    UploadKind.M4A: "audio/mp4",
    UploadKind.OGG: "audio/ogg",
    UploadKind.WAV: "audio/wav",
    UploadKind.AMR: "audio/amr",
}
PICTURES = frozenset({UploadKind.JPG, UploadKind.PNG, UploadKind.WEBP})
LARGEST: Mapping[UploadKind, int] = {
    kind: (10 if kind in PICTURES else 15) * MB for kind in UploadKind
}
"""Bytes of the largest file of a kind: a photo of a phone has 2 to 8 MB [A]."""
LARGEST_OF_ALL = max(LARGEST.values())


REFUSALS = (
    "empty",
    "too_large",
    "heic",
    "svg",
    "archive",
    "unknown",
    "broken",
    "too_many_pixels",
)
"""Why a file is not kept."""


class UploadError(GridgovError):
    """A file that is not kept.

    Attributes
    ----------
    code
        Why, one of :data:`REFUSALS`, for the words of a page.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file that may be kept.

    Parameters
    ----------
    kind
        By content.
    content
        The bytes, without place, time, device and words of whoever made them.
    """

    kind: UploadKind
    content: bytes

    @property
    def media_type(self) -> str:
        """Return the type under which it is served."""
        return TYPES[self.kind]


@dataclass(frozen=True, kw_only=True)
class _Refused:
    """How a file begins that is known and not taken, and what to say of it."""

    code: str
    words: str
    holds: Callable[[bytes], bool]


HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif")
_REFUSED = (
    _Refused(
        code="heic",
        words="a HEIC or AVIF picture; expected JPEG, PNG or WebP (on an iPhone: Camera, Formats, Most Compatible)",
        holds=lambda head: head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS,
    ),
    _Refused(
        code="archive",
        words="an archive or an office document (ZIP, RAR, 7z, gzip); expected the picture, PDF or sound itself",
        holds=lambda head: head.startswith(
            (b"PK\x03\x04", b"PK\x05\x06", b"Rar!", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b")
        ),
    ),
    _Refused(
        code="svg",
        words="an SVG or a web page, which can carry scripts; expected JPEG, PNG or WebP",
        holds=lambda head: any(
            word in head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
            for word in (b"<svg", b"<!doctype", b"<html", b"<?xml", b"<script")
        ),
    ),
)
_HEAD = 1024


def find_kind(data: bytes) -> UploadKind | None:
    """Return what the content is, None for nothing that is kept."""
    if data.startswith(b"\xff\xd8\xff"):
        return UploadKind.JPG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return UploadKind.PNG
    if data[:4] == b"RIFF" and data[8:12] in {b"WEBP", b"WAVE"}:
        return UploadKind.WEBP if data[8:12] == b"WEBP" else UploadKind.WAV
    if data.startswith(b"%PDF-"):
        return UploadKind.PDF
    if data[4:8] == b"ftyp" and data[8:12] in {b"M4A ", b"M4B "}:
        return UploadKind.M4A
    if data.startswith(b"OggS"):
        return UploadKind.OGG
    if data.startswith(b"#!AMR"):
        return UploadKind.AMR
    if data.startswith(b"ID3") or (len(data) > 3 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2):
        return UploadKind.MP3
    return None


def read_upload(data: bytes) -> Upload:
    """Return a file as it may be kept.

    Raises
    ------
    UploadError
        It is empty, too large, of no kind that is kept, or broken.
    """
    if not data:
        raise UploadError(
            "empty", "the file is empty (0 bytes); choose it again, or take the photo again"
        )
    kind = find_kind(data)
    if kind is None:
        head = data[:_HEAD]
        for one in _REFUSED:
            if one.holds(head):
                raise UploadError(one.code, f"the file is {one.words}")
        expected = ", ".join(one.value for one in UploadKind)
        raise UploadError("unknown", f"the file is of no known kind; expected one of {expected}")
    if len(data) > LARGEST[kind]:
        found, most = len(data) / MB, LARGEST[kind] // MB
        raise UploadError("too_large", f"the file has {found:.1f} MB; a {kind} may have {most} MB")
    try:
        return Upload(kind=kind, content=_CLEAN[kind](data))
    except pictures.TooManyPixelsError as error:
        raise UploadError("too_many_pixels", str(error)) from error
    except (pictures.BrokenError, IndexError) as error:
        raise UploadError("broken", f"the {kind} is cut off or broken: {error}") from error


def _check_pdf(data: bytes) -> bytes:
    if b"%%EOF" not in data[-2048:]:
        raise pictures.BrokenError("its end is missing")
    return data


_CLEAN: Mapping[UploadKind, Callable[[bytes], bytes]] = {
    UploadKind.JPG: pictures.clean_jpeg,
    UploadKind.PNG: pictures.clean_png,
    UploadKind.WEBP: pictures.clean_webp,
    UploadKind.PDF: _check_pdf,
    UploadKind.MP3: bytes,
    UploadKind.M4A: sounds.clean_m4a,
    UploadKind.OGG: bytes,
    UploadKind.WAV: bytes,
    UploadKind.AMR: bytes,
}
