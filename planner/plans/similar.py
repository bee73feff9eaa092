"""Streets of similar structure: what a street is fairly compared with.

Structure is what an office cannot choose: what people call about (the mix of level-1 items, as square roots of shares,
whose distance is that of Hellinger), how dense the street is, how many live there. Each part is put on one scale over
the streets of the city.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class SimilarStreets:
    """The nearest streets of each.

    Parameters
    ----------
    codes
        Of the streets.
    nearest
        Positions of the nearest ones, nearest first, (streets, k).
    by
        What they were compared by: ``mix``, ``density``, ``residents``.
    """

    codes: pd.Index
    nearest: npt.NDArray[np.int64]
    by: tuple[str, ...]

    def find(self, street: str) -> list[str]:
        """Return the codes of the streets most like a street, nearest first."""
        row = int(self.codes.get_indexer([street])[0])
        return [] if row < 0 else [str(code) for code in self.codes[self.nearest[row]]]


def find_similar(
    level1: pd.DataFrame,
    area_km2: pd.Series | None = None,
    residents: pd.Series | None = None,
    *,
    nearest: int,
) -> SimilarStreets:
    """Return the streets most like each.

    Parameters
    ----------
    level1
        Orders of the year by street (index) and level-1 item.
    area_km2, residents
        By street code; where one is not known of all streets it is left out.
    nearest
        How many; fewer in a small city.
    """
    counts = level1.to_numpy(dtype=float)
    totals = counts.sum(axis=1)
    # half an order of the city's mix, so that a street without orders lies in the middle
    mix = (counts.sum(axis=0) + 1e-9) / max(float(counts.sum()), 1.0)
    shares = (counts + 0.5 * mix) / (totals + 0.5)[:, None]
    parts = [_scale(np.sqrt(shares))]
    by = ["mix"]
    for name, values in (
        ("density", None if area_km2 is None else (totals + 1.0) / area_km2.reindex(level1.index)),
        ("residents", None if residents is None else residents.reindex(level1.index)),
    ):
        if values is None or not np.isfinite(values.to_numpy()).all() or (values <= 0).any():
            continue
        parts.append(_scale(np.log(values.to_numpy(dtype=float))[:, None]))
        by.append(name)
    points = np.concatenate(parts, axis=1)
    squares = (points**2).sum(axis=1)
    apart = squares[:, None] + squares[None, :] - 2 * points @ points.T
    np.fill_diagonal(apart, np.inf)
    k = min(nearest, max(len(points) - 1, 0))
    order = np.argsort(apart.round(12), axis=1, kind="stable")[:, :k]
    return SimilarStreets(codes=level1.index, nearest=order, by=tuple(by))


def _scale(values: Floats) -> Floats:
    """Return values with mean 0, and variance 1 over all columns together."""
    centred = values - values.mean(axis=0)
    spread = float(np.sqrt((centred**2).sum(axis=1).mean()))
    scaled: Floats = centred / spread if spread > 0 else centred
    return scaled
