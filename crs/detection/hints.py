"""Soft evidence: what something beside the reference says of each reading.

A source of hints looks at the file and at its readings and gives each reading a log-likelihood ratio, in a line that
people can read. Hints order candidates and enter their probabilities; a claim needs a reference all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs.detection.candidates import Reading
from crs.detection.subject import Subject

if TYPE_CHECKING:
    from crs.coordinates import FloatArray

__all__ = ["Hint", "HintSource", "containment", "gather", "soft"]

#: Share of records that may lie outside the administrative area that they belong to.
_STRAY = 0.05
#: The most that one source of hints says for one reading against another, natural logarithm: 1 in 150.
_GREATEST = 5.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Hint:
    """What one source says of each reading.

    Parameters
    ----------
    name : str
        Of the source: "containment", "column names", "smoothness".
    scores : numpy.ndarray
        Log-likelihood ratio of each reading to a common background, shape (number of readings,); finite.
    lines : tuple of str
        One for people per reading; "" where there is nothing to say.
    """

    name: str
    scores: FloatArray
    lines: tuple[str, ...]


HintSource = Callable[[Subject, tuple[Reading, ...]], Hint | None]


def gather(sources: tuple[HintSource, ...], subject: Subject, found: tuple[Reading, ...]) -> tuple[Hint, ...]:
    """Ask all sources.

    Parameters
    ----------
    sources : tuple of callable
        Each takes the subject and its readings and returns a `Hint`, or None where it has nothing to say.
    subject : Subject
        The file.
    found : tuple of Reading
        What it may mean.

    Returns
    -------
    tuple of Hint
        Their scores relative to the best reading, none below -5.
    """
    hints = [hint for hint in (source(subject, found) for source in sources) if hint is not None]
    return tuple(
        Hint(name=hint.name, scores=np.maximum(hint.scores - hint.scores.max(), -_GREATEST), lines=hint.lines)
        for hint in hints
    )


def soft(hints: tuple[Hint, ...], readings: int) -> FloatArray:
    """Add up what all sources say.

    Parameters
    ----------
    hints : tuple of Hint
        As gathered.
    readings : int
        How many there are.

    Returns
    -------
    numpy.ndarray
        Log-likelihood ratio of each reading, 0 at most, shape (readings,).
    """
    total = np.zeros(readings)
    for hint in hints:
        total += hint.scores
    return total


def containment(subject: Subject, found: tuple[Reading, ...]) -> Hint | None:
    """Say how many records each reading puts into the administrative area that was given.

    Parameters
    ----------
    subject : Subject
        The file.
    found : tuple of Reading
        What it may mean.

    Returns
    -------
    Hint or None
        None without polygons. A record outside counts as a stray with probability 0.05, against even odds by chance.

    Examples
    --------
    >>> from crs.detection.subject import region_of, subject_of
    >>> square = shapely.box(114.0, 22.5, 114.1, 22.6)
    >>> subject = subject_of(([114.05, 114.2], [22.55, 22.55]), region_of(square, None))
    >>> containment(subject, (Reading((), *map(np.asarray, subject.sample.columns)),)).lines
    ('1 of 2 records lie in the given area',)
    """
    polygons = subject.region.polygons
    if polygons is None:
        return None
    whole = shapely.union_all(polygons)
    shapely.prepare(whole)
    inside = [int(shapely.contains_xy(whole, one.lon, one.lat).sum()) for one in found]
    count = np.array(inside, dtype=np.float64)
    scores = count * np.log(2.0 * (1.0 - _STRAY)) + (len(subject) - count) * np.log(2.0 * _STRAY)
    lines = tuple(f"{number} of {len(subject)} records lie in the given area" for number in inside)
    return Hint(name="containment", scores=scores, lines=lines)
