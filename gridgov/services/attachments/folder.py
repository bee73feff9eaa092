"""The folder of the bytes: each content once, under its hash, written whole or not at all."""

import hashlib
import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from gridgov.errors import GridgovError, NotFoundError
from gridgov.services.settings import ServiceSettings

CHECK_S = 60
"""How long the check for viruses may take."""


class FileRefusedError(GridgovError):
    """The service's own check says that a file is dangerous, or could not say anything; nothing was kept."""


def find_path(settings: ServiceSettings, sha256: str) -> Path:
    """Return where the content of a hash lies.

    Raises
    ------
    NotFoundError
        It is no hash: nothing that comes from outside becomes a path.
    """
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise NotFoundError("file", sha256)
    return Path(settings.files) / sha256[:2] / sha256


def put_content(settings: ServiceSettings, content: bytes) -> str:
    """Keep bytes and return their SHA-256, as 64 hexadecimal digits.

    Raises
    ------
    FileRefusedError
        The check of ``GRIDGOV_FILE_CHECK`` says no.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    path = find_path(settings, sha256)
    if path.is_file():
        return sha256
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        check_content(settings, Path(name))
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
    return sha256


def check_content(settings: ServiceSettings, path: Path) -> None:
    """Ask the check of the service about a file, where one is set.

    Raises
    ------
    FileRefusedError
        It answers anything but 0.
    """
    if not settings.file_check:
        return
    words = [*shlex.split(settings.file_check), str(path)]
    try:
        done = subprocess.run(words, capture_output=True, timeout=CHECK_S, check=False)  # noqa: S603 - the administrator's own command
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FileRefusedError(
            f"the check of files ({words[0]}) did not answer ({type(error).__name__}); nothing was kept"
        ) from error
    if done.returncode == 1:
        raise FileRefusedError(
            "the check of files found something dangerous in it; it was not kept"
        )
    if done.returncode:
        raise FileRefusedError(
            f"the check of files ({words[0]}) ended with {done.returncode}; nothing was kept, try again later"
        )


def get_content(settings: ServiceSettings, sha256: str) -> bytes:
    """Return kept bytes.

    Raises
    ------
    NotFoundError
        They are not there, or are not what they were: what was changed on the disk is not given out as evidence.
    """
    path = find_path(settings, sha256)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NotFoundError("content of file", sha256) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise NotFoundError("unchanged content of file", sha256)
    return content
