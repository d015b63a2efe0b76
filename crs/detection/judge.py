"""`crs.detect`: candidates, their evidence against a reference, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crs.coordinates import Shapes
from crs.definition import definition
from crs.detection.candidates import MIN_SHARE, Reading, readings
from crs.detection.evidence import Fit, Reference, averaged, blocks, fit, inflation
from crs.detection.hints import Hint, HintSource, containment, gather, soft
from crs.detection.indirect import recognise
from crs.detection.parts import LEAST_SHARE, mixing_remark
from crs.detection.scan import Scan, scan
from crs.detection.sketch import Sketch, sketch_of
from crs.detection.subject import Subject, region_of, subject_of
from crs.detection.trajectories import smooth_hint
from crs.detection.verdict import Ranked, Shift, Status, Verdict
from crs.detection.words import digit_hint, name_hint
from crs.equivalence import equivalent
from crs.errors import DefinitionError, ReferenceNotHarmonisedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    from crs.coordinates import Coordinates, Positioned
    from crs.definition import PositionDefinition

__all__ = ["SOURCES", "Race", "detect", "given", "judge", "prepared"]

#: Soft evidence, in the order in which it is told.
SOURCES: tuple[HintSource, ...] = (containment, name_hint, digit_hint, smooth_hint)
#: With fewer distinct positions nothing is claimed.
_MIN_RECORDS = 8
#: What a claim takes beside its probability: log-likelihood above chance, share of records on the reference.
_MIN_EVIDENCE, _MIN_ON_SHARE = 10.0, 0.5
#: Definitions of one place differ by 33 m and more (old datums): the data must pin them closer.
_PINNED_M = 30.0
#: A claim stands if the best shift is no farther than this (the public formula of GCJ-02 is 10 m off in places), or
#: than three of its sigmas; "none of these" are shifts farther than the second, which old datums exceed.
_NO_SHIFT_M, _SHIFT_M = 16.0, 20.0
#: Probability before the evidence that it is none of the candidates, and the part of it for no relation to the
#: reference at all; the rest is for a shift. A rare frame is so much rarer than others.
_NONE, _NONE_CHANCE, _RARE = 0.1, 0.04, 0.3
#: A shift is told from the plainest of so many candidates.
_SHIFT_SOURCES = 3


def detect(
    frame: Positioned | Coordinates | tuple[ArrayLike, ArrayLike],
    *,
    reference: Positioned | None = None,
    area: object = None,
    candidates: Iterable[object] | None = None,
    confidence: float = 0.99,
) -> Verdict:
    """Name the definition of positions that came without one, or say why the data cannot tell.

    Parameters
    ----------
    frame : Positioned, Fields, Shapes or tuple of array_like
        The positions: a layer (what it declares is not believed, only compared), its coordinates, or two columns of
        numbers or texts as written, in either order; also ids and chainages of a reference with a column of ids, or
        its ids alone in `Fields` of one column. Of columns that are read in slices only a sample is read.
    reference : Positioned, optional
        A layer in WGS 84 longitude and latitude of the same kind of entity, whose positions are right: streets for
        vehicles, stations for stations, buildings for buildings. Without one nothing is ever named, since shifted maps
        and old datums all lie in the city.
    area : tuple of float, shapely geometry or Positioned, optional
        Where the records should be: west, south, east, north in degrees; or polygons in longitude and latitude, a layer
        of them included. The surroundings of the reference if left out.
    candidates : iterable of str, Mapping or PositionDefinition, optional
        Definitions that enter the race beside the built-in ones: an old frame or a local grid with parameters that the
        city has.
    confidence : float
        Probability that a claim takes, above 0.5 and below 1.

    Returns
    -------
    Verdict
        "named" with at least the asked-for probability from sufficient data; else "ambiguous" or "unknown", and what
        would settle it.

    Raises
    ------
    DefinitionError
        If the positions are not two columns or geometries, there is neither reference nor area, a candidate is no
        definition in numbers, or the confidence is no such probability.
    ReferenceNotHarmonisedError
        If the reference is not in longitude and latitude, or is empty.

    Examples
    --------
    >>> verdict = detect(([114.06, 114.07], [22.54, 22.55]), area=(113.7, 22.4, 114.7, 22.9))
    >>> verdict.status, verdict.position
    ('ambiguous', None)
    >>> [ranked.label for ranked in verdict.candidates[:2]]
    ['OGC:CRS84', 'GCJ-02']
    """
    if not 0.5 < confidence < 1.0:
        raise DefinitionError(f"confidence {confidence!r} must be a probability above 0.5 and below 1, such as 0.99")
    if (said := recognise(frame, reference, confidence=confidence)) is not None:
        return said
    known = None if reference is None else prepared(reference)
    subject = subject_of(frame, region_of(area, None if known is None else known.bounds))
    return judge(subject, known, extra=given(candidates), confidence=confidence)


def given(candidates: Iterable[object] | None) -> tuple[PositionDefinition, ...]:
    """Take the definitions that a caller adds to the race.

    Parameters
    ----------
    candidates : iterable of str, Mapping or PositionDefinition, or None
        Anything that `crs.definition` takes.

    Returns
    -------
    tuple of PositionDefinition
        Those in numbers.

    Raises
    ------
    DefinitionError
        If one is indirect, or no definition.
    """
    taken = tuple(definition(one) for one in candidates or ())
    for one in taken:
        if one.kind != "coordinates":
            raise DefinitionError(f"candidate {one.name} is no frame of numbers; pass codes, shifts or local grids")
    return taken


def prepared(layer: Positioned) -> Reference:
    """Take the geometries of a reference that is in longitude and latitude.

    Parameters
    ----------
    layer : Positioned
        Streets, stations, buildings.

    Returns
    -------
    Reference
        Ready to measure.

    Raises
    ------
    ReferenceNotHarmonisedError
        If it is in another frame, or empty.
    """
    if not isinstance(layer.coordinates, Shapes) or not equivalent(layer.position, "OGC:CRS84"):
        raise ReferenceNotHarmonisedError(
            f"reference {layer.name!r} is in {layer.position.name}; pass crs.harmonise({layer.name}), "
            "whose geometries are in longitude and latitude"
        )
    return Reference(layer.coordinates.geometry, layer.name)


def judge(
    subject: Subject,
    known: Reference | None,
    *,
    extra: tuple[PositionDefinition, ...] = (),
    confidence: float = 0.99,
    sources: tuple[HintSource, ...] = SOURCES,
) -> Verdict:
    """Judge a subject that was already taken, against a reference that was already prepared.

    Parameters
    ----------
    subject : Subject
        The file and its sample.
    known : Reference or None
        Of the same kind of entity.
    extra : tuple of PositionDefinition
        Frames that enter the race beside the built-in ones.
    confidence : float
        Probability that a claim takes.
    sources : tuple of callable
        Of soft evidence.

    Returns
    -------
    Verdict
        As `detect` gives it.
    """
    if not len(subject):
        return _open(subject, (), ("the file holds no positions",), confidence=confidence)
    tried = readings(subject.sample, subject.region.box, extra, least=LEAST_SHARE)
    found = tuple(one for one in tried if one.share >= MIN_SHARE)
    remark = None if known is None else mixing_remark(known, tried)
    if not found:
        settle = remark or (
            f"no known definition puts {MIN_SHARE:.0%} of the records into {subject.region.box}: check the area, or "
            "give the shift or local grid in which they are written"
        )
        return _open(subject, (), (settle,), confidence=confidence)
    hints = gather(sources, subject, found)
    if known is None:
        return _without_reference(subject, found, hints, confidence)
    return _judged(subject, Race(found, hints, known, remark), confidence)


@dataclass(frozen=True, eq=False)
class Race:
    """Readings, what is said of them, and the reference that decides.

    Parameters
    ----------
    found : tuple of Reading
        What the records may mean.
    hints : tuple of Hint
        Soft evidence.
    known : Reference
        Of the same kind of entity.
    remark : str or None
        Where one definition does not explain the file, which ones do: then nothing is claimed.
    """

    found: tuple[Reading, ...]
    hints: tuple[Hint, ...]
    known: Reference
    remark: str | None = None


def _open(
    subject: Subject,
    ranked: tuple[Ranked, ...],
    settle: tuple[str, ...],
    *,
    confidence: float,
    sketch: Sketch | None = None,
) -> Verdict:
    """Make a verdict that names nothing."""
    status: Status = "ambiguous" if ranked else "unknown"
    return Verdict(
        name=subject.name,
        status=status,
        candidates=ranked,
        none_probability=_NONE if ranked else 1.0,
        settle=settle,
        records=len(subject),
        confidence=confidence,
        sketch=sketch,
    )


def _without_reference(
    subject: Subject, found: tuple[Reading, ...], hints: tuple[Hint, ...], confidence: float
) -> Verdict:
    """List what fits the area, all alike but for soft evidence."""
    logs = soft(hints, len(found))
    shares = np.exp(logs - np.logaddexp.reduce(logs)) * (1.0 - _NONE)
    order = np.argsort(-shares, kind="stable").tolist()
    ranked = tuple(
        Ranked(
            members=found[place].members,
            probability=float(shares[place]),
            evidence=(_placed_line(found[place]), *_hint_lines(hints, place)),
        )
        for place in order
    )
    settle = ("a reference layer of the same kind of entity, harmonised to OGC:CRS84",)
    sketch = sketch_of(tuple(found[place] for place in order), None, "")
    return _open(subject, ranked, settle, confidence=confidence, sketch=sketch)


def _hint_lines(hints: tuple[Hint, ...], place: int) -> tuple[str, ...]:
    return tuple(hint.lines[place] for hint in hints if hint.lines[place])


def _placed_line(reading: Reading) -> str:
    return f"{int(np.isfinite(reading.lon).sum())} of {len(reading.lon)} records land in the area"


def _judged(subject: Subject, race: Race, confidence: float) -> Verdict:
    """Weigh all readings against the reference."""
    found, known = race.found, race.known
    fits = [fit(known, one.lon, one.lat) for one in found]
    best = int(np.argmax([one.total for one in fits]))
    counted = inflation(fits[best].scores[fits[best].best], blocks(fits[best].x_m, fits[best].y_m))
    shifted = scan(known, fits[best], inflation=counted, tolerance_m=_SHIFT_M)
    logs = np.array([float(averaged(one.totals, counted)) for one in fits]) + soft(race.hints, len(found))
    shares, none = _probabilities(logs + _log_priors(found), shifted)
    order = np.argsort(-shares, kind="stable").tolist()
    ranked = tuple(
        Ranked(
            members=found[place].members,
            probability=float(shares[place]),
            evidence=(
                *_lines(found[place], fits[place], known, subject.declared),
                *_hint_lines(race.hints, place),
            ),
        )
        for place in order
    )
    wanting = _wanting(found[best], fits[best], shifted, known) + ((race.remark,) if race.remark else ())
    status: Status = "ambiguous"
    if none > max(0.5, float(shares.max())) or fits[best].total < 0.0:
        # None of these leads, or even the best is no better than chance.
        status = "unknown"
    elif not wanting and shares[best] >= confidence:
        status = "named"
    return Verdict(
        name=subject.name,
        status=status,
        candidates=ranked,
        none_probability=none,
        settle=() if status == "named" else _settle(wanting, ranked, none),
        records=len(subject),
        shift=_shift(race, fits, counted) if status == "unknown" else None,
        confidence=confidence,
        sketch=sketch_of(tuple(found[place] for place in order), known.geometry, known.name),
    )


def _log_priors(found: tuple[Reading, ...]) -> NDArray[np.float64]:
    """Return what is said of each reading before the evidence."""
    weights = np.array([_RARE if all(member.is_rare for member in one.members) else 1.0 for one in found])
    return np.asarray(np.log(weights / weights.sum() * (1.0 - _NONE)))


def _probabilities(logs: NDArray[np.float64], shifted: Scan) -> tuple[NDArray[np.float64], float]:
    """Return the probability of each candidate, and of none of them: a shift, or no relation to the reference."""
    none = np.logaddexp(np.log(_NONE_CHANCE), shifted.log_likelihood + np.log(_NONE - _NONE_CHANCE))
    shares = np.exp(logs - np.logaddexp(np.logaddexp.reduce(logs), none))
    return shares, float(1.0 - shares.sum())


def _shift(race: Race, fits: list[Fit], counted: float) -> Shift | None:
    """Find the plainest candidate under which the records fit after a shift, None if there is none."""
    plain = sorted(range(len(fits)), key=lambda place: race.found[place].members[0].plainness)[:_SHIFT_SOURCES]
    scans = [scan(race.known, fits[place], inflation=counted, tolerance_m=_SHIFT_M) for place in plain]
    most = max(one.total for one in scans)
    for place, shifted in zip(plain, scans, strict=True):
        # Chance is another one about every candidate: totals are not told apart closer than that.
        if shifted.total >= max(_MIN_EVIDENCE, 0.8 * most) and shifted.extent_m <= _PINNED_M:
            return _shift_of(race.found[place], shifted)
    return None


def _shift_of(reading: Reading, shifted: Scan) -> Shift:
    return Shift(
        source=reading.members[0].label,
        east_m=shifted.east_m,
        north_m=shifted.north_m,
        sigma_m=shifted.sigma_m,
    )


def _lines(reading: Reading, found: Fit, known: Reference, declared: str | None) -> tuple[str, ...]:
    """Write the evidence of a reading."""
    what = "line" if known.is_lines else "entity"
    lines = [
        _placed_line(reading),
        f"median {found.median_m:.0f} m to the nearest {what} of {known.name}, by chance {found.chance_median_m:.0f} m",
        f"log-likelihood {found.total:+.1f} against chance, {found.on_share:.0%} of the records on the reference",
    ]
    if declared is not None:
        same = any(equivalent(member.position, definition(declared)) for member in reading.members)
        lines.append("declared so" if same else f"contradicts the declared {definition(declared).name}")
    return tuple(lines)


def _wanting(reading: Reading, found: Fit, shifted: Scan, known: Reference) -> tuple[str, ...]:
    """Say what the data lack for any claim: a test of sufficiency, whatever the probabilities."""
    wanting = []
    records, total = len(reading.lon), found.total
    if records < _MIN_RECORDS:
        wanting.append(f"at least {_MIN_RECORDS} distinct positions, found {records}")
    if total < _MIN_EVIDENCE or found.on_share < _MIN_ON_SHARE:
        wanting.append(
            f"a reference of the same kind of entity: {found.on_share:.0%} of the records lie on {known.name}, "
            f"log-likelihood {total:+.1f} against chance"
        )
    if shifted.extent_m > _PINNED_M:
        across = "on streets of other directions" if known.is_lines else "of other places"
        wanting.append(
            f"records {across} or from farther away: shifts up to {shifted.extent_m:.0f} m fit as well as the best"
        )
    far = float(np.hypot(shifted.east_m, shifted.north_m))
    if far > max(_NO_SHIFT_M, 3.0 * shifted.sigma_m):
        wanting.append(f"why the records fit {known.name} better after a shift of {_shift_of(reading, shifted)}")
    return tuple(wanting)


def _settle(wanting: tuple[str, ...], ranked: tuple[Ranked, ...], none: float) -> tuple[str, ...]:
    """Say what would settle an open case."""
    if wanting:
        return wanting
    if none > ranked[0].probability:
        return ("the parameters of a shift or a local grid, or a definition that is not among the candidates",)
    rival = ranked[1].label if len(ranked) > 1 and ranked[1].probability > none else "none of these"
    return (f"more records, spread over the city, to tell {ranked[0].label} from {rival}",)
