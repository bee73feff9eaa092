"""What a name may mean."""

from typing import NamedTuple

import numpy as np

AREA, WAY, PLACE = 0, 1, 2
OWN, OTHER, BARE, LIKE = 0, 1, 2, 3
"""How a name names its thing: as its own, by another ending of areas (乡 for 地区), as a bare area name or alias, or as
what people say by mistake (黄化门胡同 for 黄化门街)."""


class Postings(NamedTuple):
    """What a name may mean: rows ``start[name]:start[name + 1]``.

    ``kind`` AREA, WAY or PLACE · ``ident`` its row · ``weak`` OWN, OTHER, BARE or LIKE.
    """

    start: np.ndarray
    kind: np.ndarray
    ident: np.ndarray
    weak: np.ndarray
