"""Which geometries can take part in a join: invalid ones are set aside, those across the antimeridian refused."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely

from spatial_join.errors import GeometryError
from spatial_join.pieces import named_rows

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

__all__ = ["SetAside", "sound_geometry"]

_log = logging.getLogger(__name__)


class SetAside(NamedTuple):
    """A record whose geometry takes no part in a join.

    Attributes
    ----------
    side : str
        "left" or "right".
    row : int
        Position of the record.
    label : object
        Its index.
    reason : str
        What is wrong with the geometry, and where.
    """

    side: str
    row: int
    label: object
    reason: str


def sound_geometry(frame: gpd.GeoDataFrame, *, side: str) -> tuple[NDArray[Any], tuple[SetAside, ...]]:
    """Return the geometries that can be joined, None in place of the others.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        One side of a join.
    side : {"left", "right"}
        Which, for messages.

    Returns
    -------
    geometry : ndarray of shapely geometries, shape (n,)
        Valid ones, missing ones, and None for those set aside.
    aside : tuple of SetAside
        The invalid ones: what is inside of them is not defined, so that no answer would be right.

    Raises
    ------
    GeometryError
        If geometries in degrees have edges of more than half the globe: they cross the antimeridian or go around a
        pole, and mean something else in the plane.
    """
    shapes = np.asarray(frame.geometry, dtype=object)
    dimensions = shapely.get_dimensions(shapes)
    if frame.crs is not None and frame.crs.is_geographic:
        _refuse_wrapped(shapes, np.flatnonzero(dimensions > 0), side)
    # GEOS calls a line without length invalid too, but where it is is clear.
    areas = np.flatnonzero(dimensions == 2)
    wrong = areas[~shapely.is_valid(shapes[areas])]
    if not wrong.size:
        return shapes, ()
    reasons = shapely.is_valid_reason(shapes[wrong])
    # A plain number, unlike one of numpy, can be written to a file with the attributes of the result.
    # Attributes of a frame go into Parquet as JSON, which knows no times and no scalars of NumPy.
    labels = (label.item() if isinstance(label, np.generic) else label for label in frame.index[wrong])
    labels = (label if isinstance(label, str | int | float) else str(label) for label in labels)
    aside = tuple(
        SetAside(side, int(row), label, str(reason)) for row, label, reason in zip(wrong, labels, reasons, strict=True)
    )
    _log.warning(
        "%d of %d geometries of the %s side are invalid and match nothing (%s, first: %s); repair them with "
        "shapely.make_valid, or see .attrs['set_aside'] of the result (.set_aside of a lazy one)",
        wrong.size,
        shapes.size,
        side,
        named_rows(wrong),
        reasons[0],
    )
    shapes = shapes.copy()
    shapes[wrong] = None
    return shapes, aside


def _refuse_wrapped(shapes: NDArray[Any], extended: NDArray[np.int64], side: str) -> None:
    bounds = shapely.bounds(shapes[extended]).reshape(-1, 4)
    wide = extended[bounds[:, 2] - bounds[:, 0] > 180.0]
    wrapped = []
    for row in wide:
        outline = shapely.boundary(shapes[row]) if shapely.get_dimensions(shapes[row]) == 2 else shapes[row]
        steps = [np.abs(np.diff(shapely.get_coordinates(part)[:, 0])) for part in shapely.get_parts(outline)]
        # An edge of 360 degrees is the whole circle, as in the outline of a world map.
        if any(((step > 180.0) & (step < 360.0)).any() for step in steps):
            wrapped.append(row)
    if wrapped:
        rows = named_rows(np.array(wrapped))
        raise GeometryError(
            f"Geometries of the {side} side cross the antimeridian or surround a pole ({rows}): an edge spans "
            "more than 180 degrees. Split them at longitude 180, or project both sides first."
        )
