"""``gridgov rates`` as a user calls it: a table to read, a file, JSON, and messages for bad input."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.gridgov.packs import TOML, make_squares, write_layer, write_pack
from web.cli.main import main

STREETS = ("110101001", "110101002", "110102001", "110102003")
RATES = '[rates]\ncallbacks_min = 5\ninner_districts = ["110101"]\n'


def make_orders(n=400):
    rng = np.random.default_rng(7)
    closed = pd.Timestamp("2025-01-20") + pd.to_timedelta(rng.integers(0, 58, n), unit="D")
    answered = rng.random(n) < 0.8

    def answer(*words):
        return np.where(
            answered, np.array(words, dtype=object)[rng.integers(0, len(words), n)], None
        )

    return pd.DataFrame(
        {
            "order_no": [f"A{i:04d}-1" for i in range(n)],
            "unit_code": np.array([*STREETS, "D01"])[rng.integers(0, 5, n)],
            "received_at": closed - pd.Timedelta(days=3),
            "closed_at": closed,
            "contacted": answer("True", "False"),
            "solved": answer("True", "False"),
            "satisfied": answer("satisfied", "basically", "unsatisfied"),
        }
    )


@pytest.fixture
def pack(tmp_path) -> Path:
    return write_pack(tmp_path / "city", TOML + RATES)


@pytest.fixture
def orders(tmp_path) -> Path:
    make_orders().to_csv(tmp_path / "orders.csv", index=False)
    return tmp_path / "orders.csv"


def run(monkeypatch, *args):
    monkeypatch.setattr(sys, "argv", ["gridgov", "rates", *map(str, args)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_a_month_in_words(pack, orders, monkeypatch, capsys):
    assert run(monkeypatch, pack, orders, "--month", "2025-03") == 0

    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("测试市 · 2025-03 考核月（2025-02-19 12:00 至 2025-03-19 12:00）\n")
    assert "工单 400 = 计入考核月 400 + 无有效时间 0 + 无承办单位 0 + 重复 0" in out
    assert "【街道乡镇】4 家" in out
    assert "【城区】1 家" in out
    assert "响应/解决/满意权重 20/40/40（假定值）；基本满意按 0.9（实践做法）" in out
    assert "  治理类 4：东华门街道、景山街道、西长安街街道、新街口街道" in out


def test_the_same_figures_as_json_and_as_a_file(pack, orders, tmp_path, monkeypatch, capsys):
    out = tmp_path / "rates.csv"

    assert run(monkeypatch, pack, orders, "--month", "2025-03", "--json", "--out", out) == 0

    facts = json.loads(capsys.readouterr().out)
    table = pd.read_csv(out, dtype={"unit_code": str})
    raw = make_orders()
    start, end = pd.Timestamp("2025-02-19 12:00"), pd.Timestamp("2025-03-19 12:00")
    used = raw[(raw["closed_at"] >= start) & (raw["closed_at"] < end) & raw["solved"].notna()]
    by_hand = (used["solved"] == "True").groupby(used["unit_code"]).mean()
    shown = {row["unit_code"]: row["solution_rate"] for row in facts["units"]}
    for code in (*STREETS, "D01"):
        assert shown[code] == pytest.approx(by_hand[code])
    assert table["unit_code"].tolist() == [row["unit_code"] for row in facts["units"]]
    assert facts["classes"][0] == {
        "street_code": STREETS[0],
        "class_before": "governance",
        "proposed": "governance",
        "decided": None,
        "reason": facts["classes"][0]["reason"],
    }
    assert facts["constants"]["rates.basically_share"] == {"value": 0.9, "status": "practice"}


def test_exclusions_are_counted_beside_the_rate_of_their_own_unit(
    pack, orders, tmp_path, monkeypatch, capsys
):
    raw = make_orders()
    raw = raw[raw["solved"].notna() & (raw["closed_at"] >= "2025-02-21")]
    chosen = raw[raw["unit_code"] == STREETS[0]].iloc[0]["order_no"]
    sound = [chosen, "unreasonable", "p1", "2025-03-01", "p2", "2025-03-02"]
    alone = [raw.iloc[-1]["order_no"], "unreasonable", "p1", "2025-03-01", "p1", "2025-03-02"]
    names = ["order_no", "reason_code", "proposed_by", "proposed_at", "approved_by", "approved_at"]
    file = tmp_path / "exclusions.csv"
    pd.DataFrame([sound, alone], columns=names).to_csv(file, index=False)

    run(monkeypatch, pack, orders, "--month", "2025-03", "--json")
    before = {row["unit_code"]: row for row in json.loads(capsys.readouterr().out)["units"]}
    assert run(monkeypatch, pack, orders, "--month", "2025-03", "--json", "--exclusions", file) == 0

    out, err = capsys.readouterr()
    after = {row["unit_code"]: row for row in json.loads(out)["units"]}
    assert f"{file}:3" in err
    assert "no second person approved it" in err
    assert after[STREETS[0]]["excluded"] == 1
    assert after[STREETS[0]]["callbacks"] == before[STREETS[0]]["callbacks"] - 1
    for code in (*STREETS[1:], "D01", "110102"):
        rates = [name for name in before[code] if name.endswith(("_rate", "_low", "_high"))]
        assert [after[code][name] for name in rates] == [before[code][name] for name in rates]


def test_numbers_of_callbacks_and_exclusions_get_their_zeros_back(
    pack, orders, tmp_path, monkeypatch, capsys
):
    """Other systems number orders without a part behind; a spreadsheet makes 711 of 0711."""
    frame = pd.read_csv(orders, dtype=str)
    whole = frame["order_no"].str[1:5]
    frame.assign(order_no=whole).to_csv(orders, index=False)
    calls = frame[["contacted", "solved", "satisfied"]].assign(called_at=frame["closed_at"])
    calls.assign(order_no=whole.astype(int)).to_csv(tmp_path / "calls.csv", index=False)
    frame.drop(columns=["contacted", "solved", "satisfied"]).assign(order_no=whole).to_csv(
        tmp_path / "bare.csv", index=False
    )
    shared = (pack, tmp_path / "bare.csv", "--json", "--callbacks")
    assert run(monkeypatch, *shared, tmp_path / "calls.csv") == 0
    lost = capsys.readouterr()
    calls.assign(order_no=whole).to_csv(tmp_path / "sound.csv", index=False)
    assert run(monkeypatch, *shared, tmp_path / "sound.csv") == 0
    sound = capsys.readouterr()
    assert json.loads(lost.out) == json.loads(sound.out)
    assert "lost their leading zeros" in lost.err
    assert "lost their leading zeros" not in sound.err


def test_callbacks_kept_apart_and_contradicting(pack, orders, tmp_path, monkeypatch, capsys):
    bare = make_orders().drop(columns=["contacted", "solved", "satisfied"])
    bare.to_csv(orders, index=False)
    calls = pd.DataFrame({"order_no": bare["order_no"], "called_at": bare["closed_at"]})
    calls = pd.concat(
        [
            calls.assign(contacted="是", solved="true", satisfied="satisfied"),
            calls.iloc[:3].assign(
                called_at=lambda c: c["called_at"] + pd.Timedelta(hours=2),
                contacted="是",
                solved="false",
                satisfied="不满意",
            ),
        ]
    )
    file = tmp_path / "callbacks.xlsx"
    calls.to_excel(file, index=False)

    assert run(monkeypatch, pack, orders, "--callbacks", file, "--json") == 0

    facts = json.loads(capsys.readouterr().out)
    assert facts["flags"] == {"contradicting": 3}
    assert facts["counts"]["callbacks"] == 400


def test_nobody_asked_for_contact(pack, orders, monkeypatch, capsys):
    make_orders().assign(contacted=None).to_csv(orders, index=False)

    assert run(monkeypatch, pack, orders, "--month", "2025-03") == 0

    err = capsys.readouterr().err
    assert "contacted · no callback is valid, so no unit has a rate" in err
    assert "[rates] answers_needed" in err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--month", "2031-01"), "months with orders: 2025-02 to 2025-03"),
        (("--month", "März"), "months with orders: 2025-02 to 2025-03"),
        (("--out", "rates.pdf"), "expected a file ending in"),
    ],
)
def test_wrong_arguments_are_messages(pack, orders, args, words, monkeypatch, capsys):
    assert run(monkeypatch, pack, orders, *args) == 2
    assert words in capsys.readouterr().err


def test_a_table_without_answers_is_a_message(pack, orders, monkeypatch, capsys):
    make_orders().drop(columns="solved").to_csv(orders, index=False)

    assert run(monkeypatch, pack, orders) == 2
    assert "solved · this column is missing" in capsys.readouterr().err


def test_rows_that_cannot_be_used_are_counted(pack, orders, monkeypatch, capsys):
    frame = make_orders()
    frame["closed_at"] = frame["closed_at"].astype("str")
    frame.loc[0, "closed_at"] = "soon"
    frame.loc[1, "unit_code"] = None
    frame.loc[2, "closed_at"] = "2099-01-01"
    frame.loc[3, "closed_at"] = "2020-01-01"
    frame.loc[4, "unit_code"] = "X9"
    pd.concat(
        [frame, frame.iloc[[5]], frame.iloc[[6]].assign(unit_code="D01", solved="True")]
    ).to_csv(orders, index=False)

    assert run(monkeypatch, pack, orders, "--month", "2025-03", "--json") == 0

    out, err = capsys.readouterr()
    facts = json.loads(out)
    counts = facts["counts"]
    assert counts["read"] == 402
    assert counts["read"] == sum(
        counts[name] for name in ("in_months", "no_month", "no_unit", "repeated")
    )
    assert (counts["no_month"], counts["no_unit"], counts["repeated"]) == (3, 1, 3)
    assert {"future", "before_receipt"} <= set(facts["flags"])
    for words in ("soon", "A0006-1", "1: X9"):
        assert words in err


def test_wrong_settings_are_said_by_check(tmp_path, orders, monkeypatch, capsys):
    bad = RATES + 'weights = ["2025-01-01 20/40/50"]\nwindow_by = "noon"\n'
    pack = write_pack(tmp_path / "bad", TOML + bad + "[streets]\nadvanced_leave_share = 0.01\n")

    assert run(monkeypatch, pack, orders) == 2

    err = capsys.readouterr().err
    for words in (
        "sums to 110, expected 100",
        "window_by",
        "streets.advanced_leave_share: found 0.01",
    ):
        assert words in err


def fill_in(form: pd.DataFrame, place: int, **values) -> pd.DataFrame:
    """Return a form with one row filled in."""
    filled = form.astype(object).copy()
    for name, value in values.items():
        filled.loc[place, name] = value
    return filled


def test_proposals_come_back_as_decisions(pack, orders, tmp_path, monkeypatch, capsys):
    form_file, file = tmp_path / "form.csv", tmp_path / "decisions.xlsx"
    assert run(monkeypatch, pack, orders, "--month", "2025-02", "--proposals", form_file) == 0
    form = pd.read_csv(form_file, dtype=str)
    assert form["street_code"].tolist() == list(STREETS)
    assert form["proposed"].tolist() == ["governance"] * 4
    assert form["why"].str.startswith("诉求量全市第").all()
    sound = {"decided_by": "p1", "decided_at": "2025-02-25 10:00"}
    filled = fill_in(form, 0, decided="整改类", reason="已转入专项整改", **sound)
    filled = fill_in(filled, 1, decided="governance", **sound)
    filled.to_excel(file, index=False)
    capsys.readouterr()

    assert run(monkeypatch, pack, orders, "--month", "2025-02", "--decisions", file, "--json") == 0
    out, err = capsys.readouterr()
    assert err == ""
    decided = {row["street_code"]: row["decided"] for row in json.loads(out)["classes"]}
    assert decided == {
        STREETS[0]: "rectification",
        STREETS[1]: "governance",
        STREETS[2]: None,
        STREETS[3]: None,
    }
    assert run(monkeypatch, pack, orders, "--month", "2025-03", "--decisions", file, "--json") == 0
    after = {row["street_code"]: row for row in json.loads(capsys.readouterr().out)["classes"]}
    assert after[STREETS[0]]["class_before"] == "rectification"
    assert after[STREETS[2]]["class_before"] == "governance"
    assert run(monkeypatch, pack, orders, "--month", "2025-02", "--decisions", file) == 0
    said = capsys.readouterr().out
    assert "已审定 2：东华门街道 整改类（建议治理类）、景山街道 治理类" in said


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"street_code": "110101999"}, "found '110101999'"),
        ({"from_month": "2025-13"}, "is no month"),
        ({"decided": "gold"}, "is no class, so nothing is decided"),
        ({"decided": ""}, "is no class, so nothing is decided"),
        ({"decided_by": ""}, "nobody decided it"),
        ({"decided_at": "yesterday"}, "is no time"),
        ({"decided_at": "2999-01-01"}, "is still to come"),
        ({"decided": "advanced"}, "differs from the rules without a reason"),
        ({"proposed": "advanced", "reason": "x"}, "on a proposal that is no longer made"),
    ],
)
def test_decisions_that_cannot_be_accounted_for_are_told(
    pack, orders, tmp_path, monkeypatch, capsys, values, message
):
    row = {
        "street_code": STREETS[0],
        "from_month": "2025-02",
        "proposed": "governance",
        "decided": "governance",
        "decided_by": "p1",
        "decided_at": "2025-02-25 10:00",
        "reason": "",
    }
    file = tmp_path / "decisions.csv"
    pd.DataFrame([row | values]).to_csv(file, index=False)
    assert run(monkeypatch, pack, orders, "--month", "2025-02", "--decisions", file, "--json") == 0
    out, err = capsys.readouterr()
    assert message in err
    decided = {one["street_code"]: one["decided"] for one in json.loads(out)["classes"]}
    kept = "governance" if "no longer made" in message else None
    assert decided[STREETS[0]] == kept


def test_decisions_without_a_needed_column_are_refused(pack, orders, tmp_path, monkeypatch, capsys):
    file = tmp_path / "decisions.csv"
    file.write_text("street_code,decided\n110101001,advanced\n", encoding="utf-8")
    assert run(monkeypatch, pack, orders, "--decisions", file) == 2
    assert "from_month" in capsys.readouterr().err


POPULATION = '[tables.population]\npath = "population.csv"\n'
QUIET = "[streets]\ngovernance_top_n = 0\n"


def test_residents_of_the_pack_decide_on_governance(tmp_path, orders, monkeypatch, capsys):
    table = (
        "street_code,population,valid_from,valid_to\n"
        "110101001,150000,,2025-02-28\n110101001,200001,2025-03-01,\n110101002,200000,,\n"
    )
    city = write_pack(tmp_path / "people", TOML + RATES + POPULATION + QUIET, population=table)
    assert run(monkeypatch, city, orders, "--month", "2025-03", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["classes"]
    assert [row["street_code"] for row in rows] == ["110101001"]
    assert rows[0]["reason"] == "常住人口200001人（超过200000人）"
    assert rows[0]["class_before"] == ""


def test_residents_may_stand_in_the_layer_of_streets(tmp_path, orders, monkeypatch, capsys):
    toml = TOML.replace(
        'district = "district"\n', 'district = "district"\npopulation = "people"\n', 1
    )
    city = write_pack(tmp_path / "layer", toml + RATES + QUIET)
    squares = make_squares()
    for feature, people in zip(squares["features"], (300_000, 10, None, "many"), strict=True):
        feature["properties"]["people"] = people
    write_layer(city, squares)
    assert run(monkeypatch, city, orders, "--month", "2025-03") == 2
    assert "found 'many' · expected: a number from 0 on" in capsys.readouterr().err
    squares["features"][3]["properties"]["people"] = "200000"
    write_layer(city, squares)
    assert run(monkeypatch, city, orders, "--month", "2025-03", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["classes"]
    assert [row["street_code"] for row in rows] == ["110101001"]


@pytest.mark.parametrize("wrong", ["-1", "many", "1e999"])
def test_a_wrong_number_of_residents_is_a_fault(tmp_path, orders, monkeypatch, capsys, wrong):
    table = f"street_code,population\n110101001,{wrong}\n"
    city = write_pack(tmp_path / "city", TOML + POPULATION, population=table)
    assert run(monkeypatch, city, orders) == 2
    assert "population.csv:2 · population · is not a number of residents" in capsys.readouterr().err
