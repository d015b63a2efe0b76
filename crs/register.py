"""Positions by id: a record says which station or district it is of, a register says where that stands, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crs.areas import point_of_area
from crs.coordinates import Shapes
from crs.indirect import RegisterOptions
from crs.keys import Matches, group_keys, match_keys
from crs.routes import Spans, find_spans
from crs.times import decode_times
from crs.uncertainty import combine_sigma

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.coordinates import FloatArray, ObjectArray, Positioned
    from crs.definition import PositionDefinition
    from crs.references import Reference

__all__ = ["place_by_register"]

_DAY_S = 86_400.0
#: A row holds until just before its end.
_INSTANT_S = 1e-6


def place_by_register(
    layer: Positioned, position: PositionDefinition, register: Reference
) -> tuple[Shapes, ObjectArray]:
    """Give each record the geometry of the register's row that it names.

    Parameters
    ----------
    layer : Positioned
        Its coordinates are one column: the ids.
    position : PositionDefinition
        Of kind "register".
    register : Reference
        Rows with an id, a geometry, and perhaps the time in which they hold.

    Returns
    -------
    shapes : Shapes
        Geometry and sigma of each record: the register's and the stated sigma of the record combined, and where a
        point stands for an area, that of being anywhere in it.
    reasons : numpy.ndarray
        None or text, shape (n,).
    """
    options = position.options if isinstance(position.options, RegisterOptions) else RegisterOptions()
    ids, column = layer.coordinates.columns[0], position.columns[0]  # type: ignore[union-attr]
    keys = register.column(str(position.key))
    if options.valid and options.time is not None:
        times = layer.column(options.time)
        matches = _match_in_time(ids, times, register, position=position, options=options)
    else:
        matches = match_keys(ids, keys, column=column, name=register.name, unplaced=register.unplaced)
    met = matches.rows >= 0
    used, place = np.unique(matches.rows[met], return_inverse=True)
    of_used, spread_m, reach_m = register.geometry[used], np.zeros(len(used)), np.full(len(used), np.nan)
    if options.support == "point":
        of_used, spread_m, reach_m = point_of_area(of_used)
    geometry, sigma_m, radius_m = np.full(len(ids), None, dtype=object), *np.full((2, len(ids)), np.nan)
    geometry[met] = of_used[place]
    sigma_m[met] = combine_sigma(register.sigma_m[used], position.sigma_m, spread_m)[place]
    radius_m[met] = reach_m[place]
    known_m = radius_m if np.isfinite(reach_m).any() else None
    ambiguous = None
    if register.ambiguous is not None:
        ambiguous = met & register.ambiguous[matches.rows]
    return Shapes(geometry, sigma_m, ambiguous, radius_m=known_m), matches.reasons


def _validity(register: Reference, options: RegisterOptions) -> tuple[FloatArray, FloatArray]:
    """Return from when and until when each row holds, seconds; without an end inf, unreadable NaN."""
    start, no_start, _ = decode_times(register.column(options.valid[0]), name=options.valid[0])
    end, no_end, is_date = decode_times(register.column(options.valid[1]), name=options.valid[1])
    start[[str(reason).startswith("missing") for reason in no_start]] = -np.inf
    end[[str(reason).startswith("missing") for reason in no_end]] = np.inf
    # Whoever writes a last day means all of it; a moment is the first at which the row no longer holds.
    return start, np.where(is_date & np.isfinite(end), end + _DAY_S, end) - _INSTANT_S


def _match_in_time(
    ids: NDArray[np.generic],
    times: NDArray[np.generic],
    register: Reference,
    *,
    position: PositionDefinition,
    options: RegisterOptions,
) -> Matches:
    """Find the row that bears each record's id and holds at its time."""
    column, name = position.columns[0], register.name
    groups = group_keys(ids, register.column(str(position.key)), column=column, name=name)
    moment, untimed, _ = decode_times(times, name=str(options.time))
    reasons = groups.reasons.copy()
    fill = (reasons == None) & (untimed != None)  # noqa: E711 (elementwise on object arrays)
    reasons[fill] = untimed[fill]
    start, end = _validity(register, options)
    rows = np.full(len(ids), -1, dtype=np.int64)
    # Times in which a row holds are spans of its id, as chainages are of a route.
    holds = np.flatnonzero((groups.of_row >= 0) & (start <= end))
    records = np.flatnonzero(reasons == None)  # noqa: E711
    ends = np.column_stack([start[holds], end[holds]])
    spans = Spans.of(groups.of_row[holds], holds, ends, np.zeros((len(holds), 2)))
    found = find_spans(spans, groups.of_record[records], moment[records], slack_m=np.zeros(len(records)))
    held = spans.line[found.span] if len(holds) else np.zeros(len(records), dtype=np.int64)
    unplaced = register.unplaced[held]
    good = (found.code == None) & ~unplaced  # noqa: E711
    rows[records[good]] = held[good]
    for place in np.flatnonzero(~good):
        record = records[place]
        shown = f"{column} {str(ids[record])[:40]!r}"
        if found.code[place] == "ambiguous_chainage":
            reasons[record] = f"ambiguous_reference: {shown} stands on several rows of {name} that hold at one time"
        elif found.code[place] is not None:
            reasons[record] = f"not_valid: {shown} is in {name}, but not at the {options.time} of the record"
        else:
            reasons[record] = f"reference_unplaced: {shown} of {name} has no position itself"
    return Matches(rows, reasons)
