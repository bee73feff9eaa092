"""Address-only appeals of the sample city: right street, right community, by kind. Run by geocoder.py sample."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from gridgov.city import City, load_city
from gridgov.sample.writer import write_sample

APPEALS = 20_000
SEED = 0


def report_sample(appeals: int = APPEALS, seed: int = SEED) -> None:
    """Print how many address-only appeals of a fresh sample city come to their street and community."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "city"
        write_sample(path, appeals=appeals, seed=seed)
        city = load_city(path)
        asked = read_asked(path, city)
        judged = judge(asked, city)
    placed = judged[judged["lon_found"].notna()]
    print(
        f"{len(judged):,} appeals with an address alone, {len(placed) / len(judged):.1%} placed: right street "
        f"{placed['street'].mean():.1%}, right community {placed['community'].mean():.1%}, circle holds "
        f"{(placed['error'] <= placed['radius']).mean():.1%}"
    )
    sure = placed[placed["score"] > 0.55]
    print(
        f"  told apart by nothing (namesakes): {len(placed) - len(sure)}; of the others right street "
        f"{sure['street'].mean():.1%}, right community {sure['community'].mean():.1%}"
    )
    for column in ("address_kind", "place_level"):
        for name, part in placed.groupby(column):
            print(
                f"  {column} {name:12s} n {len(part):5d}  street {part['street'].mean():6.1%}  "
                f"community {part['community'].mean():6.1%}  median error {part['error'].median():5.0f} m"
            )


def read_asked(path: Path, city: City) -> pd.DataFrame:
    """Return the appeals without a point with their truth."""
    columns = city.settings.appeals.columns
    appeals = pd.read_parquet(path / "appeals.parquet").drop_duplicates(columns["appeal_no"])
    truth = pd.read_parquet(path / "truth.parquet").drop_duplicates("appeal_no")
    rows = appeals.rename(
        columns={columns["appeal_no"]: "appeal_no", columns["address"]: "address"}
    )
    silent = pd.to_numeric(rows[columns["lon"]], errors="coerce").isna()
    told = rows["address"].notna() & (rows["address"] != "")
    return rows.loc[silent & told, ["appeal_no", "address"]].merge(truth, on="appeal_no")


def judge(asked: pd.DataFrame, city: City) -> pd.DataFrame:
    """Return `asked` with what was found and whether it is right."""
    found = city.geocoder.locate(asked["address"])
    lon, lat = found["lon"].to_numpy(), found["lat"].to_numpy()
    areas = city.territory.judge(lon, lat, found["uncertainty_m"].to_numpy())
    x = (lon - asked["lon"]) * 111_320 * np.cos(np.deg2rad(asked["lat"]))
    return asked.assign(
        lon_found=lon,
        error=np.hypot(x, (lat - asked["lat"]) * 111_030),
        radius=found["uncertainty_m"],
        score=found["score"],
        place_level=found["place_level"],
        street=areas["street_code"].to_numpy() == asked["street_code"].to_numpy(),
        community=areas["community_code"].to_numpy() == asked["community_code"].to_numpy(),
    )
