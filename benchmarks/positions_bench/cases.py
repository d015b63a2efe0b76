"""Cases by seed: columns as written, a reference, an area, and the key that only the scorer sees."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import shapely

from benchmarks.positions_bench import places
from benchmarks.positions_bench.frames import GIVEN_SHIFT_M, Name, read, written
from benchmarks.positions_bench.networks import NETWORKS, City, moved_lines, network, to_degrees, to_plane
from benchmarks.positions_bench.plan import CANNOT, Plan, planned, rivals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.positions_bench.frames import Columns, Floats, Pair

Answer = Literal["name", "none", "cannot"]
#: A shift is unknown if it is no nearer than this to the way from one definition of the place to another.
_NO_COINCIDENCE_M = 25.0


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a judge is told, and nothing else.

    Parameters
    ----------
    columns : tuple of numpy.ndarray
        Two columns as written: numbers or texts, shape (n,), None for empty cells.
    reference : numpy.ndarray or None
        Lines (streets) or points (buildings), said to be in WGS 84 longitude and latitude.
    area : tuple of float
        West, south, east, north in degrees: the administrative area, rounded.
    given : dict of str to tuple
        Frames that the city has parameters for: translations in metres from the frame's ellipsoid (IAG 1975) to
        that of WGS 84. They are candidates like any other, and the same in all questions about a city.
    """

    columns: Columns
    reference: NDArray[Any] | None
    area: tuple[float, float, float, float]
    given: dict[str, tuple[float, float, float]]


@dataclass(frozen=True, kw_only=True)
class Key:
    """What is right, and why.

    Parameters
    ----------
    answer : str
        "name": one of `accepted` is right; "none": a definition that no list has; "cannot": no judge can know.
    accepted : tuple of str
        Names of which one is right; whatever puts the records at the same places is as right.
    truth : str
        Name of the definition that (most of) the records are in; empty for "none".
    role : str
        What made the case what it is, such as "standard", "mixed", "wrong reference".
    lon, lat : numpy.ndarray
        Where the records are, before the noise, WGS 84 degrees.
    """

    answer: Answer
    accepted: tuple[str, ...]
    truth: str
    role: str
    lon: Floats = field(repr=False)
    lat: Floats = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Factors:
    """What a case is made of, for the tables of results."""

    city: str
    network: str
    definition: str
    n: int
    sigma_m: float
    noise: str
    window_m: float
    spread: str
    reference: str
    entity: str
    mixed_share: float
    dirt: str


@dataclass(frozen=True, kw_only=True)
class Case:
    """A seed with its question, key and factors."""

    seed: int
    question: Question
    key: Key
    factors: Factors


def make(seed: int) -> Case:
    """Make a case.

    Parameters
    ----------
    seed : int
        Even seeds are for training, odd ones are held out.

    Returns
    -------
    Case
        The same for the same seed on every machine, whatever was made before.
    """
    plan = planned(seed)
    spots = places.chosen(
        plan.rng, network(plan.pattern), entity=plan.entity, n=plan.n, window_m=plan.window_m, spread=plan.spread
    )
    noisy = spots + places.noise(plan.rng, spots, sigma_m=plan.sigma_m, kind=plan.noise)
    # No reference is surveyed to the centimetre: up to 2 m between it and the records, the same for all.
    noisy = noisy + places.vector(plan.rng, 0.0, 2.0)
    if plan.role == "unknown shift":
        noisy = noisy + _unknown(plan, spots, least_m=40.0, most_m=600.0)
    columns, foreign = _columns(plan, to_degrees(plan.city, noisy))
    reference = _reference(plan, spots)
    lon, lat = to_degrees(plan.city, spots).T
    factors = Factors(
        city=plan.city.name,
        network=plan.pattern,
        definition=plan.role if plan.role in {"unknown shift", "local grid"} else plan.kind,
        n=len(spots),
        sigma_m=plan.sigma_m,
        noise=plan.noise,
        window_m=plan.window_m,
        spread=plan.spread,
        reference=plan.reference,
        entity=plan.entity,
        mixed_share=plan.mixed_share,
        dirt=plan.dirt,
    )
    given = dict.fromkeys((name.split(" by ")[0] for name in plan.city.xian), GIVEN_SHIFT_M)
    question = Question(columns=columns, reference=reference, area=plan.city.box, given=given)
    answer, accepted = _answer(plan, foreign)
    truth = "" if answer == "none" else str(plan.name)
    key = Key(answer=answer, accepted=accepted, truth=truth, role=plan.role, lon=lon, lat=lat)
    return Case(seed=seed, question=question, key=key, factors=factors)


