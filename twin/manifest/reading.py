"""Read ``city.yaml``: every fault at once, each with its line, what was found and what to write."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from twin.errors import Fault, ManifestError
from twin.manifest.alerts import alert_faults
from twin.manifest.checks import (
    colour_faults,
    cycle_faults,
    dataset_faults,
    path_faults,
    resolve_root,
    shared_name_faults,
    view_faults,
)
from twin.manifest.files import position_files, rooted
from twin.manifest.marks import Lines, Location, plain, shown
from twin.manifest.models import DETECT, CitySpec, DatasetSpec, ProfileSpec
from twin.manifest.positions import profile_faults, references, with_profile
from twin.manifest.sources import source_faults
from twin.manifest.tour import tour_faults
from twin.manifest.truth import fusion_faults, truth_faults


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
        Its content, the words of its profile filled in.
    lines : mapping of str to int
        Line of the position of each dataset, for messages of the build.
    """

    path: Path
    root: Path
    spec: CitySpec
    lines: Mapping[str, int] = field(default_factory=dict)

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

    def position_files(self, dataset: str) -> tuple[Path, ...]:
        """Return the files that the positions of a dataset name: grids of heights, control points.

        Parameters
        ----------
        dataset : str
            Name of the dataset.

        Returns
        -------
        tuple of Path
            Resolved paths.
        """
        return tuple((self.root / part).resolve() for part in position_files(self.spec.datasets[dataset].position))

    def position(self, dataset: str) -> Any:  # noqa: ANN401 - whatever form `position:` has
        """Return what the manifest says of a dataset's positions, with whole paths of files.

        Parameters
        ----------
        dataset : str
            Name of the dataset.

        Returns
        -------
        object
            For `crs.definition`; None if it says nothing.
        """
        return rooted(self.spec.datasets[dataset].position, self.root)

    def needs(self, dataset: str) -> tuple[str, ...]:
        """Return the datasets that the positions and columns of a dataset refer to.

        Parameters
        ----------
        dataset : str
            Name of the dataset.

        Returns
        -------
        tuple of str
            Names.
        """
        return references(self.spec.datasets[dataset])

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
    lines = Lines(tree)
    plain_tree = plain(tree)
    faults: list[Fault] = []
    spec = None
    try:
        spec = CitySpec.model_validate(plain_tree)
    except ValidationError as error:
        faults += [_fault(item, lines) for item in error.errors()]
    entries = plain_tree.get("datasets")
    profile = _sound_profile(plain_tree.get("profile"))
    faults += profile_faults(profile, lines)
    datasets = with_profile(spec.datasets if spec is not None else _sound_datasets(entries), profile)
    stated = plain_tree.get("root", ".")
    root = resolve_root(path, stated, lines, faults) if isinstance(stated, str) else None
    for name, dataset in datasets.items():
        faults += dataset_faults(name, dataset, list(entries), lines, root=root)
        if root is not None:
            faults += path_faults(name, dataset, root, lines)
        faults += truth_faults(name, dataset, root, lines)
    faults += [*shared_name_faults(datasets, lines), *colour_faults(datasets, lines), *source_faults(datasets, lines)]
    faults += cycle_faults(datasets, lines)
    if spec is not None and spec.view is not None:
        faults += view_faults(spec.view, spec.area, datasets, lines)
    if spec is not None:
        variables = sorted({name for dataset in datasets.values() for name in dataset.variables})
        faults += tour_faults(spec.tour, spec.area, lines, datasets=list(datasets), variables=variables)
        faults += alert_faults(spec.alerts, datasets, lines)
        faults += fusion_faults(spec, lines)
    if faults or root is None or spec is None:
        raise ManifestError(path, tuple(faults))
    spec = spec.model_copy(update={"datasets": datasets})
    marks = {name: lines.of(("datasets", name, "position")) for name in datasets}
    return Manifest(path=path.resolve(), root=root, spec=spec, lines=marks)


def _sound_datasets(entries: object) -> dict[str, DatasetSpec]:
    """Return the datasets that can be read although others cannot, so that their faults come at once too."""
    sound = {}
    for name, entry in entries.items() if isinstance(entries, Mapping) else ():
        try:
            sound[str(name)] = DatasetSpec.model_validate(entry)
        except ValidationError:
            continue  # its faults are told by the whole
    return sound


def _sound_profile(entry: object) -> ProfileSpec:
    """Return the profile, empty if it cannot be read: its faults are told by the whole."""
    try:
        return ProfileSpec.model_validate({} if entry is None else entry)
    except ValidationError:
        return ProfileSpec.model_validate({})


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
        found = found.removeprefix("found ").split(" with value ")[
            0
        ]  # a key found twice comes with all that is under it
        line = mark.line + 1 if mark is not None else 1
        fault = Fault(line=line, where="file", found=" ".join(str(found).split()), remedy="write valid YAML in UTF-8")
        raise ManifestError(path, (fault,)) from None
    if not isinstance(tree, CommentedMap):
        found = "nothing" if tree is None else "no `key: value` lines"
        fault = Fault(line=1, where="file", found=found, remedy="write `city:`, `area:`, `datasets:` …")
        raise ManifestError(path, (fault,))
    return tree


def _known_keys(location: Location) -> list[str]:
    """Return the keys that may stand beside the last one of a location."""
    model: Any = CitySpec
    for key in location[:-1]:
        if isinstance(model, type) and issubclass(model, BaseModel):
            names = {(info.alias or name): info for name, info in model.model_fields.items()}
            if key not in names:
                return []
            model = names[str(key)].annotation
            arguments = [getattr(item, "__origin__", item) for item in getattr(model, "__args__", ())]
            candidates = [item for item in arguments if isinstance(item, type) and issubclass(item, BaseModel)]
            if getattr(model, "__origin__", None) is dict:
                continue
            model = candidates[0] if candidates else model
        else:
            model = model.__args__[1] if getattr(model, "__origin__", None) is dict else model
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [info.alias or name for name, info in model.model_fields.items()]
    return []


def _as_written(location: Location) -> Location:
    """Leave out which way of saying a position was taken: that word stands in no file."""
    if len(location) > 3 and location[2] == "position" and location[3] == DETECT:
        return (*location[:3], *location[4:])
    return tuple(location)


def _fault(item: Any, lines: Lines) -> Fault:  # noqa: ANN401 - pydantic's own dictionary
    location: Location = _as_written(item["loc"])
    where = ".".join(str(part) for part in location) or "file"
    kind, context = item["type"], item.get("ctx", {})
    found = shown(item["input"])
    if kind == "missing":
        found, remedy = "nothing", f"write `{location[-1]}: …` there"
    elif kind == "extra_forbidden":
        known = _known_keys(location)
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
        found = "entries that contradict each other" if found.endswith("…") else found
    if kind == "remedy" and location == () and "area" in remedy:
        location, where, found = ("area",), "area", shown(item["input"].get("area"))
    return Fault(line=lines.of(location), where=where, found=found, remedy=remedy)
