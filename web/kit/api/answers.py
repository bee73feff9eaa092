"""What programs are answered: JSON with an entity tag, and what they say that they have seen."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask import Response, request

from gridgov.errors import ConflictError
from web.kit.api.problems import Fault, ProblemError, refuse_fields

VERSION = re.compile(r'"v(\d{1,9})"')


def tell_json(body: Mapping[str, Any], *, version: int | None = None) -> Response:
    """Return JSON with an entity tag; 304 where the program has it already.

    Parameters
    ----------
    version
        Of the thing, for ``If-Match``; None: the tag is made from the text.
    """
    text = json.dumps(body, ensure_ascii=False)
    response = Response(text, content_type="application/json")
    digest = hashlib.sha256(text.encode()).hexdigest()[:20]
    response.set_etag(digest if version is None else f"v{version}", weak=version is None)
    response.headers["Cache-Control"] = "private, no-cache"
    return response.make_conditional(request)  # type: ignore[return-value]  # the same object


def make_tag(version: int) -> str:
    """Return the entity tag of a version."""
    return f'"v{version}"'


def read_seen_version() -> int | None:
    """Return the version that ``If-Match`` names, None where the program does not care.

    Raises
    ------
    ProblemError
        It is no tag of ours.
    """
    text = request.headers.get("If-Match", "").strip()
    if text in {"", "*"}:
        return None
    found = VERSION.fullmatch(text)
    if found is None:
        problem = 'is no tag of ours, such as "v3"; take the ETag of the last answer'
        raise refuse_fields([Fault(where="header", field="If-Match", problem=problem)])
    return int(found[1])


@contextmanager
def checking_version() -> Iterator[None]:
    """Answer 412 where it is not the version any more that ``If-Match`` named.

    Raises
    ------
    ProblemError
        It is another one.
    """
    try:
        yield
    except ConflictError as error:
        if request.headers.get("If-Match", "").strip() in {"", "*"}:
            raise
        raise ProblemError(412, "precondition", str(error)) from error
