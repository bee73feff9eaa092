"""Pictures of a document as SVG: bars, lines and shares; the same plan gives the same bytes.

A picture must read the same on a page, in Word and on paper: it has its legend inside, black text, and no colour alone
carries a meaning.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import floor, log10
from unicodedata import east_asian_width
from xml.sax.saxutils import escape, quoteattr

from planner.documents.content import Drawing

FONT = "Noto Sans CJK SC, SimHei, PingFang SC, Microsoft YaHei, sans-serif"
INK, QUIET, HUE, PALE, GRID = "#1f2933", "#5b6774", "#0b7285", "#b8c4ce", "#e3e7eb"
WIDTH = 620.0
"""Of every picture: the text area of an A4 page at 96 dots an inch, rounded up."""


def make_text(
    x: float,
    y: float,
    words: str,
    *,
    size: float = 11,
    anchor: str = "start",
    fill: str = INK,
    extra: str = "",
) -> str:
    """Return a text element; ``extra`` is further attributes."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}" fill="{fill}"{extra}>'
        f"{escape(words)}</text>"
    )


def make_drawing(parts: Iterable[str], *, width: float, height: float, label: str) -> Drawing:
    """Return the picture of its parts; `label` is read aloud."""
    body = "".join(parts)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" font-family={quoteattr(FONT)} role="img" '
        f"aria-label={quoteattr(label)}>"
        f'<rect width="{width:g}" height="{height:g}" fill="#fff"/>{body}</svg>'
    )
    return Drawing(svg=svg, width=width, height=height)


def measure_text(words: str, *, size: float) -> float:
    """Return the width of a text in pixels: wide characters are square, others six tenths of it."""
    return size * sum(1.0 if east_asian_width(one) in "WF" else 0.6 for one in words)


def cut_text(words: str, *, size: float, width: float) -> str:
    """Return the text, its end replaced by an ellipsis where it would be wider than `width`."""
    if measure_text(words, size=size) <= width:
        return words
    kept = words
    while kept and measure_text(kept + "…", size=size) > width:
        kept = kept[:-1]
    return kept + "…"


def find_ticks(most: float, *, count: int = 4) -> list[float]:
    """Return round values from 0 to at least `most`, about `count` steps.

    Examples
    --------
    >>> find_ticks(87)
    [0.0, 25.0, 50.0, 75.0, 100.0]
    """
    if most <= 0:
        return [0.0, 1.0]
    power = 10.0 ** floor(log10(most / count))
    step = next(
        power * one for one in (1, 2, 2.5, 5, 10) if power * one * count >= most * (1 - 1e-9)
    )
    ticks = [0.0]
    while ticks[-1] < most * (1 - 1e-9):
        ticks.append(round(ticks[-1] + step, 10))
    return ticks


