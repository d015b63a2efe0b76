"""What importing and a first join do not load: an analyst's first answer should not wait for what it does not use."""

import subprocess
import sys

import pytest

import crs
import spatial_join

FIRST_JOIN = """
import sys
import geopandas as gpd, shapely
from spatial_join import lazy
points = gpd.GeoDataFrame(geometry=shapely.points([[7.42, 43.73]]), crs="OGC:CRS84")
zones = gpd.GeoDataFrame(geometry=[shapely.box(7.4, 43.7, 7.5, 43.8)], crs="OGC:CRS84")
assert len(lazy.join(points, zones).compute()) == 1
"""


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import sys, crs", {"scipy.spatial", "scipy.stats", "crs.detection", "dask"}),
        ("import sys, spatial_join", {"dask", "xarray", "scipy.stats", "scipy.optimize", "rasterio", "matplotlib"}),
        (FIRST_JOIN, {"distributed", "scipy.stats", "rasterio", "matplotlib"}),
    ],
    ids=["crs", "spatial_join", "first lazy join"],
)
def test_what_is_not_needed_is_not_loaded(code, absent):
    script = f"{code}\nassert not sys.modules.keys() & {absent!r}, sys.modules.keys() & {absent!r}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", [crs, spatial_join])
def test_what_is_found_later_is_there(package):
    for name in package.__all__:
        assert getattr(package, name) is not None
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = package.nothing
