"""Take one placed dataset to the cells of the city: features, weights, readings and the arrays of the cube."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import crs
import layers
from spatial_join import weights
from twin.cube.arrays import Pieces, write_cube
from twin.errors import BuildError, TwinError
from twin.quality import judged
from twin.steps.parts import lacking, poison_reason
from twin.steps.placed import placed_record, quarantine_file, read_placed
from twin.steps.series import Readings
from twin.steps.spreading import (
    Room,
    Spread,
    entered,
    on_the_clock,
    out_of,
    period_of,
    require_one_kind,
    spread_of,
    weight_rows,
    write_tables,
)
from twin.store import canonical_json, write_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from twin.manifest.reading import Manifest

logger = logging.getLogger(__name__)


def make_cells(
    manifest: Manifest,
    name: str,
    placed: Path,
    *,
    references: Mapping[str, Path],
    folder: Path,
    poison: str | None = None,
) -> list[Mapping[str, Any]]:
    """Take a placed dataset to the cells, as a whole.

    Parameters
    ----------
    manifest : Manifest
        The city.
    name : str
        Which dataset.
    placed : Path
        Folder of its ``place`` step.
    references : mapping
        Folders of the ``place`` steps of the datasets that its positions refer to.
    folder : Path
        Where to write.
    poison : str, optional
        Why it cannot be taken there, where that was seen before: a worker died of it, more than once.

    Returns
    -------
    list of mapping
        The dataset itself if it could not be taken to the cells: its records are set aside; empty otherwise.
    """
    room = Room.of(manifest, name, folder)
    source, record = read_placed(placed), placed_record(placed)
    aside = pd.read_parquet(quarantine_file(placed))
    poisoned: list[Mapping[str, Any]] = []
    if isinstance(source, layers.Layer):
        source, late = on_the_clock(source, room)
        aside = entered(late, record, aside)
        spread = poison or _spread_or_reason(source, room, references)
        if isinstance(spread, str):
            poisoned = [lacking(f"cells {name}", len(source), spread)]
            source, late = out_of(source, np.ones(len(source), dtype=bool), spread)
            aside = entered(late, record, aside)
            spread = spread_of(source, room, references)
        info = _layer_cells(source, room, spread)
    else:
        info = _raster_cells(source, room)
    record["quality"] = judged(source, record, aside, manifest).to_json()
    write_table(folder / "quarantine.parquet", aside)
    (folder / "info.json").write_bytes(canonical_json({**record, **info}))
    return poisoned


def _spread_or_reason(layer: layers.Layer, room: Room, references: Mapping[str, Path]) -> Spread | str:
    """Say where records lie; or what came up that no manifest can be blamed for."""
    try:
        return spread_of(layer, room, references)
    except (crs.CrsError, layers.LayerError, TwinError, OSError):
        raise
    except Exception as error:  # whatever it is, it is these records: they are set aside, and the build goes on
        logger.warning("%s cannot be taken to the cells: its records are set aside", room.name, exc_info=True)
        return poison_reason(error)


def _layer_cells(layer: layers.Layer, room: Room, spread: Spread) -> dict[str, Any]:
    write_tables(layer, room, spread)
    require_one_kind(spread.weights, room)
    readings = spread.readings
    pieces = Pieces(weights=next(iter(spread.weights.values()), None), sigma_m=spread.sigma_m)
    made = write_cube(room.folder, room.dataset, readings, pieces, clock=room.clock)
    variables = {}
    for name in room.dataset.variables:
        notes = list(readings.notes[name])
        if room.dataset.support == "reference":
            whole = crs.definition(room.manifest.position(room.name)).reference
            notes.append(f"a reading holds for the whole of its record in {whole}")
        variables[name] = {
            "static": readings.shares is None,
            "categories": list(readings.categories.get(name, ())),
            "period": period_of(layer, room.dataset),
            "notes": [*notes, *made.get(name, ())],
            "measure": None if pieces.weights is None else pieces.weights.measure,
        }
    sigma = layer.sigma_m
    return {
        "features": len(readings.first),
        "sigma_m": float(np.median(sigma)) if sigma.size else None,
        "period_s": readings.period_s,
        "series": bool(room.dataset.site),
        "variables": variables,
    }


def _raster_cells(raster: layers.RasterLayer, room: Room) -> dict[str, Any]:
    if len(room.dataset.variables) != 1:
        raise BuildError(f"{room.name}: a raster holds one variable: write exactly one under variables")
    if room.dataset.uncertain:
        raise BuildError(f"{room.name}: only points go to cells by probability: remove uncertain from the raster")
    name, variable = next(iter(room.dataset.variables.items()))
    flat = np.asarray(raster.column("value"), dtype=np.float64)
    known = np.isfinite(flat)
    spread = weights(raster.coordinates, room.grid, valid=known)
    pixels = np.flatnonzero(known).astype(np.int64)
    write_table(room.folder / "weights.parquet", weight_rows({2: spread}, np.arange(flat.size, dtype=np.int64)))
    sigma_m = float(raster.coordinates.sigma_m)
    records = pd.DataFrame({"row": pixels, "feature": pixels, "sigma_m": sigma_m, name: flat[pixels]})
    write_table(room.folder / "records.parquet", records)
    everyone = np.arange(flat.size, dtype=np.int64)
    readings = Readings(
        feature=everyone, first=everyone, values={name: flat}, categories={}, shares=None, period_s=0.0, notes={}
    )
    pieces = Pieces(weights=spread, sigma_m=np.full(flat.size, sigma_m))
    made = write_cube(room.folder, room.dataset, readings, pieces, clock=room.clock)
    period = list(room.dataset.period) if room.dataset.period is not None else None
    notes = [f"value of a pixel [{variable.unit}]", *made[name]]
    described = {"static": True, "categories": [], "period": period, "notes": notes, "measure": spread.measure}
    return {
        "features": 0,
        "sigma_m": sigma_m,
        "period_s": 0.0,
        "series": False,
        "variables": {name: described},
    }
