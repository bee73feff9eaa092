"""Whose orders they are: of the unit that the export names, else of the one dispatched to; one rule for all."""

from collections.abc import Iterable

import pandas as pd

HANDLERS = ("unit_recorded", "unit_code", "street_code")
"""Who answers for an order, the first that is known."""


def find_handlers(orders: pd.DataFrame, units: Iterable[str]) -> pd.Series:
    """Return the code of the unit that answers for each order, missing where nobody is known.

    Parameters
    ----------
    orders
        Those of :data:`HANDLERS` that are known of them.
    units
        Codes of the city's units: a name of the export that is none of them says nothing.
    """
    known = orders.reindex(columns=list(HANDLERS)).astype("object")
    named = known["unit_recorded"]
    known["unit_recorded"] = named.where(named.isin(set(units)))
    return known.bfill(axis=1).iloc[:, 0].astype("str")


def find_excluded(orders: pd.DataFrame) -> pd.Series | None:
    """Return which orders do not count in rates, by order number, as ``judge_orders`` takes them; None for none known.

    Parameters
    ----------
    orders
        ``order_no`` and, where it is known, ``outcome``.
    """
    if "outcome" not in orders:
        return None
    out = orders[orders["outcome"] == "excluded"]
    return pd.Series("excluded", index=pd.Index(out["order_no"], dtype="str"), dtype="str")
