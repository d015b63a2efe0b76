"""Read, check and move one dataset, and keep it so that the steps after can take it up."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import crs
import layers
from twin.corrections.applying import corrected, named
from twin.detection.finding import Settled, position_to_read, settle
from twin.errors import BuildError, TwinError
from twin.manifest.files import rooted
from twin.manifest.positions import profile_position
from twin.manifest.records import fields_of
from twin.steps.parts import lacking, poison_reason
from twin.steps.placed import FRAME, of_position, set_aside, write_account, write_placed

if TYPE_CHECKING:
    from pathlib import Path

    from twin.manifest.models import DatasetSpec
    from twin.manifest.reading import Manifest

logger = logging.getLogger(__name__)

Known = Mapping[str, layers.Layer | layers.RasterLayer]


def read_options(
    dataset: DatasetSpec, manifest: Manifest, known: Mapping[str, layers.Layer | layers.RasterLayer] | None = None
) -> layers.ReadOptions:
    """Return what `layers.read` is told about a dataset.

    Parameters
    ----------
    dataset : DatasetSpec
        Entry of the manifest.
    manifest : Manifest
        The city: its root, outside of which no file is read, and its profile.
    known : mapping, optional
        Placed datasets that its columns refer to.

    Returns
    -------
    layers.ReadOptions
        The same words.
    """
    time = None
    if dataset.time is not None:
        time = layers.TimeColumn(**dataset.time.model_dump(exclude={"period"}))
    told = dataset.read.model_dump(exclude={"limits", "valid", "wide", "xml"})
    wide, xml, valid = dataset.read.wide, dataset.read.xml, dataset.read.valid
    return layers.ReadOptions(
        time=time,
        fields=fields_of(dataset),
        root=manifest.root,
        height_unit=dataset.height_unit,
        default_position=rooted(profile_position(manifest.spec.profile), manifest.root),
        trust=dataset.trust,
        limits=layers.Limits(**dataset.read.limits.model_dump()),
        wide=None if wide is None else layers.Wide(**wide.model_dump()),
        valid=None if valid is None else layers.Valid(**valid.model_dump()),
        xml=None if xml is None else layers.XmlTable(**xml.model_dump()),
        unique=dataset.unique,
        rules=dataset.rules,
        repairs=tuple(layers.Repair(**repair.told()) for repair in dataset.repairs),
        known=_ids(dataset, known or {}),
        surfaces=bool(dataset.show.roofs),
        **told,
    )


def _ids(dataset: DatasetSpec, known: Mapping[str, layers.Layer | layers.RasterLayer]) -> dict[str, frozenset[str]]:
    """Return the ids of the columns that fields refer to."""
    found = {}
    for said in {field.references for field in dataset.fields.values() if field.references is not None}:
        name, _, column = said.rpartition(".")
        layer = known[name]
        if not isinstance(layer, layers.Layer) or column not in layer.table.columns:
            raise BuildError(f"references: {said}, but {name} has no column {column!r}: name one that it has")
        found[said] = frozenset(layers.key_text(layer.table[column]).dropna())
    return found


def read_dataset(manifest: Manifest, name: str, known: Known) -> Settled:
    """Read a dataset as published, and settle what its positions mean.

    Parameters
    ----------
    manifest : Manifest
        The city.
    name : str
        Which dataset.
    known : mapping
        Placed datasets that its positions and columns refer to.

    Returns
    -------
    Settled
        The records, and the definition that holds.
    """
    dataset = manifest.spec.datasets[name]
    published = layers.read(
        list(dataset.path) if len(dataset.path) > 1 else dataset.path[0],
        position=position_to_read(manifest, name),
        domain=dataset.domain,
        name=name,
        options=read_options(dataset, manifest, known),
    )
    settled = settle(manifest, published, known)
    return dataclasses.replace(settled, stated_sigma_m=float(published.position.sigma_m))


def place(manifest: Manifest, settled: Settled, known: Known, folder: Path, *, poison: str | None = None) -> list[Any]:
    """Bring a dataset into the one frame as a whole, and write it down.

    Parameters
    ----------
    manifest : Manifest
        The city.
    settled : Settled
        The dataset as published.
    known : mapping
        Placed datasets that its positions refer to.
    folder : Path
        Where to write.
    poison : str, optional
        Why its records cannot be moved, where that was seen before: a worker died of it, more than once.

    Returns
    -------
    list of mapping
        The dataset itself if its records could not be moved; empty otherwise.
    """
    layer, told = settled.layer, told_of(settled)
    told["position"] = named(settled.position, manifest.spec.datasets[layer.name].corrections)
    placed, poison = (layer, poison) if poison else _moved(manifest, settled, known)
    poisoned = []
    if poison and isinstance(layer, layers.Layer):
        placed = none_left(layer, poison)
        told["operation"] = "none"
        poisoned.append(lacking(f"place {layer.name}", len(layer), poison))
    elif poison:
        raise BuildError(f"{layer.name}: {poison}; a raster cannot be set aside in part: give another file")
    record = account(placed.ledger.balance(), told, placed.steps) | {
        "name": layer.name,
        "domain": manifest.spec.datasets[layer.name].domain,
        "raster": not isinstance(placed, layers.Layer),
        "vertical": placed.position.vertical,
        "epoch": placed.position.epoch,
        "units": dict(getattr(placed, "units", {})),
    }
    repairs = layers.RepairLog()
    if isinstance(placed, layers.Layer):
        record |= {"known": sorted(of_position(placed)), "repairs": placed.repairs.counts()}
        repairs = placed.repairs
    else:
        record |= {"variable": placed.variable, "unit": placed.unit, "sigma_m": float(placed.coordinates.sigma_m)}
    write_placed(placed, folder)
    write_account(record, set_aside(placed.ledger), repairs, folder)
    return poisoned


def _moved(manifest: Manifest, settled: Settled, known: Known) -> tuple[layers.Layer | layers.RasterLayer, str | None]:
    """Move the records; or say what came up that no manifest can be blamed for."""
    placed = settled.layer
    try:
        if settled.operation is None:
            placed = harmonised(placed, manifest, known)
        return inside(placed, manifest), None
    except (crs.CrsError, layers.LayerError, TwinError, OSError):
        raise
    except Exception as error:  # whatever it is, it is these records: they are set aside, and the build goes on
        logger.warning("%s cannot be moved: its records are set aside", placed.name, exc_info=True)
        return placed, poison_reason(error)


def none_left(layer: layers.Layer, reason: str) -> layers.Layer:
    """Set all records of a layer aside.

    Parameters
    ----------
    layer : layers.Layer
        Wherever it is.
    reason : str
        "code: detail".

    Returns
    -------
    layers.Layer
        Without a record, in the one frame.
    """
    aside = layer.quarantine(np.ones(len(layer), dtype=bool), reason)
    nothing = crs.Shapes(np.empty(0, dtype=object), np.empty(0))
    frame = dataclasses.replace(crs.definition(FRAME), vertical=layer.position.vertical)
    return dataclasses.replace(aside, position=frame, coordinates=nothing)


def told_of(settled: Settled) -> dict[str, Any]:
    """Return what was settled of the positions of a dataset.

    Parameters
    ----------
    settled : Settled
        The dataset.

    Returns
    -------
    dict
        JSON types.
    """
    words = ("position", "status", "evidence", "stated_sigma_m", "operation")
    return {word: getattr(settled, word) for word in words}


def account(ledger: layers.Ledger, told: Mapping[str, Any], steps: tuple[str, ...]) -> dict[str, Any]:
    """Return what became of the records of a dataset.

    Parameters
    ----------
    ledger : layers.Ledger
        Of all of them.
    told : mapping
        What was settled of their positions.
    steps : tuple of str
        What was done to them.

    Returns
    -------
    dict
        JSON types.
    """
    counts = ledger.reasons()
    named = counts["fate"].astype("str") + ":" + counts["reason"].astype("str")
    return {
        **told,
        "sources": json.loads(ledger.by_source().to_json(orient="index")),
        "records_in": ledger.records_in,
        "placed": ledger.placed,
        "quarantined": len(ledger.quarantined),
        "rejected": len(ledger.rejected),
        "reasons": dict(zip(named, counts["records"].tolist(), strict=True)),
        "steps": list(steps),
        "operation": told["operation"] or _operation(steps),
    }


def harmonised(
    layer: layers.Layer | layers.RasterLayer,
    manifest: Manifest,
    known: Known,
) -> layers.Layer | layers.RasterLayer:
    """Mend the positions of a dataset where its entry says how, and move it into the one frame.

    Parameters
    ----------
    layer : layers.Layer or layers.RasterLayer
        As published, its position declared.
    manifest : Manifest
        The city.
    known : mapping
        Placed datasets that its positions refer to.

    Returns
    -------
    layers.Layer or layers.RasterLayer
        In longitude and latitude.
    """
    dataset = manifest.spec.datasets[layer.name]
    repairs = [layers.Repair(**repair.told()) for repair in dataset.repairs]
    if isinstance(layer, layers.Layer):
        shapes = {name: other for name, other in known.items() if isinstance(other, layers.Layer)}
        layer = layers.repair_positions(layer, repairs, area=manifest.spec.area, references=shapes)
        found = corrected(layer, dataset.corrections, target=FRAME, references=known)
        if found is not None:
            return found
    elif repairs:
        raise BuildError(f"{layer.name}: repairs are for records, and this is a raster: remove them")
    elif dataset.corrections:
        raise BuildError(f"{layer.name}: a raster has no records to correct: change its position: itself")
    return crs.harmonise(layer, target=FRAME, references=known)


def _operation(steps: tuple[str, ...]) -> str:
    """Return what moved the horizontal positions: the last step that is not about heights."""
    return next((step for step in reversed(steps) if not step.startswith(("heights:", "read:"))), "none")


def inside(layer: layers.Layer | layers.RasterLayer, manifest: Manifest) -> layers.Layer | layers.RasterLayer:
    """Set aside what is not wholly in the area of the city, or breaks a rule on its geometry.

    Parameters
    ----------
    layer : layers.Layer or layers.RasterLayer
        In longitude and latitude.
    manifest : Manifest
        The city.

    Returns
    -------
    layers.Layer or layers.RasterLayer
        What is left; of a raster, the pixels that touch the area.
    """
    area = manifest.spec.area
    if isinstance(layer, layers.Layer):
        return layers.check_rules(layer.within(area), manifest.spec.datasets[layer.name].rules, of_geometry=True)
    west, south, east, north = area
    lon, lat = (
        np.stack([corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1], corner[1:, 1:]])
        for corner in (layer.coordinates.corner_x, layer.coordinates.corner_y)
    )
    outside = (
        (lon.max(axis=0) < west) | (lon.min(axis=0) > east) | (lat.max(axis=0) < south) | (lat.min(axis=0) > north)
    )
    return layer.quarantine(outside, f"outside_area: not in {', '.join(f'{edge:g}' for edge in area)}")
