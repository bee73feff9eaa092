"""Fixtures of browser tests: a served service on each database, and pages that watch themselves."""

import pytest
from playwright.sync_api import sync_playwright

from gridgov.storage.db import make_engine
from tests.browser.site import Visit, open_browser, open_context, serve
from tests.database_fixtures import postgres_template, sqlite_template
from tests.databases import clone_database, make_sqlite
from tests.web.orders_city import make_city_desk, make_city_pages, seed_city
from tests.web.pages import PASSWORD, make_pages, seed

__all__ = ["postgres_template", "sqlite_template"]


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        made = open_browser(playwright)
        yield made
        made.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request, tmp_path_factory):
    """The address of a served service with units and accounts, on each database."""
    if request.param == "sqlite":
        folder = tmp_path_factory.mktemp("site")
        url = make_sqlite(request.getfixturevalue("sqlite_template"), folder)
        yield from _serve(url)
    else:
        with clone_database(request.getfixturevalue("postgres_template")) as url:
            yield from _serve(url)


def _serve(url):
    engine = make_engine(url)
    seed(engine)
    app = make_pages(engine)
    with serve(app) as base:
        yield base
    engine.dispose()


@pytest.fixture(scope="session")
def desk(tmp_path_factory):
    """The small city."""
    return make_city_desk(tmp_path_factory.mktemp("city"))


@pytest.fixture(scope="module")
def engine(postgres_template, desk):
    """A PostgreSQL database of a module's own, with the small city and its accounts."""
    with clone_database(postgres_template) as url:
        made = make_engine(url)
        seed_city(made, desk)
        yield made
        made.dispose()


@pytest.fixture(scope="module")
def city_site(engine, desk):
    """The address of the service with the small city, on PostgreSQL alone; lists hear of changes."""
    app = make_city_pages(engine, desk)
    app.config["LIVE_STREAM_S"] = 60
    with serve(app) as base:
        yield base


@pytest.fixture
def open_page(browser, site):
    """Return an opener: (role or None, size) in, a page that watches itself out."""
    contexts = []

    def open_one(role=None, size="desk", **options) -> Visit:
        context = open_context(browser, size, **options)
        contexts.append(context)
        visit = Visit(page=context.new_page(), base=site)
        if role is not None:
            visit.sign_in(str(role), PASSWORD)
        return visit

    yield open_one
    for context in contexts:
        context.close()
