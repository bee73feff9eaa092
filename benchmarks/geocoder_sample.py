"""Address-only appeals of the sample city: right street, right community, by kind. Run by geocoder.py sample."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from gridgov.jobs.placing import judge_places
from gridgov.pack.city import City, load_city
from gridgov.sample.writer import write_sample

APPEALS = 20_000
SEED = 0
NEAR_M = 200.0
"""A place found within this of the caller is the one meant: compounds are that large."""
EVEN = 0.55


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
        f"seed {seed}: {len(judged):,} appeals with an address alone, {len(placed) / len(judged):.1%} placed, circle "
        f"holds {(placed['error'] <= placed['radius']).mean():.1%}"
    )
    for name in ("street", "community"):
        show_areas(judged, name)
    show_sure(judged, city.settings.constants.number("dispatch.confidence_min"))
    for column in ("address_kind", "place_level"):
        for name, part in placed.groupby(column):
            print(
                f"  {column} {name:12s} n {len(part):5d}  street {part['street'].mean():6.1%}  "
                f"community {part['community'].mean():6.1%}  median error {part['error'].median():5.0f} m"
            )


def show_areas(judged: pd.DataFrame, name: str) -> None:
    """Print the share of right areas: of the appeals given one, of all; and why the others are wrong.

    What lies across a border is right to within the spread of callers about the place they name: no geocoder
    that knows the place alone can tell. Namesakes are told apart by nothing in the address (score one half or less).
    """
    given = judged[judged[f"{name}_found"].notna()]
    wrong = given[~given[name]]
    across = wrong["error"] < NEAR_M
    namesake = ~across & (wrong["score"] <= EVEN)
    rest = len(wrong) - across.sum() - namesake.sum()
    print(
        f"  {name}: right in {given[name].mean():.2%} of the {len(given):,} that are given one, "
        f"{judged[name].mean():.2%} of all; wrong: {across.sum()} across a border from the place they name, "
        f"{namesake.sum()} namesakes, {rest} others (without the first two {1 - rest / len(given):.1%} right)"
    )


def show_sure(judged: pd.DataFrame, least: float) -> None:
    """Print how right the orders are that go to a street without a person's look, and what the others hold."""
    sure = judged["confidence"] >= least
    print(
        f"  sent without a person's look (confidence {least} and more): {sure.mean():.1%} of all, right street "
        f"{judged.loc[sure, 'street'].mean():.2%}; the others, of which a person decides: "
        f"{judged.loc[~sure, 'street'].mean():.1%}"
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
    areas = judge_places(found, city.territory.judge, city.settings.constants)
    x = (lon - asked["lon"]) * 111_320 * np.cos(np.deg2rad(asked["lat"]))
    return asked.assign(
        lon_found=lon,
        error=np.hypot(x, (lat - asked["lat"]) * 111_030),
        radius=found["uncertainty_m"],
        score=found["score"],
        confidence=areas["confidence"].to_numpy(),
        place_level=found["place_level"],
        street_found=areas["street_code"].to_numpy(),
        community_found=areas["community_code"].to_numpy(),
        street=areas["street_code"].to_numpy() == asked["street_code"].to_numpy(),
        community=areas["community_code"].to_numpy() == asked["community_code"].to_numpy(),
    )
