"""Read ``city.yaml``: every fault at once, each with its line, what was found and what to write."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

import crs
from twin.errors import Fault, ManifestError
from twin.manifest_models import CitySpec, DatasetSpec

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LAYER_NAME = re.compile(r"^[a-z][a-z0-9_]*$")
_SHOWN_CHARACTERS = 80

Location = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A ``city.yaml`` without faults.

    Parameters
    ----------
    path : Path
        The file itself.
    root : Path
        Folder that all data paths are relative to, with variables of the environment filled in.
    spec : CitySpec
        Its content.
    """

    path: Path
    root: Path
    spec: CitySpec

    def files(self, dataset: str) -> tuple[Path, ...]:
        """Return the files of a dataset.

        Parameters
        ----------
        dataset : str
            Name of the dataset.

        Returns
        -------
        tuple of Path
            Resolved paths, in the order of the manifest.
        """
        return tuple((self.root / part).resolve() for part in self.spec.datasets[dataset].path)

    def order(self) -> tuple[str, ...]:
        """Return the datasets so that each comes after those its positions refer to.

        Returns
        -------
        tuple of str
            Names; among equals the order of the file.
        """
        ranks = {name: rank for rank, name in enumerate(self.spec.datasets)}
        sorter = TopologicalSorter({name: references(spec) for name, spec in self.spec.datasets.items()})
        sorter.prepare()
        ordered: list[str] = []
        while sorter.is_active():
            ready = sorted(sorter.get_ready(), key=ranks.__getitem__)
            ordered += ready
            sorter.done(*ready)
        return tuple(ordered)


def references(dataset: DatasetSpec) -> tuple[str, ...]:
    """Return the datasets that the positions of this one refer to.

    Parameters
    ----------
    dataset : DatasetSpec
        Entry of the manifest.

    Returns
    -------
    tuple of str
        Names of datasets, such as the streets of ``{along: streets}``; empty for plain coordinates.
    """
    position = dataset.position
    if not isinstance(position, Mapping):
        return ()
    return tuple(str(position[key]) for key in ("along", "register") if key in position)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``city.yaml`` for editors.

    Returns
    -------
    dict
        Draft 2020-12 schema.
    """
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **CitySpec.model_json_schema(by_alias=True)}


def read_manifest(path: str | Path) -> Manifest:
    """Read and check a ``city.yaml``.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Manifest
        The city, with its root resolved.

    Raises
    ------
    ManifestError
        If anything is wrong; it lists all faults with their lines.
    """
    path = Path(path)
    tree = _read_tree(path)
    lines = _Lines(tree)
    try:
        spec = CitySpec.model_validate(_plain(tree))
    except ValidationError as error:
        raise ManifestError(path, tuple(_fault(item, lines, tree) for item in error.errors())) from None
    faults: list[Fault] = []
    root = _resolve_root(path, spec.root, lines, faults)
    for name, dataset in spec.datasets.items():
        faults += _dataset_faults(name, dataset, spec, lines)
        if root is not None:
            faults += _path_faults(name, dataset, root, lines)
    faults += _shared_name_faults(spec, lines)
    faults += _cycle_faults(spec, lines)
    if faults or root is None:
        raise ManifestError(path, tuple(faults))
    return Manifest(path=path.resolve(), root=root, spec=spec)


def _read_tree(path: Path) -> CommentedMap:
    try:
        text = path.read_text(encoding="utf-8")
        tree = YAML(typ="rt", pure=True).load(text)
    except OSError as error:
        fault = Fault(line=1, where="file", found=f"no readable file ({error.strerror})", remedy="give a city.yaml")
        raise ManifestError(path, (fault,)) from None
    except (YAMLError, UnicodeDecodeError) as error:
        mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
        found = (error.problem if isinstance(error, MarkedYAMLError) else None) or type(error).__name__
        line = mark.line + 1 if mark is not None else 1
        fault = Fault(line=line, where="file", found=" ".join(str(found).split()), remedy="write valid YAML in UTF-8")
        raise ManifestError(path, (fault,)) from None
    if not isinstance(tree, CommentedMap):
        fault = Fault(line=1, where="file", found=type(tree).__name__, remedy="write `city:`, `area:`, `datasets:` …")
        raise ManifestError(path, (fault,))
    return tree


class _Lines:
    """Finds the line on which an entry stands."""

    def __init__(self, tree: CommentedMap) -> None:
        self._tree = tree

    def of(self, location: Location) -> int:
        node: object = self._tree
        line = 1
        for key in location:
            marks = node.lc.data if isinstance(node, (CommentedMap, CommentedSeq)) else None
            if (isinstance(node, CommentedMap) and key in node) or (
                isinstance(node, CommentedSeq) and isinstance(key, int) and key < len(node)
            ):
                node = node[key]
            else:
                break
            if marks and key in marks:  # a key merged in with << has no mark here: keep its parent's
                line = marks[key][0] + 1
        return int(line)


def _plain(node: object) -> Any:  # noqa: ANN401 - whatever YAML can say
    """Turn ruamel's marked values into plain ones that pydantic and JSON know."""
    if isinstance(node, Mapping):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, Sequence) and not isinstance(node, str):
        return [_plain(value) for value in node]
    if isinstance(node, (datetime, date)):
        return node.isoformat()
    if isinstance(node, bool) or node is None:
        return node
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return str(node)


