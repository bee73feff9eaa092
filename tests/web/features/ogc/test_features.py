"""OGC API - Features: what the standard asks, what filters find, and what is refused."""

from urllib.parse import urlencode

import pytest

from gridgov.services.accounts.tokens import TokenScope
from tests.gridgov.services.city import INSIDE, STREET
from tests.web.room_rows import SPOT, N
from web.features.ogc.collections import COLLECTIONS

LON, LAT = INSIDE
ROOT = "/ogc/collections"
NOT_IN_THE_PACK = {"districts", "communities"}
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


@pytest.fixture
def ask(served, headers):
    """Return what asks for a path and gives status and body."""
    client = served.app.test_client()

    def get(path, _headers=headers, **query):
        asked = urlencode({name.replace("_", "-"): value for name, value in query.items()})
        answer = client.get(f"{path}?{asked}" if asked else path, headers=_headers)
        return answer.status_code, answer.get_json()

    return get


def list_ids(page):
    return [one["id"] for one in page["features"]]


def test_the_way_in_needs_no_token_and_leads_everywhere(ask):
    status, landing = ask("/ogc", {})
    assert status == 200
    for link in landing["links"]:
        path = "/" + link["href"].split("/", 3)[3]
        assert ask(path, {})[0] == 200, path
    assert {"service-desc", "conformance", "data"} <= {one["rel"] for one in landing["links"]}
    status, told = ask(ROOT, {})
    assert [one["id"] for one in told["collections"]] == list(COLLECTIONS)
    for one in told["collections"]:
        assert one["title"]
        assert one["extent"]["spatial"]["bbox"][0][0] == pytest.approx(116.40)


@pytest.mark.parametrize("name", list(COLLECTIONS))
def test_every_link_of_a_collection_holds(served, ask, headers, name):
    status, told = ask(f"{ROOT}/{name}")
    assert status == 200
    client = served.app.test_client()
    for link in told["links"]:
        answer = client.get("/" + link["href"].split("/", 3)[3], headers=headers)
        assert answer.status_code == 200, link
        assert answer.content_type == link["type"], link
    status, page = ask(f"{ROOT}/{name}/items")
    assert page["numberMatched"] == page["numberReturned"] == len(page["features"])
    if name in NOT_IN_THE_PACK:
        assert page["features"] == []
        return
    first = page["features"][0]
    status, alone = ask(f"{ROOT}/{name}/items/{first['id']}")
    assert status == 200
    assert (alone["id"], alone["properties"]) == (first["id"], first["properties"])
    queryables = ask(f"{ROOT}/{name}/queryables")[1]["properties"]
    assert set(queryables) == {*first["properties"], "geometry"}


@pytest.mark.parametrize("name", list(COLLECTIONS))
def test_nobody_reads_features_without_a_token_of_the_scope(served, ask, name):
    assert ask(f"{ROOT}/{name}/items", {})[0] == 401
    assert ask(f"{ROOT}/{name}/items", {"Authorization": "Bearer gg_no"})[0] == 401
    wrong = next(one for one in TokenScope if one is not COLLECTIONS[name].scope)
    status, told = ask(f"{ROOT}/{name}/items", served.make_headers("supervisor", wrong))
    assert (status, told["title"]) == (403, "Not allowed")


def test_an_account_sees_the_orders_of_its_units_alone(served, ask):
    every = set(list_ids(ask(f"{ROOT}/orders/items")[1]))
    own = set(list_ids(ask(f"{ROOT}/orders/items", served.make_headers("street_centre"))[1]))
    other = set(list_ids(ask(f"{ROOT}/orders/items", served.make_headers("other_street"))[1]))
    assert own < every
    assert own
    assert not own & other
    gone = next(iter(own))
    assert ask(f"{ROOT}/orders/items/{gone}", served.make_headers("other_street"))[0] == 404


def test_numbers_of_people_are_masked(served, headers):
    client = served.app.test_client()
    text = client.get(f"{ROOT}/orders/items", headers=headers).text
    assert "路边" in text
    assert "13812345678" not in text


