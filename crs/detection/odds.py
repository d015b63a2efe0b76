"""What all evidence together says of each reading: against the reference, and with what soft evidence adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs.detection.calibrated import REFERENCE_SHIFTED, shift_probability
from crs.detection.candidates import read
from crs.detection.evidence import MODELS, Reference, averaged, blocks, fit, inflation
from crs.detection.hints import soft
from crs.detection.scan import scan
from crs.units import conversion_factor, is_angle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.coordinates import FloatArray, ObjectArray
    from crs.detection.candidates import Reading
    from crs.detection.evidence import Fit
    from crs.detection.hints import Hint
    from crs.detection.scan import Scan
    from crs.detection.subject import Subject

__all__ = ["SHIFT_M", "Odds", "Race", "race_of", "scanned", "weighed"]

#: Definitions of one place differ by more than this (old datums): a shift is no smaller.
SHIFT_M = 30.0
#: Probability before the evidence that records have nothing to do with the reference, and that they fit it only after
#: a shift. A rare frame is so much rarer than others.
_UNRELATED, _SHIFTED, _RARE = 0.05, 0.06, 0.3
#: A register of so many fewer entities than the file is looked for in the file, and not the other way round.
_SPARSE = 5
_MOST_ENTITIES = 400
#: With more strays than this two readings are looked at closer: they may mix.
_STRAYING = 0.1
#: Records of one square of so many metres are worth so many records at most.
_PLACE_M, _SAID_BY_PLACE = 100.0, 2.0
#: A larger file is not read as a whole.
_MOST_SWAPPED = 1_000_000
_METRES_PER_DEGREE = 111_319.5


@dataclass(frozen=True, eq=False, kw_only=True)
class Race:
    """Readings, how well each agrees with the reference, and what else is said of them.

    Parameters
    ----------
    found : tuple of Reading
        What the records may mean.
    hints : tuple of Hint
        Soft evidence.
    references : tuple of Reference
        What each reading is measured against.
    fits : tuple of Fit
        How well each agrees.
    inflation : float
        How many records count as one.
    is_reversed : bool
        True where the entities of the reference were looked for among the records.
    """

    found: tuple[Reading, ...]
    hints: tuple[Hint, ...]
    references: tuple[Reference, ...]
    fits: tuple[Fit, ...]
    inflation: float
    is_reversed: bool

    @property
    def best(self) -> int:
        """The reading that agrees best."""
        return int(np.argmax([one.total for one in self.fits]))

    @property
    def may_mix(self) -> bool:
        """True where the best reading leaves more than a few strays, or another one has records on the reference."""
        if self.is_reversed or len(self.fits) < 2:
            return False
        others = (one.total for place, one in enumerate(self.fits) if place != self.best)
        return MODELS[self.fits[self.best].best][1] >= _STRAYING or max(others) > 0.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Odds:
    """Probabilities after all evidence.

    Parameters
    ----------
    related : numpy.ndarray
        Of each reading with records that lie on the reference, shape (number of readings,).
    hard : numpy.ndarray
        The same without soft evidence.
    shares : numpy.ndarray
        Of each reading, whether or not the reference tells anything.
    unrelated : float
        That the records have nothing to do with the reference, or stand beside it: then it tells (almost) nothing.
    shifted : float
        That the records fit only after a shift: by a definition that is not listed or, rarely, of the reference itself.
    """

    related: NDArray[np.float64]
    hard: NDArray[np.float64]
    shares: NDArray[np.float64]
    unrelated: float
    shifted: float

    @property
    def margin(self) -> float:
        """How much more likely the first reading is than the second, natural logarithm; inf for a single one."""
        logs = np.sort(np.log(np.maximum(self.related, np.finfo(float).tiny)))
        return float(logs[-1] - logs[-2]) if len(logs) > 1 else np.inf

    @property
    def none(self) -> float:
        """That it is none of the readings."""
        return max(0.0, float(1.0 - self.shares.sum()))


def race_of(subject: Subject, found: tuple[Reading, ...], hints: tuple[Hint, ...], known: Reference) -> Race:
    """Measure all readings against the reference.

    Parameters
    ----------
    subject : Subject
        The file.
    found : tuple of Reading
        What it may mean.
    hints : tuple of Hint
        Soft evidence.
    known : Reference
        Of the same kind of entity.

    Returns
    -------
    Race
        A reference of few places (a register of stations, a sample of buildings) is looked for among the records of a
        file that has many more, since most of the records have no counterpart in it.
    """
    swapped = _swapped(subject, found, known)
    if swapped is None:
        references = (known,) * len(found)
        fits = tuple(fit(known, one.lon, one.lat, steps_m=_steps_m(subject, one)) for one in found)
    else:
        references, (lon, lat) = swapped
        fits = tuple(fit(one, lon, lat) for one in references)
    best = int(np.argmax([one.total for one in fits]))
    return Race(
        found=found,
        hints=hints,
        references=references,
        fits=fits,
        inflation=_counted(fits, best),
        is_reversed=swapped is not None,
    )


def _swapped(
    subject: Subject, found: tuple[Reading, ...], known: Reference
) -> tuple[tuple[Reference, ...], tuple[FloatArray, FloatArray]] | None:
    """Return the file under every reading as a reference, and the known entities about it; None if that is no use."""
    if known.is_lines or len(subject.fields) > _MOST_SWAPPED:
        return None
    box = subject.region.box
    lon, lat = known.places.T
    near = np.flatnonzero((lon >= box.west) & (lon <= box.east) & (lat >= box.south) & (lat <= box.north))
    if len(subject) < _MOST_ENTITIES or not len(near):
        return None
    placed = [read(subject.fields, one.members[0]) for one in found]
    near = near[np.any([_within(lon[near], lat[near], *one) for one in placed], axis=0)]
    if not len(near) or len(subject.fields) < _SPARSE * len(near):
        return None
    near = np.random.default_rng(3).permutation(near)[:_MOST_ENTITIES]
    files = tuple(Reference(_points(*one), subject.name) for one in placed)
    return files, (lon[near], lat[near])


def _points(lon: FloatArray, lat: FloatArray) -> ObjectArray:
    good = np.isfinite(lon) & np.isfinite(lat)
    return np.asarray(shapely.points(lon[good], lat[good]))


def _within(lon: FloatArray, lat: FloatArray, x: FloatArray, y: FloatArray) -> NDArray[np.bool_]:
    """Say which places lie in the bounds of others, strays apart."""
    west, east = np.nanquantile(x, [0.01, 0.99])
    south, north = np.nanquantile(y, [0.01, 0.99])
    return np.asarray((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))


def _steps_m(subject: Subject, reading: Reading) -> tuple[float, float]:
    """Return what the last digits are worth under a reading, east and north, metres; 0 for notations of minutes."""
    position = reading.members[0].position
    if position.notation != "decimal":
        return 0.0, 0.0
    first, second = subject.steps
    east, north = (second, first) if position.axes == "lat,lon" else (first, second)
    if not is_angle(position.unit):
        metres = conversion_factor(position.unit, "metre")
        return east * metres, north * metres
    metres = _METRES_PER_DEGREE * conversion_factor(position.unit, "degree")
    return east * metres * float(np.cos(np.radians(np.nanmean(reading.lat)))), north * metres


def _counted(fits: tuple[Fit, ...], best: int) -> float:
    """Say how many records count as one, by what they say for the best reading and for it against the next."""
    x_m, y_m = fits[best].x_m, fits[best].y_m
    owner = blocks(x_m, y_m)
    scores = [one.scores[one.best] for one in fits]
    others = [place for place in range(len(fits)) if place != best]
    found = inflation(scores[best], owner)
    if others:
        runner = max(others, key=lambda place: fits[place].total)
        found = max(found, inflation(scores[best] - scores[runner], owner))
    # Many records on a few streets fit wherever a street runs alike: a place of a block's size says so much at most.
    good = np.isfinite(x_m)
    places = np.unique(np.floor(x_m[good] / _PLACE_M) * 1e6 + np.floor(y_m[good] / _PLACE_M))
    return max(found, float(good.sum()) / (_SAID_BY_PLACE * max(1, len(places))))


def scanned(race: Race, place: int) -> Scan:
    """Move the records about under one reading.

    Parameters
    ----------
    race : Race
        With the agreement of all readings.
    place : int
        Which one.

    Returns
    -------
    Scan
        The best shift of the records.
    """
    found = scan(race.references[place], race.fits[place], inflation=race.inflation, tolerance_m=SHIFT_M)
    return found.turned() if race.is_reversed else found


def weighed(race: Race, shifted: Scan) -> Odds:
    """Weigh all that may be.

    Parameters
    ----------
    race : Race
        With the agreement of all readings.
    shifted : Scan
        What an unknown shift of the best of them says.

    Returns
    -------
    Odds
        Of the readings with the reference and without, and of an unknown shift.
    """
    weights = np.array([_RARE if all(member.is_rare for member in one.members) else 1.0 for one in race.found])
    plain = np.log(weights / weights.sum())
    hinted = plain + soft(race.hints, len(race.found))
    prior = hinted - np.logaddexp.reduce(hinted)
    related, unrelated, moved = _shares(race, prior, shifted)
    hard, _, _ = _shares(race, plain, shifted)
    # Where it was the reference that moved, the readings stand to each other as if nothing had.
    still = related + unrelated
    shares = still * (1.0 + REFERENCE_SHIFTED * moved / (1.0 - moved))
    return Odds(related=related, hard=hard, shares=shares, unrelated=float(unrelated.sum()), shifted=moved)


def _shares(
    race: Race, prior: NDArray[np.float64], shifted: Scan
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return the probabilities of all readings with the reference and without it, and of a shift."""
    on = np.array([float(averaged(one.totals, race.inflation)) for one in race.fits])
    beside = np.array([float(averaged(one.beside_totals, race.inflation)) for one in race.fits])
    related = prior + on + np.log(1.0 - _UNRELATED - _SHIFTED)
    unrelated = prior + np.logaddexp(0.0, beside) + np.log(_UNRELATED / 2.0)
    still = float(np.logaddexp.reduce(np.concatenate([related, unrelated])))
    log_odds = shifted.log_likelihood + float(np.log(_SHIFTED)) - still
    moved = shift_probability(log_odds, is_pinned=shifted.extent_m <= SHIFT_M)
    return np.exp(related - still) * (1.0 - moved), np.exp(unrelated - still) * (1.0 - moved), moved
