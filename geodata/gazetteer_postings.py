"""What a name may mean."""

from typing import NamedTuple

import numpy as np

AREA, WAY, PLACE = 0, 1, 2


class Postings(NamedTuple):
    """What a name may mean: rows ``start[name]:start[name + 1]``.

    ``kind`` AREA, WAY or PLACE · ``ident`` its row · ``weak`` 1 for a bare area name or an alias.
    """

    start: np.ndarray
    kind: np.ndarray
    ident: np.ndarray
    weak: np.ndarray
