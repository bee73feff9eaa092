"""Write the sample city: a pack like any other, its export, and what was planted."""

import json
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from geodata.folders import replace_folder
from gridgov.errors import GridgovError
from gridgov.progress import Progress, StageClock, ignore_progress
from gridgov.sample.addresses import make_addresses
from gridgov.sample.content import write_tables
from gridgov.sample.content.tables import read_content
from gridgov.sample.events import NEAR_BOUNDARY_M, Events, make_events
from gridgov.sample.export import Export, make_export, make_street_table
from gridgov.sample.gazetteer import Towns, make_towns
from gridgov.sample.geography import read_geography
from gridgov.sample.handling import Handling, make_handling
from gridgov.sample.items import Items, read_items
from gridgov.sample.layers import write_gazetteer, write_layers
from gridgov.sample.seasons import AS_OF, FIRST_DAY, get_days
from gridgov.sample.texts import make_texts

DEFAULT_APPEALS, FEWEST_APPEALS, MOST_APPEALS = 200_000, 5_000, 5_000_000
DEFAULT_SEED = 1
Format = Literal["parquet", "csv"]


def write_sample(
    target: Path,
    *,
    appeals: int = DEFAULT_APPEALS,
    seed: int = DEFAULT_SEED,
    file_format: Format = "parquet",
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
    progress
        Told about each stage.

    Returns
    -------
        ``appeals, hotspots, seconds`` (stage → seconds).

    Raises
    ------
    GridgovError
        If the number of appeals is out of range.
    FolderInUseError
        If the folder holds something else.
    """
    if not FEWEST_APPEALS <= appeals <= MOST_APPEALS:
        raise GridgovError(
            f"{appeals} appeals were asked for; expected {FEWEST_APPEALS} to {MOST_APPEALS}"
        )
    if seed < 0:
        raise GridgovError(f"seed {seed} was given; expected a whole number from 0 on")
    clock = StageClock(progress)
    with replace_folder(target) as folder:
        return _write_all(folder, appeals, seed, file_format=file_format, clock=clock)


def _write_all(
    folder: Path, appeals: int, seed: int, *, file_format: Format, clock: StageClock
) -> dict[str, Any]:
    # One stream for each part, so that a change of one part leaves the others as they were.
    rngs = [np.random.default_rng(own) for own in np.random.SeedSequence(seed).spawn(8)]
    with clock.stage("land"):
        towns = make_towns(read_geography(), rngs[0])
        items = read_items(rngs[1])
    with clock.stage("appeals"):
        holidays = _read_holidays()
        events = make_events(towns, items, appeals, holidays=holidays, rng=rngs[2])
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
        write_gazetteer(folder, towns, rngs[7])
        tables = write_tables(folder, make_street_table(towns))
        _write_export(folder, export, handling, file_format)
        planted = {"seed": seed, "appeals": appeals, "as_of": str(AS_OF)}
        planted |= describe_planted(events, export, handling, items=items, towns=towns)
        planted |= {"duty_faults": tables["duty_faults"], "exceptions": exceptions}
        _write_json(folder / "planted.json", planted)
        (folder / "city.toml").write_text(_read_template(), encoding="utf-8")
    return {"appeals": appeals, "hotspots": len(events.hotspots), "seconds": clock.seconds}


def _read_template() -> str:
    return (files("gridgov.sample") / "data" / "city.toml").read_text(encoding="utf-8")


def _read_holidays() -> np.ndarray[Any, np.dtype[np.datetime64]]:
    table = read_content("holidays.csv")
    days = table.loc[table["kind"] == "holiday", "date"].to_numpy(str)
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
            "appeal_no": export.numbers[moved["row"].to_numpy(np.int64)],
            "at": pd.Series(np.datetime_as_string(at)).str.replace("T", " ", regex=False),
            "from_unit": moved["from_unit"],
            "to_unit": moved["to_unit"],
            "reason": moved["reason"],
        }
    ).to_csv(folder / "transfers.csv", index=False, lineterminator="\n")


def describe_planted(
    events: Events, export: Export, handling: Handling, *, items: Items, towns: Towns
) -> dict[str, Any]:
    """Return what was planted, in the words of the pack (numbers, codes, dates)."""
    frame = events.frame
    numbers = export.numbers
    first = frame.drop_duplicates(["issue", "person"])
    callers = first.groupby("issue").size()
    calls = frame.groupby(["issue", "person"]).size()
    loops = [
        {
            "units": loop["units"],
            "item_code": items.frame["item_code"].iloc[loop["item"]],
            "appeal_nos": [numbers[row] for row in loop["rows"]],  # type: ignore[attr-defined]
        }
        for loop in handling.loops
    ]
    return {
        "hotspots": _describe_hotspots(events, items, towns),
        "decoys": _describe_decoys(events, items, towns),
        "repeats": {"groups": int((calls > 1).sum()), "appeals": int(calls[calls > 1].sum())},
        "issues": {"groups": int((callers > 1).sum()), "persons": int(callers[callers > 1].sum())},
        "bounce_loops": loops,
        "transfers": len(handling.transfers),
        "near_boundary": {
            "within_m": NEAR_BOUNDARY_M,
            "appeals": int(frame["near_boundary"].sum()),
            "listed_in": "truth.parquet, column near_boundary",
        },
        "unusable_rows": export.unusable,
    }


def _describe_hotspots(events: Events, items: Items, towns: Towns) -> list[dict[str, Any]]:
    frame = events.frame
    communities = towns.geography.communities["code"].to_numpy(object)
    rows = []
    for k, spot in enumerate(events.hotspots.itertuples()):
        own = frame[frame["hotspot"] == k]
        code = communities[spot.community]
        rows.append(
            {
                "id": f"H{k + 1:03d}",
                "kind": spot.kind,
                "level1_code": items.frame["level1_code"].iloc[spot.item],
                "item_code": items.frame["item_code"].iloc[spot.item],
                "lon": round(spot.lon, 6),
                "lat": round(spot.lat, 6),
                "radius_m": round(spot.radius_m),
                "street_code": code[:9],
                "community_code": code,
                "start": str(FIRST_DAY + spot.start_day),
                "end": str(FIRST_DAY + spot.end_day),
                "appeals": len(own),
                "persons": int(own["person"].nunique()),
            }
        )
    return rows


def _describe_decoys(events: Events, items: Items, towns: Towns) -> list[dict[str, Any]]:
    frame, slots = events.frame, events.slots
    street = towns.geography.communities["street_code"].to_numpy(object)
    codes = items.frame["item_code"].to_numpy(object)
    rows: list[dict[str, Any]] = []
    for _, own in frame[frame["one_caller"] >= 0].groupby("one_caller"):
        slot = int(own["slot"].iloc[0])
        rows.append(
            _describe_place(slot, events, street)
            | {"kind": "one_caller", "item_code": codes[own["item"].iloc[0]], "appeals": len(own)}
            | {"level1_code": items.frame["level1_code"].iloc[own["item"].iloc[0]]}
        )
    for slot in events.dense:
        count = int((frame["slot"] == slot).sum())
        rows.append(
            _describe_place(int(slot), events, street)
            | {"kind": "dense_compound", "appeals": count}
        )
    stormy = items.frame["season"].isin(["flood", "rain"])
    days = [str(FIRST_DAY + int(day)) for day in events.storms]
    rows.append({"kind": "storm_surge", "days": days, "item_codes": sorted(codes[stormy])})
    assert len(slots.lon)  # noqa: S101 - slots are never empty
    return [{"id": f"D{k + 1:03d}"} | row for k, row in enumerate(rows)]


def _describe_place(slot: int, events: Events, street: Iterable[str]) -> dict[str, Any]:
    slots = events.slots
    return {
        "lon": round(float(slots.lon[slot]), 6),
        "lat": round(float(slots.lat[slot]), 6),
        "street_code": np.asarray(street)[slots.community[slot]],
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
