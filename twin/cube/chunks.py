"""How the arrays of the cube lie on the disk: neighbours in chunks, chunks in shards.

The numbers of H3 cells ascend parent by parent, so a district is one run of the cell axis, and chunks of neighbouring
cells by a few days answer it without reading the city. A shard is one file of the chunks of some weeks: few files, each
small enough to be compared with its hash before a byte of it is believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
import zarr.storage
from zarr.codecs import ZstdCodec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import numpy.typing as npt

CHUNK_CELLS = 8_192
"""Cells of a chunk of what has a second axis, and of a block of `write_blocks`."""

# A chunk of 8,192 cells and 96 steps is 6 MB: small enough to draw a district from, large enough to compress.
_CHUNK_STEPS = 96
# Four chunks are 25 MB before compression, some 5 after it: 5 to 10 ms to hash.
_SHARD_CHUNKS = 4
# What has one number a cell is read whole: a million cells at once are faster than a hundred chunks of them.
_CHUNK_LINE = 1 << 20


def write_arrays(folder: Path, arrays: Mapping[str, np.ndarray[Any, Any]], *, attributes: Mapping[str, Any]) -> None:
    """Write one Zarr 3 group whose arrays are (cell,) or (cell, time).

    Parameters
    ----------
    folder : Path
        The group; it must not exist.
    arrays : mapping
        Arrays by name; those of the name ``cell`` are the axis.
    attributes : mapping
        Attributes of the group, JSON types.
    """
    group = zarr.open_group(zarr.storage.LocalStore(folder), mode="w-", zarr_format=3, attributes=dict(attributes))
    for name, values in sorted(arrays.items()):
        array = _new_array(group, name, shape=values.shape, dtype=values.dtype)
        if values.size:
            array[...] = values


def write_blocks(
    folder: Path, name: str, blocks: Iterable[npt.NDArray[Any]], *, shape: tuple[int, int], dtype: npt.DTypeLike
) -> None:
    """Add an array to a group block by block, so that no more than one block need be in memory.

    Parameters
    ----------
    folder : Path
        A group that `write_arrays` made.
    name : str
        Of the array; it must not exist.
    blocks : iterable of ndarray, shape (CHUNK_CELLS, steps)
        The rows in order; only the last may be shorter.
    shape : tuple of int
        Cells and steps of the whole.
    dtype : dtype
        Of the values.
    """
    group = zarr.open_group(zarr.storage.LocalStore(folder), mode="r+", zarr_format=3)
    array = _new_array(group, name, shape=shape, dtype=np.dtype(dtype))
    for number, block in enumerate(blocks):
        array[number * CHUNK_CELLS : number * CHUNK_CELLS + len(block)] = block


def _new_array(group: zarr.Group, name: str, *, shape: tuple[int, ...], dtype: np.dtype[Any]) -> zarr.Array[Any]:
    limits = (_CHUNK_LINE,) if len(shape) == 1 else (CHUNK_CELLS, _CHUNK_STEPS)
    chunks = tuple(max(1, min(size, limit)) for size, limit in zip(shape, limits, strict=True))
    shards = None
    if len(shape) > 1 and shape[1] > chunks[1]:
        shards = (chunks[0], chunks[1] * min(_SHARD_CHUNKS, -(-shape[1] // chunks[1])))
    return group.create_array(
        name,
        shape=shape,
        dtype=dtype,
        chunks=chunks,
        shards=shards,
        compressors=[ZstdCodec(level=3)],
        fill_value=np.nan if dtype.kind == "f" else 0,
        dimension_names=("cell", "class" if name == "classes" else "time")[: len(shape)],
    )
