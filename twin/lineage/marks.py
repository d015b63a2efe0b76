"""What is to be known of a record beside its value: how far it was moved, what was mended, how its layer is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

import crs
from layers import MEASURES
from twin.storage.pruning import columns_of, rows_of

if TYPE_CHECKING:
    from twin.catalogue import LayerInfo
    from twin.storage.snapshot import Snapshot

__all__ = ["colours_of", "flags_of", "moved_m"]

Floats: TypeAlias = npt.NDArray[np.float64]

_MARKS = ("ambiguous", "unresolved_height")


def colours_of(layer: LayerInfo) -> dict[str, str]:
    """Return the colour of each measure of a layer that was asked for.

    Parameters
    ----------
    layer : LayerInfo
        The layer.

    Returns
    -------
    dict
        ``green``, ``yellow`` or ``red`` by measure.
    """
    colours = {name: layer.quality.get(name, {}).get("colour", "") for name in MEASURES}
    return {name: colour for name, colour in colours.items() if colour}


def moved_m(layer: LayerInfo, lon_deg: Floats, lat_deg: Floats) -> Floats:
    """Measure how far the change of datum moved the records of a layer.

    Parameters
    ----------
    layer : LayerInfo
        The layer.
    lon_deg, lat_deg : ndarray of float64, shape (n,)
        Where they are, or close by: a datum hardly differs from itself within a cell.

    Returns
    -------
    ndarray of float64, shape (n,)
        Metres; NaN where they had no place of their own, or where their frame is known to this city alone.
    """
    # Names that no register has are those of streets, registers and local grids; PROJ would search for them at length.
    if ":" not in layer.position and layer.position not in crs.definitions():
        return np.full(lon_deg.shape, np.nan)
    try:
        return crs.offsets_m(lon_deg, lat_deg, source=layer.position)
    except crs.CrsError:
        return np.full(lon_deg.shape, np.nan)


def flags_of(snapshot: Snapshot, layer: str, rows: npt.NDArray[np.int64], features: npt.NDArray[np.int64]) -> list[str]:
    """Return what is to be known of records before they are trusted: repairs, and doubts about where they are.

    Parameters
    ----------
    snapshot : Snapshot
        Where they are.
    layer : str
        Name of the layer.
    rows, features : ndarray of int64, shape (n,)
        Their numbers in the source, and those of their features.

    Returns
    -------
    list of str
        "" for a record of which there is nothing to be said.
    """
    told: dict[int, list[str]] = {}
    place = f"layers/{layer}.parquet"
    marks = [name for name in _MARKS if name in columns_of(snapshot, place)] if place in snapshot else []
    if marks:
        found = rows_of(snapshot, place, "row", np.unique(features), columns=["row", *marks]).set_index("row")
        for name in marks:
            doubtful = found[name].reindex(features).fillna(value=False).to_numpy(dtype=bool)
            for number in np.flatnonzero(doubtful).tolist():
                told.setdefault(number, []).append(name)
    place = f"repairs/{layer}.parquet"
    if place in snapshot:
        cells = snapshot.table(place, columns=["row", "rule"]).to_pandas().drop_duplicates()
        rules = cells.groupby("row")["rule"].agg(", ".join)
        for number in np.flatnonzero(np.isin(rows, rules.index.to_numpy())).tolist():
            told.setdefault(number, []).append(f"repaired by {rules[rows[number]]}")
    flags = [""] * len(rows)
    for number, words in told.items():
        flags[number] = "; ".join(words)
    return flags
