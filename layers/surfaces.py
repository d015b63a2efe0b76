"""The surfaces of a city object as one value of a column: triangles in the frame of its layer, metres above its foot.

The value is bytes: how many points and triangles (two uint32), the least x and y of the points (two float64), the
points as x, y beyond these and z (float32), and three numbers of points a triangle (uint16; uint32 where there are
more than 65,535 points), all little-endian. It goes wherever an attribute goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from crs import CrsError, definition, transform
from crs.units import conversion_factor

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from crs import PositionDefinition, Shapes

__all__ = ["COLUMN", "Surfaces", "count_triangles", "move_surfaces", "pack_surfaces", "unpack_surfaces"]

COLUMN = "surface_mesh"
"""Of a layer's table; only bytes in it are surfaces."""

_HEAD = np.dtype([("points", "<u4"), ("triangles", "<u4"), ("x", "<f8"), ("y", "<f8")])
_NARROW = 65_535
#: Of the extents of an object: how far its outline may lie beyond its own surfaces, before they are not believed.
_BESIDE = 0.1


class Surfaces(NamedTuple):
    """Triangles of many objects.

    Parameters
    ----------
    xyz : numpy.ndarray of float64, shape (points, 3)
        x and y in the frame of the layer, z in metres above the lowest point of the object.
    triangles : numpy.ndarray of int64, shape (triangles, 3)
        Numbers of points, within all of them.
    points_of, triangles_of : numpy.ndarray of int64, shape (objects,)
        How many points and triangles each object has; 0 without surfaces.
    """

    xyz: NDArray[np.float64]
    triangles: NDArray[np.int64]
    points_of: NDArray[np.int64]
    triangles_of: NDArray[np.int64]


def pack_surfaces(surfaces: Surfaces) -> NDArray[np.object_]:
    """Write the surfaces of each object as one value.

    Parameters
    ----------
    surfaces : Surfaces
        Of n objects.

    Returns
    -------
    numpy.ndarray of object, shape (n,)
        Bytes; None without surfaces.

    Examples
    --------
    >>> one = Surfaces(np.eye(3), np.array([[0, 1, 2]]), np.array([3]), np.array([1]))
    >>> len(pack_surfaces(one)[0])
    66
    """
    found = np.full(len(surfaces.points_of), None, dtype=object)
    filled = np.flatnonzero(surfaces.triangles_of)
    first = np.concatenate([[0], np.cumsum(surfaces.points_of)])
    ends = np.cumsum(surfaces.triangles_of).tolist()
    head = np.zeros(len(found), dtype=_HEAD)
    head["points"], head["triangles"] = surfaces.points_of, surfaces.triangles_of
    xyz = np.empty(surfaces.xyz.shape, dtype="<f4")
    if len(filled):
        least = np.minimum.reduceat(surfaces.xyz[:, :2], first[:-1][filled], axis=0)
        head["x"][filled], head["y"][filled] = least.T
        with np.errstate(all="ignore"):  # what is too far for these numbers is no surface to who reads it
            xyz[:, :2] = surfaces.xyz[:, :2] - np.repeat(least, surfaces.points_of[filled], axis=0)
            xyz[:, 2] = surfaces.xyz[:, 2]
    # Numbers within the object.
    own = surfaces.triangles - np.repeat(first[:-1], surfaces.triangles_of)[:, np.newaxis]
    wide = surfaces.points_of > _NARROW
    narrow, broad = own.astype("<u2"), own.astype("<u4") if wide.any() else None
    for i in filled.tolist():
        last = ends[i]
        numbers = (broad if broad is not None and wide[i] else narrow)[last - int(surfaces.triangles_of[i]) : last]
        found[i] = head[i].tobytes() + xyz[first[i] : first[i + 1]].tobytes() + numbers.tobytes()
    return found