def _answer(plan: Plan, foreign: Name | None) -> tuple[Answer, tuple[str, ...]]:
    """Say what is right."""
    if plan.role in CANNOT:
        return "cannot", ()
    if plan.role in {"unknown shift", "local grid"}:
        return "none", ()
    if plan.role == "relative":
        # The reference is taken at its word: relative to it, GCJ-02 is WGS 84.
        frame = "EPSG:4326" if plan.name.frame == "GCJ-02" else "EPSG:3857"
        return "name", (str(Name(frame)),)
    if foreign is not None and plan.mixed_share == 0.5:
        return "name", (str(plan.name), str(foreign))
    return "name", (str(plan.name),)


def _readings_m(plan: Plan, spots: Floats) -> Floats:
    """Return how far from each other the definitions of the place put one record, shape (k, 2)."""
    lon, lat = to_degrees(plan.city, spots[:1]).T
    columns = written(plan.name, lon, lat)
    frames = rivals(plan.city, plan.name.frame) or (plan.name.frame,)
    found = []
    for frame in frames:
        other = read(Name(frame, plan.name.axes, plan.name.notation, plan.name.unit), columns)
        if np.isfinite(other[0]).all():
            found.append(to_plane(plan.city, *other)[0] - spots[0])
    return np.array(found)


def _unknown(plan: Plan, spots: Floats, *, least_m: float, most_m: float) -> Floats:
    """Draw a shift that is none of the ways from one definition of the place to another."""
    ways = _readings_m(plan, spots)
    while True:
        shift = places.vector(plan.rng, least_m, most_m)
        # Other definitions put the shifted records at their own way plus the shift; none may come back to zero.
        if (np.hypot(*(ways + shift).T) > _NO_COINCIDENCE_M).all():
            return shift


def _columns(plan: Plan, degrees: Floats) -> tuple[Columns, Name | None]:
    """Write the records, and say which definition the foreign ones are in."""
    rng, (lon, lat) = plan.rng, degrees.T
    if plan.role == "local grid":
        return _local_grid(plan, lon, lat), None
    columns = _written(plan, plan.name, lon, lat)
    foreign = None
    if plan.mixed_share:
        foreign = _foreign(plan)
        other = _written(plan, foreign, lon, lat)
        rows = rng.permutation(len(lon))[: round(plan.mixed_share * len(lon))]
        if rng.random() < 0.5:  # in sources, one after the other
            rows = np.arange(len(rows))
        for column, values in zip(columns, other, strict=True):
            column[rows] = values[rows]
    return _soiled(plan, columns), foreign


def _written(plan: Plan, name: Name, lon: Floats, lat: Floats) -> Columns:
    columns = written(name, lon, lat)
    if plan.kind == "truncated":
        columns = tuple(np.floor(column * 1e4) / 1e4 for column in columns)
    if plan.dirt == "texts":
        columns = tuple(np.array([str(value) for value in column], dtype=object) for column in columns)
    return columns


def _foreign(plan: Plan) -> Name:
    """Draw another frame of the same range, written alike."""
    same = {"EPSG:4326", "EPSG:4490"}
    others = [
        frame
        for frame in rivals(plan.city, plan.name.frame)
        if frame != plan.name.frame and not {frame, plan.name.frame} <= same
    ]
    return Name(str(plan.rng.choice(others)), plan.name.axes, plan.name.notation, plan.name.unit)


