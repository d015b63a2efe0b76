"""Geohash: bits of longitude and latitude in turn, five to a character."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crs.grid_codes.outlines import Outlines, boxes, by_length, digits_of, empty_outlines

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["decode"]

_ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz"
#: 20 characters are 50 bits an axis, which a double still holds exactly; 12 are already centimetres.
_LONGEST = 20


def decode(codes: Sequence[str]) -> Outlines:
    """Decode geohashes.

    Parameters
    ----------
    codes : sequence of str
        In either case, 1 to 20 characters.

    Returns
    -------
    Outlines
        Boxes in longitude and latitude.

    References
    ----------
    G. Niemeyer (2008), geohash.org, in the public domain.

    Examples
    --------
    >>> decode(["ezs42"]).geometry[0].bounds
    (-5.625, 42.5830078125, -5.5810546875, 42.626953125)
    """
    outlines = empty_outlines(len(codes))
    lowered = [code.lower() for code in codes]
    for length, rows, texts in by_length(lowered, np.arange(len(codes))):
        if not 1 <= length <= _LONGEST:
            outlines.reasons[rows] = f"a geohash has 1 to {_LONGEST} characters, this has {length}"
            continue
        digits = digits_of(texts, _ALPHABET)
        good = (digits >= 0).all(axis=1)
        outlines.reasons[rows[~good]] = f"a geohash is written in {_ALPHABET}, so without a, i, l and o"
        digits = digits[good]
        axes = [np.zeros(len(digits), dtype=np.int64), np.zeros(len(digits), dtype=np.int64)]
        for place in range(5 * length):
            bit = digits[:, place // 5] >> (4 - place % 5) & 1
            axes[place % 2] = axes[place % 2] << 1 | bit
        # Longitude has the first bit, and so one more where their number is odd.
        width, height = 360.0 / 2 ** ((5 * length + 1) // 2), 180.0 / 2 ** (5 * length // 2)
        corner = axes[0] * width - 180.0, axes[1] * height - 90.0
        boxes(outlines, rows[good], west_south=corner, size_deg=(width, height))
    return outlines
