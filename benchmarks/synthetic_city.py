"""A seeded city of any size for the benchmarks: 30 x 30 km of plane metres with dense centres and thin outskirts.

Nothing is downloaded, and everyone who names the same numbers gets the same city.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.spatial import Voronoi

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

WEST_M, SOUTH_M, SIDE_M = 500_000.0, 3_340_000.0, 30_000.0
"""Lower left corner and side; the offsets are those of a projected grid, so that rounding is as in practice."""

_CORNER = np.array([WEST_M, SOUTH_M])
_CENTRES, _SPREAD_OUT = 80, 0.2
_SEED = 1


def points(count: int) -> tuple[Floats, Floats]:
    """Draw points, four fifths of them around centres of very different weight, in random order."""
    rng = np.random.default_rng(_SEED)
    inside = _reflected(_clustered(rng, count - int(_SPREAD_OUT * count)))
    position = np.concatenate([inside, rng.uniform(0, SIDE_M, (int(_SPREAD_OUT * count), 2))])
    rng.shuffle(position)
    return position[:, 0] + WEST_M, position[:, 1] + SOUTH_M


def districts(count: int, *, levels: int = 7) -> NDArray[np.object_]:
    """Draw zones that tile the city, with borders as ragged as those of real districts (2**levels edges a side)."""
    rng = np.random.default_rng(_SEED + 1)
    return _voronoi_zones(rng.uniform(0, SIDE_M, (count, 2)), levels, rng)


def blocks(count: int) -> NDArray[np.object_]:
    """Draw about so many straight-sided zones that tile the city, small where the points are dense."""
    rng = np.random.default_rng(_SEED + 2)
    dense = _reflected(_clustered(rng, count * 6 // 10))
    position = np.concatenate([dense, rng.uniform(0, SIDE_M, (count - len(dense), 2))])
    return _voronoi_zones(np.unique(np.round(np.clip(position, 1, SIDE_M - 1), 1), axis=0), 0, rng)


def buildings(count: int) -> NDArray[np.object_]:
    """Draw turned rectangles that do not touch, more of them where the points are dense."""
    rng = np.random.default_rng(_SEED + 3)
    cells = int(SIDE_M / 40)
    x, y = points(1_000_000)
    density, _, _ = np.histogram2d(x - WEST_M, y - SOUTH_M, bins=cells, range=[[0, SIDE_M]] * 2)
    weight = np.sqrt(density.ravel()) + 0.2
    cell = rng.choice(cells * cells, count, replace=False, p=weight / weight.sum())
    centre = (np.stack([cell // cells, cell % cells], axis=1) + 0.5) * 40 + rng.uniform(-5, 5, (count, 2))
    turn, half_width, half_depth = rng.uniform(0, np.pi / 2, count), rng.uniform(4, 12, count), rng.uniform(3, 8, count)
    along = np.array([-1, 1, 1, -1, -1]) * half_width[:, None]
    across = np.array([-1, -1, 1, 1, -1]) * half_depth[:, None]
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    corners = np.stack([along * cos - across * sin, along * sin + across * cos], axis=-1) + centre[:, None]
    return shapely.polygons(corners + _CORNER)


def streets(count: int) -> NDArray[np.object_]:
    """Draw straight pieces of about 90 m, cut from wavering streets along both axes."""
    rng = np.random.default_rng(_SEED + 4)
    step = np.arange(0, SIDE_M + 1, 90.0)
    pieces = []
    for upright in (False, True):
        for offset in rng.uniform(0, SIDE_M, 300):
            line = np.stack([step, offset + np.cumsum(rng.normal(0, 4, step.size))], axis=1)
            line = line[:, ::-1] if upright else line
            pieces.append(np.stack([line[:-1], line[1:]], axis=1))
    every = np.concatenate(pieces)
    return shapely.linestrings(every[rng.permutation(len(every))[:count]] + _CORNER)


def lon_lat(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Put the city on the map of Hangzhou, roughly."""
    return 120.15 + (x - WEST_M - SIDE_M / 2) / 96_200.0, 30.25 + (y - SOUTH_M - SIDE_M / 2) / 110_900.0


def _clustered(rng: np.random.Generator, count: int) -> Floats:
    """Draw positions around the city's centres, which are the same for every caller."""
    city = np.random.default_rng(_SEED + 99)
    centre = city.normal(SIDE_M / 2, SIDE_M / 6, (_CENTRES, 2))
    weight, spread = city.pareto(1.2, _CENTRES) + 0.2, city.uniform(200, 2500, _CENTRES)
    which = rng.choice(_CENTRES, count, p=weight / weight.sum())
    return centre[which] + rng.normal(0, 1, (count, 2)) * spread[which, None]


def _reflected(position: Floats) -> Floats:
    """Fold back what fell outside of the city."""
    position = np.abs(position)
    return np.clip(SIDE_M - np.abs(SIDE_M - position), 0, SIDE_M)


def _voronoi_zones(position: Floats, levels: int, rng: np.random.Generator) -> NDArray[np.object_]:
    """Return the Voronoi cells of positions, cut off by mirror images at the city's border."""
    band = SIDE_M if len(position) < 2000 else SIDE_M / 10
    mirrored = [position]
    for axis in (0, 1):
        for border in (0.0, SIDE_M):
            image = position[np.abs(position[:, axis] - border) < band].copy()
            image[:, axis] = 2 * border - image[:, axis]
            mirrored.append(image)
    diagram = Voronoi(np.concatenate(mirrored))
    edges: dict[tuple[int, int], Floats] = {}

    def side(a: int, b: int) -> Floats:
        key = (min(a, b), max(a, b))
        if key not in edges:
            edges[key] = _ragged(diagram.vertices[list(key)], levels, rng)
        return edges[key] if key == (a, b) else edges[key][::-1]

    zones = []
    for cell in diagram.point_region[: len(position)]:
        ring = diagram.regions[cell]
        sides = [side(a, b)[:-1] for a, b in pairwise([*ring, ring[0]])]
        zones.append(shapely.Polygon(np.concatenate([*sides, sides[0][:1]]) + _CORNER))
    out = np.array(zones)
    for row in np.flatnonzero(~shapely.is_valid(out)):  # a ragged side may cross another: keep the largest part
        out[row] = max(shapely.get_parts(shapely.make_valid(out[row])), key=lambda part: part.area)
    return out


def _ragged(line: Floats, levels: int, rng: np.random.Generator) -> Floats:
    """Displace the middles of a line's pieces again and again; the city's border stays straight."""
    on_border = (np.abs(line[0] - line[1]) < 1e-6) & (np.minimum(line[0], SIDE_M - line[0]) < 1e-6)
    for _ in range(levels):
        middle, piece = (line[1:] + line[:-1]) / 2, np.diff(line, axis=0)
        if not on_border.any():
            share = rng.normal(0, 0.1, (len(piece), 1)).clip(-0.25, 0.25)
            middle = middle + np.stack([-piece[:, 1], piece[:, 0]], axis=1) * share
        finer = np.empty((len(line) + len(middle), 2))
        finer[::2], finer[1::2] = line, middle
        line = finer
    return line
