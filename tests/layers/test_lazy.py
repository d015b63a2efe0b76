"""Tables in partitions and rasters in windows: the same as whole, and nothing read before it is asked for."""

import operator
import warnings

import dask
import fsspec
import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import layers
from layers import lazy

AT = {"definition": "EPSG:4326", "columns": ["x", "y"]}
SPEED = {"v": layers.Field(kind="number", max=100)}


@pytest.fixture(autouse=True)
def _one_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


def _csv(path, count=5000, *, dirt=True):
    random = np.random.default_rng(3)
    names = ["plain", 'with "quotes"', "two\nlines", "海, comma"]
    frame = pd.DataFrame(
        {
            "id": np.arange(count),
            "name": random.choice(names, count),
            "x": np.round(7.4 + random.random(count) / 20, 6),
            "y": np.round(43.72 + random.random(count) / 20, 6),
            "v": random.integers(0, 140, count),
        }
    )
    frame.to_csv(path, index=False)
    if dirt:
        with path.open("a") as file:
            file.write("ragged,row\n1,a,7.42,43.73,fast\n2,b,7.42,43.73,20\n")
    return frame


def _ids(layer):
    return sorted(int(i) for i in layer.table["id"])


@pytest.mark.parametrize("partition_mb", [0.01, 0.05, 10])
def test_a_table_in_parts_is_the_table(tmp_path, partition_mb):
    _csv(tmp_path / "a.csv")
    options = layers.ReadOptions(fields=SPEED)
    whole = layers.read(tmp_path / "a.csv", position=AT, options=options)
    stream = lazy.read_csv(
        tmp_path / "a.csv", position=AT, options=options, partition_mb=partition_mb, aside=tmp_path / "aside"
    )
    assert (len(stream.parts) > 3) == (partition_mb < 1)
    ids, account = stream.compute(_ids, combine=operator.add)
    assert sorted(ids) == _ids(whole)
    assert account.records_in == whole.ledger.records_in
    assert (account.placed, account.quarantined, account.rejected) == (
        whole.ledger.placed, len(whole.ledger.quarantined), len(whole.ledger.rejected),
    )  # fmt: skip
    reasons = whole.ledger.reasons()
    assert account.reasons == {f"{f}: {r}": n for f, r, n in reasons.itertuples(index=False)}
    kept = pd.concat(pd.read_parquet(path) for path in (tmp_path / "aside").glob("*.parquet"))
    assert len(kept) == account.quarantined + account.rejected
    assert (
        kept["reason"].str.split(":").str[0].value_counts().to_dict()
        == reasons.groupby("reason")["records"].sum().to_dict()
    )


