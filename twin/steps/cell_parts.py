"""Take a large dataset to the cells in partitions, and add up what they found.

A partition makes its own features, weights, records and sums by cell; a sum of sums is the sum. What a partition cannot
know, the numbers of the classes that all of them found, is settled where they are put together.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from pyarrow import feather

import layers
from spatial_join import CellTable, JoinError
from spatial_join.state import State, combine
from twin.cube.arrays import Pieces, cells_of, how_spread, quantity_of, write_nothing, write_table_of_cells
from twin.cube.backing import Backing, backing_of
from twin.errors import BuildError
from twin.quality import judged
from twin.steps.parts import Part, costs, hash_of, lacking
from twin.steps.placed import files_of, placed_record, quarantine_file, read_columns, read_stretch
from twin.steps.spreading import (
    Room,
    entered,
    on_the_clock,
    out_of,
    period_of,
    require_one_kind,
    spread_of,
    write_tables,
)
from twin.steps.work import place_of, receipt, say_parts
from twin.storage.links import link_or_copy
from twin.store import canonical_json, write_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from twin.manifest.reading import Manifest
    from twin.plan import Step

__all__ = ["cells_part", "cells_parts", "join_cells"]

_PART = "part.json"
_TABLES = ("features", "weights", "records")


def cells_parts(step: Step, placed: Path) -> tuple[Part, ...]:
    """Return the partitions of a dataset that was placed in partitions.

    Parameters
    ----------
    step : Step
        Of kind ``cells``.
    placed : Path
        Folder of its ``place`` step.

    Returns
    -------
    tuple of Part
        In the order of the records.
    """
    written = receipt(placed) or {}
    files = files_of(placed)
    rows = [pq.read_metadata(file).num_rows for file in files]
    return tuple(
        Part(
            kind="cells-part",
            dataset=step.dataset,
            number=number,
            count=len(files),
            key=hash_of("cells-part", step.shared, written[file.relative_to(placed).as_posix()]),
            step=step.name,
            source=placed,
            rows=rows[number],
            cost=share,
        )
        for number, (file, share) in enumerate(zip(files, costs(rows, step.cost), strict=True))
    )


def cells_part(manifest: Manifest, part: Part, folder: Path) -> None:
    """Take the records of one partition to the cells.

    Parameters
    ----------
    manifest : Manifest
        The city.
    part : Part
        Of kind ``cells-part``.
    folder : Path
        Where to write.
    """
    room = Room.of(manifest, part.dataset, folder)
    layer, late = on_the_clock(read_stretch(part.source, part.number), room)
    write_table(folder / "late.parquet", late)
    write_table(folder / "prints.parquet", layers.prints_of(layer))
    spread = spread_of(layer, room, {})
    write_tables(layer, room, spread)
    require_one_kind(spread.weights, room)
    readings, weights = spread.readings, next(iter(spread.weights.values()), None)
    table = cells_of(room.dataset, readings, Pieces(weights=weights, sigma_m=spread.sigma_m))
    if table is not None:
        _write_state(table.to_state(), folder)
    variables, sources = room.dataset.variables, {}
    if weights is not None:
        for name, variable in variables.items():
            behind = backing_of(weights, readings, name, variable, clock=room.clock)
            sources[name] = behind.source
            _write_sums(behind.sums, folder / "backing" / f"{name}.arrow")
    info = {
        "sources": sources,
        "kinds": sorted(spread.weights),
        "measure": None if weights is None else weights.measure,
        "how": {} if weights is None else {name: how_spread(told, weights) for name, told in variables.items()},
        "notes": {name: list(told) for name, told in readings.notes.items()},
        "categories": {name: list(told) for name, told in readings.categories.items()},
        "period": period_of(layer, room.dataset),
        "period_s": readings.period_s,
        "features": len(readings.first),
    }
    (folder / _PART).write_bytes(canonical_json(info))


def _write_state(state: State, folder: Path) -> None:
    _write_sums(state.frame, folder / "state.arrow")
    for name, classes in state.categories.items():
        write_table(folder / "classes" / f"{name}.parquet", classes)


def _write_sums(frame: pd.DataFrame, path: Path) -> None:
    """Write sums so that they can be looked at where they lie: each build puts all partitions together."""
    path.parent.mkdir(parents=True, exist_ok=True)
    feather.write_feather(frame, str(path), compression="uncompressed")


def _read_sums(path: Path) -> pd.DataFrame:
    frame: pd.DataFrame = feather.read_table(str(path), memory_map=True).to_pandas(split_blocks=True)
    return frame


def _read_backing(folder: Path, info: Mapping[str, Any], name: str) -> Backing:
    sums = _read_sums(folder / "backing" / f"{name}.arrow")
    return Backing(sums=sums, files=sums[:0].assign(file=""), source=info["sources"][name])


def _read_state(folder: Path, numbers: Mapping[str, np.ndarray[Any, Any]]) -> State | None:
    """Take up the sums of a partition, its classes under the numbers that all partitions give them."""
    if not (folder / "state.arrow").exists():
        return None
    found = {}
    for name, ours in numbers.items():
        classes = pd.read_parquet(folder / "classes" / f"{name}.parquet")
        found[name] = classes.assign(category=ours[classes["category"].to_numpy(dtype=np.int64)])
    return State(frame=_read_sums(folder / "state.arrow"), categories=found)


def join_cells(
    manifest: Manifest, work: Path, parts: Sequence[Part], *, poisoned: Mapping[str, str], folder: Path
) -> list[Mapping[str, Any]]:
    """Put the partitions of a dataset together.

    Parameters
    ----------
    manifest : Manifest
        The city.
    work : Path
        Folder of finished steps.
    parts : sequence of Part
        All of them, in the order of the records.
    poisoned : mapping
        Why some of them could not be done, by their keys: their records are set aside.
    folder : Path
        Where to write.

    Returns
    -------
    list of mapping
        The partitions that could not be done.
    """
    name, placed = parts[0].dataset, parts[0].source
    room = Room.of(manifest, name, folder)
    record, aside = placed_record(placed), pd.read_parquet(quarantine_file(placed))
    done = [part for part in parts if part.key not in poisoned]
    infos = [json.loads((place_of(work, part) / _PART).read_bytes()) for part in done]
    gone = []
    for part in parts:
        late = _late(part, place_of(work, part), poisoned)
        aside = entered(late, record, aside)
        gone.append(late["row"].to_numpy(dtype=np.int64))
    require_one_kind({kind for info in infos for kind in info["kinds"]}, room)
    classes = _classes(infos, room)
    numbers = [_numbers(info, classes) for info in infos]
    for part, ours in zip(done, numbers, strict=True):
        _take_tables(place_of(work, part), ours, folder, part.number)
    states = [_read_state(place_of(work, part), ours) for part, ours in zip(done, numbers, strict=True)]
    behind = {
        key: [
            _read_backing(place_of(work, part), info, key)
            for part, info in zip(done, infos, strict=True)
            if key in info["sources"]
        ]
        for key in room.dataset.variables
    }
    _write_cube([state for state in states if state is not None], behind, infos, room=room, classes=classes)
    info = _told(infos, room, classes)
    left = _without(read_columns(placed, {*room.dataset.fields, "time"}), np.concatenate(gone))
    info["sigma_m"] = float(np.median(left.sigma_m)) if len(left) else None
    prints = [pd.read_parquet(place_of(work, part) / "prints.parquet") for part in done]
    seen = pd.concat(prints, ignore_index=True) if prints else pd.DataFrame({"said": [], "place": []})
    record["quality"] = judged(left, record, aside, manifest, prints=seen).to_json()
    write_table(folder / "quarantine.parquet", aside)
    (folder / "info.json").write_bytes(canonical_json({**record, **info}))
    say_parts(folder, [place_of(work, part).name for part in done])
    return [lacking(part.name, part.rows, poisoned[part.key]) for part in parts if part.key in poisoned]


def _late(part: Part, folder: Path, poisoned: Mapping[str, str]) -> pd.DataFrame:
    """Return the records of a partition that are set aside."""
    if part.key not in poisoned:
        return pd.read_parquet(folder / "late.parquet")
    layer = read_stretch(part.source, part.number)
    return out_of(layer, np.ones(len(layer), dtype=bool), poisoned[part.key])[1]


def _without(layer: layers.Layer, rows: np.ndarray[Any, Any]) -> layers.Layer:
    """Leave records out that are entered elsewhere."""
    kept = ~layer.table.index.isin(rows)
    ledger = layers.Ledger(dataset=layer.name, sources={"placed": int(kept.sum())}, placed=int(kept.sum()))
    return dataclasses.replace(layer, table=layer.table[kept], coordinates=layer.coordinates.take(kept), ledger=ledger)


def _classes(infos: Sequence[Mapping[str, Any]], room: Room) -> dict[str, list[str]]:
    """Return the classes that all partitions found, in order."""
    names = [name for name, variable in room.dataset.variables.items() if variable.kind == "categorical"]
    return {name: sorted({text for info in infos for text in info["categories"].get(name, ())}) for name in names}


def _numbers(info: Mapping[str, Any], classes: Mapping[str, Sequence[str]]) -> dict[str, np.ndarray[Any, Any]]:
    """Return which number each class of a partition has among those of all."""
    places = {name: {text: float(number) for number, text in enumerate(found)} for name, found in classes.items()}
    return {
        name: np.array([place[text] for text in info["categories"].get(name, ())], dtype=np.float64)
        for name, place in places.items()
    }


def _take_tables(source: Path, numbers: Mapping[str, np.ndarray[Any, Any]], folder: Path, number: int) -> None:
    """Take features, weights and records of a partition as they are, but for the numbers of classes."""
    for table in _TABLES:
        file, target = source / f"{table}.parquet", folder / table / f"{number:05d}.parquet"
        if not file.exists():
            continue
        same = all((ours == np.arange(len(ours))).all() for ours in numbers.values())
        if table != "records" or same:
            link_or_copy(file, target)
            continue
        frame = pd.read_parquet(file)
        for name, ours in numbers.items():
            known = frame[name].notna()
            frame.loc[known, name] = ours[frame.loc[known, name].to_numpy(dtype=np.int64)]
        write_table(target, frame)


def _write_cube(
    states: Sequence[State],
    behind: Mapping[str, Sequence[Backing]],
    infos: Sequence[Mapping[str, Any]],
    *,
    room: Room,
    classes: Mapping[str, Sequence[str]],
) -> None:
    variables = room.dataset.variables
    steps = None if room.dataset.time is None else len(room.clock)
    if not states:
        for name, variable in variables.items():
            write_nothing(room.folder, name, variable, steps=steps)
        return
    measure = next(info["measure"] for info in infos if info["measure"] is not None)
    quantities = {name: quantity_of(name, variable, measure) for name, variable in variables.items()}
    like = CellTable(
        frame=pd.DataFrame(), quantities=quantities, resolution=room.manifest.spec.resolution, measure=measure
    )
    try:
        table = CellTable.from_state(combine(states), like=like)
    except JoinError as error:
        raise BuildError(f"{room.name}: {error}") from error
    counts = {name: len(found) for name, found in classes.items()}
    write_table_of_cells(room.folder, variables, table, backing=behind, classes=counts, steps=steps)


def _told(infos: Sequence[Mapping[str, Any]], room: Room, classes: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Say of the whole dataset what its partitions said of themselves."""
    spans = [info["period"] for info in infos if info["period"] is not None]
    period = [min(span[0] for span in spans), max(span[1] for span in spans)] if spans else None
    filled = [info for info in infos if info["measure"] is not None]
    variables = {}
    for name in room.dataset.variables:
        notes = list(infos[0]["notes"].get(name, ())) if infos else []
        how = filled[0]["how"][name] if filled else "no record is placed, so no cell has a value"
        variables[name] = {
            "static": room.dataset.time is None,
            "categories": list(classes.get(name, ())),
            "period": period,
            "notes": [*notes, how],
            "measure": filled[0]["measure"] if filled else None,
        }
    return {
        "features": sum(info["features"] for info in infos),
        "period_s": max((info["period_s"] for info in infos), default=0.0),
        "series": False,
        "variables": variables,
    }
