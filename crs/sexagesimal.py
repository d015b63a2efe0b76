"""Degrees, minutes and seconds: written out, run together as receivers do, or packed into one number."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import numpy as np

from crs.decode import BadValueError, Decoded, decode_each, is_missing
from crs.encodings import plain_figures

if TYPE_CHECKING:
    from crs.decode import Column
    from crs.digits import DigitSteps

__all__ = ["decode_dms", "decode_nmea", "decode_packed"]

# Letters before or after the figures, and their Chinese forms.
_HEMISPHERES = {
    "N": ("lat", 1.0), "S": ("lat", -1.0), "E": ("lon", 1.0), "W": ("lon", -1.0),
    "北纬": ("lat", 1.0), "南纬": ("lat", -1.0), "东经": ("lon", 1.0), "西经": ("lon", -1.0),
    "北": ("lat", 1.0), "南": ("lat", -1.0), "东": ("lon", 1.0), "西": ("lon", -1.0),
}  # fmt: skip
# A letter may be followed by a colon, as in N: 43°44'.
_LETTER = r"(?:[NSEWO]|[北南]纬?|[东西]经?)"
_FIGURES = r"\d{1,2}(?:\.\d*)?"
# Between degrees, minutes and seconds stands a sign, a colon or a blank: run together they are another notation.
_DMS = re.compile(
    rf"(?:(?P<before>{_LETTER})\s*:?)?\s*(?P<sign>[+-])?\s*(?P<d>\d{{1,3}}(?:\.\d*)?)(?:\s*[°度])?"
    rf"(?:(?:(?<=[°度])|\s*:|\s)\s*(?P<m>{_FIGURES})(?:\s*['分])?"
    rf"(?:(?:(?<=['分])|\s*:|\s)\s*(?P<s>{_FIGURES})(?:\s*(?:\"|''|秒))?)?)?"
    rf"\s*(?P<after>{_LETTER})?"
)
# An S after letters D and M means seconds; after figures alone it means south. Hence two patterns.
_DMS_LETTERS = re.compile(
    rf"(?:(?P<before>{_LETTER})\s*:?)?\s*(?P<sign>[+-])?\s*(?P<d>\d{{1,3}}(?:\.\d*)?)\s*D(?:EG)?\s*"
    rf"(?:(?P<m>{_FIGURES})\s*M(?:IN)?\s*(?:(?P<s>{_FIGURES})\s*S(?:EC)?\s*)?)?(?P<after>{_LETTER})?"
)
# What print and keyboards make of the signs for degrees, minutes and seconds.
_SIGNS = str.maketrans(
    "\u00ba\u02da\u2218\u2032\u2019\u2018\u00b4\u02b9`\u2033\u201d\u201c\u02ba\u2212\u2013\uff02\uff07\u00a0\u2009\u202f",
    "°°°" + "'" * 6 + '"' * 4 + "--" + '"' + "'" + "   ",
)
_TRADITIONAL = str.maketrans("東緯經", "东纬经")
_WORDS = re.compile(r"\b(N|S|E|W)(?:ORTH|OUTH|AST|EST)\b")
# Between figures a comma is the sign of decimals: no angle has thousands.
_COMMA = re.compile(r"(?<=\d),(?=\d)")


def _match_dms(text: str) -> re.Match[str] | None:
    """Match one angle, as it stands or with its signs and figures in their plain forms."""
    plain = _COMMA.sub(".", _WORDS.sub(r"\1", text.upper()), count=1)
    match = _DMS.fullmatch(plain)
    if match is None and not plain.isascii():
        # Full-width figures are made plain after the signs, of which some would turn into something else.
        plain = unicodedata.normalize("NFKC", plain.translate(_SIGNS)).translate(_SIGNS).translate(_TRADITIONAL).strip()
        match = _DMS.fullmatch(plain)
    return match or _DMS_LETTERS.fullmatch(plain)


def _checked_hemisphere(letter: str, *, sign: str | None, axis: str) -> float:
    """Return the sign of a hemisphere, refusing what contradicts the column or the sign."""
    if letter == "O":
        raise BadValueError("says O, which is west in French and east in German; write W or E")
    meant, factor = _HEMISPHERES[letter]
    if axis in {"lon", "lat"} and meant != axis:
        raise BadValueError(
            f"says {letter} in a column of {'longitudes' if axis == 'lon' else 'latitudes'}; check axes"
        )
    if sign == "-":
        raise BadValueError(f"has a minus and the hemisphere {letter}; write one of them")
    return factor


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


def decode_dms(column: Column, *, name: str, axis: str, digits: DigitSteps | None = None) -> Decoded:
    r"""Decode degrees, minutes and seconds in their common spellings.

    Parameters
    ----------
    column : numpy.ndarray
        Text such as 43°44'12.3"N, N 43 44 12.3, 43:44:12.3, 43d44m12s, 43°44.205'N, -0°30', 北纬43度44分12秒.
    name : str
        Name of the column, for reasons.
    axis : str
        "lon" or "lat": the letter of the other axis is refused.
    digits : DigitSteps, optional
        What the last digits are worth, where these values are only a part of their column.

    Returns
    -------
    Decoded
        Degrees; minutes or seconds of 60 and more are refused.

    Examples
    --------
    >>> import numpy as np
    >>> found = decode_dms(np.array(["43°44'12\"N", "43 60 00 N"], dtype=object), name="lat", axis="lat")
    >>> round(float(found.values[0]), 6), found.reasons[1]
    (43.736667, "unreadable: lat '43 60 00 N' has 60 minutes or more")
    """

    def parse(text: str) -> tuple[float, float]:
        match = _match_dms(text)
        if match is None:
            raise BadValueError("is not degrees, minutes, seconds; write for instance 43°44'12.3\"N")
        before, sign, degrees, minutes, seconds, after = match.groups()
        if before and after:
            raise BadValueError("names two hemispheres")
        if (minutes and "." in degrees) or (seconds and "." in minutes):
            raise BadValueError("has decimals before its last part")
        factor = _checked_hemisphere(before or after, sign=sign, axis=axis) if before or after else 1.0
        value = _sexagesimal(float(degrees), float(minutes or 0), float(seconds or 0))
        last, worth = (seconds, 3600.0) if seconds else (minutes, 60.0) if minutes else (degrees, 1.0)
        return (-value if sign == "-" else value * factor), 10.0 ** -_decimals(last) / worth

    return decode_each(column, parse, name=name, digits=digits)


def _sexagesimal(degrees: float, minutes: float, seconds: float) -> float:
    if minutes >= 60:
        raise BadValueError("has 60 minutes or more")
    if seconds >= 60:
        raise BadValueError("has 60 seconds or more")
    return degrees + minutes / 60.0 + seconds / 3600.0


_NMEA = re.compile(r"(?P<sign>[+-])?(?P<d>\d{0,3}?)(?P<m>\d{1,2}(?:\.\d*)?)\s*,?\s*(?P<letter>[NSEW])?")


def decode_nmea(
    column: Column, *, name: str, axis: str, hemisphere: Column | None = None, digits: DigitSteps | None = None
) -> Decoded:
    """Decode degrees and minutes run together, as GNSS receivers write them: dddmm.mmmm.

    Parameters
    ----------
    column : numpy.ndarray
        Text ("4344.2050", "4344.2050,N") or numbers.
    name : str
        Name of the column, for reasons.
    axis : str
        "lon" or "lat".
    hemisphere : numpy.ndarray, optional
        Column of letters N, S, E, W, where they have one of their own.
    digits : DigitSteps, optional
        What the last digits are worth, where these values are only a part of their column.

    Returns
    -------
    Decoded
        Degrees; minutes of 60 and more are refused.

    Examples
    --------
    >>> import numpy as np
    >>> decode_nmea(np.array(["4344.4000,N", "00725.5,W"]), name="x", axis="x").values.tolist()
    [43.74, -7.425]
    """

    def parse(text: str) -> tuple[float, float]:
        match = _NMEA.fullmatch(plain_figures(text).upper())
        if match is None:
            raise BadValueError("is not dddmm.mmmm; write degrees and minutes run together, as in 4344.2050,N")
        sign, degrees, minutes, letter = match.groups()
        factor = _checked_hemisphere(letter, sign=sign, axis=axis) if letter else 1.0
        value = _sexagesimal(float(degrees or 0), float(minutes), 0.0)
        return (-value if sign == "-" else value * factor), 10.0 ** -_decimals(minutes) / 60.0

    if column.dtype.kind in "iuf":
        column = np.array([None if np.isnan(value) else repr(value) for value in column.tolist()], dtype=object)
    if hemisphere is None:
        return decode_each(column, parse, name=name, digits=digits)
    letters = ["" if is_missing(letter) else str(letter).strip() for letter in hemisphere.tolist()]
    pairs = zip(column.tolist(), letters, strict=True)
    joined = [None if is_missing(value) else f"{value},{letter}" if letter else value for value, letter in pairs]
    found = decode_each(np.array(joined, dtype=object), parse, name=name, digits=digits)
    for row, letter in enumerate(letters):
        if not letter and found.reasons[row] is None:
            found.values[row], found.reasons[row] = np.nan, f"missing: {name} has no hemisphere letter"
    return found


def decode_packed(column: Column, *, name: str, point_after_degrees: bool, digits: DigitSteps | None = None) -> Decoded:
    """Decode degrees, minutes and seconds packed into one number.

    Parameters
    ----------
    column : numpy.ndarray
        Text or numbers; a number has lost its trailing zeros, which is allowed for.
    name : str
        Name of the column, for reasons.
    point_after_degrees : bool
        True for dd.mmssss (43.4412 is 43°44'12"), False for ddmmss.ss (434412 is the same).
    digits : DigitSteps, optional
        What the last digits are worth, where these values are only a part of their column.

    Returns
    -------
    Decoded
        Degrees; minutes or seconds of 60 and more are refused.

    Examples
    --------
    >>> import numpy as np
    >>> round(float(decode_packed(np.array(["43.4412"]), name="lat", point_after_degrees=True).values[0]), 6)
    43.736667
    """

    def parse(text: str) -> tuple[float, float]:
        match = re.fullmatch(r"([+-])?(\d+)(?:[.,](\d*))?", plain_figures(text))
        if match is None:
            raise BadValueError("is not a packed number; write " + ("dd.mmss" if point_after_degrees else "ddmmss.s"))
        sign, whole, decimals = match[1], match[2], match[3] or ""
        if point_after_degrees:
            padded = decimals.ljust(4, "0")
            degrees, minutes, seconds = whole, padded[:2], f"{padded[2:4]}.{padded[4:]}"
            spare = len(padded) - 4
        else:
            padded = whole.zfill(6)
            degrees, minutes, seconds = padded[:-4], padded[-4:-2], f"{padded[-2:]}.{decimals}"
            spare = len(decimals)
        value = _sexagesimal(float(degrees), float(minutes), float(seconds))
        return -value if sign == "-" else value, 10.0**-spare / 3600.0

    if column.dtype.kind in "iuf":
        # Rounding to what a double can hold of a printed number takes back 43.441199999999995.
        texts = [
            None if np.isnan(value) else np.format_float_positional(value, precision=10) for value in column.tolist()
        ]
        column = np.array(texts, dtype=object)
    return decode_each(column, parse, name=name, digits=digits)
