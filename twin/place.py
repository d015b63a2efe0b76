"""Read, check and move one dataset, and keep it so that the steps after can take it up."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

import crs
import layers
from twin.detection import position_to_read, settle
from twin.errors import BuildError
from twin.manifest_files import rooted
from twin.manifest_positions import profile_position
from twin.manifest_records import fields_of
from twin.store import canonical_json, write_features, write_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    from twin.manifest import Manifest
    from twin.manifest_models import DatasetSpec

_FRAME = "OGC:CRS84"
_LAYER = "layer.parquet"
_RASTER = "raster.npy"
_QUARANTINE = "quarantine.parquet"
_PLACED = "placed.json"
_REPAIRS = "repairs.parquet"


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


def place(manifest: Manifest, name: str, references: Mapping[str, Path], folder: Path) -> None:
    """Bring a dataset into the one frame and write it down.

    Parameters
    ----------
    manifest : Manifest
        The city.
    name : str
        Which dataset.
    references : mapping
        Folders of the placed datasets that its positions refer to.
    folder : Path
        Where to write.
    """
    dataset = manifest.spec.datasets[name]
    known = {other: read_placed(place) for other, place in references.items()}
    published = layers.read(
        list(dataset.path) if len(dataset.path) > 1 else dataset.path[0],
        position=position_to_read(manifest, name),
        domain=dataset.domain,
        name=name,
        options=read_options(dataset, manifest, known),
    )
    settled = settle(manifest, published, known)
    placed = settled.layer
    if settled.operation is None:
        placed = harmonised(placed, manifest, known)
    placed = inside(placed, manifest)
    ledger = placed.ledger.balance()
    write_table(folder / _QUARANTINE, _set_aside(ledger))
    counts = ledger.reasons()
    named = counts["fate"].astype("str") + ":" + counts["reason"].astype("str")
    record = {
        "name": name,
        "domain": dataset.domain,
        "raster": not isinstance(placed, layers.Layer),
        "sources": json.loads(ledger.by_source().to_json(orient="index")),
        "records_in": ledger.records_in,
        "placed": ledger.placed,
        "quarantined": len(ledger.quarantined),
        "rejected": len(ledger.rejected),
        "reasons": dict(zip(named, counts["records"].tolist(), strict=True)),
        "position": settled.position,
        "status": settled.status,
        "evidence": settled.evidence,
        "stated_sigma_m": float(published.position.sigma_m),
        "steps": list(placed.steps),
        "operation": settled.operation or _operation(placed.steps),
        "vertical": placed.position.vertical,
        "epoch": placed.position.epoch,
        "units": dict(getattr(placed, "units", {})),
    }
    if isinstance(placed, layers.Layer):
        record["known"] = sorted(of_position(placed))
        record["repairs"] = placed.repairs.counts()
        if len(placed.repairs):
            write_table(folder / _REPAIRS, placed.repairs.cells)
        _write_layer(placed, folder)
    else:
        _write_raster(placed, folder)
        record |= {"variable": placed.variable, "unit": placed.unit, "sigma_m": float(placed.coordinates.sigma_m)}
    (folder / _PLACED).write_bytes(canonical_json(record))


def harmonised(
    layer: layers.Layer | layers.RasterLayer,
    manifest: Manifest,
    known: Mapping[str, layers.Layer | layers.RasterLayer],
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
    repairs = [layers.Repair(**repair.told()) for repair in manifest.spec.datasets[layer.name].repairs]
    if isinstance(layer, layers.Layer):
        shapes = {name: other for name, other in known.items() if isinstance(other, layers.Layer)}
        layer = layers.repair_positions(layer, repairs, area=manifest.spec.area, references=shapes)
    elif repairs:
        raise BuildError(f"{layer.name}: repairs are for records, and this is a raster: remove them")
    return crs.harmonise(layer, target=_FRAME, references=known)


def repairs_file(folder: Path) -> Path:
    """Return the file of cells that were repaired.

    Parameters
    ----------
    folder : Path
        Folder of a placed dataset.

    Returns
    -------
    Path
        A Parquet file; it is not there if nothing was repaired.
    """
    return folder / _REPAIRS


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


def _set_aside(ledger: layers.Ledger) -> pd.DataFrame:
    """Return quarantined and rejected records, their values as the text that came."""
    parts = [("quarantined", ledger.quarantined), ("rejected", ledger.rejected)]
    frames = [frame.assign(fate=fate) for fate, frame in parts]
    joined = pd.concat(frames, ignore_index=True)
    first = ["row", "fate", "source", "reason"]
    joined = joined[[*first, *(column for column in joined.columns if column not in first)]]
    texts = {name: joined[name].astype("str").where(joined[name].notna(), None) for name in joined.columns[1:]}
    return joined.assign(**texts)


def _write_layer(layer: layers.Layer, folder: Path) -> None:
    columns = of_position(layer)
    table = layer.table.drop(columns=["row", *columns, "geometry"], errors="ignore")
    head = {"row": layer.table.index.to_numpy(dtype=np.int64), **columns}
    frame = gpd.GeoDataFrame(head, geometry=layer.geometry, crs=_FRAME)
    frame = gpd.GeoDataFrame(pd.concat([frame, table.reset_index(drop=True)], axis=1), crs=_FRAME)
    write_features(folder / _LAYER, frame)


def of_position(layer: layers.Layer) -> dict[str, npt.NDArray[np.generic]]:
    """Return the columns that say how far each position is to be trusted.

    Parameters
    ----------
    layer : layers.Layer
        Harmonised.

    Returns
    -------
    dict
        ``sigma_m``; ``ambiguous`` where a way was taken on which a position may have two origins;
        ``unresolved_height`` where heights were moved, True for a record that kept its own; and ``radius_m`` where
        records stand for areas.
    """
    columns: dict[str, npt.NDArray[np.generic]] = {"sigma_m": layer.sigma_m.astype(np.float64)}
    for name in ("ambiguous", "unresolved_height", "radius_m"):
        marked = getattr(layer.coordinates, name, None)
        if marked is not None:
            columns[name] = marked
    return columns


def _write_raster(raster: layers.RasterLayer, folder: Path) -> None:
    np.save(folder / _RASTER, np.asarray(raster.values, dtype=np.float64), allow_pickle=False)
    np.save(folder / "corner_x.npy", raster.coordinates.corner_x, allow_pickle=False)
    np.save(folder / "corner_y.npy", raster.coordinates.corner_y, allow_pickle=False)


def placed_record(folder: Path) -> dict[str, Any]:
    """Return what was written down about a placed dataset.

    Parameters
    ----------
    folder : Path
        Folder of its step.

    Returns
    -------
    dict
        Counts, reasons, position and what moved it.
    """
    found: dict[str, Any] = json.loads((folder / _PLACED).read_bytes())
    return found


def quarantine_file(folder: Path) -> Path:
    """Return the file of records that were set aside.

    Parameters
    ----------
    folder : Path
        Folder of a placed dataset.

    Returns
    -------
    Path
        A Parquet file.
    """
    return folder / _QUARANTINE


def read_placed(folder: Path) -> layers.Layer | layers.RasterLayer:
    """Take up a placed dataset.

    Parameters
    ----------
    folder : Path
        Folder of its step.

    Returns
    -------
    layers.Layer or layers.RasterLayer
        In longitude and latitude, without what was set aside.
    """
    record = placed_record(folder)
    position = dataclasses.replace(crs.definition(_FRAME), vertical=record["vertical"], epoch=record["epoch"])
    name, domain = record["name"], record["domain"]
    if record["raster"]:
        values = np.load(folder / _RASTER, allow_pickle=False)
        corners = [np.load(folder / f"corner_{axis}.npy", allow_pickle=False) for axis in "xy"]
        return layers.RasterLayer(
            name=name,
            domain=domain,
            values=values,
            coordinates=crs.Lattice(corners[0], corners[1], record["sigma_m"]),
            position=position,
            ledger=layers.Ledger(dataset=name, sources={"placed": record["placed"]}, placed=record["placed"]),
            variable=record["variable"],
            unit=record["unit"],
        )
    frame = gpd.read_parquet(folder / _LAYER)
    geometry = np.asarray(frame.geometry.array, dtype=object)
    sigma_m = frame["sigma_m"].to_numpy(dtype=np.float64)
    marks = {name: frame[name].to_numpy() for name in record["known"] if name != "sigma_m"}
    table = pd.DataFrame(frame.drop(columns=["geometry", *record["known"]])).set_index("row")
    return layers.Layer(
        name=name,
        domain=domain,
        table=table,
        position=position,
        coordinates=crs.Shapes(geometry, sigma_m, **marks),
        ledger=layers.Ledger(dataset=name, sources={"placed": len(table)}, placed=len(table)),
        units=record["units"],
        steps=tuple(record["steps"]),
    )
