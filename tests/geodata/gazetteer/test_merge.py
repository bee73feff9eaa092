"""One area told by two sources: an outline and a point under a name of theirs."""

import pandas as pd
import shapely

from geodata.gazetteer.merge import merge_areas
from geodata.gazetteer.postings import BARE, OTHER, OWN

OUTLINE = shapely.box(0, 0, 100, 100)


def make_areas(*rows: tuple[str, dict[str, int], float, object]) -> pd.DataFrame:
    frame = pd.DataFrame(
        [(level, next(iter(names)), names, x, 50.0, shape) for level, names, x, shape in rows],
        columns=["level", "name", "names", "x", "y", "geometry"],
    )
    return frame.astype({"geometry": object})


def test_a_point_in_an_outline_of_one_of_its_names_is_that_area() -> None:
    areas = make_areas(
        ("community", {"东村村": OWN, "东村村委会": OTHER, "东村": BARE}, 50.0, None),
        ("community", {"东村村委会": OWN, "东村村": BARE}, 50.0, OUTLINE),
    )
    merged = merge_areas(areas)
    assert merged["name"].tolist() == ["东村村委会"]
    assert merged["names"][0] == {"东村村委会": OWN, "东村村": OWN, "东村": BARE}
    assert list(merged["names"][0])[-1] == "东村"


def test_namesakes_elsewhere_other_levels_and_other_names_stay() -> None:
    areas = make_areas(
        ("community", {"东村": OWN}, 500.0, None),
        ("street", {"东村": OWN}, 50.0, None),
        ("community", {"西村": OWN}, 50.0, None),
        ("community", {"东村": OWN}, 50.0, OUTLINE),
    )
    assert merge_areas(areas).equals(areas)
