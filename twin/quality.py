"""How much of a twin is known and how well, one line a variable; how good its records are, one line a layer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import layers
from twin.manifest.quality import GREEN, YELLOW
from twin.manifest.records import fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twin.catalogue import LayerInfo
    from twin.manifest.models import DatasetSpec
    from twin.manifest.quality import ThresholdsSpec
    from twin.manifest.reading import Manifest

COLUMNS = ("cells", "coverage", "sigma", "sigma_m")


def quality_of(arrays: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, float]:
    """Say how much of a variable is known.

    Parameters
    ----------
    arrays : mapping
        ``cell``, ``value`` and, where kept, ``sigma`` and ``sigma_m`` of the variable at storage resolution.

    Returns
    -------
    dict
        ``cells`` with any value; ``coverage``, the part of their steps that has one; median ``sigma`` (unit of the
        variable) and ``sigma_m`` (metres), NaN where not kept.
    """
    known = np.isfinite(arrays["value"])
    found = {"cells": float(arrays["cell"].size), "coverage": float(known.mean()) if known.size else float("nan")}
    for part in ("sigma", "sigma_m"):
        stated = arrays[part][np.isfinite(arrays[part])] if part in arrays else np.empty(0)
        found[part] = float(np.median(stated)) if stated.size else float("nan")
    return found


def quality_table(found: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """Put the quality of variables into a table.

    Parameters
    ----------
    found : mapping
        What `quality_of` said of each.

    Returns
    -------
    pandas.DataFrame
        Index variable; columns cells, coverage, sigma, sigma_m.
    """
    columns = {column: [line[column] for line in found.values()] for column in COLUMNS}
    table = pd.DataFrame(columns, index=pd.Index(list(found), name="variable"))
    return table.astype({"cells": "int64"})


def judged(
    layer: layers.Layer | layers.RasterLayer,
    record: Mapping[str, Any],
    aside: pd.DataFrame,
    manifest: Manifest,
    *,
    prints: pd.DataFrame | None = None,
) -> layers.Quality:
    """Measure the records of a dataset: those that are placed, and those that were set aside.

    Parameters
    ----------
    layer : layers.Layer or layers.RasterLayer
        What is placed, on the clock.
    record : mapping
        Counts of its files.
    aside : pandas.DataFrame
        What is not, with its fate and reason.
    manifest : Manifest
        The city, which says what is asked for.
    prints : pandas.DataFrame, optional
        What `layers.prints_of` made of its records, where that was done part by part.

    Returns
    -------
    layers.Quality
        The five measures.
    """
    dataset = manifest.spec.datasets[layer.name]
    ledger = layers.Ledger(
        dataset=layer.name,
        sources={source: told["records_in"] for source, told in record["sources"].items()},
        placed=layer.ledger.placed,
        quarantined=aside[aside["fate"] == "quarantined"],
        rejected=aside[aside["fate"] == "rejected"],
    )
    whole = replace(layer, ledger=ledger)
    return layers.assess(
        whole, fields=fields_of(dataset), rules=dataset.rules, due=due_of(manifest, dataset), prints=prints
    )


def due_of(manifest: Manifest, dataset: DatasetSpec) -> layers.Due | None:
    """Return when records of a dataset are expected.

    Parameters
    ----------
    manifest : Manifest
        The city, whose clock is asked where the dataset says nothing.
    dataset : DatasetSpec
        Its entry.

    Returns
    -------
    layers.Due or None
        None for what has no time, and where a typical day has no end to count age from.
    """
    clock, said = manifest.spec.clock, dataset.quality
    as_of = said.as_of if said.as_of is not None else clock.end
    if dataset.time is None or as_of is None:
        return None
    interval = said.interval if said.interval is not None else dataset.time.period
    return layers.Due(
        as_of=_instant(as_of, clock.zone),
        start=None if clock.start is None else _instant(clock.start, clock.zone),
        interval=None if interval is None else pd.Timedelta(interval),
        site=dataset.site,
    )


def _instant(local: str, zone: str) -> pd.Timestamp:
    return pd.Timestamp(local).tz_localize(zone).tz_convert("UTC")


def coloured(
    measured: Mapping[str, Any], own: ThresholdsSpec, everyones: ThresholdsSpec, *, placed: int
) -> dict[str, Any]:
    """Give each measure its colour, and the layer the worst of them.

    Parameters
    ----------
    measured : mapping
        What `layers.assess` found, as JSON.
    own : ThresholdsSpec
        Thresholds of the dataset.
    everyones : ThresholdsSpec
        Those of the city, where the dataset has none.
    placed : int
        Records that are in the layer; without any it is red.

    Returns
    -------
    dict
        The same with ``colour``: green, yellow, red, or "" of what was not asked; and ``limits``, from which score
        on each measure is green and yellow.
    """
    told = {**measured, "limits": {}}
    for name in layers.MEASURES:
        limits = getattr(own, name) or getattr(everyones, name)
        green, yellow = (GREEN, YELLOW) if limits is None else (limits.green, limits.yellow)
        told["limits"][name] = [green, yellow]
        score = measured[name]["score"]
        colour = "" if score is None else "green" if score >= green else "yellow" if score >= yellow else "red"
        told[name] = {**measured[name], "colour": colour}
    seen = {told[name]["colour"] for name in layers.MEASURES}
    worst = next((colour for colour in ("red", "yellow", "green") if colour in seen), "")
    return {**told, "colour": worst if placed else "red"}


def record_quality_table(infos: Mapping[str, LayerInfo]) -> pd.DataFrame:
    """Put the quality of layers into a table.

    Parameters
    ----------
    infos : mapping
        Layers by name.

    Returns
    -------
    pandas.DataFrame
        Index layer; ``colour``, then score, ``<measure>_good``, ``<measure>_of`` and ``<measure>_colour`` of each
        measure (NaN where it was not asked), ``newest``, ``age_s`` and ``interval_s``.
    """
    rows = {}
    for name, info in infos.items():
        found = info.quality
        row: dict[str, Any] = {"colour": found.get("colour", "")}
        for measure in layers.MEASURES:
            told = found.get(measure, {"score": None, "good": 0, "of": 0, "colour": ""})
            row[measure] = float("nan") if told["score"] is None else told["score"]
            row |= {f"{measure}_{part}": told[part] for part in ("good", "of", "colour")}
        row["newest"] = found.get("newest") or ""
        row |= {part: float("nan") if found.get(part) is None else found[part] for part in ("age_s", "interval_s")}
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("layer")
