"""SUMO, the traffic simulator: its networks with their shifted axes, and what its runs write."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

import crs
from layers.errors import FileUnreadableError, SchemaError, listed
from layers.readers.records import Records, from_texts, geometry_faults
from layers.readers.xml_stream import local_name, prolog_comments, root_name, stream_elements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml.etree import _Element
    from numpy.typing import NDArray

    from layers.options import ReadOptions
    from layers.sources import Source

__all__ = ["SUMO_OUTPUTS", "read_sumo_network", "read_sumo_output"]

#: Edges across a junction, crossings for people and the like are parts of junctions, not streets.
_STREETS = ("normal", "", "connector", None)
#: What projParameter says where there is no projection to be named.
_UNPROJECTED = ("!", "-", ".", "", None)
#: Of the southern strips of UTM.
_FALSE_NORTHING_M = 10_000_000
#: Root of each output, what stands below it, and what in that is a record; nothing: it is one itself.
SUMO_OUTPUTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "fcd-export": ("timestep", ("vehicle", "person", "container")),
    "meandata": ("interval", ("edge",)),
    "detector": ("interval", ()),
    "tripinfos": ("tripinfo", ()),
}
_IDS = frozenset({"id", "from", "to", "edge", "lane", "type", "vType", "vehicle", "person", "sampledId"})


@dataclass
class _Collector:
    """Attributes of elements as columns of text, and their geometries."""

    rows: list[dict[str, str]] = field(default_factory=list)
    shapes: list[shapely.Geometry | None] = field(default_factory=list)
    why: list[str | None] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    rejected: list[tuple[int, str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows) + len(self.rejected)

    def add(self, row: dict[str, str], shape: shapely.Geometry | None = None, why: str | None = None) -> None:
        self.numbers.append(len(self))
        self.rows.append(row)
        self.shapes.append(shape)
        self.why.append(why)

    def reject(self, reason: str, text: str) -> None:
        self.rejected.append((len(self), reason, text))

    def table(self) -> pd.DataFrame:
        return from_texts(self.rows, np.array(self.numbers, dtype=np.int64), ids=_IDS)

    def rejections(self) -> pd.DataFrame:
        return pd.DataFrame(self.rejected, columns=["row", "reason", "text"]).astype({"row": np.int64})


@dataclass(frozen=True)
class _Axes:
    """How the numbers of a network lie in its projection."""

    offset: NDArray[np.float64]
    projection: str | None
    junctions: Mapping[str, str] = field(default_factory=dict)

    def points(self, shape: str) -> NDArray[np.float64] | None:
        """Read "x,y x,y,z ..."; heights are left out where not all have one, None is no shape at all."""
        try:
            rows = [[float(number) for number in point.split(",")] for point in shape.split()]
        except ValueError:
            return None
        width = min((len(row) for row in rows), default=2)
        if width not in {2, 3}:
            return None
        points = np.array([row[:width] for row in rows], dtype=np.float64).reshape(len(rows), width)
        points[:, :2] -= self.offset
        return points


def _numbers(location: _Element, name: str, count: int) -> NDArray[np.float64] | None:
    try:
        numbers = np.array([float(number) for number in location.get(name, "").split(",")])
    except ValueError:
        return None
    return numbers if numbers.shape == (count,) and np.isfinite(numbers).all() else None


def _projection(written: str, options: ReadOptions, label: str) -> str | None:
    """Return what is understood; None where the user's own word holds whatever the file says."""
    try:
        crs.definition(written)
    except crs.CrsError as error:
        if options.trust is not None:
            return None
        raise FileUnreadableError(
            f"{label}: projParameter {written[:200]!r} is no frame that is read ({error}); write position: with "
            "the one that is meant, and trust: declared."
        ) from error
    return written


