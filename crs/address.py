"""Addresses: street and number, found in a gazetteer as they stand, or between their neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs.coordinates import Shapes
from crs.geodesy import distances_m
from crs.indirect import AddressOptions
from crs.names import plain_name, plain_number
from crs.uncertainty import combine_sigma, rounding_sigma

if TYPE_CHECKING:
    from crs.coordinates import ObjectArray, Positioned
    from crs.definition import PositionDefinition
    from crs.references import Reference

__all__ = ["place_by_address"]

#: Rows of one address that lie no farther apart are one place.
_SAME_PLACE_M = 1.0

Address = tuple[str, ...]


def place_by_address(
    layer: Positioned, position: PositionDefinition, gazetteer: Reference
) -> tuple[Shapes, ObjectArray]:
    """Place each record at its address.

    Parameters
    ----------
    layer : Positioned
        Its coordinates are the parts of the address, street before number, or the whole of it in one column.
    position : PositionDefinition
        Of kind "address".
    gazetteer : Reference
        Rows with the same parts and a geometry.

    Returns
    -------
    shapes : Shapes
        Geometry and sigma: what is stated and the gazetteer's own; of a number between two others also the sigma of
        being anywhere between them.
    reasons : numpy.ndarray
        None or text, shape (n,). An address that stands at several places is refused.
    """
    options = position.options if isinstance(position.options, AddressOptions) else AddressOptions(keys=())
    rows = _rows_of(_addresses([gazetteer.column(key).tolist() for key in options.keys]))
    streets = {address[:-1] for address in rows}
    neighbours = _neighbours(rows, gazetteer) if options.interpolate else {}
    parts = [column.tolist() for column in layer.coordinates.columns]  # type: ignore[union-attr]
    count = len(parts[0])
    geometry, sigma_m = np.full(count, None, dtype=object), np.full(count, np.nan)
    reasons = np.full(count, None, dtype=object)
    ambiguous = None if gazetteer.ambiguous is None else np.zeros(count, dtype=bool)
    for record, address in enumerate(_addresses(parts)):
        if not all(address):
            reasons[record] = f"missing: {position.columns[address.index('')]} is empty"
            continue
        shown = " ".join(str(part[record]) for part in parts)[:60]
        if address in rows:
            found = _one_place(rows[address], gazetteer)
            if isinstance(found, str):
                reasons[record] = found.format(shown=shown)
                continue
            geometry[record], sigma_m[record], from_rows = gazetteer.geometry[found], gazetteer.sigma_m[found], [found]
        else:
            between = _between(neighbours.get(address[:-1], {}), address[-1], gazetteer)
            if between is None:
                missing = "" if address[:-1] in streets else ", nor is the street"
                reasons[record] = f"unknown_key: {shown!r} is not in {gazetteer.name}{missing}"
                continue
            geometry[record], sigma_m[record], from_rows = between
        if ambiguous is not None and gazetteer.ambiguous is not None:
            ambiguous[record] = gazetteer.ambiguous[from_rows].any()
    return Shapes(geometry, combine_sigma(sigma_m, position.sigma_m), ambiguous), reasons


def _addresses(parts: list[list[object]]) -> list[Address]:
    """Write addresses in the form in which they are compared; the last of several parts is the number."""
    if len(parts) == 1:
        return [(plain_name(whole),) for whole in parts[0]]
    return [(*map(plain_name, names), plain_number(number)) for *names, number in zip(*parts, strict=True)]


def _rows_of(addresses: list[Address]) -> dict[Address, list[int]]:
    """Return the rows of each whole address."""
    rows: dict[Address, list[int]] = {}
    for row, address in enumerate(addresses):
        if all(address):
            rows.setdefault(address, []).append(row)
    return rows


def _one_place(rows: list[int], gazetteer: Reference) -> int | str:
    """Return the row of an address, or the reason why there is none."""
    placed = [row for row in rows if gazetteer.geometry[row] is not None and not gazetteer.geometry[row].is_empty]
    if not placed:
        return f"reference_unplaced: {{shown!r}} of {gazetteer.name} has no position itself"
    lon, lat = shapely.get_coordinates(shapely.centroid(gazetteer.geometry[placed])).T
    apart_m = distances_m(lon[0], lat[0], lon, lat).max()
    if apart_m > _SAME_PLACE_M:
        return f"ambiguous_reference: {{shown!r}} stands {len(placed)} times in {gazetteer.name}, {apart_m:.0f} m apart"
    return placed[0]


def _neighbours(rows: dict[Address, list[int]], gazetteer: Reference) -> dict[Address, dict[int, int]]:
    """Return, for each street, the row of every plain number that stands at one place."""
    streets: dict[Address, dict[int, int]] = {}
    for address, found in rows.items():
        if address[-1].isdecimal() and isinstance(row := _one_place(found, gazetteer), int):
            streets.setdefault(address[:-1], {})[int(address[-1])] = row
    return streets


def _between(
    numbers: dict[int, int], wanted: str, gazetteer: Reference
) -> tuple[shapely.Point, float, list[int]] | None:
    """Place a number between the rows of the nearest lower and higher ones of the same side, odd or even."""
    if not wanted.isdecimal():
        return None
    number = int(wanted)
    side = [known for known in numbers if known % 2 == number % 2]
    low = max((known for known in side if known < number), default=None)
    high = min((known for known in side if known > number), default=None)
    if low is None or high is None:
        return None
    ends = [numbers[low], numbers[high]]
    (lon_a, lat_a), (lon_b, lat_b) = shapely.get_coordinates(shapely.centroid(gazetteer.geometry[ends]))
    share = (number - low) / (high - low)
    point = shapely.Point(lon_a + share * (lon_b - lon_a), lat_a + share * (lat_b - lat_a))
    apart_m = rounding_sigma(distances_m(lon_a, lat_a, lon_b, lat_b))
    return point, float(combine_sigma(apart_m, gazetteer.sigma_m[ends].max())), ends
