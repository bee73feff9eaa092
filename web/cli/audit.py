"""``gridgov audit``: whether the log is as it was written."""

import json
from dataclasses import asdict

import click

from gridgov.services.settings import read_settings
from gridgov.storage.audit.verify import LogCheck, check_log
from gridgov.storage.db import check_schema, make_engine, snapshot

FAULTS_SHOWN = 40


@click.group()
def audit() -> None:
    """Check the log of every change."""


@audit.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def verify(ctx: click.Context, *, as_json: bool) -> None:
    """Find every entry of the log that was altered, removed, inserted, reordered or cut off.

    The heads that are printed prove the log up to today: kept elsewhere, they show whether somebody wrote all of it
    anew. Exit code 1 if anything is wrong.
    """
    with snapshot(check_schema(make_engine(read_settings().database_url))) as session:
        found = check_log(session)
    click.echo(_make_json(found) if as_json else "\n".join(_say(found)))
    ctx.exit(1 if found.faults else 0)


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