def _axes(location: _Element | None, options: ReadOptions, label: str) -> _Axes:
    if location is None:
        raise FileUnreadableError(f"{label}: the network has no <location>, so nothing says where it lies.")
    offset = _numbers(location, "netOffset", 2)
    if offset is None:
        raise FileUnreadableError(
            f"{label}: netOffset is {location.get('netOffset')!r}, not two numbers; write the network anew."
        )
    projection = location.get("projParameter")
    if projection in _UNPROJECTED:
        return _Axes(offset, None)
    bounds = _numbers(location, "convBoundary", 4)
    if bounds is not None and bounds[3] < offset[1] and "+proj=utm" in projection and "+south" not in projection:
        # SUMO names the northern strip everywhere, and counts below zero south of the equator.
        offset, projection = offset - [0, _FALSE_NORTHING_M], f"{projection} +south"
    return _Axes(offset, _projection(projection, options, label))


def _drawn(axes: _Axes, shape: str | None, line: int) -> tuple[shapely.Geometry | None, str | None]:
    if not shape:
        return None, f"no_geometry: the element of line {line} has no shape"
    points = axes.points(shape)
    if points is None:
        return None, f"unreadable_geometry: the shape of line {line} is {shape[:200]!r}"
    if len(points) < 2:
        return None, f"invalid_geometry: the shape of line {line} has a single point"
    return shapely.LineString(points), None


def _attributes(element: _Element, *without: str) -> dict[str, str]:
    return {str(name): str(value) for name, value in element.attrib.items() if name not in without}


def _lanes(element: _Element) -> list[_Element]:
    return [child for child in element if local_name(child) == "lane"]


def _add_lanes(into: _Collector, element: _Element, axes: _Axes) -> None:
    for lane in _lanes(element):
        if element.get("function") in _STREETS:
            row = {"edge": str(element.get("id")), **_attributes(lane, "shape")}
            into.add(row, *_drawn(axes, lane.get("shape"), lane.sourceline))
        else:
            into.reject(_inside(element), str(lane.get("id")))


def _inside(element: _Element) -> str:
    return f"not_selected: function {element.get('function')} is part of a junction, no street"


def _add_edge(into: _Collector, element: _Element, axes: _Axes) -> None:
    """Enter a street; one without a shape of its own goes straight from junction to junction."""
    if element.get("function") not in _STREETS:
        into.reject(_inside(element), str(element.get("id")))
        return
    ends = [axes.junctions.get(str(element.get(name)), "") for name in ("from", "to")]
    shape = element.get("shape") or (" ".join(ends) if all(ends) else None)
    lanes = _lanes(element)
    row = {**_attributes(element, "shape"), "lanes": str(len(lanes))}
    row |= {name: lanes[0].get(name, "") for name in ("speed", "length", "allow", "disallow") if lanes}
    into.add(row, *_drawn(axes, shape, element.sourceline))


def _add_junction(into: _Collector, element: _Element, axes: _Axes) -> None:
    if element.get("type") == "internal":
        into.reject("not_selected: an internal junction is no place of its own", str(element.get("id")))
        return
    place = axes.points(f"{element.get('x')},{element.get('y')}")
    if place is None:
        why = f"unreadable_number: x is {element.get('x')!r}, y is {element.get('y')!r} (line {element.sourceline})"
        into.add(_attributes(element, "shape", "incLanes", "intLanes"), None, why)
        return
    into.add(_attributes(element, "shape", "incLanes", "intLanes", "x", "y"), shapely.Point(place[0]))


_ADDERS = {"edges": _add_edge, "lanes": _add_lanes, "junctions": _add_junction}


def _junctions(source: Source) -> dict[str, str]:
    return {
        str(element.get("id")): f"{element.get('x')},{element.get('y')}"
        for element in stream_elements(source, wanted=lambda path: path[1:] == ("junction",))
    }


