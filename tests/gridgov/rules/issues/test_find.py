"""Issues: what is one thing and what is not, against brute force, a peer and cases made by hand."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from geodata.errors import GeodataError
from gridgov.rules.constants import Constants, make_constant, make_constants
from gridgov.rules.issues.find import find_issues
from gridgov.rules.issues.likeness import compare_texts
from gridgov.rules.issues.pairs import DAY_S, Blocking, Points, find_pairs
from gridgov.rules.issues.probability import CONSTANTS
from gridgov.rules.issues.tables import ISSUE_COLUMNS, RELATED_COLUMNS, IssueRole, Relation
from gridgov.rules.issues.weights import FEATURES, WEIGHTS, make_weights
from gridgov.sample.writer import write_sample

CRS = "EPSG:4548"
LON, LAT = 116.4, 39.9
M_LAT = 111_000.0  # metres of a degree, near enough for cases with tens of metres to spare
M_LON = M_LAT * np.cos(np.radians(LAT))
START = pd.Timestamp("2025-01-06 09:00", tz="Asia/Shanghai")
HEAT = {"item_code": "1001", "text": "暖气不热，室温只有十四度，物业说管道压力不够"}
NOISE = {"item_code": "2001", "text": "工地夜间施工噪声扰民，渣土车一直到凌晨"}
LEVEL1 = {"1001": "10", "1002": "10", "2001": "20"}
NAMES = {"1001": "供热不足", "1002": "供热管道泄漏", "2001": "夜间施工"}


def make_order(no: str, day: float, east_m: float = 0.0, **values: object) -> dict[str, object]:
    row = {
        "appeal_no": no,
        "received_at": START + pd.Timedelta(days=day),
        "lon": LON + east_m / M_LON,
        "lat": LAT,
        "uncertainty_m": 15.0,
        "address": "东城区和平里小区",
        "person_key": f"person of {no}",
        "grade": "7d",
    }
    return row | HEAT | values


def find(rows: list[dict[str, object]]):
    return find_issues(pd.DataFrame(rows), metric_crs=CRS, level1=LEVEL1, names=NAMES)


def get_groups(found) -> set[frozenset[str]]:
    return {frozenset(g) for _, g in found.appeals.groupby("issue_no")["appeal_no"]}


def get_score(found) -> float:
    """Return the score of the only pair, whether it is the same or related."""
    (score,) = pd.concat([found.appeals["score"].dropna(), found.related["score"]])
    return score


def test_two_neighbours_about_one_thing_are_one_issue_with_its_reasons():
    found = find([make_order("a", 0), make_order("b", 2, 20.0), make_order("c", 1, 900.0)])
    assert get_groups(found) == {frozenset("ab"), frozenset("c")}
    table = found.appeals.set_index("appeal_no")
    assert tuple(found.appeals.columns) == ISSUE_COLUMNS
    assert table["role"].to_dict() == {
        "a": IssueRole.FIRST,
        "b": IssueRole.SAME,
        "c": IssueRole.FIRST,
    }
    assert table.loc["b", "reasons"] == "相距 20 米，相隔 2 天，同为“供热不足”，文字相似 1.00"
    assert table.loc["b", "like_appeal_no"] == "a"
    assert table.loc["b", "issue_no"] == "Wa"
    assert table.loc["b", "score"] >= CONSTANTS["duplicates.same_min"].value
    assert np.isnan(table.loc["a", "score"])
    assert table["persons"].to_dict() == {"a": 2, "b": 2, "c": 1}


def test_the_same_person_again_is_a_kind_of_its_own():
    found = find([make_order("a", 0, person_key="p"), make_order("b", 5, person_key="p")])
    row = found.appeals.iloc[1]
    assert (row["role"], row["appeals"], row["persons"]) == (IssueRole.REPEAT_BY_PERSON, 2, 1)
    assert row["reasons"].endswith("，同一来电人")


def test_one_person_who_calls_every_week_for_months_has_one_issue():
    found = find([make_order(f"{k:02}", 7 * k, person_key="p") for k in range(30)])
    assert found.count == 1


def test_many_issues_of_one_item_at_one_place_do_not_become_one():
    found = find([make_order(f"{k:03}", 2 * k) for k in range(180)])
    first = found.appeals["issue_no"].map(found.appeals.groupby("issue_no").size())
    assert found.count >= 12
    assert first.max() <= 16


def test_hundreds_who_call_at_once_about_one_thing_are_one_issue():
    rng = np.random.default_rng(4)
    rows = [make_order(f"{k:03}", rng.uniform(0, 0.3), rng.uniform(0, 80)) for k in range(300)]
    assert find(rows).count == 1


def test_likes_of_likes_do_not_chain_along_a_road():
    found = find([make_order(f"{k:02}", k / 10, 40.0 * k) for k in range(20)])
    place = {f"{k:02}": 40.0 * k for k in range(20)}
    for group in get_groups(found):
        east = [place[no] for no in group]
        assert max(east) - min(east) <= 130.5  # 100 m and twice 15 m


def test_other_item_and_other_matter_are_related_not_the_same():
    leak = {"item_code": "1002", "text": "楼下热力管道漏水，路面结冰"}
    noise = make_order("c", 2, person_key="person of a") | NOISE
    found = find([make_order("a", 0), make_order("b", 1) | leak, noise])
    assert found.count == 3
    assert tuple(found.related.columns) == RELATED_COLUMNS
    told = {
        (row.appeal_no, row.related_appeal_no): row.relation for row in found.related.itertuples()
    }
    assert told == {("b", "a"): Relation.SAME_PLACE, ("c", "a"): Relation.SAME_PERSON}
    assert "事项不同（“供热不足”与“夜间施工”）" in set(
        found.related["reasons"].str.split("，").str[2]
    )


def test_an_item_that_is_not_known_is_judged_by_the_words():
    blank = {"item_code": None}
    found = find([make_order("a", 0), make_order("b", 1, **blank), make_order("c", 1) | NOISE])
    assert get_groups(found) == {frozenset("ab"), frozenset("c")}
    assert "事项未定" in found.appeals.loc[found.appeals["appeal_no"] == "b", "reasons"].item()


def test_uncertain_places_count_less_than_exact_ones():
    exact = find([make_order("a", 0), make_order("b", 1)])
    vague = find([make_order("a", 0, uncertainty_m=200.0), make_order("b", 1, uncertainty_m=200.0)])
    assert get_score(vague) < get_score(exact) - 0.01


def test_without_a_place_only_the_same_person_says_the_same():
    nowhere = {"lon": np.nan, "lat": np.nan, "uncertainty_m": np.nan}
    rows = [
        make_order(no, k, person_key=no[0], **nowhere) for k, no in enumerate(["p1", "p2", "q1"])
    ]
    found = find(rows)
    assert get_groups(found) == {frozenset({"p1", "p2"}), frozenset({"q1"})}
    assert "位置不明" in found.appeals["reasons"].iloc[1]


def test_every_appeal_has_one_row_whatever_is_missing():
    rows = [
        make_order("a", 0),
        make_order("a", 0),  # a second order of one appeal
        make_order("b", 1, received_at=pd.NaT),
        make_order("c", 1, text=None, address=None, person_key=None, grade=None, item_code=None),
        make_order("d", 1, lon=np.inf, text=""),
    ]
    found = find(rows)
    assert sorted(found.appeals["appeal_no"]) == list("abcd")
    assert found.appeals.loc[found.appeals["appeal_no"] == "b", "role"].item() == IssueRole.FIRST


def test_without_words_or_persons_place_time_and_item_decide():
    silent = {"text": None, "person_key": None}
    found = find([make_order("a", 0, **silent), make_order("b", 1, **silent)])
    assert found.count == 1
    assert found.appeals["reasons"].iloc[1] == "相距 0 米，相隔 1 天，同为“供热不足”，无文字可比"


def test_two_doors_of_one_road_are_two_places():
    doors = [f"鹤松南路{number}号" for number in (145, 147)]
    found = find([make_order(no, 3, address=a) for no, a in zip("ab", doors, strict=True)])
    same = find([make_order(no, 3, address=doors[0]) for no in "ab"])
    assert get_score(same) > get_score(found) + 0.01


def test_no_orders_no_issues():
    found = find_issues(pd.DataFrame([make_order("a", 0)]).head(0), metric_crs=CRS)
    assert found.count == len(found.related) == found.compared == 0
    assert tuple(found.appeals.columns) == ISSUE_COLUMNS


def test_bad_input_is_named():
    frame = pd.DataFrame([make_order("a", 0)])
    with pytest.raises(ValueError, match="no column text; expected appeal_no"):
        find_issues(frame.drop(columns="text"), metric_crs=CRS)
    with pytest.raises(GeodataError):
        find_issues(frame, metric_crs="EPSG:0")


def make_random(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = [
        make_order(
            f"{k:04}",
            float(rng.uniform(0, 90)),
            float(rng.uniform(0, 600)),
            person_key=None if rng.random() < 0.2 else f"p{rng.integers(n // 2)}",
            uncertainty_m=float(rng.choice([15.0, 93.0, 500.0])),
        )
        | (HEAT if rng.random() < 0.7 else NOISE)
        for k in range(n)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_rows_does_not_matter_and_piles_hold_together(seed):
    frame = make_random(150, seed)
    one, two = (
        find_issues(f, metric_crs=CRS, level1=LEVEL1)
        for f in (frame, frame.sample(frac=1, random_state=seed))
    )
    pd.testing.assert_frame_equal(one.appeals, two.appeals)
    pd.testing.assert_frame_equal(one.related, two.related)
    joined = one.appeals.merge(frame, on="appeal_no")
    joined["person_key"] = joined["person_key"].fillna(joined["appeal_no"])
    calls = joined.groupby(["issue_no", "person_key"])["received_at"].min().groupby("issue_no")
    assert (calls.max() - calls.min()).max() <= pd.Timedelta(days=30)
    same = one.appeals.set_index("appeal_no")["issue_no"]
    assert (
        same[one.related["appeal_no"]].to_numpy()
        != same[one.related["related_appeal_no"]].to_numpy()
    ).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 60))
def test_pairs_are_those_of_all_with_all(seed, n):
    rng = np.random.default_rng(seed)
    unplaced = rng.random(n) < 0.1
    points = Points(
        x=np.where(unplaced, np.nan, rng.uniform(0, 1500, n)),
        y=np.where(unplaced, np.nan, rng.uniform(0, 700, n)),
        uncertainty_m=np.where(unplaced, np.inf, rng.choice([15.0, 93.0, 400.0], n)),
        seconds=np.sort(rng.integers(0, 60, n)) * DAY_S,
        window_s=rng.choice([10, 30], n) * DAY_S,
        item=rng.integers(-1, 4, n),
        level1=rng.integers(-1, 2, n),
        person=rng.integers(-1, 8, n),
        address=rng.integers(-1, 5, n),
    )
    blocking = Blocking(
        near_base_m=30.0,
        near_per_uncertainty=1.5,
        near_most_m=300.0,
        person_days=40.0,
        most_pairs=n,
        most_looks=n,
    )
    left, right = find_pairs(points, blocking)
    expected = {(a, b) for b in range(n) for a in range(b) if is_pair(points, a, b)}
    assert set(zip(left.tolist(), right.tolist(), strict=True)) == expected
    assert len(left) == len(expected)


def is_pair(points: Points, a: int, b: int) -> bool:
    gap = points.seconds[b] - points.seconds[a]
    apart = np.hypot(points.x[a] - points.x[b], points.y[a] - points.y[b])
    radius = 30 + 1.5 * np.hypot(points.uncertainty_m[a], points.uncertainty_m[b])
    exact = max(points.uncertainty_m[a], points.uncertainty_m[b]) <= 300
    alike = points.level1[a] == points.level1[b] or min(points.level1[a], points.level1[b]) < 0
    near = exact and alike and apart <= min(radius, 300)
    near = near and gap <= max(points.window_s[a], points.window_s[b])
    person = points.person[a] == points.person[b] >= 0
    rough = [300 < points.uncertainty_m[k] < np.inf for k in (a, b)]
    address = points.address[a] == points.address[b] >= 0 and all(rough)
    recent = gap <= 40 * DAY_S and not apart > radius
    return bool(near or ((person or address) and recent))


def test_likeness_of_texts_is_that_of_the_peer():
    texts = pd.Series(
        ["暖气不热三天了", "暖气不热", "工地噪声扰民", "暖气 不热三天了", "工地噪声噪声噪声"]
    )
    left, right = (side.ravel() for side in np.meshgrid(np.arange(5), np.arange(5)))
    peer = TfidfVectorizer(analyzer="char", ngram_range=(2, 2), sublinear_tf=True)
    vectors = peer.fit_transform(texts.str.replace(" ", "")).toarray()
    np.testing.assert_allclose(
        compare_texts(texts, left, right), (vectors @ vectors.T)[left, right], atol=1e-12
    )


def test_texts_without_pairs_of_characters_have_no_likeness():
    texts = pd.Series(["暖", None, "", "暖气"])
    found = compare_texts(texts, np.array([0, 1, 2, 3]), np.array([3, 3, 3, 3]))
    assert np.isnan(found[:3]).all()
    assert found[3] == pytest.approx(1.0)


def test_weights_and_constants_say_where_they_come_from():
    assert all(len(make_weights(CONSTANTS[name].value)) == len(FEATURES) for name in WEIGHTS)
    assert all(constant.source and constant.status == "assumed" for constant in CONSTANTS.values())
    names = [name for name in CONSTANTS if "window_days" in name]
    days = [float(CONSTANTS[name].value) for name in names]
    assert all(one <= two for one, two in pairwise(days))


def change(**values: object) -> Constants:
    return make_constants(
        make_constant(f"duplicates.{name}", value, "practice") for name, value in values.items()
    )


def test_a_pack_s_constants_decide():
    orders = pd.DataFrame([make_order("a", 0), make_order("b", 1)])

    def count(constants: Constants) -> int:
        return find_issues(
            orders, metric_crs=CRS, level1=LEVEL1, names=NAMES, constants=constants.table
        ).count

    assert count(make_constants()) == 1
    assert count(change(same_min=1.0)) == 2
    assert count(change(window_days_7d=0, window_days_15d=0)) == 2
    assert count(change(weights_others=["constant -40"])) == 2


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (("apart x",), "'apart x'"),
        (("nearby 1",), "'nearby 1'"),
        (("apart 1", "apart 2"), "'apart 2'"),
        (("apart nan",), "'apart nan'"),
        (("apart",), "'apart'"),
    ],
)
def test_weights_that_are_not_sound_are_refused(texts, found):
    with pytest.raises(ValueError, match=found):
        make_weights(texts)


def make_sample_orders(folder: Path, *, appeals: int, seed: int) -> pd.DataFrame:
    """Return orders of a sample city as a geocoder that errs by some tens of metres would place them."""
    write_sample(folder, appeals=appeals, seed=seed)
    truth = pd.read_parquet(folder / "truth.parquet")
    table = pd.read_parquet(folder / "appeals.parquet").drop_duplicates("工单编号")
    orders = truth.merge(table, left_on="appeal_no", right_on="工单编号")
    rng = np.random.default_rng(seed)
    exact = orders["经度"].notna().to_numpy()
    away = np.where(exact, 0.0, 40.0) * rng.standard_normal((2, len(orders)))
    return pd.DataFrame(
        {
            "appeal_no": orders["appeal_no"],
            "received_at": pd.to_datetime(orders["受理时间"]).dt.tz_localize("Asia/Shanghai"),
            "lon": orders["lon"] + away[0] / M_LON,
            "lat": orders["lat"] + away[1] / M_LAT,
            "uncertainty_m": np.where(exact, 15.0, 93.0),
            "item_code": orders["派单目录编码"].replace("", None),
            "text": orders["诉求内容"],
            "address": orders["地址"],
            "person_key": orders["诉求人编号"],
            "issue_no": orders["issue_no"],
        }
    )


@pytest.mark.slow
def test_the_sample_city_s_issues_are_found(tmp_path):
    orders = make_sample_orders(tmp_path / "city", appeals=20_000, seed=5)
    top = {code: code[:2] for code in orders["item_code"].dropna().unique()}
    found = find_issues(orders, metric_crs=CRS, level1=top)
    ours = orders["appeal_no"].map(found.appeals.set_index("appeal_no")["issue_no"])
    both = count_pairs(ours + " " + orders["issue_no"].astype(str))
    assert both / count_pairs(ours) >= 0.95
    assert both / count_pairs(orders["issue_no"]) >= 0.9


def count_pairs(groups: pd.Series) -> int:
    sizes = groups.value_counts()
    return int((sizes * (sizes - 1) // 2).sum())
