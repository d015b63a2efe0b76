"""What the makers of the raw tables share: the day, a table with its truth, and planted errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

SEED = 20260616
DAY = pd.Timestamp("2026-06-16", tz="Europe/Monaco")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A raw table and the true position of each of its records."""

    table: pd.DataFrame
    lon: np.ndarray
    lat: np.ndarray


def planted_noise(count: int, sigma_m: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw circular normal errors, east and north in metres, stratified by radius.

    The radius of a circular normal error is Rayleigh distributed. One radius is drawn from each of ``count`` equally
    likely classes, in random order: every error is still normal, but a layer of only 240 sites shows the stated
    spread instead of a lucky or unlucky one.
    """
    quantile = (rng.permutation(count) + rng.random(count)) / count
    radius = sigma_m * np.sqrt(-2.0 * np.log1p(-quantile))
    angle = 2.0 * np.pi * rng.random(count)
    return radius * np.cos(angle), radius * np.sin(angle)


def rng(part: int) -> np.random.Generator:
    """Return a generator of its own for each layer, so that a change in one leaves the others as they are."""
    return np.random.default_rng([SEED, part])
