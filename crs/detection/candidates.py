"""Which definitions can turn raw numbers into positions in a given area, and where each of them puts the records.

A candidate is a frame and a way of writing it. All frames that hold in the area are tried in all ways; a candidate
stays in the race if it puts most of the records into the area. Candidates that put every record in the same place
cannot be told apart by any data and form one class.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs.coordinates import Fields
from crs.definition import PositionDefinition, definition
from crs.detection.frames import WORLD, box_in, frames_at, holds
from crs.fields import points_of
from crs.given import GivenShift, read_given
from crs.local import local_projection
from crs.moves import inside, to_hub
from crs.registry import definitions, entry
from crs.units import is_angle

if TYPE_CHECKING:
    from crs.coordinates import FloatArray
    from crs.definition import Axes, Notation
    from crs.entries import Area

__all__ = ["MIN_SHARE", "Candidate", "Reading", "candidates", "classes", "read", "read_as", "readings"]

#: A candidate that puts fewer of the records into the area is out of the race.
MIN_SHARE = 0.6
#: Records closer than this under two candidates are at one place: neither sources nor references of a city are so good
#: that they could tell, say, NAD83 from NAD83(HARN), or the foot from the US survey foot.
_SAME_PLACE_M = 3.0
#: Two readings that read so much of the records alike are one.
_ALIKE = 0.95
#: So many records screen the candidates for one of all, more of them for parts; half of what is asked for must fit.
_SCREENED, _SCREENED_SHARE = 32, 0.5
_SCALED_DEGREES = ("1e-5 degree", "1e-6 degree", "1e-7 degree")
_DEGREE_TEXTS: tuple[Notation, ...] = ("dms", "nmea", "packed_dms", "packed_ddmmss")
_AXES: tuple[Axes, ...] = ("lon,lat", "lat,lon")
#: UTM on WGS 72 and on its broadcast ephemeris, which WGS 84 replaced in 1987.
_SUPERSEDED = frozenset(f"EPSG:{code}" for code in range(32201, 32561))
_SCALED_LENGTHS = {"metre": ("kilometre", "centimetre", "millimetre")}


@dataclass(frozen=True)
class Candidate:
    """One frame, written in one way.

    Parameters
    ----------
    position : PositionDefinition
        With status "detected".
    """

    position: PositionDefinition

    @property
    def label(self) -> str:
        """Name of the frame and how it is written, for people."""
        position = self.position
        if position.crs is None:
            return f"along {position.reference}" if position.kind == "linear" else position.name
        geographic = is_angle(position.unit)
        given = read_given(str(position.crs))
        parts = [position.name]
        if isinstance(given, GivenShift):
            parts = [f"{position.name} ({f'by {given.operation}' if given.operation else given.source})"]
        if position.axes == "lat,lon":
            parts.append("latitude first" if geographic else "north first")
        if position.notation != "decimal":
            parts.append(position.notation)
        if position.unit != definition(position.crs).unit:
            parts.append(f"in {position.unit}")
        return ", ".join(parts)

    @property
    def is_rare(self) -> bool:
        """True for an old frame by a regional operation, for one nobody uses, and for unregistered geographic ones."""
        given = read_given(str(self.position.crs))
        if given is not None:
            return isinstance(given, GivenShift) and bool(given.operation)
        if str(self.position.crs) in _SUPERSEDED:
            return True
        return is_angle(self.position.unit) and self.position.name not in {*WORLD, *definitions()}

    @property
    def plainness(self) -> tuple[int, int, int, str]:
        """Order among equals: the plainest way of writing first, the usual names before others."""
        position = self.position
        registered = [*WORLD, *definitions()]
        usual = registered.index(position.name) if position.name in registered else len(registered)
        return (position.notation != "decimal", position.axes != "lon,lat", usual, self.label)


@dataclass(frozen=True, eq=False)
class Reading:
    """The records as one candidate, and all that cannot be told from it, read them.

    Parameters
    ----------
    members : tuple of Candidate
        The class, the plainest first.
    lon, lat : numpy.ndarray
        WGS 84 degrees, shape (n,); NaN where the candidate cannot read a record or puts it outside the area.
    """

    members: tuple[Candidate, ...]
    lon: FloatArray
    lat: FloatArray

    @property
    def share(self) -> float:
        """Share of the records that land in the area."""
        return float(np.isfinite(self.lon).mean())


@lru_cache(maxsize=64)
def candidates(area: Area, extra: tuple[PositionDefinition, ...] = ()) -> tuple[Candidate, ...]:
    """List the definitions in which a file of an area may be written.

    Parameters
    ----------
    area : Area
        Where the records should be, longitude and latitude.
    extra : tuple of PositionDefinition
        Frames that enter the race beside the built-in ones: old frames and local grids with parameters that a city has.

    Returns
    -------
    tuple of Candidate
        At least 48 for a Chinese city: every frame with a published operation that holds at the middle of the area,
        in both orders of axes, degrees also as scaled integers and texts, metres also in other units.

    Examples
    --------
    >>> from crs.entries import Area
    >>> found = candidates(Area(113.9, 22.5, 114.1, 22.6))
    >>> len(found) >= 48, "BD-09, latitude first" in {candidate.label for candidate in found}
    (True, True)
    """
    middle = _middle(area)
    given = {str(base.crs) for base in extra}
    return tuple(
        one for one in _listed(area, extra) if str(one.position.crs) in given or holds(str(one.position.crs), *middle)
    )


def _middle(area: Area) -> tuple[float, float]:
    return round((area.west + area.east) / 2.0, 2), round((area.south + area.north) / 2.0, 2)


def _listed(area: Area, extra: tuple[PositionDefinition, ...]) -> list[Candidate]:
    """List the frames of a place in all ways of writing, whether or not they can be moved."""
    found = []
    frames = {str(base.crs): _plainly(base) for base in (*extra, *frames_at(*_middle(area)))}
    for base in frames.values():
        ways: list[tuple[Notation, str]] = [("decimal", base.unit)]
        if base.unit == "degree":
            ways += [("decimal", unit) for unit in _SCALED_DEGREES]
            ways += [(notation, base.unit) for notation in _DEGREE_TEXTS]
        ways += [("decimal", unit) for unit in _SCALED_LENGTHS.get(base.unit, ())]
        found += [
            Candidate(dataclasses.replace(base, notation=notation, unit=unit, axes=axes, status="detected"))
            for notation, unit in ways
            for axes in _AXES
        ]
    return found


def _plainly(base: PositionDefinition) -> PositionDefinition:
    """Return the frame of a definition, without what a file says about how it is written."""
    return dataclasses.replace(
        definition(str(base.crs)), name=base.name, sigma_m=base.sigma_m, vertical=base.vertical, epoch=base.epoch
    )


def readings(
    fields: Fields, area: Area, extra: tuple[PositionDefinition, ...] = (), *, least: float = MIN_SHARE
) -> tuple[Reading, ...]:
    """Read the records under all candidates and keep what puts enough of them into the area, equals in one class.

    Parameters
    ----------
    fields : Fields
        Two columns as written, in any order of axes.
    area : Area
        Where the records should be.
    extra : tuple of PositionDefinition
        Frames that enter the race beside the built-in ones.
    least : float
        Share of the records that a candidate must put into the area; lower where several definitions mix.

    Returns
    -------
    tuple of Reading
        One per class, none if no candidate fits.
    """
    few = np.unique(np.linspace(0, len(fields) - 1, int(np.ceil(_SCREENED * MIN_SHARE / least))).astype(np.int64))
    first = Fields(tuple(column[few] for column in fields.columns))
    middle, own = _middle(area), {str(base.crs) for base in extra}
    kept = []
    for tried, boxes in _ways(area, extra):
        # Frames that share a way of writing share its decoding; a few records tell which of them may fit at all.
        few_x, few_y = _numbers(first, tried[0].position)
        inner = (few_x >= boxes[:, :1]) & (few_y >= boxes[:, 1:2]) & (few_x <= boxes[:, 2:3]) & (few_y <= boxes[:, 3:])
        screened = [tried[place] for place in np.flatnonzero(inner.mean(axis=1) >= _SCREENED_SHARE * least)]
        fitting = [one for one in screened if str(one.position.crs) in own or holds(str(one.position.crs), *middle)]
        if fitting:
            x, y = _numbers(fields, tried[0].position)
            kept += [reading for one in fitting if (reading := _reading(one, x, y, area)).share >= least]
    return classes(kept)


def read(fields: Fields, candidate: Candidate) -> tuple[FloatArray, FloatArray]:
    """Read records under one candidate, wherever they land.

    Parameters
    ----------
    fields : Fields
        Two columns as written.
    candidate : Candidate
        How.

    Returns
    -------
    tuple of numpy.ndarray
        Longitude and latitude, degrees, shape (n,); NaN where a record could not be read.
    """
    return to_hub(entry(str(candidate.position.crs)), *_numbers(fields, candidate.position))


def read_as(fields: Fields, tried: tuple[Candidate, ...], area: Area) -> tuple[Reading, ...]:
    """Read the records under given candidates.

    Parameters
    ----------
    fields : Fields
        Two columns as written.
    tried : tuple of Candidate
        What they may mean.
    area : Area
        Where the records should be.

    Returns
    -------
    tuple of Reading
        One per candidate, in the same order, however few of the records it fits.
    """
    return tuple(_reading(one, *_numbers(fields, one.position), area) for one in tried)


def _numbers(fields: Fields, position: PositionDefinition) -> tuple[FloatArray, FloatArray]:
    """Decode two columns to numbers in the unit of the frame, NaN where that fails."""
    points = points_of(fields, position)[0].geometry
    return shapely.get_x(points), shapely.get_y(points)


def _reading(candidate: Candidate, x: FloatArray, y: FloatArray, area: Area) -> Reading:
    """Place the records that land in the area."""
    lon, lat = to_hub(entry(str(candidate.position.crs)), x, y)
    placed = inside(area, lon, lat)
    return Reading((candidate,), np.where(placed, lon, np.nan), np.where(placed, lat, np.nan))


@lru_cache(maxsize=64)
def _ways(area: Area, extra: tuple[PositionDefinition, ...]) -> tuple[tuple[tuple[Candidate, ...], FloatArray], ...]:
    """Group the candidates by their way of writing, each with the box of numbers that the area has in its frame."""
    grouped: dict[tuple[object, ...], list[Candidate]] = {}
    boxes: dict[str, FloatArray] = {}
    for candidate in _listed(area, extra):
        position, code = candidate.position, str(candidate.position.crs)
        if code not in boxes:
            boxes[code] = box_in(code, area)
        if np.isfinite(boxes[code]).all():
            way = (position.axes, position.notation, position.unit, definition(code).unit)
            grouped.setdefault(way, []).append(candidate)
    return tuple(
        (tuple(some), np.array([boxes[str(candidate.position.crs)] for candidate in some])) for some in grouped.values()
    )


def classes(found: list[Reading]) -> tuple[Reading, ...]:
    """Put readings that place all records alike into one.

    Parameters
    ----------
    found : list of Reading
        Of the same records.

    Returns
    -------
    tuple of Reading
        One per class, its members the plainest first, the classes in the same order.
    """
    made: list[Reading] = []
    for reading in sorted(found, key=lambda one: one.members[0].plainness):
        for place, other in enumerate(made):
            if _same_place(reading, other):
                made[place] = dataclasses.replace(other, members=(*other.members, *reading.members))
                break
        else:
            made.append(reading)
    return tuple(made)


def _same_place(first: Reading, second: Reading) -> bool:
    """Say whether two readings put every record in one place."""
    read = np.isfinite(first.lon) & np.isfinite(second.lon)
    # At the rim of the area one may read a record that the other does not.
    if read.sum() < _ALIKE * max(np.isfinite(first.lon).sum(), np.isfinite(second.lon).sum()):
        return False
    plane = local_projection(first.lon[read], first.lat[read])
    one, other = plane.forward(first.lon[read], first.lat[read]), plane.forward(second.lon[read], second.lat[read])
    return bool(np.all(np.hypot(other[0] - one[0], other[1] - one[1]) < _SAME_PLACE_M))
