"""The main job: a city and a file of appeals in, a folder with orders, hotspots and plans out."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from geodata.errors import InvalidDataError
from geodata.paths import check_replaceable, replace_folder
from geodata.problems import Problem, make_problem_frame
from gridgov.jobs.pipeline import Classify, PipelineResult, run_pipeline
from gridgov.pack.city import City
from gridgov.progress import Progress, StageClock, ignore_progress
from gridgov.reading.appeals import AppealsRead, read_appeals
from gridgov.rules.classify import ItemClassifier
from planner.errors import PlannerError
from planner.jobs.desk import make_plans
from planner.jobs.outputs import Found, find_as_of, write_all


@dataclass(frozen=True, kw_only=True)
class MainJobOptions:
    """How the main job runs.

    Parameters
    ----------
    as_of
        The moment the job looks back from; None: the end of the day of the newest appeal.
    assets_dir
        Folder with the page assets (``leaflet/``, ``echarts/``).
    is_masked
        Whether personal numbers in free text are masked in what is written.
    is_dry_run
        Whether to work everything out and write nothing.
    classifier
        Suggests items for appeals that came without one; None: a person chooses.
    """

    assets_dir: Path
    as_of: datetime | None = None
    is_masked: bool = True
    is_dry_run: bool = False
    classifier: ItemClassifier | None = None


def run_main_job(
    city: City,
    appeals_path: Path,
    out_dir: Path,
    *,
    options: MainJobOptions,
    progress: Progress = ignore_progress,
) -> dict[str, Any]:
    """Run the main job and return its summary, as written to ``summary.json``.

    The folder appears as a whole when all is written; until then, and after a failure, an earlier one stays.

    Raises
    ------
    FolderInUseError
        If `out_dir` holds something else.
    InvalidDataError
        If the file cannot be read, or no row of it can be used.
    """
    check_replaceable(out_dir)
    clock = StageClock(progress)
    as_of = None if options.as_of is None else pd.Timestamp(options.as_of)
    with clock.stage("read"):
        read = read_appeals(city, appeals_path, as_of=as_of)
    check_usable(read, appeals_path)
    as_of = as_of or find_as_of(read.appeals)
    result = run_pipeline(
        city,
        read.appeals,
        as_of=as_of,
        progress=progress,
        classify=None if options.classifier is None else make_classify(options.classifier),
    )
    planning = make_plans(city, result.orders, as_of=as_of, progress=progress)
    # what is wrong with the pack, the export and the set as a whole, in this order
    problems = pd.concat(
        [make_problem_frame(city.problems), read.problems, result.problems], ignore_index=True
    )
    found = Found(city=city, orders=result.orders, problems=problems, planning=planning)
    summary = make_summary(found, read, result, as_of=as_of)
    if options.is_dry_run:
        return summary
    with replace_folder(out_dir) as folder:
        write_all(
            found,
            summary,
            folder,
            clock=clock,
            seconds=result.seconds | planning.seconds,
            assets_dir=options.assets_dir,
            is_masked=options.is_masked,
        )
    return summary


def make_classify(classifier: ItemClassifier) -> Classify:
    """Return what the pipeline asks for the items of appeals that came without one."""
    return lambda appeals: classifier.suggest(appeals["text"])


def check_usable(read: AppealsRead, path: Path) -> AppealsRead:
    """Return `read` if it holds any appeal.

    Raises
    ------
    InvalidDataError
        If every row was rejected, with the problems of the rows.
    """
    if len(read.appeals):
        return read
    nothing = Problem(
        file=path.name,
        problem=f"none of the {read.read} rows can be used",
        expected="a file in the form that [appeals] of the city pack describes",
    )
    rows = read.problems.astype(object).where(read.problems.notna(), None)
    raise InvalidDataError([nothing, *(Problem(**row) for row in rows.to_dict("records"))])


def make_summary(
    found: Found, read: AppealsRead, result: PipelineResult, *, as_of: pd.Timestamp
) -> dict[str, Any]:
    """Return what the job found, in figures.

    Raises
    ------
    PlannerError
        If rows were lost on the way: read = located + unlocated + rejected must hold.
    """
    counts = dict(result.counts)
    located, unlocated = counts.pop("located"), counts.pop("unlocated")
    appeals = {
        "read": read.read,
        "located": located,
        "unlocated": unlocated,
        "rejected": read.rejected,
    }
    if appeals["read"] != located + unlocated + read.rejected:
        raise PlannerError(
            f"Rows were lost: {appeals}. This is a fault of the program; nothing was written."
        )
    return {
        "city": found.city.name,
        "synthetic": found.city.settings.synthetic,
        "as_of": as_of.isoformat(),
        "boundary_version": found.city.boundary_version,
        "appeals": appeals,
        **counts,
        "problems": len(found.problems),
        "hotspots": len(found.planning.hotspots),
        "plans": len(found.planning.plans),
    }
