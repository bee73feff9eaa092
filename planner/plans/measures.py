"""The library of measures: what helps in a scene, how long it takes, what it costs, what is known of its effect.

Table ``measures`` of a pack. An office edits it; effects that are measured later are written back into it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from gridgov.pack.check_tables import MEASURE_KINDS, MEASURE_STATUSES
from gridgov.pack.read_tables import MEASURE_COLUMNS
from planner.errors import PlannerError
from planner.plans.plan_text import say
from planner.plans.record import Range, TaskMeasure

CONSULTATION = "consultation"

KEYS = ("scene_code", "item_code")
"""What a measure is for: a scene, else an item and all below it, else everything at a place."""


@dataclass(frozen=True, kw_only=True)
class MeasureLibrary:
    """Measures by what they are for, in the order in which they are preferred.

    Parameters
    ----------
    scenes, items
        Scene code → measures; item code → measures for it and all items below it.
    general
        For a place that has too much of everything.
    most
        Measures against one item; more are a wish list.
    """

    scenes: Mapping[str, tuple[TaskMeasure, ...]] = field(default_factory=dict)
    items: Mapping[str, tuple[TaskMeasure, ...]] = field(default_factory=dict)
    general: tuple[TaskMeasure, ...] = ()
    most: int = 3

    def __bool__(self) -> bool:
        """Return whether there is any measure."""
        return bool(self.scenes or self.items or self.general)

    def choose(self, scene_code: str, line: Sequence[str] = ()) -> tuple[TaskMeasure, ...]:
        """Return what helps against one item: the best measure of each kind, at most :attr:`most`.

        Parameters
        ----------
        scene_code
            Of the item, empty where it has none.
        line
            The item and those above it, nearest first; asked in turn where the library knows no measure of the scene.
        """
        known = self.scenes.get(scene_code, ()) if scene_code else ()
        for item in line:
            known = known or self.items.get(item, ())
        return _choose_kinds(known, self.most)

    def choose_general(self) -> tuple[TaskMeasure, ...]:
        """Return what helps against everything at a place."""
        return _choose_kinds(self.general, self.most)


@dataclass(frozen=True, kw_only=True)
class MixedPart:
    """One item of a set of several.

    Parameters
    ----------
    name
        Of the item.
    share
        Of the set's appeals, above 0 and at most 1.
    measures
        What helps against it.
    """

    name: str
    share: float
    measures: tuple[TaskMeasure, ...]


def mix_measures(
    parts: Sequence[MixedPart], general: tuple[TaskMeasure, ...] = (), *, most: int
) -> tuple[TaskMeasure, ...]:
    """Return the measures against a set of several items, the one that takes most away first.

    A measure acts only on the appeals that it is for: its effect on the whole set is scaled by their share and says so.

    Parameters
    ----------
    parts
        Items that have measures of their own.
    general
        Measures that act on everything in the set; they stand first.
    most
        Measures of single items.
    """
    found: dict[str, tuple[TaskMeasure, float, list[str]]] = {}
    for part in parts:
        for measure in part.measures:
            _, share, names = found.get(measure.measure_code, (measure, 0.0, []))
            found[measure.measure_code] = (measure, share + part.share, [*names, part.name])
    scaled = [_scale(measure, share, names) for measure, share, names in found.values()]
    return (*general, *sorted(scaled, key=_rank)[:most])


def _scale(measure: TaskMeasure, share: float, names: Sequence[str]) -> TaskMeasure:
    """Return a measure with its effect on a set of which only a part is what it is for."""
    if share >= 1 - 1e-9:
        return measure

    def scale(effect: float | None) -> float | None:
        return None if effect is None else round(effect * share, 4)

    told = say("measures", "part", share=f"{share:.0%}", items=say("joiners", "list").join(names))
    return replace(
        measure,
        effect=scale(measure.effect),
        effect_low=scale(measure.effect_low),
        effect_high=scale(measure.effect_high),
        note="；".join(one for one in (told, measure.note) if one),
    )


def _choose_kinds(measures: Sequence[TaskMeasure], most: int) -> tuple[TaskMeasure, ...]:
    chosen: dict[str, TaskMeasure] = {}
    for measure in measures:
        chosen.setdefault(measure.kind, measure)
    return tuple(chosen.values())[:most]


def make_library(table: pd.DataFrame | None, *, most: int = 3) -> MeasureLibrary:
    """Return the library of a pack's table.

    Parameters
    ----------
    table
        Frame of :data:`MEASURE_COLUMNS`; None where the pack has none.
    most
        Measures against one item.

    Raises
    ------
    PlannerError
        A row names an unknown kind or status, a negative number, or an interval that does not hold its value; all
        rows that are wrong are told.
    """
    if table is None or table.empty:
        return MeasureLibrary(most=most)
    frame = table.reindex(columns=list(MEASURE_COLUMNS))
    numbers = {
        name: pd.to_numeric(frame[name].replace("", None), errors="coerce")
        for name in ("days", "cost_low", "cost_high", "effect", "effect_low", "effect_high")
    }
    rows = frame.assign(**numbers).to_dict("records")
    faults = [text for at, row in enumerate(rows, start=2) for text in _find_faults(row, at)]
    faults += _find_no_numbers(frame, numbers)
    if faults:
        raise PlannerError("table measures: " + "; ".join(faults))
    scenes: dict[str, list[TaskMeasure]] = {}
    items: dict[str, list[TaskMeasure]] = {}
    for row in rows:
        scene, item = ("" if pd.isna(row[name]) else str(row[name]) for name in KEYS)
        of = scenes if scene else items
        of.setdefault(scene or item, []).append(_make_measure(row))
    general = items.pop("", [])
    return MeasureLibrary(
        scenes={code: tuple(sorted(made, key=_rank)) for code, made in sorted(scenes.items())},
        items={code: tuple(sorted(made, key=_rank)) for code, made in sorted(items.items())},
        general=tuple(sorted(general, key=_rank)),
        most=most,
    )


def join_effects(measures: tuple[TaskMeasure, ...], default: float, *, most: float) -> float:
    """Return the share by which appeals are to fall: what is left after each measure, in a row.

    Parameters
    ----------
    measures
        Of one task.
    default
        Where no measure says an effect.
    most
        Several measures together are not believed to take away more.
    """
    known = [one.effect for one in measures if one.effect is not None]
    if not known:
        return default
    left = 1.0
    for effect in known:
        left *= 1.0 - effect
    return min(round(1.0 - left, 4), most)


def find_known_falls(table: pd.DataFrame | None) -> dict[str, float]:
    """Return the share by which appeals fall, by measure; the mean over scenes, measures without an effect left out."""
    if table is None or table.empty:
        return {}
    effect = pd.to_numeric(table["effect"].replace("", None), errors="coerce")
    known = (-effect).groupby(table["measure_code"].astype(str)).mean().dropna()
    return {str(code): float(fall) for code, fall in known.items()}


def apply_measured(table: pd.DataFrame, measured: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the library with the effects that were measured in place of those that were believed.

    Parameters
    ----------
    table
        Frame of :data:`MEASURE_COLUMNS`.
    measured
        ``measure_code fall fall_low fall_high n``: share by which appeals fell, with its 90 % interval, over ``n``
        tasks; those with ``fall`` None change nothing. A measure after which appeals rose is known to do nothing.
    """
    rows = table.reindex(columns=list(MEASURE_COLUMNS)).astype(object).copy()
    for one in measured:
        own = rows["measure_code"] == one["measure_code"]
        if one["fall"] is None or not own.any():
            continue
        value, most, least = (
            min(max(-float(one[name]), -1.0), 0.0) for name in ("fall", "fall_low", "fall_high")
        )
        for name, figure in (("effect", value), ("effect_low", least), ("effect_high", most)):
            rows.loc[own, name] = str(round(figure, 4))
        rows.loc[own, "status"] = "measured"
        rows.loc[own, "note"] = say("measures", "measured", n=one["n"])
    return rows


