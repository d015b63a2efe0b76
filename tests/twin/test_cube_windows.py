"""Part of a cube is what is cut out of the whole, whether it comes from chunks, from memory or when looked at."""

import datetime as dt

import h3
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import twin
from spatial_join import H3Grid, ResolutionError
from twin.cube.chunks import CHUNK_CELLS, write_arrays, write_blocks
from twin.cube.window import cells_asked, steps_asked, window_of
from twin.storage.snapshot import open_snapshot
from twin.store import SnapshotWriter
from twin.timeline import Clock

CELLS = st.builds(h3.latlng_to_cell, st.floats(-80, 80), st.floats(-179, 179), st.integers(0, 11))


@given(cell=CELLS, ahead=st.integers(0, 3))
def test_descendants_are_the_run_that_h3_lists(cell, ahead):
    resolution = h3.get_resolution(cell) + ahead
    first, last = H3Grid(resolution).descendants([int(cell, 16)])
    children = [int(child, 16) for child in h3.cell_to_children(cell, resolution)]
    assert (first[0], last[0]) == (min(children), max(children))


def test_a_finer_cell_and_a_number_that_is_none_have_no_descendants():
    for number in (0x8A39690A31A7FFF, 5):
        with pytest.raises(ResolutionError, match=f"{number:x}"):
            H3Grid(8).descendants([number])


@given(st.data())
def test_the_rows_of_a_window_are_the_cells_with_an_ancestor_in_it(data):
    children = h3.cell_to_children(h3.latlng_to_cell(43.7, 7.4, 7), 9)
    everything = np.sort(np.array([int(child, 16) for child in children], dtype=np.uint64))
    cells = everything[data.draw(st.lists(st.booleans(), min_size=everything.size, max_size=everything.size))]
    asked = data.draw(st.lists(st.tuples(st.sampled_from(everything.tolist()), st.integers(7, 9)), max_size=5))
    chosen = [int(H3Grid(r).parents([c], r)[0]) for c, r in asked]
    expected = [
        i
        for i, c in enumerate(cells)
        if any(int(H3Grid(r).parents([c], r)[0]) == p for p, (_, r) in zip(chosen, asked, strict=True))
    ]
    window = window_of(np.array(chosen, dtype=np.uint64), None, resolution=9)
    assert window.rows(cells).tolist() == expected


def same(part, whole):
    """Compare on the cells where anything is known: a part has no lines for cells that none of its variables has."""
    xr.testing.assert_identical(part.drop_attrs(), whole.drop_attrs().sel(cell=part.cell))


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_a_part_of_the_cube_equals_the_part_of_the_whole(tiny, data):
    resolution = data.draw(st.integers(max(0, tiny.resolution - 3), tiny.resolution))
    city, warm = twin.open(tiny.path), data.draw(st.booleans())
    if warm:
        city.cube()
    whole = tiny.cube(resolution=resolution)
    chosen = data.draw(st.lists(st.sampled_from(whole.cell.to_numpy().tolist()), min_size=1, max_size=6, unique=True))
    first = data.draw(st.integers(0, whole.time.size - 1))
    last = data.draw(st.integers(first, whole.time.size - 1))
    cells = [f"{cell:x}" for cell in chosen] if data.draw(st.booleans()) else np.array(chosen, dtype=np.uint64)
    part = city.cube(resolution=resolution, cells=cells, time=slice(first, last))
    assert part.cell.to_numpy().tolist() == sorted(chosen)
    same(part, whole.isel(time=slice(first, last + 1)))
    lazy = city.lazy_cube(resolution=resolution)
    assert set(lazy) == set(whole)
    rows = data.draw(st.lists(st.integers(0, whole.cell.size - 1), min_size=1, max_size=5))
    for pick in ({"cell": rows, "time": [last, first]}, {"cell": rows[0], "time": last}):
        xr.testing.assert_identical(lazy.isel(pick).load(), whole.isel(pick))


