"""What an indirect position says beyond its columns: direction and side, validity, pieces, cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from crs.errors import DefinitionError
from crs.units import is_angle

__all__ = [
    "INDIRECT",
    "AddressOptions",
    "Calibration",
    "CellOptions",
    "CrossingOptions",
    "IndirectOptions",
    "LinearOptions",
    "RegisterOptions",
    "Support",
    "read_options",
]

#: What an area stands for: itself, or a point inside it with the sigma of being anywhere in it.
Support = Literal["area", "point"]
Down = Literal["from_end", "same_posts"]
Side = Literal["left", "right"]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Points whose chainage is known: kilometre posts, junctions.

    Parameters
    ----------
    points : str
        Name of the layer of points.
    key : str
        Its column with the street's id.
    chainage : str
        Its column with the chainage.
    unit : str
        Unit of that column.
    ahead : str or None
        Its column with the chainage that counts from the point on, where a chain is broken there; empty elsewhere.
    """

    points: str
    key: str
    chainage: str
    unit: str = "metre"
    ahead: str | None = None


@dataclass(frozen=True, kw_only=True)
class LinearOptions:
    """How a chainage is counted, and what stands beside the street.

    Parameters
    ----------
    direction : str or None
        Column that says whether a record is of the up or the down direction.
    down : str or None
        What the down direction means: "from_end" (its chainage counts from the far end) or "same_posts" (the posts
        are those of the up direction, only left and right change).
    offset : str or None
        Column with the distance from the line, metres.
    side : str or None
        Column that says on which side that is, seen in the direction of the record.
    positive : str or None
        Side of positive offsets, where no column says it.
    pieces : tuple of str
        Columns of the street layer: two with the chainage of start and end of each row, or one with the order of the
        rows of a street; empty where every street is one row.
    calibration : Calibration or None
        Points of known chainage.
    measures : str or None
        Unit of the chainages in the measures (M) of the lines' vertices, where they hold them.
    equations : tuple of (str, tuple of str)
        Broken chains by street: "K12+300 = K12+450" says that the place which is K12+300 for what comes before is
        K12+450 for what follows.
    """

    direction: str | None = None
    down: Down | None = None
    offset: str | None = None
    side: str | None = None
    positive: Side | None = None
    pieces: tuple[str, ...] = ()
    calibration: Calibration | None = None
    measures: str | None = None
    equations: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, kw_only=True)
class RegisterOptions:
    """When a row of a register holds, and what its areas stand for.

    Parameters
    ----------
    valid : tuple of str
        Two columns of the register: from when and until when a row holds.
    time : str or None
        Column of the records that is compared with them.
    support : str
        "area" (the polygon itself) or "point" (a point inside it, with a sigma).
    """

    valid: tuple[str, ...] = ()
    time: str | None = None
    support: Support = "area"


@dataclass(frozen=True, kw_only=True)
class CrossingOptions:
    """How far apart the crossings of two streets may lie and still be one.

    Parameters
    ----------
    within_m : float
        Metres; crossings of dual carriageways lie some 30 m apart.
    """

    within_m: float = 1.0


@dataclass(frozen=True, kw_only=True)
class AddressOptions:
    """Where a gazetteer holds street and number.

    Parameters
    ----------
    keys : tuple of str
        Columns of the gazetteer, one for each column of the records.
    interpolate : bool
        True to place a number between its neighbours on the same side of the street.
    """

    keys: tuple[str, ...]
    interpolate: bool = False


@dataclass(frozen=True, kw_only=True)
class CellOptions:
    """Which grid a code is of, and what its cell stands for.

    Parameters
    ----------
    system : str
        As `crs.cells.decode_cells` knows it.
    support : str
        "area" (the cell itself) or "point" (its centre, with a sigma).
    """

    system: str
    support: Support = "area"


IndirectOptions = LinearOptions | RegisterOptions | CrossingOptions | AddressOptions | CellOptions

_ALONG = frozenset(
    {"key", "direction", "down", "offset", "side", "positive", "pieces", "calibration", "equations"},
)
#: The word that says what a position refers to, the kind of position, and the keys that go with it.
INDIRECT: Mapping[str, tuple[str, frozenset[str]]] = {
    "along": (
        "linear",
        frozenset({"key", "direction", "down", "offset", "side", "positive", "pieces", "calibration", "equations"}),
    ),
    "register": ("register", frozenset({"key", "valid", "time", "as"})),
    "intersection": ("intersection", frozenset({"key", "within_m"})),
    "address": ("address", frozenset({"key", "interpolate"})),
    "cells": ("cells", frozenset({"as"})),
}


def read_options(spec: Mapping[str, Any], word: str, *, unit: str) -> IndirectOptions:
    """Read what belongs to one kind of indirect position.

    Parameters
    ----------
    spec : Mapping
        The `position:` of a dataset; its keys are known to belong to the kind.
    word : str
        A key of `INDIRECT`.
    unit : str
        Unit of chainages.

    Returns
    -------
    LinearOptions, RegisterOptions, CrossingOptions, AddressOptions or CellOptions
        Checked.

    Raises
    ------
    DefinitionError
        If they do not fit together: what was found, and what to write.
    """
    if word == "along":
        return _linear(spec, unit=unit)
    if word == "register":
        return _register(spec)
    if word == "intersection":
        within_m = spec.get("within_m", 1.0)
        if isinstance(within_m, bool) or not isinstance(within_m, int | float) or not 0 < within_m < 1e4:
            raise DefinitionError(f"within_m {within_m!r} must be a number of metres above 0; write for instance 30")
        return CrossingOptions(within_m=float(within_m))
    if word == "address":
        return AddressOptions(keys=_names(spec.get("key"), "key"), interpolate=_flag(spec, "interpolate"))
    return CellOptions(system=str(spec["cells"]), support=_support(spec))


