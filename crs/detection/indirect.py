"""Positions that are no coordinates and do not say so: a road and a chainage, or the id of a station.

They are recognised by what they would be if they were: the ids are those of the reference, and the chainages lie on
the streets that the ids name. Whether they do is asked of the decoding itself, so that what is named can be placed.
Ids that are running numbers fit any list of running numbers, and count for as little.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from crs.coordinates import Fields, Lattice, Positioned, Shapes
from crs.decode import is_missing
from crs.definition import definition
from crs.detection.candidates import Candidate
from crs.detection.verdict import Ranked, Verdict
from crs.equivalence import equivalent
from crs.reasons import reason_code
from crs.references import HUB
from crs.resolve import resolve_indirect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.coordinates import Placed
    from crs.definition import PositionDefinition

__all__ = ["attributes", "recognise"]

#: So many rows are looked at, and so many first, to see whether it is worth it.
_ROWS, _FIRST = 2000, 100
#: Shares of the rows whose ids the reference must have, to be named and to be told of at all; and to lie on its lines.
_KNOWN, _TOLD, _PLACED = 0.95, 0.5, 0.95
#: With fewer distinct rows nothing is claimed.
_LEAST = 8
#: What a match of ids that are words or codes says against chance, by distinct id, and the most that all say together.
_PER_ID, _MOST = 2.0, 12.0
#: What the writing of kilometre posts says: numbers of other kinds do not have a plus in their middle.
_POST, _POST_SAYS = re.compile(r"(?:[A-Za-z]{0,3}\s*\d+\s*(?:km|公里)?\s*\+\s*\d|\d+\s*公里)", re.IGNORECASE), 6.0
#: Probability before the evidence that it is none of these.
_NONE = 0.5


@dataclass(frozen=True, eq=False)
class _Rows:
    """A sample of the rows, as something that can be decoded."""

    name: str
    position: PositionDefinition
    coordinates: Fields

    def column(self, name: str, /) -> NDArray[np.generic]:
        return self.coordinates.columns[self.position.columns.index(name)]

    def with_coordinates(self, _placed: Placed, /) -> _Rows:
        return self


@dataclass(frozen=True, kw_only=True, eq=False)
class _Found:
    """One way of understanding the rows, and how well it does."""

    position: PositionDefinition
    log_odds: float
    known: float
    placed: float
    distinct: int
    faults: tuple[str, ...]


def recognise(frame: object, reference: Positioned | None, *, confidence: float = 0.99) -> Verdict | None:
    """Recognise street and chainage, or the ids of a register, that were not declared.

    Parameters
    ----------
    frame : Positioned, Fields or tuple of array_like
        One column of ids, or two: ids and chainages, in either order.
    reference : Positioned or None
        Streets or stations, harmonised to WGS 84 longitude and latitude, with their own column of ids.
    confidence : float
        Probability that a claim takes.

    Returns
    -------
    Verdict or None
        None where hardly any of the values is an id of the reference: then they may be coordinates.
    """
    columns, names, name = _columns(frame)
    if reference is None or not 1 <= len(columns) <= 2 or not _is_ready(reference) or not attributes(reference):
        return None
    # A few rows tell whether more are worth reading.
    if not _specs(_drawn(columns, _FIRST), names, reference):
        return None
    sample = _drawn(columns, _ROWS)
    found = [one for spec, way in _specs(sample, names, reference) if (one := _tried(spec, way, reference, name))]
    if not found:
        return None
    found.sort(key=lambda one: -one.log_odds)
    logs = np.array([*(one.log_odds for one in found), np.log(_NONE / (1.0 - _NONE))])
    shares = np.exp(logs - np.logaddexp.reduce(logs))
    wanting = _wanting(found[0], reference)
    named = not wanting and shares[0] >= confidence
    ranked = tuple(
        Ranked(
            members=(Candidate(one.position),),
            probability=float(share),
            evidence=_lines(one, reference),
        )
        for one, share in zip(found, shares[:-1], strict=True)
    )
    return Verdict(
        name=name,
        status="named" if named else "ambiguous",
        candidates=ranked,
        none_probability=float(shares[-1]),
        settle=() if named else wanting or ("ids that are no running numbers, or more distinct rows",),
        records=found[0].distinct,
        confidence=confidence,
    )


def _columns(frame: object) -> tuple[tuple[NDArray[np.generic], ...], tuple[str, ...], str]:
    """Return columns, their names as far as known, and the name of the file; none for geometries and rasters."""
    name, coordinates = "positions", frame
    names: tuple[str, ...] = ()
    if isinstance(frame, Positioned):
        name, coordinates = frame.name, frame.coordinates
        position = cast("PositionDefinition | None", getattr(frame, "position", None))
        names = () if position is None else position.columns
    if isinstance(coordinates, tuple):
        columns: tuple[NDArray[np.generic], ...] = tuple(
            column if hasattr(column, "shape") and hasattr(column, "__getitem__") else np.asarray(column)
            for column in coordinates
        )
        return columns, (), name
    if isinstance(coordinates, Shapes | Lattice) or not isinstance(coordinates, Fields):
        return (), (), name
    return coordinates.columns, names if len(names) == len(coordinates.columns) else (), name


def _drawn(columns: tuple[NDArray[np.generic], ...], most: int) -> Fields:
    """Read rows that are spread evenly over the file."""
    rows = len(columns[0])
    chosen = np.unique(np.linspace(0, max(0, rows - 1), min(rows, most)).astype(np.int64))
    return Fields(tuple(np.asarray(column[chosen]) for column in columns))


def _is_ready(reference: Positioned) -> bool:
    """Say whether a reference can be referred to."""
    return isinstance(reference.coordinates, Shapes) and equivalent(reference.position, HUB)


def attributes(layer: object) -> tuple[str, ...]:
    """List the columns of a layer, whether it keeps them in a table or by name.

    Parameters
    ----------
    layer : object
        Anything; what is no layer has none.

    Returns
    -------
    tuple of str
        What `layer.column` takes; empty where the layer does not say.
    """
    if not isinstance(layer, Positioned):
        return ()
    listed = getattr(layer, "table", None)
    listed = getattr(layer, "columns", ()) if listed is None else listed.columns
    return tuple(str(one) for one in listed) if isinstance(listed, Mapping) or np.iterable(listed) else ()


def _specs(
    sample: Fields, names: tuple[str, ...], reference: Positioned
) -> list[tuple[dict[str, object], tuple[NDArray[np.generic], ...]]]:
    """List the ways in which the values may refer to the reference: which column holds ids, and of which column."""
    orders = [(0,)] if len(sample.columns) == 1 else [(0, 1), (1, 0)]
    named = names or (("id",) if len(sample.columns) == 1 else ("id", "chainage"))
    specs: list[tuple[dict[str, object], tuple[NDArray[np.generic], ...]]] = []
    for attribute in attributes(reference):
        theirs = {text for value in reference.column(attribute).tolist() if (text := _text(value)) is not None}
        for order in orders:
            columns = tuple(sample.columns[place] for place in order)
            known = [_text(value) in theirs for value in columns[0].tolist()]
            if not theirs or np.mean(known or [False]) < _TOLD:
                continue
            said = [named[place] for place in order] if names else list(named)
            if len(order) == 1:
                specs.append(({"register": reference.name, "key": attribute, "columns": said}, columns))
                continue
            specs += [
                ({"along": reference.name, "key": attribute, "columns": said, "unit": unit}, columns)
                for unit in ("metre", "kilometre")
            ]
    return specs


def _text(value: object) -> str | None:
    """Write an id as text: 12, 12.0 and " 12" are one; a fraction is none, nor is what is missing."""
    if is_missing(value):
        return None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else None
    return str(value).strip()


def _tried(
    spec: dict[str, object], columns: tuple[NDArray[np.generic], ...], reference: Positioned, name: str
) -> _Found | None:
    """Decode the rows in one way, and weigh what comes of it."""
    position = definition({**spec, "status": "detected"})
    _, reasons, _ = resolve_indirect(
        _Rows(name, position, Fields(columns)), position, definition(HUB), {reference.name: reference}
    )
    filled = np.array([not any(map(is_missing, row)) for row in zip(*(c.tolist() for c in columns), strict=True)])
    if not filled.any():
        return None
    codes = [reason_code(reason) for reason in reasons[filled]]
    known = float(np.mean([code != "unknown_key" for code in codes]))
    if known < _TOLD:
        return None
    placed = float(np.mean([code is None for code in codes]))
    texts = [str(value).strip() for value in columns[0][filled].tolist()]
    theirs = {text for value in reference.column(str(position.key)).tolist() if (text := _text(value)) is not None}
    odds = min(_MOST, _per_id(theirs) * len(set(texts)))
    if position.kind == "linear":
        odds += _chainage_odds(position, columns, filled, placed)
    return _Found(
        position=position,
        log_odds=float(odds + (0.0 if known >= _KNOWN and placed >= _PLACED else -_MOST)),
        known=known,
        placed=placed,
        distinct=len(set(zip(*(c[filled].tolist() for c in columns), strict=True))),
        faults=tuple(f"{code} ({count})" for code, count in Counter(filter(None, codes)).most_common(3)),
    )


def _per_id(theirs: set[str]) -> float:
    """Return what one id that matches says: of running numbers, how empty their range is."""
    if not all(text.isdecimal() for text in theirs):
        return _PER_ID
    numbers = [int(text) for text in theirs]
    return float(min(_PER_ID, np.log((max(numbers) - min(numbers) + 1) / len(numbers))))


def _chainage_odds(
    position: PositionDefinition, columns: tuple[NDArray[np.generic], ...], filled: NDArray[np.bool_], placed: float
) -> float:
    """Return what chainages say: how they are written, and that they lie on the lines that the ids name."""
    texts = [str(value).strip() for value in columns[1][filled].tolist()]
    posts = float(np.mean([_POST.match(text) is not None for text in texts]))
    if posts > _KNOWN:
        # Posts are in kilometres and metres whatever the unit; the plain one is told.
        return _POST_SAYS if position.unit == "metre" else -_MOST
    # Kilometres that lie on the lines lie there as metres too, all near the start: a thousandth of the way each.
    unit = np.log(1000.0) if position.unit == "kilometre" else 0.0
    return float(min(_MOST, unit * len(set(texts)))) if placed >= _PLACED else -_MOST


def _lines(found: _Found, reference: Positioned) -> tuple[str, ...]:
    """Write the evidence."""
    lines = [f"{found.known:.1%} of the ids are in {reference.name}[{found.position.key}]"]
    if found.position.kind == "linear":
        lines.append(
            f"{found.placed:.1%} of the chainages, in {found.position.unit}, lie on the lines that the ids name"
        )
    if found.faults:
        lines.append(f"not placed: {', '.join(found.faults)}")
    return tuple(lines)


def _wanting(found: _Found, reference: Positioned) -> tuple[str, ...]:
    """Say what a claim lacks."""
    wanting = []
    if found.distinct < _LEAST:
        wanting.append(f"at least {_LEAST} distinct rows, found {found.distinct}")
    if found.known < _KNOWN:
        wanting.append(f"the rows of {reference.name} that the other {1 - found.known:.0%} of the ids name")
    elif found.placed < _PLACED:
        wanting.append(f"why {1 - found.placed:.0%} of the rows have no place: {', '.join(found.faults)}")
    return tuple(wanting)
