import h5py
import numpy as np
import pytest
import rasterio
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.transform import Affine

import crs
import layers
from layers.raster import RasterLayer


def _write(path, values, *, transform=None, **profile):
    values = np.atleast_3d(values.T).T if values.ndim == 2 else values
    settings = {"driver": "GTiff", "crs": "EPSG:32632", "nodata": -9999.0, "dtype": values.dtype} | profile
    tags = settings.pop("tags", {})
    with rasterio.open(
        path, "w", height=values.shape[1], width=values.shape[2], count=len(values),
        transform=transform or Affine(10, 0, 400_000, 0, -10, 4_850_000), **settings,
    ) as file:  # fmt: skip
        file.write(values)
        file.update_tags(**tags)
    return path


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), turn=st.sampled_from([0.0, 0.3]))
def test_values_and_places_agree_with_rasterio(tmp_path_factory, seed, turn):
    random = np.random.default_rng(seed)
    values = random.normal(size=(random.integers(1, 9), random.integers(1, 9))).astype("float32")
    values[random.random(values.shape) < 0.3] = -9999
    transform = Affine(10, turn, 400_000, -turn, -10, 4_850_000)
    path = _write(tmp_path_factory.mktemp("r") / "a.tif", values, transform=transform)
    layer = layers.read(path)
    assert isinstance(layer, RasterLayer)
    with rasterio.open(path) as file:
        theirs = np.ma.filled(file.read(1, masked=True).astype(float), np.nan)
        corner = (
            file.transform @ (values.shape[1], 1)
            if hasattr(file.transform, "__matmul__")
            else file.transform * (values.shape[1], 1)
        )
    assert np.array_equal(layer.values, theirs, equal_nan=True)
    assert (layer.coordinates.corner_x[1, -1], layer.coordinates.corner_y[1, -1]) == pytest.approx(corner)
    assert layer.ledger.records_in == np.isfinite(theirs).sum() == len(layer)
    assert layer.position.name == "EPSG:32632"


def test_scale_offset_unit_and_band(tmp_path):
    path = tmp_path / "a.tif"
    _write(path, np.array([[[1, 2]], [[3, 4]]], dtype="int16"), nodata=4)
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets, file.units = (1.0, 0.5), (0.0, 10.0), ("", "ug/m3")
        file.set_band_description(2, "no2")
    with pytest.raises(layers.SchemaError, match="has 2 bands; write band:"):
        layers.read(path)
    layer = layers.read(path, options=layers.ReadOptions(band=2))
    assert np.array_equal(layer.values, [[11.5, np.nan]], equal_nan=True)
    assert (layer.unit, layer.variable) == ("ug/m3", "no2")
    assert layer.column("no2")[0] == 11.5


def test_pixels_that_are_points_become_the_areas_around_them(tmp_path):
    values = np.ones((2, 2), dtype="float32")
    area = layers.read(_write(tmp_path / "a.tif", values))
    point = layers.read(_write(tmp_path / "p.tif", values, tags={"AREA_OR_POINT": "Point"}))
    with rasterio.open(tmp_path / "p.tif") as file:
        assert file.tags()["AREA_OR_POINT"] == "Point"
    # The writer, too, knows corners only; what lies in the file as a tie point is the centre.
    assert np.array_equal(area.coordinates.corner_x, point.coordinates.corner_x)


def test_undeclared_nodata_is_stated(tmp_path):
    path = _write(tmp_path / "a.tif", np.array([[1, -32768]], dtype="int16"), nodata=None)
    assert len(layers.read(path)) == 2
    assert len(layers.read(path, options=layers.ReadOptions(no_data=-32768))) == 1


def test_infinite_values_are_quarantined(tmp_path):
    layer = layers.read(_write(tmp_path / "a.tif", np.array([[1, np.inf, -9999]], dtype="float32")))
    assert layer.ledger.summary() == "a: 2 in = 1 placed + 1 quarantined + 0 rejected (not_finite 1)"
    assert layer.ledger.quarantined[["row", "a"]].to_numpy().tolist() == [[1, "inf"]]


