"""The zones of China's Gauss-Krueger grids: 44 strips of each datum, three or six degrees wide, by name and by code.

Within a width, a strip is written with its number in front of the easting ("zone 38") or without ("CM 114E"). Numbers
13 to 23 are strips of six degrees and 25 to 45 strips of three, so a number in front of the easting says both.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Strip", "alias_key", "family_code", "strips"]

#: First and last number of the strips of a width, and how far the last central meridian is from number times width.
_NUMBERS = {3: (25, 45, 0), 6: (13, 23, -3)}
_SERIES = {(6, True): "six_zone", (6, False): "six_cm", (3, True): "three_zone", (3, False): "three_cm"}
_NAME = re.compile(
    r"(?P<width>[36三六])(?:degrees?|deg|度|°)(?:分?带)?"
    r"(?:gausskruger|gausskrueger|gk|高斯克吕格|高斯)?(?:投影)?"
    r"(?:(?:zone|第)(?P<zone>\d{2})(?:号?带)?|(?P<zone_only>\d{2})号?带"
    r"|(?:cm|中央经线|中央子午线)(?:东经)?(?P<cm>\d{2,3})[e度]?|(?:东经)?(?P<cm_only>\d{2,3})e)"
)


@dataclass(frozen=True)
class Strip:
    """One strip of a grid.

    Parameters
    ----------
    code : str
        Authority code.
    name : str
        Such as "CGCS2000 3-degree GK CM 114E".
    meridian_deg : int
        Central meridian.
    width_deg : int
        3 or 6.
    false_easting_m : float
        500,000 m, with the strip's number in front where it is written.
    """

    code: str
    name: str
    meridian_deg: int
    width_deg: int
    false_easting_m: float


def alias_key(text: str) -> str:
    """Reduce a name to what tells it from others: no case, no spaces, no dashes, no full-width letters.

    Parameters
    ----------
    text : str
        Any name.

    Returns
    -------
    str
        The key.

    Examples
    --------
    >>> alias_key("GCJ-02") == alias_key("gcj 02")
    True
    """
    return re.sub(r"[\s\-_/,()]", "", unicodedata.normalize("NFKC", text)).lower()


def strips(family: Mapping[str, Any]) -> Iterator[Strip]:
    """List the strips of a family of the registry.

    Parameters
    ----------
    family : Mapping
        With `names` and the first code of each of its four series.

    Yields
    ------
    Strip
        44 or, where a series is not published, fewer.
    """
    for (width, numbered), series in _SERIES.items():
        if series not in family:
            continue
        first, last, offset = _NUMBERS[width]
        for number in range(first, last + 1):
            meridian = number * width + offset
            what = f"zone {number}" if numbered else f"CM {meridian}E"
            yield Strip(
                code=f"EPSG:{family[series] + number - first}",
                name=f"{family['names'][0]} {width}-degree GK {what}",
                meridian_deg=meridian,
                width_deg=width,
                false_easting_m=500_000.0 + (number * 1_000_000.0 if numbered else 0.0),
            )


def family_code(text: str, families: list[dict[str, Any]]) -> str | None:
    """Find the code of a strip by a name in English or Chinese.

    Parameters
    ----------
    text : str
        Such as "CGCS2000 3-degree GK CM 114E" or "西安80 3度带 第38带".
    families : list of dict
        Of the registry.

    Returns
    -------
    str or None
        Authority code; None if the text is no such name, or does not say whether its number is a strip or a meridian.

    Examples
    --------
    >>> family_code("国家2000 三度带 中央经线114°", [{"names": ["国家2000"], "three_cm": 4534}])
    'EPSG:4547'
    """
    key = alias_key(text)
    for family in families:
        for name in sorted(map(alias_key, family["names"]), key=len, reverse=True):
            rest = key.removeprefix(name).replace("°e", "e").removesuffix("°")
            match = _NAME.fullmatch(rest) if key.startswith(name) else None
            if match is None:
                continue
            width = {"三": 3, "六": 6}.get(match["width"]) or int(match["width"])
            number, meridian = match["zone"] or match["zone_only"], match["cm"] or match["cm_only"]
            what = f"zone {int(number)}" if number else f"CM {int(meridian)}E"
            wanted = f"{family['names'][0]} {width}-degree GK {what}"
            return next((strip.code for strip in strips(family) if strip.name == wanted), None)
    return None
