"""The files of a run: the way in, the map of the city, and each street's plan in its forms; none needs a network."""

import html
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from importlib import resources
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal, Protocol

import geopandas as gpd
import jinja2
import numpy as np
import pandas as pd
from markupsafe import Markup

from gridgov.pack.city import City
from gridgov.pack.settings import DocumentSettings
from planner.documents.content import OfficeDocument
from planner.documents.docx import make_docx
from planner.documents.layers import write_task_layer
from planner.documents.make_document import DocumentOptions, make_document
from planner.documents.maps import (
    CERTAINTIES,
    GREYS,
    KIND_LINES,
    MapParts,
    make_city_map,
    make_classes,
    simplify_streets,
)
from planner.documents.page import load_document_styles, render_document
from planner.documents.pdf import make_pdf
from planner.documents.street_map import PlanGround
from planner.documents.typst_files import load_fonts
from planner.documents.words import say_q
from planner.documents.workbook import make_workbook
from planner.errors import PlannerError
from planner.plans.plan_text import get_language, load_words, speaking
from planner.plans.record import Plan, make_plan_json

NEEDED_ASSETS = ("leaflet/leaflet.js", "leaflet/leaflet.css")
NEIGHBOUR_M = 1_500.0
"""How far around a street its neighbours are drawn."""

Form = Literal["json", "html", "docx", "xlsx", "pdf"]
FORMS: tuple[Form, ...] = ("json", "html", "docx", "xlsx", "pdf")
QUICK_FORMS: tuple[Form, ...] = ("json", "html")
"""What every run writes; the others are made where they are asked for."""
PAGE_FORMS: frozenset[Form] = frozenset(("json", "html"))
"""Written by the run itself; the others, office files, cost most and may be written by processes beside it."""
FEWEST_SHARED = 24
"""Plans from which the start of more processes (some seconds) is worth it."""
MOST_WORKERS = 8


class Planned(Protocol):
    """What a run found, as far as its files show it (``planner.jobs``)."""

    @property
    def hotspots(self) -> gpd.GeoDataFrame:
        """Frame of ``planner.frames.HOTSPOT_COLUMNS``, EPSG:4326."""

    @property
    def plans(self) -> tuple[Plan, ...]:
        """Plans by street code."""

    @property
    def classes(self) -> pd.DataFrame:
        """Class of every street."""

    @property
    def cells(self) -> gpd.GeoDataFrame:
        """``cell_code street_code count`` and geometry of streets with a plan."""


def write_pages(
    result: Planned,
    city: City,
    counts: Mapping[str, Any],
    out_dir: Path,
    *,
    assets_dir: Path,
    forms: Collection[Form] = QUICK_FORMS,
) -> None:
    """Write ``index.html``, ``map.html``, ``tasks.gpkg`` and ``plans/<street_code>/plan.*`` with their assets.

    Parameters
    ----------
    result
        What was found.
    city
        The pack.
    counts
        The summary of the run: ``appeals`` with ``read located unlocated rejected``, ``orders``, ``review``,
        ``problems``, ``as_of``.
    out_dir
        Folder that exists; the caller makes it appear as a whole.
    assets_dir
        Folder with ``leaflet/``.
    forms
        Of each plan.

    Raises
    ------
    PlannerError
        An asset is missing; a template or the fonts cannot be used.
    """
    with speaking(city.settings.languages[0]):
        _write_pages(result, city, counts, out_dir, assets_dir=assets_dir, forms=forms)


def _write_pages(
    result: Planned,
    city: City,
    counts: Mapping[str, Any],
    out_dir: Path,
    *,
    assets_dir: Path,
    forms: Collection[Form],
) -> None:
    copy_assets(assets_dir, out_dir / "assets")
    book = make_book()
    streets = simplify_streets(city.streets.merge(result.classes, on="street_code", how="left"))
    spots = describe_hotspots(result.hotspots, {str(plan.street["code"]) for plan in result.plans})
    facts = {
        "language": get_language(),
        "city_name": find_city_name(city),
        "city": city,
        "counts": counts,
        "words": load_words(),
        "synthetic": city.settings.synthetic,
        "forms": [form for form in FORMS if form in forms],
    }
    with _open_workers(len(result.plans), forms) as workers:
        files = []
        for plan in result.plans:
            folder = out_dir / "plans" / str(plan.street["code"])
            folder.mkdir(parents=True, exist_ok=True)
            ground = make_ground(plan, city, streets=streets, cells=result.cells)
            document = make_document(plan, ground, make_options(plan, city))
            for form in forms:
                path = folder / f"plan.{form}"
                if form in PAGE_FORMS:
                    path.write_bytes(_make_page_form(form, plan, document, book, facts))
                elif workers is None:
                    write_office_form(path, plan, document, city.settings.documents)
                else:
                    own = (path, plan, document, city.settings.documents)
                    files.append(workers.submit(write_office_form, *own))
        for file in files:
            file.result()
    if result.plans:
        write_task_layer(result.plans, out_dir / "tasks.gpkg")
    (out_dir / "map.html").write_text(
        _make_map_page(book, result, (streets, spots), facts), encoding="utf-8"
    )
    (out_dir / "index.html").write_text(
        _make_index_page(book, result, spots, facts), encoding="utf-8"
    )


