"""Residents of streets as a pack says them: by a table with dates, else by a column of the layer of streets."""

from collections.abc import Mapping
from datetime import date

import pandas as pd

from gridgov.rules.in_force import get_in_force


def find_population(
    tables: Mapping[str, pd.DataFrame], streets: pd.DataFrame | None, on: date
) -> pd.Series | None:
    """Return the residents of streets on a day.

    Parameters
    ----------
    tables
        Checked tables of the pack; ``population`` says all where it is there.
    streets
        Layer of streets with ``street_code`` and, where the pack names one, ``population``; None where it is not read.
    on
        The day.

    Returns
    -------
        float64 by street code, without streets whose number is not known; None where the pack says nothing.
    """
    table = tables.get("population")
    if table is not None:
        table = get_in_force(table, on)
    elif streets is not None and "population" in streets:
        table = pd.DataFrame(streets[["street_code", "population"]])
    else:
        return None
    numbers = pd.to_numeric(table["population"], errors="coerce").astype("float64")
    return pd.Series(numbers.to_numpy(), index=table["street_code"].astype("str")).dropna()
