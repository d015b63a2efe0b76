"""Vehicles that wander through a network, with the street of every moment kept: the truth of map matching."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import shapely


class Walks:
    """A seeded walk along streets (plane lines that meet at their ends): no turning back but at dead ends."""

    def __init__(self, lines, seed: int) -> None:
        self.lines = lines
        self.length = shapely.length(lines)
        self.draw = np.random.default_rng(seed)
        self.ends = [tuple(map(tuple, np.round([line.coords[0], line.coords[-1]], 1).tolist())) for line in lines]
        self.at = defaultdict(list)
        for street, (first, last) in enumerate(self.ends):
            self.at[first].append((street, True))
            self.at[last].append((street, False))

    def drive(self, seconds: int, *, every: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Drive for some seconds at 6 to 14 m/s; return street and place of every so many seconds."""
        street = int(self.draw.choice(len(self.lines), p=self.length / self.length.sum()))
        forth, along, speed = bool(self.draw.integers(2)), float(self.draw.uniform(0, self.length[street])), 10.0
        streets, places = [], []
        for second in range(seconds):
            if second % every == 0:
                streets.append(street)
                measure = along if forth else self.length[street] - along
                places.append(self.lines[street].interpolate(measure).coords[0])
            speed = float(np.clip(speed + self.draw.normal(0, 0.8), 6.0, 14.0))
            along += speed
            while along > self.length[street]:
                along -= self.length[street]
                crossing = self.ends[street][1 if forth else 0]
                ways = [way for way in self.at[crossing] if way[0] != street] or self.at[crossing]
                street, forth = ways[int(self.draw.integers(len(ways)))]
        return np.array(streets), np.array(places)
