"""Tables with a column for each hour, lane or site, made long: every cell is a record with an account of its own."""

from __future__ import annotations

import re
import string
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.errors import SchemaError, listed
from layers.schema import infer_types

if TYPE_CHECKING:
    from layers.options import Wide
    from layers.readers.records import Records

__all__ = ["to_long"]


def _cells(table: pd.DataFrame, wide: Wide, label: str) -> dict[str, str]:
    """Find the columns with values, and what each is called in the long table."""
    try:
        pattern = re.compile(wide.columns)
    except re.error as error:
        raise SchemaError(f"{label}: columns: {wide.columns!r} is no regular expression ({error}).") from error
    found = {name: match for name in table.columns if (match := pattern.search(str(name)))}
    if not found:
        raise SchemaError(f"{label}: no column matches {wide.columns!r}; the file has {listed(table.columns)}.")
    return {name: str((match[1] if pattern.groups else None) or name) for name, match in found.items()}


def _values(table: pd.DataFrame, columns: list[str]) -> pd.Series:
    """Lay the columns one after the other, row by row."""
    block = table[columns]
    if all(pd.api.types.is_numeric_dtype(dtype) and dtype != "bool" for dtype in block.dtypes):
        return pd.Series(block.to_numpy(dtype=np.float64, na_value=np.nan).reshape(-1))
    texts = block.astype("str").where(block.notna())
    return pd.Series(texts.to_numpy(dtype=object).reshape(-1), dtype="str")


def _stamp(frame: pd.DataFrame, template: str, label: str) -> pd.Series:
    """Fill columns into a text, row by row."""
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise SchemaError(f"{label}: stamp: {template!r} cannot be read ({error}); write {{column}}.") from error
    stamp = pd.Series("", index=frame.index, dtype="str")
    for before, name, _, _ in parts:
        if name is not None and name not in frame.columns:
            raise SchemaError(f"{label}: stamp names {name!r}; the table has {listed(frame.columns)}.")
        stamp = stamp + before + ("" if name is None else frame[name].astype("str"))
    return stamp


def to_long(records: Records, wide: Wide, *, label: str) -> Records:
    """Make one record of every cell.

    Parameters
    ----------
    records : Records
        One record a row.
    wide : Wide
        Which columns hold values.
    label : str
        For messages.

    Returns
    -------
    Records
        Cell k of row i has the number i n + k of n columns. Other columns, geometry and faults of a row hold for each
        of its cells; of a row that was rejected every cell is. An empty cell is a record whose value is missing.

    Raises
    ------
    SchemaError
        If no column matches, or a new column has the name of one that is there.
    """
    records = records.with_geometry()
    found = _cells(records.table, wide, label)
    names, per_row = list(found), len(found)
    kept = records.table.drop(columns=names)
    new = [wide.variable, wide.into, *(["stamp"] if wide.stamp else [])]
    taken = [name for name in new if name in kept.columns]
    if taken or len(set(new)) < len(new):
        raise SchemaError(f"{label}: wide makes a column {listed(taken or new)} that is there already; name it anew.")
    cell = np.tile(np.arange(per_row), len(kept))
    long = kept.loc[kept.index.repeat(per_row)].reset_index(drop=True)
    long[wide.into] = pd.Series(np.tile(np.array(list(found.values()), dtype=object), len(kept)), dtype="str")
    long[wide.variable] = _values(records.table, names)
    if wide.stamp:
        long["stamp"] = _stamp(long, wide.stamp, label)
    if not records.text:
        long[wide.into] = infer_types(long[[wide.into]])[wide.into]
    long.index = pd.Index(np.repeat(kept.index.to_numpy(dtype=np.int64), per_row) * per_row + cell)
    return replace(
        records,
        table=long,
        count=records.count * per_row,
        geometry=None if records.geometry is None else np.repeat(records.geometry, per_row),
        faults=None if records.faults is None else np.repeat(records.faults, per_row),
        rejected=_each_cell(records.rejected, per_row),
        nameless=records.nameless - set(names),
    )


def _each_cell(rejected: pd.DataFrame, per_row: int) -> pd.DataFrame:
    """Reject every cell of a rejected row."""
    each = rejected.loc[rejected.index.repeat(per_row)].reset_index(drop=True)
    return each.assign(row=each["row"] * per_row + np.tile(np.arange(per_row), len(rejected)))
