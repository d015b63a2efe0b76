"""Decoding: the text and numbers of a position's columns to plain numbers, each bad value with its reason.

A column is decoded as a whole, but never fails as a whole: what cannot be read leaves NaN and a reason for its row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

    from crs.coordinates import FloatArray, ObjectArray

__all__ = ["BadValueError", "Decoded", "decode_decimal", "decode_each", "decode_polyline", "is_missing"]

Column = NDArray[np.generic]

_NUMBER = re.compile(r"[+-]?(?:\d+\.?(?P<decimals>\d*)|\.(?P<only>\d+))(?:[eE](?P<power>[+-]?\d{1,3}))?")
#: Beyond nine decimals a printed number says nothing more about a place on earth.
_MAX_DECIMALS = 12
_MISSING_WORDS = {"", "nan", "none", "null", "n/a", "na", "-", "--"}
_SHOWN = 40


@dataclass(frozen=True, eq=False)
class Decoded:
    """One column after decoding.

    Parameters
    ----------
    values : numpy.ndarray
        Plain numbers, shape (n,); NaN where `reasons` says why.
    reasons : numpy.ndarray
        None or text "code: detail", shape (n,).
    step : float
        Worth of the last printed digit of the column, in the unit of the values: the finest found, since a trailing
        zero may have been dropped from any one value. 0 if the digits do not end.
    """

    values: FloatArray
    reasons: ObjectArray
    step: float


class BadValueError(Exception):
    """Why one value cannot be read; it never leaves the decoders."""


def is_missing(value: object) -> bool:
    """Say whether a cell of a table holds nothing.

    Parameters
    ----------
    value : object
        As a reader gave it.

    Returns
    -------
    bool
        True for None, NaN, NA, NaT, empty text and the words that stand for it.
    """
    if value is None:
        return True
    if isinstance(value, str):
        return value.strip().lower() in _MISSING_WORDS
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    return str(value) in {"<NA>", "NaT"}


def decode_each(column: Column, parse: Callable[[str], tuple[float, float]], *, name: str) -> Decoded:
    """Decode value by value, each distinct one once: feeds repeat the position of a station with every reading.

    Parameters
    ----------
    column : numpy.ndarray
        Text or numbers, shape (n,).
    parse : callable
        From text to the number and the worth of its last digit; raises BadValueError.
    name : str
        Name of the column, for reasons.

    Returns
    -------
    Decoded
        The numbers and what could not be read.
    """
    known: dict[str, tuple[float, float, str | None]] = {}
    found = []
    for value in column.tolist():
        text = value if isinstance(value, str) else "" if is_missing(value) else str(value)
        read = known.get(text)
        if read is None:
            read = known[text] = _decode_one(text, parse, name=name)
        found.append(read)
    finest = min((step for _, step, reason in known.values() if reason is None), default=0.0)
    reasons = np.empty(len(found), dtype=object)
    reasons[:] = [reason for _, _, reason in found]
    return Decoded(np.array([value for value, _, _ in found], dtype=np.float64), reasons, finest)


def _decode_one(
    text: str, parse: Callable[[str], tuple[float, float]], *, name: str
) -> tuple[float, float, str | None]:
    """Decode one text to a number, the worth of its last digit and the reason why there is none."""
    plain = text.strip()
    if plain.lower() in _MISSING_WORDS:
        return np.nan, 0.0, f"missing: {name} is empty"
    try:
        value, step = parse(plain)
    except BadValueError as fault:
        return np.nan, 0.0, f"unreadable: {name} {plain[:_SHOWN]!r} {fault}"
    return value, step, None


def decode_decimal(column: Column, *, name: str) -> Decoded:
    """Decode plain numbers, as numbers or as text.

    Parameters
    ----------
    column : numpy.ndarray
        Shape (n,). A comma is refused: it may be a decimal sign or a separator of thousands.
    name : str
        Name of the column, for reasons.

    Returns
    -------
    Decoded
        The numbers and what could not be read.

    Examples
    --------
    >>> import numpy as np
    >>> found = decode_decimal(np.array(["7.42", "7,42", None], dtype=object), name="lon")
    >>> found.values.tolist(), found.step, found.reasons[2]
    ([7.42, nan, nan], 0.01, 'missing: lon is empty')
    """
    if column.dtype.kind in "iuf":
        numbers = column.astype(np.float64)
        coarse = column.dtype.kind == "f" and column.dtype.itemsize < 8
        # Single precision keeps a longitude to 0.4 m: that is its last digit.
        least = float(np.spacing(np.nanmax(np.abs(column), initial=0))) if coarse else 0.0
        return _decode_numbers(numbers, name=name, least=least)
    return decode_each(column, parse_decimal, name=name)


def _decode_numbers(values: FloatArray, *, name: str, least: float) -> Decoded:
    """Take numbers as they are; find the step of their last decimal."""
    reasons = np.full(len(values), None, dtype=object)
    reasons[np.isnan(values)] = f"missing: {name} is empty"
    for row in np.flatnonzero(np.isinf(values)):
        reasons[row] = f"unreadable: {name} {values[row]} is not finite"
    finite = values[np.isfinite(values)]
    return Decoded(np.where(np.isfinite(values), values, np.nan), reasons, max(_printed_step(finite), least))


def _printed_step(values: FloatArray) -> float:
    """Return the worth of the last decimal of numbers that were printed once; 0 if they were not."""
    for decimals in range(_MAX_DECIMALS + 1):
        # Equality is meant: a number that was printed with so many decimals reads back to the same double.
        different = np.round(values, decimals) != values
        if not different.any():
            return 10.0**-decimals if len(values) else 0.0
        values = values[different]
    return 0.0


def parse_decimal(text: str) -> tuple[float, float]:
    """Read one decimal number.

    Parameters
    ----------
    text : str
        Figures with at most one point, and perhaps a power of ten.

    Returns
    -------
    tuple of float
        The number and the worth of its last printed digit.

    Raises
    ------
    BadValueError
        If it is not a finite number.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise BadValueError("is not a number; write digits and a decimal point")
    decimals = len(match["decimals"] or match["only"] or "")
    value = float(text)
    if not np.isfinite(value):
        raise BadValueError("is too large")
    return value, 10.0 ** (int(match["power"] or 0) - decimals)


