"""The naive reading of positions, against which the engine is measured: what one gets who does not ask what they mean.

Its rules, all of them:

1. Numbers of angles are degrees of WGS 84, longitude and latitude, whatever datum, shift, prime meridian or angular
   unit was meant. What is plainly notation is read: degrees and minutes, powers of ten, which column is which.
2. Numbers of lengths are metres (or feet) of the city's own plane, whatever grid was meant. The number of the strip in
   front of an eight-digit easting is dropped where the plane has none.
3. A chainage is the nearest post of 100 m on its street, the post before where that is beyond the end; direction and
   offset are not looked at.
4. Other references (register, crossing, address, cell) have no naive reading of their own and are taken as meant.
5. Nothing is refused: a position far from the city is placed there, if the plane reaches so far.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import shapely

import crs
from crs.chainage import decode_chainage
from crs.fields import lines_of, points_of
from crs.indirect import LinearOptions
from crs.resolve import resolve_indirect
from crs.units import is_angle, resolve_unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    import layers

    Shapes = npt.NDArray[np.object_]

POST_M = 100.0
"""Spacing of the posts that a chainage is rounded to, metres."""

_HUB = "OGC:CRS84"
# Numbers of strips of China: 13 to 23 of six degrees, 25 to 45 of three, before eastings of six digits.
_STRIPS = (13e6, 46e6)


def city_plane(area: tuple[float, float, float, float]) -> str:
    """Return the plane of a city that names none: its strip of UTM.

    Parameters
    ----------
    area : tuple of float
        min_lon, min_lat, max_lon, max_lat in degrees.

    Returns
    -------
    str
        Code of the strip of the middle.

    Examples
    --------
    >>> city_plane((7.4040, 43.7222, 7.4460, 43.7535))
    'EPSG:32632'
    """
    west, south, east, north = area
    strip = int((((west + east) / 2.0 + 180.0) // 6.0) % 60.0) + 1
    return f"EPSG:{(32600 if south + north >= 0.0 else 32700) + strip}"


def naive_geometry(
    layer: layers.Layer,
    position: crs.PositionDefinition,
    *,
    plane: object,
    references: Mapping[str, crs.Positioned] | None = None,
) -> Shapes:
    """Place the records of a layer naively.

    Parameters
    ----------
    layer : layers.Layer
        As published.
    position : PositionDefinition
        How its positions are written; what they mean is not looked at. Where its frame is not known (None), numbers
        that can be degrees are.
    plane : object
        Definition of the city's own plane.
    references : mapping, optional
        Layers that indirect positions refer to, harmonised.

    Returns
    -------
    ndarray of shapely geometries
        In longitude and latitude, shape (n,); None where there is no number to read.
    """
    if position.kind == "linear":
        return _at_posts(layer, position, references or {})
    if position.kind != "coordinates":
        return resolve_indirect(layer, position, crs.definition(_HUB), references or {})[0].geometry
    grid = crs.definition(plane)
    angles = _are_angles(layer, position)
    frame = crs.definition(_HUB) if angles else grid
    written = dataclasses.replace(
        position, crs=frame.crs, unit=_unit(position) if angles else frame.unit, truncated=False
    )
    shapes = _numbers(layer, written)
    return shapes if angles else crs.project(_without_strip(shapes), source=grid, target=_HUB, outside="nan")


def _numbers(layer: layers.Layer, position: crs.PositionDefinition) -> Shapes:
    """Return geometries of the numbers as they are written."""
    if isinstance(layer.coordinates, crs.Shapes):
        return layer.coordinates.geometry
    read = lines_of if position.notation == "polyline" else points_of
    return read(layer.coordinates, position)[0].geometry


def _are_angles(layer: layers.Layer, position: crs.PositionDefinition) -> bool:
    """Say whether numbers are angles, by their unit or, where nobody knows their frame, by their size."""
    if position.notation != "decimal" or position.crs is not None:
        return position.notation not in {"decimal", "polyline"} or is_angle(position.unit)
    plain = dataclasses.replace(position, crs=crs.definition("EPSG:3857").crs, unit="metre")
    numbers = np.abs(shapely.get_coordinates(_numbers(layer, plain)))
    return bool(len(numbers) == 0 or (np.median(numbers, axis=0) <= (180.0, 90.0)).all())


def _unit(position: crs.PositionDefinition) -> str:
    """Return degrees, times the power of ten in which they are written."""
    if position.notation not in {"decimal", "polyline"} or not is_angle(position.unit):
        return "degree"
    power = round(float(np.log10(float(resolve_unit(position.unit)[1]))))
    return f"1e{power} degree" if power else "degree"


def _without_strip(shapes: Shapes) -> Shapes:
    """Drop the numbers of strips in front of eastings of eight digits."""

    def plain(numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        eastings = numbers[:, 0]
        prefixed = (eastings >= _STRIPS[0]) & (eastings < _STRIPS[1])
        return np.column_stack([np.where(prefixed, eastings % 1e6, eastings), numbers[:, 1]])

    found: Shapes = shapely.transform(shapely.force_2d(shapes), plain)
    return found


def _at_posts(
    layer: layers.Layer, position: crs.PositionDefinition, references: Mapping[str, crs.Positioned]
) -> Shapes:
    """Place records at the nearest post of their street."""
    if not isinstance(layer.coordinates, crs.Fields):
        return np.full(len(layer), None, dtype=object)
    keys, written = layer.coordinates.columns
    chainage_m = decode_chainage(written, name=position.columns[1], unit=position.unit).values
    options = position.options if isinstance(position.options, LinearOptions) else LinearOptions()
    options = dataclasses.replace(options, direction=None, down=None, offset=None, side=None, positive=None)
    plain = dataclasses.replace(position, unit="metre", options=options)
    found = np.full(len(layer), None, dtype=object)
    for post_m in (np.round(chainage_m / POST_M) * POST_M, np.floor(chainage_m / POST_M) * POST_M):
        at_posts = dataclasses.replace(layer, coordinates=crs.Fields((keys, post_m)))
        shapes = resolve_indirect(at_posts, plain, crs.definition(_HUB), references)[0].geometry
        found = np.where(shapely.is_missing(found), shapes, found)
    return found
