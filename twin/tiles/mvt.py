"""Features to a vector tile: the protocol buffers of the Mapbox Vector Tile Specification 2.1, written with numpy."""

import struct
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from twin.tiles.mercator import to_world

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

POINT, LINE, POLYGON = 1, 2, 3

_MOVE, _DRAW, _CLOSE = 1, 2, 7
_VERSION = 2
_LEAST = {POINT: 1, LINE: 2, POLYGON: 3}  # Positions that a part needs.


def to_tile(
    geometries: "NDArray[Any]",
    *,
    tile: tuple[int, int, int],
    name: str,
    ids: Sequence[int],
    properties: Mapping[str, Sequence[str | float]],
    extent: int = 4096,
) -> tuple[bytes, "Integers"]:
    """Write features as one layer of a tile. Layers written one after the other make a tile of several.

    Parameters
    ----------
    geometries : ndarray of shapely.Geometry
        Shape (n,), in degrees, all of one dimension; they may reach beyond the tile, and are not cut.
    tile : tuple of int
        z, x, y.
    name : str
        Name of the layer.
    ids : sequence of int
        One a feature, 0 to 2**64 - 1.
    properties : Mapping
        By key, one text or number a feature; empty texts are left out.
    extent : int, optional
        Steps from one side of the tile to the other.

    Returns
    -------
    body : bytes
        The tile.
    written : ndarray of int
        Which of the features are in it: what has no extent at this step width is left out, and so is what is empty.

    References
    ----------
    Mapbox Vector Tile Specification 2.1, https://github.com/mapbox/vector-tile-spec/tree/master/2.1
    """
    kind, xy, owners, starts = _parts(geometries, tile, extent)
    stream, ends = _commands(kind, xy, owners, starts)
    written = np.unique(owners)
    body = _varints(stream)
    # Where the bytes of a feature end: after the last integer of its last part.
    last_part = np.append(np.flatnonzero(np.diff(owners)), len(owners) - 1) if len(owners) else owners
    sizes = np.cumsum(_sizes(stream))
    limits = sizes[ends[last_part] - 1] if len(owners) else sizes
    keys, values, tags = _tags(properties, written)
    chunks = [_field(15, 0) + _varint(_VERSION), _text(1, name.encode())]
    begin = 0
    for i, row in enumerate(written.tolist()):
        end = int(limits[i])
        feature = _field(1, 0) + _varint(int(ids[row])) + (_text(2, tags[i]) if tags[i] else b"")
        feature += _field(3, 0) + _varint(kind) + _text(4, body[begin:end])
        chunks.append(_text(2, feature))
        begin = end
    chunks += [_text(3, key) for key in keys]
    chunks += [_text(4, value) for value in values]
    chunks.append(_field(5, 0) + _varint(extent))
    return _text(3, b"".join(chunks)), written


def _parts(
    geometries: "NDArray[Any]", tile: tuple[int, int, int], extent: int
) -> tuple[int, "Integers", "Integers", "Integers"]:
    """Take features apart into rings, lines or groups of points of whole steps.

    Returns the kind, positions (N, 2), and per part its feature and where its positions start.
    """
    dimensions = shapely.get_dimensions(geometries)
    kind = int(dimensions.max(initial=-1)) + 1 or POINT
    parts, owners = shapely.get_parts(geometries[dimensions == kind - 1], return_index=True)
    owners = np.flatnonzero(dimensions == kind - 1)[owners]
    inner = np.zeros(len(parts), dtype=bool)
    if kind == POLYGON:
        parts, of = shapely.get_rings(parts, return_index=True)
        inner = np.r_[False, of[1:] == of[:-1]][: len(of)]
        owners = owners[of]
    lon_lat, part = shapely.get_coordinates(parts, return_index=True)
    z, x, y = tile
    east, south = to_world(lon_lat[:, 0], lon_lat[:, 1])
    scale = float(2**z) * extent
    xy = np.stack([np.rint(east * scale - x * extent), np.rint(south * scale - y * extent)], axis=1).astype(np.int64)
    if kind == POINT:
        part = owners[part]  # All points of a feature are one part.
    # What a step does not separate is one position; a ring's last is its first.
    same = np.zeros(len(xy), dtype=bool)
    if kind != POINT:
        same[1:] = (xy[1:] == xy[:-1]).all(axis=1) & (part[1:] == part[:-1])
    xy, part = xy[~same], part[~same]
    if kind == POLYGON and len(part):
        closing = np.append(part[1:] != part[:-1], [True])
        xy, part = xy[~closing], part[~closing]
    kept, starts, counts = np.unique(part, return_index=True, return_counts=True)
    enough = counts >= _LEAST[kind]
    of_part = kept if kind == POINT else owners[kept]
    if kind == POLYGON and len(kept):
        xy, has_area = _turned(xy, starts, counts, inner[kept])
        enough &= has_area
        enough &= _with_hull(inner[kept], enough)
    chosen = np.repeat(enough, counts)
    return kind, xy[chosen], of_part[enough].astype(np.int64), np.cumsum(counts[enough]) - counts[enough]


