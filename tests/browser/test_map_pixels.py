"""Maps judged by their pixels: areas show their colour over the ground, and names stand in their streets."""

from itertools import pairwise

import numpy as np
import pytest
from shapely.geometry import Point, shape

from gridgov.rules.orders.transitions import Role
from gridgov.storage.db import make_sessions, transaction
from tests.browser.pixels import read_png
from tests.browser.site import Visit, open_context
from tests.gridgov.services.city import take
from tests.web.orders_city import take_many
from tests.web.pages import PASSWORD


@pytest.fixture(scope="module", autouse=True)
def orders(engine, desk):
    with transaction(make_sessions(engine)) as session:
        take_many(session, desk, 40)
        return take(session, desk).order_nos[0]


@pytest.fixture(params=["desk", "phone"])
def visit(request, browser, city_site):
    context = open_context(browser, request.param)
    made = Visit(page=context.new_page(), base=city_site)
    made.sign_in(str(Role.DISPATCHER), PASSWORD)
    yield made
    context.close()


def shoot(page, selector):
    box = page.locator(selector).first
    box.scroll_into_view_if_needed()
    page.wait_for_timeout(900)
    return read_png(box.screenshot())


def read_colour(page, name):
    """Return a colour of the page's style as three numbers."""
    text = page.evaluate(
        "name => { const d = document.createElement('i'); d.style.color = `var(${name})`; document.body.append(d);"
        " const c = getComputedStyle(d).color; d.remove(); return c; }",
        name,
    )
    return np.array([int(part) for part in text[text.index("(") + 1 : -1].split(",")[:3]])


def find_share(pixels, colour, tolerance=14):
    return float((np.abs(pixels - colour).max(axis=2) <= tolerance).mean())


@pytest.mark.parametrize("by", ["street", "cell"])
def test_areas_show_their_colours_over_the_ground(visit, by):
    visit.go(f"/maps?by={by}&street=110101001&window=2024-03-01..2024-03-31")
    visit.page.wait_for_selector('.map-box[data-state="ready"]')
    pixels = shoot(visit.page, ".map-box")
    darkest = read_colour(visit.page, "--map-seq-4")
    assert find_share(pixels, darkest, tolerance=40) > (0.02 if by == "street" else 0.0001)
    visit.check()


def test_the_class_limits_do_not_overlap(visit):
    visit.go("/maps?window=2024-03-01..2024-03-31")
    words = visit.page.locator(".swatch-pair").all_inner_texts()
    spans = [word.replace(" ", "").split("–") for word in words if word.strip()[:1].isdigit()]
    ends = [(int(one[0]), int(one[-1])) for one in spans if one[0].isdigit()]
    assert all(low > high for (_, high), (low, _) in pairwise(ends))


def test_each_name_stands_inside_its_street(visit, orders):
    visit.go(f"/orders/{orders}")
    visit.page.wait_for_selector("#order-map .map-words")
    streets = visit.page.evaluate(
        "JSON.parse(document.getElementById('order-map-data').textContent)"
    )
    features = streets["streets"]["features"]
    assert features
    for feature in features:
        lat, lon = feature["properties"]["words_at"]
        assert shape(feature["geometry"]).buffer(1e-5).contains(Point(lon, lat))
    own = [one for one in features if one["properties"]["own"]]
    # Whole streets: an edge of the drawing is a border, never the edge of a window.
    west, south, east, north = shape(own[0]["geometry"]).bounds
    assert east - west == pytest.approx(0.02, abs=1e-4)
    assert north - south == pytest.approx(0.02, abs=1e-4)
