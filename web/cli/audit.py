"""``gridgov audit``: whether the log is as it was written, and whether the orders are as the log says."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from gridgov.errors import GridgovError
from gridgov.services.receipts.seal import check_roots
from gridgov.services.settings import read_settings
from gridgov.storage.audit.log import CHAINS, Head
from gridgov.storage.audit.reconcile import reconcile
from gridgov.storage.audit.verify import LogCheck, check_against, check_log
from gridgov.storage.db import open_engine, snapshot

FAULTS_SHOWN = 40
HEAD = re.compile(r"head (\d+): (\d+) ([0-9a-f]{64})")


@click.group()
def audit() -> None:
    """Check the log of every change."""


@contextmanager
def open_database() -> Iterator[Session]:
    """Give a session that reads the database of the settings, of the right schema, as it is now."""
    with open_engine(read_settings().database_url) as engine, snapshot(engine) as session:
        yield session


@audit.command()
@click.option(
    "--against",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Heads kept elsewhere: what an earlier 'gridgov audit verify' printed, as text or as JSON.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def verify(ctx: click.Context, *, against: Path | None, as_json: bool) -> None:
    """Find every entry of the log that was altered, removed, inserted, reordered or cut off.

    The heads that are printed prove the log up to today: kept elsewhere, they show with --against whether somebody
    wrote all of it anew. Exit code 1 if anything is wrong.
    """
    kept = [] if against is None else read_heads(against)
    with open_database() as session:
        found = check_log(session)
        found = replace(found, faults=(*found.faults, *check_against(session, kept)))
    click.echo(_make_json(found) if as_json else "\n".join(_say(found)))
    ctx.exit(1 if found.faults else 0)


@audit.command("reconcile")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def reconcile_command(ctx: click.Context, *, as_json: bool) -> None:
    """Find every order that is not as its last entries of the log say. Exit code 1 if there is one."""
    with open_database() as session:
        found = reconcile(session)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=2))
    else:
        for one in found[:FAULTS_SHOWN]:
            click.echo(f"{one.order_no}: {one.text}")
        if len(found) > FAULTS_SHOWN:
            click.echo(f"… and {len(found) - FAULTS_SHOWN} more")
        click.echo(f"{len(found)} faults" if found else "every order is as the log says")
    ctx.exit(1 if found else 0)


@audit.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def roots(ctx: click.Context, *, as_json: bool) -> None:
    """Make every signed root of receipts anew from the log and compare. Exit code 1 if one is not what was signed."""
    with open_database() as session:
        found = check_roots(session, read_settings())
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], default=str, ensure_ascii=False))
    else:
        for one in found[:FAULTS_SHOWN]:
            click.echo(f"root {one.number} of {one.day}: {one.fault}")
        click.echo(f"{len(found)} faults" if found else "every root is what was signed")
    ctx.exit(1 if found else 0)


def read_heads(file: Path) -> list[Head]:
    """Return the heads that an earlier check printed.

    Raises
    ------
    GridgovError
        The file holds none.
    """
    text = file.read_text("utf-8", errors="replace")
    rows: list[Any] = [found.groups() for found in HEAD.finditer(text)]
    if not rows:
        try:
            rows = [
                (one["chain"], one["position"], one["hash"]) for one in json.loads(text)["heads"]
            ]
        except (ValueError, KeyError, TypeError) as error:
            raise GridgovError(
                f"{file}: no heads in it; expected what 'gridgov audit verify' printed, with or without --json"
            ) from error
    heads = [Head(chain=int(c), position=int(p), hash=bytes.fromhex(h)) for c, p, h in rows]
    wrong = [head.chain for head in heads if not 0 <= head.chain < CHAINS]
    if wrong:
        raise GridgovError(f"{file}: chain {wrong[0]}; expected 0 to {CHAINS - 1}")
    return heads


def _make_json(found: LogCheck) -> str:
    heads = [
        {"chain": head.chain, "position": head.position, "hash": head.hash.hex()}
        for head in found.heads
    ]
    faults = [asdict(fault) for fault in found.faults]
    return json.dumps(
        {"entries": found.entries, "heads": heads, "faults": faults}, ensure_ascii=False, indent=2
    )


def _say(found: LogCheck) -> list[str]:
    lines = [
        f"chain {fault.chain}, position {fault.position}: {fault.kind}: {fault.text}"
        for fault in found.faults[:FAULTS_SHOWN]
    ]
    if len(found.faults) > FAULTS_SHOWN:
        lines.append(f"… and {len(found.faults) - FAULTS_SHOWN} more")
    heads = [
        f"head {head.chain}: {head.position} {head.hash.hex()}"
        for head in found.heads
        if head.position
    ]
    verdict = f"{len(found.faults)} faults" if found.faults else "no fault"
    return [*lines, *heads, f"{found.entries} entries, {verdict}"]
