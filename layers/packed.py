"""Geometries as arrays of coordinates, kind by kind: quicker to build anew than from well-known binary, and later."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import shapely

from layers.errors import TransferError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["Packed", "pack_beside", "pack_geometry", "unpack_geometry"]

_POINT = 0
#: Point, LineString, Polygon and their multiples: what shapely turns into ragged arrays without changing the kind.
_RAGGED = (0, 1, 3, 4, 5, 6)
#: How many arrays of offsets the coordinates of each kind have.
_LEVELS = {0: 0, 1: 1, 3: 2, 4: 1, 5: 2, 6: 3}


@dataclass(frozen=True, kw_only=True, eq=False)
class Packed:
    """Geometries that are made when somebody asks for them.

    Parameters
    ----------
    parts : Mapping of str to Mapping of str to numpy.ndarray
        By kind (its number, and "z" with heights): ``rows`` of the geometries or None for all, ``coordinates``, and
        ``offsets0`` to ``offsets2`` as shapely's ragged arrays have them; and ``rest``, as well-known binary.
    length : int
        How many there are, those that are None included.

    Raises
    ------
    TransferError
        If numbers do not fit each other; what is made of them would not be what was meant.
    """

    parts: Mapping[str, Mapping[str, Any]]
    length: int

    def __post_init__(self) -> None:
        for name, held in self.parts.items():
            rows = held["rows"]
            count = _count_wkb(held["wkb"]) if name == "rest" else _count_ragged(name, held)
            if count != (self.length if rows is None else len(rows)):
                raise TransferError(f"{count} geometries of kind {name} for other rows")
            if rows is not None and len(rows) and not (rows.min() >= 0 and rows.max() < self.length):
                raise TransferError("rows of geometries that are not there")
            if rows is None and len(self.parts) > 1:
                raise TransferError("two geometries for a row")

    @classmethod
    def of_points(cls, numbers: NDArray[np.float64]) -> Packed:
        """Hold points.

        Parameters
        ----------
        numbers : numpy.ndarray of float64, shape (n, 2) or (n, 3)
            Their coordinates.

        Returns
        -------
        Packed
            Of all of them.
        """
        name = "0z" if numbers.shape[1] > 2 else "0"
        return cls(parts={name: {"rows": None, "coordinates": numbers}}, length=len(numbers))

    def __len__(self) -> int:
        return self.length

    @property
    def numbers(self) -> NDArray[np.float64] | None:
        """Coordinates, shape (n, 2) or (n, 3), if each is a point of one kind; None if not."""
        name, held = next(iter(self.parts.items()), ("", {}))
        return held["coordinates"] if name in {"0", "0z"} and held["rows"] is None else None

    @property
    def has_z(self) -> bool:
        """Whether any has heights."""
        if "rest" in self.parts:
            return bool(shapely.has_z(self.make()).any())
        return any(name.endswith("z") for name in self.parts)

    def make(self) -> NDArray[np.object_]:
        """Make the geometries.

        Returns
        -------
        numpy.ndarray of shapely geometries or None, shape (n,)
            New objects.
        """
        return unpack_geometry(self.parts, self.length)

    def take(self, mask: NDArray[np.bool_] | NDArray[np.intp]) -> Packed:
        """Keep some of them.

        Parameters
        ----------
        mask : numpy.ndarray of bool or int
            True to keep, shape (n,); or places.

        Returns
        -------
        Packed
            Those.
        """
        if self.numbers is not None:
            return self.of_points(self.numbers[mask])
        kept = self.make()[mask]
        return Packed(parts=pack_geometry(kept), length=len(kept))


def _count_ragged(name: str, held: Mapping[str, Any]) -> int:
    """Return the number of geometries of one kind, after a look at every offset."""
    coordinates, levels = held["coordinates"], _LEVELS[int(name[0])]
    if coordinates.dtype != np.float64 or coordinates.shape != (len(coordinates), 3 if name.endswith("z") else 2):
        raise TransferError(f"coordinates of shape {coordinates.shape} for geometries of kind {name}")
    below = len(coordinates)
    for level in range(levels):
        offsets = held[f"offsets{level}"]
        if offsets.ndim != 1 or offsets.dtype.kind != "i" or not len(offsets) or offsets[0] != 0:
            raise TransferError("offsets that are none")
        if offsets[-1] != below or (offsets[1:] < offsets[:-1]).any():
            raise TransferError("offsets that lead outside of what they divide")
        below = len(offsets) - 1
    return below


def _count_wkb(held: Mapping[str, Any]) -> int:
    offsets = held["offsets"]
    if not len(offsets) or offsets[0] < 0 or offsets[-1] > len(held["data"]) or (np.diff(offsets) < 0).any():
        raise TransferError("offsets that lead outside of what they divide")
    return len(offsets) - 1


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


def pack_beside(parts: dict[str, Any], rows: NDArray[np.intp], geometry: NDArray[np.object_]) -> None:
    """Add geometries to others that lie in arrays.

    Parameters
    ----------
    parts : dict
        As `pack_geometry` gives it; added to.
    rows : numpy.ndarray of int, shape (n,)
        Which of all they are.
    geometry : numpy.ndarray of shapely geometries or None, shape (n,)
        Of any kinds.
    """
    for name, held in pack_geometry(geometry).items():
        own = rows if held["rows"] is None else rows[held["rows"]]
        # Those that came in another way may have a kind that others have too.
        parts[name if name not in parts else f"{name[0]}g{name[1:]}"] = {**held, "rows": own}


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
