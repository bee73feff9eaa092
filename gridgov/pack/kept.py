"""Parts on disk with a checksum beside them: what is not as it was written is not used."""

import os
from hashlib import sha256
from pathlib import Path

SUFFIX = ".sum"


def sign_part(part: Path) -> None:
    """Write the checksum of a file, or of a folder with all in it, beside it."""
    text = _measure(part)
    aside = part.with_name(f".{part.name}{SUFFIX}.{os.getpid()}")
    try:
        aside.write_text(text, "ascii")
        aside.replace(part.with_name(part.name + SUFFIX))
    finally:
        aside.unlink(missing_ok=True)


def is_whole(part: Path) -> bool:
    """Tell whether a file or folder is there and as it was when it was signed."""
    try:
        return part.with_name(part.name + SUFFIX).read_bytes() == _measure(part).encode("ascii")
    except OSError:
        return False


def _measure(part: Path) -> str:
    digest = sha256()
    for file in (
        sorted(one for one in part.rglob("*") if one.is_file()) if part.is_dir() else [part]
    ):
        with file.open("rb") as content:
            inner = sha256()
            while block := content.read(1 << 20):
                inner.update(block)
        digest.update(f"{file.relative_to(part.parent).as_posix()}\0{inner.hexdigest()}\n".encode())
    return digest.hexdigest()