def find_city_name(city: City) -> str:
    """Return the name of a city in the language that is spoken."""
    english = not get_language().startswith("zh")
    return (english and city.settings.name_en) or city.name


def make_options(plan: Plan, city: City) -> DocumentOptions:
    """Return who issues a plan's document, as the pack says."""
    issuer = city.settings.documents.issuer.format(street=plan.street["name"], city=city.name)
    return DocumentOptions(issuer=issuer)


def make_ground(
    plan: Plan, city: City, *, streets: gpd.GeoDataFrame, cells: gpd.GeoDataFrame
) -> PlanGround:
    """Return what lies under the map of a plan, from the layers of the pack."""
    code = str(plan.street["code"])
    communities = city.layers.get("communities")
    own = None if communities is None else communities[communities["street_code"] == code]
    base = city.layers.get("base")
    around = find_around(streets, code)
    if base is not None:
        west, south, east, north = around.total_bounds
        base = base.cx[west:east, south:north]
    return PlanGround(
        streets=around,
        communities=own,
        cells=cells[cells["street_code"] == code],
        base=base,
    )


@contextmanager
def _open_workers(plans: int, forms: Collection[Form]) -> Iterator[ProcessPoolExecutor | None]:
    """Yield processes that write office files, one a processor; None where they would cost more than they bring.

    They are started anew and not forked: typst and numba have threads of their own, which a fork would lose.
    """
    count = min(os.cpu_count() or 1, MOST_WORKERS)
    if count < 2 or plans < FEWEST_SHARED or set(forms) <= PAGE_FORMS:
        yield None
        return
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as workers:
        yield workers


def write_office_form(
    path: Path, plan: Plan, document: OfficeDocument, settings: DocumentSettings
) -> None:
    """Write one office file of a plan; it depends on what is given here alone, so any process may write it.

    Parameters
    ----------
    path
        Its ending says the form: ``docx``, ``pdf`` or ``xlsx``.
    plan, document
        The plan, and what :func:`planner.documents.make_document.make_document` made of it.
    settings
        Template and fonts of the office.

    Raises
    ------
    FontError, TemplateError
        A template or the fonts cannot be used.
    ValueError
        There is no such form.
    """
    match path.suffix:
        case ".docx":
            fonts = load_fonts(settings.fonts)
            path.write_bytes(make_docx(document, template=settings.template, fonts=fonts))
        case ".pdf":
            path.write_bytes(make_pdf(document, fonts=load_fonts(settings.fonts)))
        case ".xlsx":
            path.write_bytes(make_workbook(plan))
        case other:
            raise ValueError(f"office form {other!r}: expected .docx, .pdf or .xlsx")


def _make_page_form(
    form: Form,
    plan: Plan,
    document: OfficeDocument,
    book: jinja2.Environment,
    facts: Mapping[str, Any],
) -> bytes:
    """Return a plan as JSON or as a page."""
    if form == "json":
        return make_plan_json(plan).encode()
    page = book.get_template("plan.html").render(
        **facts,
        plan=plan,
        body=render_document(document),
        styles=Markup(load_document_styles()),  # noqa: S704 - a file of ours
        root="../../",
    )
    return page.encode()


def copy_assets(assets_dir: Path, target: Path) -> None:
    """Copy the scripts and styles of the pages.

    Raises
    ------
    PlannerError
        One of them is missing.
    """
    missing = [name for name in NEEDED_ASSETS if not (assets_dir / name).is_file()]
    if missing:
        raise PlannerError(
            f"{assets_dir} lacks {', '.join(missing)}: run script/setup, which puts the page assets there"
        )
    for package in sorted({name.split("/")[0] for name in NEEDED_ASSETS}):
        shutil.copytree(assets_dir / package, target / package, dirs_exist_ok=True)
    styles = Path(__file__).parent / "templates" / "pages.css"
    shutil.copyfile(styles, target / "pages.css")


