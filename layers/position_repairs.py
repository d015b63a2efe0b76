"""Repairs of positions: a record that lies outside the area is tried the other way round, and taken if one way fits."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

import crs
from layers.errors import SchemaError
from layers.ledger import Ledger
from layers.plausible import numbers_of
from layers.repair_rules import FOOT_M
from layers.repairs import GEOMETRY, RepairLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from layers.model import Layer
    from layers.repair_rules import Repair

__all__ = ["repair_positions"]

_FRAME = "OGC:CRS84"
_HEMISPHERE = str.maketrans("NSEWnsew", "SNWEsnwe")
_LETTER = re.compile(r"[NSEWnsew]")

_Columns = dict[int, "NDArray[np.object_]"]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Way:
    """One other way of reading a position."""

    rule: str
    told: str
    coordinates: crs.Fields | crs.Shapes


def repair_positions(
    layer: Layer,
    repairs: Sequence[Repair],
    *,
    area: tuple[float, float, float, float],
    references: Mapping[str, Layer] | None = None,
) -> Layer:
    """Mend positions by the stated rules, record by record.

    A record is looked at only if it lies wholly outside the area as it stands, or cannot be placed at all. It is
    mended if exactly one of the stated ways brings it inside, and quarantined ("ambiguous_repair") if several do.

    Parameters
    ----------
    layer : Layer
        As published.
    repairs : sequence of Repair
        ``swap_axes``, and ``flip_sign`` or ``feet_to_metres`` without a column; others are left out.
    area : tuple of float
        min_lon, min_lat, max_lon, max_lat in degrees.
    references : Mapping of str to Layer, optional
        Layers that positions refer to, harmonised.

    Returns
    -------
    Layer
        With mended positions, still as published; each change is in its ``repairs``.

    Raises
    ------
    SchemaError
        If positions are no pair of numbers or geometries.
    """
    wanted = [repair for repair in repairs if repair.of_positions]
    if not wanted or not len(layer):
        return layer
    if layer.position.kind != "coordinates":
        raise SchemaError(
            f"{layer.name}: {wanted[0].rule} without a column is for coordinates, and positions here are "
            f"{layer.position.name}: name a column."
        )
    lost = ~_inside(layer, area, references)
    rows = np.flatnonzero(lost)
    if not len(rows):
        return layer
    suspects = _part(layer, rows)
    ways = [way for repair in wanted for way in _ways(suspects, repair)]
    fits = np.array([_inside(replace(suspects, coordinates=w.coordinates), area, references) for w in ways])
    number = fits.sum(axis=0) if ways else np.zeros(len(rows), dtype=int)
    for i, way in enumerate(ways):
        chosen = np.flatnonzero((number == 1) & fits[i])
        if len(chosen):
            layer = _taken(layer, suspects, way, rows=rows, chosen=chosen)
    reasons = np.full(len(layer), None, dtype=object)
    for k in np.flatnonzero(number > 1):
        named = " and ".join(way.told for i, way in enumerate(ways) if fits[i, k])
        reasons[rows[k]] = f"ambiguous_repair: outside the area as it stands, inside by {named}"
    return layer.quarantine(np.array([reason is not None for reason in reasons], dtype=bool), reasons)


def _part(layer: Layer, rows: NDArray[np.intp]) -> Layer:
    """Return some records as a layer of their own, with a ledger of their own."""
    mask = np.zeros(len(layer), dtype=bool)
    mask[rows] = True
    ledger = Ledger(dataset=layer.name, sources={"suspects": len(rows)}, placed=len(rows))
    coordinates = layer.coordinates
    part = (
        crs.Fields(tuple(values[mask] for values in coordinates.columns))
        if isinstance(coordinates, crs.Fields)
        else coordinates.take(mask)
    )
    return replace(layer, table=layer.table[mask], coordinates=part, ledger=ledger)


def _inside(
    layer: Layer, area: tuple[float, float, float, float], references: Mapping[str, Layer] | None
) -> NDArray[np.bool_]:
    """Say which records can be placed and touch the area."""
    # Only asked, never entered: records are found again by their place, and the ledger of the layer stays as it is.
    numbered = replace(
        layer,
        table=layer.table.set_axis(pd.RangeIndex(len(layer), name="row")),
        ledger=Ledger(dataset=layer.name, sources={"asked": len(layer)}, placed=len(layer)),
        published=None,
    )
    placed = crs.harmonise(numbered, target=_FRAME, references=references)
    inside = np.zeros(len(layer), dtype=bool)
    inside[placed.table.index.to_numpy()[shapely.intersects(placed.geometry, shapely.box(*area))]] = True
    return inside


def _ways(layer: Layer, repair: Repair) -> Iterator[_Way]:
    if isinstance(layer.coordinates, crs.Shapes):
        yield from _ways_of_shapes(layer.coordinates, repair)
        return
    columns = layer.coordinates.columns
    names = layer.position.columns
    numbers, letters = _roles(columns)
    if len(numbers) != 2:
        raise SchemaError(
            f"{layer.name}: {repair.rule} needs positions in two columns of numbers; found {', '.join(names)}."
        )
    first, second = numbers
    if repair.rule == "swap_axes":
        changes: list[tuple[str, _Columns]] = [("the exchange of x and y", _swapped(columns, first, second))]
    elif repair.rule == "flip_sign":
        signs = letters or numbers
        changes = [(f"the other sign of {names[i]}", {i: _each(columns[i], _opposite)}) for i in signs]
        changes.append(("both other signs", {i: _each(columns[i], _opposite) for i in signs}))
    else:
        factor = FOOT_M[repair.foot]
        changes = [("feet", {i: _each(columns[i], lambda value: _times(value, factor)) for i in numbers})]
    for told, changed in changes:
        made = tuple(changed.get(i, values) for i, values in enumerate(columns))
        yield _Way(rule=repair.rule, told=told, coordinates=crs.Fields(made))


def _roles(columns: tuple[NDArray[np.generic], ...]) -> tuple[list[int], list[int]]:
    """Tell columns of numbers from columns that hold the letter of a hemisphere alone."""
    letters = []
    for i, values in enumerate(columns):
        words = {str(value).strip().upper() for value in values if value is not None} - {""}
        if words and words <= {"N", "S", "E", "W"}:
            letters.append(i)
    return [i for i in range(len(columns)) if i not in letters], letters


def _swapped(columns: tuple[NDArray[np.generic], ...], first: int, second: int) -> _Columns:
    return {first: columns[second].astype(object), second: columns[first].astype(object)}


def _each(values: NDArray[np.generic], change: Callable[[object], object]) -> NDArray[np.object_]:
    made = np.empty(len(values), dtype=object)
    made[:] = [change(value) for value in values.tolist()]
    return made


def _opposite(value: object) -> object:
    """Return a number, or a text that holds one, with the other sign or the opposite hemisphere."""
    if not isinstance(value, str):
        return value if value is None else -value  # type: ignore[operator]
    if _LETTER.search(value):
        return value.translate(_HEMISPHERE)
    text = value.strip()
    return text[1:] if text.startswith("-") else f"-{text.removeprefix('+')}" if text else value


def _times(value: object, factor: float) -> object:
    if not isinstance(value, str):
        return value if value is None else value * factor  # type: ignore[operator]
    number = float(numbers_of(pd.Series([value]))[0])
    return value if np.isnan(number) else f"{number * factor:.15g}"


def _ways_of_shapes(shapes: crs.Shapes, repair: Repair) -> Iterator[_Way]:
    factor = FOOT_M[repair.foot]
    ways: dict[str, list[tuple[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]]]] = {
        "swap_axes": [("the exchange of x and y", lambda xy: xy[:, ::-1])],
        "feet_to_metres": [("feet", lambda xy: xy * factor)],
        "flip_sign": [
            ("the other sign of x", lambda xy: xy * np.array([-1.0, 1.0])),
            ("the other sign of y", lambda xy: xy * np.array([1.0, -1.0])),
            ("both other signs", lambda xy: -xy),
        ],
    }
    for told, change in ways[repair.rule]:
        yield _Way(
            rule=repair.rule, told=told, coordinates=replace(shapes, geometry=_transformed(shapes.geometry, change))
        )


def _transformed(
    geometry: NDArray[np.object_], change: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> NDArray[np.object_]:
    """Change x and y of every vertex; heights stay."""

    def keep_z(vertices: NDArray[np.float64]) -> NDArray[np.float64]:
        """Change the first two columns."""
        return np.column_stack([change(vertices[:, :2]), vertices[:, 2:]])

    made: NDArray[np.object_] = geometry.copy()
    for has_z in (False, True):
        mask = shapely.has_z(geometry) == has_z
        made[mask] = shapely.transform(geometry[mask], keep_z, include_z=has_z)
    return made


def _taken(layer: Layer, suspects: Layer, way: _Way, *, rows: NDArray[np.intp], chosen: NDArray[np.intp]) -> Layer:
    """Put the chosen records of a way into the layer, and note each changed cell."""
    numbers = suspects.table.index.to_numpy()[chosen]
    if isinstance(way.coordinates, crs.Shapes) and isinstance(layer.coordinates, crs.Shapes):
        before, after = suspects.coordinates.geometry, way.coordinates.geometry  # type: ignore[union-attr]
        geometry = layer.coordinates.geometry.copy()
        geometry[rows[chosen]] = after[chosen]
        texts = [shapely.to_wkb(part[chosen], hex=True).astype(object) for part in (before, after)]
        cells = _cells(way.rule, numbers, GEOMETRY, texts)
        log = RepairLog(cells=cells, dtypes={GEOMETRY: np.dtype(object)})
        return replace(
            layer, coordinates=replace(layer.coordinates, geometry=geometry), repairs=layer.repairs.joined(log)
        )
    table, log = layer.table, RepairLog()
    columns = list(layer.coordinates.columns)  # type: ignore[union-attr]
    for i, name in enumerate(layer.position.columns):
        old, new = suspects.coordinates.columns[i], way.coordinates.columns[i]  # type: ignore[union-attr]
        if old is new:
            continue
        texts = [_texts(part[chosen]) for part in (old, new)]
        cells = _cells(way.rule, numbers, name, texts)
        kept = columns[i] if layer.published is None else layer.published.table[name]
        log = log.joined(RepairLog(cells=cells, dtypes={name: kept.dtype}))
        values = columns[i].astype(object)
        values[rows[chosen]] = new[chosen]
        columns[i] = values if columns[i].dtype == object else values.astype(columns[i].dtype)
        if name in table.columns:
            table = table.assign(**{name: _column(values, table[name])})
    return replace(layer, table=table, coordinates=crs.Fields(tuple(columns)), repairs=layer.repairs.joined(log))


def _column(values: NDArray[np.object_], like: pd.Series) -> pd.Series:
    """Write positions back into the table, as numbers where they were numbers."""
    made = pd.Series(values, index=like.index, name=like.name)
    return pd.Series(numbers_of(made), index=like.index) if pd.api.types.is_numeric_dtype(like) else made.astype("str")


def _cells(rule: str, rows: NDArray[np.int64], column: str, texts: Sequence[NDArray[np.object_]]) -> pd.DataFrame:
    return pd.DataFrame({"rule": rule, "row": rows, "column": column, "before": texts[0], "after": texts[1]})


def _texts(values: NDArray[np.generic]) -> NDArray[np.object_]:
    return np.array([None if value is None else str(value) for value in values.tolist()], dtype=object)
