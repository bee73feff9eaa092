"""The lists of responsibilities and of policies: who has which part; what somebody above the street should decide."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from gridgov.rules.constants import Constants
from gridgov.rules.duties import find_bounces
from gridgov.rules.rates.three_rates import make_wilson_interval
from planner.plans.dates import say_list
from planner.plans.plan_text import say
from planner.plans.record import Party, Policy, Task
from planner.plans.tasks import TaskRules

POLICY_COLUMNS = ("item_code", "key", "n", "share", "low", "of", "units", "days")


@dataclass(frozen=True, eq=False, kw_only=True)
class PolicyEvidence:
    """What the city's orders say about items that a street alone cannot cure.

    Parameters
    ----------
    rows
        Frame of :data:`POLICY_COLUMNS`: one row per item and kind of evidence.
    solution
        Solution rate of the whole city, None without callbacks.
    """

    rows: pd.DataFrame
    solution: float | None = field(default=None)


def find_policy_evidence(
    of_year: pd.DataFrame, constants: Constants, *, transfers: pd.DataFrame | None = None
) -> PolicyEvidence:
    """Return the evidence of the last year.

    Parameters
    ----------
    of_year
        Orders: ``item_code level2_code street_code contacted solved route``.
    constants
        ``rates.confidence_level``, ``planning.policy_*``, ``planning.unclear_share``.
    transfers
        Moves of orders (``rules.duties.bounces.TRANSFER_COLUMNS``), None where none are kept.
    """
    low, solution = _find_low_solution(of_year, constants)
    rows = [
        *low,
        *_find_unclear(of_year, constants),
        *_find_raised(of_year, constants),
        *_find_bounced(of_year, transfers, constants),
    ]
    frame = pd.DataFrame(rows, columns=list(POLICY_COLUMNS))
    return PolicyEvidence(rows=frame, solution=solution)


def _find_low_solution(
    of_year: pd.DataFrame, constants: Constants
) -> tuple[list[dict[str, object]], float | None]:
    """Return level-2 items whose solution rate lies below that of the city in most streets, surely in the city."""
    valid = of_year[of_year["contacted"].notna() & of_year["street_code"].notna()]
    least, least_street, least_streets = (
        constants.number(f"planning.policy_{name}_min")
        for name in ("callbacks", "street_callbacks", "streets")
    )
    share = constants.number("planning.policy_streets_share")
    if len(valid) < least:
        return [], None
    solved = valid["solved"].astype("Float64").fillna(0.0).astype("float64")
    city = float(solved.mean())
    groups = solved.groupby(
        [valid["level2_code"].astype("str"), valid["street_code"].astype("str")]
    )
    table = groups.agg(["mean", "size"]).reset_index()
    table.columns = ["item_code", "street_code", "rate", "n"]
    whole = solved.groupby(valid["level2_code"].astype("str")).agg(["mean", "size"])
    judged = table[table["n"] >= least_street]
    rows: list[dict[str, object]] = []
    for code, (rate, n) in whole.iterrows():
        own = judged[judged["item_code"] == code]
        if n < least or len(own) < least_streets:
            continue
        _, high = make_wilson_interval(
            [rate], [n], level=constants.number("rates.confidence_level")
        )
        below = int((own["rate"] < city).sum())
        if high[0] < city and below > share * len(own):
            rows.append(
                {
                    "item_code": str(code),
                    "key": "low_solution",
                    "n": int(n),
                    "share": float(rate),
                    "low": below,
                    "of": len(own),
                    "units": (),
                    "days": 0.0,
                }
            )
    return rows, city


def _find_unclear(of_year: pd.DataFrame, constants: Constants) -> list[dict[str, object]]:
    """Return level-3 items of which most orders went to the first receiver, nobody being named."""
    return _count_route(of_year, "first_receiver", "first_receiver", constants)


def _find_raised(of_year: pd.DataFrame, constants: Constants) -> list[dict[str, object]]:
    """Return level-3 items whose orders were raised a level."""
    return _count_route(of_year, "raised", "raised", constants)


def _count_route(
    of_year: pd.DataFrame, route: str, key: str, constants: Constants
) -> list[dict[str, object]]:
    if "route" not in of_year:
        return []
    item = of_year["item_code"].astype("str")
    is_route = of_year["route"].astype("object").eq(route)
    counts = pd.DataFrame({"n": item.groupby(item).size(), "by": is_route.groupby(item).sum()})
    least = constants.number("planning.policy_orders_min")
    # a raised order says something whatever its share
    share = 0.0 if route == "raised" else constants.number("planning.unclear_share")
    chosen = counts[(counts["by"] >= least) & (counts["by"] >= share * counts["n"])]
    return [
        {
            "item_code": str(code),
            "key": key,
            "n": int(row["n" if share else "by"]),
            "share": float(row["by"] / row["n"]),
            "low": 0,
            "of": 0,
            "units": (),
            "days": 0.0,
        }
        for code, row in chosen.iterrows()
    ]


def _find_bounced(
    of_year: pd.DataFrame, transfers: pd.DataFrame | None, constants: Constants
) -> list[dict[str, object]]:
    """Return level-3 items among whose orders many bounce between the same units."""
    if transfers is None or transfers.empty:
        return []
    items = of_year.drop_duplicates("order_no").set_index("order_no")["item_code"]
    loops = find_bounces(transfers, items=items).loops
    return [
        {
            "item_code": str(code),
            "key": "bounces",
            "n": int(row["orders"]),
            "share": 0.0,
            "low": 0,
            "of": 0,
            "units": tuple(row["loop"]),
            "days": float(row["days_lost"]),
        }
        for row in loops.to_dict("records")
        if row["orders"] >= constants.number("planning.policy_bounces_min")
        for code in row["item_codes"][:1]
    ]


def make_responsibilities(tasks: Sequence[Task]) -> tuple[dict[str, object], ...]:
    """Return the list of responsibilities: one row per unit, its part, its duties, its tasks; leads first."""
    rows: dict[tuple[str, str], dict[str, object]] = {}
    duties: dict[tuple[str, str], dict[str, str]] = {}
    numbers: dict[tuple[str, str], list[str]] = {}
    names: dict[str, str] = {}
    for task in tasks:
        parties = [("lead", task.lead)] if task.lead else []
        parties += [("helper", party) for party in task.helpers]
        for role, party in parties:
            key = (party.unit_code, role)
            names[party.unit_code] = party.name
            numbers.setdefault(key, []).append(task.task_no)
            duties.setdefault(key, {}).update(_find_own(task, party.unit_code))
    for key, found in numbers.items():
        unit, role = key
        rows[key] = {
            "unit_code": unit,
            "name": names[unit],
            "role": role,
            "duties": [{"duty_code": code, "name": name} for code, name in duties[key].items()],
            "tasks": found,
        }
    ordered = sorted(rows, key=lambda key: (key[1] != "lead", -len(numbers[key]), key[0]))
    return tuple(rows[key] for key in ordered)


def _find_own(task: Task, unit_code: str) -> dict[str, str]:
    """Return the duties of a task that a unit holds."""
    return {
        duty.duty_code: duty.name
        for stage in task.stages
        for duty in stage.duties
        if unit_code in duty.unit_codes
    }


def make_policies(
    tasks: Sequence[Task], evidence: PolicyEvidence, rules: TaskRules, *, street: str
) -> tuple[Policy, ...]:
    """Return the list of policies: each from evidence, with the draft of what should be decided and by whom.

    Parameters
    ----------
    tasks
        Of the plan.
    evidence
        Of the city's orders.
    rules
        Duty list and names.
    street
        Whose superior decides where no department does.
    """
    rows: dict[tuple[str, str], Policy] = {}
    numbers: dict[tuple[str, str], list[str]] = {}
    above = _find_above(street, rules)
    for task in tasks:
        found = [
            *_find_gaps(task, rules, above),
            *_find_faults(task, above),
            *_find_evident(task, evidence, rules, above),
        ]
        for policy in found:
            key = (policy.key, policy.text)
            rows.setdefault(key, policy)
            if task.task_no not in numbers.setdefault(key, []):
                numbers[key].append(task.task_no)
    made = [replace(policy, tasks=tuple(numbers[key])) for key, policy in rows.items()]
    return tuple(made[: int(rules.number("policies_max"))])


def _find_above(street: str, rules: TaskRules) -> Party | None:
    """Return the unit that stands above a street."""
    unit = rules.graph.areas.get(("street", street), street)
    line = rules.graph.find_superiors(unit)
    return None if len(line) < 2 else Party(unit_code=line[-1], name=rules.graph.name_of(line[-1]))


def _find_gaps(task: Task, rules: TaskRules, above: Party | None) -> Iterable[Policy]:
    """Return what the catalogue leaves open for the item of a task."""
    item = rules.graph.items.get(task.item_code)
    if item is None or task.item_level != 3 or not rules.graph.duties:
        return
    values = {"item": task.item_name, "scene": task.scene_name or item.scene_code}
    if not item.lead:
        yield _make_policy("no_lead", task, above, values)
    if not item.scene_code and rules.graph.scenes:
        yield _make_policy("no_scene", task, above, values)
    elif item.scene_code and not task.duty_codes:
        yield _make_policy("no_duties", task, above, values)


def _find_faults(task: Task, above: Party | None) -> Iterable[Policy]:
    """Return what is wrong with the duty list where the task needs it."""
    for fault in task.faults:
        yield Policy(
            key="fault",
            text=fault,
            item_code=task.item_code,
            item_name=task.item_name,
            tasks=(),
            draft=say("policies", "fault_draft"),
            decided_by=above,
        )


def _find_evident(
    task: Task, evidence: PolicyEvidence, rules: TaskRules, above: Party | None
) -> Iterable[Policy]:
    """Return what the city's orders say about the items of a task."""
    level2 = (
        str(rules.levels.find(pd.Series([task.item_code]), 2).iloc[0]) if task.item_code else ""
    )
    for row in evidence.rows[evidence.rows["item_code"].isin({task.item_code, level2})].to_dict(
        "records"
    ):
        name = rules.levels.name(str(row["item_code"]))
        item = rules.graph.items.get(task.item_code)
        unit = item.lead if item and item.lead in rules.graph.units else ""
        lead = Party(unit_code=unit, name=rules.graph.name_of(unit)) if unit else above
        values = {
            "item": name,
            "n": row["n"],
            "rate": f"{row['share']:.1%}",
            "share": f"{row['share']:.0%}",
            "low": row["low"],
            "of": row["of"],
            "all": f"{evidence.solution:.1%}" if evidence.solution is not None else "",
            "units": say_list([rules.graph.name_of(one) for one in row["units"]]),
            "days": f"{row['days']:.0f}",
            "lead": lead.name if lead else "",
        }
        decided_by = lead if row["key"] == "low_solution" else above
        figures: dict[str, float | int | str | None] = {
            name: value
            for name, value in (
                ("n", int(row["n"])),
                ("share", round(float(row["share"]), 4)),
                ("streets_low", int(row["low"])),
                ("streets", int(row["of"])),
                ("days", round(float(row["days"]), 1)),
            )
            if value
        }
        yield Policy(
            key=str(row["key"]),
            text=say("policies", str(row["key"]), **values),
            item_code=str(row["item_code"]),
            item_name=name,
            tasks=(),
            draft=say("policies", f"{row['key']}_draft", **values),
            decided_by=decided_by,
            figures=figures,
        )


def _make_policy(key: str, task: Task, above: Party | None, values: dict[str, str]) -> Policy:
    return Policy(
        key=key,
        text=say("policies", key, **values),
        item_code=task.item_code,
        item_name=task.item_name,
        tasks=(),
        draft=say("policies", f"{key}_draft", **values),
        decided_by=above,
    )
