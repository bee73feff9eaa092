"""Office files are zip archives: written anew with fixed times, so that the same content gives the same bytes."""

import io
import re
import zipfile

FIXED_TIME = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip archive can name."""

FIXED_STAMP = b"2000-01-01T00:00:00Z"
_STAMP = re.compile(rb"(<\w+:(?:created|modified)[^>]*>)[^<]*(</\w+:)")


def repack(data: bytes) -> bytes:
    """Return an office file with fixed times, of its members and of its properties.

    Raises
    ------
    zipfile.BadZipFile
        It is no zip archive.
    """
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            if info.filename == "docProps/core.xml":
                content = _STAMP.sub(rb"\g<1>" + FIXED_STAMP + rb"\g<2>", content)
            kept = zipfile.ZipInfo(info.filename, date_time=FIXED_TIME)
            kept.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(kept, content)
    return made.getvalue()
