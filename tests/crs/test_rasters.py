"""A value of a raster stays where it was measured: by corner or centre, rising or falling, no half pixel is lost."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
import shapely
import xarray as xr
from rasterio.transform import Affine

import crs
import layers

NX, NY, WEST, NORTH, STEP = 6, 5, 7.4, 43.8, 0.01


def centres():
    """Where the values of the field are, and the field: each value says its own place."""
    lon = WEST + STEP * (np.arange(NX) + 0.5)
    lat = NORTH - STEP * (np.arange(NY) + 0.5)
    return lon, lat, np.round((lon[None, :] * 1000 + lat[:, None] * 1_000_000) * 10)


def geotiff(path, *, point):
    """Write by corners; where pixels are points, GDAL is told the centre of the first one."""
    _, _, values = centres()
    transform = Affine(STEP, 0, WEST, 0, -STEP, NORTH)
    with rasterio.open(
        path, "w", driver="GTiff", width=NX, height=NY, count=1, dtype="float64", crs="EPSG:4326", transform=transform
    ) as file:
        file.write(values, 1)
        if point:
            file.update_tags(AREA_OR_POINT="Point")
    return path


def netcdf(path, *, falling):
    lon, lat, values = centres()
    if not falling:
        lat, values = lat[::-1], values[::-1]
    data = xr.Dataset({"no2": (("lat", "lon"), values)}, {"lat": ("lat", lat), "lon": ("lon", lon)})
    data.to_netcdf(path, engine="h5netcdf")
    return path


WRITERS = {
    "area.tif": lambda path: geotiff(path, point=False),
    "point.tif": lambda path: geotiff(path, point=True),
    "falling.nc": lambda path: netcdf(path, falling=True),
    "rising.nc": lambda path: netcdf(path, falling=False),
}


def pixels(lattice):
    """Corners of each pixel, in the order of the values."""
    x, y = lattice.corner_x, lattice.corner_y
    corners = [(x[:-1, :-1], y[:-1, :-1]), (x[:-1, 1:], y[:-1, 1:]), (x[1:, 1:], y[1:, 1:]), (x[1:, :-1], y[1:, :-1])]
    rings = np.stack([np.column_stack([a.ravel(), b.ravel()]) for a, b in corners], axis=1)
    return shapely.polygons(rings)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("target", ["OGC:CRS84", "EPSG:32632"])
def test_a_value_keeps_its_place(name, target, tmp_path):
    raster = layers.read(WRITERS[name](tmp_path / name), position="OGC:CRS84", name="no2")
    done = crs.harmonise(raster, target=target)
    areas = pixels(done.coordinates)
    lon, lat, values = centres()
    where = dict(zip(values.ravel(), [(x, y) for y in lat for x in lon], strict=True))
    middle = np.array([where[value] for value in np.asarray(done.values).ravel()])
    x, y = crs.transform(*middle.T, source="OGC:CRS84", target=target)
    centre = shapely.get_coordinates(shapely.centroid(areas))
    size = np.sqrt(shapely.area(areas))
    # A thousandth of a pixel; half of one would be five hundred times that.
    assert (np.hypot(*(centre - np.column_stack([x, y])).T) < 1e-3 * size).all()
    assert done.ledger.records_in == NX * NY


def test_the_first_pixel_starts_at_the_corner():
    lattice = crs.Lattice.from_affine((STEP, 0, WEST, 0, -STEP, NORTH), (NY, NX))
    assert pixels(lattice)[0].equals(shapely.box(WEST, NORTH - STEP, WEST + STEP, NORTH))
