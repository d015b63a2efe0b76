"""What names and digits say: columns called gcj_lng or 北坐标, a file called baidu_poi, minutes that never reach 60.

Names are often wrong: they stay when the numbers under them are replaced. All that is said in words, a declaration
included, weighs 9 to 1 and never more; it orders what the reference leaves open and decides nothing.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import numpy as np

from crs.decode import is_missing
from crs.definition import definition
from crs.detection.hints import Hint
from crs.detection.indirect import attributes
from crs.equivalence import equivalent
from crs.registry import entry
from crs.units import is_angle

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crs.coordinates import Positioned
    from crs.detection.candidates import Candidate, Reading
    from crs.detection.subject import Subject

__all__ = ["digit_hint", "frames_in", "name_hint", "order_in"]

#: All words together, natural logarithm of the odds of what they speak for to what they speak against.
_GREATEST = float(np.log(9.0))
#: What a word for a frame, a declaration, and a word for an axis say.
_FRAME, _DECLARED, _AXIS = 1.5, 1.5, 1.0

#: Words in names of files and columns, and the datums they stand for.
_FRAMES: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = tuple(
    (re.compile(pattern), frozenset(datums))
    for pattern, datums in (
        (r"gcj|火星|高德|gaode|amap|autonavi|腾讯|tencent", {"GCJ-02"}),
        (r"bd_?-?09|(?<![a-z])bd_|baidu|百度", {"BD-09"}),
        (r"wgs|(?<![a-z])gps|(?<!\d)84(?!\d)", {"WGS84"}),
        (r"cgcs|(?<!\d)2000(?!\d)", {"CGCS2000"}),
        (r"(?:beijing|北京|bj)[_ -]?(?:19)?54|(?<!\d)54坐标", {"Beijing 1954"}),
        (r"(?:xi'?an|西安|xa)[_ -]?(?:19)?80|(?<!\d)80坐标", {"Xian 1980"}),
    )
)
#: Columns whose values say in words what the numbers mean.
_TELLING = re.compile(
    r"^(?:crs|srs|srid|datum|coord_?type|coord_?sys(?:tem)?|map_?type|坐标系|坐标类型|坐标系统|椭球)$"
)
_LON = re.compile(r"lon|lng|经度|(?<![a-z])(?:jd|jingdu)(?![a-z])")
_LAT = re.compile(r"lat|纬度|(?<![a-z])(?:wd|weidu)(?![a-z])")
_EAST = re.compile(r"east|东坐标|东向|横坐标|(?<![a-z])e(?![a-z])")
_NORTH = re.compile(r"north|北坐标|北向|纵坐标|(?<![a-z])n(?![a-z])")
#: So many different values of a telling column are read.
_VALUES = 3
_PACKED_DIGITS = re.compile(r"\d+\.(\d\d)(\d\d)")


def _plain(text: object) -> str:
    return unicodedata.normalize("NFKC", str(text)).lower()


def frames_in(texts: Iterable[str]) -> frozenset[str]:
    """Find the frames that words stand for.

    Parameters
    ----------
    texts : iterable of str
        Names of files and columns, values of a column of frames.

    Returns
    -------
    frozenset of str
        Names of datums.

    Examples
    --------
    >>> sorted(frames_in(["gcj_lng", "gcj_lat"])), sorted(frames_in(["高德经度", "北京54坐标X"]))
    (['GCJ-02'], ['Beijing 1954', 'GCJ-02'])
    >>> frames_in(["gps_gcj02_lng"]), frames_in(["lon", "lat"])
    (frozenset({'GCJ-02'}), frozenset())
    """
    found: set[str] = set()
    for text in map(_plain, texts):
        said = {datum for pattern, datums in _FRAMES if pattern.search(text) for datum in datums}
        # A receiver of GPS may well hand out shifted positions: the word for the shift is the one that counts.
        found |= said - {"WGS84"} if len(said) > 1 else said
    return frozenset(found)


def order_in(names: tuple[str, ...]) -> tuple[bool, bool | None] | None:
    """Find the order of axes, and whether numbers are degrees, in the names of two columns.

    Parameters
    ----------
    names : tuple of str
        Of the two columns, in their order.

    Returns
    -------
    tuple of (bool, bool or None) or None
        True where longitude or easting comes first, and True for degrees, False for lengths; None where the names do
        not say. Of x and y nothing is believed: in Chinese surveys x is the northing.

    Examples
    --------
    >>> order_in(("lat", "lng")), order_in(("东坐标", "北坐标")), order_in(("x", "y"))
    ((False, True), (True, False), None)
    """
    if len(names) != 2:
        return None
    first, second = map(_plain, names)
    for east, north, degrees in ((_LON, _LAT, True), (_EAST, _NORTH, False)):
        if east.search(first) and north.search(second):
            return True, degrees
        if north.search(first) and east.search(second):
            return False, degrees
    return None


def _told(subject: Subject) -> list[str]:
    """Collect what a file says in words: its name, its two columns, and the values of columns that tell of frames."""
    texts = [subject.name, *subject.columns]
    for name in attributes(subject.frame):
        if _TELLING.match(_plain(name)):
            layer: Positioned = subject.frame  # type: ignore[assignment]  # what lists columns is a layer
            values = {str(value) for value in layer.column(name)[: len(subject)].tolist() if not is_missing(value)}
            texts += sorted(values) if len(values) <= _VALUES else []
    return texts


def _datum(candidate: Candidate) -> str:
    datum = entry(str(candidate.position.crs)).datum
    return datum.title if datum.name.startswith("EPSG") else datum.name


def name_hint(subject: Subject, found: tuple[Reading, ...]) -> Hint | None:
    """Say which readings the words of a file speak for.

    Parameters
    ----------
    subject : Subject
        The file.
    found : tuple of Reading
        What it may mean.

    Returns
    -------
    Hint or None
        None where there are no words. The spread of the scores is log 9 at most.
    """
    frames, order = frames_in(_told(subject)), order_in(subject.columns)
    declared = None if subject.declared is None else definition(subject.declared)
    if not frames and order is None and declared is None:
        return None
    scores, lines = np.zeros(len(found)), []
    for place, reading in enumerate(found):
        spoken = bool(frames & {_datum(member) for member in reading.members})
        scores[place] += _FRAME * spoken
        if order is not None:
            first, degrees = order
            position = reading.members[0].position
            scores[place] += _AXIS * ((position.axes == "lon,lat") == first)
            scores[place] += _AXIS * (is_angle(position.unit) == degrees)
        if declared is not None:
            scores[place] += _DECLARED * any(equivalent(member.position, declared) for member in reading.members)
        said = ", ".join(sorted(frames))
        lines.append("" if not frames else f"names speak for it ({said})" if spoken else f"names speak of {said}")
    return Hint(name="names", scores=np.maximum(scores, scores.max() - _GREATEST), lines=tuple(lines))


def digit_hint(subject: Subject, found: tuple[Reading, ...]) -> Hint | None:
    """Say whether the digits after the degrees are minutes and seconds: those never reach 60.

    Parameters
    ----------
    subject : Subject
        The file.
    found : tuple of Reading
        What it may mean.

    Returns
    -------
    Hint or None
        None unless degrees may be read both as decimals and as dd.mmss. By chance a pair of digits is below 60 with
        probability 0.6; pairs that repeat, as minutes do in one city, count once.
    """
    packed = [reading.members[0].position.notation == "packed_dms" for reading in found]
    decimal = [reading.members[0].position.notation == "decimal" for reading in found]
    if not any(packed) or not any(decimal):
        return None
    pairs: set[tuple[int, int, str]] = set()
    for axis, column in enumerate(subject.sample.columns):
        for value in column.tolist():
            text = f"{abs(value):.9f}" if isinstance(value, float) else str(value)
            digits = _PACKED_DIGITS.search(text)
            pairs |= set() if digits is None else {(axis, part, digits[part]) for part in (1, 2)}
    if not pairs or any(int(pair) >= 60 for _, _, pair in pairs):
        return None
    line = f"all {len(pairs)} different pairs of digits after the point are below 60, as minutes and seconds are"
    return Hint(
        name="digits",
        scores=np.where(packed, -len(pairs) * np.log(0.6), 0.0),
        lines=tuple(line if one else "" for one in packed),
    )
