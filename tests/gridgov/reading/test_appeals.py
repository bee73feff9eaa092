"""Reading an export: every kind of bad row is said and counted, nothing is dropped silently."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geodata.datum import Datum, convert
from geodata.errors import InvalidDataError
from gridgov.frames import APPEAL_COLUMNS
from gridgov.pack.city import City, load_city
from gridgov.reading.appeals import AppealsRead, read_appeals
from tests.gridgov.packs import MINIMAL, TOML, write_pack

AS_OF = pd.Timestamp("2024-06-30 12:00", tz="Asia/Shanghai")
GOOD = {
    "编号": "A1",
    "受理时间": "2024-05-01 08:30:00",
    "办结时间": "",
    "类型": "投诉",
    "事项": "111",
    "内容": "有人占道",
    "地址": "和平小区3号楼",
    "经度": "116.405",
    "纬度": "39.905",
    "承办单位": "110101001",
    "电话": "13800138000",
    "是否解决": "是",
    "满意度": "基本满意",
}


@pytest.fixture(scope="module")
def city(tmp_path_factory) -> City:
    folder = tmp_path_factory.mktemp("appeals")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRIDGOV_CACHE", str(folder / "store"))
        return load_city(write_pack(folder / "pack"))


def read(city: City, tmp_path: Path, *rows: dict, **how) -> AppealsRead:
    frame = pd.DataFrame([GOOD | {"编号": f"A{n}"} | row for n, row in enumerate(rows)])
    path = tmp_path / "export.csv"
    frame.to_csv(path, index=False)
    found = read_appeals(city, path, as_of=AS_OF, **how)
    errors = found.problems[found.problems["severity"] == "error"]
    assert found.read == len(rows) == len(found.appeals) + errors["row"].nunique()
    assert tuple(found.appeals.columns) == APPEAL_COLUMNS
    return found


def say(found: AppealsRead) -> list[str]:
    return [f"{p.row}: {p.field}: {p.problem}" for p in found.problems.itertuples()]


def test_a_good_row(city, tmp_path):
    found = read(city, tmp_path, {})
    assert found.problems.empty
    row = found.appeals.iloc[0]
    assert str(row["received_at"]) == "2024-05-01 08:30:00+08:00"
    assert (row["lon"], row["lat"]) == (116.405, 39.905)
    assert row["item_code"] == "111"
    assert bool(row["solved"])
    assert row["satisfied"] == "basically"
    assert pd.isna(row["closed_at"])


@pytest.mark.parametrize(
    ("row", "field", "problem"),
    [
        ({"编号": ""}, "appeal_no", "is empty"),
        ({"编号": "A0"}, "appeal_no", "occurs twice, first in row 2"),
        ({"受理时间": ""}, "received_at", "is empty"),
        ({"受理时间": "昨天"}, "received_at", "is no time"),
        ({"受理时间": "3020-05-01 08:30:00"}, "received_at", "is far in the future"),
        ({"受理时间": "1999-05-01 08:30:00"}, "received_at", "is before the hotline began"),
        ({"受理时间": "2024-07-01 08:30:00"}, "received_at", "is later than the time of judgement"),
    ],
)
def test_rows_that_are_rejected(city, tmp_path, row, field, problem):
    found = read(city, tmp_path, {}, row, {})
    assert say(found) == [f"3: {field}: {problem}"]
    assert found.rejected == 1
    assert found.appeals["appeal_no"].tolist() == ["A0", "A2"]


@pytest.mark.parametrize(
    ("row", "column", "problem"),
    [
        ({"经度": "abc"}, "lon", "is no coordinate; not used"),
        ({"经度": "1160.4"}, "lon", "is no coordinate; not used"),
        ({"经度": "nan", "纬度": ""}, "lon", "is no coordinate; not used"),
        ({"经度": "0", "纬度": "0"}, "lon", "0, 0 is a missing point, not a place; not used"),
        ({"纬度": ""}, "lon", "has only one of lon and lat; not used"),
        ({"经度": "120.1", "纬度": "30.2"}, "lon", "lies outside the city; not used"),
        (
            {"办结时间": "2024-04-01 00:00:00"},
            "closed_at",
            "is before the time of receipt; left open",
        ),
        (
            {"办结时间": "2024-08-01 00:00:00"},
            "closed_at",
            "is later than the time of judgement; left open",
        ),
        ({"是否解决": "也许"}, "solved", "is neither yes nor no; left open"),
        ({"满意度": "还行"}, "satisfied", "is no known judgement; left open"),
        ({"事项": "999"}, "item_code", "is no item of the catalogue; a person must choose one"),
    ],
)
def test_values_that_are_left_out_and_said(city, tmp_path, row, column, problem):
    found = read(city, tmp_path, {}, row)
    assert any(problem in line and line.startswith("3:") for line in say(found)), say(found)
    assert pd.isna(found.appeals[column].iloc[1])
    assert found.rejected == 0


def test_lon_and_lat_exchanged_are_put_right_and_said(city, tmp_path):
    found = read(city, tmp_path, {"经度": "39.905", "纬度": "116.405"})
    assert found.appeals[["lon", "lat"]].iloc[0].tolist() == [116.405, 39.905]
    assert "lon and lat stand in each other's place; read so" in say(found)[0]


def test_items_by_code_name_and_category(city, tmp_path):
    found = read(
        city, tmp_path, {"事项": "112"}, {"事项": "水管爆裂"}, {"事项": "摆摊"}, {"事项": ""}
    )
    assert found.appeals["item_code"].tolist()[:3] == ["112", "112", "111"]
    assert pd.isna(found.appeals["item_code"].iloc[3])
    assert found.problems.empty


def test_a_cell_of_a_million_characters_is_cut_and_said(city, tmp_path):
    found = read(city, tmp_path, {"内容": "很" * 1_000_000})
    assert found.appeals["text"].str.len().tolist() == [10_000]
    assert "the rest is cut off" in say(found)[0]
    assert len(found.problems["value"].iloc[0]) <= 200


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01T08:30:00",
        "2024-05-01 08:30",
        "2024/05/01 08:30",
        "2024/5/1 8:30:00",
        "2024年5月1日 08:30",
        "20240501083000",
        "2024-05-01T00:30:00Z",
        "2024-05-01 08:30:00+08:00",
        " 2024-05-01 08:30:00 ",
    ],
)
def test_forms_of_time(city, tmp_path, text):
    found = read(city, tmp_path, {"受理时间": text})
    assert str(found.appeals["received_at"][0]) == "2024-05-01 08:30:00+08:00"


def test_hours_that_the_clock_skips_or_repeats(tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path / "store"))
    boston = load_city(write_pack(tmp_path / "pack", MINIMAL))
    frame = pd.DataFrame(
        {
            "appeal_no": ["1", "2", "3"],
            "received_at": ["2024-03-10 02:30:00", "2024-11-03 01:30:00", "2024-11-03 03:30:00"],
            "address": "x",
        }
    )
    frame.to_csv(tmp_path / "e.csv", index=False)
    found = read_appeals(boston, tmp_path / "e.csv")
    assert found.appeals["received_at"].astype("str").tolist() == [
        "2024-03-10 03:00:00-04:00",
        "2024-11-03 01:30:00-04:00",
        "2024-11-03 03:30:00-05:00",
    ]
    assert [line.split(" ", 3)[3][:30] for line in say(found)] == [
        "in an hour that the clock skip",
        "in an hour that the clock repe",
    ]


def test_patterns_values_groups_and_an_export_without_catalogue(tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path / "store"))
    toml = MINIMAL + (
        '\n[appeals.columns]\nitem_code = "type"\nitem_group = "reason"\nunit_recorded = "ward"\n'
        "[appeals.patterns]\nunit_recorded = '^(?:Ward )?0*([1-9]\\d*)$'\n"
        '[appeals.values.channel]\n"tel" = "phone"\n'
    )
    boston = load_city(write_pack(tmp_path / "pack", toml))
    frame = pd.DataFrame(
        {
            "appeal_no": list("12345"),
            "received_at": "2024-03-11 02:30:00",
            "address": "x",
            "type": ["Bed Bugs", "Bed Bugs", None, "Noise", "Noise"],
            "reason": ["Housing", "Housing", "Housing", None, "Street"],
            "ward": ["Ward 17", "01", "3", "0", " "],
            "channel": ["tel", "web", "tel", None, "tel"],
        }
    )
    frame.to_csv(tmp_path / "e.csv", index=False)
    found = read_appeals(boston, tmp_path / "e.csv").appeals
    assert found["unit_recorded"].fillna("").tolist() == ["17", "1", "3", "", ""]
    assert found["item_code"].fillna("").tolist() == [
        "Housing / Bed Bugs",
        "Housing / Bed Bugs",
        "",
        "Noise",
        "Street / Noise",
    ]
    assert found["channel"].fillna("").tolist() == ["phone", "web", "phone", "", "phone"]


def test_persons_are_hashed_under_a_salt(city, tmp_path):
    rows = ({}, {}, {"电话": "13900139000"}, {"电话": ""})
    first = read(city, tmp_path, *rows, salt="a").appeals["person_key"]
    again = read(city, tmp_path, *rows, salt="a").appeals["person_key"]
    other = read(city, tmp_path, *rows, salt="b").appeals["person_key"]
    assert first[0] == first[1] != first[2]
    assert pd.isna(first[3])
    pd.testing.assert_series_equal(first, again)
    assert not (first == other).any()
    assert not first.str.contains("138").any()
    unsalted = [read(city, tmp_path, {}).appeals["person_key"][0] for _ in range(2)]
    assert unsalted[0] != unsalted[1], "keys of two runs cannot be joined"


def test_extra_columns_are_said_once(city, tmp_path):
    found = read(city, tmp_path, {"备注": "x", "坐席": "y"}, {"备注": "z"})
    assert len(found.problems) == 1
    assert found.problems["value"].iloc[0] == "备注, 坐席"


def test_a_missing_column_names_the_header_and_the_nearest(city, tmp_path):
    frame = pd.DataFrame([GOOD]).rename(columns={"受理时间": "受理日期时间"})
    frame.to_csv(tmp_path / "e.csv", index=False)
    with pytest.raises(InvalidDataError) as caught:
        read_appeals(city, tmp_path / "e.csv")
    text = str(caught.value)
    assert "'受理时间'" in text
    assert "did you mean '受理日期时间'" in text
    assert "编号, 受理日期时间" in text
    nowhere = pd.DataFrame([GOOD]).drop(columns=["地址", "经度"])
    nowhere.to_csv(tmp_path / "e.csv", index=False)
    with pytest.raises(InvalidDataError, match="nothing says where"):
        read_appeals(city, tmp_path / "e.csv")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00\x01\x02"])
def test_files_that_are_none(city, tmp_path, content):
    (tmp_path / "e.csv").write_bytes(content)
    with pytest.raises(InvalidDataError):
        read_appeals(city, tmp_path / "e.csv")


def test_a_header_alone_gives_no_appeals(city, tmp_path):
    pd.DataFrame([GOOD]).iloc[:0].to_csv(tmp_path / "e.csv", index=False)
    found = read_appeals(city, tmp_path / "e.csv")
    assert (found.read, len(found.appeals)) == (0, 0)
    assert tuple(found.appeals.columns) == APPEAL_COLUMNS


@pytest.mark.parametrize("ending", ["gb18030.csv", "utf-8-sig.csv", "xlsx", "parquet"])
def test_kinds_of_files_say_the_same(city, tmp_path, ending):
    frame = pd.DataFrame([GOOD | {"编号": f"A{n}"} for n in range(3)])
    path = tmp_path / f"e.{ending}"
    if ending.endswith("csv"):
        frame.to_csv(path, index=False, encoding=ending.removesuffix(".csv"))
    elif ending == "xlsx":
        frame.to_excel(path, index=False)
    else:
        typed = frame.assign(经度=frame["经度"].astype(float), 纬度=frame["纬度"].astype(float))
        typed["受理时间"] = pd.to_datetime(typed["受理时间"])
        typed.replace("", None).to_parquet(path)
    frame.to_csv(tmp_path / "plain.csv", index=False)
    plain = read_appeals(city, tmp_path / "plain.csv", salt="s").appeals
    pd.testing.assert_frame_equal(read_appeals(city, path, salt="s").appeals, plain)


def write_points(path: Path, datum: Datum, shift: float = 0.0) -> None:
    rng = np.random.default_rng(5)
    lon = rng.uniform(116.4005, 116.4395, 3000) + shift
    lat = rng.uniform(39.9005, 39.9395, 3000)
    x, y = convert(lon, lat, source=Datum.WGS84, target=datum)
    frame = pd.DataFrame({"编号": np.arange(3000).astype(str), "经度": x, "纬度": y})
    frame.assign(受理时间="2024-05-01 08:30:00").to_csv(path, index=False)


def test_a_wrong_datum_is_found_and_the_right_one_named(city, tmp_path):
    write_points(tmp_path / "e.csv", Datum.WGS84)
    assert not read_appeals(city, tmp_path / "e.csv").problems["field"].eq("lon lat").any()
    write_points(tmp_path / "e.csv", Datum.GCJ02)
    found = read_appeals(city, tmp_path / "e.csv").problems
    whole = found[found["row"].isna() & (found["field"] == "lon lat")]
    assert whole["problem"].str.contains("GCJ-02").tolist() == [True]
    assert found["row"].dropna().is_monotonic_increasing


def test_the_declared_datum_is_converted_once(tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path / "store"))
    toml = TOML.replace('[appeals]\ndatum = "WGS84"', '[appeals]\ndatum = "GCJ-02"')
    assert toml != TOML
    other = load_city(write_pack(tmp_path / "pack", toml))
    write_points(tmp_path / "gcj.csv", Datum.GCJ02)
    write_points(tmp_path / "wgs.csv", Datum.WGS84)
    truth = pd.read_csv(tmp_path / "wgs.csv")
    found = read_appeals(other, tmp_path / "gcj.csv")
    np.testing.assert_allclose(found.appeals["lon"], truth["经度"], atol=1e-8)
    assert found.rejected == 0
    assert found.appeals["lon"].notna().all()


def test_another_citys_file_is_called_so(city, tmp_path):
    write_points(tmp_path / "e.csv", Datum.WGS84, shift=1.0)
    found = read_appeals(city, tmp_path / "e.csv")
    whole = found.problems[found.problems["row"].isna() & (found.problems["field"] == "lon lat")]
    assert "no known datum fits better" in whole["problem"].iloc[0]
    assert found.appeals["lon"].isna().all()


def test_what_no_database_takes_is_a_fault_of_its_row(city, tmp_path):
    found = read(city, tmp_path, {"编号": "长" * 71}, {"编号": "长" * 70}, {"内容": "有人"})
    assert found.appeals["appeal_no"].tolist() == ["长" * 70, "A2"]
    assert say(found) == ["2: appeal_no: is too long"]


def test_nul_is_taken_out_of_every_text(city, tmp_path):
    row = {name: f"{value[:1]}\0{value[1:]}" for name, value in GOOD.items() if name != "受理时间"}
    path = tmp_path / "export.parquet"
    pd.DataFrame([GOOD | row | {"经度": "116.405", "纬度": "39.905"}]).to_parquet(path)
    found, clean = read_appeals(city, path, salt="s"), read(city, tmp_path, GOOD, salt="s")
    assert found.problems.empty
    pd.testing.assert_frame_equal(
        found.appeals.drop(columns="appeal_no"), clean.appeals.drop(columns="appeal_no")
    )
    assert found.appeals["appeal_no"].tolist() == ["A1"]


def test_an_end_that_cannot_be_read_is_told_and_left_open(city, tmp_path):
    found = read(
        city,
        tmp_path,
        {"编号": "B1", "办结时间": "昨天"},
        {"编号": "B2", "办结时间": "2024/5/2 8:30"},
    )
    assert found.appeals["closed_at"].isna().tolist() == [True, False]
    assert say(found) == ["2: closed_at: is no time; left open"]


def write(tmp_path: Path, rows: list[dict], ending: str = "csv") -> Path:
    frame = pd.DataFrame([GOOD | {"编号": f"A{n}"} | row for n, row in enumerate(rows)])
    path = tmp_path / f"e.{ending}"
    if ending == "csv":
        frame.to_csv(path, index=False)
    else:
        getattr(frame, {"xlsx": "to_excel", "parquet": "to_parquet"}[ending])(path, index=False)
    return path


@pytest.mark.parametrize(
    "bad", [{"受理时间": "昨天"}, {"受理时间": "2099-05-01"}, {"受理时间": ""}]
)
def test_a_rejected_row_takes_no_number_from_a_good_one(city, tmp_path, bad):
    path = write(tmp_path, [bad | {"编号": "A9"}, {"编号": "A9"}, {"编号": "A9"}, {}])
    found = read_appeals(city, path)
    assert found.appeals["appeal_no"].tolist() == ["A9", "A3"]
    errors = found.problems[found.problems["severity"] == "error"]
    assert errors["row"].tolist() == [2, 4]
    assert errors["problem"].tolist()[1] == "occurs twice, first in row 3"


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
def test_a_row_far_in_the_future_is_the_only_one_that_is_lost(city, tmp_path, ending):
    rows = [{"受理时间": f"2024-05-{day:02} 08:30:00"} for day in range(1, 31)]
    path = write(tmp_path, [*rows, {"受理时间": "2098-05-01 08:30:00"}], ending)
    found, sound = (
        read_appeals(city, path, salt="s"),
        read_appeals(city, write(tmp_path, rows), salt="s"),
    )
    pd.testing.assert_frame_equal(found.appeals, sound.appeals)
    (problem,) = found.problems.to_dict("records")
    assert (problem["row"], problem["field"], problem["severity"]) == (32, "received_at", "error")
    assert problem["problem"] == "lies far behind all others, which end on 2024-05-30"


def test_an_outcome_far_in_the_future_is_left_open(city, tmp_path):
    rows = [{"办结时间": "2024-12-01 09:00:00"}] * 30 + [{"办结时间": "2094-05-02 09:00:00"}]
    found = read_appeals(city, write(tmp_path, rows))
    assert found.appeals["closed_at"].notna().sum() == 30
    assert say(found) == ["32: closed_at: lies far behind all other times; left open"]


def test_numbers_that_a_spreadsheet_shortened_are_one_error(city, tmp_path):
    numbers = ["2.40506E+17", "2.40506E+17", "2.40507E+17", "A1"]
    found = read_appeals(city, write(tmp_path, [{"编号": number} for number in numbers]))
    assert found.appeals["appeal_no"].tolist() == ["A1"]
    assert found.rejected == 3
    (problem,) = found.problems.to_dict("records")
    assert problem["severity"] == "error"
    assert problem["problem"].startswith(
        "3 numbers are in scientific notation (the first in row 2)"
    )
    assert "such rows are rejected" in problem["problem"]


@pytest.mark.parametrize(
    ("theirs", "field", "ours"),
    [
        ("事项", "item_code", "item_code"),
        ("承办单位", "unit_recorded", "unit_recorded"),
        ("电话", "person", "person_key"),
    ],
)
def test_shortened_codes_name_nothing(city, tmp_path, theirs, field, ours):
    found = read_appeals(city, write(tmp_path, [{theirs: "1.10101E+11"}, {theirs: "1.10101E+11"}]))
    assert found.appeals[ours].isna().all()
    assert found.rejected == 0
    assert found.problems["field"].tolist() == [field]


@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx"])
def test_codes_that_went_through_a_float_are_codes(city, tmp_path, ending):
    frame = pd.DataFrame([GOOD, GOOD, GOOD]).assign(
        编号=[101004116078.0, 101004116079.0, np.nan], 事项=[111.0, np.nan, 112.0]
    )
    path = tmp_path / f"e.{ending}"
    getattr(frame, {"csv": "to_csv", "xlsx": "to_excel", "parquet": "to_parquet"}[ending])(
        path, index=False
    )
    found = read_appeals(city, path)
    assert found.appeals["appeal_no"].tolist() == ["101004116078", "101004116079"]
    assert found.appeals["item_code"].tolist()[0] == "111"
    assert found.problems["problem"].tolist() == ["is empty"]


def test_full_width_digits_of_a_number_are_digits(city, tmp_path):
    found = read_appeals(city, write(tmp_path, [{"编号": "２４０５－１"}, {"编号": "2405-1"}]))
    assert found.appeals["appeal_no"].tolist() == ["2405-1"]
    assert say(found) == ["3: appeal_no: occurs twice, first in row 2"]


def test_day_numbers_and_forms_that_need_a_line_of_the_pack(city, tmp_path):
    rows = [{"受理时间": "45418.3541666667"}, {"受理时间": "15/05/2024 03:55:00 PM"}]
    found = read_appeals(city, write(tmp_path, rows))
    assert str(found.appeals["received_at"][0]) == "2024-05-06 08:30:00+08:00"
    expected = found.problems.set_index("severity").loc["error", "expected"]
    assert 'time_format = "%d/%m/%Y %I:%M:%S %p"' in expected


def test_a_title_above_the_names_is_left_out(city, tmp_path):
    path = write(tmp_path, [{}, {"受理时间": "昨天"}])
    path.write_text("小样市工单,2024年5月\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    found = read_appeals(city, path)
    assert found.appeals["appeal_no"].tolist() == ["A0"]
    assert found.problems["row"].tolist() == [2, 4]


def test_the_first_rows_alone(city, tmp_path):
    found = read_appeals(city, write(tmp_path, [{}] * 20), most_rows=5)
    assert found.read == 5
