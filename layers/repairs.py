"""Repairs by stated rules: certain or not at all, each changed cell recorded, all of it can be undone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from rapidfuzz.distance import OSA

from layers.errors import SchemaError, listed
from layers.plausible import Bounds, bounds_of, numbers_of
from layers.repair_rules import FOOT_M, Repair

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from pandas._typing import DtypeObj

    from layers.fields import Field

__all__ = ["GEOMETRY", "RepairLog", "Repaired", "repair_table"]

GEOMETRY = "geometry"
"""Column of a log in which geometries stand, as hexadecimal well-known binary."""

_LOG_COLUMNS = ("rule", "row", "column", "before", "after")
#: One wrong letter in four at most, and every other allowed word at least two letters further off.
_LETTERS_A_FAULT, _MARGIN = 4, 2


def _empty_cells() -> pd.DataFrame:
    return pd.DataFrame({name: np.array([], dtype=np.int64 if name == "row" else object) for name in _LOG_COLUMNS})


@dataclass(frozen=True, kw_only=True, eq=False)
class RepairLog:
    """Every cell that was changed.

    Parameters
    ----------
    cells : pandas.DataFrame
        Columns ``rule``, ``row`` (number of the record), ``column``, ``before`` and ``after``: text that gives the
        value again to the last bit, None for no value; geometries are hexadecimal well-known binary.
    dtypes : Mapping of str to dtype
        What the changed columns were before, for `undo`.
    """

    cells: pd.DataFrame = field(default_factory=_empty_cells)
    dtypes: Mapping[str, DtypeObj] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.cells)

    def counts(self) -> dict[str, int]:
        """Count the records that each rule changed.

        Returns
        -------
        dict of str to int
            By rule, in the order of their names.
        """
        each = self.cells.groupby("rule")["row"].nunique()
        return {str(rule): int(count) for rule, count in each.items()}

    def joined(self, other: RepairLog) -> RepairLog:
        """Append what was done after.

        Parameters
        ----------
        other : RepairLog
            Of later repairs of the same records.

        Returns
        -------
        RepairLog
            Of both, in order.
        """
        kept = [log.cells for log in (self, other) if len(log)]
        cells = pd.concat(kept, ignore_index=True) if kept else _empty_cells()
        return RepairLog(cells=cells, dtypes={**other.dtypes, **self.dtypes})

    def undo(self, table: pd.DataFrame) -> pd.DataFrame:
        """Give back what was there before.

        Parameters
        ----------
        table : pandas.DataFrame
            Repaired; rows and columns that are not there are left out.

        Returns
        -------
        pandas.DataFrame
            Equal to the original bit for bit, types of columns too.
        """
        restored: dict[str, pd.Series] = {}
        for name, cells in self.cells.groupby("column", sort=False):
            if name not in table.columns:
                continue
            first = cells.drop_duplicates("row").set_index("row")["before"]
            here = first[first.index.isin(table.index)]
            dtype = self.dtypes[str(name)]
            column = table[name].astype(object)
            column.loc[here.index] = [_as_before(text, dtype) for text in here]
            restored[str(name)] = column.astype(dtype)
        return table.assign(**restored)

    def undo_geometry(self, geometry: NDArray[np.object_], rows: NDArray[np.int64]) -> NDArray[np.object_]:
        """Give back the geometries that were there before.

        Parameters
        ----------
        geometry : numpy.ndarray of shapely geometries, shape (n,)
            Repaired, as published otherwise.
        rows : numpy.ndarray of int64, shape (n,)
            Number of the record of each.

        Returns
        -------
        numpy.ndarray of shapely geometries, shape (n,)
            Equal to the original bit for bit.
        """
        cells = self.cells[self.cells["column"] == GEOMETRY].drop_duplicates("row").set_index("row")["before"]
        restored: NDArray[np.object_] = geometry.copy()
        changed = np.isin(rows, cells.index.to_numpy())
        restored[changed] = shapely.from_wkb(cells.reindex(rows[changed]).to_numpy(dtype=object))
        return restored


def _as_before(text: str | None, dtype: DtypeObj) -> object:
    if text is None:
        return np.nan if pd.api.types.is_float_dtype(dtype) else None
    if pd.api.types.is_integer_dtype(dtype):
        return int(text)
    return float(text) if pd.api.types.is_float_dtype(dtype) else text


def _text(value: object) -> str | None:
    """Write a value so that it can be read again to the last bit."""
    return None if value is None or value is pd.NA or value != value else str(value)  # noqa: PLR0124 - NaN


@dataclass(frozen=True, kw_only=True, eq=False)
class Repaired:
    """A table after its repairs.

    Parameters
    ----------
    table : pandas.DataFrame
        All rows, in their order.
    log : RepairLog
        What was changed.
    doubtful : numpy.ndarray of object, shape (n,)
        Why a row is to be quarantined because no repair of it is certain; None otherwise.
    """

    table: pd.DataFrame
    log: RepairLog
    doubtful: NDArray[np.object_]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Proposal:
    """What one rule would change."""

    repair: Repair
    rows: NDArray[np.intp]
    after: NDArray[np.object_]
    doubtful: Mapping[int, str] = field(default_factory=dict)


def repair_table(table: pd.DataFrame, repairs: Sequence[Repair], fields: Mapping[str, Field]) -> Repaired:
    """Mend the columns of a table by the stated rules; those of positions are left to `repair_positions`.

    Every rule looks at the table as it came. A cell is changed only if what stands there cannot be true, what the
    rule makes of it can, and no other rule makes something else of it.

    Parameters
    ----------
    table : pandas.DataFrame
        As read; the index is the number of the record.
    repairs : sequence of Repair
        What may be mended.
    fields : Mapping of str to Field
        Ranges and allowed values, for rules that state none.

    Returns
    -------
    Repaired
        The table, the record of changed cells, and the rows in doubt.

    Raises
    ------
    SchemaError
        If a rule names columns that are not there, or has nothing to tell a fault by.

    Examples
    --------
    >>> table = pd.DataFrame({"height_m": ["12.5", "98.4"], "levels": ["4", "10"]})
    >>> rule = Repair(rule="feet_to_metres", column="height_m", related="levels", between=(2.2, 6.0))
    >>> done = repair_table(table, [rule], {})
    >>> done.table["height_m"].tolist()
    ['12.5', '29.99232']
    >>> done.log.undo(done.table).equals(table)
    True
    """
    wanted = [repair for repair in repairs if not repair.of_positions and repair.rule != "deduplicate"]
    doubtful = np.full(len(table), None, dtype=object)
    log, changed = RepairLog(), table
    for column in dict.fromkeys(repair.column for repair in wanted if repair.column is not None):
        here = [repair for repair in wanted if repair.column == column]
        proposals = [_proposal(table, repair, fields) for repair in here]
        changed, part = _settled(changed, column, proposals, doubtful)
        log = log.joined(part)
    return Repaired(table=changed, log=log, doubtful=doubtful)


def _proposal(table: pd.DataFrame, repair: Repair, fields: Mapping[str, Field]) -> _Proposal:
    named = [name for name in (repair.column, repair.related, *repair.by) if name is not None]
    absent = [name for name in named if name not in table.columns]
    if absent:
        raise SchemaError(f"repair {repair.rule} names {listed(absent)}; the file has {listed(table.columns)}.")
    if repair.rule == "respell":
        rule = fields.get(str(repair.column))
        return _respelling(table[repair.column], repair, () if rule is None else rule.allowed)
    return _rescaling(table, repair, fields)


def _respelling(column: pd.Series, repair: Repair, allowed: Sequence[str | float]) -> _Proposal:
    """Take a word to the one allowed word that it can be meant for."""
    if not allowed:
        raise SchemaError(f"respell of {column.name!r} has nothing to spell by: write fields: {{allowed: […]}}.")
    words = [str(word) for word in allowed]
    given = column.astype(object)
    meant = {word: _nearest(word, words) for word in given.dropna().astype(str).unique() if word not in words}
    after = given.map(lambda word: meant.get(str(word)) if word is not None else None)
    rows = np.flatnonzero(after.notna().to_numpy())
    return _Proposal(repair=repair, rows=rows, after=after.to_numpy(dtype=object)[rows])


def _nearest(word: str, words: Sequence[str]) -> str | None:
    plain = word.strip().casefold()
    same = [other for other in words if other.casefold() == plain]
    if len(same) == 1:
        return same[0]
    if not plain:
        return None
    far = sorted((OSA.distance(plain, other.casefold()), other) for other in words)
    allowed = max(1, len(plain) // _LETTERS_A_FAULT)
    short = len(plain) < _LETTERS_A_FAULT
    alone = len(far) == 1 or far[1][0] >= far[0][0] + _MARGIN
    return far[0][1] if far[0][0] <= allowed and alone and not short else None


def _rescaling(table: pd.DataFrame, repair: Repair, fields: Mapping[str, Field]) -> _Proposal:
    """Offer what the rule makes of each number that cannot be true as it stands."""
    numbers = numbers_of(table[repair.column])
    bounds = bounds_of(table, repair, fields)
    wrong = bounds.rules_out(numbers)
    if repair.rule == "withhold":
        rows = np.flatnonzero(wrong)
        return _Proposal(repair=repair, rows=rows, after=np.full(len(rows), None, dtype=object))
    factor = -1.0 if repair.rule == "flip_sign" else FOOT_M[repair.foot]
    other = numbers * factor
    fits = wrong & bounds.allows(other)
    rows = np.flatnonzero(fits)
    return _Proposal(
        repair=repair,
        rows=rows,
        after=other[rows].astype(object),
        doubtful=_doubts(numbers, bounds, wrong & ~fits, repair),
    )


def _doubts(numbers: NDArray[np.float64], bounds: Bounds, wrong: NDArray[np.bool_], repair: Repair) -> dict[int, str]:
    """Say which numbers are neither true as they stand nor certain after the change."""
    if bounds.learned:  # most records of a group are no law: only a change that may be meant is in doubt
        factor = -1.0 if repair.rule == "flip_sign" else FOOT_M[repair.foot]
        wrong = wrong & ~bounds.rules_out(numbers * factor)
    return {
        int(i): f"ambiguous_repair: {repair.column} {numbers[i]:g} cannot be true, and {repair.rule} does not settle it"
        for i in np.flatnonzero(wrong)
    }


def _settled(
    table: pd.DataFrame, column: str, proposals: Sequence[_Proposal], doubtful: NDArray[np.object_]
) -> tuple[pd.DataFrame, RepairLog]:
    """Change the cells on which the rules agree; withhold what is impossible and nothing mends."""
    offers: dict[int, list[tuple[str, object]]] = {}
    doubts: dict[int, str] = {}
    for one in proposals:
        doubts |= one.doubtful
        for row, after in zip(one.rows.tolist(), one.after, strict=True):
            offers.setdefault(row, []).append((one.repair.rule, after))
    chosen: dict[int, tuple[str, object]] = {}
    for row, told in offers.items():
        mends = [offer for offer in told if offer[0] != "withhold"]
        if len({after for _, after in mends}) > 1:
            named = " and ".join(f"{rule} ({after})" for rule, after in mends)
            doubts[row] = f"ambiguous_repair: {column} may be mended by {named}"
        else:
            chosen[row] = mends[0] if mends else told[0]
    for row in sorted(doubts.keys() - chosen.keys()):
        doubtful[row] = doubts[row] if doubtful[row] is None else f"{doubtful[row]}; {doubts[row]}"
    return _changed(table, column, chosen)


def _changed(
    table: pd.DataFrame, column: str, chosen: Mapping[int, tuple[str, object]]
) -> tuple[pd.DataFrame, RepairLog]:
    """Write the chosen values into a column, and note each."""
    if not chosen:
        return table, RepairLog()
    given = table[column]
    rows = np.array(sorted(chosen), dtype=np.intp)
    is_text = not pd.api.types.is_numeric_dtype(given)
    after = [_in_text(chosen[row][1]) if is_text else chosen[row][1] for row in rows.tolist()]
    made = given.astype(object)
    made.iloc[rows] = after
    whole = pd.api.types.is_integer_dtype(given) and all(v is not None and float(str(v)) % 1 == 0 for v in after)
    dtype = given.dtype if whole else "str" if is_text else "float64"
    cells = pd.DataFrame(
        {
            "rule": [chosen[row][0] for row in rows.tolist()],
            "row": table.index.to_numpy()[rows],
            "column": column,
            "before": np.array([_text(value) for value in given.iloc[rows]], dtype=object),
            "after": np.array([_text(value) for value in after], dtype=object),
        }
    )
    made = made.where(made.notna(), np.nan) if dtype == "float64" else made
    return table.assign(**{column: pd.Series(made, dtype=dtype)}), RepairLog(cells=cells, dtypes={column: given.dtype})


def _in_text(value: object) -> str:
    """Write a value as a text table does: no value is the empty text, and a product keeps no noise of its digits."""
    return "" if value is None else f"{value:.15g}" if isinstance(value, float) else str(value)
