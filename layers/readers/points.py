"""Points as numbers: well-known binary of nothing but points needs no geometry to be made of each to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["decode_points"]

#: How little-endian well-known binary of a point begins (flat; with z as ISO and as PostGIS write it), and its numbers.
_HEADS = {b"\1\1\0\0\0": 2, b"\1\xe9\x03\0\0": 3, b"\1\1\0\0\x80": 3}
_HEAD = 5


def decode_points(blobs: pa.ChunkedArray | NDArray[np.object_]) -> NDArray[np.float64] | None:
    """Read points of well-known binary.

    Parameters
    ----------
    blobs : pyarrow.ChunkedArray of binary, or numpy.ndarray of bytes or None
        One a record, n long.

    Returns
    -------
    numpy.ndarray of float64, shape (n, 2) or (n, 3), or None
        Their coordinates; None unless every record is a point of the same kind with finite coordinates.

    Examples
    --------
    >>> decode_points(pa.chunked_array([[bytes.fromhex("0101000000" + "000000000000f03f" * 2)]]))
    array([[1., 1.]])
    """
    found = _from_arrow(blobs) if isinstance(blobs, pa.ChunkedArray) else _from_objects(blobs)
    if found is None:
        return None
    data, count = found
    dimensions = _HEADS.get(data[:_HEAD])
    if dimensions is None or len(data) != count * (_HEAD + 8 * dimensions):
        return None
    rows = np.frombuffer(data, dtype=np.uint8).reshape(count, -1)
    if not (rows[:, :_HEAD] == rows[0, :_HEAD]).all():
        return None
    coordinates = rows[:, _HEAD:].copy().view("<f8").reshape(count, dimensions)
    return coordinates if np.isfinite(coordinates).all() else None


def _from_arrow(blobs: pa.ChunkedArray) -> tuple[bytes, int] | None:
    if (
        not len(blobs)
        or blobs.null_count
        or not (pa.types.is_binary(blobs.type) or pa.types.is_large_binary(blobs.type))
    ):
        return None
    parts = []
    for chunk in filter(len, blobs.chunks):
        _, offsets, data = chunk.buffers()
        kind = np.int64 if pa.types.is_large_binary(chunk.type) else np.int32
        ends = np.frombuffer(offsets, dtype=kind)[chunk.offset : chunk.offset + len(chunk) + 1]
        sizes = np.diff(ends)
        if sizes.min() != sizes.max():
            return None
        parts.append(memoryview(data)[int(ends[0]) : int(ends[-1])])
    return b"".join(parts), len(blobs)


def _from_objects(blobs: NDArray[np.object_]) -> tuple[bytes, int] | None:
    kinds = set(map(type, blobs))
    if kinds != {bytes} or len(set(map(len, blobs))) > 1:
        return None
    return b"".join(blobs), len(blobs)
