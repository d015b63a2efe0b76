"""Points on disk: what comes back, who else reads it, and what is refused."""

import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq
import pytest

import layers
from spatial_join import GeometryError, JoinError, read_points, write_points


@pytest.fixture
def city(rng):
    count = 300_000
    return 7.42 + rng.normal(0, 0.02, count), 43.73 + rng.normal(0, 0.01, count), np.arange(count)


def test_everything_comes_back_to_the_last_bit(city, tmp_path):
    lon, lat, number = city
    write_points(tmp_path / "p.parquet", lon, lat, columns={"number": number, "name": number.astype(str)})
    back = read_points(tmp_path / "p.parquet")
    order = back.columns["number"].to_numpy()
    assert np.array_equal(np.sort(order), number)
    assert np.array_equal(back.lon, lon[order])
    assert np.array_equal(back.lat, lat[order])
    assert back.columns["name"].to_pylist() == order.astype(str).tolist()


def test_a_box_gives_what_is_in_it_and_reads_little(city, tmp_path, monkeypatch):
    lon, lat, number = city
    write_points(tmp_path / "p.parquet", lon, lat, columns={"number": number})
    box = (7.41, 43.70, float(lon[5]), 43.705)
    read, groups = pq.ParquetFile.read_row_groups, []
    monkeypatch.setattr(pq.ParquetFile, "read_row_groups", lambda f, g, **k: (groups.extend(g), read(f, g, **k))[1])
    back = read_points(tmp_path / "p.parquet", box=box)
    inside = (lon >= box[0]) & (lon <= box[2]) & (lat >= box[1]) & (lat <= box[3])
    assert set(back.columns["number"].to_pylist()) == set(np.flatnonzero(inside).tolist())
    assert 0 < len(groups) < pq.ParquetFile(tmp_path / "p.parquet").num_row_groups
    assert read_points(tmp_path / "p.parquet", box=(0.0, 0.0, 1.0, 1.0)).lon.size == 0


def test_others_read_it(city, tmp_path):
    lon, lat, number = (column[:500] for column in city)
    write_points(tmp_path / "p.parquet", lon, lat, columns={"number": number})
    frame = gpd.read_parquet(tmp_path / "p.parquet").sort_values("number")
    assert frame.crs == "OGC:CRS84"
    assert np.array_equal(frame.geometry.x, lon)
    assert np.array_equal(frame.geometry.y, lat)
    layer = layers.read(tmp_path / "p.parquet")
    assert len(layer.table) == 500


def test_none_at_all(tmp_path):
    write_points(tmp_path / "p.parquet", [], [])
    assert read_points(tmp_path / "p.parquet").lon.size == 0
    write_points(tmp_path / "one.parquet", [7.4], [43.7])
    assert read_points(tmp_path / "one.parquet", box=(7.4, 43.7, 7.4, 43.7)).lat.tolist() == [43.7]


def test_what_is_refused(tmp_path):
    file = tmp_path / "p.parquet"
    with pytest.raises(GeometryError, match=r"1 of 2 positions.*row 1.*nan"):
        write_points(file, [7.0, np.nan], [43.0, 43.0])
    with pytest.raises(JoinError, match="2 longitudes, but 3 of 'a'"):
        write_points(file, [7.0, 7.1], [43.0, 43.0], columns={"a": [1, 2, 3]})
    with pytest.raises(JoinError, match="'geometry'; rename"):
        write_points(file, [7.0], [43.0], columns={"geometry": [1]})
    with pytest.raises(JoinError, match="no Parquet file"):
        read_points(file)
    gpd.GeoDataFrame(geometry=gpd.points_from_xy([7.0], [43.0]), crs="OGC:CRS84").to_parquet(file)
    with pytest.raises(JoinError, match="not written by write_points"):
        read_points(file)