def test_pages_lead_through_everything_once(ask):
    whole = list_ids(ask(f"{ROOT}/orders/items")[1])
    assert len(whole) >= N
    seen, path = [], f"{ROOT}/orders/items?limit=3"
    while path:
        _, page = ask(path)
        assert page["numberReturned"] <= 3
        seen += list_ids(page)
        following = [one["href"] for one in page["links"] if one["rel"] == "next"]
        path = "/" + following[0].split("/", 3)[3] if following else ""
    assert seen == whole
    assert list_ids(ask(f"{ROOT}/orders/items", limit=10**12)[1]) == whole


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"bbox": f"{LON - 0.001},{LAT - 0.001},{LON + 0.001},{LAT + 0.001}"}, {STREET}),
        ({"bbox": f"{LON - 0.001},{LAT - 0.001},0,{LON + 0.001},{LAT + 0.001},99"}, {STREET}),
        ({"bbox": "0,0,1,1"}, set()),
        # over the date line: from 116.43 east around the world to 116.405
        (
            {"bbox": f"116.43,{LAT},116.405,{LAT + 0.0001}"},
            {STREET, "110102001"},
        ),
        ({"bbox": "170,-80,-170,80"}, set()),
        (
            {
                "bbox": f"{LAT - 0.001},{LON - 0.001},{LAT + 0.001},{LON + 0.001}",
                "bbox-crs": f"{EPSG}4326",
            },
            {STREET},
        ),
        (
            {"bbox": "12957900,4851200,12958200,4851500", "bbox-crs": f"{EPSG}3857"},
            {STREET},
        ),
        ({"filter": f"code = '{STREET}'"}, {STREET}),
        ({"filter": f"'{STREET}' = code"}, {STREET}),
        ({"filter": "name LIKE '东华%'"}, {STREET}),
        ({"filter": f"code IN ('{STREET}', 'nowhere')"}, {STREET}),
        ({"filter": f"code BETWEEN '110101000' AND '{STREET}'"}, {STREET}),
        ({"filter": f"S_INTERSECTS(geometry, POINT({LON} {LAT}))"}, {STREET}),
        ({"filter": f"S_CONTAINS(geometry, POINT({LON} {LAT}))"}, {STREET}),
        ({"filter": f"S_WITHIN(POINT({LON} {LAT}), geometry)"}, {STREET}),
        ({"filter": "S_WITHIN(geometry, BBOX(116.3999,39.8999,116.4201,39.9201))"}, {STREET}),
        (
            {
                "filter": f"S_INTERSECTS(geometry, POINT({LAT} {LON}))",
                "filter-crs": f"{EPSG}4326",
            },
            {STREET},
        ),
        (
            {
                "filter": f'{{"op":"=","args":[{{"property":"code"}},"{STREET}"]}}',
                "filter-lang": "cql2-json",
            },
            {STREET},
        ),
        ({"code": STREET}, {STREET}),
        ({"filter": f"NOT (code <> '{STREET}') OR name IS NULL"}, {STREET}),
        ({"filter": "name = 'x'' OR ''1''=''1'"}, set()),
    ],
    ids=str,
)
def test_what_is_asked_is_found(ask, query, found):
    status, page = ask(f"{ROOT}/streets/items", **query)
    assert status == 200, page
    assert set(list_ids(page)) == found
    assert page["numberMatched"] == len(found)


@pytest.mark.parametrize(
    ("query", "n"),
    [
        ({"datetime": "2024-03-04"}, None),
        ({"datetime": "2024-03-04T00:00:00Z/.."}, None),
        ({"datetime": "../2024-03-03"}, 0),
        ({"datetime": "2025-01-01/2026-01-01"}, 0),
        ({"filter": "received_at > TIMESTAMP('2024-03-04T00:00:00Z')"}, None),
        ({"filter": "T_AFTER(received_at, DATE('2024-03-05'))"}, 0),
        ({"filter": "T_DURING(received_at, INTERVAL('2024-03-01','2024-03-31'))"}, None),
        ({"filter": "CASEI(order_no) = CASEI('NOWHERE')"}, 0),
        ({"filter": "uncertainty_m >= 1e9"}, 0),
        ({"filter": "outcome = 'open' AND street_code = 'nowhere'"}, 0),
    ],
    ids=str,
)
def test_orders_are_found_by_time_and_value(ask, query, n):
    every = ask(f"{ROOT}/orders/items")[1]["numberMatched"]
    status, page = ask(f"{ROOT}/orders/items", **query)
    assert status == 200, page
    assert page["numberMatched"] == (every if n is None else n)


