"""Attributes of features: which there are, of what kind, and how they are written."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

MOST_CLASSES = 12
_MOST_DISTINCT = 200
_HIDDEN = ("row", "geometry")


def texts_of(values: "pd.Series[Any]") -> list[str]:
    """Write values as the browser shows them.

    Parameters
    ----------
    values : pandas.Series
        Any values.

    Returns
    -------
    list of str
        Empty where nothing is known.
    """
    plain = values.astype(object)
    return [str(value) for value in plain.where(plain.notna(), "")]


def is_number(values: "pd.Series[Any]") -> bool:
    """Say whether an attribute is a number that can be summed.

    Parameters
    ----------
    values : pandas.Series
        An attribute.

    Returns
    -------
    bool
        False for truth values and times.
    """
    return pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)


def columns_of(table: gpd.GeoDataFrame) -> list[str]:
    """List the attributes that a visitor may ask for.

    Parameters
    ----------
    table : geopandas.GeoDataFrame
        Features.

    Returns
    -------
    list of str
        Without geometry and record number.
    """
    return [str(name) for name in table.columns if name not in {*_HIDDEN, table.geometry.name}]


def describe_columns(table: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    """Describe attributes, for a form that filters by them.

    Parameters
    ----------
    table : geopandas.GeoDataFrame
        Features.

    Returns
    -------
    list of dict
        ``name``, ``kind`` (number, classes or text), ``low`` and ``high``, or ``classes`` with their counts.
    """
    found: list[dict[str, Any]] = []
    for name in columns_of(table):
        values = table[name]
        if is_number(values):
            numbers = values.to_numpy(dtype=float, na_value=np.nan)
            if np.isfinite(numbers).any():
                low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
                found.append({"name": name, "kind": "number", "low": low, "high": high})
            continue
        counts = pd.Series(texts_of(values), dtype=object).value_counts(sort=True)
        if len(counts) <= _MOST_DISTINCT:
            classes = [[str(text), int(count)] for text, count in counts.head(MOST_CLASSES * 4).items()]
            found.append({"name": name, "kind": "classes", "classes": classes})
        else:
            found.append({"name": name, "kind": "text"})
    return found
