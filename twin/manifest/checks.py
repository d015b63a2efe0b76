"""What is wrong in a ``city.yaml`` beyond single words: paths, references, names and circles."""

from __future__ import annotations

import os
import re
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from twin.errors import Fault
from twin.manifest.corrections import correction_faults
from twin.manifest.files import position_files
from twin.manifest.models import DetectPosition
from twin.manifest.positions import Found, position_faults, references
from twin.manifest.records import record_faults

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from twin.manifest.marks import Lines, Location
    from twin.manifest.models import DatasetSpec, VariableSpec, ViewSpec

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LAYER_NAME = re.compile(r"^[a-z][a-z0-9_]*$")


def resolve_root(path: Path, text: str, lines: Lines, faults: list[Fault]) -> Path | None:
    """Fill variables of the environment into ``root``, the only place where they count.

    Parameters
    ----------
    path : Path
        The manifest.
    text : str
        Its ``root:``.
    lines : Lines
        Where entries stand.
    faults : list of Fault
        Gets what is wrong.

    Returns
    -------
    Path or None
        The folder; None if there is none.
    """
    line = lines.of(("root",))
    missing = [name for name in _VARIABLE.findall(text) if not os.environ.get(name)]
    for name in missing:
        found = f"{text!r}, but {name} is not set"
        remedy = f"export {name}=<the folder that holds the data> and run again"
        faults.append(Fault(line=line, where="root", found=found, remedy=remedy))
    if missing:
        return None
    filled = _VARIABLE.sub(lambda match: os.environ[match.group(1)], text)
    root = (path.parent / filled).resolve()
    if not root.is_dir():
        faults.append(Fault(line=line, where="root", found=f"{text!r}, which is no folder", remedy="name a folder"))
        return None
    return root


def path_faults(name: str, dataset: DatasetSpec, root: Path, lines: Lines) -> list[Fault]:
    """Find paths that leave the root or lead nowhere.

    Parameters
    ----------
    name : str
        Name of the dataset.
    dataset : DatasetSpec
        Its entry.
    root : Path
        Folder that holds the data.
    lines : Lines
        Where entries stand.

    Returns
    -------
    list of Fault
        One a path.
    """
    faults = []
    parts: list[tuple[str, Location]] = [(part, ("path",)) for part in dataset.path]
    parts += [(part, ("position",)) for part in position_files(dataset.position)]
    if dataset.truth is not None:
        parts += [(part, ("truth", "position")) for part in position_files(dataset.truth.position)]
    for part, tail in parts:
        location: Location = ("datasets", name, *tail)
        line, where = lines.of(location), ".".join(map(str, location))
        full = (root / part).resolve()
        if not full.is_relative_to(root):
            remedy = "write a path inside root, or set a wider `root:`"
            faults.append(Fault(line=line, where=where, found=f"{part!r}, which leaves root", remedy=remedy))
        elif not full.exists():
            remedy = "write the path of the file relative to root"
            faults.append(Fault(line=line, where=where, found=f"{part!r}, which does not exist", remedy=remedy))
        elif not full.is_file() and not (full.is_dir() and full.suffix == ".zarr"):
            remedy = "write the path of a file, or a list of them"
            faults.append(Fault(line=line, where=where, found=f"{part!r}, which is a folder", remedy=remedy))
        elif not os.access(full, os.R_OK):
            remedy = "let the user that builds read it"
            faults.append(Fault(line=line, where=where, found=f"{part!r}, which may not be read", remedy=remedy))
    return faults


def dataset_faults(
    name: str, dataset: DatasetSpec, names: Sequence[str], lines: Lines, *, root: Path | None
) -> list[Fault]:
    """Find what no single entry shows: words that refer to other entries.

    Parameters
    ----------
    name : str
        Name of the dataset.
    dataset : DatasetSpec
        Its entry.
    names : sequence of str
        Names of all datasets.
    lines : Lines
        Where they stand.
    root : Path or None
        Folder that holds the data; None if it is not known.

    Returns
    -------
    list of Fault
        Every fault of this dataset.
    """
    found = [*_name_faults(name), *position_faults(dataset, names, root), *_support_faults(dataset)]
    found += record_faults(dataset, names)
    found += correction_faults(dataset.corrections, dataset.path, detected=isinstance(dataset.position, DetectPosition))
    for key, variable in dataset.variables.items():
        inner = _variable_faults(key, variable, dataset)
        found += [(("variables", key, *tail), seen, remedy) for tail, seen, remedy in inner]
    faults = []
    for tail, seen, remedy in found:
        location: Location = ("datasets", name, *tail)
        where = ".".join(str(part) for part in location)
        faults.append(Fault(line=lines.of(location), where=where, found=seen, remedy=remedy))
    return faults


def _name_faults(name: str) -> list[Found]:
    return [] if _LAYER_NAME.match(name) else [((), repr(name), "write a name of lower-case letters, digits and _")]


def _support_faults(dataset: DatasetSpec) -> list[Found]:
    if dataset.uncertain and dataset.support == "reference":
        remedy = "remove one: a street or district is where it is, whatever the error of the points that name it"
        return [(("uncertain",), "true beside support: reference", remedy)]
    if dataset.time is not None and dataset.time.end is not None and not dataset.site:
        return [(("time", "end"), repr(dataset.time.end), "write `site:` too: only series hold over steps")]
    if dataset.site and dataset.time is None:
        return [(("site",), repr(list(dataset.site)), "write `time: {column: …}` too: only series have sites")]
    return []


