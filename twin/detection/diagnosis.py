"""A file looked at before it is taken in: what it is, what its positions mean, and what would become of its records."""

from __future__ import annotations

import dataclasses
import itertools
import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import crs
import layers
from crs.detection.words import order_in
from layers.jail.client import read_file
from layers.readers.raster import Pixels
from layers.registry import resolve_format
from layers.sources import resolve_source
from twin.errors import TwinError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from layers.readers.records import Records

Outcome = Literal["declared", "named", "ambiguous", "unknown", "missing", "unreadable"]

_SHOWN_COLUMNS, _SHOWN_CANDIDATES = 40, 6
_MOST_COLUMNS = 60  # Pairs of more columns than these are not tried.
_LONGEST_PICTURE = 400_000
_X, _Y = (re.compile(rf"(^|_)(coord_?)?{axis}($|_)", re.IGNORECASE) for axis in "xy")


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What a file is and what would become of it; nothing of it is kept.

    Parameters
    ----------
    outcome : str
        How its positions are known: "declared" by the file, "named" from evidence, "ambiguous" or "unknown" where the
        evidence names none, "missing" where it holds none, "unreadable" where the file cannot be read.
    family, ending : str
        Format: its family and ending; empty if it has none of ours.
    records : int
        Records in the file.
    columns : tuple of str
        Their attributes.
    position : str
        What its positions mean; empty if that is not known.
    position_columns : tuple of str
        The two columns of a table that hold them.
    candidates : tuple of (str, float)
        Definitions that were weighed, with their probabilities.
    settle : tuple of str
        What would settle an open verdict.
    placed, quarantined, rejected : int
        What would become of the records in this city; all 0 where the positions are not known.
    reasons : mapping of str to int
        Records that would not be placed, by code.
    picture : str
        SVG of the two best candidates over the reference, without notes; empty without one.
    fault : str
        What went wrong, in the words of the reader; empty if nothing did.
    fault_kinds : tuple of str
        Classes of that error, the narrowest first.
    """

    outcome: Outcome
    family: str = ""
    ending: str = ""
    records: int = 0
    columns: tuple[str, ...] = ()
    position: str = ""
    position_columns: tuple[str, ...] = ()
    candidates: tuple[tuple[str, float], ...] = ()
    settle: tuple[str, ...] = ()
    placed: int = 0
    quarantined: int = 0
    rejected: int = 0
    reasons: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    picture: str = ""
    fault: str = ""
    fault_kinds: tuple[str, ...] = ()


def diagnose(
    path: Path, *, area: tuple[float, float, float, float], reference: layers.Layer | None = None
) -> Diagnosis:
    """Look at a file as a build would, and keep nothing.

    Parameters
    ----------
    path : Path
        The file, alone in its folder: nothing beside it is read. Bytes are parsed in the reading jail only.
    area : tuple of float
        West, south, east, north of the city in degrees.
    reference : layers.Layer, optional
        Features in longitude and latitude whose positions are right, such as streets.

    Returns
    -------
    Diagnosis
        Whatever is wrong with the file is said in it, not raised.
    """
    path, found = path.resolve(), Diagnosis(outcome="unreadable")
    try:
        source = resolve_source(path, root=path.parent)
        known = resolve_format(source)
        found = dataclasses.replace(found, family=known.family, ending=known.suffixes[0])
        read = read_file(source, layers.ReadOptions(root=path.parent))
        if isinstance(read, Pixels):
            return _raster(path, read, found)
        named = tuple(str(name)[:80] for name in read.table.columns[:_SHOWN_COLUMNS])
        found = dataclasses.replace(found, records=read.count, columns=named)
        return _judged(path, read, found, area=area, reference=reference)
    except (layers.LayerError, crs.CrsError, TwinError) as error:
        kinds = tuple(kind.__name__ for kind in type(error).__mro__ if issubclass(kind, Exception))
        return dataclasses.replace(found, fault=str(error).replace(f"{path.parent}/", ""), fault_kinds=kinds)


def columns_of_positions(names: tuple[str, ...]) -> tuple[str, str] | None:
    """Guess which two columns of a table hold its positions.

    Parameters
    ----------
    names : tuple of str
        Of all columns.

    Returns
    -------
    tuple of str or None
        Those whose names say longitude and latitude, easting and northing, or x and y; None if no two do.

    Examples
    --------
    >>> columns_of_positions(("id", "gcj_lat", "gcj_lng")), columns_of_positions(("name", "colour"))
    (('gcj_lat', 'gcj_lng'), None)
    """
    pairs = list(itertools.combinations(names[:_MOST_COLUMNS], 2))
    said = next((pair for pair in pairs if order_in(pair) is not None), None)
    return said or next(((a, b) for a, b in pairs if _X.search(a) and _Y.search(b)), None)


def _raster(path: Path, read: Pixels, found: Diagnosis) -> Diagnosis:
    found = dataclasses.replace(found, records=int(read.values.size), columns=(read.variable or "",))
    if read.declared is None:
        return dataclasses.replace(found, outcome="missing")
    layer = layers.read(path, options=layers.ReadOptions(root=path.parent))
    found = dataclasses.replace(found, outcome="declared", position=layer.position.name)
    return _with_fates(dataclasses.replace(found, records=layer.ledger.records_in), layer)


def _judged(
    path: Path,
    read: Records,
    found: Diagnosis,
    *,
    area: tuple[float, float, float, float],
    reference: layers.Layer | None,
) -> Diagnosis:
    """Find out what the positions mean, and what would become of the records."""
    options = layers.ReadOptions(root=path.parent)
    columns: tuple[str, ...] = ()
    if not read.has_geometry:
        guessed = columns_of_positions(tuple(map(str, read.table.columns)))
        if guessed is None:
            return dataclasses.replace(found, outcome="missing")
        columns = guessed
    elif read.declared or read.default:
        layer = layers.read(path, options=options)
        placed = _within(crs.harmonise(layer), area)
        return _with_fates(dataclasses.replace(found, outcome="declared", position=layer.position.name), placed)
    subject = layers.read(path, position=layers.undeclared(columns), options=options)
    verdict = crs.detect(subject, reference=reference, area=area)
    picture = verdict.picture(notes=False)
    found = dataclasses.replace(
        found,
        outcome=verdict.status,
        position_columns=columns,
        candidates=tuple((each.label, each.probability) for each in verdict.candidates[:_SHOWN_CANDIDATES]),
        settle=tuple(verdict.settle),
        picture=picture if len(picture) <= _LONGEST_PICTURE else "",
    )
    if verdict.position is None:
        return found
    position = dataclasses.replace(verdict.position, columns=columns)
    placed = _within(crs.harmonise(layers.read(path, position=position, options=options)), area)
    return _with_fates(dataclasses.replace(found, position=position.name), placed)


def _within(layer: layers.Layer | layers.RasterLayer, area: tuple[float, float, float, float]) -> layers.Layer:
    if isinstance(layer, layers.RasterLayer):
        raise TwinError("a raster came where features were read: please report the file")
    return layer.within(area)


def _with_fates(found: Diagnosis, layer: layers.Layer | layers.RasterLayer) -> Diagnosis:
    """Add what would become of the records."""
    ledger = layer.ledger
    counted = ledger.reasons().groupby("reason")["records"].sum()
    return dataclasses.replace(
        found,
        placed=ledger.placed,
        quarantined=len(ledger.quarantined),
        rejected=len(ledger.rejected),
        reasons=MappingProxyType({str(code): int(count) for code, count in counted.items()}),
    )
