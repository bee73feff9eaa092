"""Assumptions of plans stand in one table, are read from it, and each can be changed by a pack."""

import re
from pathlib import Path

import pytest

from gridgov.rules.constants import DEFAULTS, Constant, find_fault, make_constants
from gridgov.rules.planning_constants import PLANNING

ROOT = Path(__file__).parents[3]
NAMES = [name for name, *_ in PLANNING]


def read_sources():
    files = [*(ROOT / "planner").rglob("*.py"), *(ROOT / "gridgov").rglob("*.py")]
    return {path: path.read_text("utf-8") for path in files}


def test_every_constant_is_read_somewhere():
    text = "\n".join(
        source for path, source in read_sources().items() if path.name != "planning_constants.py"
    )
    # some names are put together of a stem and a part: planning.policy_{name}_min
    stems = re.findall(r'f"(?:planning\.)?(\w*)\{\w+\}(\w*)"', text)
    unread = [
        name
        for name in (one.removeprefix("planning.") for one in NAMES)
        if f'"{name}"' not in text
        and f'"planning.{name}"' not in text
        and not any(
            (start or end) and name.startswith(start) and name.endswith(end) for start, end in stems
        )
    ]
    assert unread == []


def test_no_assumption_of_plans_stands_beside_the_table():
    found = [
        f"{path.name}: {line.strip()}"
        for path, source in read_sources().items()
        if path.parent.name == "plans" and path.parent.parent.name == "planner"
        for line in source.splitlines()
        if re.search(r"\bassumed\.\"\"\"$", line, re.IGNORECASE)
    ]
    assert found == []


@pytest.mark.parametrize("name", NAMES)
def test_a_pack_can_change_each_and_is_held_to_its_limits(name):
    default = DEFAULTS[name]
    assert default.status == "assumed"
    assert default.source
    changed = make_constants(
        [Constant(name=name, value=default.low, status="practice", source="pack")]
    )
    assert changed.number(name) == default.low
    assert changed.get(name).status == "practice"
    assert find_fault(name, default.low - 1)
    assert not find_fault(name, default.value)
