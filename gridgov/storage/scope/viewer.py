"""Who looks at the data, and what follows from role and unit for what they may see."""

from dataclasses import dataclass

from gridgov.rules.orders.needs import Actor
from gridgov.rules.orders.transitions import Role

PERSONAL_ROLES = frozenset(
    {
        Role.OPERATOR,
        Role.DISPATCHER,
        Role.CALLBACK_CLERK,
        Role.STREET_CENTRE,
        Role.HANDLER,
        Role.FIELD_STAFF,
        Role.SUPERVISOR,
    }
)
"""Roles that must reach the person to do their work; the others read masked text [A]."""

CITY_WIDE_ROLES = frozenset({Role.ANALYST, Role.AUDITOR, Role.ADMINISTRATOR})
"""Roles that see every unit, wherever their own stands [A]."""

KEEPER_ROLES = frozenset({Role.AUDITOR, Role.ADMINISTRATOR})
"""Roles that see every account and every message, because they must find what went wrong [A]."""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Who looks.

    Parameters
    ----------
    account_id, person_key, role, unit_code
        The account.
    unit_codes
        Units whose orders are visible: the unit's subtree on the day of sign-in.
    sees_all
        Whether every order is visible (the desk, the city, city-wide roles).
    sees_personal
        Whether names, numbers and raw texts are.
    origin
        Where the account comes from, for the log.
    """

    account_id: int
    person_key: str
    role: Role
    unit_code: str
    unit_codes: tuple[str, ...]
    sees_all: bool
    sees_personal: bool
    origin: str = ""

    @property
    def actor(self) -> Actor:
        """Return the account as the rules know it."""
        return Actor(person_key=self.person_key, role=self.role, unit_code=self.unit_code)

    @property
    def keeps(self) -> bool:
        """Return whether every account and message is visible."""
        return self.role in KEEPER_ROLES
