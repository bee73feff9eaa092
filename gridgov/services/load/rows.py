"""A batch of appeals as the rows of every table it touches: frames in, frames out, no database."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.jobs.pipeline import Classify, run_pipeline
from gridgov.pack.city import City
from gridgov.rules.catalogue import Catalogue
from gridgov.rules.constants import Constants
from gridgov.rules.orders.history import find_history
from gridgov.rules.orders.transitions import CLOSED, OrderState
from gridgov.rules.privacy import mask_series
from gridgov.rules.rates.assessment import judge_orders
from gridgov.rules.rates.handlers import find_handlers
from gridgov.rules.rates.three_rates import make_counts
from gridgov.storage.audit.log import write_json

APPEAL_FIELDS = (
    "appeal_no",
    "received_at",
    "channel",
    "kind",
    "text",
    "address",
    "item_code",
    "item_confidence",
    "person_key",
    "unit_recorded",
    "lon",
    "lat",
    "place_level",
    "uncertainty_m",
    "matched",
    "place_problem",
    "cell_code",
    "community_code",
    "street_code",
    "district_code",
    "exception_code",
    "boundary_m",
    "neighbour_code",
    "confidence",
    "boundary_version",
)
"""Columns that ``appeals`` takes as they are."""

ORDER_FIELDS = (
    "order_no",
    "state",
    "state_at",
    "unit_code",
    "route",
    "grade",
    "review",
    "reasons",
    "dispatched_at",
    "contact_by",
    "due_at",
    "warned_at",
    "overdue_at",
    "contacted_at",
    "replied_at",
    "closed_at",
    "outcome",
    "called_at",
    "contacted",
    "solved",
    "satisfied",
    "received_at",
    "kind",
    "item_code",
    "level1_code",
    "cell_code",
    "community_code",
    "street_code",
    "district_code",
    "lon",
    "lat",
    "boundary_version",
)
"""Columns that ``orders`` takes as they are."""

RAW = {"text": "raw_text", "address": "raw_address"}
"""Free text that is masked → where it is kept as it was said."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Batch:
    """Rows of one batch.

    Parameters
    ----------
    frame
        One row per appeal, index 0 … n-1, with the columns of both tables, ``raw_text raw_address`` where the masked
        text differs, ``is_called`` and ``after``, the JSON text of its log entry.
    catalogue
        The city's, or the one made of the categories of these appeals.
    constants
        The city's.
    """

    frame: pd.DataFrame
    catalogue: Catalogue
    constants: Constants

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, rows: npt.NDArray[np.bool_]) -> "Batch":
        """Return the batch with these rows only."""
        if rows.all():
            return self
        return replace(self, frame=self.frame[rows].reset_index(drop=True))

    def make_appeals(self, ids: npt.NDArray[np.int64], **common: Any) -> pd.DataFrame:
        """Return rows of ``appeals``; `common` are columns of one value."""
        rows = self.frame[list(APPEAL_FIELDS)].assign(id=ids, **common)
        return rows.assign(point_lon=rows["lon"], point_lat=rows["lat"])

    def make_persons(self, ids: npt.NDArray[np.int64]) -> pd.DataFrame:
        """Return rows of ``appeal_persons``: only what the masked text leaves out."""
        rows = self.frame[list(RAW.values())].assign(appeal_id=ids)
        return rows[rows[list(RAW.values())].notna().any(axis=1)]

    def make_orders(
        self, ids: npt.NDArray[np.int64], appeal_ids: npt.NDArray[np.int64], *, desk_code: str
    ) -> pd.DataFrame:
        """Return rows of ``orders``."""
        empty = dict.fromkeys(("bound_unit_code", "merged_into", "replied_by"), "")
        return self.frame[list(ORDER_FIELDS)].assign(
            id=ids, appeal_id=appeal_ids, version=1, desk_code=desk_code, **empty
        )

    def make_callbacks(self, order_ids: npt.NDArray[np.int64]) -> pd.DataFrame:
        """Return rows of ``callbacks``: of orders about which somebody was asked."""
        fields = ["called_at", "contacted", "satisfied", "said_solved"]
        rows = self.frame[fields].assign(order_id=order_ids, note="", made_by="")
        return rows[self.frame["is_called"]].rename(columns={"said_solved": "solved"})

    def make_rates(self) -> list[Mapping[str, Any]]:
        """Return what the orders add to the counts of the rates, a row for each month and unit."""
        asked = self.frame.assign(solved=self.frame["said_solved"])
        judged = judge_orders(asked, as_of=_END, constants=self.constants).orders
        return list(make_counts(judged).to_dict("records"))


