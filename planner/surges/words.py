"""What is new in the words of a surge: terms whose share jumps, and names that nobody had written before.

The jump of a term is the difference of its log odds in two bodies of texts, in units of its spread, with the counts
of all texts as the prior: B. L. Monroe, M. P. Colaresi, K. M. Quinn, 2008, Fightin' words, Political Analysis 16(4),
372-403. A text counts once per term, so that one long text is one voice.
"""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pandas as pd
import rjieba

from gridgov.rules.classify import normalise

TERM_COLUMNS = ("term", "n", "share", "share_before", "z", "is_new")
"""``n`` texts of the surge with the term, ``share`` of them · ``share_before`` of the texts before · ``z`` of the
jump · ``is_new``: it stands in no text before."""

PRIOR_TEXTS = 20.0
"""Texts that the prior weighs as much as. Assumed."""
FEWEST_TEXTS = 3
LEAST_Z = 3.0
LONGEST_TERM = 12


def find_terms(
    texts: Iterable[str], before: Iterable[str], *, most: int = 10, fewest: int = FEWEST_TEXTS
) -> pd.DataFrame:
    """Return the terms that jump, and the unknown compounds, strongest first: :data:`TERM_COLUMNS`.

    A term is a word, or two or three neighbouring words, so that names made of known words are seen; of terms that hold
    each other and stand in the same texts the longest is kept. Numbers alone are no terms.

    Parameters
    ----------
    texts, before
        Texts of the surge, and of the same item earlier (or of other places).
    most
        Terms at most.
    fewest
        Texts with a term at least: what fewer wrote may name a person.
    """
    now, past = (_count_terms(part) for part in (texts, before))
    n_now, n_past = now.total, past.total
    if not n_now:
        return pd.DataFrame(columns=list(TERM_COLUMNS))
    rows = []
    for term, n in now.counts.items():
        if n < fewest:
            continue
        m = past.counts.get(term, 0)
        usual = PRIOR_TEXTS * (n + m + 0.5) / (n_now + n_past + 1.0)
        free = PRIOR_TEXTS - usual
        odds = np.log((n + usual) / (n_now - n + free))
        odds_before = np.log((m + usual) / (n_past - m + free))
        z = (odds - odds_before) / np.sqrt(1.0 / (n + usual) + 1.0 / (m + usual))
        rows.append(
            (term, n, n / n_now, m / n_past if n_past else 0.0, float(z), m == 0 and n_past > 0)
        )
    frame = pd.DataFrame(rows, columns=list(TERM_COLUMNS))
    frame = frame[(frame["z"] >= LEAST_Z) | (frame["is_new"] & (frame["share"] >= 0.1))]
    frame = frame.sort_values(["z", "term"], ascending=[False, True], ignore_index=True)
    kept: list[int] = []
    for at, term in enumerate(frame["term"]):
        inside = [old for old in kept if term in frame["term"][old] or frame["term"][old] in term]
        longer = [old for old in inside if len(term) > len(frame["term"][old])]
        same = [old for old in longer if frame["n"][at] >= 0.8 * frame["n"][old]]
        if inside and len(same) < len(inside):
            continue
        kept = [old for old in kept if old not in same] + [at]
    return frame.loc[sorted(kept)].head(most).reset_index(drop=True)


class _Terms:
    """How many texts hold each term."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.total = 0


def _count_terms(texts: Iterable[str]) -> _Terms:
    made = _Terms()
    for text in texts:
        if not isinstance(text, str) or not text:
            continue
        made.total += 1
        made.counts.update(_find_terms(normalise(text)))
    return made


def _find_terms(text: str) -> set[str]:
    """Return words of two characters and more, and runs of two or three words between signs."""
    words = rjieba.cut(text)
    terms = set()
    for at in range(len(words)):
        for length in (1, 2, 3):
            run = words[at : at + length]
            term = "".join(run)
            fits = 2 <= len(term) <= LONGEST_TERM and len(run) == length
            if fits and all(word.isalnum() for word in run) and not term.isdigit():
                terms.add(term)
    return terms
