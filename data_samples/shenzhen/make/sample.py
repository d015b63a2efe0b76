"""What the makers of the raw tables share: the day, a table with its truth, and generators of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from data_samples.monaco.make.sample import planted_noise
from data_samples.shenzhen.make.frames import GEOD, to_frame

SEED = 20260616
DAY = pd.Timestamp("2026-06-16", tz="Asia/Shanghai")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A raw table, the true position of each of its records, and what each position means by "where"."""

    table: pd.DataFrame
    lon: np.ndarray
    lat: np.ndarray
    definition: str | np.ndarray


def rng(part: int) -> np.random.Generator:
    """Return a generator of its own for each layer, so that a change in one leaves the others as they are."""
    return np.random.default_rng([SEED, part])


def offset(lon: np.ndarray, lat: np.ndarray, east_m: np.ndarray, north_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points moved by metres to the east and north along a geodesic."""
    azimuth = np.degrees(np.arctan2(east_m, north_m))
    moved = GEOD.fwd(lon, lat, azimuth, np.hypot(east_m, north_m))
    return np.asarray(moved[0]), np.asarray(moved[1])


def written(
    lon: np.ndarray, lat: np.ndarray, *, frame: str, sigma_m: float, draw: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Positions with a planted error as numbers of a definition, x or longitude first."""
    return to_frame(*offset(lon, lat, *planted_noise(len(lon), sigma_m, draw)), frame)


def chosen(text: list[str], size: int, draw: np.random.Generator, weights: list[float] | None = None) -> np.ndarray:
    """Draw texts by weight."""
    shares = None if weights is None else np.array(weights) / np.sum(weights)
    return draw.choice(np.array(text, dtype=object), size, p=shares)
