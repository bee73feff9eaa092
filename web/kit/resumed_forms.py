"""What was typed is never lost: a form that comes too late is carried through sign-in and offered again."""

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import request

NEVER_KEPT = frozenset(
    {"csrf_token", "password", "new_password", "again", "code", "kept", "second_password"}
)
"""Fields that are not written into a page."""


@dataclass(frozen=True, kw_only=True)
class KeptForm:
    """A form that could not be taken.

    Parameters
    ----------
    action
        Where it was sent.
    page
        The page on which it stood.
    fields
        Names and values, in their order.
    files
        Names of files that were chosen; a browser lets nobody choose them again but the person.
    """

    action: str
    page: str
    fields: tuple[tuple[str, str], ...]
    files: tuple[str, ...] = ()


def keep_form() -> KeptForm:
    """Return the form of this request."""
    page = read_local(request.referrer or "") or read_local(request.full_path)
    return KeptForm(
        action=request.full_path.rstrip("?"),
        page=page,
        fields=tuple(
            (name, value)
            for name, value in request.form.items(multi=True)
            if name not in NEVER_KEPT
        ),
        files=tuple(file.filename for file in request.files.values() if file.filename),
    )


def write_kept(form: KeptForm) -> str:
    """Return a form as text for a hidden field."""
    values = {"action": form.action, "page": form.page, "fields": form.fields, "files": form.files}
    return json.dumps(values, ensure_ascii=False)


def read_kept(text: str) -> KeptForm | None:
    """Return the form of a hidden field; None if it is none, or leads away from this host."""
    try:
        values = json.loads(text)
        form = KeptForm(
            action=read_local(values["action"]),
            page=read_local(values["page"]),
            fields=tuple((str(name), str(value)) for name, value in values["fields"]),
            files=tuple(str(name) for name in values["files"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
    return form if form.action and form.page else None


def read_local(address: str) -> str:
    """Return the path and query of an address of this host, empty for any other.

    Examples
    --------
    >>> read_local("//elsewhere.example/a")
    ''
    """
    try:
        parts = urlsplit(address.replace("\\", "/").strip())
    except ValueError:
        return ""  # such as an address with half of a bracket
    if parts.scheme and (parts.scheme not in {"http", "https"} or parts.netloc != request.host):
        return ""
    if not parts.scheme and parts.netloc:
        return ""
    if not parts.path.startswith("/") or parts.path.startswith("//"):
        return ""
    return parts.path + (f"?{parts.query}" if parts.query else "")