def unpack_surfaces(values: NDArray[np.object_]) -> Surfaces:
    """Read surfaces; a value that is none, or names points that are not there, counts as no surfaces.

    Parameters
    ----------
    values : numpy.ndarray of object, shape (n,)
        Bytes as `pack_surfaces` writes them, or anything else.

    Returns
    -------
    Surfaces
        Of n objects.
    """
    points_of, triangles_of = np.zeros((2, len(values)), dtype=np.int64)
    least, points, triangles = [], [], []
    for i, value in enumerate(values):
        found = _unpack(value) if isinstance(value, bytes) else None
        if found is None:
            continue
        points_of[i], triangles_of[i] = len(found[1]), len(found[2])
        least.append(found[0])
        points.append(found[1])
        triangles.append(found[2])
    if not points:
        return Surfaces(np.empty((0, 3)), np.empty((0, 3), dtype=np.int64), points_of, triangles_of)
    filled = triangles_of > 0
    xyz = np.concatenate(points).astype(np.float64)
    xyz[:, :2] += np.repeat(np.array(least), points_of[filled], axis=0)
    before = np.cumsum(points_of) - points_of
    numbers = np.concatenate(triangles, dtype=np.int64) + np.repeat(before, triangles_of)[:, np.newaxis]
    return Surfaces(xyz, numbers, points_of, triangles_of)


def _unpack(value: bytes) -> tuple[tuple[float, float], NDArray[np.float32], NDArray[np.unsignedinteger]] | None:
    if len(value) < _HEAD.itemsize:
        return None
    points, triangles, x, y = np.frombuffer(value, dtype=_HEAD, count=1)[0].item()
    kind = np.dtype("<u2" if points <= _NARROW else "<u4")
    middle = _HEAD.itemsize + 12 * points
    if not triangles or len(value) != middle + 3 * kind.itemsize * triangles:
        return None
    xyz = np.frombuffer(value, dtype="<f4", count=3 * points, offset=_HEAD.itemsize).reshape(-1, 3)
    numbers: NDArray[np.unsignedinteger] = np.frombuffer(value, dtype=kind, offset=middle).reshape(-1, 3)
    if int(numbers.max()) >= points or not (np.isfinite(xyz).all() and np.isfinite([x, y]).all()):
        return None
    return (x, y), xyz, numbers


def count_triangles(values: NDArray[np.object_]) -> NDArray[np.int64]:
    """Count the triangles of objects, as far as a look at the heads of their surfaces tells.

    Parameters
    ----------
    values : numpy.ndarray of object, shape (n,)
        Bytes as `pack_surfaces` writes them, or None.

    Returns
    -------
    numpy.ndarray of int64, shape (n,)
        0 without surfaces.
    """
    counts = np.zeros(len(values), dtype=np.int64)
    filled = [i for i, value in enumerate(values) if isinstance(value, bytes) and len(value) >= _HEAD.itemsize]
    heads = b"".join(values[i][: _HEAD.itemsize] for i in filled)
    counts[filled] = np.frombuffer(heads, dtype=_HEAD)["triangles"]
    return counts


def move_surfaces(
    table: pd.DataFrame, placed: Shapes, *, source: PositionDefinition, target: PositionDefinition
) -> pd.DataFrame:
    """Move the surfaces of records the way that their geometries went.

    Parameters
    ----------
    table : pandas.DataFrame
        n records, perhaps with surfaces.
    placed : Shapes
        Where they are now, n of them.
    source, target : PositionDefinition
        What positions meant before, and mean now.

    Returns
    -------
    pandas.DataFrame
        The surfaces moved. Those that would not be where their record is (its position was mended, or found from
        other records) are left out: the record is drawn as a block then.
    """
    if COLUMN not in table:
        return table
    held = unpack_surfaces(table[COLUMN].to_numpy(dtype=object))
    try:
        factor = conversion_factor(source.unit, definition(source.crs).unit)
        x, y = transform(held.xyz[:, 0] * factor, held.xyz[:, 1] * factor, source=source, target=target)
    except CrsError:  # a way that only the records together know
        return table.assign(**{COLUMN: np.full(len(table), None, dtype=object)})
    xyz = np.column_stack([x, y, held.xyz[:, 2]])
    filled = np.flatnonzero(held.points_of)
    first = (np.cumsum(held.points_of) - held.points_of)[filled]
    near = np.zeros(len(table), dtype=bool)
    if len(filled):
        least, most = (
            extreme.reduceat(xyz[:, :2], first, axis=0)  # NaN where a point could not be moved
            for extreme in (np.minimum, np.maximum)
        )
        bounds, slack = shapely.bounds(placed.geometry[filled]), _BESIDE * (most - least).max(axis=1, keepdims=True)
        near[filled] = ((bounds[:, :2] >= least - slack) & (bounds[:, 2:] <= most + slack)).all(axis=1)
    xyz[np.repeat(~near, held.points_of)] = 0.0
    packed = pack_surfaces(held._replace(xyz=xyz))
    packed[~near] = None
    return table.assign(**{COLUMN: packed})