def test_a_raster_without_frame_or_place_is_refused(tmp_path):
    values = np.ones((2, 2), dtype="float32")
    path = _write(tmp_path / "a.tif", values, crs=None)
    with pytest.raises(layers.PositionMissingError):
        layers.read(path)
    assert layers.read(path, position="EPSG:32632").position.name == "EPSG:32632"
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
        _write(path, values, transform=Affine.identity())
    with pytest.raises(layers.SchemaError, match="where its pixels lie"):
        layers.read(path, position="EPSG:32632")


def test_a_tif_whose_text_is_a_vrt_reads_no_other_file(tmp_path):
    secret = _write(tmp_path / "secret.tif", np.ones((2, 2), dtype="float32"))
    vrt = f"""<VRTDataset rasterXSize="2" rasterYSize="2"><SRS>EPSG:32632</SRS>
        <GeoTransform>0, 1, 0, 0, 0, -1</GeoTransform><VRTRasterBand dataType="Float32" band="1"><SimpleSource>
        <SourceFilename>{secret}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"""
    path = tmp_path / "data.tif"
    path.write_text(vrt)
    with rasterio.open(path) as trap:
        assert trap.read(1).sum() == 4
    with pytest.raises(layers.FileRefusedError, match="is not GeoTIFF"):
        layers.read(path)
    path.write_bytes(b"II*\0" + vrt.encode())
    with pytest.raises(layers.FileUnreadableError):
        layers.read(path)


def test_no_file_beside_a_raster_changes_it(tmp_path):
    path = _write(tmp_path / "a.tif", np.full((2, 2), 5, dtype="float32"))
    (tmp_path / "a.tif.aux.xml").write_text(
        '<PAMDataset><SRS>EPSG:2154</SRS><PAMRasterBand band="1"><Scale>100</Scale></PAMRasterBand></PAMDataset>'
    )
    layer = layers.read(path)
    assert layer.values.tolist() == [[5, 5], [5, 5]]
    assert layer.position.name == "EPSG:32632"


def test_a_cut_raster_is_said_to_be_broken(tmp_path):
    path = _write(tmp_path / "a.tif", np.random.default_rng(1).normal(size=(200, 200)))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(layers.FileUnreadableError, match="broken GeoTIFF"):
        layers.read(path)


def _netcdf(path, *, lat=(44.0, 43.5, 43.0), lon=(7.0, 7.5), engine="h5netcdf", times=1, dtype="float64", **attrs):
    data = np.arange(times * len(lat) * len(lon), dtype=dtype).reshape(times, len(lat), len(lon))
    data[0, 0, 0] = np.nan
    cube = xr.Dataset(
        {"no2": (("time", "lat", "lon"), data, {"units": "ug m-3", **attrs})},
        coords={"time": np.arange(times), "lat": list(lat), "lon": list(lon)},
    )
    cube.to_netcdf(
        path,
        engine=engine,
        encoding={"no2": {"_FillValue": -1.0, "scale_factor": 0.5, "dtype": "int32"}} if engine != "scipy" else {},
    )
    return cube


@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
@pytest.mark.parametrize("lat", [(44.0, 43.5, 43.0), (43.0, 43.5, 44.0)])
def test_netcdf_with_falling_and_rising_latitude(tmp_path, engine, lat):
    path = tmp_path / "a.nc"
    cube = _netcdf(path, lat=lat, engine=engine)
    layer = layers.read(path, position="EPSG:4326")
    assert np.array_equal(layer.values, cube["no2"].to_numpy()[0], equal_nan=True)
    assert layer.unit == "ug m-3"
    centres = (layer.coordinates.corner_y[:-1, 0] + layer.coordinates.corner_y[1:, 0]) / 2
    assert centres == pytest.approx(lat)
    assert layer.coordinates.corner_x[0].tolist() == [6.75, 7.25, 7.75]
    assert len(layer) == 5
    with pytest.raises(layers.PositionMissingError):
        layers.read(path)


