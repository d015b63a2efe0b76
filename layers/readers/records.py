"""What a reader hands over: every record of one file, and what the file itself declares."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from crs import Shapes
from layers.errors import SchemaError
from layers.schema import infer_types

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from layers.packed import Packed

__all__ = ["Records", "concatenate_records", "from_texts", "geometry_faults", "to_table"]


def _nothing() -> pd.DataFrame:
    return pd.DataFrame(
        {"row": np.array([], dtype=np.int64), "reason": np.array([], dtype=object), "text": np.array([], dtype=object)}
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Records:
    """One file, read.

    Parameters
    ----------
    table : pandas.DataFrame
        Attributes of the records that could be read; the index is the number of the record in the file, from 0.
    count : int
        Records in the file: those of the table and the rejected ones.
    geometry : numpy.ndarray of shapely geometries or None
        One a row of the table, or None for a plain table.
    faults : numpy.ndarray of object, shape (n,), or None
        Why a row of the table is to be quarantined; None where it is sound.
    rejected : pandas.DataFrame
        Columns ``row``, ``reason``, ``text`` of what could not be read as a record.
    declared : str or None
        What the file says about its positions.
    default : str or None
        What its format means where neither file nor user says anything.
    text : bool
        Whether the table is all text, to be typed later.
    nameless : frozenset of str
        Columns that the file gives no name; they may be missing from other files of the dataset.
    units : Mapping of str to str
        Units that the file declares, by column.
    heights : tuple of str
        Columns that hold heights on the vertical datum, in metres.
    notes : tuple of str
        What was done to values while they were read, for the layer's steps: "read: 3 cells ...".
    hint : str
        What to tell besides where nobody says what positions mean.
    packed : Packed or None
        Instead of ``geometry``, where a reader has the numbers: the geometries are made when they are asked for.
    surfaces : numpy.ndarray of object or None
        Of city models that are asked for them: one value a row of the table, as in `layers.surfaces`.
    """

    table: pd.DataFrame
    count: int
    geometry: NDArray[np.object_] | None = None
    faults: NDArray[np.object_] | None = None
    rejected: pd.DataFrame = field(default_factory=_nothing)
    declared: str | None = None
    default: str | None = None
    text: bool = False
    nameless: frozenset[str] = frozenset()
    units: Mapping[str, str] = field(default_factory=dict)
    heights: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    hint: str = ""
    packed: Packed | None = None
    surfaces: NDArray[np.object_] | None = None

    @property
    def has_geometry(self) -> bool:
        """Whether the file holds geometries, made or not."""
        return self.geometry is not None or self.packed is not None

    @property
    def has_heights(self) -> bool:
        """Whether a geometry has z."""
        if self.packed is not None:
            return self.packed.has_z
        return self.geometry is not None and bool(shapely.has_z(self.geometry).any())

    def shapes(self) -> Shapes | None:
        """Return the geometries as positions; those that are not made yet stay so.

        Returns
        -------
        Shapes or None
            None of a plain table.
        """
        if self.packed is not None:
            return Shapes.deferred(self.packed)
        return None if self.geometry is None else Shapes(self.geometry)

    def with_geometry(self) -> Records:
        """Make the geometries, where a reader left them at their numbers.

        Returns
        -------
        Records
            With ``geometry``, and not ``packed``.
        """
        return self if self.packed is None else replace(self, geometry=self.packed.make(), packed=None)


def geometry_faults(
    geometry: NDArray[np.object_], present: NDArray[np.bool_], *, unreadable: str = "the geometry cannot be read"
) -> NDArray[np.object_]:
    """Say which geometries cannot stand.

    Parameters
    ----------
    geometry : numpy.ndarray of shapely geometries or None, shape (n,)
        As read.
    present : numpy.ndarray of bool, shape (n,)
        Whether the file had something there at all.
    unreadable : str
        Detail for what was there but gave no geometry.

    Returns
    -------
    numpy.ndarray of object, shape (n,)
        None, or "no_geometry", "unreadable_geometry", "not_finite" or "invalid_geometry" with details.
    """
    with np.errstate(all="ignore"):  # broken files hold numbers that overflow; they are found below
        return _geometry_faults(geometry, present, unreadable)


def _geometry_faults(geometry: NDArray[np.object_], present: NDArray[np.bool_], unreadable: str) -> NDArray[np.object_]:
    reasons = np.full(len(geometry), None, dtype=object)
    missing = shapely.is_missing(geometry)
    empty = shapely.is_empty(geometry)
    reasons[(missing & ~present) | empty] = "no_geometry: the record has none"
    reasons[missing & present] = f"unreadable_geometry: {unreadable}"
    sound = ~missing & ~empty
    # Bounds would pass over a vertex that is not a number.
    numbers, owner = shapely.get_coordinates(geometry, return_index=True)
    wild = np.zeros(len(geometry), dtype=bool)
    wild[owner[~np.isfinite(numbers).all(axis=1)]] = True
    wild &= sound
    reasons[wild] = "not_finite: a coordinate is infinite or not a number"
    sound &= ~wild
    areal = sound & (shapely.get_dimensions(geometry) == 2)
    for i, why in zip(np.flatnonzero(areal), _why_invalid(geometry[areal]), strict=True):
        reasons[i] = why and f"invalid_geometry: {why}"
    # A line of a single point twice has no length to share out.
    lines = sound & (shapely.get_dimensions(geometry) == 1)
    flat = np.flatnonzero(lines)[shapely.length(geometry[lines]) == 0]
    reasons[flat] = "invalid_geometry: a line without length"
    return reasons


def _why_invalid(areas: NDArray[np.object_]) -> NDArray[np.object_]:
    """Say what GEOS finds wrong with areas; None where it finds nothing."""
    found = np.full(len(areas), None, dtype=object)
    try:
        broken = np.flatnonzero(~shapely.is_valid(areas))
        found[broken] = shapely.is_valid_reason(areas[broken])
    except shapely.errors.GEOSException as error:
        # Of a few spoilt rings GEOS cannot even say what is wrong: one of them must not take the others along.
        if len(areas) == 1:
            found[0] = f"GEOS cannot judge it ({error})"
            return found
        halves = np.array_split(areas, 2)
        found = np.concatenate([_why_invalid(half) for half in halves])
    return found


def _flat(value: object) -> object:
    if isinstance(value, bytes):  # text in no encoding that its format allows
        return value.decode("utf-8", errors="backslashreplace")
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def to_table(properties: Sequence[Mapping[str, Any]], index: NDArray[np.int64]) -> pd.DataFrame:
    """Turn parsed JSON objects into columns.

    Parameters
    ----------
    properties : sequence of Mapping, n long
        One object a record; what it lacks is missing.
    index : numpy.ndarray of int64, shape (n,)
        Row numbers.

    Returns
    -------
    pandas.DataFrame
        Numbers stay numbers, integers with gaps are Int64, mixed columns and nested values become text.
    """
    names = dict.fromkeys(name for row in properties for name in row)
    columns = {name: _column([_flat(row.get(name)) for row in properties], index) for name in names}
    return pd.DataFrame(columns, index=index)


def from_texts(rows: Sequence[Mapping[str, str]], index: NDArray[np.int64], *, ids: frozenset[str]) -> pd.DataFrame:
    """Turn the attributes of elements into typed columns.

    Parameters
    ----------
    rows : sequence of Mapping, n long
        One a record; what it lacks, or holds as empty text, is missing.
    index : numpy.ndarray of int64, shape (n,)
        Row numbers.
    ids : frozenset of str
        Columns that stay text, whatever is in them.

    Returns
    -------
    pandas.DataFrame
        Typed as a text table is.
    """
    frame = pd.DataFrame(list(rows), index=index).fillna("").astype("str")
    typed = infer_types(frame, keep=frozenset(ids & set(frame.columns)))
    return pd.DataFrame({name: values.mask(frame[name] == "") for name, values in typed.items()}, index=index)


def _column(values: list[object], index: NDArray[np.int64]) -> pd.Series:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int} and all(value is None or -(2**63) <= value < 2**63 for value in values if isinstance(value, int)):
        return pd.Series(values, index=index, dtype="Int64" if None in values else "int64")
    if kinds == {bool}:
        return pd.Series(values, index=index, dtype="boolean" if None in values else "bool")
    if kinds and kinds <= {int, float}:
        return pd.Series([np.nan if value is None else value for value in values], index=index, dtype="float64")
    text = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
    return pd.Series(text, index=index, dtype="str")


def _surfaces(part: Records) -> NDArray[np.object_]:
    return np.full(len(part.table), None, dtype=object) if part.surfaces is None else part.surfaces


def concatenate_records(parts: Sequence[Records], labels: Sequence[str], *, dataset: str) -> Records:
    """Append files of one schema; rows are numbered on, ``source_file`` says where each came from.

    Parameters
    ----------
    parts : sequence of Records
        One a file.
    labels : sequence of str
        Name of each file.
    dataset : str
        For messages.

    Returns
    -------
    Records
        Of all files.

    Raises
    ------
    SchemaError
        If columns or declared positions differ.
    """
    parts = [part.with_geometry() for part in parts]
    first = parts[0]
    nameless = frozenset().union(*(part.nameless for part in parts))
    columns = [*first.table.columns, *sorted(nameless - set(first.table.columns))]
    tables, geometries, faults, rejected = [], [], [], []
    offset = 0
    for part, label in zip(parts, labels, strict=True):
        only = sorted((set(part.table.columns) ^ set(first.table.columns)) - nameless)
        if only or (part.geometry is None) != (first.geometry is None):
            raise SchemaError(
                f"{dataset}: {label} and {labels[0]} do not have the same columns "
                f"(only in one: {', '.join(only) or 'geometry'}). Name them as two datasets."
            )
        if part.declared != first.declared:
            raise SchemaError(
                f"{dataset}: {label} declares the position {part.declared}, {labels[0]} declares {first.declared}. "
                "Name them as two datasets."
            )
        source = pd.Categorical.from_codes(
            np.full(len(part.table), labels.index(label), dtype=np.int64), pd.Index(list(labels))
        )
        tables.append(
            part.table.reindex(columns=columns).assign(source_file=source).set_axis(part.table.index + offset)
        )
        rejected.append(part.rejected.assign(row=part.rejected["row"] + offset, source_file=label))
        if part.geometry is not None:
            geometries.append(part.geometry)
        faults.append(np.full(len(part.table), None, dtype=object) if part.faults is None else part.faults)
        offset += part.count
    return replace(
        first,
        table=pd.concat(tables),
        nameless=nameless,
        count=offset,
        geometry=np.concatenate(geometries) if geometries else None,
        surfaces=None if first.surfaces is None else np.concatenate([_surfaces(part) for part in parts]),
        faults=np.concatenate(faults),
        rejected=pd.concat(rejected, ignore_index=True),
        notes=tuple(f"{note} ({label})" for part, label in zip(parts, labels, strict=True) for note in part.notes),
    )
