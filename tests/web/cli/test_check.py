"""``gridgov check`` as a user calls it."""

import json
from collections import Counter

from tests.gridgov.packs import TABLES, write_pack


def test_a_cell_of_the_duty_list_is_told_of_once(gridgov, tmp_path, monkeypatch):
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path / "cache"))
    duties = TABLES["duties"] + "D3,S1,爆管,回填,D77,lead,1\nD4,S1,爆管,通水,,lead,1\n"
    city = write_pack(tmp_path / "city", duties=duties)
    code, out, _ = gridgov("check", city, "--json")
    assert code == 0
    problems = [p for p in json.loads(out)["problems"] if p["field"] == "unit"]
    assert Counter(p["row"] for p in problems) == {4: 1, 5: 1}
    told = {p["row"]: (p["value"], p["problem"]) for p in problems}
    assert told[4] == ("D3 D77", "this duty names a unit that does not exist")
    assert told[5] == ("D4", "nobody holds this duty")


def test_a_duty_that_is_not_in_force_today_is_told_of_by_the_pack_check(
    gridgov, tmp_path, monkeypatch
):
    monkeypatch.setenv("GRIDGOV_CACHE", str(tmp_path / "cache"))
    header, first, second = TABLES["duties"].splitlines()
    ended = "D3,S1,爆管,回填,D77,lead,1,2020-01-01,2020-12-31"
    rows = [f"{header},valid_from,valid_to", f"{first},,", f"{second},,", ended]
    city = write_pack(tmp_path / "city", duties="\n".join(rows) + "\n")
    code, out, _ = gridgov("check", city, "--json")
    assert code == 0
    problems = [p for p in json.loads(out)["problems"] if p["field"] == "unit"]
    assert [(p["row"], p["value"], p["problem"]) for p in problems] == [(4, "D77", "is no unit")]
