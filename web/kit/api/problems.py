"""Errors for programs: problem details (RFC 9457) with the field at fault, or the form that an interface has."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, current_app, request

from geodata.problems import Problem
from gridgov.errors import GridgovError

MEDIA_TYPE = "application/problem+json"
EXTENSION = "gridgov_program_roots"

TITLES = {
    "address": "The request cannot be read",
    "broken": "A fault of the service",
    "conflict": "Somebody changed it meanwhile",
    "database": "The database cannot be reached",
    "fields": "A field cannot be taken as it is",
    "forbidden": "Not allowed",
    "key_reused": "The key was used for another call",
    "media_type": "Another media type is needed",
    "method": "Not done here",
    "no_city": "No city is loaded",
    "not_found": "Not found",
    "precondition": "It is not what you saw",
    "refused": "The rules refuse it",
    "too_large": "Too large",
    "too_often": "Too often",
    "state": "Not in this state",
    "token": "A valid token is needed",
}
"""Key of a problem → its title; the key ends its ``type``."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with one field.

    Parameters
    ----------
    where
        ``body``, ``query``, ``header`` or ``path``.
    field
        JSON pointer within the body (RFC 6901), or the name of the parameter.
    problem
        What is wrong, in words.
    """

    where: str
    field: str
    problem: str

    def tell(self) -> dict[str, str]:
        """Return it as problem details have it."""
        name = "pointer" if self.where == "body" else "parameter"
        return {"in": self.where, name: self.field, "detail": self.problem}


class ProblemError(GridgovError):
    """A call that an interface refuses.

    Attributes
    ----------
    status, key
        HTTP status, and one of :data:`TITLES`.
    faults
        Every field at fault.
    """

    def __init__(self, status: int, key: str, detail: str, *, faults: Sequence[Fault] = ()) -> None:
        self.status, self.key, self.faults = status, key, tuple(faults)
        super().__init__(detail)


def refuse_fields(faults: Sequence[Fault]) -> ProblemError:
    """Return the error of fields that cannot be taken."""
    told = "; ".join(f"{one.field or one.where}: {one.problem}" for one in faults[:5])
    return ProblemError(422, "fields", told[:1000], faults=faults)


def read_problems(problems: Sequence[Problem], *, prefix: str = "") -> list[Fault]:
    """Return faults of fields of a body from what a service found wrong with them."""
    return [
        Fault(
            where="body",
            field=f"{prefix}/{(one.field or '').split()[0]}" if one.field else prefix,
            problem=f"{one.problem}; expected {one.expected}" if one.expected else one.problem,
        )
        for one in problems
    ]


AnswerForm = Callable[[int, str, str, Sequence[Fault], str], Response]
"""``(status, key, detail, faults, number)`` → the error as an interface has it."""


def add_root(app: Flask, root: str, form: AnswerForm | None = None) -> None:
    """Say that what lies below `root` is for programs, and in which form they read errors."""
    app.extensions.setdefault(EXTENSION, {})[root] = form or make_problem


def find_form() -> AnswerForm | None:
    """Return the form of errors of this request's interface, None for a page."""
    roots: dict[str, AnswerForm] = current_app.extensions.get(EXTENSION, {})
    for root, form in roots.items():
        if request.path.startswith(root):
            return form
    return None


def make_problem(
    status: int, key: str, detail: str, faults: Sequence[Fault], number: str
) -> Response:
    """Return problem details."""
    told: dict[str, Any] = {
        "type": f"urn:gridgov:problem:{key}",
        "title": TITLES[key],
        "status": status,
        "detail": detail or TITLES[key],
        "instance": f"urn:gridgov:error:{number}",
    }
    if faults:
        told["errors"] = [one.tell() for one in faults]
    text = json.dumps(told, ensure_ascii=False)
    return Response(text, status=status, content_type=MEDIA_TYPE)