def test_a_coarse_cell_is_a_district_and_an_area_is_what_it_touches(tiny):
    city = twin.open(tiny.path)
    whole = tiny.cube()
    parents = H3Grid(8).parents(whole.cell.to_numpy(), 8)
    district = city.cube(cells=parents[0])
    assert district.cell.to_numpy().tolist() == whole.cell.to_numpy()[parents == parents[0]].tolist()
    lon, lat = H3Grid(tiny.resolution).centres(whole.cell.to_numpy()[:1])
    lasso = shapely.Point(lon[0], lat[0]).buffer(0.001, quad_segs=3)
    for area, shape in ((lasso, lasso), (lasso.bounds, shapely.box(*lasso.bounds))):
        touched = H3Grid(tiny.resolution).cover([shape])
        part = city.cube(area=area)
        assert part.cell.size
        assert set(part.cell.to_numpy()) == set(whole.cell.to_numpy()) & set(touched)
        same(part, whole)


def test_nothing_of_what_is_left_out_is_read(tmp_path, monkeypatch):
    cells = np.arange(CHUNK_CELLS + 900, dtype=np.uint64)
    values = np.arange(cells.size * 800, dtype=np.float32).reshape(cells.size, 800)
    writer = SnapshotWriter(tmp_path)
    folder = writer.folder / "cube.zarr" / "v"
    write_arrays(folder, {"cell": cells}, attributes={})
    blocks = (values[i : i + CHUNK_CELLS] for i in range(0, cells.size, CHUNK_CELLS))
    write_blocks(folder, "value", blocks, shape=values.shape, dtype=values.dtype)
    writer.publish({})
    snapshot = open_snapshot(tmp_path)
    read = []
    checked = snapshot.checked
    monkeypatch.setattr(snapshot, "checked", lambda name: read.append(name) or checked(name))
    rows, steps = np.arange(9000, 9050), np.arange(770, 794)
    found = snapshot.arrays("v", ("value",), rows=rows, steps=steps)["value"]
    np.testing.assert_array_equal(found, values[9000:9050, 770:794])
    assert [name for name in read if "/c/" in name] == ["cube.zarr/v/value/c/1/2"]
    np.testing.assert_array_equal(snapshot.arrays("v", ("value",))["value"], values)
    scattered = snapshot.arrays("v", ("value",), rows=np.array([0, 9_000]), steps=np.array([3, 799]))["value"]
    np.testing.assert_array_equal(scattered, values[[0, 9_000]][:, [3, 799]])
    assert snapshot.arrays("v", ("value",), rows=rows[:0])["value"].shape == (0, 800)


def test_days_and_slices_take_both_ends_in():
    clock = twin.Clock(step_s=3600, zone="Europe/Monaco", start=_utc("2026-03-28T00:00"), end=_utc("2026-03-31T00:00"))
    day = np.arange(24, 47)
    assert steps_asked(clock, "2026-03-29").tolist() == day.tolist(), "the clocks went forward"
    assert steps_asked(clock, dt.date(2026, 3, 29)).tolist() == day.tolist()
    assert steps_asked(clock, "2026-03-29T00:30").tolist() == [24]
    assert steps_asked(clock, slice("2026-03-29", "2026-03-30")).tolist() == list(range(24, 71))
    assert steps_asked(clock, slice(3, 5)).tolist() == [3, 4, 5]
    assert steps_asked(clock, slice(None, "2026-03-28")).tolist() == list(range(24))
    assert steps_asked(clock, None) is None
    for wrong in ("2026-04-02", "soon", 400, slice(0, 5, 2)):
        with pytest.raises(twin.SeriesError):
            steps_asked(clock, wrong)
    assert steps_asked(Clock(step_s=3600, zone="UTC"), slice("07:00", "09:30")).tolist() == [7, 8, 9]


def _utc(local):
    return pd.Timestamp(local, tz="Europe/Monaco").tz_convert("UTC")


def test_what_is_no_cell_and_no_area_is_said():
    for cells in ("zz", [1.5, "x"], 5, "8c39690a31a7fff"):
        with pytest.raises(twin.UnknownNameError, match="cell"):
            cells_asked(cells, None, resolution=9)
    for area in ((1, 2, 3), "Monaco", shapely.Point(7, 43)):
        with pytest.raises(twin.UnknownNameError, match="area"):
            cells_asked(None, area, resolution=9)
    with pytest.raises(twin.UnknownNameError, match="both"):
        cells_asked(5, (1, 2, 3, 4), resolution=9)