def _rank(measure: TaskMeasure) -> tuple[float, str]:
    return -(measure.effect or 0.0), measure.measure_code


def _make_measure(row: Mapping[str, Any]) -> TaskMeasure:
    status = str(row["status"])
    low, high = _number(row["cost_low"]), _number(row["cost_high"])
    known = low is not None or high is not None
    return TaskMeasure(
        measure_code=str(row["measure_code"]),
        name=str(row["name"]),
        kind=str(row["kind"]),
        days=_number(row["days"]),
        cost=Range(low=low, high=high, unit="10k_yuan", status=status if known else "unknown"),
        effect=_turn(row["effect"]),
        effect_low=_turn(row["effect_high"]),
        effect_high=_turn(row["effect_low"]),
        status=status,
        note="" if pd.isna(row["note"]) else str(row["note"]),
    )


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _turn(value: Any) -> float | None:
    """Return a change as the fall that tasks speak of."""
    return None if pd.isna(value) else 0.0 - float(value)


def _find_faults(row: Mapping[str, Any], at: int) -> list[str]:
    """Return what is wrong with one row, as a person counts rows."""
    faults = []
    for name, known in (("kind", MEASURE_KINDS), ("status", MEASURE_STATUSES)):
        if row[name] not in known:
            faults.append(
                f"row {at}, {name}: found {row[name]!r}, expected one of {', '.join(known)}"
            )
    faults += [
        f"row {at}, {name}: found {row[name]:g}, expected 0 or more"
        for name in ("days", "cost_low", "cost_high")
        if row[name] < 0
    ]
    for low, high in (("cost_low", "cost_high"), ("effect_low", "effect_high")):
        if row[low] > row[high]:
            faults.append(
                f"row {at}, {low}: found {row[low]:g}, expected at most {high} = {row[high]:g}"
            )
    if not pd.isna(row["effect"]) and not -1 <= row["effect"] <= 0:
        faults.append(
            f"row {at}, effect: found {row['effect']:g}, expected a change from -1 to 0, -0.3 for a fall by 30 %"
        )
    return faults


def _find_no_numbers(frame: pd.DataFrame, numbers: Mapping[str, pd.Series]) -> list[str]:
    """Return texts where a number should be."""
    faults = []
    for name, column in numbers.items():
        told = frame[name].astype("object").where(frame[name].notna(), "").astype(str).str.strip()
        wrong = column.isna() & (told != "")
        faults += [
            f"row {at + 2}, {name}: found {text!r}, expected a number or nothing"
            for at, text in enumerate(told)
            if wrong.iloc[at]
        ]
    return faults
