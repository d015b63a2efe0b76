"""Mass that closes: ``python -m benchmarks.mass [--cases 1000000] [--seed 1]``.

Random points, lines, polygons with holes, multi-part ones, pixels and prisms over cities from the equator to Tromsø are
spread over cells of r7 to r12, and every record's shares are added up. A record is off if they do not sum to 1 within
1e-9.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import shapely

from crs import Lattice
from spatial_join import H3Grid, volume_weights, weights

CITIES = {"Quito": (-78.5, -0.2), "Shenzhen": (114.06, 22.54), "Monaco": (7.42, 43.73), "Tromsø": (18.96, 69.65)}
RESOLUTIONS = (7, 8, 9, 10, 11, 12)
AT_ONCE = 5_000
CLOSURE = 1e-9


def points(rng: np.random.Generator, at: tuple[float, float], size: float) -> np.ndarray:
    return shapely.points(np.array(at) + rng.uniform(0, 40 * size, (AT_ONCE, 2)))


def lines(rng: np.random.Generator, at: tuple[float, float], size: float) -> np.ndarray:
    start = np.array(at) + rng.uniform(0, 40 * size, (AT_ONCE, 1, 2))
    return shapely.linestrings(start + np.cumsum(rng.normal(0, size / 2, (AT_ONCE, 5, 2)), axis=1))


def polygons(rng: np.random.Generator, at: tuple[float, float], size: float) -> np.ndarray:
    """Stars of seven corners, half of them with a hole, a third with a second part."""
    angle = (np.arange(7) + rng.uniform(0, 0.9, (AT_ONCE, 7))) * 2 * np.pi / 7
    corners = rng.uniform(0.3, 1.0, (AT_ONCE, 7, 1)) * size * np.stack([np.cos(angle), np.sin(angle)], axis=2)
    centre = np.array(at) + rng.uniform(0, 40 * size, (AT_ONCE, 1, 2))
    shapes = shapely.polygons(centre + corners)
    shapes = np.where(
        rng.random(AT_ONCE) < 0.5, shapely.difference(shapes, shapely.polygons(centre + 0.5 * corners)), shapes
    )
    far = shapely.polygons(centre + 0.4 * corners + np.array([2.5 * size, 0.0]))
    return np.where(rng.random(AT_ONCE) < 0.33, shapely.union(shapes, far), shapes)


def off_of(rows: np.ndarray, shares: np.ndarray, size: int) -> int:
    return int((np.abs(np.bincount(rows, weights=shares, minlength=size) - 1.0) > CLOSURE).sum())


def spread(shapes: np.ndarray, resolution: int) -> tuple[int, int]:
    found = weights(shapes, H3Grid(resolution))
    return len(shapes), off_of(found.row, found.share, len(shapes))


def pixels(rng: np.random.Generator, at: tuple[float, float], resolution: int) -> tuple[int, int]:
    """A turned lattice, as a raster in a projected system is in degrees."""
    side = int(np.sqrt(AT_ONCE))
    turn, step = rng.uniform(0, 0.3), rng.uniform(0.2, 2.0) * H3Grid(resolution).edge_m / 111_000
    x, y = np.meshgrid(np.arange(side + 1) * step, np.arange(side + 1) * step)
    lattice = Lattice(at[0] + x * np.cos(turn) - y * np.sin(turn), at[1] + x * np.sin(turn) + y * np.cos(turn))
    found = weights(lattice, H3Grid(resolution))
    return side * side, off_of(found.row, found.share, side * side)


def prisms(rng: np.random.Generator, shapes: np.ndarray, resolution: int) -> tuple[int, int]:
    base = rng.uniform(-5, 50, len(shapes))
    found = volume_weights(
        shapes, base, base + rng.uniform(0.5, 200, len(shapes)), grid=H3Grid(resolution), edges_m=[-5, 0, 10, 50, 300]
    )
    return len(shapes), off_of(found.row, found.share, len(shapes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    rng, began = np.random.default_rng(chosen.seed), time.process_time()
    done: dict[str, list[int]] = {name: [0, 0] for name in ("points", "lines", "polygons", "pixels", "prisms")}
    while sum(cases for cases, _ in done.values()) < chosen.cases:
        city, resolution = CITIES[str(rng.choice(list(CITIES)))], int(rng.choice(RESOLUTIONS))
        size = float(rng.choice([0.05, 0.5, 2.0])) * H3Grid(resolution).edge_m / 111_000
        shapes = polygons(rng, city, size)
        results = {
            "points": spread(points(rng, city, size), resolution),
            "lines": spread(lines(rng, city, size), resolution),
            "polygons": spread(shapes, resolution),
            "pixels": pixels(rng, city, resolution),
            "prisms": prisms(rng, shapes, resolution),
        }
        for name, (cases, off) in results.items():
            done[name][0] += cases
            done[name][1] += off
    print("| geometry | cases | off by more than 1e-9 |\n|---|---|---|")
    for name, (cases, off) in done.items():
        print(f"| {name} | {cases:,} | {off:,} |")
    print(f"\n{time.process_time() - began:.0f} processor seconds")


if __name__ == "__main__":
    main()
