"""What a twin says about its layers and variables: frozen values that cross to JSON and back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, kw_only=True)
class View:
    """How a city is first looked at; what is None is left to whoever shows it.

    Parameters
    ----------
    centre : tuple of float or None
        Longitude and latitude in degrees of the middle of the map.
    zoom : float or None
        Web map zoom; None without a centre.
    pitch, bearing : float or None
        Degrees from straight down, and compass direction that is up.
    cells : str or None
        Variable that colours the cells.
    """

    centre: tuple[float, float] | None = None
    zoom: float | None = None
    pitch: float | None = None
    bearing: float | None = None
    cells: str | None = None


@dataclass(frozen=True, kw_only=True)
class Stop:
    """One stop of the guided tour.

    Parameters
    ----------
    title, text : mapping
        What it is called and what is to be seen there, by language.
    centre : tuple of float
        Longitude and latitude in degrees of the middle of the map.
    zoom, pitch, bearing : float
        As of `View`.
    time : str
        Local time of a step, ``"2026-06-16T08:00"`` or ``"08:00"``; empty for the first.
    layers : tuple of str
        What is shown; all that is shown at first if empty.
    cells : str or None
        Variable that colours the cells.
    """

    title: Mapping[str, str]
    text: Mapping[str, str]
    centre: tuple[float, float]
    zoom: float
    pitch: float
    bearing: float
    time: str = ""
    layers: tuple[str, ...] = ()
    cells: str | None = None


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One quantity that the cube holds.

    Parameters
    ----------
    name : str
        Name in the cube.
    layer : str
        Layer that it comes from.
    kind : str
        ``extensive``, ``intensive`` or ``categorical``.
    unit : str
        Unit as stated by the manifest; ``1`` for a ratio.
    title : mapping
        Title by language, such as ``{"en": …, "zh": …}``.
    modelled : bool
        True if the source is a model, not a measurement.
    owner, licence, level, attribution : str
        Origin, as every export carries it.
    period : tuple of str or None
        First and last time of the source, ISO 8601 in UTC; None if the source states none.
    method : str
        How cells got their value, such as ``mean weighted by length`` or ``kriging``.
    static : bool
        True if it has no time axis.
    by : str or None
        What a mean is weighted by.
    categories : tuple of str
        Classes of a categorical variable; its values are their numbers from 0.
    same_as : str or None
        The variable of another layer that measures the same, as the manifest says it.
    """

    name: str
    layer: str
    kind: str
    unit: str
    title: Mapping[str, str]
    modelled: bool
    owner: str
    licence: str
    level: str
    attribution: str
    period: tuple[str, str] | None
    method: str
    static: bool
    by: str | None = None
    categories: tuple[str, ...] = ()
    same_as: str | None = None


@dataclass(frozen=True, kw_only=True)
class LayerInfo:
    """One layer of the twin and what became of its records.

    Parameters
    ----------
    name : str
        Name of the dataset in the manifest.
    domain : str
        Department it belongs to.
    title : mapping
        Title by language.
    records_in, placed, quarantined, rejected : int
        The ledger: the first is the sum of the other three.
    reasons : mapping
        Records by reason of quarantine or rejection.
    position : str
        What its positions mean, by canonical name.
    operation : str
        What moved them.
    sigma_m : float
        Median stated uncertainty of its records in metres, per axis; NaN if none is placed.
    show : mapping
        How it is drawn, as in the manifest.
    files : tuple of str
        Its files relative to the manifest's root.
    features : int
        Features kept in ``layers/``: sites for series, records otherwise; 0 for rasters.
    owner, licence, level, attribution : str
        Origin.
    modelled : bool
        True if the source is a model.
    vertical : str or None
        What its heights refer to, "unresolved" if nobody said it; None for a layer without heights that says nothing.
    epoch : float or None
        Year with decimals at which its positions hold; nothing is moved by plate motion.
    notes : mapping
        What `explain` tells of the layer: its steps, its values, its series and fields, its source.
    status : str
        How the position is known: "declared"; "detected" from evidence; "ambiguous" or "unresolvable" where the
        evidence named none, and all records are set aside.
    trust : str or None
        "declared" where the manifest holds to its position against the file's label and the evidence.
    evidence : mapping
        What the positions were held against and what that showed, if it was asked for: ``reference``, ``status``,
        ``found``, ``probability``, ``candidates``, ``settle``; for a declared position ``outcome``, "agrees",
        "contradicts" or "open".
    sources : mapping
        The ledger file by file: records_in, placed, quarantined, rejected.
    repairs : mapping
        Records that each rule of repair changed.
    quality : mapping
        The five measures with score, good, of and colour; newest, age_s, interval_s; and ``colour`` of the layer.
    """

    name: str
    domain: str
    title: Mapping[str, str]
    records_in: int
    placed: int
    quarantined: int
    rejected: int
    reasons: Mapping[str, int]
    position: str
    operation: str
    sigma_m: float
    show: Mapping[str, Any]
    files: tuple[str, ...]
    features: int
    owner: str
    licence: str
    level: str
    attribution: str
    modelled: bool
    vertical: str | None = None
    epoch: float | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)
    status: str = "declared"
    trust: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    repairs: Mapping[str, int] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)


