"""How much of a twin is known, and how well: one line a variable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

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
