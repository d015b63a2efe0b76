"""Registers and boundaries that change: which rows hold on a day, and whether those cover the ground once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from crs.times import decode_times
from layers.errors import SchemaError, listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layers.model import Layer

__all__ = ["Coverage", "Valid", "check_coverage", "holds_on"]

_DAY_S = 86400.0


@dataclass(frozen=True, kw_only=True)
class Valid:
    """Which rows of a file hold.

    Parameters
    ----------
    start, end : str
        Columns with the first and the last day (or moment) of a row; empty: always, or still. A last day counts in
        full, a moment is the first at which the row no longer holds.
    on : str
        The day (or moment) that is asked for, in ISO 8601; what names no zone is UTC.
    """

    start: str = "valid_from"
    end: str = "valid_to"
    on: str


def holds_on(table: pd.DataFrame, valid: Valid, *, dataset: str) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Find the rows that do not hold on a day.

    Parameters
    ----------
    table : pandas.DataFrame
        As published.
    valid : Valid
        Which columns, and which day.
    dataset : str
        For messages.

    Returns
    -------
    tuple of numpy.ndarray of object, shape (n,)
        Why a row is left out, and why nothing can be said of it; None otherwise.

    Raises
    ------
    SchemaError
        If a column is missing, or the day is none.

    Examples
    --------
    >>> table = pd.DataFrame({"valid_from": ["2010-01-01", "2020-01-01"], "valid_to": ["2019-12-31", None]})
    >>> holds_on(table, Valid(on="2019-12-31"), dataset="wards")[0].tolist()
    [None, 'not_valid: holds from 2020-01-01 to still, not on 2019-12-31']
    """
    absent = [name for name in (valid.start, valid.end) if name not in table.columns]
    if absent:
        raise SchemaError(f"{dataset}: valid: names {listed(absent)}; the file has {listed(table.columns)}.")
    moment, wrong, _ = decode_times(np.array([valid.on], dtype=object), name="valid.on")
    if wrong[0] is not None:
        raise SchemaError(f"{dataset}: {wrong[0]}.")
    start, no_start, _ = decode_times(_written(table[valid.start]), name=valid.start)
    end, no_end, is_day = decode_times(_written(table[valid.end]), name=valid.end)
    unreadable: NDArray[np.object_] = np.full(len(table), None, dtype=object)
    for reasons in (no_start, no_end):
        for row in np.flatnonzero([str(reason).startswith("unreadable") for reason in reasons]):
            unreadable[row] = reasons[row]
    start = np.where(np.isnan(start), -np.inf, start)
    end = np.where(np.isnan(end), np.inf, end + _DAY_S * is_day)
    out = (start > moment[0]) | (end <= moment[0])
    left_out: NDArray[np.object_] = np.full(len(table), None, dtype=object)
    for row in np.flatnonzero(out & (unreadable == None)):  # noqa: E711 - element by element
        since, until = table[valid.start].iloc[row], table[valid.end].iloc[row]
        spoken = ("always" if pd.isna(since) else since, "still" if pd.isna(until) else until)
        left_out[row] = f"not_valid: holds from {spoken[0]} to {spoken[1]}, not on {valid.on}"
    return left_out, unreadable


def _written(values: pd.Series) -> NDArray[np.generic]:
    if pd.api.types.is_datetime64_any_dtype(values):
        utc = values.dt.tz_convert("UTC").dt.tz_localize(None) if values.dt.tz is not None else values
        return np.asarray(utc.to_numpy())
    return np.array([None if pd.isna(value) else str(value) for value in values], dtype=object)


@dataclass(frozen=True, kw_only=True, eq=False)
class Coverage:
    """Where zones overlap, and where they leave holes.

    Parameters
    ----------
    overlaps : pandas.DataFrame
        Columns ``row``, ``other`` (numbers of records, ``row`` below ``other``) and ``share`` of the smaller one that
        both cover; the greatest first.
    gaps : numpy.ndarray of shapely polygons
        What is enclosed by the zones and covered by none, in the frame of the layer.
    """

    overlaps: pd.DataFrame
    gaps: NDArray[np.object_]


def check_coverage(layer: Layer, *, at_least: float = 1e-6) -> Coverage:
    """Say where zones that should cover the ground once do not.

    Parameters
    ----------
    layer : Layer
        Polygons.
    at_least : float
        Share of the smaller of two zones below which an overlap is no more than how their border was drawn.

    Returns
    -------
    Coverage
        Overlaps by pairs, and gaps. Shares are of planar areas.

    Examples
    --------
    >>> from layers.model import Layer
    >>> halves = np.array([shapely.box(0, 0, 2, 2), shapely.box(1, 0, 3, 2)])
    >>> check_coverage(Layer.from_arrays("z", halves, position="EPSG:2154")).overlaps.to_numpy().tolist()
    [[0.0, 1.0, 0.5]]
    """
    shapes, rows = layer.geometry, layer.column("row")
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pairs = one < other
    one, other = one[pairs], other[pairs]
    areas = shapely.area(shapes)
    smaller = np.minimum(areas[one], areas[other])
    shared = shapely.area(shapely.intersection(shapes[one], shapes[other]))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.nan_to_num(shared / smaller)
    real = share > at_least
    table = pd.DataFrame({"row": rows[one[real]], "other": rows[other[real]], "share": share[real]})
    united = shapely.union_all(shapes)
    holes = [ring for part in shapely.get_parts(united) for ring in getattr(part, "interiors", ())]
    # A court that a zone has by itself is meant, unless no zone fills it: then it is a gap all the same.
    return Coverage(
        overlaps=table.sort_values("share", ascending=False, ignore_index=True),
        gaps=np.array([shapely.Polygon(ring) for ring in holes], dtype=object),
    )
