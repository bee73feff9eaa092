"""Solution rates as if every street had the same work: shown beside the official rates, never instead of them.

Indirect standardisation: solved orders of a street over those that the model expects of its work, times the rate of
the whole. The interval is that of the sum of unlike coin tosses, so that thirty answers stay as unsure as they are.
"""

import numpy as np
import pandas as pd

Z_90 = 1.6448536269514722


def adjust_rates(solved: pd.Series, chance: pd.Series, groups: pd.Series) -> pd.DataFrame:
    """Return official and adjusted solution rates by group.

    Parameters
    ----------
    solved
        Nullable boolean; rows without an answer do not count.
    chance
        Probability of "solved" of each answered order (:attr:`planner.difficulty.Difficulty.chance`).
    groups
        Street, district or unit of each order, on the same index; missing ones are left out.

    Returns
    -------
    pandas.DataFrame
        Index: group; ``n`` answers · ``solution_rate`` · ``expected_rate`` what the model expects of this work ·
        ``adjusted_rate low high`` 0-1, 90 % interval.
    """
    rows = pd.DataFrame(
        {
            "solved": solved.reindex(chance.index).astype(float),
            "chance": chance,
            "group": groups.reindex(chance.index),
        }
    ).dropna(subset=["group", "solved"])
    if rows.empty:
        return pd.DataFrame(
            columns=["n", "solution_rate", "expected_rate", "adjusted_rate", "low", "high"],
            dtype=float,
        )
    rows["variance"] = rows["chance"] * (1 - rows["chance"])
    whole = float(rows["solved"].mean())
    table = rows.groupby("group", sort=True).agg(
        n=("solved", "size"),
        observed=("solved", "sum"),
        expected=("chance", "sum"),
        variance=("variance", "sum"),
    )
    ratio = table["observed"] / table["expected"]
    # Half an order keeps a street without a single miss from being certain.
    spread = Z_90 * np.sqrt(table["variance"] + 0.25) / table["expected"]
    return pd.DataFrame(
        {
            "n": table["n"],
            "solution_rate": table["observed"] / table["n"],
            "expected_rate": table["expected"] / table["n"],
            "adjusted_rate": (whole * ratio).clip(0, 1),
            "low": (whole * (ratio - spread)).clip(0, 1),
            "high": (whole * (ratio + spread)).clip(0, 1),
        }
    )
