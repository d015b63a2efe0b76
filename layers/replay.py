"""Quarantined records, read once more as they came."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import shapely

from layers.ledger import as_written
from layers.options import ReadOptions
from layers.position import resolve_position
from layers.readers.records import Records, geometry_faults
from layers.reading import to_layer

if TYPE_CHECKING:
    from layers.model import Layer

__all__ = ["replay"]


def replay(
    entries: pd.DataFrame,
    *,
    position: object,
    name: str,
    domain: str = "unspecified",
    options: ReadOptions | None = None,
) -> Layer:
    """Read quarantined records once more, as they came, after what was wrong with the reading is mended.

    Parameters
    ----------
    entries : pandas.DataFrame
        Lines of `Ledger.quarantined`, all or some.
    position : PositionDefinition, str or Mapping
        What the positions mean.
    name : str
        Name of the dataset.
    domain : str
        What the dataset is about.
    options : ReadOptions or None
        The mended ones. Names are those after ``rename``. Rules that look at many records (``unique``,
        ``deduplicate``, repairs with ``by``) see these records alone.

    Returns
    -------
    Layer
        Under the same row numbers; its ledger accounts for the replayed records.

    Examples
    --------
    >>> import layers, numpy as np, shapely
    >>> place = shapely.points([[7.42, 43.73]])
    >>> gone = layers.Layer.from_arrays("s", place, position="OGC:CRS84", columns={"v": ["900"]})
    >>> gone = gone.quarantine(np.array([True]), "out_of_range: v is above 50")
    >>> replay(gone.ledger.quarantined, position="OGC:CRS84", name="s").ledger
    <Ledger s: 1 in = 1 placed + 0 quarantined + 0 rejected>
    """
    options = replace(options or ReadOptions(), rename={}, wide=None)
    written = as_written(entries)
    text = (
        written.pop("geometry").astype(object)
        if "geometry" in written
        else pd.Series(None, written.index, dtype=object)
    )
    geometry = faults = None
    if not resolve_position(position, declared=None, dataset=name).columns:  # else the columns hold the position
        present = text.notna()
        geometry = shapely.from_wkt(text.where(present, None).to_numpy(dtype=object), on_invalid="ignore")
        faults = geometry_faults(geometry, present.to_numpy())
    records = Records(
        table=written.fillna("").astype("str"), count=len(entries), geometry=geometry, faults=faults, text=True
    )
    counts = {str(source): int(count) for source, count in entries["source"].value_counts().items()}
    layer = to_layer(records, position=position, dataset=name, options=options, sources=counts or {"replayed": 0})
    return replace(layer, domain=domain)
