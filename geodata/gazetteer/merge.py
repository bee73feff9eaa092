"""Areas that two sources tell of: an outline in one, a point in the other, are one area."""

import numpy as np
import pandas as pd
import shapely

from geodata.gazetteer.postings import BARE


def merge_areas(areas: pd.DataFrame) -> pd.DataFrame:
    """Drop points of areas whose outline, under a name of theirs, is there as well; the outline takes their names.

    Parameters
    ----------
    areas
        ``level`` · ``names`` each with how it names · ``x y`` metres · ``geometry`` in the same plane, or None.
    """
    rows = np.repeat(np.arange(len(areas)), [len(names) for names in areas["names"]])
    spoken = [name for names in areas["names"] for name in names]
    keyed = pd.DataFrame({"row": rows, "level": areas["level"].to_numpy()[rows], "name": spoken})
    outlined = areas["geometry"].notna().to_numpy()[keyed["row"]]
    pairs = keyed[~outlined].merge(keyed[outlined], on=["level", "name"], suffixes=("", "_outline"))
    pairs = pairs.drop_duplicates(["row", "row_outline"])
    outlines = areas["geometry"].to_numpy(dtype=object)[pairs["row_outline"]]
    x, y = (areas[axis].to_numpy(float)[pairs["row"]] for axis in ("x", "y"))
    pairs = pairs[shapely.intersects_xy(outlines, x, y)].drop_duplicates("row")
    names = list(areas["names"])
    for row, outline in zip(pairs["row"], pairs["row_outline"], strict=True):
        names[outline] = _join_names(names[outline], names[row])
    return areas.assign(names=names).drop(index=pairs["row"]).reset_index(drop=True)


def _join_names(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    """Return the names of both, each as it names surest, bare ones last."""
    joined = {name: min(one.get(name, BARE), other.get(name, BARE)) for name in {**one, **other}}
    return dict(sorted(joined.items(), key=lambda pair: pair[1]))
