"""Evidence for a dispute about territory: a point, and in which street it lies by the boundaries in force."""

from gridgov.jobs.placing import find_point, judge_place
from gridgov.rules.orders.disputes import Evidence
from gridgov.services.city_runtime import CityRuntime
from gridgov.services.intake.checks import IntakeError, check_point


def make_evidence(runtime: CityRuntime, lon: float, lat: float, *, source: str) -> Evidence:
    """Return the evidence that a corrected point gives.

    Parameters
    ----------
    runtime
        The city.
    lon, lat
        Where the thing really is, degrees EPSG:4326.
    source
        Who gave the point and how.

    Raises
    ------
    IntakeError
        The point lies outside the city or is none.
    """
    problems = check_point(lon, lat, runtime)
    if problems:
        raise IntakeError(tuple(problems))
    place = find_point(lon, lat, runtime.constants)
    judged = judge_place(place, lambda: runtime.territory, runtime.constants)
    return Evidence(
        lon=lon,
        lat=lat,
        street_code=judged["street_code"] or "",
        confidence=judged["confidence"] or 0.0,
        boundary_version=runtime.boundary_version,
        source=source,
    )
