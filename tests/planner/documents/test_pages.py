import json
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest

from planner.documents import pages
from planner.documents.make_document import say_q
from planner.documents.pages import FORMS, make_script_data, write_pages
from planner.errors import PlannerError

COUNTS = {
    "appeals": {"read": 12_240, "located": 12_230, "unlocated": 6, "rejected": 4},
    "orders": 12_236,
    "review": 3,
    "problems": 4,
    "as_of": "2026-01-01T00:00:00+08:00",
}
SCRIPTS = ("leaflet/leaflet.js", "leaflet/leaflet.css")


class Addresses(HTMLParser):
    """Collects every address that a page loads or leads to."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, _tag, attrs):
        self.found += [
            value
            for name, value in attrs
            if name in {"src", "href", "action", "data", "poster", "srcset"}
        ]


@pytest.fixture(scope="module")
def assets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("assets")
    for name in SCRIPTS:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("/* stands for the library */")
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory, small_plans, small_city, assets):
    folder = tmp_path_factory.mktemp("site")
    write_pages(small_plans, small_city, COUNTS, folder, assets_dir=assets, forms=FORMS)
    return folder


def find_pages(site):
    return sorted(site.rglob("*.html"))


def test_index_map_and_a_page_per_plan(site, small_plans):
    names = {str(page.relative_to(site)) for page in find_pages(site)}

    plans = {f"plans/{plan.street['code']}/plan.html" for plan in small_plans.plans}
    assert names == {"index.html", "map.html"} | plans


def test_no_page_names_a_foreign_host(site):
    for page in find_pages(site):
        text = page.read_text("utf-8")
        hosts = list(re.findall(r"(?:https?|wss?|ftp):?//[^\s\"'<>)]+", text))
        assert [url for url in hosts if not url.startswith("http://www.w3.org/")] == []
        assert re.findall(r"""["'(]//[a-z]""", text) == []


def test_every_local_address_leads_to_a_file(site):
    written_by_others = {
        "orders.csv",
        "orders.parquet",
        "hotspots.csv",
        "hotspots.gpkg",
        "problems.csv",
        "summary.json",
    }
    for page in find_pages(site):
        parser = Addresses()
        parser.feed(page.read_text("utf-8"))
        for address in parser.found:
            path = address.split("#")[0]
            if path in {"", "data:,"} or path in written_by_others:
                continue
            assert (page.parent / path).is_file(), f"{page.name} → {address}"


def test_every_page_says_that_the_data_are_synthetic(site):
    assert all("合成数据" in page.read_text("utf-8") for page in find_pages(site))


def test_names_of_a_pack_are_no_markup(site):
    for page in find_pages(site):
        assert "新街口<b>街道" not in page.read_text("utf-8")


def test_the_index_shows_the_counts(site):
    text = (site / "index.html").read_text("utf-8")

    assert "12,240 = 12,230 + 6 + 4" in text


def test_a_plan_comes_in_every_form(site, small_plans):
    for plan in small_plans.plans:
        folder = site / "plans" / plan.street["code"]
        assert {path.name for path in folder.iterdir()} == {f"plan.{form}" for form in FORMS}
    assert (site / "tasks.gpkg").is_file()


def test_captions_are_numbered_without_gaps(site):
    for page in site.rglob("plan.html"):
        text = page.read_text("utf-8")
        tables = [int(number) for number in re.findall(r"<caption>表 (\d+)", text)]
        figures = [int(number) for number in re.findall(r"<figcaption>图 (\d+)", text)]
        assert figures == [1, 2, 3, 4]
        assert tables == list(range(1, len(tables) + 1))


def test_a_task_number_leads_to_its_task(site):
    pages = [page.read_text("utf-8") for page in site.rglob("plan.html")]

    with_tasks = [text for text in pages if 'id="T01"' in text]
    assert with_tasks
    assert all('<a href="#T01">T01</a>' in text for text in with_tasks)


def test_the_same_result_gives_the_same_bytes(site, tmp_path, small_plans, small_city, assets):
    write_pages(small_plans, small_city, COUNTS, tmp_path, assets_dir=assets, forms=FORMS)

    files = [path for path in site.rglob("*") if path.is_file()]
    for path in files:
        assert (tmp_path / path.relative_to(site)).read_bytes() == path.read_bytes()


def test_plan_json_is_beside_the_page(site, small_plans):
    for plan in small_plans.plans:
        written = json.loads(
            (site / "plans" / plan.street["code"] / "plan.json").read_text("utf-8")
        )
        assert written["content_hash"] == plan.content_hash


def test_missing_assets_are_named(tmp_path, small_plans, small_city):
    with pytest.raises(PlannerError, match=r"leaflet/leaflet\.js.*script/setup"):
        write_pages(small_plans, small_city, COUNTS, tmp_path, assets_dir=Path("nowhere"))


def test_script_data_cannot_end_its_script():
    assert "</script>" not in make_script_data({"name": "</script><script>alert(1)"})


@pytest.mark.parametrize(("q", "text"), [(0.0, "<0.0001"), (0.01234, "0.0123")])
def test_small_q(q, text):
    assert say_q(q) == text


def test_processes_beside_the_run_write_the_same_bytes(
    site, small_plans, small_city, assets, tmp_path, monkeypatch
):
    monkeypatch.setattr(pages, "FEWEST_SHARED", 1)
    monkeypatch.setattr(pages, "os", SimpleNamespace(cpu_count=lambda: 2))
    started = []
    executor = pages.ProcessPoolExecutor
    monkeypatch.setattr(
        pages, "ProcessPoolExecutor", lambda *a, **k: started.append(a) or executor(*a, **k)
    )
    write_pages(
        small_plans, small_city, COUNTS, tmp_path, assets_dir=assets, forms=("docx", "xlsx")
    )

    assert started == [(2,)]
    made = {path.relative_to(tmp_path) for path in tmp_path.rglob("plan.*")}
    assert len(made) == 2 * len(small_plans.plans)
    for path in made:
        assert (tmp_path / path).read_bytes() == (site / path).read_bytes(), path


def test_an_office_form_that_there_is_not(tmp_path):
    with pytest.raises(ValueError, match=r"\.odt"):
        pages.write_office_form(tmp_path / "plan.odt", None, None, None)
