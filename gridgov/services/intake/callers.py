"""Who called before: orders of a person by telephone or name, for those who may see persons and nobody else."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.storage.models.appeals import Appeal, AppealPerson
from gridgov.storage.models.orders import Order

MOST_FOUND = 20
SHORTEST_PHONE, SHORTEST_NAME = 5, 2


def find_caller_orders(session: Session, *, phone: str, name: str) -> Sequence[Any]:
    """Return orders of whoever has this number, or where none is given this name, the newest first.

    The session's own limits hold: an account that may not see persons finds none by them. A number is compared without
    its blanks and dashes; parts of numbers and names are not looked for.

    Returns
    -------
    Rows of ``order_no state received_at item_code text``.
    """
    digits = "".join(one for one in phone if one.isalnum() or one == "+")
    wanted: sa.ColumnElement[bool]
    if len(digits) >= SHORTEST_PHONE:
        wanted = AppealPerson.phone.in_({phone, digits})
    elif len(name) >= SHORTEST_NAME:
        wanted = AppealPerson.name == name
    else:
        return []
    query = (
        sa.select(Order.order_no, Order.state, Order.received_at, Order.item_code, Appeal.text)
        .join(Appeal, Appeal.id == Order.appeal_id)
        .join(AppealPerson, AppealPerson.appeal_id == Appeal.id)
        .where(wanted)
        .order_by(Order.received_at.desc(), Order.id.desc())
        .limit(MOST_FOUND)
    )
    return session.execute(query).all()
