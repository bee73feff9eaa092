"""OGC API - Tiles: tiles are read by a reader that others wrote, counts agree, addresses of versions never change."""

import gzip
from urllib.parse import urlsplit

import mapbox_vector_tile
import pytest
import sqlalchemy as sa

from geodata.vector_tiles import EXTENT, Tile
from gridgov.services.accounts.tokens import TokenScope
from gridgov.storage.db import make_sessions, transaction
from gridgov.storage.models.orders import Order
from tests.gridgov.services.city import INSIDE, STREET
from tests.web.room_rows import SPOT

LON, LAT = INSIDE
ROOT = "/ogc/collections"
ALL = "datetime=2024-01-01/2024-12-31"


def find_tile(z):
    """Return the row and column of the tile that holds :data:`INSIDE`."""
    for y in range(1 << z):
        _, south, _, north = Tile(z=z, x=0, y=y).find_bounds()
        if south <= LAT < north:
            return y, int((LON + 180) / 360 * (1 << z))
    raise AssertionError


def find_path(name, z, more=""):
    y, x = find_tile(z)
    return f"{ROOT}/{name}/tiles/WebMercatorQuad/{z}/{y}/{x}{more}"


@pytest.fixture
def get(served, headers):
    client = served.app.test_client()
    return lambda path, _headers=headers, **more: client.get(path, headers=_headers, **more)


def read(answer):
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/vnd.mapbox-vector-tile"
    return mapbox_vector_tile.decode(answer.data, default_options={"y_coord_down": True})


def test_streets_lie_where_they_are(get):
    layer = read(get(find_path("streets", 14)))["streets"]
    assert layer["extent"] == EXTENT
    y, x = find_tile(14)
    west, _, east, _ = Tile(z=14, x=x, y=y).find_bounds()
    named = {one["properties"]["code"]: one for one in layer["features"]}
    ring = named[STREET]["geometry"]["coordinates"][0]
    left = min(px for px, _ in ring) / EXTENT * (east - west) + west
    assert left == pytest.approx(116.40, abs=2e-5) or left <= west
    assert named[STREET]["properties"]["name"] == "东华门街道"
    assert named[STREET]["geometry"]["type"] == "Polygon"


@pytest.mark.parametrize("z", [0, 6, 10, 13, 16])
def test_every_zoom_has_its_tile_below_300_kb(get, z):
    for name in ("streets", "orders"):
        answer = get(find_path(name, z, f"?{ALL}" if name == "orders" else ""))
        assert answer.status_code == 200 or (z == 0 and answer.status_code == 204), (name, z)
        assert len(answer.data) < 300_000


@pytest.mark.parametrize("z", [9, 13])
def test_orders_of_low_zooms_are_counted_and_none_is_lost(served, get, z):
    features = read(get(find_path("orders", z, f"?{ALL}")))["orders"]["features"]
    with transaction(make_sessions(served.engine)) as session:
        placed = Order.street_code if z <= 11 else Order.cell_code
        y, x = find_tile(z)
        west, south, east, north = Tile(z=z, x=x, y=y).find_bounds()
        inside = (Order.lon.between(west, east), Order.lat.between(south, north))
        n = session.scalar(sa.select(sa.func.count()).where(placed.is_not(None), *inside))
    assert sum(one["properties"]["n"] for one in features) == n
    assert {one["properties"]["counted_by"] for one in features} == {
        "street" if z <= 11 else "cell"
    }


def test_orders_of_high_zooms_stand_alone_and_in_their_window(served, get):
    features = read(get(find_path("orders", 16, f"?{ALL}")))["orders"]["features"]
    numbers = {one["properties"]["order_no"] for one in features}
    assert numbers <= set(served.filled.order_nos) | {"pipe-1"}
    assert len(numbers) == len(features) >= 7
    assert get(find_path("orders", 16, "?datetime=2023-01-01/2023-02-01")).status_code == 204
    own = served.make_headers("other_street")
    assert get(find_path("orders", 16, f"?{ALL}"), own).status_code == 204
    assert get(find_path("orders", 13, f"?{ALL}"), own).status_code in {200, 204}


