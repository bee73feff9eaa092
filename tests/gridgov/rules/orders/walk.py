"""The transition table as a graph: its faults, random walks in it, and logs that must be walks in it."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import networkx as nx
import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.rules.in_force import find_positions
from gridgov.rules.orders.needs import Actor, Facts, OrderFacts
from gridgov.rules.orders.states import OrderActionError, OrderChange, apply
from gridgov.rules.orders.transitions import (
    BY_STATE,
    FINAL,
    TRANSITIONS,
    Need,
    OrderState,
    Transition,
)

LOG_COLUMNS = ("order_no", "at", "action", "from_state", "to_state")
"""What a log must hold to be checked; its rows in any order."""

Fill = Callable[[OrderFacts, Transition], tuple[Actor | None, Facts]]
"""Who takes a transition of an order (None: the service itself), and with what."""


def find_table_faults(table: Iterable[Transition] = TRANSITIONS) -> tuple[str, ...]:
    """Return what is wrong with a transition table, nothing for a sound one.

    Every state must be reachable from ``received``; from every state a final one must be reachable; no action may lead
    from one state to two; a closed state must need the person's answer; a second person must be somebody.
    """
    rows = tuple(table)
    graph = nx.DiGraph((source, row.find_target(source)) for row in rows for source in row.sources)
    graph.add_nodes_from(OrderState)
    reached = nx.descendants(graph, OrderState.RECEIVED) | {OrderState.RECEIVED}
    ending = set(FINAL).union(*(nx.ancestors(graph, state) for state in FINAL))
    pairs = pd.Series([(source, row.action) for row in rows for source in row.sources])
    return (
        *(f"{state} cannot be reached" for state in OrderState if state not in reached),
        *(f"{state} never ends" for state in OrderState if state not in ending),
        *(
            f"{action} in {state} leads to several states"
            for state, action in pairs[pairs.duplicated()]
        ),
        *(
            f"{row.action} closes without the person's answer"
            for row in rows
            if row.target and row.target.startswith("closed") and Need.ANSWER not in row.needs
        ),
        *(
            f"{row.action} needs a second person but permits nobody"
            for row in rows
            if (Need.SECOND_PERSON in row.needs) != bool(row.second)
        ),
        *(f"{row.action} is for nobody" for row in rows if not (row.who or row.by_itself)),
    )


def walk(
    order: OrderFacts, fill: Fill, *, steps: int, rng: np.random.Generator
) -> Iterator[OrderChange]:
    """Yield the changes of a random walk through the table.

    Parameters
    ----------
    order
        Where it begins.
    fill
        Gives who acts and what they bring.
    steps
        Number of steps.
    rng
        Chooses among the transitions of each state; one for which `fill` does not bring enough is passed over.

    Raises
    ------
    OrderActionError
        If `fill` names somebody who may not do it.
    """
    for _ in range(steps):
        change = _step(order, fill, rng)
        if change is None:
            return
        yield change
        order = change.order


def _step(order: OrderFacts, fill: Fill, rng: np.random.Generator) -> OrderChange | None:
    """Return a random change that the order's past allows too, such as no second dispute of a unit that is bound."""
    choices = [row for row in TRANSITIONS if order.state in row.sources]
    for place in rng.permutation(len(choices)):
        actor, facts = fill(order, choices[place])
        try:
            return apply(order, choices[place].action, actor=actor, facts=facts)
        except OrderActionError as refused:
            if refused.refusal != "needs":
                raise
    return None


class _Table(NamedTuple):
    """The table as codes, so that a million rows of a log are checked at once."""

    states: pd.Index
    actions: pd.Index
    target: npt.NDArray[np.int64]


def _make_table() -> _Table:
    states = pd.Index([state.value for state in OrderState])
    actions = pd.Index(sorted({row.action.value for row in TRANSITIONS}))
    target = np.full((len(states) + 1, len(actions) + 1), -1, dtype=np.int64)
    for (source, action), row in BY_STATE.items():
        at = states.get_loc(source.value), actions.get_loc(action.value)
        target[at] = states.get_loc(row.find_target(source).value)
    return _Table(states, actions, target)


def find_log_faults(log: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a log of changes that no walk through the table can have written.

    Parameters
    ----------
    log
        Frame of :data:`LOG_COLUMNS`, rows of one order in the order in which they were written, ``at`` aware.

    Returns
    -------
        The faulty rows of `log` with a column ``fault``, on their index: an action that the state does not allow, a
        row that does not begin where the last one ended or does not begin at ``received``, a time before the last one.
    """
    table = _make_table()
    source = find_positions(table.states, log["from_state"])
    target = find_positions(table.states, log["to_state"])
    action = find_positions(table.actions, log["action"])
    owner = pd.factorize(log["order_no"], use_na_sentinel=False)[0]
    at = log["at"].astype("datetime64[us, UTC]").to_numpy(dtype="datetime64[us]")
    order = np.argsort(owner, kind="stable")
    same = np.append(False, owner[order][1:] == owner[order][:-1])
    begins, earlier = np.empty(len(log), dtype=np.int64), np.zeros(len(log), dtype=bool)
    first = table.states.get_loc(OrderState.RECEIVED.value)
    begins[order] = np.where(same, np.roll(target[order], 1), first)
    earlier[order] = same & (at[order] < np.roll(at[order], 1))
    reached = table.target[source, action]
    faults = (
        (np.isnat(at), "has no time"),
        (source != begins, "does not begin where the order stood"),
        ((reached < 0) | (reached != target), "is no transition of the table"),
        (earlier, "lies before the change before it"),
    )
    wrong = np.logical_or.reduce([rows for rows, _ in faults])
    text = np.select(
        [rows[wrong] for rows, _ in faults], [words for _, words in faults], default=""
    )
    found = log[wrong]
    return found.assign(fault=pd.Series(text, index=found.index, dtype="str"))
