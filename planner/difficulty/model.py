"""What goes with unsolved orders: a logistic model that people can read, and how well it is calibrated.

The official rates compare streets that got different work. The model says how hard an order was by what nobody at
the street chose: the problem, the route it came by, how often it bounced, the month, the kind of place. Its
probabilities are those of a model that has not seen the order (cross-fitting), so that no order explains itself.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from planner.errors import PlannerError

Floats = NDArray[np.float64]

FEATURES = ("item_group", "route", "bounces", "season", "place_kind")
"""What an order is described by, each a text or missing."""
FOLDS = 5
STRENGTH = 1.0
"""Inverse of the L2 penalty: a normal prior with variance 1 on each log odds ratio; rare values stay near 1."""
FEWEST = 200
"""Fewer answers cannot carry some hundred coefficients."""
BINS = 10


class DifficultyError(PlannerError):
    """Too few answers, or only one kind of them, to say what is hard."""


@dataclass(frozen=True, kw_only=True)
class Difficulty:
    """A fitted model.

    Parameters
    ----------
    chance
        Probability of "solved" for each order by a model that has not seen it; index of the orders with an answer.
    odds
        ``feature value n odds_ratio low high``: against the mean order, 90 % interval, hardest first.
    calibration
        ``chance solved n``: tenths of the orders by probability, what was said and what came.
    ece
        Expected calibration error: mean distance of the two, weighted by n.
    auc
        Chance that a solved order has a higher probability than an unsolved one.
    """

    chance: pd.Series
    odds: pd.DataFrame
    calibration: pd.DataFrame
    ece: float
    auc: float


def describe_orders(
    orders: pd.DataFrame,
    *,
    item_groups: pd.Series,
    bounces: pd.Series | None = None,
    place_kinds: pd.Series | None = None,
) -> pd.DataFrame:
    """Return what the model looks at.

    Parameters
    ----------
    orders
        ``item_code route received_at community_code order_no``.
    item_groups
        Code of the level-2 problem by item code.
    bounces
        Times an order was passed on, by order number; None: not known.
    place_kinds
        Kind of the place by community code; None: not known.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`FEATURES`, index of `orders`.
    """
    times = (
        pd.Series(0, index=orders.index)
        if bounces is None
        else orders["order_no"].map(bounces).fillna(0).clip(upper=2).astype(int)
    )
    month = orders["received_at"].dt.month
    return pd.DataFrame(
        {
            "item_group": orders["item_code"].map(item_groups),
            "route": orders["route"],
            "bounces": times.astype(str),
            "season": ((month % 12) // 3).map({0: "winter", 1: "spring", 2: "summer", 3: "autumn"}),
            "place_kind": orders["community_code"].map(place_kinds)
            if place_kinds is not None
            else None,
        },
        index=orders.index,
    )


def fit_difficulty(features: pd.DataFrame, solved: pd.Series, *, seed: int) -> Difficulty:
    """Fit the model.

    Parameters
    ----------
    features
        Columns :data:`FEATURES`.
    solved
        Nullable boolean on the same index; missing where no valid callback answered.
    seed
        Of the folds.

    Raises
    ------
    DifficultyError
        Fewer than :data:`FEWEST` answers, or all alike.
    """
    answered = solved.notna()
    y = solved[answered].astype(bool).to_numpy()
    if len(y) < FEWEST:
        raise DifficultyError(
            f"{len(y)} callbacks answered whether the problem was solved; {FEWEST} or more are needed."
        )
    if y.all() or not y.any():
        raise DifficultyError(f"All {len(y)} answers are the same; there is nothing to tell apart.")
    known = features.loc[answered, list(FEATURES)].astype(object).where(lambda f: f.notna(), "")
    x, names = _make_matrix(known)
    folds = min(FOLDS, int(np.bincount(y.astype(int)).min()))
    chance = np.full(len(y), y.mean())
    if folds > 1:
        split = StratifiedKFold(folds, shuffle=True, random_state=seed)
        for train, test in split.split(x, y):
            chance[test] = _fit(x[train], y[train]).predict_proba(x[test])[:, 1]
    whole = _fit(x, y)
    calibration = _make_calibration(chance, y)
    weights = calibration["n"] / calibration["n"].sum()
    return Difficulty(
        chance=pd.Series(chance, index=features.index[answered], name="chance"),
        odds=_make_odds(whole, x, names),
        calibration=calibration,
        ece=float((weights * (calibration["chance"] - calibration["solved"]).abs()).sum()),
        auc=_find_auc(chance, y),
    )


def _make_matrix(known: pd.DataFrame) -> tuple[sparse.csr_array, pd.DataFrame]:
    """Return a 0/1 matrix, a column for each value of each feature, and what the columns are."""
    parts, names = [], []
    for feature in FEATURES:
        codes, values = pd.factorize(known[feature], sort=True)
        if len(values) < 2:
            continue
        rows = np.arange(len(codes))
        parts.append(
            sparse.csr_array((np.ones(len(codes)), (rows, codes)), shape=(len(codes), len(values)))
        )
        names += [(feature, str(value)) for value in values]
    frame = pd.DataFrame(names, columns=["feature", "value"])
    if not parts:
        return sparse.csr_array((len(known), 1)), pd.DataFrame(
            [("none", "")], columns=frame.columns
        )
    return sparse.csr_array(sparse.hstack(parts)), frame


def _fit(x: sparse.csr_array, y: NDArray[np.bool_]) -> LogisticRegression:
    """Return the model of some rows."""
    return LogisticRegression(C=STRENGTH, max_iter=500, tol=1e-6).fit(x, y)


def _make_odds(model: LogisticRegression, x: sparse.csr_array, names: pd.DataFrame) -> pd.DataFrame:
    """Return odds ratios against the mean order, with intervals from the curvature of the penalised likelihood."""
    chance = model.predict_proba(x)[:, 1]
    weight = chance * (1 - chance)
    dense = x.shape[1]
    information = (x.T @ sparse.diags_array(weight) @ x).toarray() + np.eye(dense) / STRENGTH
    column = np.asarray(x.T @ weight).ravel()
    information -= np.outer(column, column) / weight.sum()
    n = np.asarray(x.sum(axis=0)).ravel()
    # Against the mean order: only differences within a feature are known, so their covariance is centred too.
    centre = np.eye(dense)
    for rows in names.groupby("feature", sort=False).indices.values():
        centre[np.ix_(rows, rows)] -= n[rows] / max(n[rows].sum(), 1e-9)
    effect = centre @ model.coef_.ravel()
    spread = np.sqrt(np.diag(centre @ np.linalg.inv(information) @ centre.T))
    odds = names.assign(
        n=n.astype(int),
        odds_ratio=np.exp(effect),
        low=np.exp(effect - 1.645 * spread),
        high=np.exp(effect + 1.645 * spread),
    )
    return odds.sort_values(["odds_ratio", "feature", "value"], ignore_index=True)


def _make_calibration(chance: Floats, y: NDArray[np.bool_]) -> pd.DataFrame:
    """Return tenths of the orders by probability."""
    order = np.argsort(chance, kind="stable")
    rows = [
        (float(chance[part].mean()), float(y[part].mean()), len(part))
        for part in np.array_split(order, BINS)
        if len(part)
    ]
    return pd.DataFrame(rows, columns=["chance", "solved", "n"])


def _find_auc(chance: Floats, y: NDArray[np.bool_]) -> float:
    """Return the area under the curve by ranks (Mann-Whitney)."""
    ranks = pd.Series(chance).rank().to_numpy()
    good = int(y.sum())
    return float((ranks[y].sum() - good * (good + 1) / 2) / (good * (len(y) - good)))
