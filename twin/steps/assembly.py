"""Put finished steps together into one snapshot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from twin.accounts import balanced
from twin.catalogue import LayerInfo, Variable, to_json
from twin.fusion.naive import city_plane
from twin.fusion.truth import read_note
from twin.quality import coloured
from twin.steps.placed import repairs_file
from twin.steps.work import place_of, vouch_for
from twin.store import SnapshotWriter, canonical_json
from twin.timeline import clock_from_spec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from twin.manifest.models import CitySpec, DatasetSpec
    from twin.plan import Plan


def assemble(plan: Plan, out: Path, work: Path) -> str:
    """Write a snapshot from the results of all steps of a plan.

    Parameters
    ----------
    plan : Plan
        What was built.
    out : Path
        Folder of the twin.
    work : Path
        Folder of finished steps.

    Returns
    -------
    str
        Id of the snapshot.
    """
    spec = plan.manifest.spec
    _vouch(plan, work)
    writer = SnapshotWriter(out)
    try:
        layers: list[dict[str, Any]] = []
        variables: list[dict[str, Any]] = []
        for name, dataset in spec.datasets.items():
            cells = place_of(work, plan[f"cells {name}"])
            info = json.loads((cells / "info.json").read_bytes())
            _take_files(writer, name, cells)
            fields = {}
            for key, described in dataset.variables.items():
                folder = cells
                if described.field is not None:
                    folder = place_of(work, plan[f"field {key}"])
                    fields[key] = json.loads((folder / "field.json").read_bytes())
                    writer.take(folder / "stations.parquet", f"stations/{key}.parquet")
                if (folder / "cube" / key).exists():
                    writer.take(folder / "cube" / key, f"cube.zarr/{key}")
                variables.append(to_json(_variable(key, name, dataset, info=info, field=fields.get(key))))
            repairs = repairs_file(place_of(work, plan[f"place {name}"]))
            if repairs.exists():
                writer.take(repairs, f"repairs/{name}.parquet")
            quality = coloured(info["quality"], dataset.quality, spec.quality, placed=info["placed"])
            layers.append(to_json(balanced(_layer(name, dataset, {**info, "quality": quality}, fields))))
        root = {"zarr_format": 3, "node_type": "group", "attributes": {"city": spec.city, "grid_name": "h3"}}
        (writer.folder / "cube.zarr").mkdir(exist_ok=True)
        (writer.folder / "cube.zarr" / "zarr.json").write_bytes(canonical_json(root))
        description = {
            "city": spec.city,
            "title": dict(spec.title) or {"en": spec.city, "zh": spec.city},
            "area": list(spec.area),
            "resolution": spec.resolution,
            "clock": clock_from_spec(spec.clock).to_json(),
            "code": plan.code,
            "layers": layers,
            "variables": variables,
        }
        profile = spec.profile.model_dump(mode="json", exclude_defaults=True)
        if profile:
            description["profile"] = profile
        notes = {
            name: _take_truth(writer, name, work, plan) for name, d in spec.datasets.items() if d.truth is not None
        }
        if notes:
            how = spec.fusion.model_dump(mode="json")
            plane = spec.fusion.plane or city_plane(spec.area)
            description["fusion"] = {**how, "plane": plane, "layers": list(notes), "notes": list(notes.values())}
        return writer.publish(description | _first_seen(spec))
    finally:
        writer.discard()


def _vouch(plan: Plan, work: Path) -> None:
    """Know the files of all steps by the hashes that they wrote down, wherever the steps were taken."""
    for step in plan.steps:
        vouch_for(place_of(work, step))


def _first_seen(spec: CitySpec) -> dict[str, Any]:
    """Return what the manifest says to whoever shows the city; what it leaves out changes no hash."""
    told: dict[str, Any] = {}
    if spec.view is not None:
        told["view"] = spec.view.model_dump(exclude_none=True)
    if spec.tour:
        told["tour"] = [stop.model_dump(mode="json", exclude_none=True) for stop in spec.tour]
    if spec.alerts:
        told["alerts"] = dict(spec.alerts)
    return told


def _take_files(writer: SnapshotWriter, name: str, cells: Path) -> None:
    kept = {"features": "layers", "weights": "weights", "records": "records", "quarantine": "quarantine"}
    for file, room in kept.items():
        if (cells / f"{file}.parquet").exists():
            writer.take(cells / f"{file}.parquet", f"{room}/{name}.parquet")
        elif (cells / file).is_dir():  # of a dataset that was taken in partitions, one file each
            writer.take(cells / file, f"{room}/{name}")


def _take_truth(writer: SnapshotWriter, name: str, work: Path, plan: Plan) -> str:
    """Take what a truth step laid side by side, and return what it says of itself."""
    folder = place_of(work, plan[f"truth {name}"])
    writer.take(folder / "fusion.parquet", f"fusion/{name}.parquet")
    return read_note(folder)


def _variable(
    key: str, layer: str, dataset: DatasetSpec, *, info: Mapping[str, Any], field: Mapping[str, Any] | None
) -> Variable:
    described, made = dataset.variables[key], info["variables"][key]
    method = made["notes"][-1] if field is None else field["method"]
    period = made["period"]
    return Variable(
        name=key,
        layer=layer,
        kind=described.kind,
        unit=described.unit,
        title=dict(described.title) or {"en": key, "zh": key},
        modelled=dataset.modelled,
        owner=dataset.owner,
        licence=dataset.licence,
        level=dataset.level,
        attribution=dataset.attribution,
        period=None if period is None else (period[0], period[1]),
        method=method,
        static=bool(made["static"]),
        by=described.by or made["measure"],
        categories=tuple(made["categories"]),
        same_as=described.same_as,
    )


def _layer(name: str, dataset: DatasetSpec, info: Mapping[str, Any], fields: Mapping[str, Any]) -> LayerInfo:
    sigma_m = info["sigma_m"]
    steps = [f"read from {', '.join(dataset.path)} as published by {dataset.owner}"]
    how = "" if info["status"] == "declared" else f" ({info['status']})"
    steps += [f"position: {info['position']}{how}, stated sigma {info['stated_sigma_m']:g} m", *info["steps"]]
    values = {key: made["notes"] for key, made in info["variables"].items()}
    for key, field in fields.items():
        shape = field["variogram"]
        text = field["method"]
        if shape is not None:
            length_m, nugget = shape["length_m"], shape["nugget"]
            text = f"ordinary kriging: exponential covariance, length {length_m:.0f} m, nugget {nugget:g}"
        values[key] = [*values[key], text]
    return LayerInfo(
        name=name,
        domain=dataset.domain,
        title=dict(dataset.title) or {"en": name, "zh": name},
        records_in=info["records_in"],
        placed=info["placed"],
        quarantined=info["quarantined"],
        rejected=info["rejected"],
        reasons=info["reasons"],
        position=info["position"],
        operation=info["operation"],
        vertical=info["vertical"],
        epoch=info["epoch"],
        status=info["status"],
        trust=dataset.trust,
        evidence=info["evidence"],
        sources=info["sources"],
        repairs=info.get("repairs", {}),
        quality=info["quality"],
        sigma_m=float("nan") if sigma_m is None else sigma_m,
        show=dataset.show.model_dump(by_alias=True, exclude_none=True),
        files=dataset.path,
        features=info["features"],
        owner=dataset.owner,
        licence=dataset.licence,
        level=dataset.level,
        attribution=dataset.attribution,
        modelled=dataset.modelled,
        notes={
            "steps": steps,
            "values": values,
            "period_s": info["period_s"],
            "series": info["series"],
            "fields": dict(fields),
            "source": dataset.source,
        },
    )
