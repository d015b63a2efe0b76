"""Positions along streets: a street's id and a chainage, measured on the ellipsoid along its line.

The chainage runs in the direction in which the reference line is drawn, unless pieces or posts say otherwise. A line
of several parts is joined where its parts follow one another; where they do not, the chainage has no meaning and the
record is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs.calibration import break_chains, calibrate
from crs.chainage import DIRECTIONS, SIDES, decode_chainage, decode_words
from crs.coordinates import FloatArray, ObjectArray, Shapes
from crs.decode import counts_of
from crs.encodings import decode_decimal
from crs.errors import PositionContradictionError
from crs.indirect import LinearOptions
from crs.keys import Groups, group_keys
from crs.routes import SUMMING_M, Lines, Spans, find_spans, measure_lines, measured_spans
from crs.uncertainty import combine_sigma
from crs.units import conversion_factor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.coordinates import Fields, Positioned
    from crs.decode import Decoded
    from crs.definition import PositionDefinition
    from crs.digits import DigitCounts
    from crs.references import Reference

__all__ = ["count_chainage", "place_along"]

_LINE_STRING = 1
#: What stands farther beside a street was not meant to be beside it, or not in metres.
_FARTHEST_BESIDE_M = 1000.0
#: 95 % of what is wrong by a normal error lies within this many sigma.
_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, eq=False)
class _Routes:
    """The routes that records ask for: their lines, their spans, and why some cannot be used."""

    lines: Lines | None
    spans: Spans
    faults: dict[int, str]
    sigma_m: FloatArray


def _joined(geometry: ObjectArray) -> ObjectArray:
    """Join the parts of lines that follow one another; what stays in parts becomes None."""
    lines = geometry.copy()
    parted = shapely.get_type_id(lines) != _LINE_STRING
    lines[parted] = shapely.line_merge(lines[parted], directed=True)
    lines[shapely.get_type_id(lines) != _LINE_STRING] = None
    return lines


def _base_chainages(
    streets: Reference, position: PositionDefinition, rows: NDArray[np.int64], lengths_m: FloatArray
) -> FloatArray:
    """Return the chainage at both ends of each row's line, NaN where nothing tells."""
    options = _options(position)
    if len(options.pieces) == 2:
        ends = [decode_chainage(streets.column(name)[rows], name=name, unit=position.unit) for name in options.pieces]
        return np.column_stack([end.values for end in ends])
    return np.column_stack([np.zeros(len(rows)), lengths_m])


def _in_order(
    streets: Reference, position: PositionDefinition, rows: NDArray[np.int64], group: NDArray[np.int64]
) -> tuple[NDArray[np.int64], set[int]]:
    """Return the order of rows by route and number, and the routes whose numbers are missing or repeated."""
    name = _options(position).pieces[0]
    number = decode_decimal(streets.column(name)[rows], name=name).values
    order = np.lexsort((number, group))
    same = (group[order][1:] == group[order][:-1]) & (number[order][1:] == number[order][:-1])
    return order, {int(route) for route in [*group[np.isnan(number)], *group[order][1:][same]]}


def _options(position: PositionDefinition) -> LinearOptions:
    return position.options if isinstance(position.options, LinearOptions) else LinearOptions()


def _measured_routes(streets: Reference, groups: Groups, *, unit: str) -> _Routes:
    """Take the routes that are asked for from the measures in the vertices of their lines, part by part."""
    rows = np.flatnonzero((groups.of_row >= 0) & ~streets.unplaced)
    parts, owner = shapely.get_parts(streets.geometry[rows], return_index=True)
    route = groups.of_row[rows][owner]
    sigma_m = np.zeros(groups.count)
    np.maximum.at(sigma_m, route, streets.sigma_m[rows][owner])
    faults: dict[int, str] = {}
    lines, spans = None, Spans.of(route[:0], route[:0], np.zeros((0, 2)), np.zeros((0, 2)))
    lined = shapely.get_type_id(parts) == _LINE_STRING
    if lined.any():
        parts, route = parts[lined], route[lined]
        lines = measure_lines(parts)
        measures = shapely.get_coordinates(parts, include_m=True)[:, -1] * conversion_factor(unit, "metre")
        spans = measured_spans(lines, measures, route)
    for number in set(range(groups.count)) - set(spans.route.tolist()):
        faults[number] = "bad_calibration: the vertices of its line in {name} have no measures"
    return _Routes(lines, spans, faults, sigma_m)


