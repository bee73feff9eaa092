"""Every file that leaves and every sight of a person's data is put on record before the answer is sent."""

import re
import time
from datetime import UTC, datetime

from flask import Flask, Response, current_app, g, request

from gridgov.rules.orders.needs import Actor
from gridgov.rules.privacy import mask_text
from gridgov.services.accounts.access import record_export, record_view
from gridgov.services.accounts.sign_in import Visitor
from gridgov.storage.db import transaction
from web.kit.security import get_address
from web.kit.service import get_service

AGAIN_S = 600.0
"""For so long another look at the same person by the same account is the same look."""
MOST_KEPT = 10_000
CODE = re.compile(r"[\w.:,;-]{1,80}", re.ASCII)
"""Values of an address that name codes and days; what else stands there somebody typed."""
EXTENSION = "gridgov_views"


def set_up(app: Flask) -> None:
    """Let `app` put on record what it gives out."""
    app.extensions[EXTENSION] = {}
    app.after_request(put_on_record)


def note_person(order_no: str) -> None:
    """Say that this answer shows the person of an order."""
    g.shown_person = order_no


def put_on_record(response: Response) -> Response:
    """Write what this answer gives out; where that fails nothing is given out."""
    visitor: Visitor | None = g.get("visitor")
    if visitor is None:
        return response
    actor = Actor(person_key=visitor.person_key, role=visitor.role, unit_code=visitor.unit_code)
    origin, now = get_address(), datetime.now(UTC)
    sessions = get_service().sessions
    is_file = response.headers.get("Content-Disposition", "").startswith("attachment")
    if is_file and response.status_code == 200:
        with transaction(sessions) as session:
            record_export(
                session, str(request.endpoint), list_asked(), actor=actor, origin=origin, now=now
            )
    order_no = g.get("shown_person")
    if order_no and is_new(visitor.account_id, order_no):
        with transaction(sessions) as session:
            record_view(session, order_no, actor=actor, origin=origin, now=now)
    return response


def list_asked() -> dict[str, str]:
    """Return the codes and days of this request's address, without words that somebody typed."""
    given = {**(request.view_args or {}), **request.args.to_dict()}
    return {
        name: mask_text(str(value)) for name, value in given.items() if CODE.fullmatch(str(value))
    }


def is_new(account_id: int, order_no: str) -> bool:
    """Tell whether an account has not looked at an order's person lately, in this process."""
    seen: dict[tuple[int, str], float] = current_app.extensions[EXTENSION]
    now = time.monotonic()
    if now - seen.get((account_id, order_no), -AGAIN_S) < AGAIN_S:
        return False
    if len(seen) >= MOST_KEPT:
        seen.clear()
    seen[account_id, order_no] = now
    return True
