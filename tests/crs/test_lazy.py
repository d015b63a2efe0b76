"""Positions in partitions: the same numbers to the last bit, whatever the partitions, and nothing computed early."""

from __future__ import annotations

import collections
import dataclasses
import itertools

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import shapely
from dask.base import tokenize
from dask.core import get_dependencies
from hypothesis import given, settings
from hypothesis import strategies as st

import crs
import crs.lazy
from crs.digits import DigitSteps
from tests.reference.crs_layers import FakeLayer, shapes

HUB = "OGC:CRS84"
PLAIN = {"definition": "GCJ-02", "columns": ["lon", "lat"]}


def refuse(*_args, **_options):
    raise AssertionError("something was computed while the graph was made")


def in_parts(frame, cuts):
    """Make a Dask frame with borders between any rows, and parts without rows."""
    borders = [0, *sorted(min(cut, len(frame)) for cut in cuts), len(frame)]
    pieces = [frame.iloc[low:high] for low, high in itertools.pairwise(borders)]
    return dd.from_map(lambda piece: piece, pieces, meta=frame.iloc[:0])


def eager(frame, spec, *, references=None, target=HUB):
    position = crs.definition(spec)
    fields = crs.Fields(tuple(frame[column].to_numpy() for column in position.columns))
    columns = {name: frame[name].to_numpy() for name in frame.columns}
    done = crs.harmonise(FakeLayer("frame", position, fields, columns), target=target, references=references)
    return done.coordinates, done.reasons


def assert_equal(frame, spec, cuts, **options):
    """Compare the lazy result with the eager one, bit by bit."""
    with dask.config.set({"dataframe.convert-string": False}):
        with dask.config.set(scheduler=refuse):
            lazy = crs.lazy.harmonise(in_parts(frame, cuts), position=spec, **options)
        assert lazy.npartitions == len(cuts) + 1
        found = lazy.compute(scheduler="synchronous")
    expected, reasons = eager(frame, spec, **options)
    assert [None if pd.isna(r) else r for r in found["reason"]] == reasons.tolist()
    assert (
        found["geometry"].to_numpy(dtype=object, na_value=None).tolist() == shapely.to_wkb(expected.geometry).tolist()
    )
    assert np.array_equal(found["sigma_m"].to_numpy(), expected.sigma_m, equal_nan=True)
    ambiguous = np.zeros(len(frame), dtype=bool) if expected.ambiguous is None else expected.ambiguous
    assert found["ambiguous"].tolist() == ambiguous.tolist()
    pd.testing.assert_frame_equal(found[frame.columns], frame)
    assert found.dtypes.astype(str).tolist() == lazy.dtypes.astype(str).tolist()
    return expected


#: What departments write into one column: digits of all lengths, stand-ins, other notations, nothing.
LON = [
    "114.05",
    "114.0512",
    "114.05123",
    "114.051234",
    "114.051200",
    "114",
    "-999",
    "0",
    "",
    None,
    "x",
    "99.9999",
    "1,5",
]
LAT = ["22.54", "22.5412", "22.54123", "22.541234", "22.541200", "22", "-999", "0", "", None, "y", "91", "49.98"]
CUTS = st.lists(st.integers(0, 80), max_size=6)


@settings(deadline=None, max_examples=25)
@given(rows=st.lists(st.tuples(st.sampled_from(LON), st.sampled_from(LAT)), min_size=1, max_size=60), cuts=CUTS,
       cut=st.booleans())  # fmt: skip
def test_texts_in_partitions_are_those_of_the_whole(rows, cuts, cut):
    frame = pd.DataFrame(rows, columns=["lon", "lat"], dtype=object)
    assert_equal(frame, PLAIN | {"truncated": cut}, cuts)


@settings(deadline=None, max_examples=30)
@given(
    decimals=st.lists(st.integers(0, 7), min_size=1, max_size=80),
    kind=st.sampled_from(["float64", "float32", "Float64"]),
    cuts=CUTS,
    seed=st.integers(0, 5),
)
def test_numbers_in_partitions_are_those_of_the_whole(decimals, kind, cuts, seed):
    rng = np.random.default_rng(seed)
    at = rng.uniform((113.9, 22.4), (114.2, 22.6), (len(decimals), 2))
    rounded = [[round(float(v), d) for v in pair] for pair, d in zip(at, decimals, strict=True)]
    frame = pd.DataFrame(rounded, columns=["lon", "lat"])
    frame.loc[rng.uniform(size=len(frame)) < 0.1, "lon"] = np.nan
    frame.loc[rng.uniform(size=len(frame)) < 0.1, ["lon", "lat"]] = -999.0
    whole = frame.astype("float64" if kind == "Float64" else kind)
    expected, _ = eager(whole, PLAIN)
    lazy = crs.lazy.harmonise(in_parts(whole.astype(kind), cuts), position=PLAIN, form="xy")
    found = lazy.compute(scheduler="synchronous")
    assert np.array_equal(found["sigma_m"].to_numpy(), expected.sigma_m, equal_nan=True)
    assert np.array_equal(found["placed_x"].to_numpy(), shapely.get_x(expected.geometry), equal_nan=True)
    assert np.array_equal(found["placed_y"].to_numpy(), shapely.get_y(expected.geometry), equal_nan=True)


