"""Geometries as arrays of coordinates, kind by kind: quicker to build anew than from well-known binary."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import shapely

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["pack_geometry", "unpack_geometry"]

_POINT = 0
#: Point, LineString, Polygon and their multiples: what shapely turns into ragged arrays without changing the kind.
_RAGGED = (0, 1, 3, 4, 5, 6)
_DIMENSIONS = 3


def pack_geometry(geometry: NDArray[np.object_]) -> dict[str, Any]:
    """Take geometries apart.

    Parameters
    ----------
    geometry : numpy.ndarray of shapely geometries or None, shape (n,)
        Of any kinds.

    Returns
    -------
    dict
        Arrays by name; empty ones, collections and those with measures are well-known binary.
    """
    kinds = shapely.get_type_id(geometry)
    deep = shapely.has_z(geometry)
    plain = np.isin(kinds, _RAGGED) & ~shapely.is_empty(geometry)
    plain &= ~shapely.has_m(geometry) & (shapely.get_srid(geometry) == 0)
    parts: dict[str, Any] = {}
    for kind in _RAGGED:
        for with_z in (False, True):
            rows = np.flatnonzero(plain & (kinds == kind) & (deep == with_z))
            if len(rows):
                whole = len(rows) == len(geometry)
                held = _ragged(geometry if whole else geometry[rows], kind=kind, with_z=with_z)
                parts[f"{kind}{'z' if with_z else ''}"] = {"rows": None if whole else rows, **held}
    rest = np.flatnonzero(~plain & (kinds >= 0))
    if len(rest):
        parts["rest"] = {"rows": rest, "wkb": _wkb(geometry[rest])}
    return parts


def _ragged(geometry: NDArray[np.object_], *, kind: int, with_z: bool) -> dict[str, Any]:
    if kind == _POINT:
        return {"coordinates": shapely.get_coordinates(geometry, include_z=with_z)}
    _, coordinates, offsets = shapely.to_ragged_array(geometry, include_z=with_z)
    return {"coordinates": coordinates, **{f"offsets{i}": each for i, each in enumerate(offsets)}}


def _wkb(geometry: NDArray[np.object_]) -> dict[str, NDArray[Any]]:
    blobs = pa.array(
        shapely.to_wkb(geometry, output_dimension=4, include_srid=True, flavor="extended"), type=pa.large_binary()
    )
    _, offsets, data = blobs.buffers()
    return {"offsets": np.frombuffer(offsets, dtype=np.int64), "data": np.frombuffer(data, dtype=np.uint8)}


def unpack_geometry(parts: Mapping[str, Mapping[str, Any]], length: int) -> NDArray[np.object_]:
    """Put geometries together again.

    Parameters
    ----------
    parts : Mapping
        What `pack_geometry` gave.
    length : int
        How many there are, those that are None included.

    Returns
    -------
    numpy.ndarray of shapely geometries or None, shape (length,)
        As they were.
    """
    geometry = np.full(length, None, dtype=object)
    for name, held in parts.items():
        made = _from_wkb(held["wkb"]) if name == "rest" else _from_ragged(int(name[0]), held)
        if held["rows"] is None:
            return made
        geometry[held["rows"]] = made
    return geometry


def _from_ragged(kind: int, held: Mapping[str, Any]) -> NDArray[np.object_]:
    coordinates = held["coordinates"]
    if kind == _POINT:
        points: NDArray[np.object_] = shapely.points(coordinates)
        return points
    offsets = tuple(held[f"offsets{i}"] for i in range(len(held) - 2))
    made: NDArray[np.object_] = shapely.from_ragged_array(shapely.GeometryType(kind), coordinates, offsets)
    return made


def _from_wkb(held: Mapping[str, NDArray[Any]]) -> NDArray[np.object_]:
    offsets, data = held["offsets"], held["data"].tobytes()
    blobs = np.array([data[a:b] for a, b in pairwise(offsets)] + [None], dtype=object)[:-1]
    made: NDArray[np.object_] = shapely.from_wkb(blobs)
    return made
