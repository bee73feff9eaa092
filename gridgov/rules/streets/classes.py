"""Classes of streets: which are under governance and get a plan of their own (DOMAIN.md §5).

Since May 2019 there are four classes: advanced, improving, rectification and governance. Only the rule of the last is
public: the streets with most appeals, and those with more residents than a limit. The rules of the other three, and
for leaving a class, are not; a street that no rule names has no class here.
"""

import pandas as pd

from gridgov.rules.constants import Constants

GOVERNANCE = "governance"
CLASS_COLUMNS = ("street_code", "appeals", "rank", "population", "street_class", "reason")
"""One row per street, most appeals first: ``appeals`` in the window · ``rank`` 1 is most, ties share it ·
``population`` residents or missing · ``street_class`` :data:`GOVERNANCE` or empty · ``reason`` readable, with the
figures."""


def make_street_classes(
    appeals: pd.Series, *, population: pd.Series | None = None, constants: Constants
) -> pd.DataFrame:
    """Return the class of every street.

    Parameters
    ----------
    appeals
        Number of appeals on the index of street codes; streets without any are 0, not absent.
    population
        Residents by street code; None where the city does not say: then that rule names nobody.
    constants
        ``streets.governance_top_n`` and ``streets.governance_population_min``.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`CLASS_COLUMNS`.
    """
    top_n = int(constants.number("streets.governance_top_n"))
    most = int(constants.number("streets.governance_population_min"))
    frame = pd.DataFrame(
        {"street_code": appeals.index.astype("str"), "appeals": appeals.to_numpy()}
    )
    frame["rank"] = frame["appeals"].rank(method="min", ascending=False).astype("int64")
    known = None if population is None else frame["street_code"].map(population)
    frame["population"] = pd.NA if known is None else known
    frame["population"] = frame["population"].astype("Int64")
    many = (frame["rank"] <= top_n) & (frame["appeals"] > 0)
    large = (frame["population"] > most).fillna(value=False).astype(bool)
    frame["street_class"] = (many | large).map({True: GOVERNANCE, False: ""})
    frame["reason"] = [
        "；".join(
            text
            for text, holds in ((f"诉求量全市第 {rank} 位", top), (f"常住人口超过 {most:,}", big))
            if holds
        )
        for rank, top, big in zip(frame["rank"], many, large, strict=True)
    ]
    frame = frame.sort_values(["rank", "street_code"], ignore_index=True)
    return frame[list(CLASS_COLUMNS)]
