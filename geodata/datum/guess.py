"""Which datum fits: points or areas read in each candidate datum against a trusted outline.

A wrong datum moves a city by 300–700 m. Against an outline that is known to be right, points then
fall outside along one side, and areas overlap less with the districts they make up.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt
import shapely

from geodata.datum.conversion import Datum, FloatArray, convert, convert_geometry, parse_datum

CANDIDATES = (Datum.WGS84, Datum.GCJ02, Datum.BD09)  # CGCS2000 is WGS84 at map accuracy

MOST_POINTS = 20_000
"""Points that are tested, evenly taken: enough to see a share of 0.1 %."""

_LEAST_GAIN = 0.005  # share by which another datum must fit better before anybody is told
_SIGMAS = 3.0  # of the difference of the points that only one of two datums puts inside (sign test)
_MATCH_SHARE = (
    0.5  # a trusted outline of which this share is covered is one that the layer makes up
)


@dataclass(frozen=True, kw_only=True)
class DatumGuess:
    """How well each datum fits.

    Attributes
    ----------
    measure
        ``points`` (share of points inside the outline) or ``areas`` (overlap over union with the
        trusted districts that the layer covers).
    shares
        Candidate datum → share, 0–1.
    swapped_share
        Share of points inside if latitude and longitude were exchanged (0 for areas).
    count
        Points or areas judged.
    noise
        Datum → difference of shares below which it cannot be told from the best one.
    """

    measure: str
    shares: dict[Datum, float]
    swapped_share: float
    count: int
    noise: dict[Datum, float]

    @property
    def best(self) -> Datum:
        """Datum with the largest share; WGS84 among equals."""
        return max(CANDIDATES, key=lambda datum: self.shares[datum])

    def fits(self, declared: Datum | str) -> bool:
        """Tell whether no other reading fits clearly better than the declared datum.

        Raises
        ------
        GeodataError
            If the datum is not known.
        """
        return not self.explain(declared)

    def explain(self, declared: Datum | str) -> str:
        """Return what is wrong with the declared datum and what would fit, empty if nothing is.

        Raises
        ------
        GeodataError
            If the datum is not known.
        """
        named = parse_datum(declared)
        read_as = Datum.WGS84 if named is Datum.CGCS2000 else named
        share, noise = self.shares[read_as], self.noise[read_as]
        best, most = self.best, self.shares[self.best]
        if self.swapped_share > max(most, share) + noise:
            return (
                f"read as {named}, {share:.1%} of the points lie in the city; with latitude and "
                f"longitude exchanged {self.swapped_share:.1%} would"
            )
        what = "of the points lie in the city" if self.measure == "points" else "fits the districts"
        if most > share + noise:
            return f"read as {named}, {share:.1%} {what}; read as {best}, {most:.1%} would"
        if self.count and most < _MATCH_SHARE and self.measure == "points":
            return f"read as {named}, {share:.1%} {what}; no known datum fits better"
        return ""


def guess_datum(lon: npt.ArrayLike, lat: npt.ArrayLike, outline: shapely.Geometry) -> DatumGuess:
    """Compare how many points lie in a trusted outline if read in each datum.

    Parameters
    ----------
    lon, lat
        Degrees as they stand in the file, shape (n,); NaN is ignored.
    outline
        Polygon of the city in WGS84.
    """
    x, y = _take_some(lon, lat)
    inside = {datum: _find_inside(x, y, datum, outline) for datum in CANDIDATES}
    shares = {datum: float(found.mean()) if found.size else 0.0 for datum, found in inside.items()}
    swapped = _find_inside(y, x, Datum.WGS84, outline)
    best = max(CANDIDATES, key=lambda datum: shares[datum])
    # Only points that one datum puts inside and the other outside tell the two apart.
    apart = {datum: int((inside[best] != inside[datum]).sum()) for datum in CANDIDATES}
    noise = {d: max(_LEAST_GAIN, _SIGMAS * sqrt(n) / max(x.size, 1)) for d, n in apart.items()}
    return DatumGuess(
        measure="points",
        shares=shares,
        swapped_share=float(swapped.mean()) if swapped.size else 0.0,
        count=int(x.size),
        noise=noise,
    )


def guess_layer_datum(areas: npt.ArrayLike, districts: npt.ArrayLike) -> DatumGuess:
    """Compare how well areas fill the trusted districts that they cover if read in each datum.

    Parameters
    ----------
    areas
        Polygons in degrees as they stand in the file, shape (n,).
    districts
        Trusted polygons in WGS84, shape (m,); those that the areas do not cover are ignored, so a layer
        of one district can be judged against all of a city.
    """
    geometry = _make_valid(areas)
    trusted = _make_valid(districts)
    union = np.array([shapely.union_all(geometry)], dtype=object)
    shares: dict[Datum, float] = {}
    for datum in CANDIDATES:
        moved = convert_geometry(union, source=datum, target=Datum.WGS84)[0]
        shares[datum] = _measure_fit(shapely.make_valid(moved), trusted)
    return DatumGuess(
        measure="areas",
        shares=shares,
        swapped_share=0.0,
        count=len(geometry),
        noise=dict.fromkeys(CANDIDATES, _LEAST_GAIN),
    )


def _take_some(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if x.size > MOST_POINTS:
        at = np.linspace(0, x.size - 1, MOST_POINTS).astype(np.int64)
        x, y = x[at], y[at]
    return x, y


def _find_inside(
    x: FloatArray, y: FloatArray, datum: Datum, outline: shapely.Geometry
) -> npt.NDArray[np.bool_]:
    shapely.prepare(outline)
    inside: npt.NDArray[np.bool_] = shapely.intersects_xy(
        outline, *convert(x, y, source=datum, target=Datum.WGS84)
    )
    return inside


def _make_valid(geometry: npt.ArrayLike) -> npt.NDArray[np.object_]:
    given = np.asarray(geometry, dtype=object)
    given = given[~shapely.is_missing(given)]
    valid: npt.NDArray[np.object_] = np.asarray(shapely.make_valid(given), dtype=object)
    return valid


def _measure_fit(union: shapely.Geometry, trusted: npt.NDArray[np.object_]) -> float:
    """Return overlap over union of the areas with the trusted outlines that they cover."""
    shared = shapely.area(shapely.intersection(trusted, union))
    covered = shared > _MATCH_SHARE * shapely.area(trusted)
    if not covered.any():  # part of one district: how much of it lies in any
        inside = shapely.area(shapely.intersection(shapely.union_all(trusted), union))
        return float(inside / max(shapely.area(union), 1e-30))
    reference = shapely.union_all(trusted[covered])
    return float(
        shapely.area(shapely.intersection(reference, union))
        / shapely.area(shapely.union(reference, union))
    )
