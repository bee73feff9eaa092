"""Life of a boundary version: table of steps, validity without overlap, register on disk."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.coverage import check_coverage
from geodata.problems import Problem
from geodata.versions import Step, VersionState, VersionStore, find_versions
from geodata.versions.register import (
    TRANSITIONS,
    VersionError,
    accept_set,
    activate_set,
    check_register,
    check_set,
    find_active,
    find_in_force,
    get_set,
    make_boundary_set,
)
from tests.geodata.wavy_areas import METRIC_CRS, make_areas

AT = datetime(2024, 5, 1, 9, tzinfo=UTC)
WHO = {"by": "li", "at": AT}
ERROR = Problem(file="streets", problem="overlap")
WARNING = Problem(file="streets", problem="sliver", severity="warning")


def make_set(version="v1", layer="streets", problems=()):
    fresh = make_boundary_set(layer, version, features=3, content_hash="", **WHO)
    return check_set(fresh, problems, **WHO)


def test_the_way_of_a_version():
    sets = (make_set("2023"), make_set("2024"))
    sets = activate_set(sets, "streets", "2023", valid_from=date(2023, 1, 1), **WHO)
    assert [one.state for one in sets] == ["active", "inactive"]
    sets = activate_set(sets, "streets", "2024", valid_from=date(2024, 7, 1), **WHO)
    assert [one.state for one in sets] == ["retired", "active"]
    assert sets[0].valid_to == sets[1].valid_from == date(2024, 7, 1)
    assert find_active(sets, "streets").version == "2024"
    days = {date(2022, 12, 31): None, date(2023, 1, 1): "2023", date(2024, 6, 30): "2023"}
    days |= {date(2024, 7, 1): "2024", date(2099, 1, 1): "2024"}
    for day, expected in days.items():
        found = find_in_force(sets, "streets", day)
        assert (found.version if found else None) == expected
    assert [event.step for event in sets[0].events] == ["load", "check", "activate", "retire"]
    assert all(event.by == "li" and event.at == AT for event in sets[0].events)


def test_layers_do_not_disturb_each_other():
    sets = (make_set("2023"), make_set("2023", layer="communities"))
    sets = activate_set(sets, "streets", "2023", valid_from=date(2023, 1, 1), **WHO)
    assert [one.state for one in sets] == ["active", "inactive"]
    assert find_in_force(sets, "communities", date(2024, 1, 1)) is None


@pytest.mark.parametrize(("state", "step"), list(product(VersionState, Step)))
def test_only_steps_of_the_table_are_possible(state, step):
    one = replace(make_set(), state=state, valid_from=date(2024, 1, 1))
    steps = {
        Step.CHECK: lambda: check_set(one, [], **WHO),
        Step.ACCEPT: lambda: accept_set(one, reason="known", **WHO),
        Step.ACTIVATE: lambda: activate_set(
            [one], "streets", "v1", valid_from=date(2024, 2, 1), **WHO
        ),
    }
    if step not in steps:
        return  # load makes a set, retire follows from activation
    if (state, step) in TRANSITIONS:
        steps[step]()
    else:
        with pytest.raises(VersionError, match=f"is {state}; {step} is not possible"):
            steps[step]()


def test_errors_must_be_accepted_with_a_reason_before_activation():
    day = {"valid_from": date(2024, 1, 1)}
    unchecked = make_boundary_set("streets", "v1", features=3, content_hash="", **WHO)
    with pytest.raises(VersionError, match="was not checked"):
        activate_set([unchecked], "streets", "v1", **day, **WHO)
    with pytest.raises(VersionError, match="was not checked"):
        accept_set(unchecked, reason="x", **WHO)
    faulty = check_set(unchecked, [ERROR, WARNING], **WHO)
    assert (faulty.errors, faulty.warnings) == (1, 1)
    with pytest.raises(VersionError, match=r"has 1 error\(s\)"):
        activate_set([faulty], "streets", "v1", **day, **WHO)
    with pytest.raises(VersionError, match="reason"):
        accept_set(faulty, reason="  ", **WHO)
    accepted = accept_set(faulty, reason="agreed with the district", **WHO)
    assert accepted.events[-1].note == "agreed with the district"
    assert activate_set([accepted], "streets", "v1", **day, **WHO)[0].state == "active"
    again = check_set(accepted, [ERROR], **WHO)
    with pytest.raises(VersionError, match="error"):
        activate_set([again], "streets", "v1", **day, **WHO)
    assert activate_set([make_set(problems=[WARNING])], "streets", "v1", **day, **WHO)


def test_a_successor_begins_after_its_predecessor():
    sets = (make_set("a"), make_set("b"))
    sets = activate_set(sets, "streets", "a", valid_from=date(2024, 1, 1), **WHO)
    for day in (date(2024, 1, 1), date(2023, 1, 1)):
        with pytest.raises(VersionError, match="must begin later"):
            activate_set(sets, "streets", "b", valid_from=day, **WHO)


@settings(deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=6), st.integers(-50, 3000))
def test_no_day_has_two_versions(gaps, day):
    sets = tuple(make_set(f"v{k}") for k in range(len(gaps)))
    start = date(2020, 1, 1)
    for k, gap in enumerate(gaps):
        start += timedelta(days=gap)
        sets = activate_set(sets, "streets", f"v{k}", valid_from=start, **WHO)
    asked = date(2020, 1, 1) + timedelta(days=day)
    hits = [one for one in sets if one.is_in_force(asked)]
    first = date(2020, 1, 1) + timedelta(days=gaps[0])
    assert len(hits) == (asked >= first)
    times = pd.Series([pd.Timestamp(asked, tz="Asia/Shanghai") + pd.Timedelta(hours=23)])
    found = find_versions(sets, "streets", times)
    assert found.fillna("").tolist() == [hits[0].version if hits else ""]


def test_a_day_is_that_of_the_citys_zone():
    sets = activate_set((make_set("v1"),), "streets", "v1", valid_from=date(2024, 7, 1), **WHO)
    times = pd.Series(["2024-06-30T23:59", "2024-07-01T00:01", None], index=[7, 8, 9])
    local = pd.to_datetime(times).dt.tz_localize("Asia/Shanghai")
    found = find_versions(sets, "streets", local)
    assert found.index.tolist() == [7, 8, 9]
    assert found.fillna("").tolist() == ["", "v1", ""]
    assert find_versions((), "streets", local).isna().all()


@pytest.mark.parametrize("name", ["", " v1", "a/b", "..", "v:1", "x\n"])
def test_names_that_are_no_file_names_are_refused(name):
    with pytest.raises(VersionError, match="expected letters"):
        make_boundary_set("streets", name, features=1, content_hash="", **WHO)


def test_who_and_when_must_be_said():
    with pytest.raises(VersionError, match="who"):
        make_boundary_set("streets", "v1", features=1, content_hash="", by=" ", at=AT)
    with pytest.raises(VersionError, match="time zone"):
        make_boundary_set("s", "v", features=1, content_hash="", by="li", at=datetime(2024, 1, 1))  # noqa: DTZ001 - a time without a zone is the fault
    with pytest.raises(VersionError, match="known: v1"):
        get_set([make_set()], "streets", "v2")


def test_a_register_that_contradicts_itself_is_refused():
    active = replace(make_set("a"), state=VersionState.ACTIVE, valid_from=date(2024, 1, 1))
    for other in (active, replace(active, version="b", valid_from=date(2025, 1, 1))):
        with pytest.raises(VersionError, match=r"twice|overlaps"):
            check_register([active, other])


def no_faults(frame):
    del frame
    return []


def test_the_store_keeps_every_version_and_every_step(tmp_path):
    store = VersionStore(tmp_path / "boundaries")
    assert store.read() == ()
    first, second = make_areas(3), make_areas(3, seed=1)
    loaded, problems = store.load_version(first, "streets", "2023", check=no_faults, **WHO)
    assert (loaded.state, loaded.features, problems) == ("inactive", 3, [])
    store.activate("streets", "2023", valid_from=date(2023, 1, 1), **WHO)
    faulty, problems = store.load_version(second, "streets", "2024", check=lambda _: [ERROR], **WHO)
    assert (faulty.errors, problems) == (1, [ERROR])
    in_force, areas = store.get_in_force("streets", date(2024, 12, 1))
    assert in_force.version == "2023"  # loading changed nothing
    assert areas.geometry.geom_equals(first.geometry).all()
    with pytest.raises(VersionError, match="error"):
        store.activate("streets", "2024", valid_from=date(2024, 7, 1), **WHO)
    store.accept("streets", "2024", reason="known overlap of 3 m²", **WHO)
    store.activate("streets", "2024", valid_from=date(2024, 7, 1), **WHO)
    again = VersionStore(tmp_path / "boundaries")
    assert again.read() == store.read()
    assert again.get_in_force("streets", date(2024, 7, 1))[0].version == "2024"
    assert again.get_in_force("streets", date(2024, 6, 30))[0].version == "2023"
    with pytest.raises(VersionError, match="in force on 2022"):
        again.get_in_force("streets", date(2022, 1, 1))


def test_the_coverage_report_decides_what_may_go_active(tmp_path):
    def check(frame):
        return check_coverage(
            frame, key="code", metric_crs=METRIC_CRS, layer_name="streets"
        ).problems

    store = VersionStore(tmp_path)
    good, overlapping = make_areas(3), make_areas(3)
    metric = overlapping.to_crs(METRIC_CRS).geometry
    overlapping.loc[0, "geometry"] = metric.buffer(80).to_crs(4326).iloc[0]
    assert store.load_version(good, "streets", "good", check=check, **WHO)[0].errors == 0
    faulty, problems = store.load_version(overlapping, "streets", "bad", check=check, **WHO)
    assert faulty.errors == len([one for one in problems if one.severity == "error"]) > 0
    store.activate("streets", "good", valid_from=date(2024, 1, 1), **WHO)
    with pytest.raises(VersionError, match="accept them with a reason"):
        store.activate("streets", "bad", valid_from=date(2025, 1, 1), **WHO)


def test_the_store_refuses_changed_files_and_names_used_before(tmp_path):
    store = VersionStore(tmp_path)
    store.load_version(make_areas(2), "streets", "v1", check=no_faults, **WHO)
    with pytest.raises(VersionError, match="a version never changes"):
        store.load_version(make_areas(2), "streets", "v1", check=no_faults, **WHO)
    with pytest.raises(VersionError, match="CRS"):
        store.load_version(
            make_areas(2).to_crs(METRIC_CRS), "streets", "v2", check=no_faults, **WHO
        )
    path = tmp_path / "streets" / "v1.parquet"
    make_areas(2, seed=5).to_parquet(path)
    with pytest.raises(VersionError, match="not the file that was loaded"):
        store.activate("streets", "v1", valid_from=date(2024, 1, 1), **WHO)
    path.unlink()
    with pytest.raises(VersionError, match="missing"):
        store.get_areas("streets", "v1")


def test_a_check_that_fails_leaves_the_register_as_it_was(tmp_path):
    store = VersionStore(tmp_path)
    store.load_version(make_areas(2), "streets", "v1", check=no_faults, **WHO)
    before = (tmp_path / "register.json").read_bytes()

    def broken(frame):
        raise RuntimeError(len(frame))

    with pytest.raises(RuntimeError):
        store.load_version(make_areas(2), "streets", "v2", check=broken, **WHO)
    assert (tmp_path / "register.json").read_bytes() == before
    assert not list(tmp_path.glob(".register.json*"))
    store.load_version(make_areas(2), "streets", "v2", check=no_faults, **WHO)  # the name is free


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 9, "sets": []}', '{"format": 1}'])
def test_a_damaged_register_is_named(tmp_path, text):
    (tmp_path / "register.json").write_text(text)
    with pytest.raises(VersionError, match=r"register\.json"):
        VersionStore(tmp_path).read()


def load_some(folder, name):
    store = VersionStore(folder)
    for k in range(4):
        store.load_version(make_areas(2), "streets", f"{name}{k}", check=no_faults, **WHO)


def test_two_writers_lose_no_step(tmp_path):
    with ThreadPoolExecutor(2) as pool:  # a lock of the file, so threads meet it as processes do
        list(pool.map(lambda name: load_some(tmp_path, name), "ab"))
    assert len(VersionStore(tmp_path).read()) == 8
    json.loads((tmp_path / "register.json").read_text(encoding="utf-8"))
