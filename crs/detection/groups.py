"""`crs.detect_groups`: files whose rows, sources or regions are in different definitions."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from crs.coordinates import Fields
from crs.decode import is_missing
from crs.detection.candidates import Reading, read_as, readings
from crs.detection.density import Blur
from crs.detection.expectation import Evidence, Shares, within_groups
from crs.detection.judge import given, judge, prepared
from crs.detection.mixture import Component, Mixture
from crs.detection.parts import LEAST_SHARE, Parts, find_parts, weigh
from crs.detection.subject import Subject, region_of, subject_of
from crs.errors import DefinitionError, LengthMismatchError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    from crs.coordinates import Coordinates, FloatArray, ObjectArray, Positioned
    from crs.definition import PositionDefinition
    from crs.detection.evidence import Reference

__all__ = ["detect_groups"]

#: A row is of a component from this probability on.
_ROW_CONFIDENCE = 0.95
#: Which readings mix is found on so many rows, and so many of one group at least.
_SAMPLE, _OF_GROUP = 3000, 12
#: A group mixes where that makes it so much more likely, in log-likelihood, and so many rows are of another part.
_MIXED_GAIN, _MIXED_ROWS = 8.0, 3.0
#: Neighbours share their errors: what is resampled within a group are squares of this side.
_BLOCK_M, _DRAWS, _MOST_RESAMPLED = 250.0, 100, 5000


def detect_groups(
    frame: Positioned | Coordinates | tuple[ArrayLike, ArrayLike],
    groups: ArrayLike | None = None,
    *,
    reference: Positioned,
    area: object = None,
    candidates: Iterable[object] | None = None,
    confidence: float = 0.99,
) -> Mixture:
    """Name the definitions of a file that mixes several, group by group, or say why the data cannot tell.

    Parameters
    ----------
    frame : Positioned, Fields, Shapes or tuple of array_like
        The positions as for `crs.detect`, two columns in either order; of geometries, every vertex is a row.
    groups : array_like, optional
        Label of each row, shape (n,): its source, day or region. Rows of one label are taken to be in one definition
        unless they say otherwise; missing labels are one group. Without labels every row is judged by itself.
    reference : Positioned
        A layer in WGS 84 longitude and latitude of the same kind of entity, whose positions are right.
    area : tuple of float, shapely geometry or Positioned, optional
        Where the records should be. The surroundings of the reference if left out.
    candidates : iterable, optional
        Definitions that enter the race beside the built-in ones.
    confidence : float
        Probability that naming a component or a group takes; a row takes 0.95.

    Returns
    -------
    Mixture
        Components with weights and verdicts; probabilities and status by group and by row.

    Raises
    ------
    DefinitionError
        If the positions are not two columns or geometries, or the confidence is no such probability.
    LengthMismatchError
        If there is not one label a row.
    ReferenceNotHarmonisedError
        If the reference is not in longitude and latitude, or is empty.
    """
    if not 0.5 < confidence < 1.0:
        raise DefinitionError(f"confidence {confidence!r} must be a probability above 0.5 and below 1, such as 0.99")
    known = prepared(reference)
    subject = subject_of(frame, region_of(area, known.bounds))
    fields = Fields(tuple(np.asarray(column[:]) for column in subject.fields.columns))
    labels, owner = _labelled(groups, len(fields))
    return _Case(subject, fields, labels, owner, known, given(candidates), confidence).solve()


def _labelled(groups: ArrayLike | None, rows: int) -> tuple[tuple[object, ...], NDArray[np.int64]]:
    """Give the groups numbers, in the order in which they come."""
    if groups is None:
        return (), np.arange(rows)
    values = np.asarray(groups)
    if values.shape != (rows,):
        raise LengthMismatchError(f"{rows} rows but groups has shape {values.shape}; give one label a row")
    first: dict[object, int] = {}
    owner = [first.setdefault(None if is_missing(value) else value, len(first)) for value in values.tolist()]
    return tuple(first), np.array(owner, dtype=np.int64)


@dataclasses.dataclass(frozen=True, eq=False)
class _Case:
    """A file, its groups, and what it is held against."""

    subject: Subject
    fields: Fields
    labels: tuple[object, ...]
    owner: NDArray[np.int64]
    known: Reference
    extra: tuple[PositionDefinition, ...]
    confidence: float

    @property
    def single(self) -> bool:
        return not self.labels

    def solve(self) -> Mixture:
        """Find the parts on a sample, then judge all groups and rows by them."""
        blur, area = Blur(self.known), self.subject.region.box
        counts = self._counts()
        rows = self._sample(counts)
        if not len(rows):
            return self._mixture((), np.zeros((len(self.fields), 0)), None)
        _, owner = np.unique(self.owner[rows], return_inverse=True)
        tried = readings(self._taken(rows), area, self.extra, least=LEAST_SHARE)
        parts = find_parts(blur, tried, owner.ravel(), single=self.single)
        if not parts.found:
            return self._mixture((), np.zeros((len(self.fields), 0)), None)
        lead = tuple(one.members[0] for one in parts.found)
        found = tuple(
            dataclasses.replace(one, members=part.members)
            for one, part in zip(read_as(self.fields, lead, area), parts.found, strict=True)
        )
        evidence = weigh(blur, found, self.owner, counts, single=self.single)
        return self._mixture(found, *self._judged(found, evidence, parts))

    def _taken(self, rows: NDArray[np.int64]) -> Fields:
        return Fields(tuple(column[rows] for column in self.fields.columns))

    def _counts(self) -> FloatArray:
        """Count each position of a group once, and what is missing never."""
        seen: set[tuple[object, ...]] = set()
        counts = np.zeros(len(self.fields))
        owners = np.zeros(len(self.fields), dtype=np.int64) if self.single else self.owner
        columns = (column.tolist() for column in self.fields.columns)
        for row, said in enumerate(zip(owners.tolist(), *columns, strict=True)):
            if said not in seen and not any(map(is_missing, said[1:])):
                seen.add(said)
                counts[row] = 1.0
        return counts

    def _sample(self, counts: FloatArray) -> NDArray[np.int64]:
        """Draw rows that count, evenly from the groups."""
        draw = np.random.default_rng(0)
        rows = draw.permutation(np.flatnonzero(counts))
        if self.single:
            return np.sort(rows[:_SAMPLE])
        kept = np.flatnonzero(draw.permutation(len(self.labels)) < _SAMPLE // _OF_GROUP)
        rows = rows[np.isin(self.owner[rows], kept)]
        order = np.argsort(self.owner[rows], kind="stable")
        ordered = self.owner[rows][order]
        rank = np.arange(len(rows)) - np.searchsorted(ordered, ordered)
        return np.sort(rows[order][rank < max(_OF_GROUP, _SAMPLE // max(1, len(kept)))])

    def _judged(
        self, found: tuple[Reading, ...], evidence: Evidence, parts: Parts
    ) -> tuple[FloatArray, tuple[FloatArray, NDArray[np.bool_]] | None]:
        """Return probabilities by row, and unless rows are groups those by group and which of them mix."""
        shares = parts.row_shares
        if self.single:
            joint = shares.rows(evidence) * shares.weights[:, None]
            total = joint.sum(axis=0)
            rows = np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)
            rows[-1, total == 0] = 1.0
            return rows.T, None
        by_group = self._resampled(found, evidence, parts.shares)
        weights, gain = within_groups(evidence, shares)
        size = np.bincount(self.owner, evidence.counts, minlength=evidence.groups)
        second = np.sort(weights[:-1], axis=0)[-2] * size if len(found) > 1 else np.zeros(evidence.groups)
        mixed = (gain > _MIXED_GAIN) & (second >= _MIXED_ROWS)
        rows = by_group[:, self.owner]
        inside = mixed[self.owner]
        joint = (weights[:, self.owner] * shares.rows(evidence))[:, inside]
        rows[:, inside] = joint / joint.sum(axis=0)
        return rows.T, (by_group.T, mixed)

    def _resampled(self, found: tuple[Reading, ...], evidence: Evidence, shares: Shares) -> FloatArray:
        """Average the probability of each reading by group over resamplings of the group's squares."""
        with np.errstate(divide="ignore"):
            prior = np.log(shares.weights)
        logs = shares.groups(evidence)
        joint = logs + prior[:, None]
        probable: FloatArray = np.exp(joint - np.logaddexp.reduce(joint, axis=0))
        if evidence.groups > _MOST_RESAMPLED:
            return probable
        each = np.log(shares.rows(evidence)) * evidence.counts
        lon = np.choose(probable[:-1].argmax(axis=0)[self.owner], [one.lon for one in found])
        lat = np.choose(probable[:-1].argmax(axis=0)[self.owner], [one.lat for one in found])
        x_m, y_m = self.known.plane.forward(lon, lat)
        squares = np.nan_to_num(np.floor(np.stack([x_m, y_m]) / _BLOCK_M), nan=1e9)
        keys = np.column_stack([self.owner, squares.T])[evidence.counts > 0]
        unique, block = np.unique(keys, axis=0, return_inverse=True)
        sums = np.stack([np.bincount(block.ravel(), one[evidence.counts > 0], len(unique)) for one in each])
        first = np.searchsorted(unique[:, 0], np.arange(evidence.groups + 1))
        draw = np.random.default_rng(0)
        for group in np.flatnonzero(np.diff(first) > 1):
            own = sums[:, first[group] : first[group + 1]]
            count = own.shape[1]
            drawn = draw.multinomial(count, np.full(count, 1.0 / count), size=_DRAWS)
            totals = own @ drawn.T + prior[:, None]
            probable[:, group] = np.exp(totals - np.logaddexp.reduce(totals, axis=0)).mean(axis=1)
        return probable

    def _mixture(
        self,
        found: tuple[Reading, ...],
        rows: FloatArray,
        groups: tuple[FloatArray, NDArray[np.bool_]] | None,
    ) -> Mixture:
        """Name the components from their own rows, and write down what belongs to which."""
        if not found:
            rows = np.ones((len(self.fields), 1))
            groups = np.ones((len(self.labels), 1)), np.zeros(len(self.labels), dtype=bool)
        missing = np.array([any(map(is_missing, said)) for said in zip(*self._lists(), strict=True)], dtype=bool)
        rows = np.where(missing[:, None], np.nan, rows)
        chosen = np.where(np.nan_to_num(rows[:, :-1]).max(axis=1, initial=0.0) >= _ROW_CONFIDENCE, 0, -1)
        if found:
            chosen = np.where(chosen == 0, np.nan_to_num(rows[:, :-1]).argmax(axis=1), -1)
        components = tuple(
            self._component(one, float(np.nanmean(rows[:, place])), np.flatnonzero(chosen == place))
            for place, one in enumerate(found)
        )
        named = np.array([one.is_named for one in components] + [False])
        chosen = np.where(named[chosen], chosen, -1)
        by_group, mixed = (rows[:0], np.zeros(0, dtype=bool)) if groups is None else groups
        status = self._status(by_group, mixed, named)
        if not self.single:
            chosen[np.isin(status, ["ambiguous", "unknown"])[self.owner]] = -1
        return Mixture(
            name=self.subject.name,
            components=components,
            labels=self.labels,
            group_of_row=self.owner,
            group_probabilities=by_group,
            group_status=status,
            row_probabilities=rows,
            row_component=chosen,
            columns=self.subject.columns,
            confidence=self.confidence,
            row_confidence=_ROW_CONFIDENCE,
            settle=_settle(components, float((chosen < 0).mean()) if len(chosen) else 0.0, single=self.single),
        )

    def _lists(self) -> list[list[object]]:
        return [column.tolist() for column in self.fields.columns]

    def _component(self, reading: Reading, weight: float, rows: NDArray[np.int64]) -> Component:
        """Judge the rows of a part by themselves."""
        own = subject_of(self._taken(rows), self.subject.region)
        own = dataclasses.replace(own, name=self.subject.name, columns=self.subject.columns)
        verdict = judge(own, self.known, extra=self.extra, confidence=self.confidence)
        return Component(members=reading.members, weight=weight, verdict=verdict)

    def _status(self, by_group: FloatArray, mixed: NDArray[np.bool_], named: NDArray[np.bool_]) -> ObjectArray:
        """Say of each group what it is."""
        best = by_group.argmax(axis=1)
        sure = by_group.max(axis=1, initial=0.0) >= self.confidence
        none = best == by_group.shape[1] - 1
        return np.select(
            [mixed, sure & none, sure & named[best]], ["mixed", "unknown", "named"], default="ambiguous"
        ).astype(object)


def _settle(components: tuple[Component, ...], ambiguous: float, *, single: bool) -> tuple[str, ...]:
    """Say what would settle what is open."""
    if not components:
        return ("a reference of the same kind of entity, or the definition, shift or local grid of the file",)
    told = [f"{one.label}: {text}" for one in components if not one.is_named for text in one.verdict.settle]
    if ambiguous and single and len(components) > 1:
        told.append("groups= (source, day, region): rows of one group decide together what one row cannot")
    elif ambiguous and not told:
        told.append("more rows of the ambiguous groups, from more places")
    return tuple(told)