def _linear(spec: Mapping[str, Any], *, unit: str) -> LinearOptions:
    """Read direction, offset, pieces and calibration."""
    direction, offset, side = (_name(spec.get(key), key) for key in ("direction", "offset", "side"))
    if direction is not None and spec.get("down") not in get_args(Down):
        raise DefinitionError(
            f"direction: {direction} needs `down:`, found {spec.get('down')!r}; write down: from_end (its chainage "
            "counts from the far end) or down: same_posts (only left and right change)"
        )
    if offset is not None and side is None and spec.get("positive") not in get_args(Side):
        raise DefinitionError(
            f"offset: {offset} needs `side:` (a column) or `positive:` (left or right), found neither; "
            "write for instance positive: right"
        )
    if offset is None and side is not None:
        raise DefinitionError(f"side: {side} needs `offset:`, the column with the distance from the line in metres")
    pieces = _names(spec["pieces"], "pieces") if "pieces" in spec else ()
    told = spec.get("calibration")
    measures = _measures(told, unit=unit)
    calibration = _calibration(told, unit=unit) if told is not None and measures is None else None
    equations = _equations(spec.get("equations", {}))
    if equations and (calibration or measures or len(pieces) == 2 or spec.get("down") == "from_end"):
        raise DefinitionError(
            "equations: count on from the start of a street, and do not go with calibration:, with two columns of "
            "pieces: (end a piece at the equation) or with down: from_end; write `ahead:` in calibration for points"
        )
    if measures is not None and pieces:
        raise DefinitionError(f"pieces: {list(pieces)} and measures in the vertices say the same twice; write one")
    if len(pieces) > 2 or (len(pieces) == 2 and calibration is not None):
        raise DefinitionError(
            f"pieces: {list(pieces)} must be one column (their order) or two (chainage of start and end), and two "
            "columns leave nothing to calibrate"
        )
    return LinearOptions(
        direction=direction,
        down=None if direction is None else spec["down"],
        offset=offset,
        side=side,
        positive=None if side is not None or offset is None else spec["positive"],
        pieces=pieces,
        calibration=calibration,
        measures=measures,
        equations=equations,
    )


def _measures(spec: object, *, unit: str) -> str | None:
    """Return the unit of the measures in vertices, None where the calibration is of points."""
    if not isinstance(spec, Mapping) or "measures" not in spec:
        return None
    said = unit if spec["measures"] is True else str(spec["measures"])
    if set(spec) != {"measures"} or is_angle(said):
        raise DefinitionError(f"calibration {dict(spec)!r} is not understood; write {{measures: metre}}, or kilometre")
    return said


def _equations(spec: object) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Read broken chains by street."""
    if not isinstance(spec, Mapping):
        raise DefinitionError(f"equations {spec!r} must be by street: {{G15: ['K12+300 = K12+450']}}")
    found = []
    for street, said in spec.items():
        texts = (said,) if isinstance(said, str) else said
        if not isinstance(texts, list | tuple) or not all(str(text).count("=") == 1 for text in texts):
            raise DefinitionError(f"equations of {street}: {said!r} must be texts such as 'K12+300 = K12+450'")
        found.append((str(street), tuple(str(text) for text in texts)))
    return tuple(found)


def _calibration(spec: object, *, unit: str) -> Calibration:
    keys = {"points", "key", "chainage"}
    if not isinstance(spec, Mapping) or not keys <= set(spec) <= {*keys, "unit", "ahead"}:
        raise DefinitionError(
            f"calibration {spec!r} is not understood; write {{points: posts, key: street_id, chainage: chainage_m}}, "
            "perhaps with a unit"
        )
    unit = str(spec.get("unit", unit))
    if is_angle(unit):
        raise DefinitionError(f"unit {unit!r} of a calibration must be a length; write metre or kilometre")
    return Calibration(
        points=str(spec["points"]),
        key=str(spec["key"]),
        chainage=str(spec["chainage"]),
        unit=unit,
        ahead=_name(spec.get("ahead"), "ahead"),
    )


def _register(spec: Mapping[str, Any]) -> RegisterOptions:
    """Read validity and support."""
    valid = _names(spec["valid"], "valid") if "valid" in spec else ()
    time = _name(spec.get("time"), "time")
    if len(valid) not in {0, 2} or bool(valid) != (time is not None):
        raise DefinitionError(
            f"valid: {list(valid)} and time: {time!r} go together: write valid: [valid_from, valid_to] with columns of "
            "the register, and time: with the column of the records"
        )
    return RegisterOptions(valid=valid, time=time, support=_support(spec))


def _support(spec: Mapping[str, Any]) -> Support:
    said = spec.get("as", "area")
    for known in get_args(Support):
        if said == known:
            support: Support = known
            return support
    raise DefinitionError(f"as {said!r} is not known; write area (the outline) or point (its middle, with a sigma)")


def _flag(spec: Mapping[str, Any], key: str) -> bool:
    said = spec.get(key, False)
    if not isinstance(said, bool):
        raise DefinitionError(f"{key} {said!r} must be true or false")
    return said


def _name(said: object, key: str) -> str | None:
    if said is None or isinstance(said, str):
        return said
    raise DefinitionError(f"{key} {said!r} must be the name of a column")


def _names(said: object, key: str) -> tuple[str, ...]:
    names = (said,) if isinstance(said, str) else said
    if isinstance(names, list | tuple) and names and all(isinstance(name, str) for name in names):
        return tuple(names)
    raise DefinitionError(f"{key} {said!r} must be the name of a column, or a list of names")
