"""Chainages the slow way: piece by piece, post by post, one record at a time."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from pyproj import Geod

from tests.reference.crs_chainage import walk

if TYPE_CHECKING:
    from collections.abc import Sequence

    Line = Sequence[tuple[float, float]]

_GEOD = Geod(ellps="WGS84")


def length_m(line: Line) -> float:
    return sum(_GEOD.inv(*a, *b)[2] for a, b in itertools.pairwise(line))


def on_pieces(pieces: Sequence[tuple[float, float, Line]], chainage_m: float) -> list[tuple[float, float]]:
    """All places that bear a chainage, of pieces (from, to, line)."""
    places = []
    for start, end, line in pieces:
        if min(start, end) <= chainage_m <= max(start, end):
            share = (chainage_m - start) / (end - start)
            found = walk(line, min(share * length_m(line), length_m(line) * (1 - 1e-15)))
            if found is not None:
                places.append(found)
    return places


def between_posts(posts: Sequence[tuple[float, float]], total_m: float, chainage_m: float) -> float | None:
    """Metres along a line at a chainage, from posts (metres along, chainage) that rise; None beyond the ends."""
    if chainage_m <= posts[0][1]:
        along = posts[0][0] - (posts[0][1] - chainage_m)
    elif chainage_m >= posts[-1][1]:
        along = posts[-1][0] + (chainage_m - posts[-1][1])
    else:
        for (m_a, c_a), (m_b, c_b) in itertools.pairwise(posts):
            if c_a <= chainage_m <= c_b:
                along = m_a + (m_b - m_a) * (chainage_m - c_a) / (c_b - c_a)
    return along if 0 <= along <= total_m else None
