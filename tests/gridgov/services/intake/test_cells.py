"""Unit cells that come into the database: the same rows one by one and in bulk, each once."""

from datetime import date

import numpy as np
import pytest
import shapely
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from gridgov.services.city_runtime import CityRuntime
from gridgov.services.intake import cells
from gridgov.services.intake.cells import ensure_cells
from gridgov.storage.db import transaction
from gridgov.storage.models.city import Cell

ON = date(2026, 3, 1)
COLUMNS = ("cell_code", "community_code", "street_code", "valid_from", "lon", "lat")


def read(session: Session) -> dict[str, tuple[object, ...]]:
    found = session.scalars(sa.select(Cell)).all()
    return {
        one.cell_code: (*(getattr(one, name) for name in COLUMNS), shapely.normalize(one.shape))
        for one in found
    }


def test_few_and_many_give_the_same_rows(
    loaded: sessionmaker[Session], runtime: CityRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = runtime.city.territory.grid
    assert grid is not None
    codes = list(np.random.default_rng(1).choice(grid.codes, 40, replace=False))
    codes += ["110101001001999", "no code", codes[0]]
    rows = []
    for few in (cells.FEW, 0):
        monkeypatch.setattr(cells, "FEW", few)
        with loaded() as session:
            assert ensure_cells(session, runtime.city, codes, on=ON) == 40
            assert ensure_cells(session, runtime.city, codes, on=ON) == 0
            session.flush()
            rows.append(read(session))
            session.rollback()
    assert rows[0] == rows[1]
    assert len(rows[0]) == 40
    polygons = grid.geometries(sorted(rows[0]))
    for code, polygon in zip(polygons["cell_code"], polygons.geometry, strict=True):
        assert rows[0][code][-1].equals(polygon)
        assert rows[0][code][2] == code[:9]


def test_what_was_rolled_back_comes_again(
    loaded: sessionmaker[Session], runtime: CityRuntime
) -> None:
    assert runtime.city.territory.grid is not None
    codes = runtime.city.territory.grid.codes[:3]
    with loaded() as session:
        assert ensure_cells(session, runtime.city, codes, on=ON) == 3
        session.rollback()
    with transaction(loaded) as session:
        assert ensure_cells(session, runtime.city, codes, on=ON) == 3
    with loaded() as session:
        assert len(read(session)) == 3
