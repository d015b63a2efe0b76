"""What a build will do, as a value that can be printed before a step is taken."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import crs
import layers
import spatial_join
from layers.sources import companions
from twin.manifest.files import position_files
from twin.manifest.positions import profile_position, references
from twin.manifest.truth import truth_references
from twin.steps.parts import hash_of
from twin.store import hash_file, hash_input, size_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twin.manifest.reading import Manifest

StepKind = Literal["place", "cells", "field", "truth"]

# Whatever can change a number: our own code, and the libraries that compute or decode.
_LIBRARIES = (
    "h3",
    "mapbox_earcut",
    "numpy",
    "pandas",
    "pyarrow",
    "pyogrio",
    "pyproj",
    "rasterio",
    "scipy",
    "shapely",
    "zarr",
)
_KEY_DIGITS = 32
# Words of a dataset that decide where its records are; titles, owners and drawing are added when all is assembled.
_PLACING = (
    "domain",
    "evidence",
    "fields",
    "height_unit",
    "path",
    "position",
    "read",
    "repairs",
    "rules",
    "time",
    "trust",
    "unique",
)
# Words of its quality that are counted with; thresholds only colour what was counted.
_COUNTED = ("interval", "as_of")
# A byte of a raster or of a city model costs more to place than one of a table; this only steers the time left.
_FIELD_COST = 4_000_000


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a build; its result depends on nothing but its key.

    Parameters
    ----------
    name : str
        Such as ``place detectors``.
    kind : str
        ``place`` reads, checks and moves; ``cells`` derives, resamples and aggregates; ``field`` interpolates;
        ``truth`` lays true places beside those of ``place``.
    dataset : str
        Which dataset.
    variable : str or None
        Which variable, for a field.
    key : str
        Hash of input files, manifest entry, keys of the steps it needs, and code.
    needs : tuple of str
        Names of the steps before it.
    cost : int
        How much work it is, in bytes of input.
    shared : str
        Hash of what goes into each of its partitions beside their records: of what is read, or of grid and clock.
    """

    name: str
    kind: StepKind
    dataset: str
    variable: str | None = None
    key: str
    needs: tuple[str, ...]
    cost: int
    shared: str = ""

    def __dask_tokenize__(self) -> tuple[str, str, str]:
        return ("twin.Step", self.name, self.key)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All steps of a build, each after those it needs.

    Parameters
    ----------
    manifest : Manifest
        What is built.
    steps : tuple of Step
        In an order in which they can be taken.
    code : str
        Hash of the code.
    """

    manifest: Manifest
    steps: tuple[Step, ...]
    code: str

    def __dask_tokenize__(self) -> tuple[str, ...]:
        return ("twin.Plan", *(step.key for step in self.steps))

    def __getitem__(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)

    def __repr__(self) -> str:
        lines = [f"<Plan of {self.manifest.spec.city!r}: {len(self.steps)} steps"]
        for step in self.steps:
            after = f" after {', '.join(step.needs)}" if step.needs else ""
            lines.append(f"  {step.name} ({step.cost / 1e6:.1f} MB){after}")
        return "\n".join(lines) + ">"


@cache
def code_version() -> str:
    """Return a hash of the code that turns files into a twin.

    Returns
    -------
    str
        Equal for equal source text and equal versions of the libraries that compute.
    """
    state = hashlib.sha256()
    folders = [Path(__file__).parent, *(Path(str(room.__file__)).parent for room in (crs, layers, spatial_join))]
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in {".py", ".toml"}:
                state.update(f"{folder.name}/{path.relative_to(folder).as_posix()}\n".encode())
                state.update(path.read_bytes())
    for library in _LIBRARIES:
        state.update(f"{library} {metadata.version(library)}\n".encode())
    return state.hexdigest()[:_KEY_DIGITS]


def _without(tree: dict[str, Any], *words: str) -> dict[str, Any]:
    return {key: value for key, value in tree.items() if key not in words}


def make_plan(manifest: Manifest) -> Plan:
    """Resolve a manifest into steps.

    Parameters
    ----------
    manifest : Manifest
        A city without faults; its files are hashed, nothing else is read.

    Returns
    -------
    Plan
        Steps in dependency order.
    """
    spec, code = manifest.spec, code_version()
    steps: dict[str, Step] = {}
    profile = profile_position(spec.profile)
    for name in manifest.order():
        dataset = spec.datasets[name]
        files = manifest.files(name)
        entry: dict[str, Any] = dataset.model_dump(mode="json", by_alias=True)
        placing = {word: entry[word] for word in _PLACING} | ({"surfaces": True} if dataset.show.roofs else {})
        measuring = {word: entry[word] for word in ("period", "site", "support", "time", "uncertain")}
        measuring |= {word: entry["quality"][word] for word in _COUNTED}
        measuring["variables"] = {key: _without(value, "title", "same_as") for key, value in entry["variables"].items()}
        needs = tuple(f"place {other}" for other in references(dataset))
        cost = sum(size_of(path) for path in files)
        content = [[part, hash_input(path)] for part, path in zip(dataset.path, files, strict=True)]
        beside = [other for path in files for other in companions(path, root=manifest.root)]
        content += [["beside", other.name, hash_file(other)] for other in beside]
        content += [["position", hash_file(path)] for path in manifest.position_files(name)]
        before = [steps[need].key for need in needs]
        reading = hash_of("read", code, name, placing, profile, content, list(spec.area), before)
        place = Step(
            name=f"place {name}",
            kind="place",
            dataset=name,
            key=hash_of("place", reading, entry["corrections"]),
            needs=needs,
            cost=cost,
            shared=reading,
        )
        steps[place.name] = place
        gridding = hash_of("cells", code, spec.resolution, spec.clock.model_dump(mode="json"), measuring, before)
        cells = Step(
            name=f"cells {name}",
            kind="cells",
            dataset=name,
            key=hash_of(gridding, place.key),
            needs=(place.name, *needs),
            cost=cost,
            shared=gridding,
        )
        steps[cells.name] = cells
        for variable, described in dataset.variables.items():
            if described.field is not None:
                steps[f"field {variable}"] = Step(
                    name=f"field {variable}",
                    kind="field",
                    dataset=name,
                    variable=variable,
                    key=hash_of("field", cells.key, variable, list(spec.area)),
                    needs=(cells.name,),
                    cost=_FIELD_COST,
                )
    truths = [_truth_step(manifest, name, steps, code) for name, d in spec.datasets.items() if d.truth is not None]
    return Plan(manifest=manifest, steps=(*steps.values(), *truths), code=code)


def _truth_step(manifest: Manifest, name: str, steps: Mapping[str, Step], code: str) -> Step:
    """Return the step that lays a dataset's true places beside those that it was given."""
    dataset = manifest.spec.datasets[name]
    truth = dataset.truth
    path = manifest.root / ("" if truth is None else truth.path)
    others = dict.fromkeys((name, *references(dataset), *truth_references(dataset)))
    needs = tuple(f"place {other}" for other in others)
    told = None if truth is None else truth.model_dump(mode="json")
    files = () if truth is None else position_files(truth.position)
    content = [hash_file(path), *(hash_file(manifest.root / part) for part in files)]
    before = [steps[need].key for need in needs]
    plane = [manifest.spec.fusion.plane, list(manifest.spec.area)]
    key = hash_of("truth", code, name, told, content, plane, before)
    return Step(name=f"truth {name}", kind="truth", dataset=name, key=key, needs=needs, cost=steps[needs[0]].cost)
