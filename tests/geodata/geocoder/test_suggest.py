"""Suggestions while typing: beginnings, parts, numbers, areas before the name; against brute force."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geodata.address.lexicon import encode_names
from geodata.gazetteer import GazetteerSource
from geodata.geocoder import Geocoder, make_gazetteer
from geodata.geocoder.suggest import SUGGESTION_COLUMNS
from geodata.geocoder.suggest_kernels import find_range, find_within
from tests.geodata import toy_town


@pytest.fixture(scope="module")
def geocoder():
    twin = pd.DataFrame({"name": ["幸福里"] * 2, "lon": [116.39, 116.41], "lat": [39.9, 39.9]})
    sources = [*toy_town.make_sources(), GazetteerSource(frame=twin, kind="place", name="twins")]
    return Geocoder(make_gazetteer(sources, extent=toy_town.EXTENT, city="北京市"))


def ask(geocoder, text, **options):
    found = geocoder.suggest(text, **options)
    assert list(found.columns) == list(SUGGESTION_COLUMNS)
    assert found[["name", "kind", "lon", "lat"]].notna().all(axis=None)
    return found


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.text("东西里路", min_size=1, max_size=5), min_size=1, max_size=30, unique=True),
    st.text("东西里路", min_size=1, max_size=3),
)
def test_names_by_beginning_and_by_part_as_plain_python_finds_them(names, wanted):
    names = sorted(names)
    codes, start = encode_names(names)
    query = encode_names([wanted])[0]
    low, high = find_range(codes, start, query)
    assert names[low:high] == [name for name in names if name.startswith(wanted)]
    within = [names[i] for i in find_within(codes, start, query)]
    assert within == [n for n in names if wanted in n and not n.startswith(wanted)]


def test_official_names_come_first_with_kind_street_and_point(geocoder):
    found = ask(geocoder, "东门")
    assert found.iloc[0][["name", "kind", "street"]].tolist() == ["东门街道", "street", "东门街道"]
    place = ask(geocoder, "人民医").iloc[0]
    assert place[["name", "kind", "street"]].tolist() == ["人民医院", "place", "西门街道"]
    x, y = toy_town.PLANE.to_plane(place["lon"], place["lat"])
    assert (x, y) == pytest.approx(toy_town.PLACES["人民医院"], abs=1)
    assert ask(geocoder, "城关").iloc[0]["kind"] == "district"
    assert pd.isna(ask(geocoder, "城关").iloc[0]["street"])


def test_what_begins_so_comes_before_what_contains_it(geocoder):
    found = ask(geocoder, "安")
    assert found["name"].tolist() == ["安定门外大街", "长安胡同", "平安里胡同"]
    assert ask(geocoder, "胡同")["name"].tolist() == ["长安胡同", "平安里胡同"]
    assert ask(geocoder, "安外大")["name"].tolist() == ["安定门外大街"]  # its other name


def test_the_middle_of_a_road_lies_on_it(geocoder):
    row = ask(geocoder, "长安胡").iloc[0]
    x, y = toy_town.PLANE.to_plane(row["lon"], row["lat"])
    assert (x, y) == pytest.approx((800, 500), abs=15)


def test_digits_after_a_road_find_its_known_numbers(geocoder):
    found = ask(geocoder, "长安胡同１")
    known = [n for n in range(1, 175, 4) if str(n).startswith("1")]
    assert found["name"].tolist() == [f"长安胡同{n}号" for n in known[:10]]
    assert set(found["kind"]) == {"number"}
    x, y = toy_town.PLANE.to_plane(found["lon"][1], found["lat"][1])
    assert (x, y) == pytest.approx(toy_town.find_number("长安胡同", known[1]), abs=1)
    assert ask(geocoder, "长安胡同2号")["name"].tolist() == [
        "长安胡同21号",
        "长安胡同25号",
        "长安胡同29号",
        "长安胡同",
    ]
    assert ask(geocoder, "长安胡同160号")["name"].tolist() == ["长安胡同"]


def test_areas_before_the_name_narrow_the_search(geocoder):
    both = ask(geocoder, "幸福")
    assert both["street"].tolist() in (["东门街道", "西门街道"], ["西门街道", "东门街道"])
    one = ask(geocoder, "北京市城关区东门街道幸福")
    assert one[["name", "street"]].values.tolist() == [["幸福里", "东门街道"]]
    assert ask(geocoder, "东门街道平安里").empty
    assert ask(geocoder, "东门街道长安胡同9")["name"].tolist() == [
        "长安胡同9号",
        "长安胡同93号",
        "长安胡同97号",
        "长安胡同",
    ]


def test_limits_and_bad_input(geocoder):
    assert len(ask(geocoder, "安", limit=2)) == 2
    for limit in (0, 101, -1):
        with pytest.raises(ValueError, match="expected 1 to 100"):
            geocoder.suggest("安", limit=limit)
    for text in (
        "",
        "  ",
        "😀",
        "\x00",
        "安" * 5_000,
        "'; DROP TABLE x; --",
        "zzzz",
        "12345678901",
        "%",
    ):
        assert ask(geocoder, text).empty
    empty = Geocoder(make_gazetteer([]))
    assert ask(empty, "安").empty


def test_many_names_are_cut_to_the_shortest():
    rng = np.random.default_rng(0)
    names = [f"安{n:04d}号店" + "铺" * int(rng.integers(0, 3)) for n in range(3000)]
    frame = pd.DataFrame({"name": names, "lon": 116.4, "lat": 39.9})
    made = make_gazetteer([GazetteerSource(frame=frame, kind="place", name="shops")])
    found = ask(Geocoder(made), "安", limit=20)
    assert found["name"].tolist() == sorted(names, key=lambda n: (len(n), n))[:20]