@settings(deadline=None, max_examples=12)
@given(seconds=st.lists(st.tuples(st.integers(0, 35999), st.integers(0, 2)), min_size=1, max_size=50), cuts=CUTS)
def test_degrees_minutes_seconds_and_pairs_in_partitions(seconds, cuts):
    texts = [f"{114}°{t // 600}'{t % 600 / 10:.{d}f}\"" for t, d in seconds]
    frame = pd.DataFrame({"lon": texts, "lat": [text.replace("114", "22") for text in texts]}, dtype=object)
    assert_equal(frame, PLAIN | {"notation": "dms"}, cuts)
    pairs = [f"{114 + t / 36000:.{d + 3}f} {22 + t / 36000:.{d + 4}f}" for t, d in seconds]
    assert_equal(pd.DataFrame({"at": pairs}, dtype=object), PLAIN | {"notation": "pair", "columns": ["at"]}, cuts)


def test_digits_are_judged_over_all_partitions():
    """Whole degrees with four decimals fill a partition of their own: alone they would look exact to four decimals."""
    rng = np.random.default_rng(1)
    fine = np.round(rng.uniform((114.0, 22.5), (114.1, 22.6), (200, 2)), 6)
    short = np.round(fine[:5], 4)
    frame = pd.DataFrame(np.vstack([short, fine]), columns=["lon", "lat"])
    together = crs.lazy.harmonise(in_parts(frame, [5]), position=PLAIN, form="xy").compute(scheduler="synchronous")
    alone = crs.lazy.harmonise(in_parts(frame[:5], []), position=PLAIN, form="xy").compute(scheduler="synchronous")
    assert together["sigma_m"].iloc[0] != alone["sigma_m"].iloc[0]
    assert np.array_equal(together["sigma_m"].to_numpy(), eager(frame, PLAIN)[0].sigma_m)


def streets():
    lines = [shapely.LineString([(114 + i / 100, 22.5), (114 + i / 100, 22.6)]) for i in range(4)]
    drawn = crs.harmonise(shapes(HUB, *lines, name="streets", id=list("ABCD")))
    across = shapely.LineString([(113.9, 22.55), (114.2, 22.55)])
    return drawn, crs.harmonise(shapes(HUB, *lines, across, name="net", id=[*"ABCD", "X"]))


@settings(deadline=None, max_examples=12)
@given(rows=st.lists(st.tuples(st.sampled_from("ABCDE"), st.integers(0, 12000), st.integers(0, 2),
       st.sampled_from(["up", "down", "?"])), min_size=1, max_size=40), cuts=CUTS)  # fmt: skip
def test_indirect_positions_in_partitions(rows, cuts):
    drawn, net = streets()
    posts = [f"K{m // 1000}+{m % 1000}" if d == 0 else f"{m}.{m % 10**d}" for _, m, d, _ in rows]
    frame = pd.DataFrame(
        {"id": [r[0] for r in rows], "post": posts, "way": [r[3] for r in rows], "x": "X"}, dtype=object
    )
    along = {"along": "streets", "key": "id", "columns": ["id", "post"], "direction": "way", "down": "from_end"}
    assert_equal(frame, along, cuts, references={"streets": drawn})
    assert_equal(frame, {"intersection": "net", "key": "id", "columns": ["id", "x"]}, cuts, references={"net": net})
    assert_equal(frame, {"register": "net", "key": "id", "columns": ["id"]}, cuts, references={"net": net})
    assert_equal(frame, {"address": "net", "key": "id", "columns": ["id"]}, cuts, references={"net": net})
    assert_equal(frame, {"cells": "geohash", "columns": ["id"]}, cuts)