def _shown(value: object) -> str:
    text = repr(_plain(value)) if not isinstance(value, BaseModel) else "this entry"
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _known_keys(tree: object, location: Location) -> list[str]:
    """Return the keys that may stand beside the last one of a location."""
    model: Any = CitySpec
    for key in location[:-1]:
        if isinstance(model, type) and issubclass(model, BaseModel):
            names = {(info.alias or name): info for name, info in model.model_fields.items()}
            if key not in names:
                return []
            model = names[str(key)].annotation
            arguments = getattr(model, "__args__", ())
            candidates = [item for item in arguments if isinstance(item, type) and issubclass(item, BaseModel)]
            if getattr(model, "__origin__", None) is dict:
                continue
            model = candidates[0] if candidates else model
        else:
            model = model.__args__[1] if getattr(model, "__origin__", None) is dict else model
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [info.alias or name for name, info in model.model_fields.items()]
    return []


def _fault(item: Any, lines: _Lines, tree: CommentedMap) -> Fault:  # noqa: ANN401 - pydantic's own dictionary
    location: Location = tuple(item["loc"])
    where = ".".join(str(part) for part in location) or "file"
    kind, context = item["type"], item.get("ctx", {})
    found = _shown(item["input"])
    if kind == "missing":
        found, remedy = "nothing", f"write `{location[-1]}: …` there"
    elif kind == "extra_forbidden":
        known = _known_keys(tree, location)
        close = difflib.get_close_matches(str(location[-1]), known, n=1)
        found = f"the unknown key {location[-1]!r}"
        remedy = f"write `{close[0]}:`" if close else "remove it; known here: " + ", ".join(known)
    elif kind == "literal_error":
        remedy = f"write one of {context['expected']}"
    elif kind == "remedy":
        remedy = str(context["remedy"])
    elif kind.startswith("model_") or kind == "dict_type":
        remedy = "write indented `key: value` lines under it"
    else:
        remedy = "write what fits: " + item["msg"][0].lower() + item["msg"][1:]
    if kind == "remedy" and isinstance(item["input"], Mapping):
        found = "entries that contradict each other" if len(found) >= _SHOWN_CHARACTERS else found
    if kind == "remedy" and location == () and "area" in remedy:
        location, where, found = ("area",), "area", _shown(item["input"].get("area"))
    return Fault(line=lines.of(location), where=where, found=found, remedy=remedy)


