"""From the columns of a table to geometries in the unit of their frame, with the rounding of what was printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs.coordinates import Shapes
from crs.definition import definition
from crs.encodings import Decoded, decode_decimal, decode_polyline
from crs.sexagesimal import decode_dms, decode_nmea, decode_packed
from crs.uncertainty import combine_sigma, rounding_sigma
from crs.units import conversion_factor, is_angle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.coordinates import Fields, FloatArray, ObjectArray
    from crs.definition import Notation, PositionDefinition

__all__ = ["lines_of", "points_of", "unit_factor"]

_METRES_PER_DEGREE = 111_319.5


def unit_factor(position: PositionDefinition) -> float:
    """Return what the numbers are multiplied by to be in their frame's own unit.

    Parameters
    ----------
    position : PositionDefinition
        Of kind "coordinates".

    Returns
    -------
    float
        1 unless another unit was stated than the frame's.
    """
    return conversion_factor(position.unit, definition(position.crs).unit)


def _decode_column(column: NDArray[np.generic], *, notation: Notation, name: str, axis: str) -> Decoded:
    """Decode one column of a position that has one axis a column."""
    if notation == "decimal":
        return decode_decimal(column, name=name)
    if notation == "dms":
        return decode_dms(column, name=name, axis=axis)
    if notation == "nmea":
        return decode_nmea(column, name=name, axis=axis)
    return decode_packed(column, name=name, point_after_degrees=notation == "packed_dms")


def points_of(fields: Fields, position: PositionDefinition) -> tuple[Shapes, ObjectArray]:
    """Decode two columns (or four, with hemispheres) to points in the unit of the frame.

    Parameters
    ----------
    fields : Fields
        The columns as written.
    position : PositionDefinition
        Of kind "coordinates".

    Returns
    -------
    shapes : Shapes
        Geometries, and the stated sigma combined with the rounding of the last printed digit, shape (n,).
    reasons : numpy.ndarray
        None or text, shape (n,).
    """
    latitude_first = position.axes == "lat,lon"
    order = ("lat", "lon") if latitude_first else ("lon", "lat")
    names = position.columns or order
    angles = is_angle(position.unit)
    parts = []
    for place, axis in enumerate(order):
        checked = axis if angles else "xy"[axis == "lat"]
        if len(fields.columns) == 4:
            column, letters = fields.columns[2 * place], fields.columns[2 * place + 1]
            parts.append(decode_nmea(column, name=names[2 * place], axis=checked, hemisphere=letters))
        else:
            column = fields.columns[place]
            parts.append(_decode_column(column, notation=position.notation, name=names[place], axis=checked))
    reasons = parts[0].reasons.copy()
    second = parts[1].reasons != None  # noqa: E711 (elementwise on an object array)
    reasons[second & (reasons == None)] = parts[1].reasons[second & (reasons == None)]  # noqa: E711
    east, north = parts[::-1] if latitude_first else parts
    factor = unit_factor(position)
    x, y = east.values * factor, north.values * factor
    good = np.flatnonzero(reasons == None)  # noqa: E711
    geometry = np.full(len(fields), None, dtype=object)
    geometry[good] = shapely.points(np.column_stack([x[good], y[good]]))
    sigma_m = _rounded_sigma(position, (east.step, north.step), y)
    return Shapes(geometry, sigma_m), reasons


def lines_of(fields: Fields, position: PositionDefinition) -> tuple[Shapes, ObjectArray]:
    """Decode the text of pairs to lines in the unit of the frame.

    Parameters
    ----------
    fields : Fields
        The columns as written.
    position : PositionDefinition
        Of kind "coordinates".

    Returns
    -------
    shapes : Shapes
        Geometries, and the stated sigma combined with the rounding of the last printed digit, shape (n,).
    reasons : numpy.ndarray
        None or text, shape (n,).
    """
    points, reasons, step = decode_polyline(
        fields.columns[0],
        name=position.columns[0] if position.columns else "polyline",
        latitude_first=position.axes == "lat,lon",
        cut_at=position.cut_at,
    )
    factor = unit_factor(position)
    good = [row for row, line in enumerate(points) if line is not None]
    lines = [line * factor for line in points if line is not None]
    geometry = np.full(len(fields), None, dtype=object)
    middle = np.zeros(len(fields))
    if lines:
        counts = [len(line) for line in lines]
        geometry[good] = shapely.linestrings(np.concatenate(lines), indices=np.repeat(np.arange(len(lines)), counts))
        middle[good] = [float(line[:, 1].mean()) for line in lines]
    return Shapes(geometry, _rounded_sigma(position, (step, step), middle)), reasons


def _rounded_sigma(position: PositionDefinition, steps: tuple[float, float], y: FloatArray) -> FloatArray:
    """Combine the stated sigma with the rounding of the last printed digit, per axis and then as one circle."""
    # Notations of degrees give degrees; decimals are in the unit that was stated.
    written = position.unit if position.notation in {"decimal", "polyline"} else "degree"
    if is_angle(written):
        scale = conversion_factor(written, "degree") * _METRES_PER_DEGREE
        degrees = y * conversion_factor(definition(position.crs).unit, "degree")
        east_m, north_m = steps[0] * scale * np.cos(np.radians(degrees)), np.full(len(y), steps[1] * scale)
    else:
        scale = conversion_factor(written, "metre")
        east_m, north_m = np.full(len(y), steps[0] * scale), np.full(len(y), steps[1] * scale)
    circle_m = np.sqrt((rounding_sigma(east_m) ** 2 + rounding_sigma(north_m) ** 2) / 2.0)
    return combine_sigma(circle_m, position.sigma_m)
