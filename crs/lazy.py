"""Positions in partitions, with Dask: the same numbers as from one array or one layer.

A place depends on its record alone, but what the last digit of a number is worth is told by all numbers of its column.
So the digits are counted first, partition by partition, the counts are merged, and what they tell is handed to every
partition. Nothing is computed here: the counts too are a part of the graph.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, Literal, Self, cast, get_args

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from dask.base import tokenize
from dask.dataframe.dispatch import make_meta

from crs.coordinates import Fields, Placed, Shapes
from crs.definition import PositionDefinition, definition
from crs.errors import (
    LengthMismatchError,
    OperationRefusedError,
    PositionContradictionError,
    PositionMissingError,
)
from crs.fields import count_digits
from crs.harmonise import harmonise as harmonise_all
from crs.indirect import LinearOptions, RegisterOptions
from crs.linear import count_chainage
from crs.local_grids import resolve_grid
from crs.references import HUB
from crs.transform import operation
from crs.transform import transform as transform_all

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from crs.coordinates import Positioned
    from crs.digits import DigitCounts, DigitSteps

__all__ = ["Form", "harmonise", "transform"]

#: How the lazy frame bears its places.
Form = Literal["wkb", "xy"]

_OUTPUTS: dict[str, tuple[str, ...]] = {"wkb": ("geometry",), "xy": ("placed_x", "placed_y")}
_TOLD = ("sigma_m", "ambiguous", "reason")
_TEXT = "string[pyarrow]"
_BYTES = pd.ArrowDtype(pa.binary())
#: Counts of so many partitions are merged at once.
_FAN_IN = 16


def transform(
    x: da.Array, y: da.Array, *, source: object, target: object, outside: Literal["raise", "nan"] = "raise"
) -> tuple[da.Array, da.Array]:
    """Plan to move Dask arrays of numbers from one definition to another.

    Parameters
    ----------
    x, y : dask.array.Array
        Numbers in the source's unit, x or longitude first, of one shape. NaN stays NaN.
    source, target : str, Mapping or PositionDefinition
        Definitions in numbers.
    outside : str
        What to do with positions outside the area of use: "raise" when the chunk that holds one is computed, or "nan"
        to return them as NaN.

    Returns
    -------
    tuple of dask.array.Array
        x and y in the target's unit, in the chunks of x; each number is that of `crs.transform`.

    Raises
    ------
    OperationRefusedError
        If no published operation leads from source to target; at once, before anything is computed.
    LengthMismatchError
        If x and y differ in shape.

    Examples
    --------
    >>> x, y = (da.from_array(np.array(part), chunks=1) for part in ([116.397, 121.5], [39.909, 31.2]))
    >>> lon, lat = transform(x, y, source="GCJ-02", target="OGC:CRS84")
    >>> lon.compute().round(6).tolist()
    [116.390759, 121.495555]
    """
    start, end = definition(source), definition(target)
    operation(start, end)
    if x.ndim != y.ndim or (x.shape != y.shape and not np.isnan([*x.shape, *y.shape]).any()):
        raise LengthMismatchError(f"x has shape {x.shape} but y has {y.shape}; give one of each for every position")
    if x.chunks != y.chunks and not np.isnan([*x.shape, *y.shape]).any():
        y = y.rechunk(x.chunks)
    moved = da.map_blocks(
        _transform_block,
        x,
        y,
        source=start,
        target=end,
        outside=outside,
        new_axis=0,
        chunks=((2,), *x.chunks),
        dtype=np.float64,
        meta=np.empty((0,) * (x.ndim + 1)),
    )
    return moved[0], moved[1]


def _transform_block(
    x: NDArray[np.float64], y: NDArray[np.float64], *, source: object, target: object, outside: Literal["raise", "nan"]
) -> NDArray[np.float64]:
    return np.stack(transform_all(x, y, source=source, target=target, outside=outside))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Part:
    """The records of one partition: the least that is positioned."""

    name: str
    position: PositionDefinition
    coordinates: Fields | Shapes
    frame: pd.DataFrame
    placed: Placed | None = None

    def column(self, name: str, /) -> NDArray[np.generic]:
        return _array_of(self.frame[name])

    def with_coordinates(self, placed: Placed, /) -> Self:
        return dataclasses.replace(self, placed=placed)


def harmonise(
    frame: dd.DataFrame,
    *,
    position: object,
    target: object = HUB,
    references: Mapping[str, Positioned] | None = None,
    name: str = "frame",
    form: Form = "wkb",
) -> dd.DataFrame:
    """Plan to move every record of a Dask frame into one frame of reference, with how far it may be off.

    Parameters
    ----------
    frame : dask.dataframe.DataFrame
        Records, with the columns that the position names.
    position : str, Mapping or PositionDefinition
        What these columns mean: `columns:` must be said.
    target : str, Mapping or PositionDefinition
        The frame to move to, in numbers.
    references : Mapping of str to Positioned, optional
        The layers that positions refer to, in memory and already harmonised to the target.
    name : str
        Name of the dataset, for messages.
    form : str
        "wkb" for a column `geometry` of well-known binary, or "xy" for `placed_x` and `placed_y`, in the unit of the
        target: then every place must be a point.

    Returns
    -------
    dask.dataframe.DataFrame
        All columns of the frame, the place, `sigma_m` (metres), `ambiguous`, and `reason`, which is missing where the
        record is placed; a refused record has no place and the sigma NaN. In the partitions and the order of the frame;
        each number is that of `crs.harmonise` for all records at once.

    Raises
    ------
    PositionMissingError
        If the position names no columns.
    PositionContradictionError
        If the frame lacks one of them, has one that would be written, or is of a kind that is judged as a whole.
    OperationRefusedError
        If no published operation leads to the target.
    ReferenceMissingError, ReferenceNotHarmonisedError
        If a position lacks the layer that it refers to, or that is not in the target frame.
    ControlPointError
        If the control points of a local grid do not determine it, or one of them does not belong to the others.

    Notes
    -----
    The columns of the position are read twice, to count digits and to place; persist the frame first if making it is
    dear. All of these errors come at once; nothing is computed before the result is.
    """
    meaning, goal = definition(position), definition(target)
    known = dict(references or {})
    _refuse_unfit(frame, meaning, form=form, name=name)
    nothing = make_meta(frame)
    # One estimate of a local grid for all partitions; its control points are in memory.
    none = _Part(name=name, position=meaning, coordinates=_fields_of(nothing, meaning), frame=nothing)
    meaning, _ = resolve_grid(none, goal, known)
    needed = {wanted: known[wanted] for wanted in meaning.references if wanted in known}
    told = {"position": meaning, "target": goal, "name": name, "form": form}
    # No records at all are placed as the others will be: what does not fit is refused now, and types are known.
    judged = _judge(_count(nothing, meaning)) if _is_judged(meaning) else None
    meta = _place(nothing, judged, needed, told)
    held = dask.delayed(needed, name=f"references-{tokenize(needed)}", traverse=False)
    digits = _judged(frame[list(meaning.columns)], meaning)
    place = dask.delayed(_place, pure=True, traverse=False)
    parts = [place(part, digits, held, told) for part in frame.to_delayed()]
    return dd.from_delayed(parts, meta=meta, divisions=frame.divisions, verify_meta=False, prefix="harmonise")


def _refuse_unfit(frame: dd.DataFrame, position: PositionDefinition, *, form: Form, name: str) -> None:
    """Refuse what cannot be placed in partitions, before anything is planned."""
    if not position.columns:
        raise PositionMissingError(
            f"dataset {name!r}, field position: {position.name} names no columns; write for instance "
            "{definition: EPSG:4326, columns: [lon, lat]}"
        )
    if form not in get_args(Form):
        raise OperationRefusedError(f"form {form!r} is not known; write one of {', '.join(get_args(Form))}")
    lacking = [column for column in _columns_of(position) if column not in frame.columns]
    if lacking:
        raise PositionContradictionError(
            f"dataset {name!r}, field position: takes the columns {lacking}, found {list(frame.columns)}"
        )
    taken = [column for column in (*_OUTPUTS[form], *_TOLD) if column in frame.columns]
    if taken:
        raise PositionContradictionError(f"dataset {name!r} has columns {taken} already; rename them first")
    if position.notation == "polyline":
        raise PositionContradictionError(
            f"dataset {name!r}: lines in text are judged together, all of them; read them with crs.harmonise"
        )


def _columns_of(position: PositionDefinition) -> tuple[str, ...]:
    """Return all columns of the records that a position takes."""
    options = position.options
    more: tuple[str | None, ...] = ()
    if isinstance(options, LinearOptions):
        more = (options.direction, options.offset, options.side)
    elif isinstance(options, RegisterOptions):
        more = (options.time,)
    return (*position.columns, *(column for column in more if column is not None), *position.height_columns)


def _is_judged(position: PositionDefinition) -> bool:
    return position.kind in {"coordinates", "linear"}


def _judged(columns: dd.DataFrame, position: PositionDefinition) -> Any:  # noqa: ANN401 -- Dask's own Delayed
    """Plan to judge the digits of all partitions together; None where the kind of position has none."""
    if not _is_judged(position):
        return None
    merge = dask.delayed(_merge, pure=True)
    # Mapped, reading and counting become one task: a partition does not wait in memory until all are counted.
    counted = columns.map_partitions(_count, position, meta=(None, np.float64), enforce_metadata=False)
    counts = counted.to_delayed()
    while len(counts) > 1:
        counts = [merge(counts[first : first + _FAN_IN]) for first in range(0, len(counts), _FAN_IN)]
    return dask.delayed(_judge, pure=True)(counts[0])


def _count(part: pd.DataFrame, position: PositionDefinition) -> tuple[DigitCounts, ...]:
    fields = _fields_of(part, position)
    return count_chainage(fields, position) if position.kind == "linear" else count_digits(fields, position)


def _merge(parts: list[tuple[DigitCounts, ...]]) -> tuple[DigitCounts, ...]:
    return tuple(reduce(lambda one, other: one.merge(other), columns) for columns in zip(*parts, strict=True))


def _judge(counts: tuple[DigitCounts, ...]) -> tuple[DigitSteps, ...]:
    return tuple(column.judge() for column in counts)


def _fields_of(
    part: pd.DataFrame, position: PositionDefinition, digits: tuple[DigitSteps, ...] | None = None
) -> Fields:
    return Fields(tuple(_array_of(part[column]) for column in position.columns), digits)


def _array_of(column: pd.Series[Any]) -> NDArray[np.generic]:
    """Return a column by its type alone: whether one partition has gaps must not make its numbers text."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufM":
        return column.to_numpy()
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        is_single = str(column.dtype).lower().startswith(("float32", "float["))
        numbers: NDArray[np.float64] = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return numbers.astype(np.float32) if is_single else numbers
    return column.to_numpy(dtype=object)