_END = pd.Timestamp("9999-12-31", tz="UTC").as_unit("us")
"""What lies after the moment of the judgement is gone already when rows are made."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BatchRules:
    """What a batch is made by.

    Parameters
    ----------
    city
        The pack.
    source
        System from which the appeals come.
    as_of
        Moment of the judgement, aware.
    desk_code
        Unit of the hotline's desk.
    classify
        Gives items to appeals without one, or None.
    """

    city: City
    source: str
    as_of: pd.Timestamp
    desk_code: str
    classify: Classify | None = None


def make_batch(appeals: pd.DataFrame, rules: BatchRules) -> Batch:
    """Return the rows of a batch of appeals: located, dispatched, with their history, masked.

    Parameters
    ----------
    appeals
        Frame of ``gridgov.frames.APPEAL_COLUMNS``.
    rules
        City, source and moment.
    """
    constants = rules.city.settings.constants
    result = run_pipeline(rules.city, appeals, as_of=rules.as_of, classify=rules.classify)
    frame = result.orders.reset_index(drop=True)
    past = find_history(frame, desk_code=rules.desk_code, as_of=rules.as_of, constants=constants)
    # What is over stays with the unit that the export names as its handler, in lists, counts and rates.
    handlers = find_handlers(frame, rules.city.units["unit_code"])
    frame["unit_code"] = frame["unit_code"].where(past["replied_at"].isna(), handlers)
    frame = frame.rename(columns={"solved": "said_solved"})
    frame["said_solved"] = _say_answers(frame["said_solved"])
    frame["level1_code"] = result.catalogue.find_top(frame["item_code"].astype("str"))
    frame = frame.assign(
        **{name: past[name] for name in ("state", "state_at", "outcome", "called_at")},
        **{name: past[name] for name in ("replied_at", "overdue_at", "is_called")},
        solved=past["answer"],
        warned_at=past["overdue_at"],
        dispatched_at=frame["received_at"].where(past["state"] != OrderState.RECEIVED.value),
        closed_at=past["state_at"].where(past["state"].isin([one.value for one in CLOSED])),
        **{name: frame[name].fillna("") for name in ("route", "grade", "reasons")},
    )
    for name, raw in RAW.items():
        said = frame[name]
        frame[name] = mask_series(said)
        frame[raw] = said.where((said != frame[name]) & said.notna())
    frame["after"] = _make_afters(frame, rules.source)
    return Batch(frame=frame, catalogue=result.catalogue, constants=constants)


def _say_answers(flags: pd.Series) -> pd.Series:
    return flags.map({True: "true", False: "false"}).astype("str")


def _make_afters(frame: pd.DataFrame, source: str) -> pd.Series:
    """Return the JSON text of each order's log entry; few combinations differ, so each is written once."""
    names = ["outcome", "state", "unit_code"]
    keys = frame["outcome"] + "|" + frame["state"] + "|" + frame["unit_code"]
    at, distinct = pd.factorize(keys)
    combinations = [one.split("|", 2) for one in distinct]
    texts = np.array(
        [
            write_json({**dict(zip(names, one, strict=True)), "source": source})
            for one in combinations
        ],
        dtype=object,
    )
    return pd.Series(texts[at], index=frame.index, dtype="str")
