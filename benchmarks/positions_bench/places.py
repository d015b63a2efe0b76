"""Where the records of a case are, and the noise of their positions, in plane metres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from benchmarks.positions_bench.frames import Floats
    from benchmarks.positions_bench.networks import Network

#: A window that holds less street than this is drawn again.
_LEAST_STREET_M = 300.0
#: What stands beside streets stands so far from the line, where no buildings are known.
_OFF_ROAD_M = (12.0, 100.0)
_BLOCK_M = 400.0


def vector(rng: np.random.Generator, least_m: float, most_m: float) -> Floats:
    """Draw a vector with a length between two bounds."""
    angle, length = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(least_m, most_m)
    return np.array([length * np.cos(angle), length * np.sin(angle)])


def chosen(rng: np.random.Generator, city: Network, *, entity: str, n: int, window_m: float, spread: str) -> Floats:
    """Choose places in a square window about some street.

    Parameters
    ----------
    rng : numpy.random.Generator
    city : Network
    entity : str
        "vehicles" are on streets, "buildings" beside them.
    n : int
        How many; fewer if the window holds fewer buildings.
    window_m : float
        Side of the window; that of the whole network holds all of it.
    spread : str
        "apart", or "in runs": about twenty records a street.

    Returns
    -------
    numpy.ndarray
        Shape (n, 2).
    """
    whole = window_m >= city.extent_m
    while True:
        line = city.lines[rng.choice(len(city.lines), p=city.lengths_m / city.lengths_m.sum())]
        middle = np.zeros(2) if whole else shapely.get_coordinates(line.interpolate(rng.random(), normalized=True))[0]
        low, high = middle - window_m / 2.0 - 1.0, middle + window_m / 2.0 + 1.0
        rows = city.near((*low, *high))
        parts = shapely.clip_by_rect(city.lines[rows], *low, *high)
        lengths = shapely.length(parts)
        if lengths.sum() < _LEAST_STREET_M:
            continue
        if entity == "vehicles":
            return _on_streets(rng, parts, lengths, n=n, spread=spread)
        places = _buildings(city, low, high) if len(city.buildings) else _beside(rng, city, low, high)
        if len(places) >= min(n, 5):
            return places[rng.permutation(len(places))[:n]]


def _on_streets(rng: np.random.Generator, parts: Floats, lengths: Floats, *, n: int, spread: str) -> Floats:
    share = lengths / lengths.sum()
    streets = rng.choice(len(parts), n, p=share)
    if spread == "in runs":
        streets = rng.choice(rng.choice(len(parts), -(-n // 20), p=share), n)
    places = shapely.line_interpolate_point(parts[streets], rng.random(n), normalized=True)
    return shapely.get_coordinates(places)


def _buildings(city: Network, low: Floats, high: Floats) -> Floats:
    inside = ((city.buildings >= low) & (city.buildings <= high)).all(axis=1)
    return city.buildings[inside]


def _beside(rng: np.random.Generator, city: Network, low: Floats, high: Floats) -> Floats:
    """Draw places at some distance from all streets."""
    places = rng.uniform(low, high, (6000, 2))
    _, distance = city.tree.query_nearest(
        shapely.points(places), max_distance=_OFF_ROAD_M[1], return_distance=True, all_matches=False
    )
    rows, _ = city.tree.query_nearest(shapely.points(places), max_distance=_OFF_ROAD_M[1], all_matches=False)
    return places[rows[distance >= _OFF_ROAD_M[0]]]


def noise(rng: np.random.Generator, places: Floats, *, sigma_m: float, kind: str) -> Floats:
    """Draw errors with a standard deviation per axis.

    Parameters
    ----------
    rng : numpy.random.Generator
    places : numpy.ndarray
        Shape (n, 2).
    sigma_m : float
    kind : str
        "normal"; "heavy tails" (Student's t with three degrees of freedom, scaled to the same deviation); "neighbours
        alike" (half of the variance is common to a block of 400 m).

    Returns
    -------
    numpy.ndarray
        Metres, shape (n, 2).
    """
    if kind == "heavy tails":
        return rng.standard_t(3.0, places.shape) * sigma_m / np.sqrt(3.0)
    errors = rng.normal(0.0, sigma_m, places.shape)
    if kind == "neighbours alike":
        _, owner = np.unique(np.floor(places / _BLOCK_M), axis=0, return_inverse=True)
        common = rng.normal(0.0, sigma_m, (int(owner.max()) + 1, 2))
        errors = (errors + common[owner.ravel()]) / np.sqrt(2.0)
    return np.asarray(errors)
