from dataclasses import replace

import geopandas as gpd
from shapely import box
from shapely.geometry import mapping

from planner.documents.layers import make_task_layer, write_task_layer


def test_a_task_is_its_outline_or_its_point(rich_plan):
    area = box(116.37, 39.89, 116.38, 39.90)
    tasks = (
        replace(rich_plan.tasks[0], outline=mapping(area)),
        replace(rich_plan.tasks[0], task_no="T02", outline=None),
    )

    layer = make_task_layer([replace(rich_plan, tasks=tasks)])

    assert layer.geometry.iloc[0].equals(area)
    assert layer.geometry.iloc[1].coords[0] == (tasks[1].lon, tasks[1].lat)
    assert list(layer["persons"]) == [73, 73]


def test_the_file_reads_back_and_is_the_same_each_time(rich_plan, tmp_path):
    one = write_task_layer([rich_plan], tmp_path / "a.gpkg")
    (tmp_path / "again").mkdir()
    two = write_task_layer([rich_plan], tmp_path / "again" / "a.gpkg")

    read = gpd.read_file(one)
    assert list(read["task_no"]) == ["T01"]
    assert read["lead"].iloc[0] == "东华门街道"
    assert one.read_bytes() == two.read_bytes()
