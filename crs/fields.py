"""From the columns of a table to geometries in the unit of their frame, with the rounding of what was printed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs.coordinates import Shapes
from crs.decode import counts_of
from crs.definition import definition
from crs.encodings import decode_decimal, decode_polyline, split_pairs
from crs.sentinels import is_null_island, is_sentinel_pair
from crs.sexagesimal import decode_dms, decode_nmea, decode_packed
from crs.strays import stray_vertices
from crs.uncertainty import combine_sigma, rounding_sigma
from crs.units import CIRCLE_DEG, conversion_factor, is_angle, is_fine_degree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.coordinates import Fields, FloatArray, ObjectArray
    from crs.decode import Decoded
    from crs.definition import PositionDefinition
    from crs.digits import DigitCounts, DigitSteps

__all__ = ["count_digits", "lines_of", "points_of", "unit_factor"]

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


def _decode_column(
    column: NDArray[np.generic], position: PositionDefinition, *, name: str, axis: str, digits: DigitSteps | None
) -> Decoded:
    """Decode one column of a position that has one axis a column."""
    notation = position.notation
    if notation in {"decimal", "pair"}:
        return decode_decimal(column, name=name, decimal=position.decimal, unit=position.unit, digits=digits)
    if notation == "dms":
        return decode_dms(column, name=name, axis=axis, digits=digits)
    if notation == "nmea":
        return decode_nmea(column, name=name, axis=axis, digits=digits)
    return decode_packed(column, name=name, point_after_degrees=notation == "packed_dms", digits=digits)


def _decode_axes(fields: Fields, position: PositionDefinition) -> list[Decoded]:
    """Decode the columns of both axes, in the order in which they are written."""
    order = ("lat", "lon") if position.axes == "lat,lon" else ("lon", "lat")
    names = position.columns or order
    angles = is_angle(position.unit)
    columns = fields.columns
    if position.notation == "pair":
        name = position.columns[0] if position.columns else "position"
        first, second, unread = split_pairs(columns[0], name=name)
        columns, names = (first, second), (name, name)
    parts = []
    for place, axis in enumerate(order):
        checked = axis if angles else "xy"[axis == "lat"]
        digits = None if fields.digits is None else fields.digits[place]
        if len(columns) == 4:
            column, letters, name = columns[2 * place], columns[2 * place + 1], names[2 * place]
            parts.append(decode_nmea(column, name=name, axis=checked, hemisphere=letters, digits=digits))
        else:
            parts.append(_decode_column(columns[place], position, name=names[place], axis=checked, digits=digits))
    if position.notation == "pair":
        parts = [replace(part, reasons=np.where(unread == None, part.reasons, unread)) for part in parts]  # noqa: E711
    return parts


def count_digits(fields: Fields, position: PositionDefinition) -> tuple[DigitCounts, ...]:
    """Count the digits of the numbers of a position: what they tell of its precision, they tell together.

    Parameters
    ----------
    fields : Fields
        The columns as written, or a part of the records.
    position : PositionDefinition
        Of kind "coordinates".

    Returns
    -------
    tuple of DigitCounts
        One for each axis, in the order in which they are written; of lines one for both.
    """
    if position.notation == "polyline":
        return (_decode_lines(fields, position)[2],)
    return counts_of(_decode_axes(fields, position))


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
    parts = _decode_axes(fields, position)
    reasons = parts[0].reasons.copy()
    fill = (reasons == None) & (parts[1].reasons != None)  # noqa: E711 (elementwise on object arrays)
    reasons[fill] = parts[1].reasons[fill]
    _refuse_stand_ins(reasons, parts, position)
    if position.truncated:
        parts = [part.uncut() for part in parts]
    east, north = parts[::-1] if position.axes == "lat,lon" else parts
    factor = unit_factor(position)
    x, y = east.values * factor, north.values * factor
    good = np.flatnonzero(reasons == None)  # noqa: E711
    geometry = np.full(len(fields), None, dtype=object)
    geometry[good] = shapely.points(np.column_stack([x[good], y[good]]))
    return Shapes(geometry, _rounded_sigma(position, (east.sigma, north.sigma), y)), reasons


def _refuse_stand_ins(reasons: ObjectArray, parts: list[Decoded], position: PositionDefinition) -> None:
    """Refuse pairs of numbers that stand for a missing value, judged as they are written."""
    first, second = parts[0].values, parts[1].values
    stand_in = is_sentinel_pair(first, second)
    if is_fine_degree(position.unit):
        # Such a pair lies in the open sea at (0, 0): it is -1 and -1, or in plain degrees.
        stand_in |= (np.abs(first) <= CIRCLE_DEG) & (np.abs(second) <= CIRCLE_DEG)
    frame = definition(position.crs)
    if is_angle(frame.unit) or frame.crs == "EPSG:3857":
        null = is_null_island(first, second)
    else:
        null = np.zeros(len(first), dtype=bool)
    for row in np.flatnonzero((stand_in | null) & (reasons == None)):  # noqa: E711
        shown = f"({first[row]:.10g}, {second[row]:.10g})"
        if null[row]:
            reasons[row] = f"null_island: {shown} is the default of an empty position"
        else:
            reasons[row] = f"sentinel: {shown} in {position.unit} stands for a missing position"


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
    points, reasons, counts = _decode_lines(fields, position)
    step = (counts.judge() if fields.digits is None else fields.digits[0]).finest
    factor = unit_factor(position)
    _refuse_strays(points, reasons, fields.columns[0], position)
    good = [row for row, line in enumerate(points) if line is not None]
    lines = [line * factor for line in points if line is not None]
    geometry = np.full(len(fields), None, dtype=object)
    middle = np.zeros(len(fields))
    if lines:
        vertices = [len(line) for line in lines]
        geometry[good] = shapely.linestrings(np.concatenate(lines), indices=np.repeat(np.arange(len(lines)), vertices))
        middle[good] = [float(line[:, 1].mean()) for line in lines]
    sigma = np.asarray(rounding_sigma(np.full(len(fields), step if np.isfinite(step) else 0.0)))
    return Shapes(geometry, _rounded_sigma(position, (sigma, sigma), middle)), reasons


def _refuse_strays(
    points: list[FloatArray | None],
    reasons: ObjectArray,
    column: NDArray[np.generic],
    position: PositionDefinition,
) -> None:
    """Refuse lines with a vertex far off, each distinct text judged once."""
    first = {text: row for row, text in reversed(list(enumerate(column.tolist()))) if points[row] is not None}
    geographic = is_angle(position.unit)
    found = stray_vertices(
        [line for row in first.values() if (line := points[row]) is not None],
        metres_per_unit=conversion_factor(position.unit, "degree") * _METRES_PER_DEGREE
        if geographic
        else conversion_factor(position.unit, "metre"),
        geographic=geographic,
    )
    stray = {text: vertex for text, vertex in zip(first, found.tolist(), strict=True) if vertex >= 0}
    for row, text in enumerate(column.tolist()):
        line = points[row]
        if line is not None and text in stray:
            x, y = line[stray[text]]
            place = stray[text] + 1
            reasons[row] = f"stray_vertex: pair {place} of {len(line)}, (x {x:.10g}, y {y:.10g}), lies far off its line"
            points[row] = None


def _decode_lines(
    fields: Fields, position: PositionDefinition
) -> tuple[list[FloatArray | None], ObjectArray, DigitCounts]:
    return decode_polyline(
        fields.columns[0],
        name=position.columns[0] if position.columns else "polyline",
        latitude_first=position.axes == "lat,lon",
        cut_at=position.cut_at,
    )


def _rounded_sigma(position: PositionDefinition, written: tuple[FloatArray, FloatArray], y: FloatArray) -> FloatArray:
    """Combine the stated sigma with that of the last printed digits, east and north, as one circle."""
    # Notations of degrees give degrees; decimals are in the unit that was stated.
    unit = position.unit if position.notation in {"decimal", "pair", "polyline"} else "degree"
    east, north = written
    if is_angle(unit):
        scale = conversion_factor(unit, "degree") * _METRES_PER_DEGREE
        degrees = y * conversion_factor(definition(position.crs).unit, "degree")
        east_m, north_m = east * scale * np.cos(np.radians(degrees)), north * scale
    else:
        scale = conversion_factor(unit, "metre")
        east_m, north_m = east * scale, north * scale
    return combine_sigma(np.sqrt((east_m**2 + north_m**2) / 2.0), position.sigma_m)