def told_position(layer: LayerInfo) -> str:
    """Return in one line what evidence said of the positions of a layer.

    Parameters
    ----------
    layer : LayerInfo
        The layer.

    Returns
    -------
    str
        "" where nothing was asked and nobody overruled anything.
    """
    found, evidence = layer.evidence.get("found"), layer.evidence
    by = f" by {evidence['reference']}" if evidence.get("reference") else ""
    sure = f"{found}{by}, probability {evidence['probability']:.4g}" if found else ""
    wanted = "; ".join(evidence.get("settle", ()))
    trusted = " (trust: declared)" if layer.trust else ""
    if not evidence:
        return f"position: {layer.position}, declared{trusted}" if trusted else ""
    if layer.status == "declared":
        told = {
            "agrees": f"confirmed{by}",
            "contradicts": f"contradicted{by}: {sure}",
            "open": f"not decided{by}: {wanted}",
        }
        return f"position: {layer.position}, declared, {told[evidence['outcome']]}{trusted}"
    if layer.status == "detected" and "by" in evidence:
        open_ = f", {layer.quarantined:,} records open and set aside" if layer.quarantined else ""
        return f"position: detected group by group of {evidence['by']}{by}: {found}{open_}"
    if layer.status == "detected":
        return f"position: detected {sure}"
    return f"position: {layer.position}, set aside whole; would settle it: {wanted}"


def to_json(value: Variable | LayerInfo) -> dict[str, Any]:
    """Return a value as plain JSON types.

    Parameters
    ----------
    value : Variable or LayerInfo
        The value.

    Returns
    -------
    dict
        Field by field; NaN becomes None, which JSON can say.
    """
    plain = asdict(value)
    return {key: None if isinstance(item, float) and item != item else item for key, item in plain.items()}  # noqa: PLR0124


def variable_from_json(tree: Mapping[str, Any]) -> Variable:
    """Remake a variable.

    Parameters
    ----------
    tree : mapping
        What `to_json` gave.

    Returns
    -------
    Variable
        The value.
    """
    period = tree["period"]
    categories = tuple(tree["categories"])
    return Variable(
        **{**tree, "categories": categories, "period": None if period is None else (str(period[0]), str(period[1]))}
    )


def layer_from_json(tree: Mapping[str, Any]) -> LayerInfo:
    """Remake a layer's description.

    Parameters
    ----------
    tree : mapping
        What `to_json` gave.

    Returns
    -------
    LayerInfo
        The value.
    """
    sigma_m = float("nan") if tree["sigma_m"] is None else float(tree["sigma_m"])
    return LayerInfo(**{**tree, "files": tuple(tree["files"]), "sigma_m": sigma_m})


def view_from_json(tree: Mapping[str, Any] | None) -> View:
    """Remake the first view.

    Parameters
    ----------
    tree : mapping or None
        What the manifest said, without what it left out.

    Returns
    -------
    View
        The value; empty if the manifest said nothing.
    """
    said = dict(tree or {})
    lon_lat = said.pop("centre", None)
    return View(centre=None if lon_lat is None else (float(lon_lat[0]), float(lon_lat[1])), **said)


def tour_from_json(tree: Sequence[Mapping[str, Any]]) -> tuple[Stop, ...]:
    """Remake a guided tour.

    Parameters
    ----------
    tree : sequence of mapping
        What the manifest said, stop by stop.

    Returns
    -------
    tuple of Stop
        The values.
    """
    return tuple(
        Stop(**{**stop, "centre": (stop["centre"][0], stop["centre"][1]), "layers": tuple(stop["layers"])})
        for stop in tree
    )


def attributes_of(variable: Variable, part: str) -> dict[str, Any]:
    """Say what an array of the cube holds, in the words of CF.

    Parameters
    ----------
    variable : Variable
        Which one.
    part : str
        ``value``, ``support``, ``n``, ``coverage``, ``disagreement``, ``sigma`` or ``sigma_m``.

    Returns
    -------
    dict
        Attributes that NetCDF can hold.
    """
    if part == "sigma_m":
        return {"units": "m", "long_name": f"1-sigma uncertainty per axis of the positions behind {variable.name}"}
    told = {
        "n": f"records behind {variable.name}, each by its share in the cell",
        "coverage": f"part of the cell and step that has data of {variable.name}",
    }
    if part in told:
        return {"units": "1", "long_name": told[part], "kind": "extensive" if part == "n" else "intensive"}
    if part == "support":
        unit = {"length": "m", "area": "m2"}.get(variable.by or "", "1") if variable.kind != "extensive" else "1"
        return {"units": unit, "long_name": f"what the value of {variable.name} stands for", "kind": "extensive"}
    origin = {key: getattr(variable, key) for key in ("owner", "licence", "level", "attribution")}
    shown = {
        "units": variable.unit,
        "long_name": variable.title.get("en", variable.name),
        "title": json.dumps(dict(variable.title), ensure_ascii=False),
        "kind": variable.kind,
        **({"categories": list(variable.categories)} if variable.categories else {}),
        "layer": variable.layer,
        "method": variable.method,
        "modelled": int(variable.modelled),
        **origin,
    }
    if part == "sigma":
        shown["long_name"] = f"standard deviation of {shown['long_name']}"
    if part == "disagreement":
        shown["long_name"] = f"standard deviation among the files behind {shown['long_name']}"
    return shown


def ledger_of(layers: Mapping[str, LayerInfo]) -> pd.DataFrame:
    """Lay out what became of the records of every layer.

    Parameters
    ----------
    layers : Mapping of str to LayerInfo
        By name.

    Returns
    -------
    pandas.DataFrame
        As `Twin.ledger` gives it.
    """
    names = ["records_in", "placed", "quarantined", "rejected", "reasons", "position", "status"]
    names += ["operation", "sigma_m", "vertical"]
    rows = {name: {key: getattr(info, key) for key in names} for name, info in layers.items()}
    for row in rows.values():
        row["vertical"] = row["vertical"] or ""
        row["reasons"] = ", ".join(f"{code} {count:,}" for code, count in row["reasons"].items())
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=names).rename_axis("layer")
    shown = [info.evidence.get("probability") for info in layers.values()]
    frame.insert(names.index("status") + 1, "probability", np.array(shown, dtype=np.float64))
    return frame
