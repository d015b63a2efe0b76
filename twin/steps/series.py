"""From records to features and readings: which records are of one site, and what each of them measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from twin.errors import BuildError
from twin.timeline import Clock, Floats, Integers, StepShares, ratio_to_quantile, spacing_s, step_shares

if TYPE_CHECKING:
    from collections.abc import Mapping

    import layers
    from twin.manifest.models import DatasetSpec


@dataclass(frozen=True, kw_only=True)
class Readings:
    """What the records of a layer measured, and for which feature.

    Parameters
    ----------
    feature : ndarray of int64, shape (records,)
        Number of the feature (site) of each record, from 0 without gaps.
    first : ndarray of int64, shape (features,)
        The first record of each feature.
    values : mapping of str to ndarray of float64, shape (records,)
        Values by variable, NaN where missing; a class is its number in `categories`.
    categories : mapping of str to tuple of str
        Classes by categorical variable.
    shares : StepShares or None
        Which steps of the clock each record covers; None without a time.
    period_s : float
        How long a reading holds, in seconds; 0 for instants, the longest where each has its own.
    notes : mapping of str to tuple of str
        What was done to each variable's values, for people.
    source : ndarray of str, shape (records,), or None
        File of each record; None where the dataset has one.
    sigmas : mapping of str to ndarray of float64, shape (records,)
        Standard deviation that readings state, in the unit of the variable, NaN where none is stated; of variables
        that have a column for it.
    """

    feature: Integers
    first: Integers
    values: Mapping[str, Floats]
    categories: Mapping[str, tuple[str, ...]]
    shares: StepShares | None
    period_s: float
    notes: Mapping[str, tuple[str, ...]]
    source: npt.NDArray[np.object_] | None = None
    sigmas: Mapping[str, Floats] = field(default_factory=dict)


def sites_of(layer: layers.Layer, columns: tuple[str, ...]) -> tuple[Integers, Integers]:
    """Give every site of a layer a number.

    Parameters
    ----------
    layer : layers.Layer
        Records.
    columns : tuple of str
        Columns that say together which site; none if each record is a feature of its own.

    Returns
    -------
    feature : ndarray of int64, shape (records,)
        Number of the site, in order of first appearance.
    first : ndarray of int64, shape (sites,)
        First record of each site.

    Raises
    ------
    BuildError
        If a column is not there.
    """
    if not columns:
        everyone = np.arange(len(layer), dtype=np.int64)
        return everyone, everyone
    absent = [name for name in columns if name not in layer.table.columns]
    if absent:
        known = ", ".join(map(str, layer.table.columns))
        raise BuildError(
            f"{layer.name}: site names the column {absent[0]!r}, which is not there: write some of {known}"
        )
    grouped = layer.table.groupby(list(columns), sort=False, dropna=False)
    numbers: Integers = np.asarray(grouped.ngroup(), dtype=np.int64)
    _, first = np.unique(numbers, return_index=True)
    return numbers, first.astype(np.int64)


def inside_clock(layer: layers.Layer, clock: Clock) -> npt.NDArray[np.bool_]:
    """Return which records lie on the city's clock, at least with a part of the interval that they hold.

    Parameters
    ----------
    layer : layers.Layer
        Records with a column ``time``.
    clock : Clock
        The city's clock.

    Returns
    -------
    ndarray of bool, shape (records,)
        All True for a typical day.
    """
    time = layer.table["time"]
    if clock.start is None or clock.end is None:
        return np.ones(len(layer), dtype=bool)
    return ((time >= clock.start) & (time < clock.end)).to_numpy(dtype=bool)


def read_values(
    layer: layers.Layer, dataset: DatasetSpec, feature: Integers
) -> tuple[dict[str, Floats], dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Take the variables of a dataset from its columns, and derive those that are made from others.

    Parameters
    ----------
    layer : layers.Layer
        Records.
    dataset : DatasetSpec
        Which variables.
    feature : ndarray of int64, shape (records,)
        Site of each record.

    Returns
    -------
    values : dict of str to ndarray of float64
        One number a record.
    categories : dict of str to tuple of str
        Classes of categorical variables.
    notes : dict of str to tuple of str
        How they were made.
    """
    values: dict[str, Floats] = {}
    categories: dict[str, tuple[str, ...]] = {}
    notes: dict[str, tuple[str, ...]] = {}
    for name, variable in dataset.variables.items():
        if variable.derive is not None:
            continue
        column = variable.column or name
        if variable.kind == "categorical":
            values[name], categories[name] = _classes(layer, column)
        else:
            values[name] = _numbers(layer, column)
        notes[name] = (f"value taken from column {column!r} [{variable.unit}]",)
    for name, variable in dataset.variables.items():
        if variable.derive is not None:
            ratio, quantile = variable.derive.ratio, variable.derive.quantile
            base = values[ratio] if ratio in values else _numbers(layer, ratio)
            values[name], _ = ratio_to_quantile(base, feature, quantile)
            notes[name] = (f"value is {ratio!r} over the {quantile:g} quantile of the same site's {ratio!r}",)
    return values, categories, notes


