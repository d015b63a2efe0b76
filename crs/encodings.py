"""Decimal numbers: with a point or a comma, in figures of any width, one a cell or many in a line."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Literal

import numpy as np

from crs.decode import BadValueError, Column, Decoded, decode_each, is_missing, shorten
from crs.digits import printed_steps, resolve_steps

if TYPE_CHECKING:
    from crs.coordinates import FloatArray, ObjectArray

__all__ = ["Decimal", "decode_decimal", "decode_polyline", "parse_decimal", "plain_figures"]

#: The sign that stands before the decimals; None where nobody said.
Decimal = Literal[".", ","] | None

_NUMBER = re.compile(r"[+-]?(?:\d+\.?(?P<decimals>\d*)|\.(?P<only>\d+))(?:[eE](?P<power>[+-]?\d{1,3}))?")
_POINT_GROUPS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?|[+-]?\d{1,3}(?:[ '\u2019]\d{3})+(?:\.\d*)?")
_COMMA_GROUPS = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d*)?|[+-]?\d{1,3}(?:[ '\u2019]\d{3})+(?:,\d*)?")
#: 1,234 is a thousand and more to some and one and a bit to others; 0,123 and 12345,678 are the same to all.
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_GROUPING = str.maketrans("", "", " '\u2019")
_MINUS = str.maketrans("\u2212\u2013\uff0d\u00a0\u2009\u202f", "---   ")


def plain_figures(text: str) -> str:
    r"""Write figures, points and signs of any width in their plain forms.

    Parameters
    ----------
    text : str
        One number.

    Returns
    -------
    str
        The same in ASCII where there is such a form.

    Examples
    --------
    >>> plain_figures("\uff0d\uff11\uff11\uff16\uff0e\uff13")
    '-116.3'
    """
    return text if text.isascii() else unicodedata.normalize("NFKC", text.translate(_MINUS)).strip()


def _with_point(text: str, decimal: Decimal, *, is_angle: bool) -> str:
    """Write a number with a decimal point and no other sign between its figures."""
    if decimal == ",":
        if _COMMA_GROUPS.fullmatch(text):
            text = text.translate(_GROUPING).replace(".", "")
        elif "." in text:
            raise BadValueError("has a point where decimal: ',' is declared; write decimal: '.' or correct the value")
        return text.replace(",", ".")
    if _POINT_GROUPS.fullmatch(text) and (decimal == "." or text.count(",") != 1 or "." in text):
        return text.translate(_GROUPING).replace(",", "")
    if "," not in text or decimal == ".":
        return text
    if _COMMA_GROUPS.fullmatch(text) and ("." in text or " " in text):
        return text.translate(_GROUPING).replace(".", "").replace(",", ".")
    # No angle has thousands, so that there a comma has one meaning only.
    if not is_angle and _EITHER.fullmatch(text):
        raise BadValueError("has a comma that may part thousands; write decimal: ',' or '.'", code="ambiguous_number")
    return text.replace(",", ".")


def parse_decimal(text: str, *, decimal: Decimal = None, is_angle: bool = False) -> tuple[float, float]:
    """Read one decimal number.

    Parameters
    ----------
    text : str
        Figures with at most one decimal sign, perhaps thousands in groups, perhaps a power of ten.
    decimal : str, optional
        The declared decimal sign; without one a comma is read only where it can mean one thing.
    is_angle : bool
        True where there are no thousands: a single comma is a decimal sign.

    Returns
    -------
    tuple of float
        The number and the worth of its last printed digit.

    Raises
    ------
    BadValueError
        If it is not a finite number, or may be two.

    Examples
    --------
    >>> parse_decimal("7,42", is_angle=True), parse_decimal("1.234.567,8")
    ((7.42, 0.01), (1234567.8, 0.1))
    """
    plain = plain_figures(text)
    if _NUMBER.fullmatch(plain) is None or decimal == ",":
        plain = _with_point(plain, decimal, is_angle=is_angle)
    match = _NUMBER.fullmatch(plain)
    if match is None:
        raise BadValueError("is not a number; write digits and a decimal point")
    decimals = len(match["decimals"] or match["only"] or "")
    value = float(plain)
    if not np.isfinite(value):
        raise BadValueError("is too large")
    return value, 10.0 ** (int(match["power"] or 0) - decimals)


def decode_decimal(column: Column, *, name: str, decimal: Decimal = None, is_angle: bool = False) -> Decoded:
    """Decode plain numbers, as numbers or as text.

    Parameters
    ----------
    column : numpy.ndarray
        Shape (n,).
    name : str
        Name of the column, for reasons.
    decimal : str, optional
        The declared decimal sign. Without one a comma is a decimal sign where it cannot part thousands, and refused
        where it may.
    is_angle : bool
        True for numbers that have no thousands.

    Returns
    -------
    Decoded
        The numbers and what could not be read.

    Examples
    --------
    >>> import numpy as np
    >>> found = decode_decimal(np.array(["531234,5", "531,234", None], dtype=object), name="x")
    >>> found.values.tolist(), found.reasons[1].partition(":")[0], found.reasons[2]
    ([531234.5, nan, nan], 'ambiguous_number', 'missing: x is empty')
    """
    if column.dtype.kind in "iuf":
        return _decode_numbers(column, name=name)
    return decode_each(column, lambda text: parse_decimal(text, decimal=decimal, is_angle=is_angle), name=name)


def _decode_numbers(column: Column, *, name: str) -> Decoded:
    """Take numbers as they are; find what their last decimals are worth."""
    values = column.astype(np.float64)
    reasons = np.full(len(values), None, dtype=object)
    reasons[np.isnan(values)] = f"missing: {name} is empty"
    for row in np.flatnonzero(np.isinf(values)):
        reasons[row] = f"unreadable: {name} {values[row]} is not finite"
    finite = np.isfinite(values)
    step, coarse = np.zeros(len(values)), np.zeros(len(values), dtype=bool)
    step[finite], coarse[finite] = _number_steps(values[finite])
    if column.dtype.kind == "f" and column.dtype.itemsize < 8:
        # Single precision keeps a longitude to 0.4 m: that is its last digit.
        least = float(np.spacing(np.max(np.abs(column[finite]), initial=0)))
        step, coarse = np.maximum(step, least), coarse & (step > least)
    return Decoded(np.where(finite, values, np.nan), reasons, step, coarse)


def _number_steps(values: FloatArray) -> tuple[FloatArray, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Decide the steps of numbers from those of the distinct ones."""
    printed = printed_steps(values)
    if not len(values) or printed.min() == printed.max():
        return printed, np.zeros(len(values), dtype=bool)
    distinct, place = np.unique(values, return_inverse=True)
    of_distinct = np.empty(len(distinct))
    of_distinct[place] = printed
    step, coarse = resolve_steps(of_distinct)
    return step[place], coarse[place]


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
            first, second = (parse_decimal(part, decimal=".") for part in parts)
        except (BadValueError, ValueError):
            return None, f"unreadable: {name} pair {place} {shorten(pair)} is not two numbers with a comma", np.inf
        numbers.append((first[0], second[0]))
        finest = min(finest, first[1], second[1])
    if len(numbers) < 2:
        return None, f"unreadable: {name} has {len(numbers)} readable pair, a line needs two", np.inf
    return np.array(numbers, dtype=np.float64), None, finest
