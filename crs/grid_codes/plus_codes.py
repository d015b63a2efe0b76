"""Plus codes (Open Location Code): pairs of base 20, then a grid of four columns and five rows."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from crs.grid_codes.outlines import IntArray, Outlines, boxes, by_length, digits_of, empty_outlines

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["decode"]

_ALPHABET = "23456789CFGHJMPQRVWX"
_CODE = re.compile(rf"(?P<pairs>[{_ALPHABET}]*)(?P<padding>0*)\+(?P<rest>[{_ALPHABET}]{{0,7}})")
#: 90 degrees of latitude end in the ninth step of 20, 180 of longitude in the eighteenth.
_STEPS_NORTH, _STEPS_EAST = 9, 18


def _significant(code: str) -> tuple[str, str | None]:
    """Return the digits of a full code, or why it is none."""
    match = _CODE.fullmatch(code)
    if match is None:
        return "", f"a Plus code has one '+' and is written in {_ALPHABET}"
    pairs, padding, rest = match["pairs"], match["padding"], match["rest"]
    before = len(pairs) + len(padding)
    if before < 8 and not padding:
        return "", "a short Plus code names a cell only together with a place; write it in full, with 8 before the '+'"
    if before != 8 or len(pairs) % 2 or not pairs or (padding and rest) or len(rest) == 1:
        return "", "a full Plus code has 8 characters before the '+' (padded by pairs of 0) and 0 or 2 to 7 after it"
    if _ALPHABET.index(pairs[0]) >= _STEPS_NORTH or _ALPHABET.index(pairs[1]) >= _STEPS_EAST:
        return "", "this Plus code lies beyond latitude 90 or longitude 180"
    return pairs + rest, None


def decode(codes: Sequence[str]) -> Outlines:
    """Decode full Plus codes.

    Parameters
    ----------
    codes : sequence of str
        In either case; short codes are refused, because they need a place to be near.

    Returns
    -------
    Outlines
        Boxes in longitude and latitude.

    References
    ----------
    Open Location Code specification, github.com/google/open-location-code.

    Examples
    --------
    >>> outlines = decode(["8FM9PCH6+2X"])
    >>> round(float(outlines.lon_deg[0]), 6), round(float(outlines.lat_deg[0]), 6)
    (7.412437, 43.727562)
    """
    outlines = empty_outlines(len(codes))
    digits: list[str] = []
    for row, code in enumerate(codes):
        found, outlines.reasons[row] = _significant(code.upper())
        digits.append(found)
    chosen = np.array([row for row, found in enumerate(digits) if found], dtype=np.int64)
    for length, rows, texts in by_length(digits, chosen):
        _enter(outlines, rows, digits_of(texts, _ALPHABET), length=length)
    return outlines


def _enter(outlines: Outlines, rows: IntArray, digits: IntArray, *, length: int) -> None:
    """Enter the boxes of codes with one number of digits."""
    north = np.zeros(len(rows), dtype=np.int64)
    east = np.zeros(len(rows), dtype=np.int64)
    height = width = Fraction(400)
    for place in range(0, min(length, 10), 2):
        north, east = north * 20 + digits[:, place], east * 20 + digits[:, place + 1]
        height, width = height / 20, width / 20
    for place in range(10, length):
        north, east = north * 5 + digits[:, place] // 4, east * 4 + digits[:, place] % 4
        height, width = height / 5, width / 4
    west = east * width.numerator / width.denominator - 180.0
    south = north * height.numerator / height.denominator - 90.0
    boxes(outlines, rows, west_south=(west, south), size_deg=(float(width), float(height)))