def _breaks(position: PositionDefinition, streets: Reference, groups: Groups) -> list[tuple[int, tuple[str, ...]]]:
    """Return the broken chains of the routes that are asked for."""
    equations = _options(position).equations
    names = np.array([street for street, _ in equations], dtype=object)
    known = group_keys(names, streets.column(str(position.key)), column="equations", name=streets.name)
    for street, reason in zip(names, known.reasons, strict=True):
        if reason is not None:
            raise PositionContradictionError(
                f"position.equations: {street!r} is no {position.key} of {streets.name}; write it as it stands there"
            )
    return [
        (int(route), texts) for route, (_, texts) in zip(groups.number(names), equations, strict=True) if route >= 0
    ]


def _recounted(
    spans: Spans,
    lines: Lines,
    streets: Reference,
    *,
    position: PositionDefinition,
    groups: Groups,
    posts: Reference | None,
) -> tuple[Spans, dict[int, str], FloatArray]:
    """Turn true metres into the numbers on the road: between posts, or from one broken chain to the next."""
    options = _options(position)
    if options.calibration is not None and posts is not None:
        return calibrate(spans, lines, posts, groups=groups, calibration=options.calibration)
    none = np.zeros(groups.count)
    breaks = _breaks(position, streets, groups) if options.equations else []
    return (*break_chains(spans, breaks, unit=position.unit), none) if breaks else (spans, {}, none)


def _build_routes(streets: Reference, position: PositionDefinition, groups: Groups, posts: Reference | None) -> _Routes:
    """Measure the routes that are asked for."""
    if _options(position).measures is not None:
        return _measured_routes(streets, groups, unit=str(_options(position).measures))
    pieces = _options(position).pieces
    rows = np.flatnonzero(groups.of_row >= 0)
    group = groups.of_row[rows]
    faults: dict[int, str] = {}
    if not pieces:
        several = np.flatnonzero(np.bincount(group, minlength=groups.count) > 1)
        faults |= dict.fromkeys(several.tolist(), "ambiguous_reference: it stands on several rows of {name}")
    unplaced = streets.unplaced[rows]
    lines = streets.geometry[rows]
    lines[unplaced] = None
    lines = _joined(lines)
    parted = shapely.is_missing(lines) & ~unplaced
    for bad, text in (
        (unplaced, "reference_unplaced: it has no position itself in {name}"),
        (parted, "ambiguous_reference: its line in {name} is in separate parts"),
    ):
        for route in np.unique(group[bad]).tolist():
            # One bad piece of many leaves a gap; where the order counts, all that follows is lost.
            if len(pieces) != 2 or (bad | unplaced | parted)[group == route].all():
                faults.setdefault(route, text)
    usable = ~shapely.is_missing(lines)
    rows, group, lines = rows[usable], group[usable], lines[usable]
    sigma_m = np.zeros(groups.count)
    np.maximum.at(sigma_m, group, streets.sigma_m[rows])
    empty = np.zeros(0, dtype=np.int64)
    if not len(rows):
        none = np.zeros((0, 2))
        return _Routes(None, Spans.of(empty, empty, none, none), faults, sigma_m)
    measured = measure_lines(lines)
    lengths_m = measured.lengths_m
    chainage = _base_chainages(streets, position, rows, lengths_m)
    if len(pieces) == 1:
        order, bad_routes = _in_order(streets, position, rows, group)
        faults |= dict.fromkeys(
            bad_routes, f"ambiguous_reference: {pieces[0]} of its pieces in {{name}} is missing or repeated"
        )
        ends = np.cumsum(lengths_m[order])
        starts = ends - lengths_m[order]
        first = np.searchsorted(group[order], group[order], side="left")
        chainage[order] = np.column_stack([starts - starts[first], ends - starts[first]])
    known = np.isfinite(chainage).all(axis=1)
    at = np.column_stack([np.zeros(len(rows)), lengths_m])
    spans = Spans.of(group[known], np.flatnonzero(known), chainage[known], at[known])
    spans, found, posts_m = _recounted(spans, measured, streets, position=position, groups=groups, posts=posts)
    faults |= {route: text for route, text in found.items() if route not in faults}
    sigma_m = combine_sigma(sigma_m, posts_m)
    for route in set(range(groups.count)) - set(spans.route.tolist()):
        faults.setdefault(route, "bad_calibration: nothing in {name} says where its chainage runs")
    return _Routes(measured, spans, faults, sigma_m)


