"""Corrected definitions at work: which records they are for, and how these are moved beside the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

import crs
from twin.errors import BuildError
from twin.manifest.corrections import is_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    import layers
    from twin.manifest.corrections import CorrectionSpec

__all__ = ["corrected", "named", "selected", "touching"]

_NOT_SELECTED = -1
#: What a corrected definition leaves open is as the dataset's own definition says it.
_KEPT = ("columns", "sigma_m", "axes", "vertical", "lift", "height_columns", "epoch")
#: How numbers are written is kept only where they are numbers of the same unit.
_KEPT_IN_UNIT = ("notation", "unit", "decimal", "truncated")


@dataclass(frozen=True, kw_only=True, eq=False)
class _Group:
    """The records of one definition, to be moved as one."""

    name: str
    position: crs.PositionDefinition
    coordinates: crs.Coordinates
    layer: layers.Layer
    rows: NDArray[np.intp]
    placed: crs.Placed | None = None

    def column(self, name: str, /) -> NDArray[np.generic]:
        """Return a column of these records."""
        return self.layer.column(name)[self.rows]

    def with_coordinates(self, placed: crs.Placed, /) -> Self:
        """Keep what came out."""
        return dataclasses.replace(self, placed=placed)


def selected(
    table: pd.DataFrame, sources: Mapping[str, int], corrections: Sequence[CorrectionSpec], *, dataset: str
) -> NDArray[np.int64]:
    """Say which correction each record is for.

    Parameters
    ----------
    table : pandas.DataFrame
        Records, n rows.
    sources : mapping of str to int
        Files that they are of.
    corrections : sequence of CorrectionSpec
        Of their dataset.
    dataset : str
        For messages.

    Returns
    -------
    ndarray of int64, shape (n,)
        Number of the first correction that is for it; -1 where none is.

    Raises
    ------
    BuildError
        If a correction names a column that is not there.
    """
    chosen = np.full(len(table), _NOT_SELECTED, dtype=np.int64)
    for number in range(len(corrections) - 1, -1, -1):
        one = corrections[number]
        mask = np.ones(len(table), dtype=bool)
        if one.file is not None:
            mask &= _of_file(table, sources, one.file)
        for name, value in one.where.items():
            if name not in table.columns:
                known = ", ".join(map(str, table.columns))
                raise BuildError(f"{dataset}: corrections name the column {name!r}; write one of {known}")
            column = table[name]
            if pd.api.types.is_numeric_dtype(column):
                mask &= (column == pd.to_numeric(value, errors="coerce")).fillna(value=False).to_numpy(dtype=bool)
            else:
                mask &= (column.astype("str") == str(value)).to_numpy(dtype=bool)
        chosen[mask] = number
    return chosen


def _of_file(table: pd.DataFrame, sources: Mapping[str, int], file: str) -> NDArray[np.bool_]:
    if "source_file" in table.columns:
        labels = table["source_file"].astype("str")
        return labels.isin([label for label in labels.unique() if is_file(label, file)]).to_numpy(dtype=bool)
    return np.full(len(table), any(is_file(label, file) for label in sources))


def touching(
    corrections: Sequence[CorrectionSpec], source: str, table: Callable[[], pd.DataFrame], *, dataset: str
) -> list[dict[str, Any]]:
    """Return the corrections that are for some record of a stretch, as JSON.

    Parameters
    ----------
    corrections : sequence of CorrectionSpec
        Of its dataset.
    source : str
        File that the stretch is of.
    table : callable
        Gives its records, where they have to be looked at.
    dataset : str
        For messages.

    Returns
    -------
    list of dict
        What decides where its records are; empty if they are where the dataset says.
    """
    here = [one for one in corrections if one.file is None or is_file(source, one.file)]
    if any(one.where for one in here):
        found = np.unique(selected(table(), {source: 0}, here, dataset=dataset))
        here = [one for number, one in enumerate(here) if number in found]
    return [one.model_dump(mode="json", include={"position", "where", "file"}) for one in here]


def named(base: str, corrections: Sequence[CorrectionSpec]) -> str:
    """Name the definitions of a dataset.

    Parameters
    ----------
    base : str
        Its own.
    corrections : sequence of CorrectionSpec
        What was found out later.

    Returns
    -------
    str
        All that hold for some record.
    """
    names = []
    for one in corrections:
        names.append(crs.definition(one.position).name)
        if one.file is None and not one.where:
            return " and ".join(dict.fromkeys(names))
    return " and ".join(dict.fromkeys([base, *names]))


def _as_corrected(base: crs.PositionDefinition, one: CorrectionSpec) -> crs.PositionDefinition:
    """Return the definition that holds, with what it leaves open as it was."""
    meant = crs.definition(one.position)
    said = set(one.position) if isinstance(one.position, Mapping) else set()
    kept = [word for word in _KEPT if word not in said]
    if crs.definition(base.crs).unit == crs.definition(meant.crs).unit:
        kept += [word for word in _KEPT_IN_UNIT if word not in said]
    if meant.vertical is not None:
        kept = [word for word in kept if word not in {"vertical", "lift", "height_columns"}]
    return dataclasses.replace(meant, **{word: getattr(base, word) for word in kept})


def corrected(
    layer: layers.Layer,
    corrections: Sequence[CorrectionSpec],
    *,
    target: str,
    references: Mapping[str, Any],
) -> layers.Layer | None:
    """Move the records of a layer, each by the definition that holds for it.

    Parameters
    ----------
    layer : layers.Layer
        As published.
    corrections : sequence of CorrectionSpec
        Of its dataset.
    target : str
        The frame to move to.
    references : mapping
        Placed datasets that its positions refer to.

    Returns
    -------
    layers.Layer or None
        In the frame; None if no correction is for a record of it.

    Raises
    ------
    BuildError
        If its own positions are not in numbers.
    """
    chosen = selected(layer.table, layer.ledger.sources, corrections, dataset=layer.name)
    numbers = np.unique(chosen)
    if not (numbers >= 0).any():
        return None
    if layer.position.kind != "coordinates":
        raise BuildError(f"{layer.name}: positions by {layer.position.name} are not corrected: change position: itself")
    groups = []
    for number in numbers:
        rows = np.flatnonzero(chosen == number)
        position = layer.position if number < 0 else _as_corrected(layer.position, corrections[number])
        group = _Group(
            name=layer.name, position=position, coordinates=layer.coordinates.take(rows), layer=layer, rows=rows
        )
        groups.append((number, crs.harmonise(group, target=target, references=references)))
    return layer.with_coordinates(_together(layer, groups, corrections))


def _together(
    layer: layers.Layer, groups: Sequence[tuple[int, _Group]], corrections: Sequence[CorrectionSpec]
) -> crs.Placed:
    """Lay what came out of each group in the order of the records."""
    count = len(layer)
    geometry, reasons = np.full(count, None, dtype=object), np.full(count, None, dtype=object)
    sigma_m = np.full(count, np.nan)
    marks: dict[str, NDArray[np.bool_]] = {}
    columns: dict[str, NDArray[np.float64]] = {}
    steps: list[str] = []
    for number, group in groups:
        placed = group.placed
        if placed is None or not isinstance(placed.coordinates, crs.Shapes):
            continue
        shapes, rows = placed.coordinates, group.rows
        geometry[rows], reasons[rows] = shapes.geometry, placed.reasons
        sigma_m[rows] = shapes.sigma_m
        for name in ("ambiguous", "unresolved_height"):
            if (known := getattr(shapes, name)) is not None:
                marks.setdefault(name, np.zeros(count, dtype=bool))[rows] = known
        for name, metres in placed.columns.items():
            came = pd.to_numeric(pd.Series(layer.column(name)), errors="coerce").to_numpy(dtype=np.float64)
            columns.setdefault(name, came)[rows] = metres
        told = "" if number < 0 else f"corrected, {corrections[number].told()}: "
        steps += [f"{told}{step}" for step in placed.steps]
    first = next(group.placed for _, group in groups if group.placed is not None)
    shapes = crs.Shapes(
        geometry, sigma_m, ambiguous=marks.get("ambiguous"), unresolved_height=marks.get("unresolved_height")
    )
    return crs.Placed(coordinates=shapes, reasons=reasons, position=first.position, steps=tuple(steps), columns=columns)