def make_book() -> jinja2.Environment:
    """Return the templates, with the filters that write figures."""
    loader = jinja2.PackageLoader("planner.documents", "templates")
    book = jinja2.Environment(
        loader=loader,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    filters: dict[str, Callable[..., str]] = {
        "n": lambda value: f"{value:,.0f}",
        "n1": lambda value: f"{value:,.1f}",
        "share": lambda value: f"{100 * value:.1f}%",
        "change": lambda value: f"{100 * value:+.1f}%",
        "q": say_q,
        "data": make_script_data,
        "t": say_on_page,
    }
    book.filters |= filters
    book.globals |= {
        "kind_lines": KIND_LINES,
        "certainties": CERTAINTIES,
        "greys": GREYS,
    }
    return book


def say_on_page(text: str, **values: object) -> str:
    """Return a text of a page, which is Chinese in the template, in the language that is spoken.

    Raises
    ------
    KeyError
        The table ``planner/documents/page_text_en.json`` lacks it.
    """
    said = text if get_language().startswith("zh") else load_page_words()[text]
    return said.format(**values) if values else said


@cache
def load_page_words() -> dict[str, str]:
    """Return the English texts of the pages by their Chinese ones."""
    text = resources.files("planner.documents").joinpath("page_text_en.json").read_text("utf-8")
    words: dict[str, str] = json.loads(text)
    return words


def make_script_data(value: object) -> Markup:
    """Return a value as JSON that can stand inside a script element."""
    text = json.dumps(value, ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 - escaped


def describe_hotspots(hotspots: gpd.GeoDataFrame, planned: set[str]) -> gpd.GeoDataFrame:
    """Return hotspots with the texts that maps and tables show."""
    kinds = load_words()["kinds"]
    made = hotspots.copy()
    made["kind_name"] = [kinds[kind]["name"] for kind in made["kind"]]
    made["q_text"] = [say_q(q) for q in made["q"]]
    made["window_text"] = [
        f"{a} – {b}" for a, b in zip(made["window_start"], made["window_end"], strict=True)
    ]
    made["link"] = [
        f"plans/{code}/plan.html" if str(code) in planned else "" for code in made["street_code"]
    ]
    made["label"] = made["hotspot_id"].str.lstrip("H").str.lstrip("0") if len(made) else ""
    return made


def find_around(streets: gpd.GeoDataFrame, street_code: str) -> gpd.GeoDataFrame:
    """Return a street and those near it."""
    own = streets[streets["street_code"] == street_code]
    west, south, east, north = own.total_bounds
    pad = NEIGHBOUR_M / 111_320.0
    return streets.cx[west - pad : east + pad, south - pad : north + pad]


def _make_map_page(
    book: jinja2.Environment,
    result: Planned,
    layers: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame],
    facts: Mapping[str, Any],
) -> str:
    """Return the map of the city beside the table of hotspots."""
    streets, spots = layers
    planned = {str(plan.street["code"]) for plan in result.plans}
    links = [
        f"plans/{code}/plan.html" if code in planned else "" for code in streets["street_code"]
    ]
    shown = streets.assign(count=streets["appeals"].fillna(0).astype(int), link=links)
    return book.get_template("map.html").render(
        **facts,
        **_split_map(make_city_map(shown, spots)),
        rows=_make_rows(spots, facts["city"]),
        limits=make_classes(shown["count"], count=len(GREYS)),
        orders=int(shown["count"].sum()),
        kinds=spots["kind"].value_counts().to_dict(),
        root="",
    )


def _make_index_page(
    book: jinja2.Environment,
    result: Planned,
    spots: gpd.GeoDataFrame,
    facts: Mapping[str, Any],
) -> str:
    """Return the way in."""
    plans = [
        {
            "street": plan.street,
            "orders": next(f["value"] for f in plan.diagnosis["figures"] if f["key"] == "orders"),
            "rank": next(f["value"] for f in plan.diagnosis["figures"] if f["key"] == "rank"),
            "hotspots": len(plan.hotspots),
            "tasks": len(plan.tasks),
            "policies": len(plan.policies),
            "revision": plan.revision,
        }
        for plan in result.plans
    ]
    plans.sort(
        key=lambda plan: (plan["street"]["class"] == "", plan["rank"], plan["street"]["code"])
    )
    period = result.plans[0].period if result.plans else {}
    return book.get_template("index.html").render(
        **facts,
        plans=plans,
        rows=_make_rows(spots, facts["city"])[:20],
        n_hotspots=len(spots),
        kinds=spots["kind"].value_counts().to_dict(),
        governed=int((result.classes["street_class"] != "").sum()),
        period=period,
        root="",
    )


def _make_rows(spots: gpd.GeoDataFrame, city: City) -> list[dict[str, Any]]:
    """Return hotspots as rows of a table."""
    frame = pd.DataFrame(spots.drop(columns="geometry")).replace({np.nan: None})
    frame["street_name"] = [city.names.get(str(code), "") for code in frame["street_code"]]
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _split_map(made: MapParts) -> dict[str, Any]:
    """Return the pieces of a map as safe markup: folium wrote them, and every text in them is escaped."""
    return {
        "map_element": Markup(made.element),  # noqa: S704 - made by folium from escaped values
        "map_script": Markup(made.script),  # noqa: S704 - as above
        "map_name": html.escape(made.name),
    }