def _variable_faults(key: str, variable: VariableSpec, dataset: DatasetSpec) -> list[Found]:
    found: list[Found] = _name_faults(key)
    columns = {other.column or name for name, other in dataset.variables.items() if other.derive is None}
    known = ({*dataset.variables, *dataset.fields} | columns) - {key}
    if variable.derive is not None and variable.derive.ratio not in known:
        remedy = f"name a variable or column of this dataset: {', '.join(sorted(known))}"
        found.append((("derive",), f"ratio: {variable.derive.ratio!r}", remedy))
    if variable.field is not None and variable.kind != "intensive":
        remedy = "write kind: intensive, or remove field"
        found.append((("field",), f"kriging of an {variable.kind} quantity", remedy))
    if variable.kind == "categorical" and dataset.time is not None:
        remedy = "classes have no time axis: remove this variable, or the dataset's time"
        found.append((("kind",), "'categorical' in a dataset with a time", remedy))
    return found


def view_faults(
    view: ViewSpec, area: tuple[float, float, float, float], datasets: Mapping[str, DatasetSpec], lines: Lines
) -> list[Fault]:
    """Find a first view that looks at nothing.

    Parameters
    ----------
    view : ViewSpec
        The ``view:`` of the manifest.
    area : tuple of float
        min_lon, min_lat, max_lon, max_lat in degrees.
    datasets : mapping of str to DatasetSpec
        All entries.
    lines : Lines
        Where they stand.

    Returns
    -------
    list of Fault
        A middle outside the area, a variable that no cell can show.
    """
    found: list[Found] = []
    west, south, east, north = area
    if view.centre is not None and not (west <= view.centre[0] <= east and south <= view.centre[1] <= north):
        remedy = "write [lon, lat] of a place in `area`, longitude first"
        found.append((("centre",), f"{list(view.centre)}, which is outside the area", remedy))
    kinds = {key: variable.kind for dataset in datasets.values() for key, variable in dataset.variables.items()}
    shown_on_cells = sorted(key for key, kind in kinds.items() if kind != "categorical")
    if view.cells is not None and view.cells not in shown_on_cells:
        known = ", ".join(shown_on_cells)
        remedy = f"name a variable that is a number: {known}" if known else "remove it: no dataset has variables"
        found.append((("cells",), repr(view.cells), remedy))
    return [
        Fault(line=lines.of(("view", *place)), where=".".join(("view", *place)), found=text, remedy=remedy)
        for place, text, remedy in found
    ]


def colour_faults(datasets: Mapping[str, DatasetSpec], lines: Lines) -> list[Fault]:
    """Find layers that take their colours from a variable that no dataset has.

    Parameters
    ----------
    datasets : mapping of str to DatasetSpec
        All entries.
    lines : Lines
        Where they stand.

    Returns
    -------
    list of Fault
        One a layer; of areas that ask for nothing ``colour`` names a column, which only their file knows.
    """
    known = sorted({key for dataset in datasets.values() for key in dataset.variables})
    remedy = f"name a variable: {', '.join(known)}" if known else "remove it: no dataset has variables"
    return [
        Fault(
            line=lines.of(("datasets", name, "show", "colour")),
            where=f"datasets.{name}.show.colour",
            found=repr(dataset.show.colour),
            remedy=remedy,
        )
        for name, dataset in datasets.items()
        if dataset.show.as_ != "none" and dataset.show.colour is not None and dataset.show.colour not in known
    ]


def shared_name_faults(datasets: Mapping[str, DatasetSpec], lines: Lines) -> list[Fault]:
    """Find variables of one name in two datasets.

    Parameters
    ----------
    datasets : mapping of str to DatasetSpec
        All entries.
    lines : Lines
        Where they stand.

    Returns
    -------
    list of Fault
        One for each but the first.
    """
    faults: list[Fault] = []
    seen: dict[str, str] = {}
    for name, dataset in datasets.items():
        for key in dataset.variables:
            if key in seen:
                where = f"datasets.{name}.variables.{key}"
                found = f"a variable that {seen[key]} holds already"
                remedy = f"write another name, such as {key}_{name}, and `column: {key}`"
                line = lines.of(("datasets", name, "variables", key))
                faults.append(Fault(line=line, where=where, found=found, remedy=remedy))
            seen.setdefault(key, name)
    return faults


def cycle_faults(datasets: Mapping[str, DatasetSpec], lines: Lines) -> list[Fault]:
    """Find positions that refer to each other in a circle.

    Parameters
    ----------
    datasets : mapping of str to DatasetSpec
        All entries.
    lines : Lines
        Where they stand.

    Returns
    -------
    list of Fault
        One, naming the whole circle.
    """
    graph = {name: references(dataset) for name, dataset in datasets.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = error.args[1]
        location: Location = ("datasets", str(circle[0]), "position")
        found = "positions that refer to each other in a circle: " + " → ".join(circle)
        remedy = "give one of them coordinates of its own"
        return [Fault(line=lines.of(location), where=".".join(map(str, location)), found=found, remedy=remedy)]
    return []
