"""What a selection comes to: sums, means and classes for charts, rows for the table, shapes for the map."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from crs import geodesy
from dashboards.exploring.attributes import MOST_CLASSES, columns_of, describe_columns, is_number, texts_of
from dashboards.exploring.measuring import lengths_m
from dashboards.exploring.selecting import Selection
from twin.tiles.attributes import names_of

if TYPE_CHECKING:
    import pandas as pd

BINS = 12


def summarise(selection: Selection) -> dict[str, Any]:
    """Sum a selection up.

    Parameters
    ----------
    selection : Selection
        What was selected.

    Returns
    -------
    dict
        ``count`` of ``total``; ``area_m2``, ``length_m``, ``volume_m3``, ``highest_m``; ``numbers`` with count, sum,
        mean, least and greatest; ``classes`` with counts. Plain JSON values.
    """
    table, shapes = selection.table, selection.table.geometry.to_numpy()
    areas = geodesy.areas_m2(shapely.force_2d(shapes)) if len(shapes) else np.zeros(0)
    volumes = areas * selection.heights_m
    return {
        "count": len(selection),
        "total": selection.total,
        "area_m2": float(areas.sum()),
        "length_m": float(lengths_m(shapes).sum()),
        "volume_m3": float(volumes.sum()),
        "highest_m": float(selection.heights_m.max(initial=0.0)),
        "numbers": [_numbers(table[name], name) for name in columns_of(table) if _is_known(table[name])],
        "classes": [
            {"column": each["name"], "counts": each["classes"][:MOST_CLASSES]}
            for each in describe_columns(selection.table)
            if each["kind"] == "classes"
        ],
    }


def _is_known(values: "pd.Series[Any]") -> bool:
    return is_number(values) and bool(values.notna().any())


def _numbers(values: "pd.Series[Any]", name: str) -> dict[str, Any]:
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    known = numbers[np.isfinite(numbers)]
    counts, edges = np.histogram(known, bins=BINS)
    return {
        "column": name,
        "count": len(known),
        "sum": float(known.sum()),
        "mean": float(known.mean()),
        "least": float(known.min()),
        "greatest": float(known.max()),
        "bins": counts.tolist(),
        "edges": edges.tolist(),
    }


def to_records(selection: Selection, *, columns: Sequence[str], first: int, most: int) -> dict[str, Any]:
    """Give rows of the table beside the map.

    Parameters
    ----------
    selection : Selection
        What was selected.
    columns : sequence of str
        Which attributes; all if empty.
    first, most : int
        Which rows, and how many.

    Returns
    -------
    dict
        ``columns`` and ``rows``: position in the table, record number, name, attributes as text.
    """
    shown = [name for name in columns_of(selection.table) if not columns or name in columns]
    part = selection.table.iloc[first : first + most]
    texts = [_rounded(part[name]) for name in shown]
    heads = zip(selection.rows[first : first + most].tolist(), part.index.tolist(), names_of(part), strict=True)
    return {"columns": shown, "rows": [[*head, *cells] for head, *cells in zip(heads, *texts, strict=True)]}


def _rounded(values: "pd.Series[Any]") -> list[str]:
    if not is_number(values):
        return texts_of(values)
    return ["" if np.isnan(v) else f"{v:.6g}" for v in values.to_numpy(dtype=float, na_value=np.nan)]


def to_geojson(selection: Selection, *, most: int) -> dict[str, Any]:
    """Draw a selection.

    Parameters
    ----------
    selection : Selection
        What was selected.
    most : int
        How many features are drawn; the first of the table.

    Returns
    -------
    dict
        A FeatureCollection; properties ``h`` (metres), ``t`` (name) and ``r`` (position in the table).
    """
    part = selection.table.iloc[:most]
    flat = shapely.set_precision(shapely.force_2d(part.geometry.to_numpy()), 1e-6, mode="pointwise")
    named = zip(flat, names_of(part), selection.rows.tolist(), selection.heights_m.tolist(), strict=False)
    features = [
        {
            "type": "Feature",
            "properties": {"h": round(height, 1), "t": name, "r": row},
            "geometry": shapely.geometry.mapping(shape),
        }
        for shape, name, row, height in named
    ]
    return {"type": "FeatureCollection", "features": features}
