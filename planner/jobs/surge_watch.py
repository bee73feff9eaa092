"""The hourly watch: fits the model once a day, finds the surges of the moment, and keeps them where pages read them."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.jobs.report_scopes import find_area_units
from gridgov.pack.city import City
from gridgov.rules.appeal_kinds import find_problem_rows
from gridgov.services.worker.table import Job, WorkerContext
from gridgov.storage.db import transaction
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.orders import Order, Outcome
from gridgov.storage.queries.surges import put_special_report, put_surges
from gridgov.storage.statement_frames import to_frame
from planner.counts import CountModel, fit_counts, make_daily_counts
from planner.errors import PlannerError
from planner.surges import (
    AlarmLevel,
    calibrate_alarms,
    find_surges,
    make_recent_counts,
    make_special_report,
)

LOG = logging.getLogger("gridgov.worker")

HISTORY_YEARS = 3
BEFORE_DAYS = 130
"""Orders that are read to know who has called before, and what the words were."""
MOST_KEPT = 100
MOST_REPORTS = 12
"""Special reports at one moment: as many as the page of today lists."""
SPECIAL_SCHEMA = "special/1"
SEED = 1
COLUMNS = ("order_no", "received_at", "street_code", "community_code", "district_code", "item_code")


@dataclass(kw_only=True)
class SurgeWatch:
    """What the watch keeps between two looks: the model of the day and its thresholds."""

    day: date | None = None
    pack_hash: int = 0
    model: CountModel | None = None
    alarms: Mapping[str, AlarmLevel] = field(default_factory=dict)


def make_surge_job() -> Job:
    """Return the job of the worker."""
    watch = SurgeWatch()

    def run(context: WorkerContext, now: datetime) -> Mapping[str, Any]:
        city = context.city.get_runtime().city
        with transaction(context.sessions) as session:
            value = watch_surges(session, city, watch, now=now)
            put_surges(session, value, now=now)
            for report in value["reports"]:
                put_special_report(session, report, now=now)
        return {"surges": len(value["surges"]), "reports": len(value["reports"])}

    return Job(name="surges", every=timedelta(hours=1), longest=timedelta(minutes=30), run=run)


def watch_surges(
    session: Session, city: City, watch: SurgeWatch, *, now: datetime
) -> dict[str, Any]:
    """Return the surges of a moment as JSON holds them.

    ``moment`` · ``lacking``: why none can be told, else empty · ``surges``: rows of
    :data:`planner.surges.SURGE_COLUMNS` with the names of area and item · ``reports``: drafts of special reports of the
    first of them.

    Parameters
    ----------
    session
        The system's own.
    city
        The pack that is loaded.
    watch
        Kept between two looks; fitted anew when the day or the pack has changed.
    now
        Aware.
    """
    moment = pd.Timestamp(now).tz_convert(str(city.settings.timezone))
    value: dict[str, Any] = {
        "moment": moment.isoformat(),
        "lacking": "",
        "surges": [],
        "reports": [],
    }
    try:
        model = _get_model(session, city, watch, moment)
        start = moment.normalize() - pd.Timedelta(days=BEFORE_DAYS)
        orders = read_counted(
            session, city, start=start.to_pydatetime(), end=now, is_with_text=True
        )
        return value | describe_surges(city, orders, model, watch.alarms, moment=moment)
    except PlannerError as error:
        value["lacking"] = str(error)
        return value


def describe_surges(
    city: City,
    orders: pd.DataFrame,
    model: CountModel,
    alarms: Mapping[str, AlarmLevel],
    *,
    moment: pd.Timestamp,
) -> dict[str, Any]:
    """Return the surges of a moment and the drafts of their special reports as JSON holds them.

    ``surges``: rows of :data:`planner.surges.SURGE_COLUMNS` with ``surge_no area_name item_name unit_code`` ·
    ``reports``: of the first :data:`MOST_REPORTS` of them, with the same and ``names`` of areas by code; ``period`` is
    the number of the surge.

    Parameters
    ----------
    city
        The pack.
    orders
        About problems, of the last days and of those before that the words are compared with.
    model, alarms
        Fitted to the days before.
    moment
        In the city's zone.
    """
    recent = make_recent_counts(orders, model, now=moment.to_pydatetime(), catalogue=city.catalogue)
    found = find_surges(model, recent, dict(alarms)).head(MOST_KEPT)
    units, items = find_area_units(city), {} if city.catalogue is None else city.catalogue.names
    surges = [
        _to_json(row)
        | {
            "surge_no": make_surge_no(row),
            "area_name": _name_area(city, str(row["area_code"])),
            "unit_code": units.get((str(row["level"]), str(row["area_code"])), ""),
            "item_name": items.get(str(row["item_code"]), str(row["item_code"])),
        }
        for row in found.to_dict("records")
    ]
    desk = city.units.loc[city.units["kind"] == "desk", "unit_code"]
    centres = find_centres(city)
    reports = []
    for at, surge in enumerate(surges[:MOST_REPORTS]):
        report = make_special_report(
            found.iloc[at],
            orders=orders,
            model=model,
            recent=recent,
            moment=moment.to_pydatetime(),
            centres=centres,
            seed=SEED,
        )
        codes = [code for code, _n in report.by_street]
        codes += report.place.area_codes if report.place else ()
        reports.append(
            _to_json(asdict(report))
            | {
                "schema": SPECIAL_SCHEMA,
                "kind": "special",
                "period": surge["surge_no"],
                # of a district or city without a unit of its own: for the hotline's desk
                "unit_code": surge["unit_code"] or (str(desk.iloc[0]) if len(desk) else ""),
                "area_name": surge["area_name"],
                "item_name": surge["item_name"],
                "names": {code: city.names.get(code, code) for code in codes},
            }
        )
    return {"surges": surges, "reports": reports}


def make_surge_no(surge: Mapping[Any, Any]) -> str:
    """Return the number of a surge: its first day, and a mark of its level, area and item."""
    what = "|".join(str(surge[name]) for name in ("level", "area_code", "item_code"))
    return f"{surge['start']:%Y%m%d}-{hashlib.sha256(what.encode()).hexdigest()[:8]}"


def _name_area(city: City, code: str) -> str:
    return city.names.get(code, code) or city.name


def read_counted(
    session: Session, city: City, *, start: datetime, end: datetime, is_with_text: bool
) -> pd.DataFrame:
    """Return the orders about problems received in a span with what counting needs of them, by time of receipt.

    The pack's table of kinds says what a problem is; ``kind`` is left out, so that nothing later judges it by another.
    """
    names = [*COLUMNS, "kind", "person_key", *(["text"] if is_with_text else [])]
    chosen = (
        sa.select(
            *(getattr(Order, name) for name in COLUMNS),
            *(getattr(Appeal, name) for name in names[len(COLUMNS) :]),
        )
        .join(Appeal, Appeal.id == Order.appeal_id)
        .where(
            Order.received_at >= start,
            Order.received_at < end,
            Order.outcome.not_in([Outcome.MERGED, Outcome.EXCLUDED]),
        )
        .order_by(Order.received_at, Order.order_no)
    )
    frame = to_frame(session.execute(chosen), names)
    is_problem = find_problem_rows(frame["kind"], city.tables.get("kinds"))
    frame = frame[is_problem].drop(columns="kind").reset_index(drop=True)
    utc = pd.to_datetime(frame["received_at"], utc=True).astype("datetime64[us, UTC]")
    frame["received_at"] = utc.dt.tz_convert(str(city.settings.timezone))
    return frame


def _get_model(session: Session, city: City, watch: SurgeWatch, moment: pd.Timestamp) -> CountModel:
    """Return the model of the day, fitted where there is none yet."""
    today = moment.date()
    if watch.model is None or watch.day != today or watch.pack_hash != id(city):
        midnight = moment.normalize()
        orders = read_counted(
            session,
            city,
            start=(midnight - pd.DateOffset(years=HISTORY_YEARS)).to_pydatetime(),
            end=midnight.to_pydatetime(),
            is_with_text=False,
        )
        fitted = fit_watch(city, orders, midnight=midnight)
        watch.model, watch.alarms = fitted.model, fitted.alarms
        watch.day, watch.pack_hash = today, id(city)
    assert watch.model is not None  # noqa: S101 - fitted above
    return watch.model


def fit_watch(city: City, orders: pd.DataFrame, *, midnight: pd.Timestamp) -> SurgeWatch:
    """Return the model of a day and its thresholds.

    Parameters
    ----------
    city
        The pack.
    orders
        About problems, of the last :data:`HISTORY_YEARS` years.
    midnight
        At which the day begins, in the city's zone.

    Raises
    ------
    PlannerError
        No order counts.
    """
    today = midnight.date()
    daily = make_daily_counts(
        orders,
        city.calendar,
        as_of=midnight.to_pydatetime(),
        catalogue=city.catalogue,
        residents=city.find_population(today),
    )
    model = fit_counts(daily, city.calendar, seed=SEED)
    LOG.info("surge watch: a model of %d counts up to %s", daily.total, model.last_day)
    return SurgeWatch(
        day=today, pack_hash=id(city), model=model, alarms=calibrate_alarms(model, seed=SEED)
    )


def find_centres(city: City) -> pd.DataFrame | None:
    """Return a point inside each community, else each street: ``x_m y_m`` by code, in the UTM zone of the city."""
    for role, column in (("communities", "community_code"), ("streets", "street_code")):
        layer = city.layers.get(role)
        if layer is not None and len(layer):
            metric = layer.to_crs(layer.estimate_utm_crs())
            points = metric.geometry.representative_point()
            return pd.DataFrame(
                {"x_m": points.x.to_numpy(), "y_m": points.y.to_numpy()},
                index=pd.Index(layer[column].astype(str)),
            )
    return None


def _to_json(value: Any) -> Any:
    """Return a value as JSON holds it."""
    if isinstance(value, dict):
        return {str(key): _to_json(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_json(one) for one in value]
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value
