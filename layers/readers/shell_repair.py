"""One faulty shell, mended where that takes no guess: doubled faces dropped, faces turned to look outside."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["Face", "Mended", "mend_shell"]

#: Numbers of the vertices of each ring: the outer one, then holes.
Face = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Mended:
    """A shell after mending.

    Parameters
    ----------
    faces : list of Face
        Looking outside, if it is closed.
    volume : float
        In the cube of the points' unit; NaN where it is not closed.
    vectors : numpy.ndarray of float64, shape (faces, 3)
        Area of each face in the direction in which it looks.
    turned, dropped : int
        How many faces were turned, and left out.
    """

    faces: list[Face]
    volume: float
    vectors: NDArray[np.float64]
    turned: int
    dropped: int


def _edges(face: Face) -> list[tuple[int, int]]:
    return [
        (one, other) for ring in face for one, other in zip(ring, (*ring[1:], ring[0]), strict=True) if one != other
    ]


def _by_edge(faces: Sequence[Face]) -> dict[tuple[int, int], list[tuple[int, bool]]]:
    """List faces by edge, and whether each passes it upward."""
    found = defaultdict(list)
    for number, face in enumerate(faces):
        for one, other in _edges(face):
            found[min(one, other), max(one, other)].append((number, one < other))
    return found


def _is_closed(faces: Sequence[Face]) -> bool:
    """Say whether every edge is passed as often one way as the other."""
    sides = _by_edge(faces).values()
    return bool(faces) and all(2 * sum(up for _, up in passing) == len(passing) for passing in sides)


def _turn(face: Face) -> Face:
    return tuple(ring[::-1] for ring in face)


def _without_doubles(faces: list[Face]) -> tuple[list[Face], int]:
    """Drop degenerate faces and keep one of coinciding ones, unless that opens the shell."""
    whole = [face for face in faces if len(set(face[0])) >= 3]
    seen: dict[frozenset[frozenset[int]], Face] = {}
    for face in whole:
        seen.setdefault(frozenset(frozenset(edge) for edge in _edges(face)), face)
    single = list(seen.values())
    if len(single) < len(whole) and any(len(passing) % 2 for passing in _by_edge(single).values()):
        single = whole
    return single, len(faces) - len(single)


def _parts(faces: Sequence[Face]) -> tuple[list[list[int]], set[int]] | None:
    """Find connected parts and the fewest faces to turn in each, so that neighbours agree; None if none would do."""
    sides = _by_edge(faces)
    beside: dict[int, list[tuple[int, bool]]] = defaultdict(list)
    for passing in sides.values():
        if len(passing) == 2:
            (one, up), (other, also_up) = passing
            beside[one].append((other, up == also_up))
            beside[other].append((one, up == also_up))
    turned: dict[int, bool] = {}
    parts, flips = [], set()
    for start in range(len(faces)):
        if start in turned:
            continue
        turned[start], waiting, part = False, deque([start]), []
        while waiting:
            current = waiting.popleft()
            part.append(current)
            for neighbour, against in beside[current]:
                wanted = turned[current] != against
                if neighbour not in turned:
                    turned[neighbour] = wanted
                    waiting.append(neighbour)
                elif turned[neighbour] != wanted:
                    return None
        against_most = {face for face in part if turned[face]}
        flips |= against_most if 2 * len(against_most) <= len(part) else set(part) - against_most
        parts.append(part)
    return parts, flips


def _fans(faces: Sequence[Face], points: Mapping[int, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Cut rings into triangles from their first points; those of holes count negative and cancel out."""
    triangles = [(ring[0], ring[i], ring[i + 1]) for face in faces for ring in face for i in range(1, len(ring) - 1)]
    if not triangles:
        return np.empty((0, 3, 3))
    return np.array([[points[vertex] for vertex in triangle] for triangle in triangles])


def _volume(faces: Sequence[Face], points: Mapping[int, NDArray[np.float64]]) -> float:
    fans = _fans(faces, points)
    return float((fans[:, 0] * np.cross(fans[:, 1], fans[:, 2])).sum() / 6)


def _is_inside(point: NDArray[np.float64], faces: Sequence[Face], points: Mapping[int, NDArray[np.float64]]) -> bool:
    """Say whether a point lies in a closed shell: the solid angle under which it sees it (Van Oosterom, 1983)."""
    rays = _fans(faces, points) - point
    long = np.linalg.norm(rays, axis=2)
    a, b, c = rays[:, 0], rays[:, 1], rays[:, 2]
    above = (a * np.cross(b, c)).sum(axis=1)
    below = (
        long.prod(axis=1)
        + (a * b).sum(axis=1) * long[:, 2]
        + (b * c).sum(axis=1) * long[:, 0]
        + (c * a).sum(axis=1) * long[:, 1]
    )
    return bool(abs(np.arctan2(above, below).sum()) > np.pi)


def _look_outside(
    faces: list[Face], parts: Sequence[list[int]], points: Mapping[int, NDArray[np.float64]]
) -> list[Face]:
    """Turn bodies that hold less than nothing, with all in them; what does so within another body is a hollow."""
    bodies = [[faces[i] for i in part] for part in parts]
    inside_out = [number for number, body in enumerate(bodies) if _volume(body, points) < 0]
    for number in inside_out:
        others = range(len(bodies))
        corner = points[bodies[number][0][0][0]]
        if any(_is_inside(corner, bodies[k], points) for k in others if k != number):
            continue
        within = [k for k in others if k != number and _is_inside(points[bodies[k][0][0][0]], bodies[number], points)]
        for k in (number, *within):
            for i in parts[k]:
                faces[i] = _turn(faces[i])
    return faces


def mend_shell(faces: Sequence[Face], points: Mapping[int, NDArray[np.float64]]) -> Mended:
    """Mend one shell and measure it.

    Parameters
    ----------
    faces : sequence of Face
        By numbers of vertices.
    points : Mapping of int to numpy.ndarray of float64, shape (3,)
        The vertices.

    Returns
    -------
    Mended
        With faces that have no area or are there twice dropped, and turned so that all look outside; where the shell
        does not close even so, it has no volume.

    Examples
    --------
    >>> corners = {i: np.array(p, dtype=float) for i, p in enumerate([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)])}
    >>> mended = mend_shell([((0, 2, 1),), ((0, 1, 3),), ((1, 2, 3),), ((0, 2, 3),)], corners)
    >>> round(mended.volume, 6), mended.turned
    (0.166667, 1)
    """
    single, dropped = _without_doubles(list(faces))
    turned = 0
    if (found := _parts(single)) is not None:
        parts, flips = found
        straight = [_turn(face) if i in flips else face for i, face in enumerate(single)]
        if _is_closed(straight):
            straight = _look_outside(straight, parts, points)
            turned = sum(one != other for one, other in zip(straight, single, strict=True))
            single = straight
    closed = _is_closed(single)
    if not closed:
        single, dropped, turned = list(faces), 0, 0
    return Mended(
        faces=single,
        volume=_volume(single, points) if closed else float("nan"),
        vectors=np.array([_vector(face, points) for face in single]).reshape(-1, 3),
        turned=turned,
        dropped=dropped,
    )


def _vector(face: Face, points: Mapping[int, NDArray[np.float64]]) -> NDArray[np.float64]:
    fan = _fans([face], points)
    vector: NDArray[np.float64] = np.cross(fan[:, 1] - fan[:, 0], fan[:, 2] - fan[:, 0]).sum(axis=0) / 2
    return vector
