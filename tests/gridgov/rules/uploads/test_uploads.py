"""Files by their content: what is kept lost its place and words, what is not kept says why."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridgov.rules.uploads import LARGEST, UploadError, UploadKind, read_upload
from gridgov.rules.uploads.contents import REFUSALS
from tests.gridgov.rules.uploads.samples import (
    PDF,
    SECRET,
    make_box,
    make_chunk,
    make_jpeg,
    make_m4a,
    make_png,
    make_webp,
)

GOOD = {
    UploadKind.JPG: make_jpeg(),
    UploadKind.PNG: make_png(),
    UploadKind.WEBP: make_webp(),
    UploadKind.M4A: make_m4a(),
    UploadKind.PDF: PDF,
    UploadKind.OGG: b"OggS" + bytes(30),
    UploadKind.WAV: b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(28),
    UploadKind.AMR: b"#!AMR\n" + bytes(20),
    UploadKind.MP3: b"\xff\xfb\x90\x00" + bytes(40),
}


@pytest.mark.parametrize("kind", list(UploadKind))
def test_each_kind_is_known_by_its_content_and_cleaning_it_twice_changes_nothing(kind):
    first = read_upload(GOOD[kind])
    assert first.kind is kind
    assert SECRET not in first.content
    assert read_upload(first.content) == first


def find_turn(content):
    """Return the orientation that a clean JPEG says, by hand: the only Exif it may hold has one entry."""
    at = content.find(b"Exif\x00\x00")
    if at < 0:
        return None
    tiff = content[at + 6 :]
    assert tiff[:8] == b"MM\x00*\x00\x00\x00\x08"
    assert struct.unpack(">H", tiff[8:10]) == (1,)
    return struct.unpack(">HHIH", tiff[10:20])[3]


@pytest.mark.parametrize(("turn", "order"), [(6, "<"), (8, ">"), (3, "<"), (1, "<"), (9, "<")])
def test_a_photo_keeps_how_the_phone_was_held_and_its_pixels(turn, order):
    scan = b"\x01\xff\x00\x02\xff\xd7\x03" * 50
    content = read_upload(make_jpeg(turn=turn, order=order, scan=scan)).content
    assert find_turn(content) == (turn if 1 < turn <= 8 else None)
    assert scan + b"\xff\xd9" == content[-len(scan) - 2 :]
    assert b"JFIF" in content


@pytest.mark.parametrize("make", [make_jpeg, make_png])
def test_what_hangs_behind_the_end_is_cut_off(make):
    """A picture and an archive in one file: what opens as both is one no more."""
    assert read_upload(make(tail=b"PK\x03\x04evil")).content == read_upload(make()).content


WRONG = [
    (b"", "empty"),
    (b"PK\x03\x04" + bytes(100), "archive"),
    (b"Rar!\x1a\x07" + bytes(100), "archive"),
    (b"\x00\x00\x00\x18ftypheic" + bytes(100), "heic"),
    (b"\x00\x00\x00\x1cftypmif1" + bytes(100), "heic"),
    (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "svg"),
    (b'\xef\xbb\xbf <?xml version="1.0"?><svg onload="alert(1)"/>', "svg"),
    (b"<!DOCTYPE html><html></html>", "svg"),
    (b"GIF89a" + bytes(20), "unknown"),
    (b"MZ" + bytes(200), "unknown"),
    (b"\x00\x00\x00\x18ftypisom" + bytes(100), "unknown"),
    (make_jpeg()[:-2], "broken"),
    (make_jpeg()[:200], "broken"),
    (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "broken"),
    (b"\xff\xd8\xff\xd9", "broken"),
    (make_jpeg(width=0), "broken"),
    (make_jpeg(width=65_000, height=65_000), "too_many_pixels"),
    (make_png(width=60_000, height=60_000), "too_many_pixels"),
    (make_webp(width=16_000, height=16_000), "too_many_pixels"),
    (make_png()[:-4], "broken"),
    (make_png()[:40] + b"\x00" + make_png()[41:], "broken"),
    (b"\x89PNG\r\n\x1a\n" + make_chunk(b"IDAT", zlib.compress(b"")), "broken"),
    (make_webp()[:-30], "broken"),
    (b"RIFF\x04\x00\x00\x00WEBP", "broken"),
    (PDF[:-6], "broken"),
    (make_box(b"ftyp", b"M4A ") + b"\x00\x00\xff\xffmoov", "broken"),
]


@pytest.mark.parametrize(("data", "code"), WRONG)
def test_what_is_not_kept_says_why(data, code):
    with pytest.raises(UploadError) as refused:
        read_upload(data)
    assert refused.value.code == code
    assert {code for _, code in WRONG} | {"too_large"} == set(REFUSALS)


def test_fifty_megabytes_are_too_many():
    with pytest.raises(UploadError, match=r"50\.0 MB; a jpg may have 10 MB") as refused:
        read_upload(b"\xff\xd8\xff" + bytes(50 * 1024 * 1024))
    assert refused.value.code == "too_large"
    assert max(LARGEST.values()) < 20 * 1024 * 1024  # a request with it still comes through


@given(st.sampled_from(sorted(GOOD)), st.data())
def test_a_broken_file_is_refused_or_clean_and_never_anything_else(kind, data):
    """Bytes changed at random and cut off anywhere: no other error, and what is kept is clean already."""
    made = bytearray(GOOD[kind])
    for _ in range(data.draw(st.integers(0, 4))):
        made[data.draw(st.integers(0, len(made) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(made)))
    try:
        kept = read_upload(bytes(made[:cut]))
    except UploadError as error:
        code = error.code
    else:
        code = ""
        assert read_upload(kept.content) == kept
    assert not code or code in REFUSALS
