"""Rules on single columns and keys, checked by pandera: each failure comes with its row and its value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pandera.pandas as pandera
from pandera.errors import SchemaErrors

from layers.errors import SchemaError, listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from layers.fields import Field

__all__ = ["content_faults", "flag_faults", "key_faults", "key_text"]

_SHOWN_VALUES = 8

Faults = list[tuple[int, str]]
"""Place of a row in the table, and "code: detail"."""


def key_text(column: pd.Series) -> pd.Series:
    """Write ids as text that is equal for equal ids, whether they were read as 12, 12.0 or "12".

    Parameters
    ----------
    column : pandas.Series
        Ids.

    Returns
    -------
    pandas.Series
        Text; what is missing or blank stays missing.

    Examples
    --------
    >>> key_text(pd.Series([12.0, None])).tolist()
    ['12', nan]
    """
    if pd.api.types.is_float_dtype(column):
        whole = column.dropna()
        if np.array_equal(whole, whole.round()):
            column = column.astype("Int64")
    text = column.astype("str").str.strip()
    return text.mask(column.isna() | (text == ""))


def _check(name: str, column: pd.Series, rule: Field, known: Mapping[str, frozenset[str]]) -> list[pandera.Check]:
    """Say in pandera's words what a column must hold; the error of a check is the reason that it gives."""
    checks = []
    if rule.allowed:
        shown = ", ".join(map(str, rule.allowed[:_SHOWN_VALUES])) + (", …" if len(rule.allowed) > _SHOWN_VALUES else "")
        numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
        allowed = [float(value) for value in rule.allowed] if numeric else [str(value) for value in rule.allowed]
        checks.append(pandera.Check.isin(allowed, error=f"not_allowed: {name} is {{}}, not one of {shown}"))
    if rule.pattern is not None:
        told = f"wrong_pattern: {name} is {{}}, which is not of the form {rule.pattern}"
        checks.append(pandera.Check.str_matches(f"(?:{rule.pattern})$", error=told))
    if rule.references is not None:
        if rule.references not in known:
            raise SchemaError(
                f"column {name!r} refers to {rule.references}, which is not at hand: give its values as "
                f"ReadOptions(known={{{rule.references!r}: frozenset(...)}})."
            )
        told = f"unknown_key: {name} is {{}}, which is not in {rule.references}"
        checks.append(pandera.Check.isin(known[rule.references], error=told))
    return checks


def content_faults(table: pd.DataFrame, fields: Mapping[str, Field], *, known: Mapping[str, frozenset[str]]) -> Faults:
    """Find values that are not allowed, not of their pattern, or not in the dataset that they refer to.

    Parameters
    ----------
    table : pandas.DataFrame
        Typed; what is missing breaks no rule but ``required``.
    fields : Mapping of str to Field
        Rules by column.
    known : Mapping of str to frozenset of str
        Ids by "dataset.column" that fields refer to.

    Returns
    -------
    list of (int, str)
        Place of the row in the table and the reason, in order of columns.
    """
    columns, checks = {}, {}
    for name, rule in fields.items():
        given = table[name]
        told = _check(name, given, rule, known)
        if not told:
            continue
        of_text = rule.pattern is not None or rule.references is not None or not pd.api.types.is_numeric_dtype(given)
        checks[name] = pandera.Column(None, told, nullable=True, required=True)
        columns[name] = (key_text(given) if of_text else given).reset_index(drop=True)
    if not columns:
        return []
    try:
        pandera.DataFrameSchema(checks).validate(pd.DataFrame(columns), lazy=True)
    except SchemaErrors as error:
        found = error.failure_cases
        return [
            (int(row), str(reason).replace("{}", repr(value), 1))
            for row, reason, value in zip(found["index"], found["check"], found["failure_case"], strict=True)
        ]
    return []


def key_faults(table: pd.DataFrame, keys: Sequence[tuple[str, ...]], *, dataset: str) -> Faults:
    """Find rows whose key another row before them has.

    Parameters
    ----------
    table : pandas.DataFrame
        Typed; a key of which a part is missing is no key.
    keys : sequence of tuple of str
        Columns that together must be unique.
    dataset : str
        For messages.

    Returns
    -------
    list of (int, str)
        Place of the row in the table and the reason.

    Raises
    ------
    SchemaError
        If a key names columns that are not there.

    Examples
    --------
    >>> key_faults(pd.DataFrame({"id": [7, 8, 7]}), [("id",)], dataset="d")
    [(2, "not_unique: id is '7', as in row 0")]
    """
    found: Faults = []
    for key in keys:
        absent = [name for name in key if name not in table.columns]
        if absent:
            raise SchemaError(f"{dataset}: unique names {listed(absent)}; the file has {listed(table.columns)}.")
        parts = pd.DataFrame({name: key_text(table[name]) for name in key})
        whole = parts.notna().all(axis=1).to_numpy()
        number = parts.groupby(list(key), sort=False, dropna=False).ngroup().to_numpy()
        first = pd.Series(np.arange(len(parts))).groupby(number).transform("first").to_numpy()
        for place in np.flatnonzero(whole & (first != np.arange(len(parts)))):
            written = ", ".join(map(repr, parts.iloc[place]))
            row = table.index[first[place]]
            found.append((int(place), f"not_unique: {', '.join(key)} is {written}, as in row {row}"))
    return found


def flag_faults(table: pd.DataFrame, fields: Mapping[str, Field], *, dataset: str) -> Faults:
    """Find values that their publisher does not vouch for.

    Parameters
    ----------
    table : pandas.DataFrame
        Typed; where a value is missing its flag says nothing.
    fields : Mapping of str to Field
        Rules by column.
    dataset : str
        For messages.

    Returns
    -------
    list of (int, str)
        Place of the row in the table and the reason.

    Raises
    ------
    SchemaError
        If a column with flags is not there.

    Examples
    --------
    >>> from layers.fields import Field, Flags
    >>> rule = Field(flags=Flags(column="qc", good=("V",)))
    >>> flag_faults(pd.DataFrame({"no2": [20.0, 21.0], "qc": ["V", "E"]}), {"no2": rule}, dataset="d")
    [(1, "flagged: no2 has the flag 'E' in qc, not V")]
    """
    found: Faults = []
    for name, rule in fields.items():
        if rule.flags is None:
            continue
        if rule.flags.column not in table.columns:
            raise SchemaError(
                f"{dataset}: flags of {name!r} name the column {rule.flags.column!r}; "
                f"the file has {listed(table.columns)}."
            )
        given = key_text(table[rule.flags.column])
        bad = ~given.isin(rule.flags.good).to_numpy() & table[name].notna().to_numpy()
        shown = " or ".join(rule.flags.good)
        found += [
            (int(i), f"flagged: {name} has the flag {given.fillna('').iloc[i]!r} in {rule.flags.column}, not {shown}")
            for i in np.flatnonzero(bad)
        ]
    return found
