"""Issues as tables: the role of every appeal in its issue with the reasons, and what is only related."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgov.rules.issues.pairs import Points
from gridgov.rules.issues.probability import Pairs, explain_pairs

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

ISSUE_COLUMNS = (
    "appeal_no",
    "issue_no",
    "role",
    "score",
    "like_appeal_no",
    "reasons",
    "appeals",
    "persons",
)
"""One row per appeal, in order of time: ``issue_no`` of the issue, made from its first appeal's · ``role``
:class:`IssueRole` · ``score`` probability of the link to ``like_appeal_no``, both missing for the first · ``reasons``
of that link, Chinese · ``appeals persons`` of the whole issue; each appeal of an unknown person counts as a person."""

RELATED_COLUMNS = ("appeal_no", "related_appeal_no", "relation", "score", "reasons")
"""One row per pair that is related but not the same, the later appeal first: ``relation`` :class:`Relation`."""

ISSUE_PREFIX = "W"
"""问题 in an issue's number, so that nobody takes it for an appeal's."""
FIRST_REASON = "首次反映"


class IssueRole(StrEnum):
    """What an appeal is in its issue."""

    FIRST = "first"
    SAME = "same"
    REPEAT_BY_PERSON = "repeat_by_person"


class Relation(StrEnum):
    """How two appeals are related that are not the same."""

    SAME_ITEM = "same_item_nearby"
    SAME_PLACE = "same_place"
    SAME_PERSON = "other_matter_of_person"


@dataclass(frozen=True, kw_only=True, eq=False)
class Teller:
    """What is needed to put pairs and piles into words.

    Parameters
    ----------
    frame
        Appeals in order of time.
    points
        The same rows.
    pile
        First row of the pile of each row.
    names
        Item code → name.
    """

    frame: pd.DataFrame
    points: Points
    pile: IntArray
    names: Mapping[str, str]

    def tell(self, pairs: Pairs) -> list[str]:
        """Return the reasons of pairs."""
        codes = self.frame["item_code"].astype(object)
        items = codes.where(codes.notna(), None).to_numpy()
        return explain_pairs(pairs, items=items, names=self.names)


def describe_appeals(teller: Teller, links: Pairs) -> pd.DataFrame:
    """Return every appeal with its issue, columns :data:`ISSUE_COLUMNS`.

    Parameters
    ----------
    teller
        Rows, piles and names.
    links
        Links between rows of one pile.
    """
    number = teller.frame["appeal_no"].to_numpy(object)
    pile, person = teller.pile, teller.points.person
    row = np.arange(len(pile))
    alone = np.where(person < 0, -2 - row, person)
    said = pd.DataFrame({"pile": pile, "person": alone})
    repeated = said.duplicated().to_numpy()
    first = pile == row
    role = np.where(
        first, IssueRole.FIRST, np.where(repeated, IssueRole.REPEAT_BY_PERSON, IssueRole.SAME)
    )
    best, like, known = _choose_links(links, len(pile))
    told = teller.tell(links.take(best[known]))
    reasons = np.full(len(pile), FIRST_REASON, dtype=object)
    reasons[known] = told
    reasons[first] = FIRST_REASON
    linked = known & ~first
    by_pile = said.groupby("pile")["person"]
    return pd.DataFrame(
        {
            "appeal_no": teller.frame["appeal_no"],
            "issue_no": pd.Series([f"{ISSUE_PREFIX}{no}" for no in number[pile]], dtype="str"),
            "role": pd.Series(role, dtype="str"),
            "score": np.where(linked, links.score[best] if len(links.score) else 0.0, np.nan),
            "like_appeal_no": pd.Series(np.where(linked, number[like], None), dtype="str"),
            "reasons": pd.Series(reasons, dtype="str"),
            "appeals": by_pile.transform("size").to_numpy(np.int64),
            "persons": by_pile.transform("nunique").to_numpy(np.int64),
        },
        columns=list(ISSUE_COLUMNS),
    )


def _choose_links(links: Pairs, n: int) -> tuple[IntArray, IntArray, BoolArray]:
    """Return each row's best link, the row at its other end, and whether it has one; links to earlier rows first."""
    ends = np.concatenate([links.right, links.left])
    others = np.concatenate([links.left, links.right])
    later = np.repeat([0, 1], len(links.left))
    which = np.tile(np.arange(len(links.left)), 2)
    order = np.lexsort((others, -links.score[which], later, ends))
    rows, at = np.unique(ends[order], return_index=True)
    best, like = np.zeros(n, np.int64), np.zeros(n, np.int64)
    best[rows], like[rows] = which[order][at], others[order][at]
    known = np.zeros(n, bool)
    known[rows] = True
    return best, like, known


def describe_related(teller: Teller, pairs: Pairs, *, most: int) -> pd.DataFrame:
    """Return pairs of different issues that lie together or come from one person, columns :data:`RELATED_COLUMNS`.

    Parameters
    ----------
    teller
        Rows, piles and names.
    pairs
        All pairs that were compared.
    most
        Pairs told of one appeal, best first.
    """
    other = pairs.take(np.flatnonzero(teller.pile[pairs.left] != teller.pile[pairs.right]))
    order = np.lexsort((other.left, -other.score, other.right))
    rank = pd.Series(other.right[order]).groupby(other.right[order]).cumcount().to_numpy()
    kept = other.take(order[rank < most])
    number = teller.frame["appeal_no"].to_numpy(object)
    same_item = kept.same_item
    relation = np.where(
        same_item,
        Relation.SAME_ITEM,
        np.where(kept.one_person, Relation.SAME_PERSON, Relation.SAME_PLACE),
    )
    return pd.DataFrame(
        {
            "appeal_no": pd.Series(number[kept.right], dtype="str"),
            "related_appeal_no": pd.Series(number[kept.left], dtype="str"),
            "relation": pd.Series(relation, dtype="str"),
            "score": kept.score,
            "reasons": pd.Series(teller.tell(kept), dtype="str"),
        },
        columns=list(RELATED_COLUMNS),
    )
