"""Who is named in a text with @: by login or by name, the longest that fits, as no space need follow a name."""

import re
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.rules.message_text import Language, MessageText
from gridgov.storage.models.accounts import Account
from gridgov.storage.scope.apply import without_row_scope

NAMED = re.compile(r"@([^\s@,，。;；:：、!！?？()（）]{1,40})")
MOST_NAMED = 10
"""In one text; whoever means more means the unit."""

Say = Callable[[Language], MessageText]


def find_named(session: Session, text: str) -> tuple[int, ...]:
    """Return the accounts that a text names, in its order; of two with one name both."""
    words = list(dict.fromkeys(NAMED.findall(text)))[:MOST_NAMED]
    found: list[int] = []
    for word in words:
        known = sa.select(Account.id, Account.login, Account.name).where(
            Account.active,
            sa.or_(
                Account.login.in_([word[:end].lower() for end in range(1, len(word) + 1)]),
                Account.name.in_([word[:end] for end in range(1, len(word) + 1)]),
            ),
        )
        with without_row_scope(session):
            rows = session.execute(known.order_by(Account.id)).all()
        lengths = [
            max(
                len(name) for name in (row.login, row.name) if word.lower().startswith(name.lower())
            )
            for row in rows
        ]
        longest = max(lengths, default=0)
        found += [row.id for row, n in zip(rows, lengths, strict=True) if n == longest]
    return tuple(dict.fromkeys(found))[:MOST_NAMED]
