"""A second person signs beside the first: with login and password of their own, and the code of their second factor."""

from datetime import UTC, datetime

from gridgov.rules.orders.needs import Actor
from gridgov.services.accounts.sign_in import SignInOutcome, try_code, try_password
from gridgov.storage.db import transaction
from web.kit.security import get_address
from web.kit.service import get_service


def sign_second(login: str, password: str, code: str) -> Actor | None:
    """Return the second person, None where login, password and code do not fit or the account is locked.

    Wrong tries are counted as at signing in, in a transaction of their own.
    """
    settings, now = get_service().settings, datetime.now(UTC)
    with transaction(get_service().sessions) as session:
        address = get_address()
        tried = try_password(session, login, password, settings=settings, now=now, address=address)
        if tried.outcome is SignInOutcome.CODE_NEEDED and tried.account is not None:
            account_id = tried.account.id
            tried = try_code(session, account_id, code, settings=settings, now=now, address=address)
        account = tried.account if tried.outcome is SignInOutcome.DONE else None
        if account is None or account.password_given:
            return None  # Whoever gave the password could sign in their place.
        return Actor(person_key=account.person_key, role=account.role, unit_code=account.unit_code)
