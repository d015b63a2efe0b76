"""A vertex far off its line is refused with its line, and no road that is straight for long is."""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import crs
from tests.reference.crs_layers import table

NYC = os.environ.get("TWIN_NYC_DATA")
POLYLINE = {"definition": "EPSG:4326", "notation": "polyline", "columns": ["line"]}


def walk(seed: int, *, steps: int = 12, step_m: float = 120.0) -> np.ndarray:
    """Draw a road that winds, longitude and latitude."""
    draw = np.random.default_rng(seed)
    heading = np.cumsum(draw.normal(0, 0.5, steps)) + draw.uniform(0, 6.28)
    length = draw.lognormal(np.log(step_m), 0.6, steps)
    x, y = np.cumsum(length * np.cos(heading)), np.cumsum(length * np.sin(heading))
    lat = 40.7 + np.append(0, y) / 111_000
    return np.column_stack([-73.9 + np.append(0, x) / (111_000 * np.cos(np.radians(40.7))), lat])


def written(lines: list[np.ndarray]) -> list[str]:
    return [" ".join(f"{lat:.6f},{lon:.6f}" for lon, lat in line) for line in lines]


def codes(lines: list[np.ndarray]) -> list[str | None]:
    placed = crs.harmonise(table(POLYLINE, written(lines)))
    return [crs.reason_code(reason) for reason in placed.reasons]


@given(seed=st.integers(0, 10_000), vertex=st.integers(0, 12), digits=st.integers(0, 1))
def test_a_latitude_that_lost_its_digits_is_refused_wherever_it_stands(seed, vertex, digits):
    lines = [walk(seed + number) for number in range(8)]
    cut = np.floor(lines[3][vertex, 1] * 10**digits) / 10**digits
    lines[3][vertex, 1] = cut if abs(cut - 40.7) > 0.1 else 41.0
    placed = crs.harmonise(table(POLYLINE, written(lines)))
    assert [crs.reason_code(reason) for reason in placed.reasons] == [None] * 3 + ["stray_vertex"] + [None] * 4
    assert f"pair {vertex + 1} of 13" in placed.reasons[3]


@given(seed=st.integers(0, 10_000), place=st.integers(0, 12), length_m=st.floats(500, 30_000))
def test_a_straight_motorway_amid_bends_is_placed(seed, place, length_m):
    lines = [walk(seed + number) for number in range(4)]
    # The same causeway in both directions, as links come; in the middle of a line one would do.
    along = np.zeros(13)
    along[place:] = length_m / 111_000
    lines[2][:, 1] += along
    lines[3] = lines[2][::-1]
    if 2 <= place <= 11:
        lines.pop()
    assert codes(lines) == [None] * len(lines)


@pytest.mark.parametrize("length_m", [200.0, 1500.0])
def test_a_spur_to_a_terminal_and_back_is_placed(length_m):
    line = walk(1, steps=9, step_m=250.0)
    spur = line[4] + [0, length_m / 111_000]
    assert codes([walk(2), np.vstack([line[:5], spur, line[4:]]), walk(3)]) == [None] * 3


def test_a_feed_that_repeats_a_line_is_judged_like_one_that_does_not():
    lines = [walk(seed) for seed in range(6)]
    lines[2][5, 1] += 0.3
    assert codes(lines + [lines[2]] * 500) == [None, None, "stray_vertex", None, None, None] + ["stray_vertex"] * 500


def test_two_strays_in_one_line_name_the_farthest():
    lines = [walk(seed) for seed in range(6)]
    lines[2][0, 1] += 0.2
    lines[2][8, 1] += 0.3
    placed = crs.harmonise(table(POLYLINE, written(lines)))
    assert "pair 9 of 13" in placed.reasons[2]


def test_lines_of_one_step_and_of_one_place_are_no_yardstick():
    assert codes([np.array([[-73.9, 40.7], [-73.5, 40.7]])]) == [None]
    assert codes([np.array([[-73.9, 40.7]] * 3)]) == [None]


@pytest.mark.skipif(NYC is None, reason="TWIN_NYC_DATA is not set")
def test_new_york_s_links_that_leave_the_road_are_found_and_no_other():
    text: dict[str, str] = {}
    for name in ("dot_speeds_10000", "dot_speeds_2000_3-19-f", "dot_speeds_1000_08-38-f", "dot_speeds_1000_f1"):
        with gzip.open(Path(str(NYC)) / "transport" / f"{name}.csv.gz", "rt", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                lower = {key.lower(): value for key, value in row.items()}
                text[lower["link_points"]] = lower["link_id"]
    spec = {**POLYLINE, "cut_at": 255}
    placed = crs.harmonise(table(spec, list(text)))
    found = {text[points]: why for points, why in zip(text, placed.reasons, strict=True) if why and "stray" in why}
    # Each was looked at: 40.76 in Brooklyn, 40.8705 in Harlem; -74.91, -74.891 and -74.841 lie in New Jersey.
    assert set(found) == {"4616340", "4456450", "4616338", "4616229", "4616223"}
    assert "(x -73.984951, y 40.76)" in found["4616340"]
    assert len(text) == 133
