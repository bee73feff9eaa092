"""What is planted on the scale of the background: so many times what is usual at a place, in an area, for a while.

Beside the hotspots of :mod:`gridgov.sample.truth.planted`, which nobody can overlook, these are what a statistic is
judged by: moderate excesses with a known factor, clusters that are no problem to govern, measures with a known effect.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from gridgov.sample.land.slots import M_PER_DEG, SlotKind
from gridgov.sample.truth.background import PROBLEM_KINDS, Background
from gridgov.sample.truth.items import Items
from gridgov.sample.truth.planted import BASE_APPEALS, GROWTH
from gridgov.sample.truth.seasons import N_DAYS

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

TWO_YEARS, RECENT = 730, 90
FACTORS = (2.0, 3.0, 5.0, 10.0)
WANTED_PERSONS = {TWO_YEARS: 34, RECENT: 18}
"""Persons that a place with an excess should have, where the city is large enough: it is chosen so."""
RADII_M = (150.0, 250.0, 400.0, 600.0, 900.0)
TRIES = 100
WANTED_IN_AREA, AREA_TRIES = 36, 300
"""Appeals that an area should have beyond the usual ones, where the city is large enough, and places tried for that."""
LEAST_STREET, LEAST_COMMUNITY = 0.5, 0.9
"""Quantiles of size below which a street or community gets nothing: nobody can see a tripled rarity there."""
LEAST_SHARE = 0.2
"""Of the mean share; in a dense cut it keeps what is planted inside the district."""
RETURNING_SHARE = 0.1
MAIN_ITEM_SHARE = 0.6
"""Of an excess of a level-2 item that is about its main level-3 item; the others as usual there."""

LARGEST_SHARE = 0.999
PLACE_FACTOR, AREA_FACTOR, COMMUNITY_FACTOR = 8.0, 3.0, 6.0
MEASURE_FACTOR, MEASURE_EFFECT, SPILL_SHARE = 4.0, -0.3, 0.5
"""Problems that get a measure, the change of all appeals there, and the share of it that moves next door."""
CLINIC_LEVEL2 = ("2101", "2103")
TYPICAL_CLINIC = ("医院", "卫生", "诊所")
NOT_PROBLEMS = ("praise", "consultation")
"""What is planted and is nothing to govern: many who thank for one thing, many who ask about one thing."""
PRAISE_ITEM = "270702"

COUNTS = {
    "excess": 4,
    "place": 30,
    "street": 20,
    "community": 8,
    "institution": 3,
    "batch": 4,
    "burst": 6,
    "outbreak": 10,
    "growth": 6,
    "falling": 4,
    "season": 6,
    "works": 12,
    "idle": 8,
    "spills": 4,
    "praise": 3,
    "consultation": 4,
}
"""How many of each; of ``excess`` for each factor and window."""


@dataclass(kw_only=True)
class Planting:
    """One thing planted; days are positions in the history, both ends included."""

    what: str
    scale: str
    pattern: str
    start: int
    end: int
    factor: float | None
    expected: float
    centre: int
    radius_m: float
    slots: IntArray
    items: IntArray
    main: int
    street: int
    community: int = -1
    effect: dict[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Plantings:
    """What was planted, and its appeals ``planting slot item day person`` (person: number within the planting)."""

    planted: list[Planting]
    calls: pd.DataFrame


class _Planter:
    """Chooses places apart from each other and fills them."""

    def __init__(
        self,
        background: Background,
        items: Items,
        types: npt.NDArray[np.object_],
        apart_deg: float,
        centres: FloatArray,
        rng: np.random.Generator,
    ) -> None:
        self.background, self.items, self.types, self.rng = background, items, types, rng
        slots = background.slots
        self.apart_deg = apart_deg
        self.taken = [tuple(xy) for xy in centres]
        x = (slots.lon - slots.lon.mean()) * M_PER_DEG * np.cos(np.radians(slots.lat.mean()))
        self.xy = np.column_stack([x, (slots.lat - slots.lat.mean()) * M_PER_DEG])
        self.tree = cKDTree(self.xy)
        self.candidates = np.flatnonzero(
            (slots.kind == SlotKind.PLACE) & (slots.weight > 0) & (background.street >= 0)
        )
        own = slots.weight[self.candidates]
        self.chance = own / own.sum()
        words = items.frame
        self.usual = (words["kind"].isin(PROBLEM_KINDS) & (words["route"] == "")).to_numpy()
        self.steady = self.usual & (words["season"] == "all").to_numpy()
        self.codes, self.code = np.unique(background.level2.astype(str), return_inverse=True)
        # A level-2 item counts as a whole: only those without a season, question or idea among them.
        whole = np.bincount(self.code, ~self.steady) == 0
        taken = np.isin(self.codes, np.array(background.growing + background.topics, dtype=str))
        self.free = whole & ~taken
        self.uses = np.zeros(len(self.codes))
        self.planted: list[Planting] = []
        self.calls: list[pd.DataFrame] = []

    def choose_item(self, street: int, *, frequent: bool) -> tuple[IntArray, int]:
        """Return the level-3 items of a level-2 item that is usual in a street all year round, and the main one."""
        mix = self.background.mix[street]
        share = np.where(self.free, np.bincount(self.code, mix), 0.0)
        best = np.argsort(-share, kind="stable")[: 12 if frequent else 30]
        # one item's excesses would otherwise become what is usual of it
        chance = share[best] / (1.0 + self.uses[best] / 2.0)
        code = self.rng.choice(best, p=chance / chance.sum())
        chosen = np.flatnonzero(self.code == code)
        return chosen, int(chosen[np.argmax(mix[chosen])])

    def is_free(self, slot: int) -> bool:
        """Return whether no planted thing is near."""
        slots, taken = self.background.slots, np.array(self.taken).reshape(-1, 2)
        away = np.hypot(taken[:, 0] - slots.lon[slot], taken[:, 1] - slots.lat[slot])
        return bool((away > self.apart_deg).all())

    def near(self, slot: int, radius_m: float) -> IntArray:
        """Return the slots of a circle that lie in the city."""
        found = np.array(self.tree.query_ball_point(self.xy[slot], radius_m), dtype=np.int64)
        return np.sort(found[self.background.street[found] >= 0])

    def find_place(
        self, factor: float, start: int, end: int, *, wanted: float
    ) -> tuple[int, float, IntArray, IntArray, int, float]:
        """Return a place where `factor` makes about `wanted` persons.

        Returns
        -------
            Centre, radius in metres, slots, items, main item, expected appeals.
        """
        best: tuple[float, float, tuple[int, float, IntArray, IntArray, int, float]] | None = None
        background = self.background
        tried = 0
        while tried < TRIES or best is None:
            tried += 1
            centre = int(self.rng.choice(self.candidates, p=self.chance))
            if not self.is_free(centre) and tried < 20 * TRIES:
                continue
            items, main = self.choose_item(int(background.street[centre]), frequent=True)
            for radius in RADII_M:
                slots = self.near(centre, radius)
                expected = background.expect(slots, items, start, end)
                if factor * expected >= wanted or radius == RADII_M[-1]:
                    lacking = max(0.0, wanted - factor * expected)
                    option = (centre, radius, slots, items, main, expected)
                    if best is None or (lacking, radius) < best[:2]:
                        best = (lacking, radius, option)
                    break
        return best[2]

    def add(
        self,
        planting: Planting,
        day: IntArray,
        *,
        person: IntArray | None = None,
        stay: float = 0.0,
    ) -> None:
        """Plant calls on the days given, where and about what is usual there; `stay` share at the centre itself."""
        background, rng, n = self.background, self.rng, len(day)
        slots = background.slots
        if planting.scale != "place":
            self.uses[np.unique(self.code[planting.items])] += 1
        self.taken.append((float(slots.lon[planting.centre]), float(slots.lat[planting.centre])))
        weight = slots.weight[planting.slots]
        weight = weight if weight.sum() > 0 else np.ones(len(weight))
        slot = rng.choice(planting.slots, n, p=weight / weight.sum())
        slot = np.where(rng.random(n) < stay, planting.centre, slot)
        mix = background.mix[planting.street, planting.items]
        item = rng.choice(planting.items, n, p=mix / mix.sum())
        if planting.main >= 0:
            item = np.where(rng.random(n) < MAIN_ITEM_SHARE, planting.main, item)
        order = np.argsort(day, kind="stable")
        source = np.arange(n)
        again = (rng.random(n) < RETURNING_SHARE) & (source > 0)
        source[again] = (rng.random(int(again.sum())) * source[again]).astype(np.int64)
        frame = pd.DataFrame(
            {
                "planting": len(self.planted),
                "slot": slot[source],
                "item": item[source],
                "day": day[order],
                "person": source if person is None else person,
            }
        )
        self.planted.append(planting)
        self.calls.append(frame)

    def draw_days(self, planting: Planting, n: int, shape: FloatArray | None = None) -> IntArray:
        """Return `n` days of the window as the item usually runs, times `shape` (one weight per day of the window)."""
        background = self.background
        season = background.season[planting.main if planting.main >= 0 else planting.items[0]]
        weight = background.curves[season] * background.trend[planting.street]
        weight = weight[planting.start : planting.end + 1]
        if shape is not None:
            weight = weight * shape
        return planting.start + self.rng.choice(len(weight), n, p=weight / weight.sum())

    def make(self, what: str, pattern: str, start: int, end: int, **facts: Any) -> Planting:
        """Return a planting at one place."""
        centre = int(facts["centre"])
        background = self.background
        return Planting(
            what=what,
            pattern=pattern,
            start=start,
            end=end,
            street=int(background.street[centre]),
            community=int(background.slots.community[centre]),
            **facts,
        )


def make_plantings(
    background: Background,
    items: Items,
    types: npt.NDArray[np.object_],
    *,
    apart_deg: float,
    centres: FloatArray,
    share: float,
    rng: np.random.Generator,
) -> Plantings:
    """Return everything planted on the scale of the background.

    Parameters
    ----------
    background
        What is usual.
    items
        The catalogue.
    types
        Type of each named place (小区, 医院 …), on the rows of the places.
    apart_deg
        Least distance between two planted things, degrees.
    centres
        ``lon, lat`` of what is planted already.
    share
        Of the usual numbers of :data:`COUNTS`.
    rng
        Source of randomness.
    """
    planter = _Planter(background, items, types, apart_deg, centres, rng)
    count = {name: max(1, round(number * share)) for name, number in COUNTS.items()}
    size = ((background.n / BASE_APPEALS) ** GROWTH) if background.n else 1.0
    for window in (TWO_YEARS, RECENT):
        for factor in FACTORS:
            for _ in range(count["excess"]):
                _plant_excess(planter, factor, window)
    for number, plant in (
        (count["place"], _plant_compound),
        (count["street"], _plant_street),
        (count["community"], _plant_community),
    ):
        used: set[int] = set()
        for _ in range(number):
            plant(planter, used)
    for number, plant_sized in (
        (count["institution"], _plant_institution),
        (count["batch"], _plant_batch),
        (count["burst"], _plant_burst),
        (count["outbreak"], _plant_outbreak),
        (count["growth"], _plant_growth),
        (count["falling"], _plant_falling),
        (count["season"], _plant_season),
    ):
        for _ in range(number):
            plant_sized(planter, size)
    for kind in ("works", "idle", "spills"):
        for _ in range(count[kind]):
            _plant_measure(planter, kind)
    for number, plant_sized in (
        (count["praise"], _plant_praise),
        (count["consultation"], _plant_consultation),
    ):
        for _ in range(number):
            plant_sized(planter, size)
    return Plantings(planted=planter.planted, calls=pd.concat(planter.calls, ignore_index=True))


def _plant_excess(planter: _Planter, factor: float, window: int) -> None:
    start, end = N_DAYS - window, N_DAYS - 1
    place = planter.find_place(factor, start, end, wanted=WANTED_PERSONS[window])
    centre, radius, slots, chosen, main, expected = place
    pattern = "steady" if window == TWO_YEARS else "rising"
    planting = planter.make(
        "item",
        pattern,
        start,
        end,
        scale="item",
        factor=factor,
        expected=expected,
        centre=centre,
        radius_m=radius,
        slots=slots,
        items=chosen,
        main=main,
    )
    n = int(planter.rng.poisson((factor - 1) * expected))
    planter.add(planting, planter.draw_days(planting, n))


def _plant_compound(planter: _Planter, used: set[int]) -> None:
    """Plant a compound where everything is high, for two years: of the larger ones, so that it has some to multiply."""
    background = planter.background
    slots = background.slots
    homes = np.flatnonzero(slots.home & (background.street >= 0) & (slots.weight > 0))
    weight = slots.weight[homes]
    # By weight, so that a dense cut has them inside; the very largest ones are the decoys.
    least = max(np.quantile(weight, 0.8), LEAST_SHARE * weight.mean())
    homes = homes[(weight >= least) & (weight <= np.quantile(weight, LARGEST_SHARE))]
    centre = _choose_free(planter, homes)
    start, end = N_DAYS - TWO_YEARS, N_DAYS - 1
    chosen = np.arange(len(background.level2))
    own = np.array([centre])
    expected = background.expect(own, chosen, start, end)
    planting = planter.make(
        "place",
        "steady",
        start,
        end,
        scale="place",
        factor=PLACE_FACTOR,
        expected=expected,
        centre=centre,
        radius_m=float(slots.radius_m[centre]),
        slots=own,
        items=chosen,
        main=-1,
    )
    n = int(planter.rng.poisson((PLACE_FACTOR - 1) * expected))
    planter.add(planting, planter.draw_days(planting, n))
    used.add(centre)


def _plant_area(
    planter: _Planter,
    area: IntArray,
    used: set[int],
    *,
    scale: str,
    factor: float,
    least: float,
) -> None:
    """Plant an excess of an item in a whole area: one of those not `used` that are large enough for it to be seen.

    Parameters
    ----------
    area
        Area of each slot, -1 where there is none, int64 (slots,).
    least
        Quantile of size from which on areas are chosen.
    """
    background = planter.background
    weight = background.slots.weight
    area = np.where((background.street >= 0) & (weight > 0), area, -1)
    share = np.bincount(area[area >= 0], weight[area >= 0])
    share[share < max(np.quantile(share, least), LEAST_SHARE * share.mean())] = 0
    share[list(used)] = 0
    if not share.sum():
        return
    start, end = N_DAYS - TWO_YEARS, N_DAYS - 1
    options: list[Planting] = []
    for _ in range(AREA_TRIES):
        own = int(planter.rng.choice(len(share), p=share / share.sum()))
        slots = np.flatnonzero(area == own)
        street = int(background.street[slots[0]])
        items, _ = planter.choose_item(street, frequent=True)
        option = Planting(
            what="area",
            scale=scale,
            pattern="steady",
            start=start,
            end=end,
            factor=factor,
            expected=background.expect(slots, items, start, end),
            centre=int(slots[np.argmax(weight[slots])]),
            radius_m=0.0,
            slots=slots,
            items=items,
            main=-1,
            street=street,
            community=own if scale == "community" else -1,
        )
        options.append(option)
        if (factor - 1) * option.expected >= WANTED_IN_AREA:
            break
    planting = max(options, key=lambda option: option.expected)
    used.add(planting.street if scale == "street" else planting.community)
    n = int(planter.rng.poisson((factor - 1) * planting.expected))
    planter.add(planting, planter.draw_days(planting, n))


def _plant_street(planter: _Planter, used: set[int]) -> None:
    street = planter.background.street
    _plant_area(planter, street, used, scale="street", factor=AREA_FACTOR, least=LEAST_STREET)


def _plant_community(planter: _Planter, used: set[int]) -> None:
    community = planter.background.slots.community
    _plant_area(
        planter, community, used, scale="community", factor=COMMUNITY_FACTOR, least=LEAST_COMMUNITY
    )


def _choose_free(planter: _Planter, candidates: IntArray) -> int:
    weight = planter.background.slots.weight[candidates]
    for _ in range(500):
        centre = int(planter.rng.choice(candidates, p=weight / weight.sum()))
        if planter.is_free(centre):
            return centre
    return centre


def _plant_sized(
    planter: _Planter,
    what: str,
    pattern: str,
    window: tuple[int, int],
    *,
    n: int,
    shape: Callable[[FloatArray], FloatArray] | None = None,
    radius_m: float = 200.0,
    stay: float = 0.3,
    one_person: bool = False,
    centre: int | None = None,
    about: IntArray | None = None,
) -> None:
    """Plant `n` appeals at a place, whatever is usual there.

    Parameters
    ----------
    shape
        Weight of the window's days, which it is given as 0 … 1.
    stay
        Share of the appeals that come from the centre itself.
    about
        Items; unless given, those of a level-2 item that is usual there.
    """
    start, end = window
    background = planter.background
    if centre is None:
        centre = _choose_free(planter, planter.candidates)
    if about is None:
        chosen, main = planter.choose_item(int(background.street[centre]), frequent=False)
    else:
        chosen, main = about, int(about[0]) if len(about) == 1 else -1
    slots = planter.near(centre, radius_m) if radius_m else np.array([centre])
    expected = background.expect(slots, chosen, start, end)
    planting = planter.make(
        what,
        pattern,
        start,
        end,
        scale="item",
        factor=None,
        expected=expected,
        centre=centre,
        radius_m=max(radius_m, float(background.slots.radius_m[centre])),
        slots=slots,
        items=chosen,
        main=main,
    )
    days = np.linspace(0, 1, end - start + 1)
    day = planter.draw_days(planting, n, shape(days) if shape else None)
    planter.add(planting, day, person=np.zeros(n, np.int64) if one_person else None, stay=stay)


def _plant_institution(planter: _Planter, size: float) -> None:
    """Plant an address that answers for many things of its own: a clinic whose patients call."""
    slots = planter.background.slots
    places = planter.candidates[~slots.home[planter.candidates]]
    kinds = pd.Series(planter.types[slots.ref[places]])
    clinics = places[kinds.str.contains("|".join(TYPICAL_CLINIC)).to_numpy()]
    centre = _choose_free(planter, clinics if len(clinics) else places)
    _plant_sized(
        planter,
        "institution",
        "steady",
        (0, N_DAYS - 1),
        n=max(24, round(90 * size)),
        radius_m=0.0,
        stay=1.0,
        centre=centre,
        about=np.flatnonzero(np.isin(planter.background.level2, CLINIC_LEVEL2)),
    )


def _plant_batch(planter: _Planter, size: float) -> None:
    start = N_DAYS - int(planter.rng.integers(20, 500))
    n = max(20, round(40 * size))
    _plant_sized(planter, "batch", "single_burst", (start, start + 2), n=n, one_person=True)


def _plant_burst(planter: _Planter, size: float) -> None:
    start = int(planter.rng.integers(40, 330))
    length = int(planter.rng.integers(10, 30))
    n = max(18, round(45 * size))
    _plant_sized(planter, "burst", "ended", (start, start + length - 1), n=n)


def _plant_outbreak(planter: _Planter, size: float) -> None:
    length = int(planter.rng.integers(3, 21))
    # Every third one is still going on at the end.
    earlier = sum(other.what == "outbreak" for other in planter.planted)
    ago = length if earlier % 3 == 0 else int(planter.rng.integers(40, 400))
    start = N_DAYS - ago
    n = max(14, round(28 * size))
    _plant_sized(planter, "outbreak", "single_burst", (start, start + length - 1), n=n)


def _plant_growth(planter: _Planter, size: float) -> None:
    start, n = N_DAYS - 540, max(24, round(70 * size))
    _plant_sized(
        planter, "growth", "rising", (start, N_DAYS - 1), n=n, shape=lambda t: np.exp(3.0 * t)
    )


def _plant_falling(planter: _Planter, size: float) -> None:
    start, n = N_DAYS - TWO_YEARS, max(24, round(80 * size))
    _plant_sized(
        planter, "item", "falling", (start, N_DAYS - 1), n=n, shape=lambda t: np.exp(-3.0 * t)
    )


def _plant_season(planter: _Planter, size: float) -> None:
    peak = planter.rng.uniform(0, 1)
    n = max(30, round(90 * size))

    def shape(t: FloatArray) -> FloatArray:
        away = (t * N_DAYS / 365.25 - peak + 0.5) % 1 - 0.5
        return np.exp(-0.5 * (away / 0.07) ** 2) + 1e-9

    _plant_sized(planter, "season", "seasonal", (0, N_DAYS - 1), n=n, shape=shape)


def _plant_praise(planter: _Planter, size: float) -> None:
    """Plant thanks: a thing well done, for which a neighbourhood calls during two months."""
    about = np.flatnonzero(planter.items.frame["item_code"] == PRAISE_ITEM)
    end = N_DAYS - 1 - int(planter.rng.integers(0, 400))
    n = max(16, round(40 * size))
    _plant_sized(planter, "praise", "single_burst", (end - 59, end), n=n, about=about)


def _plant_consultation(planter: _Planter, size: float) -> None:
    """Plant questions: many persons of one place ask about one thing, and lately: a rise that is no problem."""
    words = planter.items.frame
    asked = np.flatnonzero((words["kind"] == "consultation") & (words["season"] == "all"))
    centre = _choose_free(planter, planter.candidates)
    share = planter.background.mix[planter.background.street[centre], asked]
    item = planter.rng.choice(asked, p=share / share.sum())
    n = max(18, round(45 * size))
    _plant_sized(
        planter,
        "consultation",
        "rising",
        (N_DAYS - RECENT, N_DAYS - 1),
        n=n,
        stay=0.5,
        centre=centre,
        about=np.array([item]),
    )


def _plant_measure(planter: _Planter, kind: str) -> None:
    """Plant a problem that has always been there, and a day on which something was done about it."""
    rng, background = planter.rng, planter.background
    since = N_DAYS - int(rng.integers(240, 400))
    place = planter.find_place(MEASURE_FACTOR, 0, N_DAYS - 1, wanted=60)
    centre, radius, slots, chosen, main, expected = place
    before = background.expect(slots, chosen, 0, since - 1)
    after = background.expect(slots, chosen, since, N_DAYS - 1)
    effect = MEASURE_EFFECT if kind != "idle" else 0.0
    planting = planter.make(
        "measure",
        "steady",
        0,
        N_DAYS - 1,
        scale="item",
        factor=MEASURE_FACTOR,
        expected=expected,
        centre=centre,
        radius_m=radius,
        slots=slots,
        items=chosen,
        main=main,
    )
    first = planter.rng.poisson((MEASURE_FACTOR - 1) * before)
    second = planter.rng.poisson((MEASURE_FACTOR * (1 + effect) - 1) * after)
    shape = np.zeros(N_DAYS)
    shape[:since] = 1
    day = np.concatenate(
        [
            planter.draw_days(planting, int(first), shape),
            planter.draw_days(planting, int(second), 1 - shape),
        ]
    )
    planting.effect = {
        "since": since,
        "effect": effect,
        "spill_share": SPILL_SHARE if kind == "spills" else 0.0,
        "spill_radius_m": radius + 500 if kind == "spills" else 0.0,
        "expected_before": round(MEASURE_FACTOR * before, 3),
        "expected_after_unchanged": round(MEASURE_FACTOR * after, 3),
        "expected_after": round(MEASURE_FACTOR * (1 + effect) * after, 3),
    }
    planter.add(planting, day)
    if kind == "spills":
        ring = np.setdiff1d(planter.near(centre, radius + 500), slots)
        moved = rng.poisson(-effect * MEASURE_FACTOR * after * SPILL_SHARE)
        if len(ring) and moved:
            _spill(planter, planting, ring, planter.draw_days(planting, int(moved), 1 - shape))


def _spill(planter: _Planter, planting: Planting, ring: IntArray, day: IntArray) -> None:
    """Add what moved next door to the calls of a measure, by persons of their own."""
    background, rng, n = planter.background, planter.rng, len(day)
    weight = background.slots.weight[ring]
    mix = background.mix[planting.street, planting.items]
    own = planter.calls[-1]
    planter.calls[-1] = pd.concat(
        [
            own,
            pd.DataFrame(
                {
                    "planting": len(planter.planted) - 1,
                    "slot": rng.choice(ring, n, p=weight / weight.sum()),
                    "item": rng.choice(planting.items, n, p=mix / mix.sum()),
                    "day": day,
                    "person": (0 if own.empty else int(own["person"].max()) + 1) + np.arange(n),
                }
            ),
        ],
        ignore_index=True,
    )
