"""Candidates for monthly topics from a city's orders, for the city and for each district."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from gridgov.pack.city import City
from gridgov.rules.appeal_kinds import find_problem_rows
from gridgov.rules.catalogue import LEAD_DISTRICT, LEAD_STREET, Catalogue, find_catalogue
from gridgov.rules.duties import DutyGraph, make_duty_graph
from planner.plans.items import make_item_levels
from planner.topics import ItemFacts, find_topics

CITY = ""
"""The scope that is no district."""


@dataclass(frozen=True, kw_only=True)
class ScopeTopics:
    """Candidates of one scope.

    Parameters
    ----------
    scope_code
        A district, or :data:`CITY`.
    topics
        ``planner.topics.candidates.TOPIC_COLUMNS`` and ``name theme_code theme_name``, best first.
    """

    scope_code: str
    topics: pd.DataFrame


def make_city_topics(
    city: City,
    orders: pd.DataFrame,
    *,
    as_of: datetime,
    districts: Iterable[str] | None = None,
    bounces: pd.Series | None = None,
) -> list[ScopeTopics]:
    """Return the candidates of the city, then of its districts.

    Parameters
    ----------
    city
        The pack.
    orders
        ``gridgov.frames.ORDER_COLUMNS``.
    as_of
        Aware; the twelve months before it are scored.
    districts
        Codes; None: all that have orders.
    bounces
        Times an order was passed on, by order number, where known.
    """
    constants = city.settings.constants
    catalogue = find_catalogue(city.catalogue, orders["item_code"].unique(), constants=constants)
    graph = make_duty_graph_of(city, as_of)
    facts = make_item_facts(catalogue, graph)
    rows = orders[find_problem_rows(orders["kind"], city.tables.get("kinds"))]
    moment = pd.Timestamp(as_of).tz_convert(city.settings.timezone)
    wanted = (
        sorted(rows["district_code"].dropna().unique()) if districts is None else list(districts)
    )
    found = []
    for scope in (CITY, *wanted):
        inside = rows if scope == CITY else rows[rows["district_code"] == scope]
        topics = find_topics(inside, facts, as_of=moment, bounces=bounces)
        codes = topics["topic_code"].astype("str")
        themes = catalogue.find_top(codes)
        found.append(
            ScopeTopics(
                scope_code=str(scope),
                topics=topics.assign(
                    name=codes.map(catalogue.names).fillna(codes),
                    theme_code=themes.fillna(""),
                    theme_name=themes.map(catalogue.names).fillna(""),
                ),
            )
        )
    return found


def make_duty_graph_of(city: City, as_of: datetime) -> DutyGraph | None:
    """Return the duty graph of a day, None for a city without units or duties."""
    duties = city.tables.get("duties")
    if city.catalogue is None or duties is None or duties.empty:
        return None
    return make_duty_graph(
        city.units,
        city.catalogue.items,
        duties,
        dependencies=city.tables.get("dependencies", pd.DataFrame()),
        on_date=as_of.astimezone(city.settings.timezone).date(),
    )


def make_item_facts(catalogue: Catalogue, graph: DutyGraph | None) -> ItemFacts:
    """Return what catalogue and duty list say of every item.

    A topic is a level-2 problem: level 1 is a whole field of work, level 3 a single kind of call. A lead is a unit of
    the city; the street and the district of the place cannot lead for all.
    """
    items = catalogue.items.drop_duplicates("item_code", keep="last").set_index("item_code")
    codes = pd.Series(items.index, index=items.index, dtype=object)
    topics = make_item_levels(catalogue).find(codes, 2)
    leads = items["lead"].where(~items["lead"].isin([LEAD_STREET, LEAD_DISTRICT]), "")
    units = pd.Series(0, index=items.index)
    if graph is not None:
        holders = {
            code: len({unit for duty in scene.duties for unit in graph.duties[duty].holders})
            for code, scene in graph.scenes.items()
        }
        units = items["scene_code"].map(holders).fillna(0).astype(int)
    return ItemFacts(topics=topics, leads=leads, units=units)
