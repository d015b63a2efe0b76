"""Mixed files with their truth, and how well anybody could tell their rows apart: the densities that made them."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from scipy.spatial import cKDTree

import crs
from tests.reference.crs_streets import METRES_PER_DEGREE, City, encode

MONACO = Path(__file__).resolve().parents[2] / "data_samples" / "monaco" / "raw" / "streets.parquet"


class MovedMonaco(City):
    """Monaco's streets, moved to a Chinese city: its shapes, not its place."""

    def __init__(self, seed: int, *, lon: float = 114.06, lat: float = 22.55) -> None:
        self.draw = np.random.default_rng(seed)
        self.lon, self.lat = lon, lat
        lines = shapely.get_parts(gpd.read_parquet(MONACO).geometry.to_numpy())
        west, south, east, north = shapely.total_bounds(lines)
        middle_lon, middle_lat = (west + east) / 2, (south + north) / 2
        scale = METRES_PER_DEGREE * np.cos(np.radians(middle_lat)), METRES_PER_DEGREE
        self.plane = shapely.transform(lines, lambda p: (p - [middle_lon, middle_lat]) * scale)


class Mixed:
    """Rows on streets, some of them written in another definition; groups of rows in one definition each."""

    def __init__(
        self, city: City, definitions: tuple[str, str], *, sigma_m: float, foreign: float, groups: int, size: int
    ) -> None:
        self.city, self.definitions, self.sigma_m, self.foreign = city, definitions, sigma_m, foreign
        self.group = np.repeat(np.arange(groups), size)
        self.foreign_groups = np.arange(groups) < round(foreign * groups)
        self.is_foreign = self.foreign_groups[self.group]
        lon, lat = city.on_streets(groups * size, sigma_m=sigma_m)
        self.x, self.y = np.where(self.is_foreign, encode(lon, lat, definitions[1]), encode(lon, lat, definitions[0]))

    def shuffled(self, seed: int) -> np.ndarray:
        """Return the order of rows without any."""
        return np.random.default_rng(seed).permutation(len(self.group))

    def optimum(self) -> np.ndarray:
        """Return the true probability that each row is foreign: true streets, true noise, true share."""
        log_odds = np.log(self.foreign / (1 - self.foreign))
        home, away = (
            self.density(*crs.transform(self.x, self.y, source=d, target="OGC:CRS84")) for d in self.definitions
        )
        with np.errstate(divide="ignore"):
            return 1.0 / (1.0 + np.exp(-(np.log(away) - np.log(home) + log_odds)))

    def density(self, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        """Blur the streets by the noise: the plain sum over a point every metre."""
        metres = np.maximum(1, np.rint(shapely.length(self.city.plane))).astype(int)
        shares = np.concatenate([(np.arange(count) + 0.5) / count for count in metres])
        along = shapely.line_interpolate_point(np.repeat(self.city.plane, metres), shares, normalized=True)
        nodes = shapely.get_coordinates(along)
        origin = self.city.degrees(0.0, 0.0)
        unit = self.city.degrees(1.0, 1.0)
        places = np.column_stack([(lon - origin[0]) / (unit[0] - origin[0]), (lat - origin[1]) / (unit[1] - origin[1])])
        near = cKDTree(nodes).query_ball_point(places, 5.0 * self.sigma_m)
        found = np.full(len(places), 1e-300)
        for row, some in enumerate(near):
            away = np.hypot(*(nodes[some] - places[row]).T)
            found[row] += np.exp(-0.5 * (away / self.sigma_m) ** 2).sum() / self.sigma_m**2
        return found