def place_along(
    layer: Positioned, position: PositionDefinition, streets: Reference, *, posts: Reference | None = None
) -> tuple[Shapes, ObjectArray]:
    """Place each record on its street at its chainage, or beside it.

    Parameters
    ----------
    layer : Positioned
        Its coordinates are two columns, the street's id and the chainage; direction, offset and side are columns of
        its attributes.
    position : PositionDefinition
        Of kind "linear".
    streets : Reference
        The layer of lines.
    posts : Reference, optional
        Points of known chainage.

    Returns
    -------
    shapes : Shapes
        Points in WGS 84 longitude and latitude, and sigma: what is stated, the rounding of the chainage, and the
        street's own.
    reasons : numpy.ndarray
        None or text, shape (n,). A chainage beyond an end is refused, unless by less than what it is stated to be
        wrong by in 95 % of cases: then the record stands at the end.
    """
    fields: Fields = layer.coordinates  # type: ignore[assignment]
    ids, names = fields.columns[0], position.columns
    groups = group_keys(ids, streets.column(str(position.key)), column=names[0], name=streets.name)
    decoded = _read_chainage(fields, position)
    direction, right, beside = _beside(layer, _options(position))
    reasons = groups.reasons.copy()
    for found in (decoded.reasons, beside):
        fill = (reasons == None) & (found != None)  # noqa: E711 (elementwise on object arrays)
        reasons[fill] = found[fill]
    routes = _build_routes(streets, position, groups, posts)
    faulty = np.isin(groups.of_record, list(routes.faults))
    for row in np.flatnonzero(faulty & (reasons == None)):  # noqa: E711
        code, _, detail = routes.faults[int(groups.of_record[row])].partition(": ")
        reasons[row] = f"{code}: {names[0]} {str(ids[row])[:40]!r}: {detail.format(name=streets.name)}"
    geometry, sigma_m = np.full(len(reasons), None, dtype=object), np.full(len(reasons), np.nan)
    rows = np.flatnonzero(reasons == None)  # noqa: E711
    if routes.lines is None or not len(rows):
        return Shapes(geometry, sigma_m), reasons
    chainage_m = decoded.values.copy()
    lowest, highest = routes.spans.extents(groups.count)
    if _options(position).down == "from_end":
        back = rows[direction[rows] < 0]
        chainage_m[back] = (lowest + highest)[groups.of_record[back]] - chainage_m[back]
    along_m = combine_sigma(position.sigma_m, decoded.sigma)
    slack_m = _NORMAL_95 * along_m + decoded.step / 2.0 + SUMMING_M
    found_on = find_spans(routes.spans, groups.of_record[rows], chainage_m[rows], slack_m=slack_m[rows])
    for place in np.flatnonzero(found_on.code != None):  # noqa: E711
        row = rows[place]
        ends = lowest[groups.of_record[row]], highest[groups.of_record[row]]
        reasons[row] = _missed(str(found_on.code[place]), f"{names[1]} {decoded.values[row]:.1f} m", ends=ends) + (
            f" ({names[0]} {ids[row]})"
        )
    kept = found_on.code == None  # noqa: E711
    rows, span = rows[kept], found_on.span[kept]
    if len(rows):
        at_m = routes.spans.distances_m(span, found_on.chainage_m[kept])
        drawn = np.where(routes.spans.at_low[span] <= routes.spans.at_high[span], 1.0, -1.0)
        geometry[rows] = routes.lines.places(routes.spans.line[span], at_m, right_m=right[rows] * drawn)
        sigma_m[rows] = _circle_m(position, decoded, rows, routes.sigma_m[groups.of_record[rows]])
    return Shapes(geometry, sigma_m, _doubtful(rows, position, groups, streets=streets, posts=posts)), reasons


