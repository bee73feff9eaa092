"""Files that people send: bytes in, their kind by content out, without what tells where and by whom they were made.

``read_upload`` is the one way in; what it does not know or trust it refuses with a reason that names the way out.
"""

from gridgov.rules.uploads.contents import (
    LARGEST,
    Upload,
    UploadError,
    UploadKind,
    read_upload,
)

__all__ = ["LARGEST", "Upload", "UploadError", "UploadKind", "read_upload"]