def read_sumo_network(source: Source, options: ReadOptions) -> Records:
    """Read one layer of a SUMO network (.net.xml).

    Parameters
    ----------
    source : Source
        The file, perhaps gzipped; it is streamed.
    options : ReadOptions
        ``layer``: "edges" (the default), "lanes" or "junctions" (points).

    Returns
    -------
    Records
        In the projection that ``projParameter`` states, with ``netOffset`` taken back: the numbers of a network are
        those of its projection, moved so that they begin at zero. Edges and lanes inside of junctions, crossings and
        walking areas are rejected as "not_selected". A network that was never projected states no position.

    Raises
    ------
    SchemaError
        If there is no such layer.
    FileRefusedError
        If it defines entities.
    FileUnreadableError
        If it is cut, or does not say where it lies.

    References
    ----------
    SUMO road networks, https://sumo.dlr.de/docs/Networks/SUMO_Road_Networks.html
    """
    layer = options.layer or "edges"
    if layer not in _ADDERS:
        raise SchemaError(f"{source.label}: a network has no layer {layer!r}; write layer: with {listed(_ADDERS)}.")
    location = next(stream_elements(source, wanted=lambda path: path[1:] == ("location",)), None)
    axes = _axes(location, options, source.label)
    if layer == "edges":
        axes = replace(axes, junctions=_junctions(source))
    kind = "junction" if layer == "junctions" else "edge"
    into = _Collector()
    for element in stream_elements(source, wanted=lambda path: path[1:] == (kind,)):
        _ADDERS[layer](into, element, axes)
    return _placed(into, axes.projection)


def _placed(into: _Collector, declared: str | None) -> Records:
    geometry = np.array([*into.shapes, None], dtype=object)[:-1]
    faults = geometry_faults(geometry, np.zeros(len(geometry), dtype=bool))
    for i, why in enumerate(into.why):
        faults[i] = why or faults[i]
    table = into.table()
    units = {"speed": "m/s", "length": "m", "width": "m"}
    return Records(
        table=table,
        count=len(into),
        geometry=geometry,
        faults=faults,
        rejected=into.rejections(),
        declared=declared,
        units={name: unit for name, unit in units.items() if name in table},
    )


def _with_parts(element: _Element) -> dict[str, str]:
    """Take the attributes of an element and of what lies in it ("emissions_CO2_abs")."""
    row = _attributes(element)
    for part in element:
        row |= {f"{local_name(part)}_{name}": value for name, value in _attributes(part).items()}
    return row


def _output_rows(source: Source, root: str) -> Iterator[dict[str, str]]:
    """Join the attributes of a record to those of the interval or step that it lies in."""
    around, kinds = SUMO_OUTPUTS[root]
    for outer in stream_elements(source, wanted=lambda names: names[1:] == (around,)):
        if not kinds:
            yield _with_parts(outer)
            continue
        shared = {f"{around}_id" if name == "id" else name: value for name, value in _attributes(outer).items()}
        for inner in (part for part in outer if local_name(part) in kinds):
            lanes = _lanes(inner)
            if lanes:
                yield from ({**shared, "edge": str(inner.get("id")), **_attributes(lane)} for lane in lanes)
            elif len(kinds) > 1:
                yield {**shared, "kind": local_name(inner), **_with_parts(inner)}
            else:
                yield {**shared, **_with_parts(inner)}


def _is_geographic(source: Source) -> bool:
    """Look into the configuration that SUMO writes at the head of its outputs."""
    return 'fcd-output.geo value="true"' in prolog_comments(source)


def read_sumo_output(source: Source, options: ReadOptions) -> Records:
    """Read the records of a SUMO output: fcd (vehicles), edge data, detectors or trips.

    Parameters
    ----------
    source : Source
        The .xml file, perhaps gzipped; it is streamed interval by interval.
    options : ReadOptions
        Nothing in them counts.

    Returns
    -------
    Records
        Vehicles (fcd) are points: in WGS 84 where the file's own configuration says ``fcd-output.geo``, else in the
        numbers of the network, of which the file says nothing: give ``position:`` as a local grid with the network's
        offset taken back. The others are tables of edges and detectors: ``{register: edges, key: id, columns: [id]}``.

    Raises
    ------
    FileRefusedError
        If it defines entities.
    FileUnreadableError
        If it is cut or broken.
    """
    del options
    root = root_name(source)
    into = _Collector()
    for row in _output_rows(source, root):
        if root != "fcd-export":
            into.add(row)
            continue
        x, y = row.pop("x", None), row.pop("y", None)
        try:
            place = np.array([float(x or ""), float(y or "")])
        except ValueError:
            into.add(row, None, f"unreadable_number: x is {x!r}, y is {y!r}")
        else:
            into.add(row, shapely.Point(place))
    if root == "fcd-export":
        return _placed(into, "OGC:CRS84" if _is_geographic(source) else None)
    return Records(table=into.table(), count=len(into))