def test_columns_of_text_with_gaps_stay_text():
    frame = pd.DataFrame({"lon": ["114.05", None, "114.0512"], "lat": ["22.5", "22.5", None], "id": [1, 2, 3]})
    found = crs.lazy.harmonise(dd.from_pandas(frame, npartitions=3), position=PLAIN).compute(scheduler="synchronous")
    codes = [crs.reason_code(reason) for reason in found["reason"].astype(object).where(found["reason"].notna(), None)]
    assert codes == [None, "missing", "missing"]
    assert found["geometry"].isna().tolist() == [False, True, True]


def test_equal_work_has_equal_names_and_other_work_others():
    frame = in_parts(pd.DataFrame({"lon": [114.05], "lat": [22.5], "id": ["A"], "post": ["5"]}), [0])
    plan = crs.lazy.harmonise(frame, position=PLAIN)
    assert tokenize(plan) == tokenize(crs.lazy.harmonise(frame, position=crs.definition(PLAIN)))
    assert tokenize(plan) != tokenize(crs.lazy.harmonise(frame, position=PLAIN | {"sigma_m": 5}))
    assert tokenize(plan) != tokenize(crs.lazy.harmonise(frame, position=PLAIN, target="EPSG:4547"))
    along = {"along": "streets", "key": "id", "columns": ["id", "post"]}
    one, other = (
        crs.lazy.harmonise(frame, position=along, references={"streets": layer})
        for layer in (streets()[0], streets()[0])
    )
    assert tokenize(one) == tokenize(other)


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_any_scheduler_gives_the_same(scheduler):
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(np.round(rng.uniform((114.0, 22.5), (114.1, 22.6), (1000, 2)), 5), columns=["lon", "lat"])
    found = crs.lazy.harmonise(dd.from_pandas(frame, npartitions=40), position=PLAIN, form="xy")
    found = found.compute(scheduler=scheduler)
    assert np.array_equal(found["sigma_m"].to_numpy(), eager(frame, PLAIN)[0].sigma_m)


@pytest.mark.parametrize("more", [{}, {"more": 1}])
def test_a_partition_is_read_again_and_not_kept(more):
    """Counting and placing share no task, so that no partition waits in memory until all are counted."""
    frame = in_parts(pd.DataFrame({"lon": [114.05] * 4, "lat": [22.5] * 4} | more), [1, 2])
    plan = crs.lazy.harmonise(frame, position=PLAIN)
    graph = dict(plan.optimize().__dask_graph__())
    users = collections.Counter(key for name in graph for key in get_dependencies(graph, name))
    shared = [key for key, count in users.items() if count > 1]
    assert len(shared) == 2, "the digits and the references alone are used by several tasks"


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"position": "GCJ-02"}, crs.PositionMissingError, "names no columns"),
        ({"position": PLAIN | {"columns": ["a", "b"]}}, crs.PositionContradictionError, "the columns ['a', 'b']"),
        (
            {"position": PLAIN | {"notation": "polyline", "columns": ["lon"]}},
            crs.PositionContradictionError,
            "together",
        ),
        ({"position": PLAIN, "form": "wkt"}, crs.OperationRefusedError, "write one of wkb, xy"),
        ({"position": PLAIN | {"definition": "EPSG:4610"}}, crs.OperationRefusedError, "Xian 1980"),
        ({"position": {"register": "r", "key": "k", "columns": ["lon"]}}, crs.ReferenceMissingError, "refers to 'r'"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_computed(options, error, said):
    frame = in_parts(pd.DataFrame({"lon": [114.05], "lat": [22.5]}), [])
    with dask.config.set(scheduler=refuse), pytest.raises(error) as caught:
        crs.lazy.harmonise(frame, **options)
    assert said in str(caught.value)


def test_columns_are_never_overwritten_and_areas_are_no_points():
    frame = pd.DataFrame({"lon": [114.05], "lat": [22.5], "sigma_m": [1.0]})
    with pytest.raises(crs.PositionContradictionError, match=r"has columns \['sigma_m'\] already"):
        crs.lazy.harmonise(in_parts(frame, []), position=PLAIN)
    cells = pd.DataFrame({"code": ["ws10k"]})
    plan = crs.lazy.harmonise(in_parts(cells, []), position={"cells": "geohash", "columns": ["code"]}, form="xy")
    with pytest.raises(crs.PositionContradictionError, match="a Polygon; pass form='wkb'"):
        plan.compute(scheduler="synchronous")


# --- arrays ----------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(
    count=st.integers(1, 300),
    chunk=st.integers(1, 300),
    other=st.integers(1, 300),
    way=st.sampled_from([("GCJ-02", HUB), ("BD-09", "EPSG:4547"), ("EPSG:4490", "EPSG:4547"), (HUB, "EPSG:32650")]),
)
def test_arrays_in_chunks_are_those_of_the_whole(count, chunk, other, way):
    lon, lat = np.random.default_rng(count).uniform((113.5, 22.0), (115.0, 23.0), (count, 2)).T
    lon[::7] = np.nan
    source, target = way
    with dask.config.set(scheduler=refuse):
        moved = crs.lazy.transform(
            da.from_array(lon, chunks=chunk), da.from_array(lat, chunks=other), source=source, target=target
        )
        again = crs.lazy.transform(
            da.from_array(lon, chunks=chunk), da.from_array(lat, chunks=other), source=source, target=target
        )
    assert [part.name for part in moved] == [part.name for part in again]
    found = dask.compute(*moved, scheduler="synchronous")
    for one, whole in zip(found, crs.transform(lon, lat, source=source, target=target), strict=True):
        assert np.array_equal(one, whole, equal_nan=True)