def _place(
    part: pd.DataFrame,
    digits: tuple[DigitSteps, ...] | None,
    references: Mapping[str, Positioned],
    told: Mapping[str, Any],
) -> pd.DataFrame:
    """Place the records of one partition."""
    position = told["position"]
    fields = _fields_of(part, position, digits)
    whole = _Part(name=told["name"], position=position, coordinates=fields, frame=part)
    placed = cast("Placed", harmonise_all(whole, target=told["target"], references=references).placed)
    shapes = cast("Shapes", placed.coordinates)
    columns: dict[str, Any] = {}
    if told["form"] == "xy":
        _refuse_all_but_points(shapes, told["name"])
        columns["placed_x"], columns["placed_y"] = shapely.get_x(shapes.geometry), shapely.get_y(shapes.geometry)
    else:
        columns["geometry"] = pd.Series(shapely.to_wkb(shapes.geometry), index=part.index, dtype=_BYTES)
    columns["sigma_m"] = shapes.sigma_m
    columns["ambiguous"] = np.zeros(len(part), dtype=bool) if shapes.ambiguous is None else shapes.ambiguous
    columns["reason"] = pd.Series(placed.reasons, index=part.index, dtype=_TEXT)
    return part.assign(**placed.columns, **columns)


def _refuse_all_but_points(shapes: Shapes, name: str) -> None:
    others = shapely.get_dimensions(shapes.geometry) > 0
    if others.any():
        kind = shapes.geometry[np.flatnonzero(others)[0]].geom_type
        raise PositionContradictionError(f"dataset {name!r} has places that are no points, a {kind}; pass form='wkb'")
