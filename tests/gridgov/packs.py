"""A small pack to break in tests: four square streets in two districts around 116.4, 39.9."""

import json
from pathlib import Path

import numpy as np
import shapely

from geodata.datum import Datum, convert_geometry

STEP = 0.02
WEST, SOUTH = 116.40, 39.90
STREETS = {
    "110101001": ("东华门街道", 0, 0),
    "110101002": ("景山街道", 0, 1),
    "110102001": ("西长安街街道", 1, 0),
    "110102003": ("新街口街道", 1, 1),
}

TOML = """
[city]
name = "测试市"
timezone = "Asia/Shanghai"
metric_crs = "EPSG:4548"

[layers.streets]
path = "streets.geojson"
code = "code"
name = "name"
district = "district"
datum = "WGS84"

[layers.exceptions]
path = "exceptions.geojson"
code = "code"
name = "name"
unit = "unit"
datum = "GCJ-02"

[tables.units]
path = "units.csv"
[tables.catalogue]
path = "catalogue.csv"
[tables.duties]
path = "duties.csv"
[tables.dependencies]
path = "dependencies.csv"
[tables.holidays]
path = "holidays.csv"
[tables.categories]
path = "categories.csv"

[[gazetteer]]
path = "places.csv"
datum = "WGS84"
kind = "place"
columns = { name = "name", lon = "lon", lat = "lat" }

[appeals]
datum = "WGS84"
since = 2020-01-01
[appeals.columns]
appeal_no = "编号"
received_at = "受理时间"
closed_at = "办结时间"
kind = "类型"
item_code = "事项"
text = "内容"
address = "地址"
lon = "经度"
lat = "纬度"
unit_recorded = "承办单位"
person = "电话"
solved = "是否解决"
satisfied = "满意度"
"""

TABLES = {
    "units": """unit_code,name,kind,parent_code,district_code,level
CITY,市政府,department,,,city
110101,东城区,district,CITY,110101,district
110102,西城区,district,CITY,110102,district
110101001,东华门街道,street,110101,110101,street
110101002,景山街道,street,110101,110101,street
110102001,西长安街街道,street,110102,110102,street
110102003,新街口街道,street,110102,110102,street
D01,城管委,department,CITY,,city
E01,自来水集团,enterprise,CITY,,city
J01,联合机制,joint,CITY,,city
119,消防,emergency,CITY,,city
Q01,坐席,desk,CITY,,city
""",
    "catalogue": """item_code,level,parent_code,name,guidance,kind,grade,lead,helpers,scene_code,route,tags
1,1,,市容,,,,,,,,
11,2,1,环境,,,,,,,,
111,3,11,占道经营,,,24h,@street,D01,,,
112,3,11,水管爆裂,,,2h,E01,@street,S1,,
113,3,11,无主线缆,,,7d,,D01,S1,,
""",
    "duties": """duty_code,scene_code,scene_name,name,unit,role,days
D1,S1,爆管,关阀,E01,lead,0.5
D2,S1,爆管,围挡,@street,helper,1
""",
    "dependencies": "before_duty,after_duty,reason\nD1,D2,先关阀\n",
    "holidays": "date,kind,name\n2024-01-01,holiday,元旦\n2024-02-04,workday,调休\n",
    "categories": "value,item_code\n摆摊,111\n",
    "places": "name,lon,lat\n和平小区,116.405,39.905\n长安大厦,116.425,39.906\n",
}


def make_squares() -> dict:
    """Return the four streets as GeoJSON, edges shared."""
    features = []
    for code, (name, column, row) in STREETS.items():
        west, south = WEST + column * STEP, SOUTH + row * STEP
        features.append(
            {
                "type": "Feature",
                "properties": {"code": code, "name": name, "district": code[:6]},
                "geometry": shapely.box(west, south, west + STEP, south + STEP).__geo_interface__,
            }
        )
    return {"type": "FeatureCollection", "features": features}


def make_exceptions() -> dict:
    """Return one compound of 400 m in the first street, in GCJ-02 as its pack says."""
    box = np.array([shapely.box(116.41, 39.91, 116.414, 39.914)], dtype=object)
    moved = convert_geometry(box, source=Datum.WGS84, target=Datum.GCJ02)[0]
    properties = {"code": "X1", "name": "某大院", "unit": "J01"}
    feature = {"type": "Feature", "properties": properties, "geometry": moved.__geo_interface__}
    return {"type": "FeatureCollection", "features": [feature]}


def write_pack(folder: Path, toml: str = TOML, **tables: str) -> Path:
    """Write the pack into `folder` with other settings or tables where given."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "city.toml").write_text(toml, encoding="utf-8")
    for name, text in (TABLES | tables).items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    write_layer(folder, make_squares())
    (folder / "exceptions.geojson").write_text(json.dumps(make_exceptions()), encoding="utf-8")
    return folder


def write_layer(folder: Path, squares: dict) -> None:
    """Write another layer of streets."""
    text = json.dumps(squares, ensure_ascii=False)
    (folder / "streets.geojson").write_text(text, encoding="utf-8")


MINIMAL = """
[city]
name = "小城"
timezone = "America/New_York"
[layers.streets]
path = "streets.geojson"
code = "code"
datum = "WGS84"
"""
