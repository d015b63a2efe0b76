"""Records that say the same as a record before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from layers.errors import SchemaError, listed
from layers.plausible import numbers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from layers.repair_rules import Repair

__all__ = ["repeated"]


def _first_of(table: pd.DataFrame, geometry: NDArray[np.object_] | None) -> NDArray[np.intp]:
    """Return the place of the first row that is equal in every column and in its geometry."""
    parts = table.reset_index(drop=True)
    parts.columns = pd.RangeIndex(parts.shape[1])
    if geometry is not None:
        parts = parts.assign(geometry=shapely.to_wkb(geometry))
    number = parts.groupby(list(parts.columns), sort=False, dropna=False, observed=True).ngroup().to_numpy()
    first = pd.Series(np.arange(len(parts))).groupby(number).transform("first")
    return first.to_numpy(dtype=np.intp)


def repeated(
    table: pd.DataFrame, geometry: NDArray[np.object_] | None, repair: Repair
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Find the records that a rule for duplicates takes out.

    Parameters
    ----------
    table : pandas.DataFrame
        Repaired otherwise.
    geometry : numpy.ndarray of shapely geometries, shape (n,), or None
        Positions, if they are no columns.
    repair : Repair
        A ``deduplicate``.

    Returns
    -------
    same : numpy.ndarray of object, shape (n,)
        "duplicate: …" where a row before says the same, None elsewhere.
    conflicting : numpy.ndarray of object, shape (n,)
        "conflicting_duplicate: …" where rows of one key say different things: none of them is certain.

    Raises
    ------
    SchemaError
        If the key names columns that are not there.
    """
    told = table.drop(columns="source_file", errors="ignore")
    same = np.full(len(table), None, dtype=object)
    conflicting = np.full(len(table), None, dtype=object)
    absent = [name for name in repair.key if name not in told.columns]
    if absent:
        raise SchemaError(f"deduplicate names {listed(absent)} as key; the file has {listed(told.columns)}.")
    if not told.shape[1] and geometry is None:
        return same, conflicting
    rows = table.index.to_numpy()
    first = _first_of(told, geometry)
    for place in np.flatnonzero(first != np.arange(len(table))):
        same[place] = f"duplicate: says what row {rows[first[place]]} says"
    left = np.array([reason is None for reason in same], dtype=bool)
    for head, rest, agree in _of_one_key(told, geometry, repair, left) if repair.key else ():
        if agree:
            for i in rest:
                same[i] = f"duplicate: says what row {rows[head]} says, within {repair.tolerance:g}"
            continue
        for k in (head, *rest):
            others = ", ".join(str(rows[j]) for j in (head, *rest) if j != k)
            conflicting[k] = f"conflicting_duplicate: {', '.join(repair.key)} as in row {others}, which differs"
    return same, conflicting


def _of_one_key(
    table: pd.DataFrame, geometry: NDArray[np.object_] | None, repair: Repair, left: NDArray[np.bool_]
) -> Iterator[tuple[int, list[int], bool]]:
    """Give the rows that share a key, the first by itself, and whether all say the same."""
    key = table[list(repair.key)]
    blank = (key.isna() | (key.astype("str") == "")).any(axis=1).to_numpy()
    places = np.flatnonzero(left & ~blank)
    number = key.iloc[places].groupby(list(repair.key), sort=False, observed=True).ngroup().to_numpy()
    shared = pd.Series(number).duplicated(keep=False).to_numpy()
    for _, group in pd.Series(places[shared]).groupby(number[shared], sort=False):
        head, *rest = group.tolist()
        agree = all(_says_the_same(table, geometry, head, i, tolerance=repair.tolerance) for i in rest)
        yield head, rest, agree


def _says_the_same(
    table: pd.DataFrame, geometry: NDArray[np.object_] | None, a: int, b: int, *, tolerance: float
) -> bool:
    if geometry is not None and geometry[a] != geometry[b]:
        return False
    both = table.iloc[[a, b]]
    for name in table.columns:
        one, other = both[name].iloc[0], both[name].iloc[1]
        if (pd.isna(one) and pd.isna(other)) or one == other:
            continue
        numbers = numbers_of(both[name])
        if not abs(numbers[0] - numbers[1]) <= tolerance:
            return False
    return True