def _soiled(plan: Plan, columns: Columns) -> Columns:
    """Put in what files hold besides positions: one record in fifty, at least one, is empty or zero."""
    if plan.dirt not in {"zeros", "empty"} or len(columns[0]) < 5:
        return columns
    columns = tuple(column.astype(object) for column in columns)
    rows = plan.rng.permutation(len(columns[0]))[: max(1, len(columns[0]) // 50)]
    for column in columns:
        column[rows] = 0 if plan.dirt == "zeros" else None
    return columns


def _local_grid(plan: Plan, lon: Floats, lat: Floats) -> Columns:
    """Write metres of a turned grid of the city's own, whose parameters nobody gives."""
    x, y = to_plane(plan.city, lon, lat).T
    turn = np.radians(plan.rng.uniform(0.2, 2.0) * plan.rng.choice([-1.0, 1.0]))
    east, north = plan.rng.uniform(20_000, 120_000, 2)
    return (
        np.round(east + np.cos(turn) * x - np.sin(turn) * y, 3),
        np.round(north + np.sin(turn) * x + np.cos(turn) * y, 3),
    )


def _reference(plan: Plan, spots: Floats) -> NDArray[Any] | None:
    """Make the layer that the records are judged by."""
    rng, city = plan.rng, plan.city
    if plan.reference == "none":
        return None
    if plan.reference == "wrong":
        other = str(rng.choice([name for name in NETWORKS if name != plan.pattern]))
        return _around(rng, other, city, np.zeros((1, 2)))
    if plan.entity == "buildings" and plan.role != "off-road":
        points = network(plan.pattern).buildings
        kept = np.flatnonzero(rng.random(len(points)) < (1.0 if plan.reference == "complete" else 0.8))
        points = points[kept] + rng.normal(0.0, 1.5, (len(kept), 2))
        return np.asarray(shapely.points(to_degrees(city, points)), dtype=object)
    lines = _around(rng, plan.pattern, city, spots, share=0.7 if plan.reference == "70 %" else 1.0)
    if plan.reference == "shifted":
        shift = -_unknown(plan, spots, least_m=40.0, most_m=400.0)
        return _moved(lines, lambda at: to_degrees(city, to_plane(city, *at.T) + shift))
    if plan.reference == "in GCJ-02":
        return _moved(lines, lambda at: np.column_stack(_gcj02(at.T)))
    return lines


def _gcj02(degrees: Floats) -> Pair:
    return written(Name("GCJ-02"), degrees[0], degrees[1])


def _moved(lines: NDArray[Any], move: Any) -> NDArray[Any]:  # noqa: ANN401 - a function of places
    return np.asarray(shapely.transform(lines, move), dtype=object)


def _around(rng: np.random.Generator, pattern: str, city: City, spots: Floats, *, share: float = 1.0) -> NDArray[Any]:
    """Return the streets about the records, so far around on each side by chance that their box says nothing."""
    margins = rng.uniform(2000.0, 6000.0, 4)
    west, south = spots.min(axis=0) - margins[:2]
    east, north = spots.max(axis=0) + margins[2:]
    rows = network(pattern).near((west, south, east, north))
    if share < 1.0:
        rows = rows[_kept(rng, pattern, rows, share)]
    return moved_lines(pattern, city)[rows]


def _kept(rng: np.random.Generator, pattern: str, rows: NDArray[np.int64], share: float) -> NDArray[np.bool_]:
    """Leave out whole blocks of 400 m, or streets here and there."""
    if rng.random() < 0.5:
        return rng.random(len(rows)) < share
    blocks = np.floor(_middles(pattern)[rows] / 400.0).astype(np.int64)
    _, owner = np.unique(blocks, axis=0, return_inverse=True)
    owner = owner.ravel()
    kept = (rng.random(int(owner.max()) + 1) < share)[owner]
    return kept if kept.any() else np.ones(len(rows), dtype=bool)


@cache
def _middles(pattern: str) -> Floats:
    return shapely.get_coordinates(shapely.centroid(network(pattern).lines))
