"""A synthetic city with irregular streets, and records on them and off them, in longitude and latitude."""

from __future__ import annotations

import numpy as np
import shapely

import crs

METRES_PER_DEGREE = 111_000.0


class City:
    """Streets of an irregular grid with bent lines and gaps, about a place; all by seed."""

    def __init__(self, seed: int, *, lon: float = 114.06, lat: float = 22.55, size_m: float = 8000.0) -> None:
        self.draw = np.random.default_rng(seed)
        self.lon, self.lat = lon, lat
        lines = []
        for turned in (False, True):
            # Streets 90 to 260 m apart, each a slow wave of its own, with missing pieces.
            at = -size_m / 2 + np.cumsum(self.draw.uniform(90, 260, int(size_m / 175)))
            for place in at:
                along = np.arange(-size_m / 2, size_m / 2, 40.0)
                waves = self.draw.uniform(15, 70), self.draw.uniform(700, 2500), self.draw.uniform(0, 6.28)
                across = place + waves[0] * np.sin(along / waves[1] * 6.28 + waves[2])
                points = np.column_stack([across, along] if turned else [along, across])
                start = 0
                while start < len(points) - 4:
                    length = int(self.draw.integers(15, 60))
                    if self.draw.random() > 0.15:
                        lines.append(shapely.linestrings(points[start : start + length + 1]))
                    start += length
        self.plane = np.array([line for line in lines if len(line.coords) > 1], dtype=object)

    def degrees(self, x_m: np.ndarray, y_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        east = METRES_PER_DEGREE * np.cos(np.radians(self.lat))
        return self.lon + np.asarray(x_m) / east, self.lat + np.asarray(y_m) / METRES_PER_DEGREE

    def geometry(self) -> np.ndarray:
        return shapely.transform(self.plane, lambda p: np.column_stack(self.degrees(p[:, 0], p[:, 1])))

    def on_streets(self, n: int, *, sigma_m: float) -> tuple[np.ndarray, np.ndarray]:
        lengths = shapely.length(self.plane)
        chosen = self.plane[self.draw.choice(len(lengths), n, p=lengths / lengths.sum())]
        points = shapely.line_interpolate_point(chosen, self.draw.random(n), normalized=True)
        noise = self.draw.normal(0, sigma_m, (2, n))
        return self.degrees(shapely.get_x(points) + noise[0], shapely.get_y(points) + noise[1])

    def off_streets(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw buildings: at least 18 m from every street, and most of them in the middle of the city."""
        x, y = self.draw.normal(0, 1200, (2, 20 * n))
        away = shapely.STRtree(self.plane).query_nearest(shapely.points(x, y), all_matches=False, return_distance=True)
        free = np.flatnonzero(away[1] > 18)[:n]
        return self.degrees(x[free], y[free])


def encode(lon: np.ndarray, lat: np.ndarray, target: str) -> tuple[np.ndarray, np.ndarray]:
    """Write positions in a definition."""
    return crs.transform(lon, lat, source="OGC:CRS84", target=target)