def decode_polyline(
    column: Column, *, name: str, latitude_first: bool, cut_at: int | None = None
) -> tuple[list[FloatArray | None], ObjectArray, float]:
    """Decode text of pairs, "lat,lon lat,lon ...", one line a record.

    Parameters
    ----------
    column : numpy.ndarray
        Text of pairs; pairs are separated by blanks or semicolons, the two numbers of a pair by a comma.
    name : str
        Name of the column, for reasons.
    latitude_first : bool
        True if a pair is (latitude, longitude) or (northing, easting).
    cut_at : int, optional
        Length at which the publisher cut the text: the last pair of a text that long is dropped.

    Returns
    -------
    points : list of numpy.ndarray or None
        x, y of shape (k, 2), k at least 2; None where `reasons` says why.
    reasons : numpy.ndarray
        None or text, shape (n,).
    step : float
        Worth of the last printed digit of the column.

    Examples
    --------
    >>> import numpy as np
    >>> points, _, _ = decode_polyline(np.array(["40.7,-73.9 40.8,-73.8"]), name="p", latitude_first=True)
    >>> points[0].tolist()
    [[-73.9, 40.7], [-73.8, 40.8]]
    """
    lines: list[FloatArray | None] = []
    reasons = np.full(len(column), None, dtype=object)
    known: dict[str, tuple[FloatArray | None, str | None, float]] = {}
    finest = np.inf
    for row, value in enumerate(column.tolist()):
        # Feeds repeat the line of a link with every reading of it.
        text = "" if is_missing(value) else str(value)
        if text not in known:
            known[text] = _read_pairs(text, name=name, cut_at=cut_at)
        points, reasons[row], step = known[text]
        lines.append(points[:, ::-1] if points is not None and latitude_first else points)
        finest = min(finest, step)
    return lines, reasons, float(finest) if np.isfinite(finest) else 0.0


def _read_pairs(text: str, *, name: str, cut_at: int | None) -> tuple[FloatArray | None, str | None, float]:
    """Read the pairs of one text in the order written."""
    if not text.strip():
        return None, f"missing: {name} is empty", np.inf
    pairs = re.split(r"[;\s]+", text.strip(" ;\t\r\n"))
    if cut_at is not None and len(text) >= cut_at:
        pairs = pairs[:-1]
    numbers, finest = [], np.inf
    for place, pair in enumerate(pairs, start=1):
        parts = pair.split(",")
        try:
            first, second = (parse_decimal(part) for part in parts)
        except (BadValueError, ValueError):
            return None, f"unreadable: {name} pair {place} {pair[:_SHOWN]!r} is not two numbers with a comma", np.inf
        numbers.append((first[0], second[0]))
        finest = min(finest, first[1], second[1])
    if len(numbers) < 2:
        return None, f"unreadable: {name} has {len(numbers)} readable pair, a line needs two", np.inf
    return np.array(numbers, dtype=np.float64), None, finest
