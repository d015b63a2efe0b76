"""The two-dimensional BeiDou grid code (GB/T 39409-2020), north of the equator and east of Greenwich.

The text of the standard is not public. What stands here is what several independent public sources agree on: the
sizes and divisions of the ten levels, the order of the characters, and worked examples that the tests hold to. For
the other three quarters of the globe these sources contradict each other (some mirror the cells, some do not), and
polar and three-dimensional codes were found in one source only: such codes are refused, never guessed.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from crs.grid_codes.outlines import IntArray, Outlines, boxes, by_length, digits_of, empty_outlines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["decode"]

_DIGITS = "0123456789ABCDE"
_BANDS = "ABCDEFGHIJKLMNOPQRSTUV"
#: Columns and rows that a cell is divided into, from the second level on.
_DIVISIONS = ((12, 8), (2, 3), (15, 10), (15, 15), (2, 2), (8, 8), (8, 8), (8, 8), (8, 8))
#: These levels have one character, row by row from the south-west: 2 times the row and the column.
_ONE_CHARACTER = {(2, 3), (2, 2)}
_FIRST_EAST = 31
_LAST_EAST = 60


def _levels() -> dict[int, int]:
    """Return the level of a code by its length."""
    lengths = {4: 1}
    for level, division in enumerate(_DIVISIONS, start=2):
        lengths[max(lengths) + (1 if division in _ONE_CHARACTER else 2)] = level
    return lengths


_LEVEL_OF_LENGTH = _levels()


def decode(codes: Sequence[str]) -> Outlines:
    """Decode two-dimensional BeiDou grid codes.

    Parameters
    ----------
    codes : sequence of str
        In either case, of level 1 to 10 (6 degrees by 4, down to 1/2048 of an arc second).

    Returns
    -------
    Outlines
        Boxes in longitude and latitude. The standard's frame is CGCS2000, here a declared identity with WGS 84.

    References
    ----------
    GB/T 39409-2020, as far as public implementations and tables of its levels agree (see the module).

    Examples
    --------
    >>> decode(["N50J47534"]).geometry[0].bounds
    (116.3, 39.9, 116.31666666666666, 39.916666666666664)
    """
    outlines = empty_outlines(len(codes))
    upper = [code.upper() for code in codes]
    for length, rows, texts in by_length(upper, np.arange(len(codes))):
        level = _LEVEL_OF_LENGTH.get(length)
        if level is None:
            known = ", ".join(map(str, _LEVEL_OF_LENGTH))
            outlines.reasons[rows] = (
                f"a two-dimensional BeiDou grid code has {known} characters, this has {length}; "
                "three-dimensional and reference codes are not read"
            )
            continue
        _enter(outlines, rows, texts, level=level)
    return outlines


def _enter(outlines: Outlines, rows: IntArray, texts: NDArray[np.str_], *, level: int) -> None:
    """Enter the boxes of codes of one level."""
    letters = texts.view(np.uint32).reshape(len(texts), -1)
    half = letters[:, 0]
    digits = digits_of(texts, _DIGITS)
    tens, ones = digits[:, 1], digits[:, 2]
    zone = tens * 10 + ones
    band = digits_of(texts, _BANDS)[:, 3]
    polar = (zone == 0) & (digits[:, 3] == 0)
    good = np.isin(half, [ord("N"), ord("S")]) & (np.minimum(tens, ones) >= 0) & (np.maximum(tens, ones) <= 9)
    good &= (zone >= 1) & (zone <= _LAST_EAST) & (band >= 0)
    east, north = zone - _FIRST_EAST, band
    width, height = Fraction(6), Fraction(4)
    place = 4
    for columns, count in _DIVISIONS[: level - 1]:
        if (columns, count) in _ONE_CHARACTER:
            row, column = digits[:, place] // columns, digits[:, place] % columns
            good &= digits[:, place] >= 0
            place += 1
        else:
            column, row = digits[:, place], digits[:, place + 1]
            place += 2
        good &= (column >= 0) & (column < columns) & (row >= 0) & (row < count)
        east, north = east * columns + column, north * count + row
        width, height = width / columns, height / count
    outlines.reasons[rows[~good]] = f"this is no BeiDou grid code of level {level}"
    quarter = good & (half == ord("N")) & (zone >= _FIRST_EAST)
    outlines.reasons[rows[(good & ~quarter) | polar]] = (
        "BeiDou grid codes are read north of the equator and east of Greenwich only; "
        "the rules elsewhere could not be verified. Give the position in another definition"
    )
    west = east[quarter] * width.numerator / width.denominator
    south = north[quarter] * height.numerator / height.denominator
    boxes(outlines, rows[quarter], west_south=(west, south), size_deg=(float(width), float(height)))
