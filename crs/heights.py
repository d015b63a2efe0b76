"""Moving heights from one surface to another: by a named operation with its accuracy and its grid file, or not at all.

PROJ copies a height where it lacks the grid; here that is refused. Nothing is downloaded and nothing is chosen: whoever
wants heights on another datum names the operation.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from pyproj import Transformer
from pyproj.enums import TransformDirection
from pyproj.exceptions import ProjError

from crs.errors import DefinitionError, HeightRefusedError, LengthMismatchError
from crs.measured import set_vertices
from crs.vertical import VerticalDefinition, vertical_definition

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "HeightOperation",
    "MovedHeights",
    "height_operation",
    "move_heights",
    "read_heights",
    "resolve_heights",
]

_KEYS = {"grid", "offset_m", "from", "to", "accuracy_m", "source"}


@dataclass(frozen=True, kw_only=True)
class HeightOperation:
    """A way from one vertical datum to another.

    Parameters
    ----------
    name : str
        For people and lineage.
    source, target : str
        Vertical datums; it is run backwards from target to source.
    accuracy_m : float
        Standard deviation that it adds, metres.
    offset_m : float
        What is added to a height, metres.
    grid : str
        File of undulations that are added to a height, "" for none.
    digest : str
        SHA-256 of that file, so that equal operations have equal Dask tokens wherever the file lies.
    """

    name: str
    source: str
    target: str
    accuracy_m: float
    offset_m: float = 0.0
    grid: str = field(default="", repr=False)
    digest: str = ""

    def __dask_tokenize__(self) -> tuple[object, ...]:
        return ("crs.HeightOperation", *dataclasses.astuple(dataclasses.replace(self, grid="")))


#: Published operations that need no grid. They are run only where they are named.
_PUBLISHED = {
    "CN:1956-1985": HeightOperation(
        name="Yellow Sea 1956 to 1985 at the origin in Qingdao (72.289 m to 72.2604 m)",
        source="EPSG:5736",
        target="EPSG:5737",
        # Provinces publish values of their own that differ from the origin's by up to 0.2 m.
        accuracy_m=0.1,
        offset_m=-0.0286,
    ),
}


@dataclass(frozen=True, eq=False)
class MovedHeights:
    """Heights after a move.

    Parameters
    ----------
    height_m : numpy.ndarray
        Metres on the target; NaN where a height is missing or unresolved.
    resolved : numpy.ndarray of bool
        False where a height was given but has no place on the target: outside the grid, or a gap in it.
    sigma_m : float
        What the way adds, metres.
    name : str
        What was done.
    """

    height_m: NDArray[np.float64]
    resolved: NDArray[np.bool_]
    sigma_m: float
    name: str


def height_operation(spec: object) -> HeightOperation:
    """Read a way between vertical datums.

    Parameters
    ----------
    spec : str, Mapping or HeightOperation
        The name of a published one ("CN:1956-1985"), or {from: ..., to: ..., accuracy_m: ..., source: ...} with
        `grid` (a file that PROJ reads: .gtx, GeoTIFF) or `offset_m`.

    Returns
    -------
    HeightOperation
        Checked; a grid file was read once for its digest.

    Raises
    ------
    DefinitionError
        If something is missing, or the grid is no file.

    Examples
    --------
    >>> height_operation("CN:1956-1985").offset_m
    -0.0286
    """
    if isinstance(spec, HeightOperation):
        return spec
    if isinstance(spec, str) and spec in _PUBLISHED:
        return _PUBLISHED[spec]
    if not isinstance(spec, dict) or set(spec) - _KEYS or not {"from", "to", "accuracy_m", "source"} <= set(spec):
        raise DefinitionError(
            f"height operation {spec!r} is not known; write one of {', '.join(_PUBLISHED)}, or "
            "{grid: FILE, from: 'EPSG:5737', to: ellipsoidal, accuracy_m: 0.05, source: who gave it}"
        )
    if ("grid" in spec) == ("offset_m" in spec):
        raise DefinitionError(f"height operation {spec!r} takes one of `grid` and `offset_m`")
    accuracy_m = spec["accuracy_m"]
    if isinstance(accuracy_m, bool) or not isinstance(accuracy_m, int | float) or not 0 < accuracy_m < 1000:
        raise DefinitionError(f"height operation: accuracy_m {accuracy_m!r} must be metres above 0; nothing is exact")
    source, target = (vertical_definition(spec[end]) for end in ("from", "to"))
    for end in (source, target):
        if end.kind not in {"gravity", "ellipsoidal"}:
            raise DefinitionError(f"height operation: {end.title} is no datum; write a code or 'ellipsoidal'")
    grid, digest = _grid(str(spec["grid"])) if "grid" in spec else ("", "")
    return HeightOperation(
        name=f"{source.name} to {target.name} by {Path(grid).name or 'an offset'} of {spec['source']}",
        source=source.name,
        target=target.name,
        accuracy_m=float(accuracy_m),
        offset_m=float(spec.get("offset_m", 0.0)),
        grid=grid,
        digest=digest,
    )


def read_heights(spec: object, base: str | None) -> tuple[str | None, HeightOperation | None, tuple[str, ...]]:
    """Read what a position says of its heights.

    Parameters
    ----------
    spec : str, Mapping or None
        As `vertical_definition` takes it; a mapping may also say `by` (the operation that moves them; its `from` is
        the datum unless it says otherwise) and `columns` (those of a table that hold heights).
    base : str or None
        What the frame itself says.

    Returns
    -------
    tag : str or None
        What the heights refer to.
    operation : HeightOperation or None
        What moves them.
    columns : tuple of str
        Columns with heights.

    Raises
    ------
    DefinitionError
        If it is not understood, or the operation does not start from the datum.

    Examples
    --------
    >>> read_heights({"datum": "EPSG:5736", "by": "CN:1956-1985"}, None)[1].target
    'EPSG:5737'
    """
    if spec is None:
        return base, None, ()
    if not isinstance(spec, Mapping):
        return str(vertical_definition(spec)), None, ()
    own = {key: value for key, value in spec.items() if key not in {"by", "columns"}}
    tag = base if not own else str(vertical_definition({"datum": base, **own} if base is not None else own))
    columns = spec.get("columns", ())
    columns = (columns,) if isinstance(columns, str) else columns
    if not isinstance(columns, list | tuple) or not all(isinstance(name, str) for name in columns):
        raise DefinitionError(f"vertical.columns {columns!r} must be the name of a column, or a list of names")
    by = spec.get("by")
    if by is None:
        return tag, None, tuple(columns)
    datum = vertical_definition(tag).name
    way = height_operation({"from": datum, **by} if isinstance(by, Mapping) else by)
    if datum not in {way.source, way.target}:
        raise DefinitionError(
            f"vertical.by: {way.name} leads from {way.source} to {way.target}, but the heights are on {datum}; "
            "write datum: with one of the two"
        )
    return tag, way, tuple(columns)


def _grid(text: str) -> tuple[str, str]:
    """Return the path and the digest of a grid file."""
    path = Path(text)
    # PROJ takes a comma for a second file and a space for the next word.
    if not path.is_file() or any(sign in text for sign in ", \t\"'"):
        raise DefinitionError(
            f"height operation: grid {text!r} is no file, or its path has a space, comma or quote; write the path of a "
            ".gtx or GeoTIFF of undulations"
        )
    return str(path), hashlib.sha256(path.read_bytes()).hexdigest()


@lru_cache(maxsize=16)
def _shifter(grid: str, digest: str) -> Transformer:  # noqa: ARG001 - a file that was replaced is read anew
    steps = f"+step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=vgridshift +grids={grid} +multiplier=1"
    try:
        return Transformer.from_pipeline(f"+proj=pipeline {steps} +step +proj=unitconvert +xy_in=rad +xy_out=deg")
    except ProjError as fault:
        raise DefinitionError(f"height operation: grid {Path(grid).name} cannot be read as undulations") from fault


def move_heights(
    height: ArrayLike, lon: ArrayLike, lat: ArrayLike, *, source: object, target: object, operation: object = None
) -> MovedHeights:
    """Move heights from one vertical datum to another, in metres.

    Parameters
    ----------
    height : array_like
        In the unit of the source, shape (n,). NaN means missing.
    lon, lat : array_like
        WGS 84 degrees, shape (n,); looked at where the operation has a grid.
    source, target : str, Mapping or VerticalDefinition
        What the heights refer to, and what they shall refer to. The same datum in another unit needs no operation.
    operation : str, Mapping or HeightOperation, optional
        The way between them, in either direction.

    Returns
    -------
    MovedHeights
        Metres, and which heights have a place on the target.

    Raises
    ------
    HeightRefusedError
        If the datums differ and no operation between them was named: a height is never copied.

    Examples
    --------
    >>> moved = move_heights([10.0], [120.0], [36.0], source="EPSG:5736", target="EPSG:5737", operation="CN:1956-1985")
    >>> round(float(moved.height_m[0]), 4), moved.sigma_m
    (9.9714, 0.1)
    """
    start, end = vertical_definition(source), vertical_definition(target)
    metres, lon, lat = (np.asarray(values, dtype=np.float64) for values in (height, lon, lat))
    if not metres.shape == lon.shape == lat.shape:
        raise LengthMismatchError(f"{metres.shape} heights, {lon.shape} longitudes and {lat.shape} latitudes")
    metres = metres * start.metres
    if start.name == end.name and start.kind != "unresolved":
        return MovedHeights(metres, np.ones(metres.shape, dtype=bool), 0.0, f"{start.name}: the same datum, in metres")
    way = _way(start, end, operation)
    backwards = way.source != start.name
    if way.grid:
        direction = TransformDirection.INVERSE if backwards else TransformDirection.FORWARD
        _, _, moved = _shifter(way.grid, way.digest).transform(lon, lat, metres, direction=direction)
        moved = np.where(np.isfinite(moved), moved, np.nan)
    else:
        moved = metres + (-way.offset_m if backwards else way.offset_m)
    return MovedHeights(moved, np.isfinite(moved) | np.isnan(metres), way.accuracy_m, way.name)


def _way(start: VerticalDefinition, end: VerticalDefinition, operation: object) -> HeightOperation:
    """Return the named way between two datums, or refuse."""
    what = f"heights on {start.title} ({start.name}) are not moved to {end.title} ({end.name})"
    if "ground" in {start.kind, end.kind}:
        raise HeightRefusedError(f"{what}: add the ground's own height, from a terrain model on that datum, first")
    if "unresolved" in {start.kind, end.kind}:
        raise HeightRefusedError(f"{what}: nobody said what they refer to; write vertical: in the position")
    if operation is None:
        raise HeightRefusedError(
            f"{what} without a named operation, and are never copied; pass operation={{'grid': FILE, 'from': "
            f"'{start.name}', 'to': '{end.name}', 'accuracy_m': ..., 'source': ...}} or keep the tag"
        )
    way = height_operation(operation)
    if {way.source, way.target} != {start.name, end.name}:
        raise HeightRefusedError(f"{what} by {way.name}, which leads from {way.source} to {way.target}")
    return way


def resolve_heights(
    geometry: NDArray[np.object_],
    *,
    source: object,
    target: object,
    operation: object = None,
    places: NDArray[np.object_] | None = None,
) -> tuple[NDArray[np.object_], MovedHeights]:
    """Move the heights of geometries.

    Parameters
    ----------
    geometry : numpy.ndarray
        Shapely geometries or None, shape (n,); those without heights stay as they are.
    source, target : str, Mapping or VerticalDefinition
        As in `move_heights`.
    operation : str, Mapping or HeightOperation, optional
        As in `move_heights`.
    places : numpy.ndarray, optional
        The same geometries in WGS 84 longitude and latitude, where they are in another frame themselves.

    Returns
    -------
    geometry : numpy.ndarray
        New array, heights in metres on the target. A geometry with a height that has no place there keeps all of its
        own: an unresolved height sets no record aside.
    moved : MovedHeights
        Of the vertices, in their order; `resolved` and `height_m` (the mean of the record's) are of the records.
    """
    result = np.array(geometry, dtype=object, copy=True)
    deep = np.flatnonzero(shapely.has_z(result))
    numbers, owner = shapely.get_coordinates(result[deep], include_z=True, return_index=True)
    lon, lat = (numbers if places is None else shapely.get_coordinates(places[deep]))[:, :2].T
    moved = move_heights(numbers[:, 2], lon, lat, source=source, target=target, operation=operation)
    resolved, mean_m = np.ones(len(result), dtype=bool), np.full(len(result), np.nan)
    resolved[deep[owner[~moved.resolved]]] = False
    kept = resolved[deep[owner]]
    rows = deep[resolved[deep]]
    placed: NDArray[Any] = numbers[kept]
    placed[:, 2] = moved.height_m[kept]
    if len(rows):
        result[rows] = set_vertices(result[rows], placed)
        counts = np.bincount(deep[owner], minlength=len(result))
        sums = np.bincount(deep[owner], weights=np.nan_to_num(moved.height_m), minlength=len(result))
        mean_m[rows] = sums[rows] / counts[rows]
    return result, MovedHeights(mean_m, resolved, moved.sigma_m, moved.name)
