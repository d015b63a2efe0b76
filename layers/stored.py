"""Stretches of a layer as published, kept in files between two steps of a build: nothing of them is lost.

A stretch holds what `crs.harmonise` and the ledger ask for: typed columns, positions as written, their definition, and
the records as they came. The form is that in which a reading process hands its records over; loading it runs no code.
"""

from __future__ import annotations

import dataclasses
import operator
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crs import Fields, Shapes
from layers.jail.transfer import dump, load
from layers.ledger import Ledger
from layers.model import Layer
from layers.published import Published

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["store", "stored", "stored_table", "stretch_of"]

_TABLE = "table.bin"
_REST = "positions.bin"


def stretch_of(layer: Layer, first: int, last: int, *, source: str) -> Layer:
    """Take the records of some numbers as a layer of their own.

    Parameters
    ----------
    layer : Layer
        As published; records in the order of their numbers.
    first, last : int
        Places of the first record, and of the one after the last.
    source : str
        File that they are of.

    Returns
    -------
    Layer
        With a ledger in which all of them are placed.
    """
    coordinates = layer.coordinates.take(np.arange(first, last))
    table = layer.table.iloc[first:last]
    ledger = Ledger(dataset=layer.name, sources={source: len(table)}, placed=len(table))
    return dataclasses.replace(layer, table=table, coordinates=coordinates, ledger=ledger)


def store(layer: Layer, folder: Path) -> None:
    """Write a stretch of a layer down.

    Parameters
    ----------
    layer : Layer
        As published.
    folder : Path
        An empty folder; it is made.

    Raises
    ------
    LayerError
        If a column holds values of a kind that cannot be kept.
    """
    folder.mkdir(parents=True)
    _write(folder / _TABLE, layer.table)
    rest: dict[str, Any] = {
        "name": layer.name,
        "domain": layer.domain,
        "position": layer.position,
        "coordinates": layer.coordinates,
        "sources": dict(layer.ledger.sources),
        "units": dict(layer.units),
        "steps": layer.steps,
        "label": layer.label,
        "published": None if layer.published is None else _as_came(layer, layer.published),
    }
    _write(folder / _REST, rest)


def stored(folder: Path) -> Layer:
    """Take a stretch up again.

    Parameters
    ----------
    folder : Path
        What `store` filled.

    Returns
    -------
    Layer
        All of its records placed.
    """
    table, rest = stored_table(folder), _read(folder / _REST)
    came = rest["published"]
    return Layer(
        name=rest["name"],
        domain=rest["domain"],
        table=table,
        position=rest["position"],
        coordinates=rest["coordinates"],
        ledger=Ledger(dataset=rest["name"], sources=rest["sources"], placed=len(table)),
        units=rest["units"],
        steps=rest["steps"],
        label=rest["label"],
        published=None if came is None else _published(came, table, rest["coordinates"]),
    )


def stored_table(folder: Path) -> pd.DataFrame:
    """Take up the columns of a stretch alone.

    Parameters
    ----------
    folder : Path
        What `store` filled.

    Returns
    -------
    pandas.DataFrame
        Typed; the index ``row`` is the number of the record.
    """
    table = _read(folder / _TABLE)
    return pd.DataFrame(table)


def _as_came(layer: Layer, published: Published) -> dict[str, Any]:
    """Say how the records came, but for the columns that were left as they are."""
    places = published.table.index.get_indexer(layer.table.index)
    written = published.table.iloc[places]
    same = [name for name in written if name in layer.table and _equal(written[name], layer.table[name])]
    geometry = None if published.shapes is None else published.shapes.take(places).geometry
    untouched = isinstance(layer.coordinates, Shapes) and geometry is not None
    if untouched and geometry is not None and _same_objects(geometry, layer.geometry):
        geometry = None
    return {
        "names": [str(name) for name in written],
        "changed": written.drop(columns=same),
        "has_geometry": published.shapes is not None,
        "geometry": geometry,
    }


def _equal(one: pd.Series, other: pd.Series) -> bool:
    return one.dtype == other.dtype and one.equals(other)


def _same_objects(one: NDArray[np.object_], other: NDArray[np.object_]) -> bool:
    return all(map(operator.is_, one, other))


def _published(came: dict[str, Any], table: pd.DataFrame, coordinates: Fields | Shapes) -> Published:
    changed = came["changed"]
    columns = {name: changed[name] if name in changed else table[name] for name in came["names"]}
    geometry = came["geometry"]
    if geometry is None and came["has_geometry"] and isinstance(coordinates, Shapes):
        geometry = coordinates.geometry
    shapes = None if geometry is None else Shapes(geometry)
    return Published(table=pd.DataFrame(columns, index=table.index), shapes=shapes)


def _write(path: Path, value: object) -> None:
    with path.open("wb") as file:
        dump(value, file.fileno())


def _read(path: Path) -> Any:  # noqa: ANN401 - whatever was written
    handle = os.open(path, os.O_RDONLY)
    try:
        return load(handle)
    finally:
        os.close(handle)
