"""What interfaces for programs share: tokens instead of cookies, one form of errors, cursors, calls that count once.

A view states its permission like a page, and with ``@by_token`` the scope that a token needs; who calls it shows a
token, never a cookie. Errors are RFC 9457 problems with the field at fault. ``Blueprint`` and ``make_document``
describe the calls as OpenAPI 3.1.
"""

from web.kit.api.answers import checking_version, make_tag, read_seen_version, tell_json
from web.kit.api.documents import Blueprint, make_document
from web.kit.api.once import Reply, answer_once
from web.kit.api.paging import Cursor, read_cursor
from web.kit.api.problems import Fault, ProblemError
from web.kit.api.tokens import TokenNeededError, by_token, has_scope

__all__ = [
    "Blueprint",
    "Cursor",
    "Fault",
    "ProblemError",
    "Reply",
    "TokenNeededError",
    "answer_once",
    "by_token",
    "checking_version",
    "has_scope",
    "make_document",
    "make_tag",
    "read_cursor",
    "read_seen_version",
    "tell_json",
]
