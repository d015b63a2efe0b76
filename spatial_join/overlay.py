"""Cutting records by others: every piece with its size, and its share of the record it was cut from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from crs.geodesy import lengths_m
from spatial_join.errors import GeometryError
from spatial_join.pairs import pairs
from spatial_join.pieces import named_rows
from spatial_join.plane import equal_area, from_equal_area
from spatial_join.records import frame_of, require_degrees, require_one_crs
from spatial_join.side_by_side import side_by_side
from spatial_join.soundness import sound_geometry

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["overlay"]


def overlay(left: Any, right: Any) -> gpd.GeoDataFrame:  # noqa: ANN401 -- layers, frames and paths share no base class
    """Cut the records of the left by the polygons of the right.

    Parameters
    ----------
    left : layers.Layer, geopandas.GeoDataFrame, or path of a GeoParquet file
        Polygons, lines or points in longitude and latitude, of one dimension.
    right : layers.Layer, geopandas.GeoDataFrame, or path of a GeoParquet file
        Polygons in longitude and latitude; they may overlap, and then share what they cut.

    Returns
    -------
    geopandas.GeoDataFrame
        One line per piece: index and columns as of :func:`spatial_join.join`, the piece as geometry, its size on the
        ellipsoid (``area_m2`` or ``length_m``; none for points), ``share_left`` and, for polygons, ``share_right``: its
        part of the two records it is of. Where the right covers the left without overlaps, ``share_left`` sums to 1.
        What touches without sharing land (or length) is no piece. ``attrs["set_aside"]`` lists invalid geometries.

    Raises
    ------
    CrsMismatchError
        If the two sides are not in longitude and latitude.
    GeometryError
        If the left mixes dimensions, the right is not of polygons, or something crosses the antimeridian.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> blocks = gpd.GeoDataFrame({"people": [900]}, geometry=[shapely.box(7.41, 43.73, 7.44, 43.74)], crs="OGC:CRS84")
    >>> halves = [shapely.box(7.40, 43.72, 7.42, 43.75), shapely.box(7.42, 43.72, 7.45, 43.75)]
    >>> wards = gpd.GeoDataFrame({"ward": ["west", "east"]}, geometry=halves, crs="OGC:CRS84")
    >>> pieces = overlay(blocks, wards)
    >>> (pieces["people"] * pieces["share_left"]).round(6).tolist()
    [300.0, 600.0]
    """
    left, right = frame_of(left), frame_of(right)
    require_one_crs(left, right)
    require_degrees(left)
    here, left_aside = sound_geometry(left, side="left")
    there, right_aside = sound_geometry(right, side="right")
    dimension = _one_dimension(here)
    _require_polygons(there)
    at, to = pairs(here, there, predicate="intersects")
    # Cut in the plane in which areas are true, so that the pieces of a whole add up to it.
    here, there = _laid(here), _laid(there)
    pieces = shapely.intersection(here[at], there[to])
    if dimension:
        pieces = _of_dimension(pieces, dimension)
    kept = ~shapely.is_empty(pieces)
    at, to, pieces = at[kept], to[kept], pieces[kept]
    cut = side_by_side(left, right, at, to, how="inner")
    lifted = _lifted(pieces)
    cut = cut.set_geometry(gpd.GeoSeries(lifted, index=cut.index, crs=left.crs, name=left.geometry.name))
    if dimension == 1:
        cut["length_m"] = lengths_m(lifted)
        cut["share_left"] = _shares(shapely.length(pieces), shapely.length(here)[at])
    elif dimension == 2:
        cut["area_m2"] = shapely.area(pieces)
        cut["share_left"] = _shares(shapely.area(pieces), shapely.area(here)[at])
        cut["share_right"] = _shares(shapely.area(pieces), shapely.area(there)[to])
    else:
        cut["share_left"] = 1.0
    if left_aside or right_aside:
        cut.attrs["set_aside"] = (*left_aside, *right_aside)
    return cut


def _one_dimension(shapes: NDArray[Any]) -> int:
    """Return the dimension of the left, points if there is nothing."""
    filled = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    dimensions = np.unique(shapely.get_dimensions(filled))
    if len(dimensions) > 1:
        raise GeometryError(
            f"The left side mixes geometries of {len(dimensions)} dimensions; cut points, lines and polygons one after "
            "another: frame[frame.geom_type.isin(['Polygon', 'MultiPolygon'])]."
        )
    return int(dimensions[0]) if len(dimensions) else 0


def _require_polygons(shapes: NDArray[Any]) -> None:
    wrong = np.flatnonzero(~np.isin(shapely.get_type_id(shapes), (-1, 3, 6)))
    if wrong.size:
        raise GeometryError(
            f"The right side cuts, and must be of polygons; {shapes[wrong[0]].geom_type} in {named_rows(wrong)}."
        )


def _of_dimension(pieces: NDArray[Any], dimension: int) -> NDArray[Any]:
    """Keep what has length or land: edges and corners that polygons share are no pieces."""
    mixed = np.flatnonzero(shapely.get_type_id(pieces) == shapely.GeometryType.GEOMETRYCOLLECTION)
    pieces[shapely.get_dimensions(pieces) < dimension] = shapely.Point()
    for row in mixed:
        parts = shapely.get_parts(shapely.get_parts(pieces[row]))
        parts = parts[shapely.get_dimensions(parts) == dimension]
        pieces[row] = shapely.multipolygons(parts) if dimension == 2 else shapely.multilinestrings(parts)
    return pieces


def _laid(shapes: NDArray[Any]) -> NDArray[Any]:
    """Lay geometries into the equal-area plane."""
    return np.asarray(shapely.transform(shapes, lambda at: np.column_stack(equal_area(at[:, 0], at[:, 1]))))


def _lifted(shapes: NDArray[Any]) -> NDArray[Any]:
    """Bring geometries back to degrees."""
    return np.asarray(shapely.transform(shapes, lambda at: np.column_stack(from_equal_area(at[:, 0], at[:, 1]))))


def _shares(parts: NDArray[np.float64], wholes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide; a line without length is whole wherever it lies."""
    return np.divide(parts, wholes, out=np.ones_like(parts), where=wholes > 0.0)
