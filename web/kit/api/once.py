"""Changes asked for by programs: in one transaction, and under an idempotency key only once."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from flask import Response, g, request
from sqlalchemy.orm import Session

from gridgov.services.kept_answers import Answer, claim_call, keep_answer, make_call_key
from web.kit.api.problems import Fault, refuse_fields
from web.kit.service import writing

HEADER = "Idempotency-Key"
LONGEST_KEY = 200


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a change is answered: a body of plain values, its status, and headers such as ``ETag``."""

    body: Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def answer_once(
    change: Callable[[Session], Reply], *, say: Callable[[Reply], Reply] | None = None
) -> Response:
    """Make a change in a transaction and answer it; the same call under the same key gets the same answer.

    What fails is undone as a whole, its key included, so that it can be tried again.

    Parameters
    ----------
    change
        Makes it; what it raises is answered as an error.
    say
        What is added to the answer, and not kept: what a later reader may not see for so long.

    Raises
    ------
    KeyReusedError
        The key was used for another call.
    ProblemError
        The key is too long or has other signs than printable ASCII.
    """
    key = read_key()
    with writing() as session:
        if not key:
            reply = change(session)
        else:
            call_key = make_call_key(g.visitor.account_id, key)
            kept = claim_call(session, call_key, hash_call(), now=datetime.now(UTC))
            if kept is not None:
                headers = {**kept.headers, "Idempotency-Replayed": "true"}
                return _make(Reply(status=kept.status, body=kept.body, headers=headers))
            reply = change(session)
            keep_answer(
                session,
                call_key,
                Answer(status=reply.status, body=reply.body, headers=reply.headers),
            )
    return _make(reply if say is None else say(reply))


def read_key() -> str:
    """Return the idempotency key of this call, empty without one.

    Raises
    ------
    ProblemError
        It is too long or has other signs than printable ASCII.
    """
    key = request.headers.get(HEADER, "")
    if len(key) > LONGEST_KEY or not (key.isascii() and key.isprintable()):
        problem = f"1 to {LONGEST_KEY} printable ASCII characters"
        raise refuse_fields([Fault(where="header", field=HEADER, problem=problem)])
    return key


def hash_call() -> str:
    """Return a hash of all that was asked: method, address, body, and the version that was seen."""
    asked = "\0".join(
        (request.method, request.full_path, request.headers.get("If-Match", ""), "")
    ).encode()
    return hashlib.sha256(asked + request.get_data()).hexdigest()


def _make(reply: Reply) -> Response:
    text = json.dumps(reply.body, ensure_ascii=False)
    return Response(
        text, status=reply.status, headers=dict(reply.headers), content_type="application/json"
    )