def _numbers(layer: layers.Layer, column: str) -> Floats:
    try:
        found: Floats = np.asarray(layer.column(column), dtype=np.float64)
    except (TypeError, ValueError):
        message = f"{layer.name}: column {column!r} holds no numbers: correct `column:`, or write kind: categorical"
        raise BuildError(message) from None
    return found


def _classes(layer: layers.Layer, column: str) -> tuple[Floats, tuple[str, ...]]:
    texts = pd.Series(layer.column(column), dtype=object)
    known = texts.notna().to_numpy(dtype=bool)
    classes = sorted({str(text) for text in texts[known]})
    numbers = {text: float(number) for number, text in enumerate(classes)}
    codes = np.full(len(texts), np.nan)
    codes[known] = [numbers[str(text)] for text in texts[known]]
    return codes, tuple(classes)


def readings_of(layer: layers.Layer, dataset: DatasetSpec, clock: Clock) -> Readings:
    """Say what every record measured, for which site and when.

    Parameters
    ----------
    layer : layers.Layer
        Records, all of them on the clock.
    dataset : DatasetSpec
        Entry of the manifest.
    clock : Clock
        The city's clock.

    Returns
    -------
    Readings
        Values by record, and the steps they cover.
    """
    feature, first = sites_of(layer, dataset.site)
    values, categories, notes = read_values(layer, dataset, feature)
    shares: StepShares | None = None
    period_s = 0.0
    if dataset.time is not None:
        times: pd.Series[Any] = layer.table["time"]
        if dataset.time.end is not None:
            lengths: Floats = np.asarray((layer.table["time_end"] - times).dt.total_seconds(), dtype=np.float64)
            shares, period_s = step_shares(times, clock, period_s=lengths), float(lengths.max(initial=0.0))
            held = f"each reading holds until its {dataset.time.end!r}"
        else:
            if dataset.time.period is not None:
                period_s = pd.Timedelta(dataset.time.period).total_seconds()
            elif dataset.site:
                period_s = spacing_s(times, feature)
            shares = step_shares(times, clock, period_s=period_s)
            held = f"each reading holds for {period_s:g} s" if period_s else "readings are instants"
        day = ", folded onto a typical day" if clock.typical_day else ""
        line = f"laid on steps of {clock.step_s:g} s in {clock.zone}: {held}{day}"
        notes = {name: (*lines, line) for name, lines in notes.items()}
    return Readings(
        feature=feature,
        first=first,
        values=values,
        categories=categories,
        shares=shares,
        period_s=period_s,
        notes=notes,
        source=_source_of(layer),
        sigmas=_sigmas_of(layer, dataset),
    )


def _sigmas_of(layer: layers.Layer, dataset: DatasetSpec) -> dict[str, Floats]:
    """Take the standard deviations that readings state of themselves."""
    found = {}
    for name, variable in dataset.variables.items():
        if variable.sigma is None:
            continue
        found[name] = _numbers(layer, variable.sigma)
        wrong = np.flatnonzero(found[name] < 0)
        if wrong.size:
            number, told = layer.table.index[wrong[0]], found[name][wrong[0]]
            raise BuildError(
                f"{layer.name}: sigma of {name} is {told:g} in row {number}, column {variable.sigma!r}: no standard "
                f"deviation is negative; write what is missing under fields: {variable.sigma}: missing"
            )
    return found


def _source_of(layer: layers.Layer) -> npt.NDArray[np.object_] | None:
    if "source_file" not in layer.table.columns:
        return None
    return layer.table["source_file"].to_numpy(dtype=object)
