"""The three street patterns as plane metres, and the Chinese cities that they are moved to.

Nothing here shows where anything in China is: streets of Coquimbo and La Serena, Monaco and Helsinki lie about a
Chinese place, so that the definitions of that place apply to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pyproj
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Objects = NDArray[np.object_]

_REPOSITORY = Path(__file__).parent.parent.parent
_HERE = Path(__file__).parent / "networks"
_MONACO = _REPOSITORY / "data_samples" / "monaco"
_SHENZHEN = _REPOSITORY / "data_samples" / "shenzhen" / "raw" / "streets.parquet"

#: Of each pattern: the Chilean streets are a grid along a coast, those of Monaco follow a slope, Helsinki's are a core
#: of blocks with all its footways.
NETWORKS = ("coquimbo", "monaco", "helsinki")


@dataclass(frozen=True, kw_only=True)
class City:
    """A Chinese place that networks are moved to, with the frames in use there.

    Parameters
    ----------
    name : str
    lon_deg, lat_deg : float
        Where the middle of a network comes to lie.
    box : tuple of float
        West, south, east, north of the administrative area, rounded, degrees.
    strips : tuple of str
        CGCS2000 in strips of three degrees without and with the zone's number, of six without and with it, and UTM.
    beijing : tuple of str
        Beijing 1954, geographic and in a strip of three degrees, by the operation that EPSG publishes for the place;
        empty where it publishes none.
    xian : tuple of str
        Xi'an 1980 likewise, by the parameters that the question gives (a stand-in: EPSG publishes none). Empty for
        Chengdu, where the stand-in would by chance lie within 20 m of CGCS2000.
    """

    name: str
    lon_deg: float
    lat_deg: float
    box: tuple[float, float, float, float]
    strips: tuple[str, str, str, str, str]
    beijing: tuple[str, ...]
    xian: tuple[str, ...]


CITIES = (
    City(
        name="Shenzhen",
        lon_deg=114.03,
        lat_deg=22.66,
        box=(113.7, 22.4, 114.7, 22.9),
        strips=("EPSG:4547", "EPSG:4526", "EPSG:4509", "EPSG:4498", "EPSG:32650"),
        beijing=("EPSG:4214 by EPSG:15920", "EPSG:2435 by EPSG:15920"),
        xian=("EPSG:4610 by given", "EPSG:2383 by given"),
    ),
    City(
        name="Beijing",
        lon_deg=116.40,
        lat_deg=39.90,
        box=(115.4, 39.4, 117.5, 41.1),
        strips=("EPSG:4548", "EPSG:4527", "EPSG:4509", "EPSG:4498", "EPSG:32650"),
        beijing=(),
        xian=("EPSG:4610 by given", "EPSG:2384 by given"),
    ),
    City(
        name="Chengdu",
        lon_deg=104.07,
        lat_deg=30.66,
        box=(102.9, 30.1, 104.9, 31.5),
        strips=("EPSG:4544", "EPSG:4523", "EPSG:4507", "EPSG:4496", "EPSG:32648"),
        beijing=(),
        xian=(),
    ),
    City(
        name="Shanghai",
        lon_deg=121.30,
        lat_deg=31.40,
        box=(120.8, 30.6, 122.2, 31.9),
        strips=("EPSG:4549", "EPSG:4528", "EPSG:4510", "EPSG:4499", "EPSG:32651"),
        beijing=("EPSG:4214 by EPSG:15919", "EPSG:2437 by EPSG:15919"),
        xian=("EPSG:4610 by given", "EPSG:2385 by given"),
    ),
)


@cache
def _azimuthal(lon_deg: float, lat_deg: float) -> pyproj.Transformer:
    """Metres about a place, to degrees."""
    return pyproj.Transformer.from_crs(
        f"+proj=aeqd +lat_0={lat_deg} +lon_0={lon_deg} +ellps=WGS84 +units=m", "OGC:CRS84", always_xy=True
    )


def to_degrees(city: City, places_m: Floats) -> Floats:
    """Put plane metres, shape (n, 2), about a city: longitude and latitude, shape (n, 2)."""
    lon, lat = _azimuthal(city.lon_deg, city.lat_deg).transform(places_m[:, 0], places_m[:, 1])
    return np.column_stack([lon, lat])


def to_plane(city: City, lon: Floats, lat: Floats) -> Floats:
    """Return plane metres about a city, shape (n, 2)."""
    return np.column_stack(_azimuthal(city.lon_deg, city.lat_deg).transform(lon, lat, direction="INVERSE"))


@dataclass(frozen=True, eq=False, kw_only=True)
class Network:
    """Streets about (0, 0) in metres, and buildings where their places are known.

    Parameters
    ----------
    name : str
    lines : numpy.ndarray
        Streets, shape (n,).
    buildings : numpy.ndarray
        Centroids, metres, shape (m, 2); m may be 0.
    """

    name: str
    lines: Objects
    buildings: Floats

    @cached_property
    def lengths_m(self) -> Floats:
        return np.asarray(shapely.length(self.lines))

    @cached_property
    def tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.lines)

    @cached_property
    def extent_m(self) -> float:
        """Return the longer side of the box about all streets."""
        west, south, east, north = shapely.total_bounds(self.lines)
        return float(max(east - west, north - south))

    def near(self, box_m: tuple[float, float, float, float]) -> NDArray[np.int64]:
        """Return the rows of the streets that touch a box, in order."""
        return np.sort(self.tree.query(shapely.box(*box_m), predicate="intersects"))


def _about_zero(lines: Objects, buildings: Objects) -> tuple[Objects, Floats]:
    west, south, east, north = shapely.total_bounds(lines)
    plane = _azimuthal((west + east) / 2, (south + north) / 2)

    def forward(places: Floats) -> Floats:
        return np.column_stack(plane.transform(places[:, 0], places[:, 1], direction="INVERSE"))

    return shapely.transform(lines, forward), forward(shapely.get_coordinates(buildings))


@cache
def network(name: str) -> Network:
    """Load a network, one of `NETWORKS`."""
    buildings = np.array([], dtype=object)
    if name == "coquimbo":
        lines = gpd.read_parquet(_SHENZHEN).geometry.to_numpy()
    elif name == "monaco":
        streets = gpd.read_parquet(_MONACO / "raw" / "streets.parquet")
        lines = streets.geometry[streets["motor"]].to_numpy()
        truth = gpd.pd.read_parquet(_MONACO / "truth" / "buildings.parquet")
        buildings = shapely.points(truth["lon"], truth["lat"])
    else:
        lines = gpd.read_parquet(_HERE / "helsinki_streets.parquet").geometry.to_numpy()
        buildings = gpd.read_parquet(_HERE / "helsinki_buildings.parquet").geometry.to_numpy()
    metres, centroids = _about_zero(np.asarray(lines, dtype=object), np.asarray(buildings, dtype=object))
    return Network(name=name, lines=metres, buildings=centroids)


@cache
def moved_lines(name: str, city: City) -> Objects:
    """Return the streets of a network at a city, longitude and latitude."""
    return np.asarray(shapely.transform(network(name).lines, lambda places: to_degrees(city, places)))
