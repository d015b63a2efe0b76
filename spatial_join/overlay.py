"""Cutting records by others: every piece with its size, and its share of the record it was cut from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

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

__all__ = ["CutPieces", "cut_pieces", "laid_pieces", "one_dimension", "overlay"]


def overlay(left: Any, right: Any = None) -> gpd.GeoDataFrame:  # noqa: ANN401 -- layers, frames and paths share no base class
    """Cut the records of the left by the polygons of the right.

    Parameters
    ----------
    left : layers.Layer, geopandas.GeoDataFrame, or path of a GeoParquet file
        Polygons, lines or points in longitude and latitude, of one dimension.
    right : layers.Layer, geopandas.GeoDataFrame, or path of a GeoParquet file, optional
        Polygons in longitude and latitude; they may overlap, and then share what they cut. Without it, polygons of the
        left cut each other: one line for every two that share land, the record that stands first on the left.

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
    left = frame_of(left)
    alone, right = right is None, left if right is None else frame_of(right)
    require_one_crs(left, right)
    require_degrees(left)
    here, left_aside = sound_geometry(left, side="left")
    there, right_aside = (here, ()) if alone else sound_geometry(right, side="right")
    cut = laid_pieces(left, right, cut_pieces(here, there, dimension=one_dimension(here), once=alone))
    if left_aside or right_aside:
        cut.attrs["set_aside"] = (*left_aside, *right_aside)
    return cut


class CutPieces(NamedTuple):
    """Pieces of the left, in the order of left, then right.

    Attributes
    ----------
    at, to : ndarray of int64, shape (pieces,)
        Positions in left and right.
    shapes : ndarray of shapely geometries, shape (pieces,)
        In longitude and latitude.
    sizes : dict of str to ndarray of float64, shape (pieces,)
        Columns with the size of each and its shares.
    """

    at: NDArray[np.int64]
    to: NDArray[np.int64]
    shapes: NDArray[Any]
    sizes: dict[str, NDArray[np.float64]]


def cut_pieces(here: NDArray[Any], there: NDArray[Any], *, dimension: int, once: bool = False) -> CutPieces:
    """Cut geometries by polygons.

    Parameters
    ----------
    here : ndarray of shapely geometries
        What is cut, in longitude and latitude.
    there : ndarray of shapely geometries
        Polygons that cut.
    dimension : int
        Of what is cut: 0, 1 or 2.
    once : bool
        Whether both are the same, and only pairs are wanted whose first stands before the second.

    Returns
    -------
    CutPieces
        Those with land or length, or the points.

    Raises
    ------
    GeometryError
        If the right is not of polygons.
    """
    _require_polygons(there)
    at, to = pairs(here, there, predicate="intersects")
    # Cut in the plane in which areas are true, so that the pieces of a whole add up to it.
    if once:
        at, to = at[at < to], to[at < to]
    here = _laid(here)
    there = here if once else _laid(there)
    pieces = _shared(here[at], there[to])
    if dimension:
        pieces = _of_dimension(pieces, dimension)
    kept = ~shapely.is_empty(pieces)
    at, to, pieces = at[kept], to[kept], pieces[kept]
    lifted = _lifted(pieces)
    if dimension == 1:
        shares = _shares(shapely.length(pieces), shapely.length(here)[at])
        return CutPieces(at, to, lifted, {"length_m": lengths_m(lifted), "share_left": shares})
    if dimension == 2:
        area = shapely.area(pieces)
        left, right = _shares(area, shapely.area(here)[at]), _shares(area, shapely.area(there)[to])
        return CutPieces(at, to, lifted, {"area_m2": area, "share_left": left, "share_right": right})
    return CutPieces(at, to, lifted, {"share_left": np.ones(at.size)})


def laid_pieces(left: gpd.GeoDataFrame, right: gpd.GeoDataFrame, pieces: CutPieces) -> gpd.GeoDataFrame:
    """Lay pieces beside the records that they are of.

    Parameters
    ----------
    left, right : geopandas.GeoDataFrame
        Both sides.
    pieces : CutPieces
        By positions in them.

    Returns
    -------
    geopandas.GeoDataFrame
        As of :func:`overlay`.
    """
    cut = side_by_side(left, right, pieces.at, pieces.to, how="inner")
    cut = cut.set_geometry(gpd.GeoSeries(pieces.shapes, index=cut.index, crs=left.crs, name=left.geometry.name))
    for name, size in pieces.sizes.items():
        cut[name] = size
    return cut


def one_dimension(shapes: NDArray[Any]) -> int:
    """Return the dimension of the left.

    Parameters
    ----------
    shapes : ndarray of shapely geometries
        What is cut.

    Returns
    -------
    int
        0, 1 or 2; that of points if there is nothing.

    Raises
    ------
    GeometryError
        If they are of several dimensions.
    """
    filled = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    dimensions = np.unique(shapely.get_dimensions(filled))
    if len(dimensions) > 1:
        raise GeometryError(
            f"The left side mixes geometries of {len(dimensions)} dimensions; cut points, lines and polygons one after "
            "another: frame[frame.geom_type.isin(['Polygon', 'MultiPolygon'])]."
        )
    return int(dimensions[0]) if len(dimensions) else 0


def _shared(here: NDArray[Any], there: NDArray[Any]) -> NDArray[Any]:
    """Intersect pairs; what is the same on both sides need not be cut."""
    pieces = here.copy()
    different = ~shapely.equals_identical(here, there)
    pieces[different] = shapely.intersection(here[different], there[different])
    return pieces


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