def test_counts_of_a_tile_are_those_that_an_account_sees(served, get):
    own = served.make_headers("other_street")
    answer = get(find_path("orders", 9, f"?{ALL}"), own)
    counted = (
        {}
        if answer.status_code == 204
        else {
            one["properties"]["code"]: one["properties"]["n"]
            for one in read(answer)["orders"]["features"]
        }
    )
    assert STREET not in counted


def test_hotspots_and_tasks_have_tiles(get):
    assert (
        read(get(find_path("hotspots", 12)))["hotspots"]["features"][0]["properties"]["hotspot_no"]
        == SPOT
    )
    assert read(get(find_path("tasks", 12)))["tasks"]["features"]
    cells = read(get(find_path("cells", 15)))["cells"]["features"]
    assert {one["properties"]["street_code"] for one in cells} >= {STREET}


def test_a_tile_of_a_version_is_kept_for_good_and_others_are_asked_again(get):
    told = get(f"{ROOT}/streets/tiles/WebMercatorQuad/tilejson.json").get_json()
    assert told["tilejson"] == "3.0.0"
    url = urlsplit(told["tiles"][0])
    y, x = find_tile(12)
    path = f"{url.path}?{url.query}".format(z=12, y=y, x=x)
    kept = get(path)
    assert kept.cache_control.immutable
    assert kept.cache_control.max_age == 365 * 86_400
    assert kept.cache_control.private
    loose = get(find_path("streets", 12))
    assert not loose.cache_control.immutable
    assert loose.data == kept.data
    wrong = get(path.replace("key=", "key=0"))
    assert not wrong.cache_control.immutable


def test_a_tile_that_did_not_change_is_not_sent_again(served, headers):
    client, path = served.app.test_client(), find_path("streets", 12)
    first = client.get(path, headers=headers)
    asked = headers | {"If-None-Match": first.headers["ETag"]}
    assert client.get(path, headers=asked).status_code == 304
    packed = client.get(path, headers=headers | {"Accept-Encoding": "gzip"})
    if packed.headers.get("Content-Encoding") == "gzip":
        assert gzip.decompress(packed.data) == first.data
        assert packed.headers["ETag"] != first.headers["ETag"]


@pytest.mark.parametrize(
    "path",
    [
        "/streets/tiles/WebMercatorQuad/0/1/0",
        "/streets/tiles/WebMercatorQuad/23/0/0",
        "/cells/tiles/WebMercatorQuad/5/12/26",
        "/streets/tiles/WebMercatorQuad/a/0/0",
        "/streets/tiles/WorldCRS84Quad/0/0/0",
        "/streets/tiles/WebMercatorQuad/0/0/0?version=never",
        "/orders/tiles/WebMercatorQuad/0/0/0?version=1",
        "/streets/tiles/WebMercatorQuad/99999999999999999999/0/0",
    ],
)
def test_tiles_that_do_not_exist(get, path):
    answer = get(ROOT + path)
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "query",
    [
        "datetime=9999-12-31",
        "datetime=0001-01-01/0001-01-02",
        "datetime=soon",
        "datetime=2000-01-01/2024-01-01",
        "colour=red",
        "key=1&key=2",
    ],
)
def test_tiles_that_cannot_be_asked(get, query):
    assert get(find_path("orders", 12, f"?{query}")).status_code == 400


def test_tiles_of_orders_need_their_scope(served, get):
    wrong = served.make_headers("supervisor", TokenScope.PLACES)
    assert get(find_path("orders", 12), wrong).status_code == 403
    assert get(find_path("orders", 12), {}).status_code == 401
    assert get(find_path("streets", 12), wrong).status_code == 200


def test_the_grid_is_the_one_of_the_standard(get):
    told = get("/ogc/tileMatrixSets/WebMercatorQuad").get_json()
    first = told["tileMatrices"][0]
    assert first["scaleDenominator"] == pytest.approx(559082264.028717, rel=1e-9)
    assert first["cellSize"] == pytest.approx(156543.033928041, rel=1e-9)
    assert [one["matrixWidth"] for one in told["tileMatrices"]] == [1 << z for z in range(23)]
