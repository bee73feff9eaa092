"""City packs: sound ones load, every fault of a broken one is said with file, row, column and remedy."""

import copy
import json
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from gridgov.errors import CityError
from gridgov.pack.city import City, check_city, load_city
from gridgov.pack.read_tables import Faults, make_hint
from tests.gridgov.packs import MINIMAL, TABLES, TOML, make_squares, write_layer, write_pack
from web.cli.check import check


@pytest.fixture(autouse=True)
def _own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path / "store"))


def find_faults(folder: Path, **also) -> list[str]:
    city, problems = check_city(folder, **also)
    errors = [str(problem) for problem in problems if problem.severity == "error"]
    assert (city is None) == bool(errors)
    return errors


def test_a_sound_pack_has_no_fault_and_is_not_written_to(tmp_path):
    folder = write_pack(tmp_path / "pack")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    city = load_city(folder)
    assert not [str(problem) for problem in city.problems]
    assert city.territory.judge([116.401], [39.901])["street_code"].tolist() == ["110101001"]
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert city.name == "测试市"
    assert city.names["110102"] == "西城区"
    assert city.calendar.holidays == {date(2024, 1, 1)}
    assert city.categories == {"摆摊": "111"}
    assert city.catalogue is not None
    assert len(city.catalogue) == 5


def test_file_and_folder_name_the_same_city(tmp_path):
    folder = write_pack(tmp_path / "pack")
    assert load_city(folder).content_hash == load_city(folder / "city.toml").content_hash
    first = load_city(folder).content_hash
    (folder / "places.csv").write_text(TABLES["places"] + "新楼,116.401,39.901\n", encoding="utf-8")
    assert load_city(folder).content_hash != first


def test_compiled_parts_are_kept_by_content_and_made_again_if_damaged(tmp_path):
    folder = write_pack(tmp_path / "pack")
    first = load_city(folder).territory.judge([116.401], [39.901])
    assert load_city(folder).territory.judge([116.401], [39.901]).equals(first)
    kept = list((tmp_path / "store").rglob("territory.json"))
    assert len(kept) == 1
    kept[0].write_text("{}", encoding="utf-8")
    assert load_city(folder).territory.judge([116.401], [39.901]).equals(first)


def test_a_store_that_cannot_be_written_changes_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path / "file"))
    city = load_city(write_pack(tmp_path / "pack"))
    assert city.territory.judge([116.401], [39.901])["street_code"].tolist() == ["110101001"]


def test_streets_alone_are_a_city(tmp_path):
    folder = write_pack(tmp_path / "pack", MINIMAL)
    city = load_city(folder)
    assert city.catalogue is None
    assert set(city.units["kind"]) == {"street", "desk"}
    assert city.streets["name"].tolist() == city.streets["street_code"].tolist()
    assert city.settings.grades["7d"].status == "assumed"


@pytest.mark.parametrize(
    ("old", "new", "row", "words"),
    [
        ('timezone = "Asia/Shanghai"', 'timezome = "Asia/Shanghai"', 4, "did you mean 'timezone'?"),
        ('timezone = "Asia/Shanghai"', 'timezone = "Asia/Shangai"', 4, "is not a known time zone"),
        (
            'timezone = "Asia/Shanghai"',
            'languages = ["en", "tlh"]\ntimezone = "Asia/Shanghai"',
            4,
            "names a language that no text is in",
        ),
        ('"EPSG:4548"', '"EPSG:4326"', 5, "is not projected"),
        (
            'path = "streets.geojson"',
            'path = "street.geojson"',
            8,
            "did you mean 'streets.geojson'?",
        ),
        (
            'code = "code"\nname = "name"\ndistrict',
            'code = "cod"\nname = "name"\ndistrict',
            1,
            "'code'",
        ),
        ('datum = "GCJ-02"', 'datum = "GCJ-03"', 19, "is not a known datum"),
        ('kind = "place"', 'kind = "places"', 37, "is not a kind of source"),
        ('appeal_no = "编号"', 'apeal_no = "编号"', 44, "did you mean 'appeal_no'?"),
        ("[city]", "[city", None, "is not valid TOML"),
    ],
)
def test_settings_that_are_wrong(tmp_path, old, new, row, words):
    assert old in TOML
    folder = write_pack(tmp_path / "pack", TOML.replace(old, new, 1))
    faults = find_faults(folder)
    assert any(words in fault for fault in faults), faults
    if row and row > 1:
        assert any(f"city.toml:{row} " in fault and words in fault for fault in faults), faults


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[dispatch]\nconfidence_min = 2", "a number from 0 to 1"),
        ("[dispatch]\nconfidence_mim = 0.5", "did you mean 'confidence_min'?"),
        (
            '[dispatch]\nconfidence_min = { value = 0.5, status = "sure" }',
            "documented, practice or assumed",
        ),
        ('[deadlines.grades.7d]\nfinal = "a week"', "such as '30 min', '2 h' or '7 d'"),
        ('[deadlines.grades.3d]\nfinal = "3 d"', "deadlines.grades.3d.contact · is missing"),
        ('[deadlines]\nwork_hours = ["18:00-09:00"]', "end before they start"),
        ('[appeals.patterns]\nchannel = "no group"', "has no group to take"),
        ("[dispach]\nx = 1", "did you mean 'dispatch'?"),
    ],
)
def test_constants_that_are_wrong(tmp_path, text, words):
    folder = write_pack(tmp_path / "pack", f"{TOML}\n{text}\n")
    faults = find_faults(folder)
    assert any(words in fault for fault in faults), faults


