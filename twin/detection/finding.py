"""Find what the positions of a dataset mean, or check what they are declared to mean, and say what was found."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

import crs
import layers
from twin.errors import BuildError
from twin.manifest.models import DetectPosition
from twin.steps.mixed import evidence_of_groups, labels_of, place_by_group

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twin.manifest.models import DetectSpec, EvidenceSpec
    from twin.manifest.reading import Manifest

#: So many candidates of a verdict are kept in the twin.
_KEPT = 5

Published = layers.Layer | layers.RasterLayer


@dataclass(frozen=True, kw_only=True, eq=False)
class Settled:
    """A dataset whose positions mean something, or whose records are all set aside.

    Parameters
    ----------
    layer : Layer or RasterLayer
        As published, with the definition that holds.
    position : str
        Name of that definition; "ambiguous" or "unknown" where there is none.
    status : str
        "declared", "detected", "ambiguous" or "unresolvable".
    evidence : mapping
        What was judged and found, as JSON can say it; empty where nothing was asked.
    operation : str or None
        What moved the records, where that is done: "none" where no record is left to move; None where it is still to
        be done.
    stated_sigma_m : float
        Accuracy that the publisher stated, metres per axis; 0 where none is.
    """

    layer: Published
    position: str
    status: str
    evidence: Mapping[str, Any]
    operation: str | None = None
    stated_sigma_m: float = 0.0


def position_to_read(manifest: Manifest, name: str) -> object:
    """Return what a reader is told of a dataset's positions.

    Parameters
    ----------
    manifest : Manifest
        The city.
    name : str
        Which dataset.

    Returns
    -------
    object
        The declared position; for one that is to be found, its columns and no frame.
    """
    position = manifest.position(name)
    if not isinstance(position, DetectPosition):
        return position
    wanted = position.detect
    return layers.undeclared(wanted.columns, sigma_m=wanted.sigma_m)


def settle(manifest: Manifest, published: Published, references: Mapping[str, Published]) -> Settled:
    """Find or check what the positions of a dataset mean, as its entry asks for.

    Parameters
    ----------
    manifest : Manifest
        The city.
    published : Layer or RasterLayer
        The dataset as it was read.
    references : mapping
        Placed datasets by name.

    Returns
    -------
    Settled
        What goes on to be placed.

    Raises
    ------
    BuildError
        If the evidence contradicts the declared position, and that is not to be trusted.
    """
    dataset = manifest.spec.datasets[published.name]
    position = manifest.position(published.name)
    if isinstance(position, DetectPosition):
        return _found(manifest, _judged_layer(published), position.detect, references)
    if dataset.evidence is not None:
        return _checked(manifest, _judged_layer(published), dataset.evidence, references)
    return Settled(layer=published, position=published.position.name, status=published.position.status, evidence={})


def _judged_layer(published: Published) -> layers.Layer:
    if isinstance(published, layers.Layer):
        return published
    raise BuildError(
        f"{published.name}: the position of a raster cannot be judged by evidence; declare its `position:`"
    )


def _reference(references: Mapping[str, Published], name: str | None) -> layers.Layer | None:
    """Return a reference that can show anything, None if it has no records."""
    layer = None if name is None else references[name]
    if isinstance(layer, layers.RasterLayer):
        raise BuildError(
            f"{name} is a raster and shows nothing of positions: name a dataset of the same kind of entity"
        )
    return layer if layer is not None and len(layer) else None


def _found(
    manifest: Manifest, published: layers.Layer, wanted: DetectSpec, references: Mapping[str, Published]
) -> Settled:
    """Name the definition, or set the whole layer aside."""
    reference = _reference(references, wanted.reference)
    if wanted.groups is not None and reference is not None:
        return _found_by_group(manifest, published, wanted, reference)
    verdict = crs.detect(
        published,
        reference=reference,
        area=manifest.spec.area,
        candidates=wanted.candidates or None,
        confidence=wanted.confidence,
    )
    if reference is None and wanted.reference is not None:
        verdict = _without(verdict, wanted.reference)
    evidence = evidence_of(verdict, wanted.reference)
    if verdict.position is None:
        reason = f"position_{verdict.status}: {abstention(verdict)}"
        aside = published.quarantine(np.ones(len(published), dtype=bool), reason)
        # No record is left for which the frame could mean anything.
        empty = dataclasses.replace(aside, position=crs.definition("OGC:CRS84"), coordinates=_none_left())
        status = "ambiguous" if verdict.status == "ambiguous" else "unresolvable"
        step = f"positions: {verdict.status}; {abstention(verdict)}"
        aside = dataclasses.replace(empty, steps=(*published.steps, step))
        return Settled(layer=aside, position=verdict.status, status=status, evidence=evidence, operation="none")
    position = dataclasses.replace(
        verdict.position,
        columns=wanted.columns,
        sigma_m=wanted.sigma_m,
        vertical=published.position.vertical,
        height_columns=published.position.height_columns,
    )
    named = _turned(dataclasses.replace(published, position=position))
    named = dataclasses.replace(named, steps=(*named.steps, *_steps(verdict, wanted.reference)))
    return Settled(layer=named, position=position.name, status="detected", evidence=evidence)


def _found_by_group(
    manifest: Manifest, published: layers.Layer, wanted: DetectSpec, reference: layers.Layer
) -> Settled:
    """Name the definition of each group, and set aside the groups and records that stay open."""
    column = str(wanted.groups)
    mixture = crs.detect_groups(
        published,
        labels_of(published, column),
        reference=reference,
        area=manifest.spec.area,
        candidates=wanted.candidates or None,
        confidence=wanted.confidence,
    )
    evidence = evidence_of_groups(mixture, reference=reference.name, column=column)
    placed = place_by_group(published, mixture, sigma_m=wanted.sigma_m)
    found = evidence["names"]
    return Settled(
        layer=placed,
        position=" and ".join(found) or "unknown",
        status="detected" if found else "unresolvable",
        evidence=evidence,
        operation=f"each group of {column} by its own definition" if found else "none",
    )


def _without(verdict: crs.Verdict, reference: str) -> crs.Verdict:
    """Say that the reference that was asked for holds nothing."""
    return dataclasses.replace(verdict, settle=(f"{reference} has no placed record to compare with", *verdict.settle))


def _none_left() -> crs.Shapes:
    return crs.Shapes(np.empty(0, dtype=object))


def _turned(layer: layers.Layer) -> layers.Layer:
    """Write geometries x first that were found to be written y first."""
    if not isinstance(layer.coordinates, crs.Shapes) or layer.position.axes == "lon,lat":
        return layer
    turned = shapely.transform(layer.geometry, lambda places: places[:, ::-1])
    return dataclasses.replace(
        layer,
        coordinates=dataclasses.replace(layer.coordinates, geometry=turned),
        position=dataclasses.replace(layer.position, axes="lon,lat"),
        steps=(*layer.steps, "x and y exchanged: the file is written y first"),
    )


def _checked(
    manifest: Manifest, published: layers.Layer, wanted: EvidenceSpec, references: Mapping[str, Published]
) -> Settled:
    """Hold the declared definition against the evidence."""
    position, dataset = published.position, manifest.spec.datasets[published.name]
    reference = _reference(references, wanted.reference)
    verdict = crs.detect(
        published,
        reference=reference,
        area=manifest.spec.area,
        # What is declared is in the race, though it be a datum with parameters of the city's own.
        candidates=[position],
        confidence=wanted.confidence,
    )
    verdict = verdict if reference is not None else _without(verdict, wanted.reference)
    evidence = evidence_of(verdict, wanted.reference)
    outcome = "open"
    if verdict.position is not None:
        members = [member.position for member in verdict.candidates[0].members]
        outcome = "agrees" if any(_same(position, member) for member in members) else "contradicts"
    found = (
        f"{verdict.candidates[0].label} with {percent(verdict.candidates[0].probability)}" if verdict.candidates else ""
    )
    told = {
        "open": f"{wanted.reference} neither confirms nor contradicts {position.name}: {abstention(verdict)}",
        "agrees": f"{wanted.reference} confirms {position.name}",
        "contradicts": f"{wanted.reference} shows {found}; overruled by {position.name} (trust: declared)",
    }[outcome]
    if outcome == "contradicts" and dataset.trust != "declared":
        raise BuildError(_contradiction(manifest, published, verdict, wanted.reference))
    layer = dataclasses.replace(published, steps=(*published.steps, told))
    return Settled(
        layer=layer, position=position.name, status=position.status, evidence={**evidence, "outcome": outcome}
    )


def _same(declared: crs.PositionDefinition, found: crs.PositionDefinition) -> bool:
    """Say whether two definitions read numbers alike, the way of writing included."""
    ways = [(one.axes, one.notation, one.unit) for one in (declared, found)]
    return ways[0] == ways[1] and crs.equivalent(declared, found)


def _contradiction(manifest: Manifest, published: layers.Layer, verdict: crs.Verdict, reference: str) -> str:
    """Name both definitions and what to write."""
    first, name = verdict.candidates[0], published.name
    position = first.position
    words = [f"definition: {position.name}"]
    words += [f"axes: '{position.axes}'"] if position.axes != "lon,lat" else []
    words += [f"notation: {position.notation}"] if position.notation != "decimal" else []
    words += [f"unit: {position.unit}"] if position.unit != crs.definition(position.crs).unit else []
    columns = published.position.columns
    words += [f"columns: [{', '.join(columns)}]"] if columns else []
    write = f"position: {{{', '.join(words)}}}" if len(words) > 1 else f"position: {position.name}"
    where = f"{manifest.path.name}:{manifest.lines.get(name, 1)}: datasets.{name}.position"
    declared = _told(published.position)
    return (
        f"{where} declares {declared}, but {reference} shows {first.label} with {percent(first.probability)} "
        f"({'; '.join(first.evidence[1:])}). Write {write} if the evidence is right, "
        f"or trust: declared beside it if you know better, which is recorded"
    )


def _told(position: crs.PositionDefinition) -> str:
    order = {"lat,lon": ", axes lat,lon"}.get(position.axes, "")
    notation = "" if position.notation == "decimal" else f", {position.notation}"
    return f"{position.name}{order}{notation}"


def _steps(verdict: crs.Verdict, reference: str | None) -> tuple[str, ...]:
    first = verdict.candidates[0]
    others = [name for name in first.names if name != first.position.name]
    same = f", which no data tell from {', '.join(others)}" if others else ""
    told = (
        f"position found: {first.label}{same}, {percent(first.probability)} by {reference}, {verdict.records} positions"
    )
    return (f"{told}; {'; '.join(first.evidence)}",)


def abstention(verdict: crs.Verdict) -> str:
    """Return in one line why a verdict names nothing.

    Parameters
    ----------
    verdict : crs.Verdict
        Ambiguous or unknown.

    Returns
    -------
    str
        The first candidates, and what would settle it.
    """
    ranked = [f"{one.label} {percent(one.probability)}" for one in verdict.candidates[:3]]
    ranked.append(f"none of these {percent(verdict.none_probability)}")
    shift = "" if verdict.shift is None else f"; fits after a shift of {verdict.shift}"
    return f"{', '.join(ranked)}{shift}; would settle it: {'; '.join(verdict.settle)}"


def percent(probability: float) -> str:
    """Return a probability for people, never rounded up to certainty.

    Parameters
    ----------
    probability : float
        0 to 1.

    Returns
    -------
    str
        In percent.

    Examples
    --------
    >>> percent(0.99997), percent(0.4712)
    ('>99.9 %', '47.1 %')
    """
    return ">99.9 %" if probability >= 0.9995 else f"{100 * probability:.1f} %"


def evidence_of(verdict: crs.Verdict, reference: str | None) -> dict[str, Any]:
    """Return what of a verdict is kept in a twin.

    Parameters
    ----------
    verdict : crs.Verdict
        Any.
    reference : str or None
        Dataset that it was held against.

    Returns
    -------
    dict
        Status, what was found with its probability, the first five candidates, what would settle it.
    """
    first = verdict.candidates[0] if verdict.status == "named" else None
    return {
        "status": verdict.status,
        "reference": reference,
        "confidence": verdict.confidence,
        "records": verdict.records,
        "found": None if first is None else first.label,
        "names": [] if first is None else list(first.names),
        "probability": None if first is None else _rounded(first.probability),
        "candidates": [
            {"label": one.label, "probability": _rounded(one.probability), "evidence": list(one.evidence)}
            for one in verdict.candidates[:_KEPT]
        ],
        "none_of_these": _rounded(verdict.none_probability),
        "shift": None if verdict.shift is None else str(verdict.shift),
        "settle": list(verdict.settle),
    }


def _rounded(probability: float) -> float:
    """Leave out digits that differ from machine to machine: equal builds have equal hashes."""
    return round(probability, 6)
