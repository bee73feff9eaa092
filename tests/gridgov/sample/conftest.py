import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gridgov.sample.land.geography import Geography, read_geography
from gridgov.sample.land.named_places import Towns, make_towns
from gridgov.sample.truth.items import Items, read_items
from gridgov.sample.writer import write_sample

SIZE, SEED = 20_000, 7


@dataclass(frozen=True)
class Written:
    """A sample on disk and what it says of itself."""

    folder: Path
    table: pd.DataFrame
    truth: pd.DataFrame
    planted: dict[str, Any]

    @property
    def usable(self) -> pd.DataFrame:
        """The export's rows that the truth knows, in its order."""
        spoiled = [row["row"] - 2 for row in self.planted["unusable_rows"]]
        return self.table.drop(index=spoiled).reset_index(drop=True)


@pytest.fixture(scope="session")
def land() -> Geography:
    return read_geography()


@pytest.fixture(scope="session")
def towns(land: Geography) -> Towns:
    return make_towns(land, np.random.default_rng(3))


@pytest.fixture(scope="session")
def items() -> Items:
    return read_items(np.random.default_rng(4))


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("sample") / "city"
    write_sample(folder, appeals=SIZE, seed=SEED)
    return Written(
        folder=folder,
        table=pd.read_parquet(folder / "appeals.parquet"),
        truth=pd.read_parquet(folder / "truth.parquet"),
        planted=json.loads((folder / "planted.json").read_text(encoding="utf-8")),
    )
