"""Fusion error by loops over records and the library h3: slow and obvious."""

import math
from collections import Counter

import h3


def cell(lon: float, lat: float, resolution: int, storage: int) -> str | None:
    """Return the cell by the rule of the house; None if nowhere."""
    if math.isnan(lon):
        return None
    return h3.cell_to_parent(h3.latlng_to_cell(lat, lon, storage), resolution)


def shares(placed: list, oracle: list, truth: list, *, resolution: int, storage: int) -> dict[str, float]:
    """Return D, F, causes and moved mass of records given as (lon, lat) pairs."""
    counts = Counter()
    here, there = Counter(), Counter()
    for mine, meant, true in zip(placed, oracle, truth, strict=True):
        a, b, c = (cell(*place, resolution, storage) for place in (mine, meant, true))
        if b is not None:
            counts["with oracle"] += 1
            counts["d"] += a != b
        if c is not None:
            counts["with truth"] += 1
            counts["f"] += a != c
            here[a] += 1
            there[c] += 1
        if b is not None and c is not None:
            counts["with both"] += 1
            direct = h3.latlng_to_cell(true[1], true[0], resolution)
            counts["definition"] += a not in (c, b)
            counts["noise"] += a == b != c
            counts["aggregation"] += a == c != direct
    moved = sum(abs(here[name] - there[name]) for name in here.keys() | there.keys()) / 2
    return {
        "d": counts["d"] / counts["with oracle"],
        "f": counts["f"] / counts["with truth"],
        "definition": counts["definition"] / counts["with both"],
        "noise": counts["noise"] / counts["with both"],
        "aggregation": counts["aggregation"] / counts["with both"],
        "moved_mass": moved / counts["with truth"],
    }
