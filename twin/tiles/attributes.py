"""What a table of features says to whoever draws it: names, heights, widths, the kind of ground, and its weight."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

STOREY_M = 3.2  # A building without a height is still drawn, one storey high.
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
