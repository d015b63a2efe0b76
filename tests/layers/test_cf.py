"""NetCDF and Zarr by the CF conventions, beside xarray and ncdump."""

import json
import re
import shutil
import subprocess
import warnings
import zipfile

import numpy as np
import pytest
import rasterio
import xarray as xr
from rasterio.crs import CRS

import crs
import layers

FORMS = ("nc", "nc3", "zarr", "zarr2", "zip")
WGS84 = "EPSG:4326"


def _cube(*, lon=(7.40, 7.41, 7.42), lat=(43.74, 43.73), times=4, units="hours since 2026-06-16 00:00:00", **attrs):
    values = np.arange(times * len(lat) * len(lon), dtype="float64").reshape(times, len(lat), len(lon))
    values[0, 0, 0] = np.nan
    return xr.Dataset(
        {"no2": (("time", "lat", "lon"), values, {"units": "ug m-3", **attrs})},
        coords={
            "time": ("time", np.arange(times), {"units": units}),
            "lat": ("lat", np.array(lat, dtype="float64"), {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": ("lon", np.array(lon, dtype="float64"), {"units": "degrees_east", "standard_name": "longitude"}),
        },
    )


def _write(cube, folder, form):
    if form == "nc":
        cube.to_netcdf(path := folder / "a.nc", engine="h5netcdf")
    elif form == "nc3":
        cube.to_netcdf(path := folder / "a.nc", engine="scipy")
    else:
        path = folder / "a.zarr"
        cube.to_zarr(path, zarr_format=2 if form == "zarr2" else 3, consolidated=False)
    if form != "zip":
        return path
    with zipfile.ZipFile(folder / "a.zarr.zip", "w") as archive:
        for file in sorted(path.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(path).as_posix())
    return folder / "a.zarr.zip"


def _read(path, **options):
    return layers.read(path, position=WGS84, options=layers.ReadOptions(**options))


@pytest.mark.parametrize("form", FORMS)
def test_all_forms_give_the_same_slice(tmp_path, form):
    cube = _cube()
    layer = _read(_write(cube, tmp_path, form), at={"time": "2026-06-16T02"})
    assert np.array_equal(layer.values, cube["no2"].to_numpy()[2])
    assert layer.unit == "ug m-3"
    assert layer.steps == ("read: time 2026-06-16T02:00:00, step 3 of 4",)
    assert layer.coordinates.corner_x[0] == pytest.approx([7.395, 7.405, 7.415, 7.425])
    assert layer.coordinates.corner_y[:, 0] == pytest.approx([43.745, 43.735, 43.725])
    first = _read(tmp_path / ("a.zarr.zip" if form == "zip" else "a.nc" if form[0] == "n" else "a.zarr"), band=1)
    assert np.array_equal(first.values, cube["no2"].to_numpy()[0], equal_nan=True)
    assert len(first) == 5


def test_a_slice_is_asked_for_by_its_time_or_number(tmp_path):
    path = _write(_cube(), tmp_path, "nc")
    with pytest.raises(layers.SchemaError, match="has 4 bands"):
        _read(path)
    with pytest.raises(layers.SchemaError, match=r"no place along time begin with '2025'.*from 2026-06-16T00:00:00 to"):
        _read(path, at={"time": "2025"})
    with pytest.raises(layers.SchemaError, match="4 places along time"):
        _read(path, at={"time": "2026-06-16"})
    with pytest.raises(layers.SchemaError, match="has the dimensions 'time', 'lat', 'lon'"):
        _read(path, at={"height": "10"})


@pytest.mark.parametrize(
    ("units", "calendar", "wanted"),
    [
        ("hours since 2026-06-16 08:00:00 +8:00", "standard", "2026-06-16T01:00:00"),
        ("days since 2026-02-28", "noleap", "2026-03-01T00:00:00"),
        ("days since 2026-02-29", "360_day", "2026-02-30T00:00:00"),
        ("minutes since 1899-12-31 23:59:00", "proleptic_gregorian", "1900-01-01T00:00:00"),
    ],
)
def test_times_keep_their_calendar(tmp_path, units, calendar, wanted):
    cube = _cube(units=units)
    cube["time"].attrs["calendar"] = calendar
    layer = _read(_write(cube, tmp_path, "nc"), at={"time": wanted})
    assert layer.steps == (f"read: time {wanted}, step 2 of 4",)


def test_scale_offset_fill_and_valid_range_as_ncdump_prints_them(tmp_path):
    packed = np.array([[1, 2, 3], [-5, 900, -32768]], dtype="int16")
    cube = xr.Dataset(
        {"t": (("lat", "lon"), packed, {"scale_factor": 0.5, "add_offset": 10.0, "_FillValue": np.int16(-32768),
                                         "valid_min": np.int16(0), "valid_max": np.int16(500), "units": "K"})},
        coords={"lat": [43.74, 43.73], "lon": [7.40, 7.41, 7.42]},
    )  # fmt: skip
    path = tmp_path / "a.nc"
    cube.to_netcdf(path, engine="h5netcdf")
    layer = _read(path)
    assert np.array_equal(layer.values, [[10.5, 11, 11.5], [np.nan, np.nan, np.nan]], equal_nan=True)
    assert layer.steps == ("read: 2 values outside the valid range of the file are missing",)
    if shutil.which("ncdump") is None:
        pytest.skip("ncdump is not installed")
    text = subprocess.run(["ncdump", "-v", "t", path], capture_output=True, text=True, check=True, timeout=20).stdout
    printed = re.search(r"data:.* t =(.*?);", text, re.DOTALL)[1].split(",")
    assert [None if "_" in item else int(item) for item in printed] == [1, 2, 3, -5, 900, None]


@pytest.mark.parametrize("falling", [False, True])
def test_longitudes_from_0_to_360_are_turned(tmp_path, falling):
    lon = np.arange(0.5, 360, 1.0)[:: -1 if falling else 1]
    cube = _cube(lon=lon, lat=(10.0, 9.0, 8.0), times=1)
    cube["no2"][:] = np.broadcast_to(cube["lon"].to_numpy(), cube["no2"].shape)
    layer = _read(_write(cube, tmp_path, "nc"))
    corners = layer.coordinates.corner_x
    centres = (corners[0, :-1] + corners[0, 1:]) / 2
    assert sorted(centres) == pytest.approx(np.arange(-179.5, 180, 1))
    assert layer.values[1] % 360 == pytest.approx(centres % 360)
    west = _read(_write(_cube(lon=(289.0, 290.0, 291.0)), tmp_path, "nc"), band=2)
    assert west.coordinates.corner_x[0] == pytest.approx([-71.5, -70.5, -69.5, -68.5])
    with pytest.raises(layers.SchemaError, match="across the 180th meridian"):
        _read(_write(_cube(lon=(178.0, 179.0, 180.0, 181.0)), tmp_path, "nc"), band=1)


def test_bounds_make_an_uneven_axis_whole(tmp_path):
    cube = _cube(lat=(43.745, 43.735, 43.70), times=1)
    with pytest.raises(layers.SchemaError, match=r"uneven steps .* and no bounds"):
        _read(_write(cube, tmp_path, "nc"))
    cube["lat"].attrs["bounds"] = "lat_bnds"
    cube["lat_bnds"] = (("lat", "two"), [[43.74, 43.75], [43.73, 43.74], [43.67, 43.73]])
    layer = _read(_write(cube, tmp_path, "nc"))
    assert layer.coordinates.corner_y[:, 0] == pytest.approx([43.75, 43.74, 43.73, 43.67])


def test_kilometres_and_projections_without_wkt(tmp_path):
    utm = {
        "grid_mapping_name": "transverse_mercator", "scale_factor_at_central_meridian": 0.9996,
        "longitude_of_central_meridian": 9.0, "latitude_of_projection_origin": 0.0, "false_easting": 500000.0,
        "false_northing": 0.0, "semi_major_axis": 6378137.0, "inverse_flattening": 298.257223563,
        "horizontal_datum_name": "World Geodetic System 1984", "longitude_of_prime_meridian": 0.0,
        "geographic_crs_name": "WGS 84", "projected_crs_name": "WGS 84 / UTM zone 32N",
    }  # fmt: skip
    cube = xr.Dataset(
        {"h": (("y", "x"), np.ones((2, 3)), {"grid_mapping": "utm"}), "utm": ((), 0, utm)},
        coords={"y": ("y", [4843.0, 4842.0], {"units": "km"}), "x": ("x", [372.0, 373.0, 374.0], {"units": "km"})},
    )
    cube.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    placed = crs.harmonise(layers.read(tmp_path / "a.nc"))
    assert placed.coordinates.corner_x.mean() == pytest.approx(7.423, abs=0.01)
    assert placed.coordinates.corner_y.mean() == pytest.approx(43.73, abs=0.01)
    del cube["utm"].attrs["horizontal_datum_name"], cube["utm"].attrs["geographic_crs_name"]
    del cube["utm"].attrs["projected_crs_name"]
    cube.to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    with pytest.raises(layers.PositionMissingError):
        layers.read(tmp_path / "b.nc")
    assert layers.read(tmp_path / "b.nc", position="EPSG:32632").position.name == "EPSG:32632"


def test_a_curvilinear_grid_is_refused_with_advice(tmp_path):
    lon, lat = np.meshgrid([7.40, 7.41, 7.42], [43.74, 43.73])
    cube = xr.Dataset(
        {"no2": (("j", "i"), np.ones((2, 3)))}, coords={"lon": (("j", "i"), lon), "lat": (("j", "i"), lat)}
    )
    cube.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with pytest.raises(layers.SchemaError, match="curvilinear; regrid it first, with gdalwarp -geoloc or cdo"):
        _read(tmp_path / "a.nc")


def test_a_geostationary_scan_is_refused(tmp_path):
    cube = xr.Dataset(
        {"c": (("y", "x"), np.ones((2, 3)))},
        coords={"y": ("y", [0.1, 0.2], {"units": "rad"}), "x": ("x", [0.1, 0.2, 0.3], {"units": "rad"})},
    )
    cube.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with pytest.raises(layers.SchemaError, match="in 'rad', neither degrees nor metres"):
        _read(tmp_path / "a.nc")


def test_a_codec_that_runs_code_is_refused(tmp_path):
    path = _write(_cube(times=1), tmp_path, "zarr2")
    described = json.loads((path / "no2" / ".zarray").read_text())
    (path / "no2" / ".zarray").write_text(json.dumps({**described, "filters": [{"id": "pickle"}]}))
    with pytest.raises(layers.FileRefusedError, match="codec 'pickle'"):
        _read(path)
    (path / "no2" / ".zarray").write_text(json.dumps({**described, "dtype": "|O"}))
    with pytest.raises(layers.FileRefusedError, match="codec 'object'"):
        _read(path)


def test_a_store_that_leads_elsewhere_is_refused(tmp_path):
    path = _write(_cube(times=1), tmp_path, "zarr")
    chunk = next(file for file in (path / "no2").rglob("*") if file.is_file() and file.name != "zarr.json")
    (tmp_path / "secret").write_bytes(chunk.read_bytes())
    chunk.unlink()
    chunk.symlink_to(tmp_path / "secret")
    with pytest.raises(layers.FileRefusedError, match="leads out of the store"):
        _read(path)


def test_only_zarr_may_be_a_folder(tmp_path):
    (tmp_path / "a.nc").mkdir()
    with pytest.raises(layers.FileRefusedError, match="is a folder"):
        _read(tmp_path / "a.nc")
    (tmp_path / "b.zarr").mkdir()
    with pytest.raises(layers.LayerError, match=r"b\.zarr"):
        _read(tmp_path / "b.zarr")


@pytest.mark.parametrize("form", FORMS)
def test_damage_is_an_error_or_an_account(tmp_path, form):
    path = _write(_cube(), tmp_path, form)
    random = np.random.default_rng(2)
    parts = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    for k in range(60):
        file = parts[k % len(parts)]
        whole = file.read_bytes()
        broken = bytearray(whole)
        for place in random.integers(0, len(whole), 4):
            broken[place] = random.integers(0, 256)
        file.write_bytes(broken[: random.integers(1, len(broken))] if k % 3 == 0 else broken)
        try:
            layer = _read(path, band=2, limits=None)
        except layers.LayerError as error:
            assert path.name in str(error) or "a:" in str(error)  # noqa: PT017 - an error that names it, or an account
        else:
            assert layer.ledger.records_in == layer.ledger.placed + len(layer.ledger.quarantined)
        file.write_bytes(whole)


def test_a_raster_of_trillions_of_pixels_is_refused_before_it_is_read(tmp_path):
    path = _write(_cube(times=1, lat=np.linspace(43, 44, 40_000), lon=np.linspace(7, 8, 3)), tmp_path, "zarr")
    for name, size in (("no2", [1, 40_000, 3_000_000]), ("lon", [3])):
        described = json.loads((path / name / "zarr.json").read_text())
        described["shape"] = size
        (path / name / "zarr.json").write_text(json.dumps(described))
    with pytest.raises(layers.LayerError):
        _read(path)


def _geotiff(path, values, **profile):
    told = {"driver": "GTiff", "crs": "EPSG:32632", "dtype": values.dtype, "nodata": -9999.0} | profile
    with rasterio.open(path, "w", height=values.shape[0], width=values.shape[1], count=1, **told) as file:
        file.write(values, 1)
    return path


def test_the_overviews_of_a_cog_do_not_count(tmp_path):
    values = np.random.default_rng(1).normal(size=(600, 700)).astype("float32")
    values[:50] = -9999
    path = tmp_path / "a.tif"
    affine = rasterio.Affine(10, 0, 370_000, 0, -10, 4_850_000)
    _geotiff(path, values, driver="COG", transform=affine, blocksize=256, overview_resampling="average")
    with rasterio.open(path) as file:
        assert file.overviews(1)
    layer = layers.read(path)
    assert np.array_equal(layer.values, np.where(values == -9999, np.nan, values), equal_nan=True)
    if shutil.which("gdalinfo"):
        told = subprocess.run(["gdalinfo", "-json", "-stats", path], capture_output=True, check=True, timeout=60).stdout
        stats = json.loads(told)["bands"][0]["metadata"][""]
        assert float(stats["STATISTICS_MEAN"]) == pytest.approx(np.nanmean(layer.values), abs=1e-5)
        assert float(stats["STATISTICS_MINIMUM"]) == pytest.approx(np.nanmin(layer.values), rel=1e-5)


def test_the_real_raster_is_what_gdalinfo_says(formats):
    path = formats / "raster" / "poa_elevation.tif"
    layer = layers.read(path)
    told = json.loads(
        subprocess.run(["gdalinfo", "-json", path], capture_output=True, check=True, timeout=60).stdout
        if shutil.which("gdalinfo")
        else pytest.skip("gdalinfo is not installed")
    )
    with rasterio.open(path) as file:
        theirs = np.ma.filled(file.read(1, masked=True).astype(float), np.nan)
    assert layer.values.shape[::-1] == tuple(told["size"])
    assert np.array_equal(layer.values, theirs, equal_nan=True)
    west, north = told["cornerCoordinates"]["upperLeft"]
    assert (layer.coordinates.corner_x.min(), layer.coordinates.corner_y.max()) == pytest.approx(
        (west, north), abs=1e-7
    )


def test_control_points_and_rational_polynomials_are_refused_clearly(tmp_path):
    values = np.ones((3, 3), dtype="float32")
    points = [
        rasterio.control.GroundControlPoint(r, c, 7 + c / 100, 43 - r / 100)
        for r, c in ((0, 0), (0, 3), (3, 0), (3, 3))
    ]
    with warnings.catch_warnings(action="ignore"):
        _geotiff(tmp_path / "gcp.tif", values, crs=WGS84, gcps=points)
    with pytest.raises(layers.SchemaError, match=r"by 4 ground control points.*gdalwarp"):
        layers.read(tmp_path / "gcp.tif", position=WGS84)
    rpc = rasterio.rpc.RPC(
        err_bias=0.0, err_rand=0.0, height_off=0.0, height_scale=1.0, lat_off=43.0, lat_scale=1.0, long_off=7.0,
        long_scale=1.0, line_off=1.0, line_scale=1.0, samp_off=1.0, samp_scale=1.0, line_num_coeff=[1.0] * 20,
        line_den_coeff=[1.0] * 20, samp_num_coeff=[1.0] * 20, samp_den_coeff=[1.0] * 20,
    )  # fmt: skip
    with warnings.catch_warnings(action="ignore"):
        _geotiff(tmp_path / "rpc.tif", values, crs=None, rpcs=rpc)
    with pytest.raises(layers.SchemaError, match="rational polynomials"):
        layers.read(tmp_path / "rpc.tif", position=WGS84)


def test_a_sparse_giant_is_refused_before_memory_is_taken(tmp_path):
    path = tmp_path / "giant.tif"
    with rasterio.open(
        path, "w", driver="GTiff", height=200_000, width=200_000, count=1, dtype="uint8", crs="EPSG:32632",
        transform=rasterio.Affine(1, 0, 0, 0, -1, 0), tiled=True, SPARSE_OK=True, BIGTIFF="YES",
    ):  # fmt: skip
        pass
    assert path.stat().st_size < 20e6
    with pytest.raises(layers.FileRefusedError, match="200,000 x 200,000 pixels"):
        layers.read(path)


ASC = "ncols 3\nnrows 2\nxllcorner {x}\nyllcorner 4850000\ncellsize 10\nNODATA_value -9999\n1 2 3\n4 -9999 6.5\n"


def test_an_ascii_grid(tmp_path):
    path = tmp_path / "a.asc"
    path.write_text(ASC.format(x=370_000))
    with pytest.raises(layers.PositionMissingError):
        layers.read(path)
    layer = layers.read(path, position="EPSG:32632")
    assert np.array_equal(layer.values, [[1, 2, 3], [4, np.nan, 6.5]], equal_nan=True)
    assert layer.coordinates.corner_x[0].tolist() == [370_000, 370_010, 370_020, 370_030]
    assert layer.coordinates.corner_y[:, 0].tolist() == [4_850_020, 4_850_010, 4_850_000]
    (tmp_path / "a.prj").write_text(CRS.from_epsg(2154).to_wkt())
    with pytest.raises(layers.PositionContradictionError, match="EPSG:2154"):
        layers.read(path, position="EPSG:32632")
    path.write_text(ASC.format(x=370_000)[:70])
    with pytest.raises(layers.FileUnreadableError):
        layers.read(path, position="EPSG:32632")
