"""The slow way to volume and closedness: edges in a dictionary, tetrahedra one by one in fractions."""

from collections import Counter
from fractions import Fraction


def is_closed(shells):
    """Faces are lists of rings of vertex numbers; every edge must be passed as often one way as the other."""
    passed = Counter()
    for face in shells:
        for ring in face:
            for one, other in zip(ring, ring[1:] + ring[:1], strict=True):
                if one != other:
                    passed[one, other] += 1
    return bool(passed) and all(passed[other, one] == count for (one, other), count in passed.items())


def volume(vertices, faces):
    """Signed volume of a closed shell, exact."""
    used = {number for face in faces for ring in face for number in ring}
    points = {number: tuple(Fraction(value) for value in vertices[number]) for number in used}
    total = Fraction(0)
    for face in faces:
        for ring in face:
            (ax, ay, az) = points[ring[0]]
            for i in range(1, len(ring) - 1):
                (bx, by, bz), (cx, cy, cz) = points[ring[i]], points[ring[i + 1]]
                total += ax * (by * cz - bz * cy) + ay * (bz * cx - bx * cz) + az * (bx * cy - by * cx)
    return float(total / 6)
