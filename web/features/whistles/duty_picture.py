"""The duty graph as a picture: duties in columns by stage, what waits for what as lines, the critical path marked.

Only the layout is made here, in pixels; the template draws it as SVG whose colours are those of the page.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gridgov.rules.whistles.convene import PlannedDuty
from web.kit.svg_text import wrap_text

BOX_WIDTH, BOX_HEIGHT = 196, 84
GAP_X, GAP_Y = 64, 18
HEAD_HEIGHT = 34
MARGIN = 8
NAME_EM, UNIT_EM = 13.2, 13.4
"""Width of a box's lines in font sizes: 13 px and 12 px inside 196 px with their padding."""
SWEEPS = 4
"""Passes of the barycentre heuristic; more changed nothing on the sample's scenes."""


@dataclass(frozen=True, kw_only=True)
class DutyBox:
    """One duty in the picture.

    Parameters
    ----------
    duty_code, name, days
        Of the duty; `name` in full, for the hint.
    lines
        The name as it is drawn.
    unit_line, units
        Who acts, shortened and in full.
    mark
        What has come of it, a key of the page's words; empty where nothing is known yet.
    critical, joint
        On the critical path; in a circle, so done together.
    x, y
        Upper left corner, pixels.
    """

    duty_code: str
    name: str
    days: float
    lines: tuple[str, ...]
    unit_line: str
    units: str
    mark: str
    critical: bool
    joint: bool
    x: int
    y: int


@dataclass(frozen=True, kw_only=True)
class DutyLink:
    """A line from a duty to one that waits for it; ``path`` is SVG path data."""

    before: str
    after: str
    path: str
    critical: bool


@dataclass(frozen=True, kw_only=True)
class StageHead:
    """The head of a column: number of the stage, and its middle in pixels."""

    number: int
    x: int


@dataclass(frozen=True, kw_only=True)
class DutyPicture:
    """Boxes, lines and heads with the size of the whole in pixels."""

    boxes: tuple[DutyBox, ...]
    links: tuple[DutyLink, ...]
    heads: tuple[StageHead, ...]
    width: int
    height: int


def make_duty_picture(
    duties: Sequence[PlannedDuty],
    *,
    critical: Sequence[str],
    name_of: Callable[[str], str],
    marks: Mapping[str, str] | None = None,
) -> DutyPicture:
    """Return the picture of a whistle call's duties.

    Parameters
    ----------
    duties
        Of the call's plan.
    critical
        The critical path, first duty first; consecutive duties of it are linked in bold.
    name_of
        Name of a unit by its code.
    marks
        What has come of each duty by its code.
    """
    columns = _order_columns(duties)
    tallest = max((len(column) for column in columns), default=0)
    places = _place(columns, tallest)
    known = marks or {}
    boxes = tuple(
        _make_box(duty, places[duty.duty_code], name_of, known.get(duty.duty_code, ""))
        for duty in duties
    )
    return DutyPicture(
        boxes=boxes,
        links=_make_links(duties, places, critical),
        heads=tuple(
            StageHead(number=at + 1, x=MARGIN + at * (BOX_WIDTH + GAP_X) + BOX_WIDTH // 2)
            for at in range(len(columns))
        ),
        width=2 * MARGIN + max(len(columns) * (BOX_WIDTH + GAP_X) - GAP_X, 0),
        height=2 * MARGIN + HEAD_HEIGHT + max(tallest * (BOX_HEIGHT + GAP_Y) - GAP_Y, 0),
    )


def _order_columns(duties: Sequence[PlannedDuty]) -> list[list[str]]:
    """Return duty codes by stage, ordered so that few lines cross.

    Barycentre heuristic: K. Sugiyama, S. Tagawa and M. Toda (1981), Methods for visual understanding of hierarchical
    system structures, IEEE Transactions on Systems, Man and Cybernetics 11(2), 109-125.
    """
    stages = sorted({duty.stage for duty in duties})
    columns = [[d.duty_code for d in duties if d.stage == stage] for stage in stages]
    before = {d.duty_code: d.waits_for for d in duties}
    after: dict[str, list[str]] = {d.duty_code: [] for d in duties}
    for code, waited in before.items():
        for one in waited:
            after.setdefault(one, []).append(code)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        for column in columns if forward else list(reversed(columns)):
            _sort_column(column, columns, before if forward else after)
    return columns


def _sort_column(
    column: list[str], columns: list[list[str]], neighbours: Mapping[str, Sequence[str]]
) -> None:
    """Sort a column by the mean relative height of what its duties are linked to."""
    height = {code: (at + 0.5) / len(other) for other in columns for at, code in enumerate(other)}

    def find_middle(code: str) -> float:
        linked = [height[n] for n in neighbours.get(code, ()) if n in height and n not in column]
        return sum(linked) / len(linked) if linked else height[code]

    column.sort(key=lambda code: (find_middle(code), height[code]))


def _place(columns: list[list[str]], tallest: int) -> dict[str, tuple[int, int]]:
    """Return the corner of each duty's box; shorter columns stand in the middle."""
    step = BOX_HEIGHT + GAP_Y
    return {
        code: (
            MARGIN + at * (BOX_WIDTH + GAP_X),
            MARGIN + HEAD_HEIGHT + row * step + (tallest - len(column)) * step // 2,
        )
        for at, column in enumerate(columns)
        for row, code in enumerate(column)
    }


def _make_box(
    duty: PlannedDuty, place: tuple[int, int], name_of: Callable[[str], str], mark: str
) -> DutyBox:
    units = "、".join(name_of(unit) for unit in duty.holders)
    first = "、".join(name_of(unit) for unit in (duty.leads or duty.helpers))
    shown = wrap_text(first, width_em=UNIT_EM, lines=1)
    return DutyBox(
        duty_code=duty.duty_code,
        name=duty.name,
        days=duty.days,
        lines=wrap_text(duty.name, width_em=NAME_EM, lines=2),
        unit_line=shown[0] if shown else "",
        units=units,
        mark=mark,
        critical=duty.critical,
        joint=duty.joint,
        x=place[0],
        y=place[1],
    )


def _make_links(
    duties: Sequence[PlannedDuty],
    places: Mapping[str, tuple[int, int]],
    critical: Sequence[str],
) -> tuple[DutyLink, ...]:
    steps = set(pairwise(critical))
    found = [
        DutyLink(
            before=before,
            after=duty.duty_code,
            path=_make_path(places[before], places[duty.duty_code]),
            critical=(before, duty.duty_code) in steps,
        )
        for duty in duties
        for before in duty.waits_for
        if before in places
    ]
    return tuple(sorted(found, key=lambda link: link.critical))  # critical ones are drawn on top


def _make_path(start: tuple[int, int], end: tuple[int, int]) -> str:
    """Return a curve from the right side of a box to the left side of another; in one column, along its side."""
    (x1, y1), (x2, y2) = start, end
    middle = BOX_HEIGHT // 2
    if x1 == x2:
        side = x1 + BOX_WIDTH
        bend = side + GAP_X // 3
        return (
            f"M{side},{y1 + middle} C{bend},{y1 + middle} {bend},{y2 + middle} {side},{y2 + middle}"
        )
    left, right = x1 + BOX_WIDTH, x2
    bend = max((right - left) // 2, GAP_X // 2)
    return (
        f"M{left},{y1 + middle} C{left + bend},{y1 + middle} "
        f"{right - bend},{y2 + middle} {right},{y2 + middle}"
    )
