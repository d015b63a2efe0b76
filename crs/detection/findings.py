"""What a verdict says to people: the evidence of each reading, what is wanting for a claim, what would settle it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crs.definition import definition
from crs.detection.candidates import MIN_SHARE
from crs.detection.verdict import Shift
from crs.equivalence import equivalent

if TYPE_CHECKING:
    from crs.detection.candidates import Reading
    from crs.detection.hints import Hint
    from crs.detection.odds import Race
    from crs.detection.scan import Scan
    from crs.detection.subject import Subject
    from crs.detection.verdict import Ranked

__all__ = [
    "MIN_EVIDENCE",
    "PINNED_M",
    "declared_lines",
    "hint_lines",
    "lines",
    "nowhere",
    "placed_line",
    "settle",
    "shift_of",
    "wanting",
]

#: With fewer distinct positions nothing is claimed.
_MIN_RECORDS = 5
#: What a claim takes beside its probability: log-likelihood above chance, share of records on the reference.
MIN_EVIDENCE, _MIN_ON_SHARE = 6.0, 0.5
#: Definitions of one place differ by 33 m and more (old datums): the data must pin them closer.
PINNED_M = 30.0
#: A claim stands if the best shift is no farther than this (the public formula of GCJ-02 is 10 m off in places), or
#: than three of its sigmas.
_NO_SHIFT_M = 10.0
#: Numbers in metres of one city span so much; degrees span less, and wider ones are of no city.
_GRID_M = (400.0, 300_000.0)


def placed_line(reading: Reading) -> str:
    """Say how many records a reading places.

    Parameters
    ----------
    reading : Reading
        Of the sample.

    Returns
    -------
    str
        For people.
    """
    return f"{int(np.isfinite(reading.lon).sum())} of {len(reading.lon)} records land in the area"


def hint_lines(hints: tuple[Hint, ...], place: int) -> tuple[str, ...]:
    """Return what soft evidence says of a reading.

    Parameters
    ----------
    hints : tuple of Hint
        As gathered.
    place : int
        Which reading.

    Returns
    -------
    tuple of str
        For people, none where there is nothing to say.
    """
    return tuple(hint.lines[place] for hint in hints if hint.lines[place])


def lines(race: Race, place: int, declared: str | None) -> tuple[str, ...]:
    """Write the evidence of a reading.

    Parameters
    ----------
    race : Race
        With the agreement of all readings.
    place : int
        Which one.
    declared : str or None
        The frame that the file declares.

    Returns
    -------
    tuple of str
        For people.
    """
    reading, found, known = race.found[place], race.fits[place], race.references[place]
    what = "line" if known.is_lines else "entity"
    who = f"{len(found.x_m)} entities of the reference" if race.is_reversed else "records"
    found_lines = [
        placed_line(reading),
        f"median {found.median_m:.0f} m to the nearest {what} of {known.name}, by chance {found.chance_median_m:.0f} m",
        f"log-likelihood {found.total:+.1f} against chance, {found.on_share:.0%} of the {who} on "
        + ("the file" if race.is_reversed else "the reference"),
    ]
    if any(found.offset_m):
        east_m, north_m = found.offset_m
        found_lines.append(f"coarse numbers, read {east_m:+.0f} m east, {north_m:+.0f} m north: half a step, as if cut")
    return (*found_lines, *declared_lines(reading, declared), *hint_lines(race.hints, place))


def declared_lines(reading: Reading, declared: str | None) -> tuple[str, ...]:
    """Compare a reading with what the file declares.

    Parameters
    ----------
    reading : Reading
        With all its members: one of them declared is no conflict.
    declared : str or None
        The frame that the file declares.

    Returns
    -------
    tuple of str
        One line for people, none where nothing is declared.
    """
    if declared is None:
        return ()
    same = any(equivalent(member.position, definition(declared)) for member in reading.members)
    return ("declared so" if same else f"contradicts the declared {definition(declared).name}",)


def shift_of(reading: Reading, shifted: Scan) -> Shift:
    """Take a shift for the verdict.

    Parameters
    ----------
    reading : Reading
        From which it leads.
    shifted : Scan
        As it was found.

    Returns
    -------
    Shift
        What must be added to the positions.
    """
    return Shift(
        source=reading.members[0].label,
        east_m=shifted.east_m,
        north_m=shifted.north_m,
        sigma_m=shifted.sigma_m,
    )


def wanting(race: Race, shifted: Scan) -> tuple[str, ...]:
    """Say what the data lack for any claim: a test of sufficiency, whatever the probabilities.

    Parameters
    ----------
    race : Race
        With the agreement of all readings.
    shifted : Scan
        Of the best reading.

    Returns
    -------
    tuple of str
        What would settle it; none where the data suffice.
    """
    reading, found, known = race.found[race.best], race.fits[race.best], race.references[race.best]
    wants = []
    records, total = len(found.x_m), found.total
    if records < _MIN_RECORDS:
        wants.append(f"at least {_MIN_RECORDS} distinct positions, found {records}")
    if total < MIN_EVIDENCE or found.on_share < _MIN_ON_SHARE:
        wants.append(
            f"a reference of the same kind of entity: {found.on_share:.0%} of the records lie on {known.name}, "
            f"log-likelihood {total:+.1f} against chance"
        )
    if shifted.extent_m > PINNED_M:
        across = "on streets of other directions" if known.is_lines else "of other places"
        wants.append(
            f"records {across} or from farther away: shifts up to {shifted.extent_m:.0f} m fit as well as the best"
        )
    far = float(np.hypot(shifted.east_m, shifted.north_m))
    if far > max(_NO_SHIFT_M, 3.0 * shifted.sigma_m):
        wants.append(f"why the records fit {known.name} better after a shift of {shift_of(reading, shifted)}")
    return tuple(wants)


def nowhere(subject: Subject) -> str:
    """Say what would settle the case of numbers that no definition puts into the area.

    Parameters
    ----------
    subject : Subject
        The file.

    Returns
    -------
    str
        For people; of numbers that look like metres of a grid of the city's own, what its parameters take.
    """
    try:
        x, y = (column.astype(np.float64) for column in subject.sample.columns)
    except (TypeError, ValueError):
        x = y = np.zeros(1)
    spans = [float(np.ptp(np.quantile(part, [0.02, 0.98]))) for part in (x, y)]
    if min(spans) > _GRID_M[0] and max(spans) < _GRID_M[1]:
        return (
            f"three or more control points (x, y and longitude, latitude): the numbers span {spans[0]:.0f} by "
            f"{spans[1]:.0f} and look like metres of a local grid, whose parameters nobody published; write them as "
            "local_grid: {name, base, similarity or control_points} and pass it in candidates="
        )
    return (
        f"no known definition puts {MIN_SHARE:.0%} of the records into {subject.region.box}: check the area, or "
        "give the shift or local grid in which they are written"
    )


def settle(wants: tuple[str, ...], ranked: tuple[Ranked, ...], none: float) -> tuple[str, ...]:
    """Say what would settle an open case.

    Parameters
    ----------
    wants : tuple of str
        What the data lack.
    ranked : tuple of Ranked
        The most probable first.
    none : float
        Probability that it is none of these.

    Returns
    -------
    tuple of str
        At least one.
    """
    if wants:
        return wants
    if none > ranked[0].probability:
        return ("the parameters of a shift or a local grid, or a definition that is not among the candidates",)
    rival = ranked[1].label if len(ranked) > 1 and ranked[1].probability > none else "none of these"
    return (f"more records, spread over the city, to tell {ranked[0].label} from {rival}",)
