"""The parts of a file whose rows are in different definitions: which readings mix, found on a sample of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crs.detection.density import Blur
from crs.detection.expectation import SIGMAS_M, Evidence, Shares, estimate, select

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.coordinates import FloatArray
    from crs.detection.candidates import Reading
    from crs.detection.evidence import Reference

__all__ = ["LEAST_SHARE", "Parts", "find_parts", "mixing_remark", "weigh"]

#: A reading that puts fewer of the rows into the area is no part of the file.
LEAST_SHARE = 0.04
#: A smaller part is not told of in a verdict: strays and an incomplete reference make as much.
_REMARKABLE, _REMARKABLE_ROWS = 0.05, 8.0
#: Neighbourhood: what a reading gains there by chance.
_MOVES_M = tuple(
    (away_m * float(np.cos(angle)), away_m * float(np.sin(angle)))
    for away_m, angle in zip((150.0, 300.0) * 4, np.arange(8) * np.pi / 4.0, strict=True)
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Parts:
    """What mixes in a file.

    Parameters
    ----------
    found : tuple of Reading
        Of the sample, the readings that mix; empty where chance explains the sample as well.
    shares : Shares
        How groups mix.
    row_shares : Shares
        How single rows mix, whatever their groups.
    """

    found: tuple[Reading, ...]
    shares: Shares
    row_shares: Shares


def weigh(
    blur: Blur, found: tuple[Reading, ...], owner: NDArray[np.int64], counts: FloatArray, *, single: bool
) -> Evidence:
    """Hold rows against the reference under several readings.

    Parameters
    ----------
    blur : Blur
        The reference.
    found : tuple of Reading
        Of the rows.
    owner : numpy.ndarray of int
        Group of each row.
    counts : numpy.ndarray
        What each row counts.
    single : bool
        True where every row is its own group.

    Returns
    -------
    Evidence
        Of all rows.
    """
    ratios = [blur.ratios(one.lon, one.lat, SIGMAS_M) for one in found]
    return Evidence(np.stack(ratios) if ratios else np.zeros((0, len(SIGMAS_M), len(owner))), owner, counts, single)


def find_parts(blur: Blur, tried: tuple[Reading, ...], owner: NDArray[np.int64], *, single: bool) -> Parts:
    """Find the readings that mix in rows which differ within their groups.

    Parameters
    ----------
    blur : Blur
        The reference.
    tried : tuple of Reading
        What the rows may mean.
    owner : numpy.ndarray of int
        Group of each row.
    single : bool
        True where every row is its own group.

    Returns
    -------
    Parts
        The greatest first.
    """
    rows = np.arange(len(owner))
    each = weigh(blur, tried, rows, np.ones(len(rows)), single=True)
    grouped = Evidence(each.ratios, owner, each.counts, single)
    apart_m = _apart_m(blur.reference, tried)

    def controls(place: int) -> FloatArray:
        """Move the rows of a reading about, in all directions."""
        lon, lat = tried[place].lon, tried[place].lat
        moves = [blur.ratios(lon, lat, SIGMAS_M, moved_m=move) for move in _MOVES_M]
        return np.stack(moves)

    chosen = [] if single else select(grouped, apart_m, [], controls)
    # A group may mix in itself: then its rows tell.
    chosen = select(each, apart_m, chosen, controls)
    order = np.argsort(-estimate(each.taken(chosen)).weights[:-1], kind="stable")
    chosen = [chosen[one] for one in order.tolist()]
    return Parts(
        found=tuple(tried[one] for one in chosen),
        shares=estimate(grouped.taken(chosen)),
        row_shares=estimate(each.taken(chosen)),
    )


def _apart_m(reference: Reference, found: tuple[Reading, ...]) -> FloatArray:
    """Return how far the rows lie apart under any two readings, by the median; inf where these share no row."""
    if not found:
        return np.zeros((0, 0))
    x_m, y_m = (np.stack(part) for part in zip(*(reference.plane.forward(a.lon, a.lat) for a in found), strict=True))
    apart = np.full((len(found), len(found)), np.inf)
    for one in range(len(found)):
        away_m = np.hypot(x_m - x_m[one], y_m - y_m[one])
        shared = np.isfinite(away_m).any(axis=1)
        apart[one, shared] = np.nanmedian(away_m[shared], axis=1)
    return apart


def mixing_remark(known: Reference, tried: tuple[Reading, ...]) -> str | None:
    """Say where one definition does not explain a file, but two or more do.

    Parameters
    ----------
    known : Reference
        Of the same kind of entity.
    tried : tuple of Reading
        What the rows may mean, those that only a few of the rows fit included.

    Returns
    -------
    str or None
        One line for people; None where one definition is enough, or none explains anything.
    """
    rows = len(tried[0].lon) if tried else 0
    parts = find_parts(Blur(known), tried, np.arange(rows), single=True)
    shares = parts.row_shares.weights[:-1]
    told = [
        f"{one.members[0].label} ({share:.0%})"
        for one, share in zip(parts.found, shares.tolist(), strict=True)
        if share >= _REMARKABLE and share * rows >= _REMARKABLE_ROWS
    ]
    if len(told) < 2:
        return None
    return (
        f"the rows seem to mix {', '.join(told[:-1])} and {told[-1]}: pass groups (their source, day or region) to "
        "crs.detect_groups"
    )
