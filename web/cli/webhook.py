"""``gridgov webhook``: where other systems listen, and what they are told once more."""

import json
from datetime import UTC, datetime

import click

from gridgov.services.outbox.deliver import EVERYTHING
from gridgov.services.outbox.hooks import NewHook, add_hook, list_hooks, replay, stop_hook
from web.cli.user import open_database

ORIGIN = "gridgov webhook"
MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])


@click.group(help="Webhooks of other systems: add, list, stop, replay.")
def webhook() -> None:
    """Webhooks."""


@webhook.command(
    "add",
    help="Tell the system at URL what happens from now on, signed with GRIDGOV_WEBHOOK_SECRET.",
)
@click.argument("url")
@click.option("--topic", default=EVERYTHING, show_default=True, help="Kind of event; * for all.")
@click.option("--unit", default="", help="Only what this unit is told. [default: every unit]")
@click.option("--dry-run", is_flag=True, help="Check it and enter nothing.")
def add(*, url: str, topic: str, unit: str, dry_run: bool) -> None:
    """Enter a webhook."""
    with open_database() as session:
        new = NewHook(url=url, topic=topic, unit_code=unit)
        hook = add_hook(session, new, now=datetime.now(UTC), origin=ORIGIN)
        click.echo(f"webhook {hook.id}")
        if dry_run:
            session.rollback()


@webhook.command("list", help="Print every webhook.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")
def show(*, as_json: bool) -> None:
    """List webhooks."""
    with open_database() as session:
        for one in list_hooks(session):
            facts = {
                "id": one.id,
                "url": one.url,
                "topic": one.topic,
                "unit_code": one.unit_code,
                "active": one.active,
            }
            if as_json:
                click.echo(json.dumps(facts, ensure_ascii=False))
            else:
                state = "" if one.active else " (stopped)"
                click.echo(f"{one.id} {one.url} {one.topic} {one.unit_code or 'all units'}{state}")


@webhook.command("stop", help="Tell webhook NUMBER nothing more.")
@click.argument("number", type=int)
def stop(*, number: int) -> None:
    """Stop a webhook."""
    with open_database() as session:
        stop_hook(session, number, now=datetime.now(UTC), origin=ORIGIN)


@webhook.command(
    "replay", help="Send webhook NUMBER once more what it was told from a moment on (UTC)."
)
@click.argument("number", type=int)
@click.option("--since", type=MOMENT, required=True, help="First moment, UTC.")
@click.option("--until", type=MOMENT, help="Last moment, excluded, UTC. [default: now]")
@click.option("--dry-run", is_flag=True, help="Count and send nothing.")
def again(*, number: int, since: datetime, until: datetime | None, dry_run: bool) -> None:
    """Replay messages."""
    now = datetime.now(UTC)
    with open_database() as session:
        n = replay(
            session,
            number,
            since=since.replace(tzinfo=UTC),
            until=now if until is None else until.replace(tzinfo=UTC),
            now=now,
            origin=ORIGIN,
        )
        click.echo(f"{n} messages")
        if dry_run:
            session.rollback()