def _resolve_root(path: Path, text: str, lines: _Lines, faults: list[Fault]) -> Path | None:
    """Fill variables of the environment into ``root``, the only place where they count."""
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


def _path_faults(name: str, dataset: DatasetSpec, root: Path, lines: _Lines) -> list[Fault]:
    faults = []
    for part in dataset.path:
        line, where = lines.of(("datasets", name, "path")), f"datasets.{name}.path"
        full = (root / part).resolve()
        if not full.is_relative_to(root):
            remedy = "write a path inside root, or set a wider `root:`"
            faults.append(Fault(line=line, where=where, found=f"{part!r}, which leaves root", remedy=remedy))
        elif not full.exists():
            remedy = "write the path of the file relative to root"
            faults.append(Fault(line=line, where=where, found=f"{part!r}, which does not exist", remedy=remedy))
    return faults


def _dataset_faults(name: str, dataset: DatasetSpec, spec: CitySpec, lines: _Lines) -> list[Fault]:
    """Return what no single entry shows: words that refer to other entries."""
    faults: list[Fault] = []
    base: Location = ("datasets", name)

    def add(tail: Location, found: str, remedy: str) -> None:
        location = base + tail
        where = ".".join(str(part) for part in location)
        faults.append(Fault(line=lines.of(location), where=where, found=found, remedy=remedy))

    if not _LAYER_NAME.match(name):
        add((), repr(name), "write a name of lower-case letters, digits and _")
    if dataset.position is not None:
        try:
            crs.definition(dataset.position)
        except crs.CrsError as error:
            add(("position",), _shown(dataset.position), " ".join(str(error).split()))
    for other in references(dataset):
        if other not in spec.datasets:
            known = ", ".join(spec.datasets)
            add(("position",), f"a reference to {other!r}", f"write the name of a dataset: {known}")
    if dataset.support == "reference" and not references(dataset):
        add(("support",), "'reference'", "give a position {along: …} or {register: …}, or remove support")
    if dataset.site and dataset.time is None:
        add(("site",), repr(list(dataset.site)), "write `time: {column: …}` too: only series have sites")
    for key, variable in dataset.variables.items():
        tail: Location = ("variables", key)
        if not _LAYER_NAME.match(key):
            add(tail, repr(key), "write a name of lower-case letters, digits and _")
        known_names = {*dataset.variables, *dataset.fields, *(v.column or k for k, v in dataset.variables.items())}
        if variable.derive is not None and variable.derive.ratio not in known_names - {key}:
            known = ", ".join(sorted(known_names - {key}))
            add((*tail, "derive"), f"ratio: {variable.derive.ratio!r}", f"name a variable of this dataset: {known}")
        if variable.field is not None and variable.kind != "intensive":
            add((*tail, "field"), f"kriging of an {variable.kind} quantity", "write kind: intensive, or remove field")
    return faults


def _shared_name_faults(spec: CitySpec, lines: _Lines) -> list[Fault]:
    faults: list[Fault] = []
    seen: dict[str, str] = {}
    for name, dataset in spec.datasets.items():
        for key in dataset.variables:
            if key in seen:
                where = f"datasets.{name}.variables.{key}"
                found = f"a variable that {seen[key]} holds already"
                remedy = f"write another name, such as {key}_{name}, and `column: {key}`"
                line = lines.of(("datasets", name, "variables", key))
                faults.append(Fault(line=line, where=where, found=found, remedy=remedy))
            seen.setdefault(key, name)
    return faults


def _cycle_faults(spec: CitySpec, lines: _Lines) -> list[Fault]:
    graph = {name: references(dataset) for name, dataset in spec.datasets.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = error.args[1]
        location: Location = ("datasets", str(circle[0]), "position")
        found = "positions that refer to each other in a circle: " + " → ".join(circle)
        remedy = "give one of them coordinates of its own"
        return [Fault(line=lines.of(location), where=".".join(map(str, location)), found=found, remedy=remedy)]
    return []
