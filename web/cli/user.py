"""``gridgov user``: the accounts of the service, from the machine on which it runs."""

import json
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click
from sqlalchemy.orm import Session

from gridgov.rules.order_labels import get_label
from gridgov.rules.orders.transitions import Role
from gridgov.services.accounts.manage import (
    LANGUAGES,
    NewAccount,
    add_account,
    disable_account,
    enable_account,
    get_account,
    list_accounts,
    reset_code,
    set_password,
)
from gridgov.services.accounts.tokens import (
    DAYS,
    DAYS_MAX,
    PER_MINUTE,
    PER_MINUTE_MAX,
    NewToken,
    TokenScope,
    end_token,
    list_tokens,
    make_token,
)
from gridgov.services.settings import read_settings
from gridgov.storage.db import make_sessions, open_engine, transaction
from gridgov.storage.models.accounts import Account

FROM_INPUT_HELP = "Read the password from standard input; without it, it is asked for on a terminal and made elsewhere."


@click.group(help="Make, list, change and disable accounts.")
def user() -> None:
    """Accounts."""


@contextmanager
def open_database() -> Iterator[Session]:
    """Give a session on the database of the settings; commits at the end."""
    settings = read_settings()
    # Who somebody is and what they may do is written by the owner of the tables alone.
    url = settings.owner_url or settings.database_url
    with open_engine(url) as engine, transaction(make_sessions(engine)) as session:
        yield session


def make_password(login: str) -> str:
    """Return a new random password; one that happens to contain the login would be refused."""
    while login.lower() in (made := secrets.token_urlsafe(12)).lower():
        continue
    return made


def read_password(login: str, *, from_input: bool) -> tuple[str, bool]:
    """Return a password and whether it was made here and must be shown."""
    if from_input:
        return sys.stdin.readline().rstrip("\r\n"), False
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True)), False
    return make_password(login), True


@user.command(help="Make the account LOGIN with a role in a unit.")
@click.argument("login")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--unit", "unit_code", required=True, help="Code of its unit in the city pack.")
@click.option("--name", default="", help="How people read it. [default: the login]")
@click.option("--email", default="", help="Where its messages go.")
@click.option("--language", type=click.Choice(LANGUAGES), default="zh_CN", show_default=True)
@click.option("--oidc-subject", default="", help="Who this is at the city's identity provider.")
@click.option("--no-password", is_flag=True, help="Only the identity provider signs it in.")
@click.option("--password-stdin", is_flag=True, help=FROM_INPUT_HELP)
def add(
    *,
    login: str,
    role: str,
    unit_code: str,
    name: str,
    email: str,
    language: str,
    oidc_subject: str,
    no_password: bool,
    password_stdin: bool,
) -> None:
    """Make an account."""
    new = NewAccount(
        login=login,
        name=name,
        role=Role(role),
        unit_code=unit_code,
        email=email,
        language=language,
        oidc_subject=oidc_subject,
    )
    password, is_made = (
        (None, False) if no_password else read_password(login, from_input=password_stdin)
    )
    with open_database() as session:
        account = add_account(session, new, password=password, now=datetime.now(UTC))
        click.echo(f"{account.login}: {role} of {unit_code}")
    if is_made:
        click.echo(f"password: {password}")


@user.command("list", help="List all accounts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(*, as_json: bool) -> None:
    """List accounts."""
    with open_database() as session:
        rows = [_describe(account) for account in list_accounts(session)]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        role = get_label("role", row["role"], language="en")
        click.echo(
            f"{row['login']:<24} {role:<28} {row['unit_code']:<14} {row['state']:<9} {row['name']}"
        )
    if not rows:
        click.echo("no accounts yet; make one: gridgov user add LOGIN --role ROLE --unit CODE")


def _describe(account: Account) -> dict[str, str]:
    now = datetime.now(UTC)
    locked = account.locked_until is not None and account.locked_until > now
    return {
        "login": account.login,
        "name": account.name,
        "role": account.role.value,
        "unit_code": account.unit_code,
        "state": "locked" if locked else ("active" if account.active else "disabled"),
        "second_factor": "yes" if account.totp_secret else "no",
    }


@user.command(
    help="Give the account LOGIN a new password, to be changed at the next sign-in; its sessions end, a lock is lifted."
)
@click.argument("login")
@click.option("--password-stdin", is_flag=True, help=FROM_INPUT_HELP)
def passwd(*, login: str, password_stdin: bool) -> None:
    """Change a password."""
    password, is_made = read_password(login, from_input=password_stdin)
    with open_database() as session:
        set_password(session, get_account(session, login), password, now=datetime.now(UTC))
    click.echo(f"{login}: password changed" + (f"\npassword: {password}" if is_made else ""))


@user.command(
    "reset-code",
    help="Turn off the second factor of LOGIN, who lost it; its sessions end, the log says so.",
)
@click.argument("login")
def reset_code_command(*, login: str) -> None:
    """Reset a second factor."""
    with open_database() as session:
        reset_code(session, get_account(session, login), now=datetime.now(UTC))
    click.echo(f"{login}: second factor off; let the person sign in and turn it on again")


@user.command(help="Close the account LOGIN; its sessions end, its name stays in the log.")
@click.argument("login")
def disable(*, login: str) -> None:
    """Disable an account."""
    with open_database() as session:
        disable_account(session, get_account(session, login), now=datetime.now(UTC))
    click.echo(f"{login}: disabled")


@user.command(help="Open the account LOGIN again, whether disabled or locked.")
@click.argument("login")
def enable(*, login: str) -> None:
    """Enable an account."""
    with open_database() as session:
        enable_account(session, get_account(session, login), now=datetime.now(UTC))
    click.echo(f"{login}: active")


@user.command(
    "token",
    help="Make a token with which a program acts as LOGIN, shown once; --list shows those there are, --end N ends one.",
)
@click.argument("login")
@click.option("--name", help="What it is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in TokenScope]),
    help="What it may be used for; may be given again.",
)
@click.option("--days", type=click.IntRange(1, DAYS_MAX), default=DAYS, show_default=True)
@click.option(
    "--per-minute",
    type=click.IntRange(1, PER_MINUTE_MAX),
    default=PER_MINUTE,
    show_default=True,
    help="Calls that it may make, by each process of the service.",
)
@click.option("--list", "is_list", is_flag=True, help="Show the account's tokens.")
@click.option("--end", "ended", type=int, help="End the token of this number.")
def token_command(
    *,
    login: str,
    name: str | None,
    scopes: tuple[str, ...],
    days: int,
    per_minute: int,
    is_list: bool,
    ended: int | None,
) -> None:
    """Make, list and end tokens."""
    now = datetime.now(UTC)
    with open_database() as session:
        account = get_account(session, login)
        if ended is not None:
            end_token(session, account, ended, now=now)
            click.echo(f"{login}: token {ended} ended")
            return
        if is_list:
            for one in list_tokens(session, account.id):
                click.echo(
                    f"{one.id:>6} {one.hint}… until {one.expires_at:%Y-%m-%d} {' '.join(one.scopes)} {one.name}"
                )
            return
        new = NewToken(
            name=name or "",
            scopes=[TokenScope(scope) for scope in scopes],
            days=days,
            per_minute=per_minute,
        )
        click.echo(make_token(session, account, new, now=now))
