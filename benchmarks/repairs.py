"""Plants mistakes into the sample city and measures how they are mended: ``python -m benchmarks.repairs``."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import shapely

import crs
import layers
from data_samples.monaco.make.mistakes import RECIPES, mistaken_copy
from layers.repairs import GEOMETRY, repair_table
from twin import read_manifest
from twin.steps.place import inside, read_options

CITY = Path(__file__).resolve().parent.parent / "data_samples" / "monaco"
#: Feet are planted with four decimals, so that a metre comes back to within 2e-5 m.
CLOSE = 1e-4


def main() -> None:
    """Print the table of benchmarks/RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        begin = perf_counter()
        by_dataset, by_kind = measure(Path(folder), rate=options.rate, seed=options.seed)
        seconds = perf_counter() - begin
    for table in (by_dataset, by_kind):
        print(table.reset_index().to_string(index=False, float_format=lambda share: f"{share:.4f}"))
    print(f"{seconds:.0f} s")


def measure(folder: Path, *, rate: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Spoil a copy of the city, read it, and hold every repair against the kept truth.

    Returns the measures by dataset and by kind of mistake. ``passed`` counts records that are placed, and copies that
    were taken out; ``right`` counts repairs that gave back what stood there before, or took a planted copy out;
    ``undone`` counts changed cells that come back bit for bit.
    """
    truth = mistaken_copy(CITY, folder, rate=rate, seed=seed)
    manifest = read_manifest(folder / "city.yaml")
    known: dict[str, layers.Layer | layers.RasterLayer] = {}
    lines, kinds = [], []
    for name in (name for name in manifest.order() if name in RECIPES):
        spec = manifest.spec.datasets[name]
        options = read_options(spec, manifest, known)
        published = layers.read(spec.path[0], position=manifest.position(name), name=name, options=options)
        mended = layers.repair_positions(published, options.repairs, area=manifest.spec.area)
        known[name] = moved = inside(crs.harmonise(mended, target="OGC:CRS84", references=known), manifest)
        judged = _judged(moved, truth[truth["dataset"] == name])
        copies = moved.ledger.rejected["reason"].str.startswith("duplicate").sum()
        line = {
            "records": moved.ledger.records_in,
            "spoiled": truth.loc[truth["dataset"] == name, "row"].nunique(),
            "passed": moved.ledger.placed + copies,
            "repairs": len(judged),
            "right": int(judged["right"].sum()),
            "undone": _undone(published, mended, options),
            "cells": len(moved.repairs),
        }
        lines.append({"dataset": name, **line})
        kinds.append(_by_kind(moved, truth[truth["dataset"] == name], judged))
    table = pd.DataFrame(lines).set_index("dataset")
    table.loc["all"] = table.sum()
    table["pass"] = table["passed"] / table["records"]
    table["precision"] = table["right"] / table["repairs"]
    kind = pd.concat(kinds).groupby("kind", sort=False)[["planted", "mended", "withheld", "set_aside", "stays"]].sum()
    return table, kind


def _judged(layer: layers.Layer, truth: pd.DataFrame) -> pd.DataFrame:
    """Say of each repaired cell and each removed copy whether it is right."""
    planted = {(row, column): before for row, column, before in truth[["row", "column", "before"]].to_numpy()}
    kind = truth.set_index("row")["kind"]
    entries = []
    for row, column, after, rule in layer.repairs.cells[["row", "column", "after", "rule"]].to_numpy():
        if column == GEOMETRY:
            point = shapely.from_wkb(after)
            wanted = [(axis, planted.get((row, axis))) for axis in ("x", "y")]
            right = any(text is not None for _, text in wanted) and all(
                text is None or abs(float(text) - getattr(point, axis)) <= 1e-7 for axis, text in wanted
            )
        elif rule == "withhold":
            right = kind.get(row) is not None and np.any(kind.loc[[row]] == "out_of_range") and (row, column) in planted
        else:
            right = _same(planted.get((row, column)), after)
        entries.append((row, right))
    copies = truth.loc[truth["kind"] == "duplicate", "row"]
    gone = layer.ledger.rejected
    gone = gone.loc[gone["reason"].str.startswith("duplicate"), "row"]
    entries += [(row, row in set(copies)) for row in gone]
    return pd.DataFrame(entries, columns=["row", "right"]).astype({"right": bool})


def _same(before: str | None, after: str | None) -> bool:
    if before is None or after is None:
        return False
    if before == after:
        return True
    numbers = pd.to_numeric(pd.Series([before, after]), errors="coerce")
    return bool(numbers.notna().all() and abs(numbers[0] - numbers[1]) <= CLOSE)


def _undone(published: layers.Layer, mended: layers.Layer, options: layers.ReadOptions) -> int:
    """Count changed cells that come back bit for bit: those of the columns, then those of the positions."""
    came = published.published
    if came is None:
        return 0
    done = repair_table(came.table, options.repairs, options.fields)
    good = _equal_cells(done.log.undo(done.table), came.table, done.log.cells)
    later = mended.repairs.cells.iloc[len(done.log) :]
    if isinstance(mended.coordinates, crs.Shapes):
        rows = mended.table.index.to_numpy()
        back = mended.repairs.undo_geometry(mended.geometry, rows)
        first = back if came.shapes is None else came.shapes.geometry[came.table.index.get_indexer(rows)]
        same = shapely.to_wkb(back) == shapely.to_wkb(first)
        return good + int(same[np.isin(rows, later["row"])].sum())
    columns = {
        name: pd.Series(values, index=mended.table.index)
        for name, values in zip(mended.position.columns, mended.coordinates.columns, strict=True)
        if name in set(later["column"])
    }
    return good + _equal_cells(mended.repairs.undo(pd.DataFrame(columns)), came.table, later)


def _equal_cells(back: pd.DataFrame, came: pd.DataFrame, cells: pd.DataFrame) -> int:
    good = 0
    for column, part in cells.groupby("column"):
        one, other = back.loc[part["row"], column], came.loc[part["row"], column]
        good += int(((one == other) | (one.isna() & other.isna())).sum())
    return good


def _by_kind(layer: layers.Layer, truth: pd.DataFrame, judged: pd.DataFrame) -> pd.DataFrame:
    """Say what became of the records that were spoiled in each way."""
    right = set(judged.loc[judged["right"], "row"])
    withheld = set(layer.repairs.cells.loc[layer.repairs.cells["rule"] == "withhold", "row"])
    aside = set(layer.ledger.quarantined["row"])
    rows = []
    for kind, part in truth.groupby("kind", sort=False):
        planted = set(part["row"])
        kept = planted & withheld
        mended = (planted & right) - kept
        lost = (planted & aside) - mended - kept
        left = len(planted - mended - kept - lost)
        rows.append((kind, len(planted), len(mended), len(kept), len(lost), left))
    return pd.DataFrame(rows, columns=["kind", "planted", "mended", "withheld", "set_aside", "stays"])


if __name__ == "__main__":
    main()
