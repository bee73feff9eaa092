"""The main job: a city and a file of appeals in, a folder with orders, hotspots and plans out."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
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
from planner.documents.pages import write_pages
from planner.errors import PlannerError
from planner.jobs.desk import PlanningResult, make_plans
from planner.jobs.outputs import write_summary, write_tables


@dataclass(frozen=True, kw_only=True)
class MainJobResult:
    """Everything the job found, before any of it is written."""

    city: City
    as_of: pd.Timestamp
    read: AppealsRead
    result: PipelineResult
    planning: PlanningResult

    @cached_property
    def problems(self) -> pd.DataFrame:
        """Return what is wrong with the pack, the export and the set as a whole, in this order."""
        pack = make_problem_frame(self.city.problems)
        return pd.concat([pack, self.read.problems, self.result.problems], ignore_index=True)


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
    job = MainJobResult(city=city, as_of=as_of, read=read, result=result, planning=planning)
    summary = make_summary(job)
    if options.is_dry_run:
        return summary
    with replace_folder(out_dir) as folder:
        with clock.stage("write"):
            write_all(job, summary, folder, options=options)
        seconds = clock.seconds | result.seconds | planning.seconds
        summary["seconds"] = {stage: round(spent, 3) for stage, spent in seconds.items()}
        write_summary(summary, folder / "summary.json")
    return summary


def write_all(
    job: MainJobResult, summary: dict[str, Any], folder: Path, *, options: MainJobOptions
) -> None:
    """Write tables and pages at the same time: the tables are compiled code that leaves a core free."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        tables = pool.submit(
            write_tables,
            folder,
            orders=job.result.orders,
            problems=job.problems,
            hotspots=job.planning.hotspots,
            is_masked=options.is_masked,
        )
        write_pages(job.planning, job.city, summary, folder, assets_dir=options.assets_dir)
        tables.result()


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


def find_as_of(appeals: pd.DataFrame) -> pd.Timestamp:
    """Return midnight after the newest appeal, in the city's zone."""
    newest: pd.Timestamp = appeals["received_at"].max()
    return newest.normalize() + pd.DateOffset(days=1)


def make_summary(job: MainJobResult) -> dict[str, Any]:
    """Return what the job found, in figures.

    Raises
    ------
    PlannerError
        If rows were lost on the way: read = located + unlocated + rejected must hold.
    """
    counts = dict(job.result.counts)
    located, unlocated = counts.pop("located"), counts.pop("unlocated")
    appeals = {
        "read": job.read.read,
        "located": located,
        "unlocated": unlocated,
        "rejected": job.read.rejected,
    }
    if appeals["read"] != located + unlocated + job.read.rejected:
        raise PlannerError(
            f"Rows were lost: {appeals}. This is a fault of the program; nothing was written."
        )
    return {
        "city": job.city.name,
        "synthetic": job.city.settings.synthetic,
        "as_of": job.as_of.isoformat(),
        "boundary_version": job.city.boundary_version,
        "appeals": appeals,
        **counts,
        "problems": len(job.problems),
        "hotspots": len(job.planning.hotspots),
        "plans": len(job.planning.plans),
    }