def test_a_feature_comes_in_another_system_with_the_axes_of_its_authority(served, headers):
    client = served.app.test_client()
    plain = client.get(f"{ROOT}/orders/items?limit=1", headers=headers)
    assert plain.headers["Content-Crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
    lon, lat = plain.get_json()["features"][0]["geometry"]["coordinates"]
    turned = client.get(f"{ROOT}/orders/items?limit=1&crs={EPSG}4326", headers=headers)
    assert turned.headers["Content-Crs"] == f"<{EPSG}4326>"
    assert turned.get_json()["features"][0]["geometry"]["coordinates"] == [lat, lon]
    metric = client.get(f"{ROOT}/orders/items?limit=1&crs={EPSG}3857", headers=headers)
    x, y = metric.get_json()["features"][0]["geometry"]["coordinates"]
    assert x == pytest.approx(lon * 111319.49, abs=1)
    assert y == pytest.approx(4851300, abs=5_000)


def test_hotspots_and_tasks_are_of_the_newest_run(ask):
    spot = ask(f"{ROOT}/hotspots/items/{SPOT}")[1]
    assert spot["geometry"]["type"] == "Polygon"
    task = ask(f"{ROOT}/tasks/items")[1]["features"][0]
    assert task["properties"]["hotspot_no"] == SPOT
    assert task["geometry"] == spot["geometry"]


def test_boundaries_of_a_version_are_asked_by_its_name(ask):
    version = ask(f"{ROOT}/streets", {})  # needs a token
    assert version[0] == 401
    names = ask(f"{ROOT}/streets")[1]["versions"]
    assert len(ask(f"{ROOT}/streets/items", version=names[0])[1]["features"]) == 4
    assert ask(f"{ROOT}/streets/items", version="never")[0] == 404
    assert ask(f"{ROOT}/cells/items", version=names[0])[0] == 404


REFUSED = [
    ("bbox", "1,2,3"),
    ("bbox", "a,b,c,d"),
    ("bbox", "nan,0,1,1"),
    ("bbox", "0,50,1,40"),
    ("bbox", "-200,0,1,1"),
    ("bbox-crs", "EPSG:4326"),
    ("crs", f"{EPSG}2154"),
    ("crs", "x" * 3000),
    ("limit", "0"),
    ("limit", "-1"),
    ("limit", "ten"),
    ("limit", "1e3"),
    ("datetime", "yesterday"),
    ("datetime", "2024-01-01T00:00:00"),
    ("datetime", "2025-01-01/2024-01-01"),
    ("datetime", "9999-99-99"),
    ("datetime", "a/b/c"),
    ("cursor", "!!!"),
    ("cursor", "W10"),
    ("cursor", "WyIyMDI0IiwgIngiXQ"),
    ("filter", "unit_code ="),
    ("filter", "nowhere = 1"),
    ("filter", "uncertainty_m = 'many'"),
    ("filter", "received_at > 'morning'"),
    ("filter", "DROP TABLE orders"),
    ("filter", "foo(order_no) = 1"),
    ("filter", "S_INTERSECTS(geometry, POLYGON((0 0, 1 1, 1 0, 0 1, 0 0)))"),
    ("filter", "S_NEAR(geometry, POINT(0 0))"),
    ("filter", "order_no LIKE 5"),
    ("filter", "order_no"),
    ("filter", "(" * 3000),
    ("filter", "x" * 9000),
    ("filter", "order_no LIKE 'A\\'"),
    ("filter", "S_TOUCHES(geometry, GEOMETRYCOLLECTION(POINT(0 0), POINT(1 1)))"),
    ("filter", "S_INTERSECTS(geometry, BBOX(1e999,0,1,1))"),
    ("filter", "received_at > TIMESTAMP('99999-01-01T00:00:00Z')"),
    ("filter-lang", "sql"),
    ("filter-crs", "nowhere"),
    ("f", "shapefile"),
    ("colour", "red"),
]


@pytest.mark.parametrize(("name", "value"), REFUSED, ids=lambda one: str(one)[:40])
def test_what_cannot_be_asked_is_refused_by_its_name(served, headers, name, value):
    answer = served.app.test_client().get(
        f"{ROOT}/orders/items?{urlencode({name: value})}", headers=headers
    )
    assert answer.status_code == 400, answer.text
    assert answer.content_type == "application/problem+json"
    assert [one["parameter"] for one in answer.get_json()["errors"]] == [name]


def test_everything_wrong_is_told_at_once(ask):
    status, told = ask(f"{ROOT}/orders/items", limit="x", bbox="1", crs="y")
    assert status == 400
    assert {one["parameter"] for one in told["errors"]} == {"limit", "bbox", "crs"}


def test_a_deep_filter_in_json_is_refused(ask):
    deep = '{"op":"not","args":[' * 200 + "true" + "]}" * 200
    status, told = ask(f"{ROOT}/orders/items", **{"filter": deep, "filter-lang": "cql2-json"})
    assert status == 400
    assert "nested" in told["detail"]


@pytest.mark.parametrize(
    "told",
    [
        '{"op":"=","args":[{"property":"order_no"},"\\u0000"]}',
        '{"op":"=","args":[{"property":"order_no"},"\\ud800"]}',
        '{"op":"s_intersects","args":[{"property":"geometry"},{"bbox":[1e999,0,1,1]}]}',
        '{"op":"s_intersects","args":[{"property":"geometry"},{"type":"Point","coordinates":[]}]}',
        '{"op":"in","args":[{"property":"order_no"},"A"]}',
        '{"op":"and","args":{}}',
        '{"op":5}',
        "[1,2]",
        "null",
        "{",
    ],
)
def test_json_that_is_no_filter_is_refused(ask, told):
    status, found = ask(f"{ROOT}/orders/items", **{"filter": told, "filter-lang": "cql2-json"})
    assert status == 400, found
    assert [one["parameter"] for one in found["errors"]] == ["filter"]


def test_signs_that_no_text_has_are_refused_everywhere(ask):
    for path in (
        "/orders/items/%00",
        "/orders/items?street_code=%00",
        "/streets/items?version=%00",
    ):
        assert ask(ROOT + path)[0] in {400, 404}, path


def test_there_is_no_such_thing(ask):
    for path in ("/nowhere", "/nowhere/items", "/orders/items/none", "/streets/items/x%2Fy"):
        assert ask(ROOT + path)[0] == 404, path