def test_arrays_of_rasters_and_what_lies_outside():
    lon, lat = np.meshgrid(np.linspace(113, 114, 5), np.linspace(22, 23, 4))
    x, y = da.from_array(lon, chunks=2), da.from_array(lat, chunks=2)
    moved = crs.lazy.transform(x, y, source="GCJ-02", target="EPSG:4490")
    assert moved[0].chunks == x.chunks
    assert np.array_equal(moved[1].compute(), crs.transform(lon, lat, source="GCJ-02", target="EPSG:4490")[1])
    far = da.from_array(np.array([114.0, 200.0]), chunks=1), da.from_array(np.array([22.0, 22.0]), chunks=1)
    planned = crs.lazy.transform(*far, source=HUB, target="EPSG:4547")
    with pytest.raises(crs.AreaOfUseError):
        planned[0].compute(scheduler="synchronous")
    x, _ = crs.lazy.transform(*far, source=HUB, target="EPSG:4547", outside="nan")
    assert np.isnan(x.compute()).tolist() == [False, True]
    with pytest.raises(crs.LengthMismatchError):
        crs.lazy.transform(far[0], far[1][:1], source=HUB, target="EPSG:4547")
    with pytest.raises(crs.OperationRefusedError):
        crs.lazy.transform(*far, source="EPSG:4610", target=HUB)


def test_fields_with_judged_digits_have_their_own_token():
    columns = (np.array(["114.05"], dtype=object), np.array(["22.5"], dtype=object))
    digits = (DigitSteps(finest=0.01), DigitSteps(finest=0.1))
    one, other = crs.Fields(columns), crs.Fields(columns, digits)
    assert tokenize(one) == tokenize(dataclasses.replace(other, digits=None)) != tokenize(other)


def test_columns_of_heights_are_moved_too():
    spec = {"definition": "EPSG:4326", "columns": ["lon", "lat"]}
    spec["vertical"] = {"datum": "NAVD88", "unit": "foot", "columns": ["roof"]}
    frame = pd.DataFrame({"lon": [-74.0, 200.0], "lat": [40.7, 40.7], "roof": [100, 200]})
    fields = crs.Fields((frame["lon"].to_numpy(), frame["lat"].to_numpy()))
    layer = FakeLayer("frame", crs.definition(spec), fields, {"roof": frame["roof"].to_numpy()})
    with dask.config.set(scheduler=refuse):
        plan = crs.lazy.harmonise(in_parts(frame, [1]), position=spec)
    assert plan.dtypes["roof"] == np.float64
    found = plan.compute(scheduler="synchronous")
    assert found["roof"].iloc[0] == pytest.approx(30.48, abs=1e-9)
    assert crs.harmonise(layer).coordinates.geometry[1] is None


def test_the_frame_optimises_itself_and_persists():
    """`dask.optimize` is another thing: it takes all keys of the graph for partitions, of any frame (Dask 2026.8)."""
    frame = pd.DataFrame({"lon": ["114.05", "114.06", "n/a", "114.1"], "lat": ["22.54", "22.5", "22.5", "22.51"]})
    lazy = crs.lazy.harmonise(in_parts(frame, [1, 3]), position=PLAIN)
    whole = lazy.compute(scheduler="synchronous")
    for other in (lazy.optimize(), lazy.optimize(fuse=False), *dask.persist(lazy, scheduler="synchronous")):
        assert other.npartitions == 3
        pd.testing.assert_frame_equal(other.compute(scheduler="synchronous"), whole)
