"""Angles as IFC writes them: whole degrees, minutes, seconds and millionths of a second, all of one sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crs.engineering.errors import GeoreferenceError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from crs.coordinates import FloatArray

__all__ = ["compound_from_degrees", "degrees_from_compound"]

_MICROSECONDS = np.array([3_600_000_000, 60_000_000, 1_000_000, 1], dtype=np.int64)
_LIMITS = np.array([360, 59, 59, 999_999], dtype=np.int64)


def degrees_from_compound(parts: ArrayLike) -> FloatArray:
    """Turn an IfcCompoundPlaneAngleMeasure into degrees.

    Parameters
    ----------
    parts : array_like of int
        Degrees, minutes, seconds and, if written, millionths of a second: shape (3,) or (4,), or (n, 3) or (n, 4).

    Returns
    -------
    numpy.ndarray
        Degrees, shape () or (n,).

    Raises
    ------
    GeoreferenceError
        If signs are mixed, a part is out of range or not whole, or there are not three or four of them.

    References
    ----------
    ISO 16739-1 (IFC4), IfcCompoundPlaneAngleMeasure, rules MinutesInRange, SecondsInRange, MicrosecondsInRange and
    ConsistentSign.

    Examples
    --------
    >>> round(float(degrees_from_compound((-33, -51, -35, -900000))), 9)
    -33.859972222
    """
    given = np.asarray(parts)
    if given.ndim not in {1, 2} or given.shape[-1] not in {3, 4}:
        raise GeoreferenceError(
            f"an angle of IfcSite has 3 or 4 parts, found shape {given.shape}; "
            "write (degrees, minutes, seconds[, millionths of a second])"
        )
    whole = given.astype(np.int64) if given.dtype.kind in "iuf" and np.isfinite(given).all() else None
    if whole is None or (whole != given).any():
        raise GeoreferenceError(f"an angle of IfcSite has whole parts, found {given.tolist()}")
    rows = np.atleast_2d(whole)
    mixed = (rows > 0).any(axis=1) & (rows < 0).any(axis=1)
    wide = (np.abs(rows) > _LIMITS[: rows.shape[1]]).any(axis=1)
    for wrong, why in (
        (mixed, "mixes signs: all parts of a southern or western angle are negative or zero"),
        (wide, "has minutes or seconds beyond 59, or millionths beyond 999999"),
    ):
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise GeoreferenceError(f"the angle {tuple(rows[row].tolist())} of IfcSite {why}")
    total = rows @ _MICROSECONDS[: rows.shape[1]] / float(_MICROSECONDS[0])
    return np.asarray(total.reshape(whole.shape[:-1]), dtype=np.float64)


def compound_from_degrees(degrees: float) -> tuple[int, int, int, int]:
    """Write degrees as an IfcCompoundPlaneAngleMeasure.

    Parameters
    ----------
    degrees : float
        Degrees, finite.

    Returns
    -------
    tuple of int
        Degrees, minutes, seconds and millionths of a second, rounded to these (0.03 mm on the ground), of one sign.

    Raises
    ------
    GeoreferenceError
        If it is not a finite number.

    Examples
    --------
    >>> compound_from_degrees(-33.8599722222)
    (-33, -51, -35, -900000)
    """
    if not np.isfinite(degrees):
        raise GeoreferenceError(f"{degrees!r} degrees cannot be written as an angle of IfcSite")
    left = round(abs(degrees) * 3_600_000_000)
    sign = -1 if degrees < 0 else 1
    parts = []
    for worth in _MICROSECONDS.tolist():
        whole, left = divmod(left, worth)
        parts.append(sign * whole)
    return parts[0], parts[1], parts[2], parts[3]
