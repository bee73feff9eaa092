"""Write the sample city: a pack like any other, its export, and what was planted."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from geodata.paths import replace_folder
from gridgov.errors import GridgovError
from gridgov.progress import Progress, StageClock, ignore_progress
from gridgov.sample.content import write_tables
from gridgov.sample.content.tables import read_content
from gridgov.sample.export.columns import Export, make_export, make_street_table
from gridgov.sample.export.texts import make_texts
from gridgov.sample.land.addresses import make_addresses
from gridgov.sample.land.geography import read_geography
from gridgov.sample.land.layers import write_gazetteer, write_layers
from gridgov.sample.land.named_places import Towns, make_towns
from gridgov.sample.truth.describe import describe_planted
from gridgov.sample.truth.events import make_events
from gridgov.sample.truth.items import read_items
from gridgov.sample.truth.outcomes import Handling, make_handling
from gridgov.sample.truth.seasons import AS_OF, FIRST_DAY, get_days

DEFAULT_APPEALS, FEWEST_APPEALS, MOST_APPEALS = 200_000, 1_000, 5_000_000
DEFAULT_SEED = 1
Format = Literal["parquet", "csv"]


def write_sample(
    target: Path,
    *,
    appeals: int = DEFAULT_APPEALS,
    seed: int = DEFAULT_SEED,
    file_format: Format = "parquet",
    dense: str = "",
    progress: Progress = ignore_progress,
) -> dict[str, Any]:
    """Write the sample city into `target`, which appears as a whole or not at all.

    Parameters
    ----------
    target
        A new or empty folder, or an earlier output.
    appeals
        Rows of the export.
    seed
        Decides everything that is invented but the land; the same seed gives the same bytes.
    file_format
        Of the export.
    dense
        Code or name of a district that gets nearly all appeals, so that each of its streets has its monthly rates;
        empty: the whole city.
    progress
        Told about each stage.

    Returns
    -------
        ``appeals, hotspots, planted, seconds`` (stage → seconds).

    Raises
    ------
    GridgovError
        If the number of appeals is out of range or too small for the dense district, or no district is of that name.
    FolderInUseError
        If the folder holds something else.
    """
    if not FEWEST_APPEALS <= appeals <= MOST_APPEALS:
        raise GridgovError(
            f"{appeals:,} appeals were asked for; expected {FEWEST_APPEALS:,} to {MOST_APPEALS:,}"
        )
    if seed < 0:
        raise GridgovError(f"seed {seed} was given; expected a whole number from 0 on")
    clock = StageClock(progress)
    with replace_folder(target) as folder:
        return _write_all(folder, appeals, seed, file_format=file_format, dense=dense, clock=clock)


def _write_all(
    folder: Path, appeals: int, seed: int, *, file_format: Format, dense: str, clock: StageClock
) -> dict[str, Any]:
    # One stream for each part, so that a change of one part leaves the others as they were.
    rngs = [np.random.default_rng(own) for own in np.random.SeedSequence(seed).spawn(8)]
    with clock.stage("land"):
        towns = make_towns(read_geography(), rngs[0])
        items = read_items(rngs[1])
    with clock.stage("appeals"):
        events = make_events(
            towns,
            items,
            appeals,
            holidays=_read_holidays("holiday"),
            workdays=_read_holidays("workday"),
            dense_district=_find_district(towns, dense),
            rng=rngs[2],
        )
    with clock.stage("words"):
        addresses = make_addresses(events, towns, rngs[3])
        frame = events.frame
        texts = make_texts(
            frame["item"].to_numpy(), frame["call"].to_numpy(), addresses, items, rngs[4]
        )
    with clock.stage("handling"):
        handling = make_handling(events, towns, items, rngs[5])
        export = make_export(
            events, addresses, texts, handling=handling, items=items, towns=towns, rng=rngs[6]
        )
    with clock.stage("writing"):
        exceptions = write_layers(folder, towns, events)
        write_gazetteer(folder, towns, events, rngs[7])
        tables = write_tables(folder, make_street_table(towns))
        _write_export(folder, export, handling, file_format)
        planted: dict[str, Any] = {"seed": seed, "appeals": appeals, "as_of": str(AS_OF)}
        planted["first_day"] = str(FIRST_DAY)
        planted |= describe_planted(events, export, handling, items=items, towns=towns)
        planted |= {"duty_faults": tables["duty_faults"], "exceptions": exceptions}
        _write_json(folder / "planted.json", planted)
        (folder / "city.toml").write_text(_read_template(), encoding="utf-8")
    return {
        "appeals": appeals,
        "hotspots": len(events.hotspots),
        "planted": len(planted["planted"]),
        "seconds": clock.seconds,
    }


def _read_template() -> str:
    return (files("gridgov.sample") / "data" / "city.toml").read_text(encoding="utf-8")


def _find_district(towns: Towns, dense: str) -> str:
    districts = towns.geography.districts
    if not dense:
        return ""
    found = districts.loc[(districts["code"] == dense) | (districts["name"] == dense), "code"]
    if found.empty:
        known = ", ".join(districts["code"] + " " + districts["name"])
        raise GridgovError(f"no district is called {dense!r}; expected one of {known}")
    return str(found.iloc[0])


def _read_holidays(kind: str) -> np.ndarray[Any, np.dtype[np.datetime64]]:
    table = read_content("holidays.csv")
    days = table.loc[table["kind"] == kind, "date"].to_numpy(str)
    return np.intersect1d(days.astype("datetime64[D]"), get_days())


def _write_export(folder: Path, export: Export, handling: Handling, file_format: Format) -> None:
    if file_format == "csv":
        # The form in which spreadsheets open Chinese text: with a byte order mark.
        export.table.to_csv(
            folder / "appeals.csv", index=False, encoding="utf-8-sig", lineterminator="\n"
        )
    else:
        export.table.to_parquet(folder / "appeals.parquet", index=False, compression="zstd")
    export.truth.to_parquet(folder / "truth.parquet", index=False, compression="zstd")
    moved = handling.transfers
    at = FIRST_DAY.astype("datetime64[s]") + moved["seconds"].to_numpy(np.int64)
    pd.DataFrame(
        {
            "appeal_no": export.numbers.take(moved["row"].to_numpy(np.int64)).to_numpy(
                zero_copy_only=False
            ),
            "at": pd.Series(np.datetime_as_string(at)).str.replace("T", " ", regex=False),
            "from_unit": moved["from_unit"],
            "to_unit": moved["to_unit"],
            "reason": moved["reason"],
        }
    ).to_csv(folder / "transfers.csv", index=False, lineterminator="\n")


def _write_json(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
