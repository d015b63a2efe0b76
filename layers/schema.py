"""What a column must be: unit, range, kind; all faults of a record are found at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from layers.checks import content_faults, flag_faults, key_faults
from layers.errors import SchemaError
from layers.fields import Field, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["Field", "check_fields", "infer_types"]


_TRUE = frozenset({"true", "t", "yes", "y", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "0"})
_TASTE = 100
_SPACE, _ASCII = 32, 128


def _infer(column: pd.Series) -> pd.Series:
    """Type one text column if *every* value allows it: integer, else float, else text."""
    text = pa.Array.from_pandas(column, type=pa.large_string())
    if isinstance(text, pa.ChunkedArray):
        text = text.combine_chunks()
    plain = _plain_bytes(text)
    if plain is None:
        text = pc.utf8_trim_whitespace(text)
        blank = pc.fill_null(pc.equal(text, ""), fill_value=True)
        if pc.any(blank).as_py():
            text = pc.if_else(blank, pa.scalar(None, pa.large_string()), text)
    for kind in (pa.int64(), pa.float64()) if text.null_count < len(text) else ():
        try:
            # A cast that fails on a long column is slow, and mostly the first values tell already.
            pc.cast(text[:_TASTE], kind)
            numbers = pc.cast(text, kind)
        except pa.ArrowInvalid:
            continue
        # "007" is a code, not the number 7; an arrow cast would drop its zeros.
        if _has_codes(text) if plain is None else _begins_like_codes(*plain):
            break
        if kind == pa.int64() and numbers.null_count:
            return pd.Series(
                numbers.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get).array, index=column.index
            )
        return pd.Series(numbers.to_numpy(zero_copy_only=False), index=column.index)
    if plain is not None:
        return column.astype("str")
    return column.astype("str").where(~pd.Series(blank.to_numpy(zero_copy_only=False), index=column.index))


def _plain_bytes(text: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int64]] | None:
    """Return the bytes of a column and where its values end; None if one is missing, or holds a space or no ASCII."""
    if text.null_count or not len(text):
        return None
    _, offsets, data = text.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[text.offset : text.offset + len(text) + 1]
    if (ends[1:] == ends[:-1]).any():
        return None
    held = np.frombuffer(data, dtype=np.uint8)[: ends[-1]]
    written = held[ends[0] :]
    return None if written.min() <= _SPACE or written.max() >= _ASCII else (held, ends)


def _begins_like_codes(held: NDArray[np.uint8], ends: NDArray[np.int64]) -> bool:
    """Say whether a value begins with 0 and another digit, perhaps behind a sign."""
    starts = ends[:-1]
    first = held[starts]
    signed = (first == ord("+")) | (first == ord("-"))
    if signed.any():
        starts = starts + signed
        first = held[np.minimum(starts, len(held) - 1)]
    longer = (first == ord("0")) & (starts + 1 < ends[1:])
    second = held[starts[longer] + 1]
    return bool(((second >= ord("0")) & (second <= ord("9"))).any())


def _has_codes(text: pa.Array) -> bool:
    """Say the same of values that may be missing."""
    first = pc.utf8_slice_codeunits(text, 0, 1)
    few = text.filter(pc.is_in(first, value_set=pa.array(["0", "+", "-"], pa.large_string())))
    return bool(pc.any(pc.match_substring_regex(few, r"^[+-]?0\d")).as_py())


def infer_types(table: pd.DataFrame, *, keep: frozenset[str] = frozenset()) -> pd.DataFrame:
    """Type the columns of a table that was read as text.

    Parameters
    ----------
    table : pandas.DataFrame
        Text; the empty text is "no value".
    keep : frozenset of str
        Columns that stay text.

    Returns
    -------
    pandas.DataFrame
        A column becomes numbers only if every value of it is one and none has leading zeros; integers with
        gaps become ``Int64``.

    Examples
    --------
    >>> infer_types(pd.DataFrame({"id": ["007", "12"], "n": ["3", ""]})).dtypes.astype(str).to_list()
    ['str', 'Int64']
    """
    columns = {name: table[name].astype("str") if name in keep else _infer(table[name]) for name in table.columns}
    return pd.DataFrame(columns, index=table.index)


def _without(column: pd.Series, missing: tuple[str, ...]) -> pd.Series:
    """Empty the values that stand for "no value"; "-999" also means -999.0."""
    if not missing:
        return column
    gone = column.astype("str").str.strip().isin(missing)
    if pd.api.types.is_numeric_dtype(column):
        numbers = pd.to_numeric(pd.Series(missing), errors="coerce").dropna()
        gone |= column.isin(numbers)
        column = column.astype("Int64" if pd.api.types.is_integer_dtype(column) else "float64")
    return column.mask(gone.fillna(value=False).astype(bool))


def _typed(column: pd.Series, kind: Kind | None) -> pd.Series:
    if kind in {"number", "integer"}:
        if not pd.api.types.is_numeric_dtype(column):
            column = pd.to_numeric(
                column.str.strip() if pd.api.types.is_string_dtype(column) else column, errors="coerce"
            )
        return column
    if kind == "boolean":
        words = column.astype("str").str.strip().str.lower()
        return words.map(lambda word: True if word in _TRUE else False if word in _FALSE else None).astype("boolean")
    if kind in {"text", "category"}:
        text = column.astype("str")
        return text.astype("category") if kind == "category" else text
    return column


def _faults(name: str, given: pd.Series, typed: pd.Series, rule: Field) -> list[tuple[np.ndarray, str]]:
    """List (mask, reason) of one column."""
    found: list[tuple[np.ndarray, str]] = []
    blank = given.isna().to_numpy()
    if given.dtype == object or pd.api.types.is_string_dtype(given):
        # A column of objects may hold text beside what is none.
        blank = blank | np.array([isinstance(value, str) and not value.strip() for value in given], dtype=bool)
    empty = typed.isna().to_numpy()
    if rule.required:
        found.append((blank, f"missing_value: {name} is empty and required"))
    unreadable = empty & ~blank
    if unreadable.any():
        found.append((unreadable, f"unreadable_value: {name} is not a {rule.kind or 'value'}"))
    if not pd.api.types.is_numeric_dtype(typed) or pd.api.types.is_bool_dtype(typed):
        if rule.min is not None or rule.max is not None:
            raise SchemaError(f"column {name!r} has a range but is not numeric throughout: add kind: number.")
        return found
    numbers = typed.to_numpy(dtype=np.float64, na_value=np.nan)
    unit = f" {rule.unit}" if rule.unit else ""
    found.append((np.isinf(numbers), f"not_finite: {name} is infinite"))
    if rule.kind == "integer":
        found.append((np.isfinite(numbers) & (numbers != np.round(numbers)), f"not_an_integer: {name} has a fraction"))
    if rule.min is not None:
        found.append((numbers < rule.min, f"out_of_range: {name} is below {rule.min:g}{unit}"))
    if rule.max is not None:
        found.append((numbers > rule.max, f"out_of_range: {name} is above {rule.max:g}{unit}"))
    return found


def check_fields(
    table: pd.DataFrame,
    fields: Mapping[str, Field],
    *,
    dataset: str,
    unique: Sequence[tuple[str, ...]] = (),
    known: Mapping[str, frozenset[str]] | None = None,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Type the stated columns and find every record that breaks a rule.

    Parameters
    ----------
    table : pandas.DataFrame
        As read.
    fields : Mapping of str to Field
        Rules by column.
    dataset : str
        For messages.
    unique : sequence of tuple of str
        Columns that together must be unique.
    known : Mapping of str to frozenset of str, optional
        Ids by "dataset.column" that fields refer to.

    Returns
    -------
    table : pandas.DataFrame
        With the stated columns typed.
    reasons : numpy.ndarray of object, shape (n,)
        None where a record is sound, else all of its faults joined by "; ".

    Raises
    ------
    SchemaError
        If stated columns are absent; all of them are named.

    Examples
    --------
    >>> frame = pd.DataFrame({"speed": ["50", "900", "fast"]})
    >>> check_fields(frame, {"speed": Field(unit="km/h", max=200, kind="number")}, dataset="d")[1].tolist()
    [None, 'out_of_range: speed is above 200 km/h', 'unreadable_value: speed is not a number']
    """
    absent = [name for name in fields if name not in table.columns]
    if absent:
        raise SchemaError(
            f"{dataset}: no column {', '.join(map(repr, absent))}; the file has {', '.join(map(repr, table.columns))}. "
            f"Correct the name under fields:, or use rename."
        )
    reasons = np.full(len(table), None, dtype=object)
    changed: dict[str, pd.Series] = {}
    for name, rule in fields.items():
        given = _without(table[name], rule.missing)
        changed[name] = typed = _typed(given, rule.kind)
        for mask, reason in _faults(name, given, typed, rule):
            for i in np.flatnonzero(mask):
                reasons[i] = reason if reasons[i] is None else f"{reasons[i]}; {reason}"
    table = table.assign(**changed)
    keys = [*((name,) for name, rule in fields.items() if rule.unique), *unique]
    for place, reason in (
        *content_faults(table, fields, known=known or {}),
        *key_faults(table, keys, dataset=dataset),
        *flag_faults(table, fields, dataset=dataset),
    ):
        reasons[place] = reason if reasons[place] is None else f"{reasons[place]}; {reason}"
    return table, reasons