def _turned(
    xy: "Integers", starts: "Integers", counts: "Integers", inner: "NDArray[np.bool_]"
) -> tuple["Integers", "NDArray[np.bool_]"]:
    """Turn hulls clockwise on the screen and holes the other way; say which have an area."""
    following = np.arange(len(xy)) + 1
    following[starts + counts - 1] = starts
    doubled = xy[:, 0] * xy[following, 1] - xy[following, 0] * xy[:, 1]
    areas = np.add.reduceat(doubled, starts)
    wrong = np.repeat((areas < 0) != inner, counts)
    begin, count = np.repeat(starts, counts), np.repeat(counts, counts)
    place = np.arange(len(xy)) - begin
    return xy[np.where(wrong, begin + count - 1 - place, begin + place)], areas != 0


def _with_hull(inner: "NDArray[np.bool_]", enough: "NDArray[np.bool_]") -> "NDArray[np.bool_]":
    """Say of each ring whether the hull it stands in is still there."""
    hull = np.maximum.accumulate(np.where(inner, 0, np.arange(len(inner))))
    return enough[hull]


def _commands(kind: int, xy: "Integers", owners: "Integers", starts: "Integers") -> tuple["Integers", "Integers"]:
    """Write parts as the integers of a feature's geometry; returns them and where each part's end."""
    if not len(owners):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    counts = np.diff(np.append(starts, len(xy)))
    first = starts[np.r_[True, owners[1:] != owners[:-1]]]
    moved = np.diff(xy, axis=0, prepend=0)
    moved[first] = xy[first]
    zigzag = (moved << 1) ^ (moved >> 63)
    extra = {POINT: 1, LINE: 2, POLYGON: 3}[kind]
    sizes = 2 * counts + extra
    ends = np.cumsum(sizes)
    begins = ends - sizes
    stream = np.empty(int(ends[-1]), dtype=np.int64)
    place = np.arange(len(xy)) - np.repeat(starts, counts)
    at = np.repeat(begins, counts) + 2 * place + 1 + (place > 0) * (kind != POINT)
    stream[at], stream[at + 1] = zigzag[:, 0], zigzag[:, 1]
    if kind == POINT:
        stream[begins] = counts << 3 | _MOVE
        return stream, ends
    stream[begins] = 1 << 3 | _MOVE
    stream[begins + 3] = (counts - 1) << 3 | _DRAW
    if kind == POLYGON:
        stream[ends - 1] = 1 << 3 | _CLOSE
    return stream, ends


def _sizes(values: "Integers") -> "Integers":
    """Count the bytes of each number."""
    sizes = np.ones(len(values), dtype=np.int64)
    for bits in range(7, 36, 7):
        sizes += values >= 1 << bits
    return sizes


def _varints(values: "Integers") -> bytes:
    """Write numbers below 2**35, seven bits a byte, the lowest first."""
    if not len(values):
        return b""
    sizes = _sizes(values)
    ends = np.cumsum(sizes)
    out = np.empty(int(ends[-1]), dtype=np.uint8)
    for k in range(int(sizes.max())):
        longer = sizes > k
        more = np.where(sizes[longer] > k + 1, 0x80, 0)
        out[(ends - sizes)[longer] + k] = (values[longer] >> 7 * k) & 0x7F | more
    return out.tobytes()


def _tags(
    properties: Mapping[str, Sequence[str | float]], written: "Integers"
) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """Write keys, distinct values, and each feature's pairs of them."""
    numbers: dict[str | float, int] = {}
    tags = [b""] * len(written)
    for position, column in enumerate(properties.values()):
        key = _varint(position)
        for i, row in enumerate(written.tolist()):
            value = column[row]
            if value != "":
                tags[i] += key + _varint(numbers.setdefault(value, len(numbers)))
    return [key.encode() for key in properties], [_value(value) for value in numbers], tags


def _value(value: str | float) -> bytes:
    if isinstance(value, str):
        return _text(1, value.encode())
    if isinstance(value, int):
        return _field(5, 0) + _varint(value)
    return _field(2, 5) + struct.pack("<f", value)


def _field(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _text(number: int, content: bytes) -> bytes:
    return _field(number, 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
