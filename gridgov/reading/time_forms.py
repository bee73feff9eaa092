"""Which ``time_format`` fits a column of times that cannot be read without one."""

from itertools import product

import pandas as pd

from gridgov.reading.times import parse_form

MOST_TRIED = 200
"""Values that are tried: a column has one form, or a few."""

_DAYS = (
    *(
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%d-%m-%Y",
        "%m-%d-%Y",
        "%d.%m.%Y",
        "%m.%d.%Y",
        "%Y/%d/%m",
        "%Y-%m-%d",
        "%Y/%m/%d",
    ),
    *("%d/%m/%y", "%m/%d/%y", "%y/%m/%d", "%y-%m-%d", "%d.%m.%y", "%d-%m-%y", "%Y%m%d", "%y%m%d"),
    *(
        "%d %b %Y",
        "%d %B %Y",
        "%b %d %Y",
        "%B %d %Y",
        "%b %d, %Y",
        "%B %d, %Y",
        "%d-%b-%Y",
        "%d-%b-%y",
    ),
    *("%m月%d日%Y年", "%y年%m月%d日"),
)
_CLOCKS = (
    *("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %H.%M", "T%H:%M:%S", " %H"),
    *(" %H:%M:%S.%f", " %I:%M:%S.%f %p", ", %H:%M", ", %H:%M:%S", ", %I:%M %p"),
)
_WHOLE = (
    "%Y%m%d%H",
    "%a %b %d %H:%M:%S %Y",
    "%a, %d %b %Y %H:%M:%S",
    "%H:%M %d/%m/%Y",
    "%H:%M:%S %d/%m/%Y",
)
FORMS = (*(day + clock for day, clock in product(_DAYS, _CLOCKS)), *_WHOLE)
"""Forms that exports use and that nobody can tell apart for certain: ``05/06`` is a day of May or of June."""

EXAMPLE = "such as 2024-01-31 08:30:00"


def find_forms(texts: pd.Series) -> list[str]:
    """Return the forms of :data:`FORMS` that read most of the first distinct values, none if none reads any."""
    tried = texts.dropna().drop_duplicates().head(MOST_TRIED)
    if tried.empty:
        return []
    counts = {form: int(parse_form(tried, form).notna().sum()) for form in FORMS}
    best = max(counts.values())
    if not best:
        return []
    return [form for form, count in counts.items() if count == best]


def suggest_form(texts: pd.Series, own: tuple[str, ...] = ()) -> str:
    """Return what is expected of a time, with the line of ``city.toml`` that would read `texts`.

    Parameters
    ----------
    texts
        Values that are no time so far.
    own
        Forms that the pack names already: the line keeps them.
    """
    given = texts.dropna().astype("str")
    if len(given) and given.str.fullmatch(r"1\d{9}(?:\d{3})?").all():
        return (
            f"{EXAMPLE}; these look like seconds or milliseconds since 1970: export them as dates"
        )
    forms = find_forms(texts)
    if not forms:
        return f'{EXAMPLE}; or say it in city.toml: [appeals] time_format = "…"'
    line = _write_line(own, forms[0])
    other = next((form for form in forms[1:] if _order(form) != _order(forms[0])), None)
    if other is None:
        return f"{EXAMPLE}; or say it in city.toml: {line}"
    return (
        f"{EXAMPLE}; or say it in city.toml: {line} or {_write_line(own, other)}: "
        "the values fit both, only the city knows which comes first"
    )


def _write_line(own: tuple[str, ...], form: str) -> str:
    listed = ", ".join(f'"{one}"' for one in (*own, form))
    return f"[appeals] time_format = {f'[{listed}]' if own else listed}"


def _order(form: str) -> str:
    """Return the order of year, month and day in a form."""
    letters = {"Y": "Y", "y": "Y", "m": "M", "b": "M", "B": "M", "d": "D"}
    return "".join(letters.get(part[:1], "") for part in form.split("%")[1:])