def test_constants_keep_their_status(tmp_path):
    text = '[rates]\nstatus = "practice"\ncallbacks_min = 50\nbasically_share = { value = 0.8, status = "documented" }'
    text += '\n[deadlines.grades.7d]\nfinal = "5 d"\nclock = "working"\nstatus = "practice"'
    city = load_city(write_pack(tmp_path / "pack", f"{TOML}\n{text}\n"))
    constants = city.settings.constants
    assert (
        constants.number("rates.callbacks_min"),
        constants.get("rates.callbacks_min").status,
    ) == (50, "practice")
    assert constants.get("rates.basically_share").status == "documented"
    assert constants.get("rates.response_weight").status == "assumed"
    assert str(city.settings.grades["7d"].final) == "5 d"
    assert {c.name for c in constants.assumed()} >= {"rates.response_weight"}


@pytest.mark.parametrize(
    ("table", "old", "new", "row", "words"),
    [
        ("units", "D01,城管委,department", "D01,城管委,departement", 9, "kind · is not known"),
        ("units", "E01,自来水集团", "D01,自来水集团", 10, "occurs twice"),
        (
            "units",
            "110101,东城区,district,CITY",
            "110101,东城区,district,CTY",
            3,
            "is no unit of this table",
        ),
        (
            "units",
            "CITY,市政府,department,",
            "CITY,市政府,department,D01",
            None,
            "each other's parents",
        ),
        (
            "units",
            "110101002,景山街道,street,110101,110101,street\n",
            "",
            2,
            "street without a unit",
        ),
        ("units", "unit_code,name", "code,name", None, "has no column 'unit_code'"),
        ("catalogue", "24h,@street", "3h,@street", 4, "one of 2h, 24h, 7d, 15d"),
        ("catalogue", "2h,E01", "2h,E99", 5, "lead · is no unit"),
        ("catalogue", "@street,D01", "@street,D01;D77", 4, "helpers · is no unit"),
        ("catalogue", "11,2,1,环境", "11,2,9,环境", 3, "is no item of this table"),
        ("catalogue", "111,3,11", "111,3,1", 4, "is not of the level above"),
        ("catalogue", "113,3,11", "111,3,11", 6, "occurs twice"),
        ("catalogue", "112,3,", "112,4,", 5, "level · is not known"),
        ("duties", "@street,helper", "@street,help", 3, "role · is not known"),
        ("duties", "lead,0.5", "lead,-1", 2, "is not a number of days"),
        ("dependencies", "D1,D2", "D1,D9", 2, "is no duty of the pack"),
        ("dependencies", "D1,D2", "D1,D1", 2, "waits for itself"),
        ("holidays", "2024-01-01", "2024-13-01", 2, "is not a date"),
        ("holidays", "2024-02-04,workday", "2024-01-01,workday", 3, "occurs twice"),
        ("categories", "摆摊,111", "摆摊,119", 2, "is no item of the catalogue"),
        ("places", "name,lon,lat", "name,lng,lat", None, "has no column 'lon'"),
        (
            "places",
            "116.405,39.905\n长安大厦,116.425,39.906",
            "39.9,116.4\n长安大厦,39.9,116.4",
            None,
            "outside the city",
        ),
    ],
)
def test_tables_that_are_wrong(tmp_path, table, old, new, row, words):
    assert old in TABLES[table]
    folder = write_pack(tmp_path / "pack", **{table: TABLES[table].replace(old, new, 1)})
    faults = find_faults(folder)
    assert any(words in fault for fault in faults), faults
    if row is not None:
        name = "streets.geojson" if "without a unit" in words else f"{table}.csv"
        assert any(f"{name}:{row} " in fault and words in fault for fault in faults), faults


@pytest.mark.parametrize(
    ("rows", "is_said"),
    [
        (["长安大厦,116.425,39.906,", "长安大厦,116.405,39.925,"], True),
        (["长安大厦,116.425,39.906,A街", "长安大厦,116.405,39.925,B街"], False),
        (["长安大厦,116.425,39.906,", "长安大厦,116.4252,39.9061,"], False),  # its other gate
    ],
)
def test_names_that_nothing_tells_apart(tmp_path, rows, is_said):
    table = "\n".join(["name,lon,lat,street", "和平小区,116.405,39.905,", *rows, ""])
    folder = write_pack(tmp_path / "pack", places=table)
    settings = folder / "city.toml"
    text = settings.read_text()
    assert 'lat = "lat"' in text
    settings.write_text(text.replace('lat = "lat"', 'lat = "lat", street = "street"', 1))
    city, problems = check_city(folder)
    said = [one for one in problems if "nothing tells apart" in one.problem]
    assert city is not None
    assert bool(said) == is_said
    for one in said:
        assert (one.severity, "'长安大厦', 2," in one.problem) == ("warning", True)