texts = st.lists(st.text('ab"\n,é', max_size=6), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(texts=texts, size=st.integers(1, 60))
def test_no_cut_falls_into_a_quoted_text(tmp_path_factory, texts, size):
    path = tmp_path_factory.mktemp("c") / "a.csv"
    frame = pd.DataFrame({"x": 7.4, "y": 43.7, "name": texts})
    frame.to_csv(path, index=False, quoting=2)
    stream = lazy.read_csv(path, position=AT, partition_mb=size / 1e6)
    assert [part.stop for part in stream.parts[:-1]] == [part.start for part in stream.parts[1:]]
    assert stream.parts[-1].stop == path.stat().st_size
    names, account = stream.compute(lambda layer: layer.table["name"].tolist(), combine=operator.add)
    assert account.records_in == account.placed == len(texts)
    assert ["" if pd.isna(name) else name for name in names] == texts


def test_geoparquet_in_parts(tmp_path):
    count = 10_000
    random = np.random.default_rng(1)
    points = shapely.points(7.4 + random.random(count) / 20, 43.72 + random.random(count) / 20)
    points[17] = None
    frame = gpd.GeoDataFrame({"v": random.integers(0, 140, count)}, geometry=points, crs="OGC:CRS84")
    frame.loc[17, "v"] = 5
    frame.to_parquet(tmp_path / "a.parquet", row_group_size=700)
    stream = lazy.read_parquet(tmp_path / "a.parquet", options=layers.ReadOptions(fields=SPEED), partition_mb=0.02)
    assert len(stream.parts) > 5
    total, account = stream.compute(lambda layer: int(layer.table["v"].sum()), combine=operator.add)
    sound = frame[(frame["v"] <= 100) & frame.geometry.notna()]
    assert total == int(sound["v"].sum())
    assert account.records_in == count == pq.ParquetFile(tmp_path / "a.parquet").metadata.num_rows
    assert account.reasons == {
        "quarantined: out_of_range": int((frame["v"] > 100).sum()),
        "quarantined: no_geometry": 1,
    }


def test_nothing_is_read_before_and_a_lost_part_is_a_fault(tmp_path, monkeypatch):
    _csv(tmp_path / "a.csv", 500)
    monkeypatch.setattr("layers.lazy.streams.to_layer", lambda *_, **__: pytest.fail("read too early"))
    stream = lazy.read_csv(tmp_path / "a.csv", position=AT, partition_mb=0.005)
    stream.delayed(len)
    monkeypatch.undo()
    frame = pd.DataFrame({"x": [7.4] * 10, "y": [43.7] * 10})
    frame.to_parquet(tmp_path / "b.parquet", row_group_size=5)
    torn = lazy.read_parquet(tmp_path / "b.parquet", position=AT, partition_mb=1e-6)
    assert len(torn.parts) == 2
    frame.iloc[:9].to_parquet(tmp_path / "b.parquet", row_group_size=5)  # changed behind its back
    with dask.config.set(scheduler="synchronous"), pytest.raises(layers.LedgerError, match="9 of 10 records"):
        torn.compute(len, combine=operator.add)


def test_what_needs_all_records_or_cannot_be_cut_is_refused(tmp_path, monkeypatch):
    _csv(tmp_path / "a.csv", 200)
    with pytest.raises(layers.SchemaError, match="unique compares all records"):
        lazy.read_csv(tmp_path / "a.csv", position=AT, options=layers.ReadOptions(unique=(("id",),)))
    (tmp_path / "b.csv").write_text('x,y\n"7,43\n' + "7,43\n" * 5000)
    monkeypatch.setattr("layers.lazy.tables._MAX_OPEN", 1000)
    with pytest.raises(layers.FileRefusedError, match="a quote is open from byte"):
        lazy.read_csv(tmp_path / "b.csv", position=AT, partition_mb=0.001)
    fsspec.filesystem("file").put(str(tmp_path / "a.csv"), str(tmp_path / "c.csv.gz"))
    with pytest.raises(layers.LayerError):
        lazy.read_csv(tmp_path / "c.csv.gz", position=AT)


def test_a_storage_is_read_only_where_it_is_named(tmp_path):
    """fsspec's own storage in memory stands for an object store."""
    _csv(tmp_path / "a.csv", 2000)
    store = fsspec.filesystem("memory")
    store.pipe("/city/a.csv", (tmp_path / "a.csv").read_bytes())
    pd.DataFrame({"x": [7.4] * 100, "y": [43.7] * 100}).to_parquet(tmp_path / "b.parquet", row_group_size=30)
    store.pipe("/city/b.parquet", (tmp_path / "b.parquet").read_bytes())
    try:
        for read in (lazy.read_csv, lazy.read_parquet):
            with pytest.raises(layers.FileRefusedError, match="nothing is read over a network"):
                read("memory://city/a.csv", position=AT)
        stream = lazy.read_csv("memory://city/a.csv", position=AT, partition_mb=0.02, remote=True)
        count, account = stream.compute(len, combine=operator.add)
        assert count == account.placed == 2002
        assert account.rejected == 1
        table = lazy.read_parquet("memory://city/b.parquet", position=AT, partition_mb=1e-4, remote=True)
        assert len(table.parts) == 4
        assert table.compute(len, combine=operator.add)[0] == 100
        with pytest.raises(layers.FileRefusedError, match="cannot be found"):
            lazy.read_csv("memory://city/none.csv", position=AT, remote=True)
    finally:
        store.rm("/city", recursive=True)
    with pytest.raises(layers.FileRefusedError, match="nothing is read over a network"):
        layers.read("memory://city/a.csv", position=AT)


def test_equal_streams_have_equal_tokens(tmp_path):
    _csv(tmp_path / "a.csv", 100)
    one, two = (lazy.read_csv(tmp_path / "a.csv", position=AT) for _ in range(2))
    other = lazy.read_csv(tmp_path / "a.csv", position=AT, options=layers.ReadOptions(fields=SPEED))
    assert dask.base.tokenize(one) == dask.base.tokenize(two) != dask.base.tokenize(other)
    assert [part.key for part in one.delayed(len)] == [part.key for part in two.delayed(len)]


def _geotiff(path, bands=1):
    values = np.random.default_rng(1).integers(0, 1000, (bands, 600, 700)).astype("int16")
    values[:, :20, :30] = -1
    with rasterio.open(
        path, "w", driver="GTiff", height=600, width=700, count=bands, dtype="int16", nodata=-1, crs="EPSG:32632",
        transform=rasterio.Affine(10, 0, 370_000, 0, -10, 4_850_000), tiled=True, blockxsize=256, blockysize=256,
    ) as file:  # fmt: skip
        file.write(values)
        file.scales = (0.5,) * bands
        file.build_overviews([2, 4])
    return values


def test_a_geotiff_by_windows_is_the_geotiff(tmp_path, monkeypatch):
    _geotiff(tmp_path / "a.tif")
    raster = lazy.open_raster(tmp_path / "a.tif", chunk=256)
    layer = layers.read(tmp_path / "a.tif")
    assert raster.chunks == ((256, 256, 88), (256, 256, 188))
    assert np.array_equal(raster.to_numpy(), layer.values, equal_nan=True)
    assert raster.attrs["declared"] == "EPSG:32632"
    corners = layer.coordinates.corner_x[0]
    assert raster["x"].to_numpy() == pytest.approx((corners[:-1] + corners[1:]) / 2)
    read = []
    inner = lazy.rasters._read_geotiff
    monkeypatch.setattr("layers.lazy.rasters._read_geotiff", lambda *given: read.append(given) or inner(*given))
    window = lazy.open_raster(tmp_path / "a.tif", chunk=256)[300:310, 300:310].to_numpy()
    assert np.array_equal(window, layer.values[300:310, 300:310])  # noqa: PD011 - no pandas here
    assert len(read) == 1
    bands = _geotiff(tmp_path / "b.tif", bands=3)
    two = lazy.open_raster(tmp_path / "b.tif", options=layers.ReadOptions(band=2))
    assert np.nansum(two.to_numpy()) == (bands[1] * 0.5)[bands[1] >= 0].sum()


@pytest.mark.parametrize("form", ["a.nc", "a.zarr"])
def test_a_cube_by_windows_is_the_cube(tmp_path, form):
    values = np.arange(4 * 30 * 360, dtype="float64").reshape(4, 30, 360)
    values[0, 0, 0] = np.nan
    cube = xr.Dataset(
        {"no2": (("time", "lat", "lon"), values, {"units": "ug m-3"})},
        coords={
            "time": ("time", np.arange(4), {"units": "hours since 2026-06-16 08:00 +8:00"}),
            "lat": ("lat", 50.0 - np.arange(30), {"units": "degrees_north"}),
            "lon": ("lon", 0.5 + np.arange(360), {"units": "degrees_east"}),
        },
    )
    with warnings.catch_warnings(action="ignore"):
        cube.to_netcdf(tmp_path / form, engine="h5netcdf") if form == "a.nc" else cube.to_zarr(tmp_path / form)
    raster = lazy.open_raster(tmp_path / form, chunk=100)
    assert raster.dims == ("time", "lat", "lon")
    assert raster["time"].to_numpy()[1] == np.datetime64("2026-06-16T01:00")
    assert raster["lon"].to_numpy()[[0, -1]].tolist() == [-179.5, 179.5]
    for step in range(4):
        layer = layers.read(tmp_path / form, position="EPSG:4326", options=layers.ReadOptions(band=step + 1))
        assert np.array_equal(raster[step].to_numpy(), layer.values, equal_nan=True)