def draw_bars(
    names: Sequence[str],
    values: Sequence[float],
    *,
    label: str,
    unit: str,
    legend: Sequence[str],
    line: Sequence[float] | None = None,
    marks: Mapping[int, str] | None = None,
    height: float = 210.0,
) -> Drawing:
    """Return upright bars, with a dashed line of what is usual.

    Parameters
    ----------
    names
        Of the bars; as many are written as there is room for.
    values
        Heights.
    label
        What the picture shows, in words.
    unit
        Of the values.
    legend
        Name of the bars, and of the line where there is one.
    line
        Heights of the line.
    marks
        Position → word above a bar.
    """
    left, right, top, bottom = 46.0, 8.0, 26.0, 22.0
    wide, high = WIDTH - left - right, height - top - bottom
    ticks = find_ticks(max([*values, *(line or []), 0]))
    scale = high / ticks[-1]
    parts = []
    for tick in ticks:
        y = top + high - tick * scale
        parts.append(f'<path d="M{left:.1f},{y:.1f}h{wide:.1f}" stroke="{GRID}" fill="none"/>')
        parts.append(make_text(left - 5, y + 4, f"{tick:,g}", size=10, anchor="end", fill=QUIET))
    parts.append(make_text(left - 5, 12, unit, size=10, anchor="end", fill=QUIET))
    step = wide / max(len(names), 1)
    every = max(
        1,
        -(
            -int(max([measure_text(name, size=10) for name in names] or [0]) + 8)
            // max(int(step), 1)
        ),
    )
    for at, (name, value) in enumerate(zip(names, values, strict=True)):
        x = left + at * step
        tall = value * scale
        parts.append(
            f'<rect x="{x + step * 0.14:.1f}" y="{top + high - tall:.1f}" width="{step * 0.72:.1f}" '
            f'height="{tall:.1f}" fill="{HUE}"><title>{escape(name)}: {value:,g} {escape(unit)}</title></rect>'
        )
        if at % every == 0:
            parts.append(
                make_text(x + step / 2, height - 6, name, size=10, anchor="middle", fill=QUIET)
            )
        if marks and at in marks:
            parts.append(
                make_text(x + step / 2, top + high - tall - 4, marks[at], size=10, anchor="middle")
            )
    if line:
        points = " ".join(
            f"{left + (at + 0.5) * step:.1f},{top + high - value * scale:.1f}"
            for at, value in enumerate(line)
        )
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{INK}" stroke-width="1.5" stroke-dasharray="5 3"/>'
        )
    parts += _draw_legend(legend, has_line=line is not None)
    return make_drawing(parts, width=WIDTH, height=height, label=label)


def _draw_legend(legend: Sequence[str], *, has_line: bool) -> list[str]:
    """Return the key at the top right: a square for bars, dashes for the line."""
    parts, x = [], WIDTH - 8.0
    for at in reversed(range(len(legend))):
        x -= measure_text(legend[at], size=11)
        parts.append(make_text(x, 13, legend[at]))
        x -= 24
        if at == 1 and has_line:
            parts.append(
                f'<path d="M{x:.1f},9h18" stroke="{INK}" stroke-width="1.5" stroke-dasharray="5 3" fill="none"/>'
            )
        else:
            fill = HUE if at == 0 else PALE
            parts.append(f'<rect x="{x + 6:.1f}" y="4" width="12" height="9" fill="{fill}"/>')
        x -= 14
    return parts


def draw_shares(
    rows: Sequence[tuple[str, float, float]], *, label: str, legend: Sequence[str]
) -> Drawing:
    """Return pairs of lying bars: the share (0-1) here and elsewhere of each name."""
    left, right, top, each = 150.0, 52.0, 26.0, 32.0
    height = top + each * len(rows) + 8
    ticks = find_ticks(100 * max([max(here, there) for _, here, there in rows] or [0.0]))
    scale = (WIDTH - left - right) / ticks[-1]
    parts = [
        f'<path d="M{left + tick * scale:.1f},{top - 2:.1f}V{height - 8:.1f}" stroke="{GRID}" fill="none"/>'
        for tick in ticks
    ]
    for at, (name, here, there) in enumerate(rows):
        y = top + at * each + 3
        words = cut_text(name, size=11, width=left - 12)
        full = "" if words == name else f"<title>{escape(name)}</title>"
        parts.append(
            f'<text x="{left - 8:.1f}" y="{y + 16:.1f}" font-size="11" text-anchor="end" fill="{INK}">'
            f"{full}{escape(words)}</text>"
        )
        for shift, share, fill in ((0.0, here, HUE), (12.5, there, PALE)):
            wide = 100 * share * scale
            parts.append(
                f'<rect x="{left:.1f}" y="{y + shift:.1f}" width="{wide:.1f}" height="11" fill="{fill}"/>'
            )
            parts.append(
                make_text(
                    left + wide + 4, y + shift + 9.5, f"{100 * share:.1f}%", size=9.5, fill=QUIET
                )
            )
    parts += _draw_legend(legend, has_line=False)
    return make_drawing(parts, width=WIDTH, height=height, label=label)
