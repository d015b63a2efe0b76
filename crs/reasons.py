"""Why a record has no position: the codes that stand before the colon of every reason.

A reason is text, "code: detail". The code is one of this table, for counting and for programs; the detail names the
value and what to do, for people.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["REASON_CODES", "reason_code"]

#: Code to what it says; `docs/reference/reason-codes.md` is this table with remedies, and a test holds them equal.
REASON_CODES: Mapping[str, str] = MappingProxyType(
    {
        "missing": "A part of the position is empty.",
        "unreadable": "A part of the position is not written in the notation that is declared.",
        "ambiguous_number": "A comma may be a decimal sign or part thousands, and nothing tells which.",
        "sentinel": "The numbers stand for a missing value: -999, 9999, 99.9999 and their like.",
        "null_island": "Both numbers are exactly zero: a default, not a place.",
        "stray_vertex": "One vertex of the line lies far off it, as if a number had lost digits.",
        "outside_area": "The position lies outside the area in which its definition may be used.",
        "unknown_key": "The id, name or address is not in the reference.",
        "ambiguous_reference": "The id stands on several rows of the reference, or its line in separate parts.",
        "reference_unplaced": "The row of the reference has no position itself.",
        "not_valid": "The reference knows the id, but not at the time of the record.",
        "beyond_end": "The chainage lies before the start or beyond the end of the line.",
        "between_pieces": "The chainage lies in a gap between two pieces of the line.",
        "ambiguous_chainage": "Two pieces of the line bear the chainage.",
        "bad_calibration": "The calibration of the line contradicts itself or lies too far from it.",
        "no_crossing": "The two streets do not meet.",
        "ambiguous_crossing": "The two streets meet in several places.",
    }
)


def reason_code(reason: object) -> str | None:
    """Return the code of a reason.

    Parameters
    ----------
    reason : str or None
        As in `Placed.reasons`.

    Returns
    -------
    str or None
        What stands before the colon; None where the record is placed.

    Examples
    --------
    >>> reason_code("null_island: (0, 0) is a default")
    'null_island'
    """
    return reason.partition(":")[0] if isinstance(reason, str) else None
