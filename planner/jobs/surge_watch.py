"""The hourly watch: fits the model once a day, finds the surges of the moment, and keeps them where pages read them."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from gridgov.pack.city import City
from gridgov.rules.appeal_kinds import find_problem_rows
from gridgov.services.worker.table import Job, WorkerContext
from gridgov.storage.db import transaction
from gridgov.storage.models.appeals import Appeal
from gridgov.storage.models.orders import Order, Outcome
from gridgov.storage.queries.surges import put_surges
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
MOST_REPORTS = 5
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
        return {"surges": len(value["surges"])}

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
        recent = make_recent_counts(
            orders, model, now=moment.to_pydatetime(), catalogue=city.catalogue
        )
        found = find_surges(model, recent, dict(watch.alarms)).head(MOST_KEPT)
        reports = [
            make_special_report(
                row,
                orders=orders,
                model=model,
                recent=recent,
                moment=moment.to_pydatetime(),
                centres=find_centres(city),
                seed=SEED,
            )
            for _, row in found.head(MOST_REPORTS).iterrows()
        ]
    except PlannerError as error:
        value["lacking"] = str(error)
        return value
    units = _find_units(city)
    items = {} if city.catalogue is None else city.catalogue.names
    value["surges"] = [
        _to_json(row)
        | {
            "area_name": city.names.get(str(row["area_code"]), str(row["area_code"])),
            "unit_code": units.get((str(row["level"]), str(row["area_code"])), ""),
            "item_name": items.get(str(row["item_code"]), str(row["item_code"])),
        }
        for row in found.to_dict("records")
    ]
    value["reports"] = [_to_json(asdict(report)) for report in reports]
    return value


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
        daily = make_daily_counts(
            orders,
            city.calendar,
            as_of=midnight.to_pydatetime(),
            catalogue=city.catalogue,
            residents=city.find_population(today),
        )
        model = fit_counts(daily, city.calendar, seed=SEED)
        watch.model, watch.alarms = model, calibrate_alarms(model, seed=SEED)
        watch.day, watch.pack_hash = today, id(city)
        LOG.info("surge watch: a model of %d counts up to %s", daily.total, model.last_day)
    return watch.model


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


def _find_units(city: City) -> dict[tuple[str, str], str]:
    """Return the unit that answers for a street or district, by level and code of the area."""
    table = city.units
    area = table["area_code"] if "area_code" in table else table["unit_code"]
    area = area.where(area.notna() & (area != ""), table["unit_code"])
    return dict(zip(zip(table["kind"], area, strict=True), table["unit_code"], strict=True))


def _to_json(value: Any) -> Any:
    """Return a value as JSON holds it."""
    if isinstance(value, dict):
        return {str(key): _to_json(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_json(one) for one in value]
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value
