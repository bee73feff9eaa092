"""Typical appeals of a set: the ones that are most like all others, quoted with personal numbers masked.

The medoid of a set of texts under the cosine of their character bigrams (L. Kaufman and P. J. Rousseeuw, Finding Groups
in Data, 1990, chapter 2). The second and third are those that add most to how well every text is stood for, so that
three quotes do not say the same thing three times (greedy facility location, G. Cornuéjols, M. Fisher and G. Nemhauser,
1977).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import sparse

from gridgov.rules.privacy import mask_text
from planner.plans.record import Quote

MOST_COMPARED = 80
"""Newest texts that are compared with each other; a typical one is among them."""

MOST_QUOTES = 3

LEAST_GAIN = 0.02
"""A further quote must stand for the texts so much better, on average, than those before."""

MOST_CHARACTERS = 120
"""A quote is cut after so many; what is left out is marked."""


def find_quotes(orders: pd.DataFrame, *, most: int = MOST_QUOTES) -> tuple[Quote, ...]:
    """Return typical appeals.

    Parameters
    ----------
    orders
        ``order_no received_at text``; those without a text are passed over.
    most
        At most so many.
    """
    told = orders[orders["text"].notna() & (orders["text"].astype("str").str.strip() != "")]
    newest = told.sort_values(["received_at", "order_no"], ascending=False).head(MOST_COMPARED)
    texts = [str(text).strip() for text in newest["text"]]
    numbers = newest["order_no"].astype("str").tolist()
    days = [f"{moment:%Y-%m-%d}" for moment in newest["received_at"]]
    return tuple(
        Quote(order_no=numbers[at], received_on=days[at], text=_cut(mask_text(texts[at])))
        for at in find_medoids(texts, most=most)
    )


def find_medoids(texts: Sequence[str], *, most: int) -> list[int]:
    """Return positions of the texts that stand best for all, the most typical first.

    Examples
    --------
    >>> find_medoids(["a b", "the road is broken", "the road is broken here", "a broken road"], most=1)
    [1]
    """
    if not texts:
        return []
    likeness = _compare(texts)
    chosen: list[int] = []
    stood_for = np.zeros(len(texts))
    while len(chosen) < min(most, len(texts)):
        gains = np.maximum(likeness, stood_for[None, :]).mean(axis=1) - stood_for.mean()
        gains[chosen] = -1.0
        best = int(np.argmax(gains.round(12)))
        if chosen and gains[best] < LEAST_GAIN:
            break
        chosen.append(best)
        stood_for = np.maximum(stood_for, likeness[best])
    return chosen


def _compare(texts: Sequence[str]) -> np.ndarray:
    """Return the cosine of the character bigrams of every two texts."""
    codes: dict[str, int] = {}
    rows, columns = [], []
    for at, text in enumerate(texts):
        grams = {text[k : k + 2] for k in range(max(len(text) - 1, 1))}
        for gram in sorted(grams):
            rows.append(at)
            columns.append(codes.setdefault(gram, len(codes)))
    ones = np.ones(len(rows))
    table = sparse.csr_array((ones, (rows, columns)), shape=(len(texts), max(len(codes), 1)))
    sizes = np.sqrt(np.asarray(table.sum(axis=1)).ravel())
    shared: np.ndarray = (table @ table.T).toarray() / np.outer(sizes, sizes)
    return shared


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"
