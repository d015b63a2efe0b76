"""What a table of features says to the map: names, heights, widths, the kind of ground, and which come first."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from dashboards.windows import EVERYWHERE, Window

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

STOREY_M = 3.2  # A building without a height is still drawn, one storey high.
_WHOLE_CITY_DEG = 0.08  # A city of some six kilometres is seen as a whole.
_PART_DEG = 0.012
_TOLD_OF = 4.0  # A place with values to show is worth several without.
LAND, GREEN, WATER = 0, 1, 2

_NAME_COLUMNS = ("name", "title", "street", "link_name", "zone", "boro_name", "SiteName", "site_name")
_ROAD_CLASS_COLUMNS = ("highway", "road_class", "class", "fclass")
_ROAD_WIDTHS = {
    "motorway": 3.0,
    "trunk": 2.6,
    "primary": 2.2,
    "secondary": 1.8,
    "tertiary": 1.4,
    "footway": 0.45,
    "path": 0.45,
    "steps": 0.45,
    "pedestrian": 0.6,
    "service": 0.7,
}
_GROUND_COLUMNS = ("landuse", "natural", "leisure", "water", "waterway", "surface", "kind", "class")
_GREEN_WORDS = frozenset(
    [
        "grass",
        "forest",
        "wood",
        "park",
        "garden",
        "meadow",
        "scrub",
        "recreation_ground",
        "cemetery",
        "village_green",
        "greenfield",
        "orchard",
        "vineyard",
        "farmland",
        "pitch",
        "golf_course",
        "nature_reserve",
        "heath",
        "allotments",
        "flowerbed",
        "green",
    ]
)
_WATER_WORDS = frozenset(
    ["water", "basin", "reservoir", "bay", "sea", "river", "harbour", "marina", "dock", "wetland", "riverbank", "lake"]
)


def names_of(table: "gpd.GeoDataFrame") -> list[str]:
    """Give each feature the name that a person knows it by.

    Parameters
    ----------
    table : geopandas.GeoDataFrame
        n features.

    Returns
    -------
    list of str
        n names, empty where none is written.
    """
    names = pd.Series("", index=range(len(table)), dtype=object)
    for column in _NAME_COLUMNS:
        if column in table.columns:
            written = table[column].reset_index(drop=True).astype(object)
            names = names.where(names != "", written.where(written.notna(), "").astype(str))
    return [str(name)[:80] for name in names]


def heights_m_of(table: "gpd.GeoDataFrame", show: Mapping[str, Any]) -> "NDArray[np.float64]":
    """Give heights above ground.

    Parameters
    ----------
    table : geopandas.GeoDataFrame
        n buildings.
    show : Mapping
        The layer's ``show``; ``height`` names the column, in metres.

    Returns
    -------
    ndarray of float
        Shape (n,), metres; one storey where nothing positive is written.
    """
    column = show.get("height")
    if column not in table.columns:
        return np.full(len(table), STOREY_M)
    heights = pd.to_numeric(table[column], errors="coerce").to_numpy(dtype=float)
    return np.asarray(np.where(heights > 0, heights, STOREY_M).round(1))


def widths_of(table: "gpd.GeoDataFrame", show: Mapping[str, Any]) -> "NDArray[np.float64]":
    """Give drawn widths by class of road.

    Parameters
    ----------
    table : geopandas.GeoDataFrame
        n streets.
    show : Mapping
        The layer's ``show``; ``width`` may name the column that holds the class.

    Returns
    -------
    ndarray of float
        Shape (n,), relative to a residential street.
    """
    for column in (show.get("width"), *_ROAD_CLASS_COLUMNS):
        if column in table.columns:
            classes = table[column].astype(str).str.removesuffix("_link")
            return np.asarray(classes.map(_ROAD_WIDTHS).fillna(1.0), dtype=float)
    return np.ones(len(table))


def ground_classes(table: "gpd.GeoDataFrame", show: Mapping[str, Any] | None = None) -> "NDArray[np.int64]":
    """Say what kind of ground an area is.

    Parameters
    ----------
    table : geopandas.GeoDataFrame
        n areas.
    show : Mapping, optional
        The layer's ``show``; ``colour`` may name the column that holds the kind.

    Returns
    -------
    ndarray of int
        Shape (n,): 0 land, 1 green, 2 water.
    """
    classes = np.full(len(table), LAND)
    for column in ((show or {}).get("colour"), *_GROUND_COLUMNS):
        if column in table.columns:
            words = table[column].astype(str).str.lower()
            classes[words.isin(_GREEN_WORDS).to_numpy() & (classes == LAND)] = GREEN
            classes[words.isin(_WATER_WORDS).to_numpy() & (classes == LAND)] = WATER
    return classes


def is_areal(table: "gpd.GeoDataFrame") -> bool:
    """Say whether a layer is made of areas.

    Parameters
    ----------
    table : geopandas.GeoDataFrame
        Any features.

    Returns
    -------
    bool
        True if there are features and each is a polygon or several.
    """
    return len(table) > 0 and bool((shapely.get_dimensions(table.geometry.to_numpy()) == 2).all())


def importance_of(table: "gpd.GeoDataFrame", kind: str, show: Mapping[str, Any]) -> "NDArray[np.float64]":
    """Say what should be seen first where not all can be: main roads, large and high buildings.

    Parameters
    ----------
    table : geopandas.GeoDataFrame
        n features in degrees.
    kind : str
        How they are drawn.
    show : Mapping
        The layer's ``show``.

    Returns
    -------
    ndarray of float
        Shape (n,), only for comparison.
    """
    bounds = shapely.bounds(table.geometry.to_numpy())
    size_deg = np.hypot(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1])
    if kind == "lines":
        return np.asarray(widths_of(table, show) * 360 + size_deg)  # The class first, among equals the longest.
    return np.asarray(size_deg * heights_m_of(table, show) if kind == "buildings" else size_deg)


def foremost_within(
    table: "gpd.GeoDataFrame", window: Window, *, most: int, importance: "NDArray[np.float64] | None" = None
) -> "NDArray[np.int64]":
    """Choose the features in a window, the most important or the nearest first where there are too many.

    Parameters
    ----------
    table : geopandas.GeoDataFrame
        n features in degrees.
    window : Window
        What is looked at.
    most : int
        How many may be chosen.
    importance : ndarray of float, optional
        Shape (n,); without it what is nearest to the middle of the window comes first.

    Returns
    -------
    ndarray of int
        At most ``most`` positions in the table, ascending.
    """
    bounds = shapely.bounds(table.geometry.to_numpy())
    middle = (bounds[:, :2] + bounds[:, 2:]) / 2
    inside = np.arange(len(table))
    if window != EVERYWHERE:
        inside = np.flatnonzero(window.holds(middle[:, 0], middle[:, 1]))
    if len(inside) <= most:
        return inside
    if importance is None:
        lon_deg, lat_deg = window.middle
        aside = (middle[inside] - (lon_deg, lat_deg)) * (np.cos(np.radians(lat_deg)), 1.0)
        first = np.argsort(np.hypot(*aside.T), kind="stable")
    else:
        first = np.argsort(-importance[inside], kind="stable")
    return np.sort(inside[first[:most]])


def liveliest_part(
    table: "gpd.GeoDataFrame", weights: "NDArray[np.float64]", *, told_of: "Sequence[NDArray[np.float64]]" = ()
) -> tuple[float, float, float, float]:
    """Find the part of a city that a first look should show.

    Parameters
    ----------
    table : geopandas.GeoDataFrame
        n features in degrees.
    weights : ndarray of float
        Shape (n,): how much each counts, such as the heights of buildings.
    told_of : sequence of ndarray of float
        Places, each of shape (m, 2) in degrees, where there are values to show.

    Returns
    -------
    tuple of float
        min_lon, min_lat, max_lon, max_lat: the middle nine tenths; of a large city a few kilometres, where buildings
        stand close and most kinds of values are known.
    """
    bounds = shapely.bounds(table.geometry.to_numpy())
    west, south = np.quantile(bounds[:, :2], 0.05, axis=0)
    east, north = np.quantile(bounds[:, 2:], 0.95, axis=0)
    if max(east - west, north - south) <= _WHOLE_CITY_DEG:
        return float(west), float(south), float(east), float(north)
    middle = (bounds[:, :2] + bounds[:, 2:]) / 2
    parts, owner = np.unique(np.floor(middle / _PART_DEG).astype(int), axis=0, return_inverse=True)
    sums = np.bincount(owner.ravel(), weights=weights)
    for places in told_of:
        known = np.unique(np.floor(places / _PART_DEG).astype(int), axis=0)
        sums = sums * np.where((parts[:, None] == known[None]).all(axis=2).any(axis=1), _TOLD_OF, 1.0)
    best = owner.ravel() == int(sums.argmax())
    lon, lat = np.average(middle[best], axis=0, weights=weights[best])
    return float(lon - _PART_DEG), float(lat - _PART_DEG), float(lon + _PART_DEG), float(lat + _PART_DEG)
