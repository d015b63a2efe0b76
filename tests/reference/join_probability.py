"""Probabilities of cells the slow ways: adaptive quadrature over the cell, and points thrown at random."""

from __future__ import annotations

from itertools import pairwise

import h3.api.basic_int as h3
import numpy as np
from scipy import integrate, stats

from crs.geodesy import move_m

A, F = 6378137.0, 1.0 / 298.257223563
E2 = F * (2.0 - F)


def on_the_tangent_plane(cell, lon, lat):
    """Corners of the cell in metres east and north of a position, by the radii of curvature there."""
    s = np.sin(np.radians(lat))
    normal, meridian = A / np.sqrt(1.0 - E2 * s**2), A * (1.0 - E2) / (1.0 - E2 * s**2) ** 1.5
    corners = np.array([(x, y) for y, x in h3.cell_to_boundary(cell)])
    turned = (corners[:, 0] - lon + 180.0) % 360.0 - 180.0
    return np.stack(
        [np.radians(turned) * normal * np.cos(np.radians(lat)), np.radians(corners[:, 1] - lat) * meridian], axis=1
    )


def by_quadrature(cell, lon, lat, sigma_m):
    """Integrate the normal density over the cell: between its edges, strip by strip from south to north."""
    xy = on_the_tangent_plane(cell, lon, lat) / sigma_m
    levels = np.clip(np.unique(xy[:, 1]), -9.0, 9.0)
    starts, ends = xy, np.roll(xy, -1, axis=0)

    def row(y):
        """Probability of one line from west to east, times its density: every second crossing leaves the cell."""
        crossing = [
            a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0])
            for a, b in zip(starts, ends, strict=True)
            if (a[1] <= y) != (b[1] <= y)
        ]
        below = stats.norm.cdf(sorted(crossing))
        return float((below[1::2] - below[::2]).sum()) * np.exp(-0.5 * y * y) / np.sqrt(2.0 * np.pi)

    strips = [(a, b) for a, b in pairwise(levels) if b > a]
    return sum(integrate.quad(row, a, b, epsabs=1e-13, epsrel=1e-11, limit=200)[0] for a, b in strips)


def by_chance(lon, lat, sigma_m, resolution, *, throws, rng):
    """Throw points along geodesics and count the cells that they fall into."""
    east, north = rng.normal(0.0, sigma_m, (2, throws))
    x, y = move_m(lon, lat, east_m=east, north_m=north)
    cells = [h3.latlng_to_cell(b, a, resolution) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    found, count = np.unique(np.array(cells, dtype=np.uint64), return_counts=True)
    return dict(zip(found.tolist(), (count / throws).tolist(), strict=True))
