"""Positions along streets: a street's id and a chainage, measured on the ellipsoid along its line.

The chainage runs in the direction in which the reference line is drawn. A line of several parts is joined where its
parts follow one another; where they do not, the chainage has no meaning and the record is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyproj import Geod

from crs.coordinates import FloatArray, ObjectArray, Shapes
from crs.encodings import Decoded, decode_decimal
from crs.keys import match_keys
from crs.uncertainty import combine_sigma, rounding_sigma
from crs.units import conversion_factor, resolve_unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.coordinates import Fields
    from crs.definition import PositionDefinition

__all__ = ["decode_chainage", "place_along"]

_GEOD = Geod(ellps="WGS84")
_POST = re.compile(r"[A-Za-z]{0,3}\s*(?P<km>\d+)\s*\+\s*(?P<m>\d{1,3}(?:\.(?P<decimals>\d*))?)")
_LINE_STRING = 1
#: 95 % of what is wrong by a normal error lies within this many sigma.
_NORMAL_95 = 1.959963984540054
#: The chainages of all vertices are one running sum; an end is no sharper than its rounding.
_SUMMING_M = 1e-6


@dataclass(frozen=True, eq=False)
class _Measured:
    """Lines with the geodesic chainage of every vertex, all in one row of numbers."""

    lon: FloatArray
    lat: FloatArray
    along: FloatArray
    first: NDArray[np.int64]
    last: NDArray[np.int64]

    @property
    def lengths_m(self) -> FloatArray:
        return self.along[self.last] - self.along[self.first]


def decode_chainage(column: NDArray[np.generic], *, name: str, unit: str) -> Decoded:
    """Decode chainages to metres: plain numbers in a unit, or kilometre posts as text.

    Parameters
    ----------
    column : numpy.ndarray
        Numbers or text; "K12+300", "PK 12+300.5" and "12+300" are 12,300 m and so on.
    name : str
        Name of the column, for reasons.
    unit : str
        Unit of plain numbers.

    Returns
    -------
    Decoded
        Metres. Posts are refused where the unit is not metric: there 12+30 counts hundreds of feet.

    Examples
    --------
    >>> decode_chainage(np.array(["K12+300", "12.3"], dtype=object), name="post", unit="kilometre").values.tolist()
    [12300.0, 12300.0]
    """
    factor = conversion_factor(unit, "metre")
    if column.dtype.kind in "iuf":
        plain = decode_decimal(column, name=name)
        return Decoded(plain.values * factor, plain.reasons, plain.step * factor)
    texts = [value.strip() if isinstance(value, str) else value for value in column.tolist()]
    posts = [_POST.fullmatch(text) if isinstance(text, str) else None for text in texts]
    rest = np.array([None if post else text for text, post in zip(texts, posts, strict=True)], dtype=object)
    plain = decode_decimal(rest, name=name)
    values, reasons = plain.values * factor, plain.reasons
    steps = [plain.step * factor] if plain.step else []
    metric = resolve_unit(unit)[0] in {"metre", "kilometre"}
    for row, post in enumerate(posts):
        if post is None:
            continue
        if not metric:
            reasons[row] = f"unreadable: {name} {texts[row]!r} is a post of 1,000 m, but the unit is {unit}"
            continue
        values[row], reasons[row] = float(post["km"]) * 1000.0 + float(post["m"]), None
        steps.append(10.0 ** -len(post["decimals"] or ""))
    return Decoded(values, reasons, min(steps, default=0.0))


def _joined(geometry: ObjectArray) -> ObjectArray:
    """Join the parts of lines that follow one another; what stays in parts becomes None."""
    lines = geometry.copy()
    parted = shapely.get_type_id(lines) != _LINE_STRING
    lines[parted] = shapely.line_merge(lines[parted], directed=True)
    lines[shapely.get_type_id(lines) != _LINE_STRING] = None
    return lines


def _measure(lines: ObjectArray) -> _Measured:
    """Measure lines on the ellipsoid, vertex by vertex."""
    numbers, owner = shapely.get_coordinates(lines, return_index=True)
    lon, lat = numbers[:, 0].copy(), numbers[:, 1].copy()
    _, _, pieces = _GEOD.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])
    along = np.concatenate([[0.0], np.cumsum(np.where(owner[1:] == owner[:-1], pieces, 0.0))])
    rows = np.arange(len(lines))
    first = np.searchsorted(owner, rows, side="left")
    last = np.searchsorted(owner, rows, side="right") - 1
    return _Measured(lon, lat, along, first.astype(np.int64), last.astype(np.int64))


def _points_at(measured: _Measured, line: NDArray[np.int64], chainage_m: FloatArray) -> ObjectArray:
    """Return the point of each line at a chainage that lies on it."""
    first, last = measured.first[line], measured.last[line]
    wanted = measured.along[first] + chainage_m
    vertex = np.clip(np.searchsorted(measured.along, wanted, side="right") - 1, first, last - 1)
    lon, lat = measured.lon[vertex], measured.lat[vertex]
    azimuth, _, _ = _GEOD.inv(lon, lat, measured.lon[vertex + 1], measured.lat[vertex + 1])
    east, north, _ = _GEOD.fwd(lon, lat, azimuth, wanted - measured.along[vertex])
    return np.asarray(shapely.points(np.column_stack([east, north])), dtype=object)


def place_along(
    fields: Fields, position: PositionDefinition, *, shapes: Shapes, keys: NDArray[np.generic]
) -> tuple[Shapes, ObjectArray]:
    """Place each record on its street at its chainage.

    Parameters
    ----------
    fields : Fields
        Two columns: the street's id and the chainage.
    position : PositionDefinition
        Of kind "linear".
    shapes : Shapes
        The streets' lines in WGS 84 longitude and latitude, shape (m,).
    keys : numpy.ndarray
        The streets' ids, shape (m,).

    Returns
    -------
    shapes : Shapes
        Points and sigma: what is stated along the street, its rounding, and the street's own.
    reasons : numpy.ndarray
        None or text, shape (n,). A chainage beyond an end is refused, unless by less than what it is stated to be
        wrong by in 95 % of cases: then the record stands at the end.
    """
    names = position.columns or ("id", "chainage")
    unplaced = shapely.is_missing(shapes.geometry) | shapely.is_empty(shapes.geometry)
    matches = match_keys(fields.columns[0], keys, column=names[0], name=str(position.reference), unplaced=unplaced)
    decoded = decode_chainage(fields.columns[1], name=names[1], unit=position.unit)
    reasons = matches.reasons.copy()
    unread = [row for row, reason in enumerate(decoded.reasons) if reason is not None and reasons[row] is None]
    reasons[unread] = decoded.reasons[unread]
    geometry, sigma_m = np.full(len(fields), None, dtype=object), np.full(len(fields), np.nan)
    open_rows = np.flatnonzero(reasons == None)  # noqa: E711 (elementwise on an object array)
    streets, line = np.unique(matches.rows[open_rows], return_inverse=True)
    lines = _joined(shapes.geometry[streets])
    usable = ~shapely.is_missing(lines)
    for row in open_rows[~usable[line]]:
        reasons[row] = f"ambiguous_reference: the line of {names[0]} {fields.columns[0][row]!r} is in separate parts"
    if not usable.any():
        return Shapes(geometry, sigma_m), reasons
    # Only lines that can be measured have vertices, so they are counted anew.
    measured, line = _measure(lines[usable]), np.where(usable, np.cumsum(usable) - 1, -1)[line]
    along_m = combine_sigma(position.sigma_m, rounding_sigma(decoded.step))
    slack_m = _NORMAL_95 * float(along_m) + decoded.step / 2.0 + _SUMMING_M
    kept = line >= 0
    rows, line = open_rows[kept], line[kept].astype(np.int64)
    length_m, chainage_m = measured.lengths_m[line], decoded.values[rows]
    beyond = (chainage_m < -slack_m) | (chainage_m > length_m + slack_m)
    for row, end in zip(rows[beyond], length_m[beyond], strict=True):
        reasons[row] = (
            f"beyond_end: {names[1]} {decoded.values[row]:.1f} m is not on a line of {end:.1f} m "
            f"({names[0]} {fields.columns[0][row]})"
        )
    rows, line = rows[~beyond], line[~beyond]
    if len(rows):
        geometry[rows] = _points_at(measured, line, np.clip(chainage_m[~beyond], 0.0, length_m[~beyond]))
        street_m = np.zeros(len(shapes)) if shapes.sigma_m is None else shapes.sigma_m
        sigma_m[rows] = combine_sigma(along_m, street_m[matches.rows[rows]])
    return Shapes(geometry, sigma_m), reasons