def test_streets_that_are_wrong(tmp_path):
    folder = write_pack(tmp_path / "pack")
    cases = {
        "occurs twice": lambda f: f[1]["properties"].update(code="110101001"),
        "is empty": lambda f: f[1]["properties"].update(code=""),
        "is no official code": lambda f: f[1]["properties"].update(code="1101"),
        "overlap": lambda f: f[1].update(geometry=f[0]["geometry"]),
        "are in doubt": lambda f: f[0]["geometry"].update(
            coordinates=[
                [[116.4, 39.9], [116.42, 39.92], [116.42, 39.9], [116.4, 39.915], [116.4, 39.9]]
            ]
        ),
    }
    for words, change in cases.items():
        squares = copy.deepcopy(make_squares())
        change(squares["features"])
        write_layer(folder, squares)
        faults = find_faults(folder)
        assert any(words in fault for fault in faults), (words, faults)


def test_a_layer_in_another_datum_than_it_says_is_found(tmp_path):
    folder = write_pack(tmp_path / "pack")
    squares = make_squares()
    for feature in squares["features"]:
        feature["properties"]["code"] = feature["properties"]["district"]
    merged = {"type": "FeatureCollection", "features": squares["features"][::2]}
    (folder / "districts.geojson").write_text(json.dumps(merged), encoding="utf-8")
    toml = TOML.replace('datum = "WGS84"', 'datum = "GCJ-02"', 1)
    toml += '\n[layers.districts]\npath = "districts.geojson"\ncode = "code"\nname = "name"\ndatum = "WGS84"\n'
    (folder / "city.toml").write_text(toml, encoding="utf-8")
    faults = find_faults(folder)
    assert any("read as GCJ-02" in fault and "WGS84" in fault for fault in faults), faults


def test_all_faults_of_all_files_come_together(tmp_path):
    folder = write_pack(
        tmp_path / "pack",
        TOML.replace("timezone", "timezome"),
        units=TABLES["units"].replace("joint", "jiont"),
        holidays="date,kind\nnever,holiday\n",
    )
    (folder / "duties.csv").write_bytes(b"")
    with pytest.raises(CityError) as caught:
        load_city(folder)
    text = str(caught.value)
    for words in ("timezome", "jiont", "never", "duties.csv"):
        assert words in text


def test_a_pack_that_is_not_there(tmp_path):
    for path in (tmp_path, tmp_path / "none", tmp_path / "none" / "city.toml"):
        with pytest.raises(CityError, match="cannot be read"):
            load_city(path)


def test_the_duty_lists_own_faults_do_not_stop_a_pack(tmp_path):
    duties = TABLES["duties"].replace("@street,helper", "D99,helper") + "D3,S1,爆管,通知,,lead,1\n"
    city = load_city(write_pack(tmp_path / "pack", duties=duties))
    assert isinstance(city, City)
    assert [problem.severity for problem in city.problems] == ["warning", "warning"]


def test_check_on_the_command_line(tmp_path):
    run = CliRunner().invoke
    good = write_pack(tmp_path / "good")
    bad = write_pack(tmp_path / "bad", units=TABLES["units"].replace("joint", "jiont"))
    done = run(check, [str(good)], standalone_mode=False)
    assert done.return_value == 0, done.output
    assert "4 streets" in done.output
    done = run(check, [str(bad)], standalone_mode=False)
    assert done.return_value == 2
    assert "units.csv:11" in done.output
    answer = json.loads(run(check, [str(bad), "--json"], standalone_mode=False).output)
    assert (answer["usable"], answer["errors"]) == (False, 1)
    assert answer["problems"][0]["value"] == "jiont"


def test_each_unknown_code_gets_its_own_hint(tmp_path):
    faults = Faults(tmp_path / "a.csv")
    codes = pd.Series(["110101001", "110102019", "110102099", "x"], name="street_code")
    hint = make_hint({"110101009", "110102019"})
    faults.rows(codes, codes != "110102019", "is no code", expected=hint)
    assert [one.expected for one in faults.problems] == [
        "did you mean '110101009'?",
        "did you mean '110102019'?",
        "one of 110101009, 110102019",
    ]


def test_a_duty_that_stands_twice_with_other_days_is_an_error(tmp_path):
    lines = TABLES["duties"].splitlines()
    first = dict(zip(lines[0].split(","), lines[1].split(","), strict=True))
    again = ",".join((first | {"days": "20"})[name] for name in lines[0].split(","))
    with pytest.raises(CityError, match=rf"stands twice.*with {first['days']} and 20 days"):
        load_city(write_pack(tmp_path, duties="\n".join([*lines, again]) + "\n"))
    # The same row again says the same.
    load_city(write_pack(tmp_path / "same", duties="\n".join([*lines, lines[1]]) + "\n"))
