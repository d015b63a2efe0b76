"""H3 cells from the kernel against h3 itself, point by point."""

import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial_join.errors import JoinError
from spatial_join.kernels.h3_faces import face_tables
from spatial_join.kernels.h3_index import index_positions
from tests.reference.kernels_exact import cells_of

CITIES = {"Hangzhou": (120.15, 30.25), "Monaco": (7.42, 43.73), "New York": (-73.97, 40.78), "Quito": (-78.51, -0.22)}


def directions(rng, count):
    return rng.uniform(-180, 180, count), np.degrees(np.arcsin(rng.uniform(-1, 1, count)))


@pytest.mark.parametrize("resolution", range(16))
def test_anywhere_on_earth(resolution):
    lon, lat = directions(np.random.default_rng(resolution), 20_000)
    assert (index_positions(lon, lat, resolution, cell_of=cells_of) == cells_of(lon, lat, resolution)).all()


@pytest.mark.parametrize("city", CITIES)
@pytest.mark.parametrize("resolution", [7, 9, 12, 13, 15])
def test_in_a_city(city, resolution):
    rng = np.random.default_rng(3)
    lon, lat = (centre + rng.uniform(-0.2, 0.2, 10_000) for centre in CITIES[city])
    assert (index_positions(lon, lat, resolution, cell_of=cells_of) == cells_of(lon, lat, resolution)).all()


@pytest.mark.parametrize("resolution", range(16))
@pytest.mark.parametrize("spread", [1e-6, 1e-3, 0.5, 5.0])
def test_around_the_pentagons(resolution, spread):
    rng = np.random.default_rng(4)
    lat, lon = (np.repeat(v, 60) for v in np.transpose([h3.cell_to_latlng(c) for c in h3.get_pentagons(resolution)]))
    lat = np.clip(lat + rng.normal(0, spread, lat.size), -90, 90)
    lon = lon + rng.normal(0, spread, lat.size) / np.maximum(0.1, np.cos(np.radians(lat)))
    assert (index_positions(lon, lat, resolution, cell_of=cells_of) == cells_of(lon, lat, resolution)).all()


@pytest.mark.parametrize("resolution", [0, 1, 5, 8, 11, 15])
def test_along_the_edges_of_cells_and_faces(resolution):
    rng = np.random.default_rng(5)
    vertices = np.array([h3.cell_to_latlng(c) for c in h3.get_pentagons(0)])
    start, end = vertices[rng.integers(0, 12, 3000)], vertices[rng.integers(0, 12, 3000)]
    lat, lon = (start + rng.uniform(0, 1, (3000, 1)) * (end - start)).T
    corners = [h3.cell_to_boundary(c) for c in cells_of(lon[:300], lat[:300], resolution).tolist()]
    lat, lon = np.concatenate([np.stack([lat, lon], axis=1), *map(np.array, corners)]).T
    middle = np.concatenate([(np.array(c) + np.roll(c, 1, axis=0)) / 2 for c in corners if np.ptp(c, axis=0)[1] < 90])
    lat, lon = np.concatenate([lat, middle[:, 0]]), np.concatenate([lon, middle[:, 1]])
    assert (index_positions(lon, lat, resolution, cell_of=cells_of) == cells_of(lon, lat, resolution)).all()


@given(
    st.lists(st.tuples(st.floats(-540, 540), st.floats(-90, 90)), min_size=1, max_size=50),
    st.integers(0, 15),
)
@settings(max_examples=200, deadline=None)
def test_any_positions(positions, resolution):
    lon, lat = np.array(positions).T.copy()
    assert (index_positions(lon, lat, resolution, cell_of=cells_of) == cells_of(lon, lat, resolution)).all()


def test_few_positions_are_left_to_h3():
    asked = []

    def counting(lon, lat, resolution):
        asked.append(lon.size)
        return cells_of(lon, lat, resolution)

    lon, lat = directions(np.random.default_rng(6), 300_000)
    index_positions(lon[:1], lat[:1], 10, cell_of=counting)
    asked.clear()
    index_positions(lon, lat, 10, cell_of=counting)
    assert sum(asked) < 10


def test_the_answer_does_not_depend_on_threads_or_company():
    lon, lat = directions(np.random.default_rng(7), 200_000)
    together = index_positions(lon, lat, 9, cell_of=cells_of, threads=2)
    assert (index_positions(lon, lat, 9, cell_of=cells_of, threads=1) == together).all()
    assert (index_positions(lon[::-1], lat[::-1], 9, cell_of=cells_of)[::-1] == together).all()


def test_positions_that_are_none_get_no_cell():
    lon = np.array([np.nan, 7.42, np.inf, 7.42, 7.42, 7.42])
    lat = np.array([43.7, np.nan, 43.7, -np.inf, 90.0001, 43.7])
    cells = index_positions(lon, lat, 9, cell_of=cells_of)
    assert (cells[:5] == 0).all()
    assert cells[5] == h3.latlng_to_cell(43.7, 7.42, 9)
    assert index_positions(np.empty(0), np.empty(0), 9, cell_of=cells_of).size == 0


def test_wrong_calls_say_what_is_wrong():
    with pytest.raises(JoinError, match="0 to 15, got 16"):
        index_positions(np.zeros(1), np.zeros(1), 16, cell_of=cells_of)
    with pytest.raises(JoinError, match="2 longitudes but 1 latitudes"):
        index_positions(np.zeros(2), np.zeros(1), 9, cell_of=cells_of)


def test_the_icosahedron_is_h3s():
    tables = face_tables(cells_of)
    lat, lon = np.radians(np.transpose([h3.cell_to_latlng(c) for c in h3.get_pentagons(0)]))
    pentagons = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    apart = np.abs(tables.vertex[:, None] - pentagons).max(axis=2).min(axis=1)
    assert apart.max() < 2e-15