def test_netcdf_slices_and_variables_are_asked_for(tmp_path):
    cube = _netcdf(tmp_path / "a.nc", times=3)
    with pytest.raises(layers.SchemaError, match="from 1 to 3"):
        layers.read(tmp_path / "a.nc", position="EPSG:4326")
    layer = layers.read(tmp_path / "a.nc", position="EPSG:4326", options=layers.ReadOptions(band=3))
    assert np.array_equal(layer.values, cube["no2"].to_numpy()[2])
    cube.assign(pm=cube["no2"] * 2).to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    with pytest.raises(layers.SchemaError, match="'no2', 'pm'"):
        layers.read(tmp_path / "b.nc", position="EPSG:4326")
    two = layers.read(tmp_path / "b.nc", position="EPSG:4326", options=layers.ReadOptions(layer="pm", band=1))
    assert two.variable == "pm"


def test_netcdf_on_an_uneven_grid_is_refused(tmp_path):
    _netcdf(tmp_path / "a.nc", lat=(44.0, 43.5, 42.0))
    with pytest.raises(layers.SchemaError, match="uneven steps"):
        layers.read(tmp_path / "a.nc", position="EPSG:4326")


def test_netcdf_declares_its_frame_by_grid_mapping(tmp_path):
    cube = _netcdf(tmp_path / "x.nc", grid_mapping="crs")
    wkt = rasterio.crs.CRS.from_epsg(32632).to_wkt()
    cube.assign(crs=((), 0, {"crs_wkt": wkt})).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    assert layers.read(tmp_path / "a.nc").position.name == "EPSG:32632"


@pytest.mark.parametrize("kind", ["external", "link", "virtual"])
def test_netcdf_whose_data_lie_in_another_file_is_refused(tmp_path, kind):
    _netcdf(tmp_path / "a.nc")
    (tmp_path / "secret.bin").write_bytes(b"secret!!" * 8)
    with h5py.File(tmp_path / "secret.h5", "w") as secret:
        secret["s"] = np.arange(8.0)
    with h5py.File(tmp_path / "a.nc", "a") as file:
        if kind == "external":
            file.create_dataset("x", (8,), "f8", external=[(str(tmp_path / "secret.bin"), 0, 64)])
        elif kind == "link":
            file["x"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "s")
        else:
            layout = h5py.VirtualLayout((8,), "f8")
            layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "s", (8,))
            file.create_virtual_dataset("x", layout)
    with pytest.raises(layers.FileRefusedError, match="another file"):
        layers.read(tmp_path / "a.nc", position="EPSG:4326")


def test_a_raster_is_harmonised_by_crs_and_keeps_its_account(tmp_path):
    layer = layers.read(_write(tmp_path / "a.tif", np.ones((3, 4), dtype="float32")))
    moved = crs.harmonise(layer)
    assert moved.position.name == "OGC:CRS84"
    assert moved.coordinates.shape == (3, 4)
    assert len(moved) == 12
    odd = moved.quarantine(moved.values > 0, "odd: all of them")
    assert len(odd) == 0
    assert odd.ledger.records_in == 12
    assert np.isnan(odd.values).all()
    assert layer.__dask_tokenize__() != moved.__dask_tokenize__()


def test_within_keeps_the_pixels_that_touch_the_box(tmp_path):
    layer = layers.read(_write(tmp_path / "a.tif", np.ones((3, 4), dtype="float32")))
    kept = layer.within((400_011, 4_849_985, 400_019, 4_850_500))
    assert np.isfinite(kept.values).tolist() == [[False, True, False, False]] * 2 + [[False] * 4]
    assert kept.ledger.reasons().to_numpy().tolist() == [["quarantined", "outside_area", 10]]


def test_rasters_are_no_list(tmp_path):
    a = _write(tmp_path / "a.tif", np.ones((2, 2), dtype="float32"))
    b = _write(tmp_path / "b.tif", np.ones((2, 2), dtype="float32"))
    with pytest.raises(layers.SchemaError, match="one by one"):
        layers.read([a, b])
