"""Decimal numbers: with a point or a comma, in figures of any width, one a cell or many in a line."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Literal

import numpy as np

from crs.decode import BadValueError, Column, Decoded, decode_each, is_missing, shorten
from crs.digits import DigitCounts, DigitSteps, printed_steps, whole_steps
from crs.units import CIRCLE_DEG, is_angle, is_fine_degree, is_scaled

if TYPE_CHECKING:
    from crs.coordinates import FloatArray, ObjectArray

__all__ = ["Decimal", "decode_decimal", "decode_polyline", "parse_decimal", "plain_figures", "split_pairs"]

#: The sign that stands before the decimals; None where nobody said.
Decimal = Literal[".", ","] | None

_NUMBER = re.compile(r"[+-]?(?:\d+\.?(?P<decimals>\d*)|\.(?P<only>\d+))(?:[eE](?P<power>[+-]?\d{1,3}))?")
_POINT_GROUPS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?|[+-]?\d{1,3}(?:[ '\u2019]\d{3})+(?:\.\d*)?")
_COMMA_GROUPS = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d*)?|[+-]?\d{1,3}(?:[ '\u2019]\d{3})+(?:,\d*)?")
#: 1,234 is a thousand and more to some and one and a bit to others; 0,123 and 12345,678 are the same to all.
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_NONE = np.zeros(0)
_ONE = r"[+-]?\d*\.?\d+(?:[eE][+-]?\d{1,3})?"
_PAIR = re.compile(rf"[(\[]?\s*({_ONE})(?:\s*[,;]\s*|\s+)({_ONE})\s*[)\]]?")
#: A height of a point is not a part of where it is.
_POINT = re.compile(rf"POINT\s*(?:Z|M|ZM)?\s*\(\s*({_ONE})\s+({_ONE})(?:\s+{_ONE}){{0,2}}\s*\)", re.IGNORECASE)
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


def decode_decimal(
    column: Column, *, name: str, decimal: Decimal = None, unit: str = "metre", digits: DigitSteps | None = None
) -> Decoded:
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
    unit : str
        What the numbers count: angles have no thousands, and in scaled units ("1e-6 degree") a small number with a
        fraction is one in plain degrees, which is refused.
    digits : DigitSteps, optional
        What the last digits are worth, where these values are only a part of their column.

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
        return _decode_numbers(column, name=name, unit=unit, digits=digits)
    angle, fine = is_angle(unit), is_fine_degree(unit)

    def parse(text: str) -> tuple[float, float]:
        value, step = parse_decimal(text, decimal=decimal, is_angle=angle)
        # A number with a fraction that is no larger than an angle was never multiplied.
        if fine and abs(value) <= CIRCLE_DEG and not value.is_integer():
            raise BadValueError(_in_degrees(unit))
        return value, step

    return decode_each(column, parse, name=name, digits=digits, whole=is_scaled(unit))


def _in_degrees(unit: str) -> str:
    return f"has the fraction of plain degrees, where {unit} is declared; bring the column to one unit"


def _decode_numbers(column: Column, *, name: str, unit: str, digits: DigitSteps | None) -> Decoded:
    """Take numbers as they are; find what their last decimals are worth."""
    whole = is_scaled(unit)
    values = column.astype(np.float64)
    reasons = np.full(len(values), None, dtype=object)
    reasons[np.isnan(values)] = f"missing: {name} is empty"
    for row in np.flatnonzero(np.isinf(values)):
        reasons[row] = f"unreadable: {name} {values[row]} is not finite"
    finite = np.isfinite(values)
    if is_fine_degree(unit):
        plain = finite & (np.abs(values) <= CIRCLE_DEG) & (np.floor(values) != values)
        for row in np.flatnonzero(plain):
            reasons[row] = f"unreadable: {name} {values[row]:.10g} {_in_degrees(unit)}"
        finite &= ~plain
    values[~finite] = np.nan
    printed = np.zeros(len(values))
    printed[finite] = printed_steps(values[finite])
    if whole:
        printed = whole_steps(values, printed)
    counts = None
    if digits is None:
        least = 0.0
        if column.dtype.kind == "f" and column.dtype.itemsize < 8:
            # Single precision keeps a longitude to 0.4 m: that is its last digit.
            least = float(np.spacing(np.max(np.abs(column[finite]), initial=0)))
        counts = DigitCounts.of(values, printed, whole=whole, least=least)
        digits = counts.judge()
    step, coarse = digits.steps(printed)
    step[~finite], coarse[~finite] = 0.0, False
    return Decoded(values, reasons, step, coarse, counts)


def split_pairs(column: Column, *, name: str) -> tuple[ObjectArray, ObjectArray, ObjectArray]:
    """Split texts of two numbers each, in the order in which they are written.

    Parameters
    ----------
    column : numpy.ndarray
        Text such as "114.05,22.54", "(22.54; 114.05)", "114.05 22.54" or "POINT (114.05 22.54)", shape (n,).
    name : str
        Name of the column, for reasons.

    Returns
    -------
    first, second : numpy.ndarray
        Text of the numbers, None where there is no pair, shape (n,).
    reasons : numpy.ndarray
        None, or text where the column holds something else, shape (n,).

    Examples
    --------
    >>> import numpy as np
    >>> first, second, _ = split_pairs(np.array(["POINT Z (114.05 22.54 7)", "[22.54, 114.05]"]), name="place")
    >>> first.tolist(), second.tolist()
    (['114.05', '22.54'], ['22.54', '114.05'])
    """
    first, second, reasons = (np.full(len(column), None, dtype=object) for _ in range(3))
    for row, value in enumerate(column.tolist()):
        if is_missing(value):
            continue
        text = plain_figures(str(value).strip())
        pair = _POINT.fullmatch(text) or _PAIR.fullmatch(text)
        if pair is None:
            reasons[row] = f"unreadable: {name} {shorten(text)} is not two numbers; write for instance 114.05,22.54"
        else:
            first[row], second[row] = pair.groups()
    return first, second, reasons


def decode_polyline(
    column: Column, *, name: str, latitude_first: bool, cut_at: int | None = None
) -> tuple[list[FloatArray | None], ObjectArray, DigitCounts]:
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
    counts : DigitCounts
        How many digits the numbers have.

    Examples
    --------
    >>> import numpy as np
    >>> points, _, _ = decode_polyline(np.array(["40.7,-73.9 40.8,-73.8"]), name="p", latitude_first=True)
    >>> points[0].tolist()
    [[-73.9, 40.7], [-73.8, 40.8]]
    """
    lines: list[FloatArray | None] = []
    reasons = np.full(len(column), None, dtype=object)
    known: dict[str, tuple[FloatArray | None, str | None, FloatArray]] = {}
    for row, value in enumerate(column.tolist()):
        # Feeds repeat the line of a link with every reading of it.
        text = "" if is_missing(value) else str(value)
        if text not in known:
            known[text] = _read_pairs(text, name=name, cut_at=cut_at)
        points, reasons[row], _ = known[text]
        lines.append(points[:, ::-1] if points is not None and latitude_first else points)
    read = [(points.ravel(), steps) for points, _, steps in known.values() if points is not None]
    values, steps = (np.concatenate([_NONE, *parts]) for parts in zip(*read, strict=True)) if read else (_NONE, _NONE)
    return lines, reasons, DigitCounts.of(values, steps)


def _read_pairs(text: str, *, name: str, cut_at: int | None) -> tuple[FloatArray | None, str | None, FloatArray]:
    """Read the pairs of one text in the order written, and the worth of the last digit of each number."""
    if not text.strip():
        return None, f"missing: {name} is empty", _NONE
    pairs = re.split(r"[;\s]+", text.strip(" ;\t\r\n"))
    if cut_at is not None and len(text) >= cut_at:
        pairs = pairs[:-1]
    numbers: list[tuple[float, float]] = []
    for place, pair in enumerate(pairs, start=1):
        parts = pair.split(",")
        try:
            first, second = (parse_decimal(part, decimal=".") for part in parts)
        except (BadValueError, ValueError):
            return None, f"unreadable: {name} pair {place} {shorten(pair)} is not two numbers with a comma", _NONE
        numbers += [first, second]
    if len(numbers) < 4:
        return None, f"unreadable: {name} has {len(numbers) // 2} readable pair, a line needs two", _NONE
    values, steps = np.array(numbers, dtype=np.float64).T
    return values.reshape(-1, 2), None, steps