def _doubtful(
    rows: NDArray[np.int64],
    position: PositionDefinition,
    groups: Groups,
    *,
    streets: Reference,
    posts: Reference | None,
) -> NDArray[np.bool_] | None:
    """Mark the placed records whose street, or a post of it, may have two origins or none; None if nothing may."""
    routes = np.zeros(groups.count, dtype=bool)
    known = False
    if streets.ambiguous is not None:
        routes, known = streets.doubtful(groups.of_row, groups.count), True
    calibration = _options(position).calibration
    if posts is not None and calibration is not None and posts.ambiguous is not None:
        routes, known = routes | posts.doubtful(groups.number(posts.column(calibration.key)), groups.count), True
    if not known:
        return None
    marked = np.zeros(len(groups.of_record), dtype=bool)
    marked[rows] = routes[groups.of_record[rows]]
    return marked


def _read_chainage(fields: Fields, position: PositionDefinition) -> Decoded:
    digits = None if fields.digits is None else fields.digits[0]
    return decode_chainage(fields.columns[1], name=position.columns[1], unit=position.unit, digits=digits)


def count_chainage(fields: Fields, position: PositionDefinition) -> tuple[DigitCounts, ...]:
    """Count the digits of chainages, of which the last is worth what all of them say.

    Parameters
    ----------
    fields : Fields
        Columns of ids and chainages, or of a part of the records.
    position : PositionDefinition
        Of kind "linear".

    Returns
    -------
    tuple of DigitCounts
        One.
    """
    return counts_of([_read_chainage(fields, position)])


def _circle_m(
    position: PositionDefinition, decoded: Decoded, rows: NDArray[np.int64], street_m: FloatArray
) -> FloatArray:
    """Combine what is stated, the street's own, and the rounding, which is along one axis only."""
    return combine_sigma(position.sigma_m, street_m, decoded.sigma[rows] / np.sqrt(2.0))


def _missed(code: str, shown: str, *, ends: tuple[float, float]) -> str:
    """Say why a chainage is on no line."""
    line = f"a line of {ends[1]:.1f} m" if ends[0] == 0 else f"a line from {ends[0]:.1f} m to {ends[1]:.1f} m"
    if code == "beyond_end":
        return f"beyond_end: {shown} is not on {line}"
    if code == "between_pieces":
        return f"between_pieces: {shown} lies in a gap between the pieces of {line}"
    return f"ambiguous_chainage: {shown} is on two pieces of {line}"


def _beside(layer: Positioned, options: LinearOptions) -> tuple[FloatArray, FloatArray, ObjectArray]:
    """Read direction and offset: 1 for up, metres to the right of rising chainage, and what cannot be read."""
    count = len(layer.coordinates)
    direction, right, reasons = np.ones(count), np.zeros(count), np.full(count, None, dtype=object)
    if options.direction is not None:
        direction, reasons = decode_words(layer.column(options.direction), DIRECTIONS, name=options.direction)
    if options.offset is None:
        return direction, right, reasons
    offset = decode_decimal(layer.column(options.offset), name=options.offset)
    if options.side is not None:
        sign, unread = decode_words(layer.column(options.side), SIDES, name=options.side)
        # Nothing stands on neither side but what is on the line.
        on_line = offset.values == 0
        sign[on_line], unread[on_line] = 1.0, None
        negative = (offset.values < 0) & (unread == None)  # noqa: E711
        unread[negative] = f"unreadable: {options.offset} is negative beside a column of sides; write it without a sign"
    else:
        sign, unread = np.full(count, 1.0 if options.positive == "right" else -1.0), np.full(count, None, dtype=object)
    far = (np.abs(offset.values) > _FARTHEST_BESIDE_M) & (unread == None)  # noqa: E711
    unread[far] = f"unreadable: {options.offset} is more than {_FARTHEST_BESIDE_M:.0f} m from the street; write metres"
    for found in (offset.reasons, unread):
        fill = (reasons == None) & (found != None)  # noqa: E711
        reasons[fill] = found[fill]
    return direction, offset.values * sign * direction, reasons
