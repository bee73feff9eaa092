"""Do the areas of a pack tile the city, and are they where they should be? Slow, so kept by content."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import geopandas as gpd

from geodata.coverage import check_coverage
from geodata.datum import Datum, convert_geometry, guess_layer_datum
from geodata.errors import GeodataError
from geodata.paths import replace_file
from geodata.problems import Problem
from gridgov.pack.kept import is_whole, sign_part
from gridgov.pack.read_layers import DIGITS, LAYER_COLUMNS
from gridgov.pack.settings import Settings

PARENTS: Mapping[str, str] = {"communities": "streets", "streets": "districts"}
QUICK_ROLES = ("streets", "districts")
"""What every use of a city looks at; communities, twenty times as many, only a check asks for."""

Layers = Mapping[str, gpd.GeoDataFrame]


def check_geography(settings: Settings, layers: Layers, *, deep: bool) -> list[Problem]:
    """Return overlaps, gaps, broken or misplaced areas, and layers that fit better in another datum.

    Parameters
    ----------
    settings
        Files and datums.
    layers
        Layers in EPSG:4326 with the columns of the contract.
    deep
        Whether communities are looked at too.
    """
    problems: list[Problem] = []
    for role in (*QUICK_ROLES, "communities") if deep else QUICK_ROLES:
        if role in layers:
            problems += _check_tiling(role, settings, layers)
            problems += _check_datum(role, settings, layers)
    return problems


def find_geography_problems(
    settings: Settings, layers: Layers, *, deep: bool, store: Path
) -> list[Problem]:
    """Return the same, from the file `store` if this content has been looked at before."""
    if is_whole(store):
        return [Problem(**row) for row in json.loads(store.read_text(encoding="utf-8"))]
    problems = check_geography(settings, layers, deep=deep)
    text = json.dumps([asdict(problem) for problem in problems], ensure_ascii=False)
    try:
        with replace_file(store) as aside:
            aside.write_text(text, encoding="utf-8")
        sign_part(store)
    except (OSError, GeodataError):
        pass  # a store that cannot be written costs time, not the answer
    return problems


def _check_tiling(role: str, settings: Settings, layers: Layers) -> list[Problem]:
    parent = PARENTS.get(role, "")
    layer = layers[role]
    official = layer[LAYER_COLUMNS[role]["code"]].str.fullmatch(rf"\d{{{DIGITS[role]}}}").all()
    # Nesting follows the digits of official codes; other codes do not say who is inside whom.
    parents = layers.get(parent) if official else None
    report = check_coverage(
        layer,
        key=LAYER_COLUMNS[role]["code"],
        metric_crs=settings.metric_crs or str(layers["streets"].estimate_utm_crs()),
        layer_name=str(settings.layers[role].path),
        parents=parents,
        parent_key=LAYER_COLUMNS[parent]["code"] if parents is not None else None,
    )
    if role != "districts":
        return report.problems
    # A district is asked only where no street is known: its faults do not stop the use of a pack.
    return [replace(problem, severity="warning") for problem in report.problems]


def _check_datum(role: str, settings: Settings, layers: Layers) -> list[Problem]:
    """Compare a layer with the districts, read in each datum."""
    one, trusted = settings.layers[role], layers.get("districts")
    if role == "districts" or trusted is None:
        return []
    shapes = layers[role].geometry.to_numpy()
    raw = convert_geometry(shapes, source=Datum.WGS84, target=one.datum)
    fault = guess_layer_datum(raw, trusted.geometry.to_numpy()).explain(one.datum)
    if not fault:
        return []
    expected = f"the datum of the file: [layers.{role}] datum, or [layers.districts] datum"
    return [
        Problem(
            file=str(one.path), field="datum", value=one.datum, problem=fault, expected=expected
        )
    ]
