"""Place a large dataset in partitions: it is read and settled once, and its stretches are moved one by one.

Reading is one piece of work: repairs, duplicates and the evidence for a definition look at all records. It is kept by
stretches. To move them looks at each record alone, but for what the last digits of a column are worth, which is
judged from the whole and kept with every stretch.
"""

from __future__ import annotations

import dataclasses
import json
import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

import crs
import layers
from crs.fields import count_digits
from crs.linear import count_chainage
from layers.stored import store, stored, stored_table, stretch_of
from twin.corrections.applying import named, touching
from twin.plan import code_version
from twin.steps import parts as sizes
from twin.steps.parts import Part, costs, cuts, hash_of, lacking
from twin.steps.place import account, harmonised, inside, none_left, told_of
from twin.steps.placed import of_position, part_file, read_placed, set_aside, write_account, write_records
from twin.steps.work import carry_out, place_of, receipt, say_parts
from twin.storage.links import link_or_copy
from twin.store import canonical_json, write_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from twin.detection.finding import Settled
    from twin.manifest.reading import Manifest
    from twin.plan import Step

__all__ = ["Reading", "join_places", "place_part", "place_parts", "read_apart", "reading_of"]

_SETTLED = "settled.json"
_ASIDE = ("quarantined", "rejected")
_PART = "part.json"
_LOST_HEIGHTS = re.compile(r"; (\d+) records outside it are unresolved and keep theirs$")
#: References that a worker holds for its next partition.
_HELD = 8


class Reading(NamedTuple):
    """A dataset as it was read, kept in stretches.

    Parameters
    ----------
    dataset : str
        Which.
    key : str
        Hash of its files and of all that is asked of them.
    kind : str
        Always ``read``.
    """

    dataset: str
    key: str
    kind: Literal["read"] = "read"

    @property
    def name(self) -> str:
        """Such as ``read parcels``."""
        return f"read {self.dataset}"


def reading_of(step: Step) -> Reading:
    """Return what a step that places reads.

    Parameters
    ----------
    step : Step
        Of kind ``place``.

    Returns
    -------
    Reading
        Done if its folder stands.
    """
    return Reading(dataset=step.dataset, key=step.shared)


def read_apart(step: Step, work: Path, settled: Settled, manifest: Manifest) -> bool:
    """Keep a dataset in stretches, if it is worth it and each record can be moved by itself.

    Parameters
    ----------
    step : Step
        Of kind ``place``.
    work : Path
        Folder of finished steps.
    settled : Settled
        The dataset as published.
    manifest : Manifest
        The city.

    Returns
    -------
    bool
        False if the dataset is placed as a whole: it is small, a raster, a series of sites, mended by its positions, or
        in several definitions.
    """
    layer = settled.layer
    if not isinstance(layer, layers.Layer) or len(layer) <= sizes.LEAST_RECORDS or settled.operation is not None:
        return False
    dataset = manifest.spec.datasets[layer.name]
    mended = any(layers.Repair(**repair.told()).of_positions for repair in dataset.repairs)
    numbers = layer.table.index.to_numpy()
    if mended or dataset.site or dataset.support != "own" or layer.position.notation == "polyline":
        return False
    if any(variable.field for variable in dataset.variables.values()) or (np.diff(numbers) <= 0).any():
        return False
    carry_out(reading_of(step), work, lambda folder: _keep(settled, layer, folder))
    return True


def _keep(settled: Settled, layer: layers.Layer, folder: Path) -> None:
    layer = _judged(layer)
    kept = []
    for number, (source, first, last) in enumerate(cuts(layer, stretch=sizes.STRETCH)):
        store(stretch_of(layer, first, last, source=source), folder / f"{number:05d}")
        kept.append({"source": source, "rows": last - first})
    for fate in _ASIDE:
        write_table(folder / f"{fate}.parquet", getattr(layer.ledger, fate))
    write_table(folder / "repairs.parquet", layer.repairs.cells)
    head = {"name": layer.name, "domain": layer.domain, "sources": dict(layer.ledger.sources), "stretches": kept}
    (folder / _SETTLED).write_bytes(canonical_json({"told": told_of(settled), **head}))


def _judged(layer: layers.Layer) -> layers.Layer:
    """Judge from all numbers of a column what their last digits are worth."""
    fields, position = layer.coordinates, layer.position
    if not isinstance(fields, crs.Fields) or position.kind not in {"coordinates", "linear"}:
        return layer
    count = count_chainage if position.kind == "linear" else count_digits
    digits = tuple(counts.judge() for counts in count(fields, position))
    return dataclasses.replace(layer, coordinates=dataclasses.replace(fields, digits=digits))


def place_parts(step: Step, work: Path, manifest: Manifest, before: Sequence[str]) -> tuple[Part, ...]:
    """Return the partitions of a dataset that was read.

    Parameters
    ----------
    step : Step
        Of kind ``place``.
    work : Path
        Folder of finished steps.
    manifest : Manifest
        The city.
    before : sequence of str
        Keys of the steps that placed what its positions refer to.

    Returns
    -------
    tuple of Part
        In the order of the records.
    """
    folder = place_of(work, reading_of(step))
    stretches = _settled(folder)["stretches"]
    files = receipt(folder) or {}
    dataset = manifest.spec.datasets[step.dataset]
    shared = [list(manifest.spec.area), list(dataset.rules), list(before)]
    shares = costs([told["rows"] for told in stretches], step.cost)
    found = []
    for number, told in enumerate(stretches):
        records = {name: said for name, said in files.items() if name.startswith(f"{number:05d}/")}
        source = folder / f"{number:05d}"
        later = touching(dataset.corrections, told["source"], partial(stored_table, source), dataset=step.dataset)
        found.append(
            Part(
                kind="place-part",
                dataset=step.dataset,
                number=number,
                count=len(stretches),
                key=hash_of("place-part", code_version(), records, shared, later),
                step=step.name,
                source=source,
                rows=told["rows"],
                cost=shares[number],
            )
        )
    return tuple(found)


