"""Rates kept while writing are, byte for byte, those that ``gridgov rates`` computes from the rows."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from geodata.files import write_table
from gridgov.jobs.rate_report import RateFiles, make_rate_report
from gridgov.pack.duties import load_city_duties
from gridgov.rules.constants import Constants, make_constant, make_constants
from gridgov.rules.rates.assessment import assess_counts
from gridgov.services.orders.rating import (
    ANSWERS,
    counted,
    find_rate_key,
    make_callbacks_frame,
    make_orders_frame,
)
from gridgov.storage.counts.changes import record_rates
from gridgov.storage.db import transaction
from gridgov.storage.models.orders import Callback, Exclusion, Order
from gridgov.storage.queries.rate_counts import get_rate_counts, get_rate_totals
from tests.gridgov.packs import TOML, write_pack
from tests.gridgov.services.whistles.test_records import add_order

T0 = datetime(2025, 1, 10, 4, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
UNITS = ("110101001", "110101002", "110102001", "D01", "E01")


@dataclass
class Rules:
    constants: Constants
    zone: ZoneInfo = ZONE


def answer(rng):
    """Return what one call brought: mostly everything, sometimes half, sometimes nobody."""
    facts = {
        "contacted": bool(rng.random() < 0.9),
        "solved": str(rng.choice(["true", "partly", "false"])),
        "satisfied": str(rng.choice(["satisfied", "basically", "unsatisfied"])),
    }
    if rng.random() < 0.25:
        facts |= dict.fromkeys(("solved", "satisfied"))
    return facts


def change(session, order, rng, at):
    """Do one thing to an order that its rates may depend on."""
    what = rng.choice(7, p=[0.2, 0.1, 0.2, 0.2, 0.2, 0.03, 0.07])
    if what == 0:
        order.closed_at = None if rng.random() < 0.2 else at
    elif what == 1:
        order.unit_code = str(rng.choice(UNITS))
    elif what in {2, 3}:
        session.add(Callback(order_id=order.id, called_at=at, made_by="p", **answer(rng)))
    elif what == 4:
        later = at + timedelta(minutes=5)
        approver = [None, "q", "q", "p"][rng.integers(4)]
        session.add(
            Exclusion(
                order_id=order.id,
                reason_code=str(
                    rng.choice(["out_of_duty", "unreasonable", "no_valid_callback", "whatever"])
                ),
                proposed_by="p",
                proposed_at=at,
                approved_by=approver,
                approved_at=later if approver else None,
            )
        )
    elif what == 5:
        for one in session.scalars(sa.select(Exclusion).where(Exclusion.order_id == order.id)):
            one.withdrawn_at = at
    else:
        order.due_at = at


def write_files(session, rules, folder):
    """Write what stands in the database as the files of ``gridgov rates``."""
    orders = list(session.scalars(sa.select(Order).order_by(Order.id)))
    numbers = {one.id: one.order_no for one in orders}
    called = list(session.scalars(sa.select(Callback)))
    excluded = list(session.scalars(sa.select(Exclusion).where(Exclusion.withdrawn_at.is_(None))))
    own = [one for one in orders if one.id not in {c.order_id for c in called}]
    callbacks = pd.concat(
        [
            make_callbacks_frame([(numbers[c.order_id], c) for c in called], rules),
            make_orders_frame(own, rules)[["order_no", "called_at", *ANSWERS]],
        ]
    )
    exclusions = pd.DataFrame(
        [
            {
                "order_no": numbers[one.order_id],
                **{
                    name: getattr(one, name)
                    for name in ("reason_code", "proposed_by", "proposed_at")
                },
                "approved_by": one.approved_by or "",
                "approved_at": one.approved_at,
            }
            for one in excluded
        ]
    )
    files = RateFiles(
        orders=folder / "orders.parquet",
        callbacks=folder / "callbacks.parquet",
        exclusions=folder / "exclusions.parquet",
    )
    frame = make_orders_frame(orders, rules).drop(columns=[*ANSWERS, "called_at"])
    write_table(frame, files.orders)
    write_table(callbacks.reset_index(drop=True), files.callbacks)
    write_table(exclusions, files.exclusions)
    return files


@pytest.mark.parametrize("by", ["closed_at", "received_at", "called_at"])
def test_ranking_from_counts_is_that_of_the_files(sessions, tmp_path, by):
    toml = TOML + f'\n[rates]\nstatus = "assumed"\ncallbacks_min = 2\nwindow_by = "{by}"\n'
    pack = write_pack(tmp_path / "pack", toml)
    city = load_city_duties(pack)
    rules, rng = Rules(city.constants), np.random.default_rng(7)
    with transaction(sessions) as session:
        for number in range(12):
            order = add_order(session, f"O{number}")
            order.unit_code = UNITS[number % len(UNITS)]
            if number % 4 == 0:  # history: answers on the order, no calls of our own
                for name, value in answer(rng).items():
                    setattr(order, name, value)
                order.called_at = order.closed_at = order.received_at + timedelta(days=number)
            session.flush()
            record_rates(session, None, find_rate_key(session, rules, order))
    for step in range(50):
        with transaction(sessions) as session:
            order = session.get_one(Order, int(rng.integers(1, 13)))
            at = order.received_at + timedelta(hours=step, minutes=1)
            with counted(session, rules, order), counted(session, rules, order):
                change(session, order, rng, at)
    with sessions() as session:
        files = write_files(session, rules, tmp_path)
        counts = get_rate_counts(session)
        totals = get_rate_totals(session, unit_code="*")
        kept = assess_counts(counts, city.units, constants=city.constants)
    summed = counts.drop(columns="unit_code").groupby("month", as_index=False).sum()
    pd.testing.assert_frame_equal(totals.drop(columns="unit_code"), summed)
    report = make_rate_report(pack, files)
    assert report.table["callbacks"].sum() > 4
    assert report.table["excluded"].sum() > 0
    assert report.table["rank"].notna().any()
    for name, table in (("kept.csv", kept), ("computed.csv", report.table)):
        write_table(table, tmp_path / name)
    assert (tmp_path / "kept.csv").read_bytes() == (tmp_path / "computed.csv").read_bytes()


def test_an_exclusion_touches_its_own_unit_only(sessions):
    rules = Rules(make_constants())
    with transaction(sessions) as session:
        for number, unit in enumerate(UNITS):
            order = add_order(session, f"O{number}")
            with counted(session, rules, order):
                order.unit_code, order.closed_at = unit, T0 + timedelta(days=200)
                order.contacted, order.solved, order.satisfied = True, "true", "satisfied"
    with sessions() as session:
        before = get_rate_counts(session).set_index("unit_code")
    with transaction(sessions) as session:
        order = session.scalars(sa.select(Order).where(Order.unit_code == "D01")).one()
        with counted(session, rules, order):
            at = T0 + timedelta(days=201)
            session.add(
                Exclusion(
                    order_id=order.id,
                    reason_code="out_of_duty",
                    proposed_by="p",
                    proposed_at=at,
                    approved_by="q",
                    approved_at=at,
                )
            )
    with sessions() as session:
        after = get_rate_counts(session).set_index("unit_code")
    pd.testing.assert_frame_equal(before.drop("D01"), after.drop("D01"))
    assert (after.loc["D01", "callbacks"], after.loc["D01", "excluded"]) == (0, 1)


def test_a_failed_change_counts_nothing(sessions):
    rules = Rules(make_constants([make_constant("rates.window_by", "received_at", "assumed")]))
    with transaction(sessions) as session:
        order = add_order(session)
        record_rates(session, None, find_rate_key(session, rules, order))
    with sessions() as session:
        order = session.scalars(sa.select(Order)).one()
        with pytest.raises(RuntimeError), counted(session, rules, order):
            order.unit_code = "X"
            raise RuntimeError
        session.rollback()
        with counted(session, rules, order):
            order.unit_code = "Y"
        session.commit()
        assert list(get_rate_counts(session)["unit_code"]) == ["Y"]
