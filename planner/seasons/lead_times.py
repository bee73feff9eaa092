"""How long the cure of an item takes: the critical path of the duties of its scenes."""

from collections.abc import Iterable

import pandas as pd

from gridgov.rules.duties import DutyGraph, make_schedule


def find_lead_days(graph: DutyGraph, levels: pd.Series, items: Iterable[str]) -> dict[str, float]:
    """Return the working days that the longest chain of duties of each item takes.

    Parameters
    ----------
    graph
        The duty list as in force.
    levels
        Item of the count model by item code of the catalogue (such as :func:`planner.counts.daily.find_level2` makes).
    items
        Items of the count model.

    Returns
    -------
        The longest of an item's scenes; items without a scene, or whose duties state no days, are left out.
    """
    by_scene: dict[str, float] = {}
    for code, scene in graph.scenes.items():
        days = {
            duty: graph.duties[duty].known_days for duty in scene.duties if duty in graph.duties
        }
        if any(days.values()):
            by_scene[code] = make_schedule(graph.graph, days, days).total_days
    wanted = set(items)
    longest: dict[str, float] = {}
    for code, item in graph.items.items():
        target = str(levels.get(code, code))
        if target in wanted and item.scene_code in by_scene:
            longest[target] = max(longest.get(target, 0.0), by_scene[item.scene_code])
    return longest