def _settled(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / _SETTLED).read_bytes())
    return found


@lru_cache(maxsize=_HELD)
def _reference(folder: Path) -> layers.Layer | layers.RasterLayer:
    """Take up a reference once for all partitions that a worker does: its folder is named by its content."""
    return read_placed(folder)


def place_part(manifest: Manifest, part: Part, references: Mapping[str, Path], folder: Path) -> None:
    """Move the records of one partition into the one frame.

    Parameters
    ----------
    manifest : Manifest
        The city.
    part : Part
        Of kind ``place-part``.
    references : mapping
        Folders of the placed datasets that its positions refer to.
    folder : Path
        Where to write.
    """
    layer = stored(part.source)
    known = {name: _reference(path) for name, path in references.items()}
    placed = inside(harmonised(layer, manifest, known), manifest)
    if not isinstance(placed, layers.Layer):  # a stretch of records gives records
        raise TypeError(part.name)
    write_records(placed, folder / "records.parquet")
    _write_part(placed, folder)


def _write_part(placed: layers.Layer, folder: Path) -> None:
    ledger = placed.ledger.balance()
    for fate in _ASIDE:
        write_table(folder / f"{fate}.parquet", getattr(ledger, fate))
    record = {
        "placed": ledger.placed,
        "steps": list(placed.steps),
        "vertical": placed.position.vertical,
        "epoch": placed.position.epoch,
        "units": dict(placed.units),
        "known": sorted(of_position(placed)),
    }
    (folder / _PART).write_bytes(canonical_json(record))


def join_places(
    manifest: Manifest, step: Step, work: Path, parts: Sequence[Part], *, poisoned: Mapping[str, str], folder: Path
) -> list[Mapping[str, Any]]:
    """Put the partitions of a dataset together, in the order of its records.

    Parameters
    ----------
    manifest : Manifest
        The city.
    step : Step
        Of kind ``place``.
    work : Path
        Folder of finished steps.
    parts : sequence of Part
        All of them.
    poisoned : mapping
        Why some of them could not be done, by their keys: their records are set aside.
    folder : Path
        Where to write.

    Returns
    -------
    list of mapping
        The partitions that could not be done.
    """
    reading = place_of(work, reading_of(step))
    said = _settled(reading)
    (folder / "layer").mkdir()
    records: list[dict[str, Any]] = []
    aside: dict[str, list[pd.DataFrame]] = {fate: [pd.read_parquet(reading / f"{fate}.parquet")] for fate in _ASIDE}
    lost: list[Mapping[str, Any]] = []
    for part in parts:
        place = place_of(work, part)
        if part.key in poisoned:
            layer = stored(part.source)
            lost.append(lacking(part.name, len(layer), poisoned[part.key]))
            aside["quarantined"].append(none_left(layer, poisoned[part.key]).ledger.quarantined)
            continue
        records.append(json.loads((place / _PART).read_bytes()))
        link_or_copy(place / "records.parquet", part_file(folder, part.number))
        for fate in _ASIDE:
            aside[fate].append(pd.read_parquet(place / f"{fate}.parquet"))
    if not records:
        write_records(none_left(stored(parts[0].source), "none: of its columns"), part_file(folder, 0))
    ledger = layers.Ledger(
        dataset=said["name"],
        sources=said["sources"],
        placed=sum(record["placed"] for record in records),
        **{fate: _stacked(frames) for fate, frames in aside.items()},
    )
    repairs = layers.RepairLog(cells=pd.read_parquet(reading / "repairs.parquet"))
    joined = _joined(records)
    told = {
        **said["told"],
        "position": named(said["told"]["position"], manifest.spec.datasets[said["name"]].corrections),
    }
    record = account(ledger, told, tuple(joined["steps"])) | joined
    record |= {"name": said["name"], "domain": said["domain"], "raster": False, "repairs": repairs.counts()}
    write_account(record, set_aside(ledger), repairs, folder)
    done = [place_of(work, part).name for part in parts if part.key not in poisoned]
    say_parts(folder, [reading.name, *done])
    return lost


def _stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else frames[0]


def _joined(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Say of all partitions what was done: what is the same of each stands once, lost heights are counted."""
    lifted = next((one for one in records if any(step.startswith("heights:") for step in one["steps"])), None)
    none: Mapping[str, Any] = {"vertical": None, "epoch": None, "units": {}}
    first = lifted or next(iter(records), none)
    units: dict[str, str] = {}
    for record in records:
        units |= record["units"]
    known = sorted({name for record in records for name in record["known"]} | {"sigma_m"})
    told = {"steps": _steps(records), "vertical": first["vertical"], "epoch": first["epoch"]}
    return {**told, "units": units, "known": known}


def _steps(records: Sequence[Mapping[str, Any]]) -> list[str]:
    counts: dict[str, int] = {}
    for record in records:
        for step in record["steps"]:
            lost = _LOST_HEIGHTS.search(step)
            plain = _LOST_HEIGHTS.sub("", step)
            counts[plain] = counts.get(plain, 0) + (int(lost.group(1)) if lost else 0)
    return [
        f"{step}; {count} records outside it are unresolved and keep theirs" if count else step
        for step, count in counts.items()
    ]
