"""Chainages as they are written: numbers in a unit, kilometre posts, directions and sides in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from crs.decode import BadValueError, Column, Decoded, decode_each, is_missing, shorten
from crs.encodings import decode_decimal, parse_decimal, plain_figures
from crs.units import conversion_factor, resolve_unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crs.coordinates import FloatArray, ObjectArray
    from crs.digits import DigitSteps

__all__ = ["decode_chainage", "decode_words"]

_POST = re.compile(
    r"(?P<line>[A-Za-z]{0,3})\s*(?P<km>\d+)\s*(?:(?:km|公里)?\s*\+|km|公里)\s*(?P<m>\d{1,3}(?:\.(?P<decimals>\d*))?)\s*(?:m|米)?",
    re.IGNORECASE,
)

#: What may stand before the kilometres. ZK, YK, AK and their like name a line of their own (the left one, a ramp).
_POSTS = frozenset({"", "K", "PK", "KM", "CH"})

#: Words for the two directions of a road.
DIRECTIONS: Mapping[str, float] = {
    **dict.fromkeys(("up", "u", "+", "1", "f", "fwd", "forward", "inc", "increasing", "上", "上行"), 1.0),
    **dict.fromkeys(("down", "d", "-", "-1", "b", "bwd", "backward", "r", "reverse", "dec", "decreasing"), -1.0),
    **dict.fromkeys(("下", "下行"), -1.0),
}
#: Words for the two sides; right is positive.
SIDES: Mapping[str, float] = {
    **dict.fromkeys(("right", "r", "rhs", "右", "右侧", "right side"), 1.0),
    **dict.fromkeys(("left", "l", "lhs", "左", "左侧", "left side"), -1.0),
}


def decode_chainage(column: Column, *, name: str, unit: str, digits: DigitSteps | None = None) -> Decoded:
    """Decode chainages to metres: plain numbers in a unit, or kilometre posts as text.

    Parameters
    ----------
    column : numpy.ndarray
        Numbers or text; "K12+300", "PK 12+300.5", "12km+300m", "12公里300米" and "12+300" are 12,300 m and so on.
    name : str
        Name of the column, for reasons.
    unit : str
        Unit of plain numbers.
    digits : DigitSteps, optional
        What the last digits are worth, where these values are only a part of their column.

    Returns
    -------
    Decoded
        Metres. Posts are refused where the unit is not metric: there 12+30 counts hundreds of feet.

    Examples
    --------
    >>> decode_chainage(np.array(["K12+300", "12.3"], dtype=object), name="post", unit="kilometre").values.tolist()
    [12300.0, 12300.0]
    """
    factor = conversion_factor(unit, "metre")
    if column.dtype.kind in "iuf":
        return decode_decimal(column, name=name, digits=digits).scaled(factor)
    metric = resolve_unit(unit)[0] in {"metre", "kilometre"}

    def parse(text: str) -> tuple[float, float]:
        post = _POST.fullmatch(plain_figures(text))
        if post is None:
            value, step = parse_decimal(text)
            return value * factor, step * factor
        if post["line"].upper() not in _POSTS:
            raise BadValueError(f"is a post of a line of its own, {post['line']}; give that line an id and write K")
        if not metric:
            raise BadValueError(f"is a post of 1,000 m, but the unit is {unit}")
        return float(post["km"]) * 1000.0 + float(post["m"]), 10.0 ** -len(post["decimals"] or "")

    return decode_each(column, parse, name=name, digits=digits)


def decode_words(column: Column, words: Mapping[str, float], *, name: str) -> tuple[FloatArray, ObjectArray]:
    """Decode directions or sides.

    Parameters
    ----------
    column : numpy.ndarray
        Words or signs, shape (n,).
    words : Mapping of str to float
        What each means: 1 or -1.
    name : str
        Name of the column, for reasons.

    Returns
    -------
    values : numpy.ndarray
        1 or -1, NaN where a reason stands, shape (n,).
    reasons : numpy.ndarray
        None or text, shape (n,).

    Examples
    --------
    >>> decode_words(np.array(["上行", "down", "?"]), DIRECTIONS, name="dir")[0].tolist()
    [1.0, -1.0, nan]
    """
    values, reasons = np.full(len(column), np.nan), np.full(len(column), None, dtype=object)
    for row, value in enumerate(column.tolist()):
        whole = isinstance(value, float) and value.is_integer()
        text = "" if is_missing(value) else str(int(value) if whole else value).strip().lower()
        if not text:
            reasons[row] = f"missing: {name} is empty"
        elif text not in words:
            known = ", ".join(list(words)[:4])
            reasons[row] = f"unreadable: {name} {shorten(text)} is not known; write for instance {known}"
        else:
            values[row] = words[text]
    return values, reasons
