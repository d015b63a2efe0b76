"""`crs.detect`: candidates, their evidence against a reference, and the verdict."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from crs.definition import definition
from crs.detection.calibrated import CLAIM_MARGIN
from crs.detection.candidates import MIN_SHARE, Reading, readings
from crs.detection.findings import (
    MIN_EVIDENCE,
    PINNED_M,
    declared_lines,
    hint_lines,
    lines,
    nowhere,
    placed_line,
    settle,
    shift_of,
    wanting,
)
from crs.detection.hints import Hint, HintSource, containment, gather, soft
from crs.detection.indirect import recognise
from crs.detection.odds import Race, race_of, scanned, weighed
from crs.detection.parts import LEAST_SHARE, mixing_remark
from crs.detection.prepared import prepared
from crs.detection.sketch import Sketch, sketch_of
from crs.detection.subject import Subject, is_areal, region_of, subject_of
from crs.detection.trajectories import smooth_hint
from crs.detection.verdict import Ranked, Shift, Status, Verdict
from crs.detection.words import digit_hint, name_hint
from crs.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike

    from crs.coordinates import Coordinates, Positioned
    from crs.definition import PositionDefinition
    from crs.detection.evidence import Reference

__all__ = ["SOURCES", "detect", "given", "judge", "prepared"]

#: Soft evidence, in the order in which it is told.
SOURCES: tuple[HintSource, ...] = (containment, name_hint, digit_hint, smooth_hint)
#: A claim takes this much without soft evidence.
_MIN_HARD = 0.9
#: Probability before the evidence that it is none of the candidates, where there is no reference.
_NONE = 0.05
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
    areal = is_areal(frame)
    known = None if reference is None else prepared(reference, areal=areal)
    region = region_of(area, None if known is None else known.bounds)
    subject = subject_of(frame, region, centroids=areal and known is not None and not known.is_lines)
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
    if not found:
        wants = mixing_remark(known, tried) if known is not None and tried else None
        return _open(subject, (), (wants or nowhere(subject),), confidence=confidence)
    hints = gather(sources, subject, found)
    if known is None:
        return _without_reference(subject, found, hints, confidence)
    race = race_of(subject, found, hints, known)
    # What one reading explains as well as two do needs no second look.
    remark = mixing_remark(known, tried) if len(tried) > len(found) or race.may_mix else None
    verdict = _judged(subject, race, remark, confidence)
    by_label = {one.members[0].label: one for one in found}
    first = tuple(by_label[ranked.label] for ranked in verdict.candidates[:2])
    return dataclasses.replace(verdict, sketch=sketch_of(first, known.geometry, known.name))


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
            evidence=(
                placed_line(found[place]),
                *declared_lines(found[place], subject.declared),
                *hint_lines(hints, place),
            ),
        )
        for place in order
    )
    settle = ("a reference layer of the same kind of entity, harmonised to OGC:CRS84",)
    sketch = sketch_of(tuple(found[place] for place in order), None, "")
    return _open(subject, ranked, settle, confidence=confidence, sketch=sketch)


def _judged(subject: Subject, race: Race, remark: str | None, confidence: float) -> Verdict:
    """Weigh all readings against the reference."""
    found, best = race.found, race.best
    shifted = scanned(race, best)
    odds = weighed(race, shifted)
    order = np.argsort(-odds.shares, kind="stable").tolist()
    ranked = tuple(
        Ranked(
            members=found[place].members,
            probability=float(odds.shares[place]),
            evidence=lines(race, place, subject.declared),
        )
        for place in order
    )
    wants = wanting(race, shifted) + ((remark,) if remark else ())
    if odds.related[best] >= confidence and odds.margin < CLAIM_MARGIN:
        wants += (f"more records: {ranked[1].label} fits only {np.exp(odds.margin):,.0f} times worse",)
    status: Status = "ambiguous"
    if odds.unrelated + odds.shifted > 0.5 or race.fits[best].total < 0.0:
        # Nothing fits the reference better than chance, or only after a shift.
        status = "unknown"
    elif not wants and odds.related[best] >= confidence and odds.hard[best] >= _MIN_HARD:
        status = "named"
    return Verdict(
        name=subject.name,
        status=status,
        candidates=ranked,
        none_probability=odds.none,
        settle=() if status == "named" else settle(wants, ranked, odds.none),
        records=len(subject),
        shift=_shift(race) if status == "unknown" else None,
        confidence=confidence,
    )


def _shift(race: Race) -> Shift | None:
    """Find the plainest candidate under which the records fit after a shift, None if there is none."""
    plain = sorted(range(len(race.found)), key=lambda place: race.found[place].members[0].plainness)[:_SHIFT_SOURCES]
    scans = [scanned(race, place) for place in plain]
    most = max(one.total for one in scans)
    for place, shifted in zip(plain, scans, strict=True):
        # Chance is another one about every candidate: totals are not told apart closer than that.
        if shifted.total >= max(MIN_EVIDENCE, 0.8 * most) and shifted.extent_m <= PINNED_M:
            return shift_of(race.found[place], shifted)
    return None
