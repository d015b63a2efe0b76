"""Well-known binary as arrays of numbers: most geometries need not be made to be read, and to be found sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import shapely

from layers.packed import Packed, pack_beside
from layers.readers.binary_kernels import MULTIPOLYGON, POLYGON, copy_coordinates, find_doubtful, measure
from layers.readers.points import decode_points
from layers.readers.records import geometry_faults

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["decode_binary"]


def decode_binary(
    blobs: pa.ChunkedArray | NDArray[np.object_], *, unreadable: str
) -> tuple[Packed, NDArray[np.object_] | None]:
    """Read geometries of well-known binary.

    Parameters
    ----------
    blobs : pyarrow.ChunkedArray of binary, or numpy.ndarray of bytes or None, n long
        One a record.
    unreadable : str
        Detail for what is there and is no geometry.

    Returns
    -------
    packed : Packed
        The geometries; None where there is none.
    faults : numpy.ndarray of object, shape (n,), or None
        As of `geometry_faults`; None if all are sound.

    Examples
    --------
    >>> packed, faults = decode_binary(np.array([shapely.box(0, 0, 1, 1).wkb, b"?"], dtype=object), unreadable="?")
    >>> packed.make().tolist(), faults.tolist()
    ([<POLYGON ((1 0, 1 1, 0 1, 0 0, 1 0))>, None], [None, 'unreadable_geometry: ?'])
    """
    numbers = decode_points(blobs)
    if numbers is not None:
        return Packed.of_points(numbers), None
    data, starts, present = _joined(blobs)
    kinds, sizes = measure(data, starts)
    parts: dict[str, dict[str, Any]] = {}
    doubtful = kinds < 0
    for code in np.unique(kinds[kinds > 0]).tolist():
        rows = np.flatnonzero(kinds == code)
        raw, *offsets = copy_coordinates(data, starts, rows, sizes[rows], code)
        coordinates = raw.view("<f8").reshape(-1, 3 if code > 10 else 2)
        areal = code % 10 in {POLYGON, MULTIPOLYGON}
        doubtful[rows] = find_doubtful(coordinates, *offsets, areal)
        # Lines have no rings, and what is single has no parts: levels of ones are left out.
        levels = [each for level, each in enumerate(offsets) if (level != 1 or areal) and (level != 2 or code % 10 > 3)]
        parts[f"{code % 10}{'z' if code > 10 else ''}"] = {
            "rows": None if len(rows) == len(present) else rows,
            "coordinates": coordinates,
            **{f"offsets{level}": each for level, each in enumerate(levels)},
        }
    faults = None
    closer = np.flatnonzero(doubtful)
    if len(closer):
        written = np.full(len(closer), None, dtype=object)
        for k, i in enumerate(closer):
            written[k] = data[starts[i] : starts[i + 1]].tobytes() if present[i] else None
        with np.errstate(all="ignore"):
            geometry = shapely.from_wkb(written, on_invalid="ignore")
        found = geometry_faults(geometry, present[closer], unreadable=unreadable)
        if any(reason is not None for reason in found):
            faults = np.full(len(present), None, dtype=object)
            faults[closer] = found
        made = kinds[closer] < 0
        pack_beside(parts, closer[made], geometry[made])
    return Packed(parts=parts, length=len(present)), faults


def _joined(
    blobs: pa.ChunkedArray | NDArray[np.object_],
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.bool_]]:
    """Lay blobs one behind the other; returns the bytes, where each begins and the last ends, and which are there."""
    if isinstance(blobs, pa.ChunkedArray):
        whole = pa.concat_arrays(
            [chunk.cast(pa.large_binary()) for chunk in blobs.chunks] or [pa.array([], pa.large_binary())]
        )
        _, offsets, data = whole.buffers()
        starts = np.frombuffer(offsets, dtype=np.int64)[whole.offset : whole.offset + len(whole) + 1].copy()
        return _bytes(data), starts, whole.is_valid().to_numpy(zero_copy_only=False)
    present = np.array([value is not None for value in blobs], dtype=bool)
    filled = blobs if present.all() else np.where(present, blobs, b"")
    starts = np.zeros(len(blobs) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, filled), dtype=np.int64, count=len(blobs)), out=starts[1:])
    return _bytes(b"".join(filled)), starts, present


def _bytes(data: pa.Buffer | bytes | None) -> NDArray[np.uint8]:
    held = np.frombuffer(b"" if data is None else data, dtype=np.uint8)
    # One type whatever they came in: the loops would be compiled anew for bytes that may be written, in each child.
    held.flags.writeable = False
    return held
