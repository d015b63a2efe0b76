"""Quarantined records, read once more as they came, under a manifest that was mended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import crs
import layers
from twin.errors import BuildError, UnknownNameError
from twin.manifest.models import DetectPosition
from twin.steps.place import harmonised, inside, read_options
from twin.steps.series import inside_clock
from twin.timeline import clock_from_spec

if TYPE_CHECKING:
    from twin.manifest.reading import Manifest
    from twin.model import Twin

_CLOCK = "outside_clock"


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What became of quarantined records when they were read once more.

    Parameters
    ----------
    dataset : str
        Which dataset.
    tried : int
        Records that were read again.
    layer : layers.Layer
        Those that can be placed now, in longitude and latitude, under their own row numbers.
    before, after : layers.Ledger
        The account of the whole dataset; both balance.
    """

    dataset: str
    tried: int
    layer: layers.Layer
    before: layers.Ledger
    after: layers.Ledger

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types.

        Returns
        -------
        dict
            Counts before and after, and why records are still set aside.
        """
        reasons = Counter(str(reason).split(":")[0] for reason in self.layer.ledger.quarantined["reason"])
        reasons.update(str(reason).split(":")[0] for reason in self.layer.ledger.rejected["reason"])
        return {
            "dataset": self.dataset,
            "replayed": self.tried,
            "placed": len(self.layer),
            "still": dict(reasons.most_common()),
            "before": _counts(self.before),
            "after": _counts(self.after),
        }


def _counts(ledger: layers.Ledger) -> dict[str, int]:
    return {
        "records_in": ledger.records_in,
        "placed": ledger.placed,
        "quarantined": len(ledger.quarantined),
        "rejected": len(ledger.rejected),
    }


def ledger_before(city: Twin, dataset: str) -> layers.Ledger:
    """Return the account of a dataset as the twin keeps it.

    Parameters
    ----------
    city : Twin
        Built.
    dataset : str
        Name of the layer.

    Returns
    -------
    layers.Ledger
        With every record that was set aside.
    """
    aside, info = city.quarantine(dataset), city.layers[dataset]
    parts = {
        fate: aside[aside["fate"] == fate].drop(columns="fate").reset_index(drop=True)
        for fate in ("quarantined", "rejected")
    }
    counts = {source: told["records_in"] for source, told in info.sources.items()}
    return layers.Ledger(dataset=dataset, sources=counts, placed=info.placed, **parts)


def replay(city: Twin, dataset: str, manifest: Manifest, *, reason: str | None = None) -> Replay:
    """Read the quarantined records of a dataset once more; the twin stays as it is.

    Parameters
    ----------
    city : Twin
        Built, with records in quarantine.
    dataset : str
        Name of the layer.
    manifest : Manifest
        The mended one.
    reason : str, optional
        Code of those that are meant; all if left out. What the clock left out is not read again: its record is sound.

    Returns
    -------
    Replay
        What can be placed now, and an account that balances. Rules that look at many records (unique, deduplicate,
        repairs with ``by``) see the replayed ones alone; `build` sees all.

    Raises
    ------
    UnknownNameError
        If the twin or the manifest has no such dataset.
    BuildError
        If its positions are found from the whole layer, or it is a raster.
    """
    before = ledger_before(city, dataset)
    if dataset not in manifest.spec.datasets:
        raise UnknownNameError(f"{manifest.path.name} has no dataset {dataset!r}; give the manifest of this city")
    spec = manifest.spec.datasets[dataset]
    if isinstance(spec.position, DetectPosition) or not city.has_features(dataset):
        raise BuildError(f"{dataset}: records without a declared position cannot be read alone: run twin build")
    codes = before.quarantined["reason"].str.split(":").str[0]
    chosen = before.quarantined[(codes != _CLOCK) & ((codes == reason) | (reason is None))]
    known = {name: _layer_of(city, name) for name in manifest.needs(dataset)}
    position = manifest.position(dataset)
    layer: layers.Layer | layers.RasterLayer = layers.replay(
        chosen,
        position=city.layers[dataset].position if position is None else position,
        name=dataset,
        domain=spec.domain,
        options=read_options(spec, manifest, known),
    )
    layer = inside(harmonised(layer, manifest, known), manifest)
    if not isinstance(layer, layers.Layer):  # a quarantine of records gives records
        raise TypeError(dataset)
    if spec.time is not None and len(layer):
        layer = layer.quarantine(~inside_clock(layer, clock_from_spec(manifest.spec.clock)), f"{_CLOCK}: not in it")
    rows = chosen["row"].to_numpy(dtype=np.int64)
    after = before.replayed(rows, layer.ledger)
    return Replay(dataset=dataset, tried=len(chosen), layer=layer, before=before, after=after)


def _layer_of(city: Twin, name: str) -> layers.Layer:
    """Return a layer of the twin as a reference for others."""
    frame = city.features(name)
    table = pd.DataFrame(frame.drop(columns=["geometry", "row", "sigma_m"])).rename_axis(index="row")
    return layers.Layer(
        name=name,
        table=table,
        position=crs.definition("OGC:CRS84"),
        coordinates=crs.Shapes(np.asarray(frame.geometry.array, dtype=object), frame["sigma_m"].to_numpy(float)),
        ledger=layers.Ledger(dataset=name, sources={"twin": len(table)}, placed=len(table)),
    )
