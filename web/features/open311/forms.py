"""The two forms of Open311, XML and JSON, of answers and of errors (GeoReport v2, "Error Codes" and "Formats")."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET  # only written here, never read

from flask import Response, request

from web.kit.api.problems import Fault

FORMATS = {"xml": "text/xml; charset=utf-8", "json": "application/json; charset=utf-8"}
_UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Signs that XML 1.0 cannot hold (section 2.2)."""
STATUSES = {401: 403, 405: 405, 409: 409, 413: 413, 422: 400, 429: 429}
"""Our status → that of GeoReport, which knows 400, 403 and 404; others are told as HTTP has them."""


def answer(
    form: str, content: Mapping[str, Any] | Sequence[Any], *, root: str, item: str = ""
) -> Response:
    """Return content in one of :data:`FORMATS`.

    Parameters
    ----------
    root, item
        Name of the outermost element of XML, and of each entry of a list in it.
    """
    return Response(write(form, content, root=root, item=item), content_type=FORMATS[form])


def write(form: str, content: Any, *, root: str, item: str = "") -> str:
    """Return content as text, see :func:`answer`."""
    if form == "json":
        return json.dumps(content, ensure_ascii=False)
    top = ET.Element(root)
    if isinstance(content, Mapping):
        _fill(top, content)
    else:
        for one in content:
            _fill(ET.SubElement(top, item), one)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(top, encoding="unicode")


ENTRIES = {
    "attributes": "attribute",
    "values": "value",
    "endpoints": "endpoint",
    "formats": "format",
}
"""Element of a list → element of each entry."""


def _fill(parent: ET.Element, content: Any) -> None:
    if not isinstance(content, Mapping):
        parent.text = _say(content)
        return
    for name, value in content.items():
        child = ET.SubElement(parent, name)
        if isinstance(value, list):
            for one in value:
                _fill(ET.SubElement(child, ENTRIES.get(name, "item")), one)
        else:
            _fill(child, value)


def _say(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _UNSPEAKABLE.sub("", str(value))


def answer_error(
    status: int, _key: str, detail: str, faults: Sequence[Fault], _number: str
) -> Response:
    """Return an error as GeoReport has it: a list of codes with descriptions, one for each field at fault."""
    code = STATUSES.get(status, status)
    told = [f"{one.field.lstrip('/')}: {one.problem}" for one in faults] or [
        detail or "General service error"
    ]
    form = "json" if request.path.endswith(".json") else "xml"
    content = [{"code": code, "description": text} for text in told]
    response = answer(form, content, root="errors", item="error")
    response.status_code = code
    return response
