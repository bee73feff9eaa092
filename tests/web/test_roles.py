"""Every route × every role: who may enter is what the table says, and nobody enters without an account."""

from datetime import UTC, datetime

import pytest
from flask import Blueprint

from gridgov.rules.orders.transitions import Role
from gridgov.services.accounts.manage import get_account
from gridgov.services.accounts.tokens import PER_MINUTE_MAX, NewToken, TokenScope, make_token
from gridgov.storage.db import transaction
from tests.web.pages import sign_in
from web.kit.api.tokens import find_mark
from web.kit.permissions import (
    GRANTS,
    Permission,
    UnguardedRouteError,
    check_routes,
    find_permission,
    is_granted,
)
from web.kit.service import EXTENSION

PARAMETERS: dict[str, str] = {"path": "css/frame.css", "form": "json"}
"""Values for the variable parts of routes; others get a number that does not exist."""


def list_calls(app):
    """Return (view, method, path) of every route."""
    calls = []
    for rule in app.url_map.iter_rules():
        values = {name: PARAMETERS.get(name, "0") for name in rule.arguments}
        with app.test_request_context():
            path = app.url_map.bind("localhost").build(rule.endpoint, values)
        calls += [
            (app.view_functions[rule.endpoint], method, path)
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"})
        ]
    return calls


def make_token_of(app, role):
    """Return a token of a role's account with every scope."""
    new = NewToken(name="test", scopes=tuple(TokenScope), per_minute=PER_MINUTE_MAX)
    with transaction(app.extensions[EXTENSION].sessions) as session:
        account = get_account(session, role.value)
        return make_token(session, account, new, now=datetime.now(UTC))


def test_every_route_states_its_permission(pages):
    assert check_routes(pages) is pages
    for view in pages.view_functions.values():
        find_permission(view)


def test_an_app_with_an_open_route_does_not_start(pages):
    blueprint = Blueprint("hole", __name__)
    blueprint.add_url_rule("/hole", "hole", lambda: "")
    pages.register_blueprint(blueprint)
    with pytest.raises(UnguardedRouteError, match=r"hole\.hole"):
        check_routes(pages)


def test_every_permission_has_roles_and_every_role_enters_somewhere():
    assert set(GRANTS) == set(Permission)
    for role in Role:
        assert is_granted(role, Permission.TODAY_READ)


def test_nobody_enters_without_an_account(pages):
    client = pages.test_client()
    for view, method, path in list_calls(pages):
        answer = client.open(path, method=method)
        answer.close()
        if find_mark(view) is not None:
            # A program is told, not led to a form; Open311 has a status of its own for it.
            refused = {403} if path.startswith("/open311/") else {401}
            assert find_permission(view) is None or answer.status_code in refused, path
            continue
        if find_permission(view) is None:
            assert method != "GET" or answer.status_code not in {401, 403}, path
        elif method == "GET":
            assert answer.status_code == 302, path
            assert answer.headers["Location"].startswith("/sign-in"), path
        else:
            assert answer.status_code == 401, path


def test_every_route_and_every_role(pages):
    calls = list_calls(pages)
    for role in Role:
        client = pages.test_client()
        sign_in(client, role)
        token = make_token_of(pages, role)
        for view, method, path in calls:
            needed = find_permission(view)
            is_call = find_mark(view) is not None
            headers = {"Authorization": f"Bearer {token}"} if is_call else {}
            # Not read to its end: a page that stays live has none.
            answer = client.open(path, method=method, headers=headers)
            answer.close()
            if is_call and (needed is None or is_granted(role, needed)):
                # Changes stop at what is missing in their bodies, or at what is not there.
                assert answer.status_code not in {401, 403, 500}, (role, method, path)
                assert method == "GET" or 400 <= answer.status_code < 500, (role, method, path)
            elif needed is not None and not is_granted(role, needed):
                assert answer.status_code == 403, (role, method, path)
            else:
                # Changes stop at the missing proof, so nothing is changed here.
                assert answer.status_code not in {401, 403, 500}, (role, method, path)
                assert method == "GET" or answer.status_code in {302, 400}, (role, method, path)
