"""``gridgov``: the command line as a public interface, one file per subject."""

import importlib
import os
import sys
from dataclasses import replace
from typing import NoReturn

import click

from geodata.errors import GeodataError, InvalidDataError
from geodata.problems import Problem
from gridgov.errors import CityError, GridgovError
from gridgov.rules.privacy import mask_shortened
from planner.errors import PlannerError

COMMANDS = {
    "demo": ("web.cli.demo:demo", "the sample city through the main job, and where the pages are"),
    "check": ("web.cli.check:check", "everything wrong with a city pack"),
    "run": ("web.cli.run:run", "the main job: appeals to orders, hotspots and street plans"),
    "plan": ("web.cli.plan:plan", "hotspots and street plans from the orders of a run"),
    "report": (
        "web.cli.report:report",
        "daily, weekly, monthly, review, yearly and special reports from the orders of a run",
    ),
    "locate": ("web.cli.locate:locate", "addresses to places, each with its uncertainty"),
    "assign": ("web.cli.assign:assign", "points to areas, nothing else needed"),
    "sample": ("web.cli.sample:sample", "write the invented city"),
    "boundaries": (
        "web.cli.boundaries:boundaries",
        "faults of a boundary set and a proposed repair",
    ),
    "versions": ("web.cli.versions:versions", "boundary versions: load, check, put in force"),
    "rejudge": ("web.cli.rejudge:rejudge", "what new boundaries would change"),
    "replay": ("web.cli.replay:replay", "orders answered again by the rules of a day"),
    "whistle": ("web.cli.whistle:whistle", "who must come, and in what order they can act"),
    "duties": ("web.cli.duties:duties", "faults of the duty list, pressure, bounce loops"),
    "duplicates": ("web.cli.duplicates:duplicates", "which appeals are about the same thing"),
    "scan": (
        "web.cli.scan:scan_command",
        "clusters in place and time, from SaTScan's file formats",
    ),
    "rates": ("web.cli.rates:rates", "three rates and ranks from what people said in callbacks"),
    "db": ("web.cli.db:db", "make, upgrade or check the database"),
    "load": ("web.cli.load:load", "a city pack and its appeals into the database"),
    "serve": ("web.cli.serve:serve", "the pages of the service"),
    "worker": ("web.cli.worker:worker", "messages, deadlines, counts and reports beside the pages"),
    "user": ("web.cli.user:user", "accounts: add, list, passwd, reset-code, disable, enable"),
    "webhook": ("web.cli.webhook:webhook", "where other systems listen, and what they hear again"),
    "audit": ("web.cli.audit:audit", "whether the log of every change is as it was written"),
    "train": ("web.cli.train:train_command", "learn which item a text is about"),
    "suggest": ("web.cli.suggest:suggest", "which item a text is about, how surely, and why"),
}
"""Command → where its click command stands, and what it does; modules load only when their command is used."""

EXIT_FAILED = 1
EXIT_WRONG_INPUT = 2
MOST_PROBLEMS_SHOWN = 40


class LazyGroup(click.Group):
    """A group that imports a command's module only when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, or None."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        target, _ = COMMANDS[cmd_name]
        module, _, attribute = target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - the table names commands only
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without loading one of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gridgov")
def cli() -> None:
    """Turn citizens' appeals into orders, hotspots and street plans.

    Exit codes: 0 done, 1 failed, 2 wrong input.
    """


def format_problems(problems: list[Problem]) -> str:
    """Return problems as lines, errors first, with a count of what is left out."""
    ordered = sorted(problems, key=lambda problem: problem.severity)
    lines = [
        f"{problem.severity}: {replace(problem, value=mask_shortened(problem.value))}"
        for problem in ordered[:MOST_PROBLEMS_SHOWN]
    ]
    if len(ordered) > MOST_PROBLEMS_SHOWN:
        lines.append(f"… and {len(ordered) - MOST_PROBLEMS_SHOWN} more")
    return "\n".join(lines)


def stop(message: str, code: int) -> NoReturn:
    """Print `message` to standard error and end with `code`."""
    click.echo(message, err=True)
    sys.exit(code)


def _explain_database(error: Exception) -> str | None:
    """Return what a database refused and what to do, None where the error is not a database's."""
    if "sqlalchemy" not in sys.modules:
        return None
    # Only a command that uses the database has loaded SQLAlchemy.
    explain = importlib.import_module("gridgov.storage.db_faults").find_explanation
    said = explain(error)
    return said if isinstance(said, str) else None


def main() -> NoReturn:
    """Run the command line; an expected error is a message, never a traceback."""
    try:
        result = cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        stop("Stopped; nothing was written.", EXIT_FAILED)
    except (CityError, InvalidDataError) as error:
        stop(format_problems(error.problems), EXIT_WRONG_INPUT)
    except (GeodataError, GridgovError, PlannerError) as error:
        stop(f"error: {error}", EXIT_WRONG_INPUT)
    except BrokenPipeError:
        # The reader of our output went away (gridgov … | head): not a failure worth a message.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILED)
    except OSError as error:
        stop(f"error: {error.strerror or error}: {error.filename or ''}", EXIT_FAILED)
    except Exception as error:
        said = _explain_database(error)
        if said is None:
            raise
        stop(f"error: {said}", EXIT_FAILED)
    sys.exit(result if isinstance(result, int) else 0)


if __name__ == "__main__":
    main()
