"""Why a feature is where it is: what was published, what moved it, and into which cells it went."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from twin.errors import UnknownNameError
from twin.lineage.marks import colours_of, flags_of, moved_m
from twin.storage.pruning import rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twin.catalogue import LayerInfo
    from twin.storage.snapshot import Snapshot

__all__ = ["Whereabouts", "explain_feature"]

_OURS = ("row", "sigma_m", "ambiguous", "unresolved_height", "radius_m", "geometry", "source_file")
_SHOWN_CELLS = 8


@dataclass(frozen=True, kw_only=True)
class Whereabouts:
    """Why one feature is where it is.

    Parameters
    ----------
    layer : str
        Its layer.
    row : int
        Its number: that of the record in the source, or of the site for series.
    file : str
        The file that it was read from.
    lon_deg, lat_deg : float
        A point of it.
    definition, status, operation : str
        What the published position means, how that is known, and what moved it.
    offset_m : float
        How far the change of datum moved it, metres; NaN where it had no place of its own.
    sigma_m : float
        How far it may be off per axis, metres.
    flags : str
        Repairs and doubts; "" if there are none.
    published : mapping
        Its attributes as the source has them.
    cells : pandas.DataFrame
        Columns cell (number), share (of the feature) and support (count, m or m²).
    steps : tuple of str
        What was done, in order.
    quality : mapping
        Colour of each measure of the layer that was asked for.
    code : str
        Hash of the code that placed it.
    """

    layer: str
    row: int
    file: str
    lon_deg: float
    lat_deg: float
    definition: str
    status: str
    operation: str
    offset_m: float
    sigma_m: float
    flags: str
    published: Mapping[str, Any]
    cells: pd.DataFrame
    steps: tuple[str, ...]
    quality: Mapping[str, str]
    code: str

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types.

        Returns
        -------
        dict
            All of it, cells as hexadecimal text; what is not known is null.
        """
        told = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in {"cells", "published"}}
        told |= {name: None for name in ("offset_m", "sigma_m") if not np.isfinite(told[name])}
        cells = self.cells.assign(cell=[f"{cell:x}" for cell in self.cells["cell"]])
        published = json.loads(pd.DataFrame([dict(self.published)]).to_json(orient="records", date_format="iso"))
        return {**told, "quality": dict(self.quality), "published": published[0], "cells": cells.to_dict("records")}

    def __repr__(self) -> str:
        moved = "" if not np.isfinite(self.offset_m) else f", moved {self.offset_m:.4g} m by the change of datum"
        head = f"{self.layer} {self.row} of {self.file} is at {self.lon_deg:.7f}, {self.lat_deg:.7f}"
        lines = [f"{head}, give or take {self.sigma_m:.3g} m{moved}"]
        lines += [f"positions: {self.definition} ({self.status}), {self.operation}"]
        lines += [self.flags] if self.flags else []
        lines += [f"{name}: {value}" for name, value in self.published.items()]
        lines += [f"in {len(self.cells)} cell{'' if len(self.cells) == 1 else 's'}:"]
        shown = self.cells.head(_SHOWN_CELLS)
        lines += [f"  {cell:x} {share:.6g}" for cell, share in zip(shown["cell"], shown["share"], strict=True)]
        lines += [f"  … and {len(self.cells) - len(shown)} more"] if len(self.cells) > len(shown) else []
        lines += [f"{number}. {step}" for number, step in enumerate(self.steps, start=1)]
        return "\n".join([*lines, f"placed by code {self.code}"])


def explain_feature(snapshot: Snapshot, layer: LayerInfo, row: int) -> Whereabouts:
    """Say why a feature is where it is.

    Parameters
    ----------
    snapshot : Snapshot
        What is asked.
    layer : LayerInfo
        Its layer, of features.
    row : int
        Its number.

    Returns
    -------
    Whereabouts
        What was published, what moved it, and where it went.

    Raises
    ------
    UnknownNameError
        If the layer has no such feature.
    """
    wanted = np.array([row], dtype=np.int64)
    found = rows_of(snapshot, f"layers/{layer.name}.parquet", "row", wanted)
    if found.empty:
        raise UnknownNameError(
            f"layer {layer.name!r} has no feature {row}: it may be in its quarantine, see twin ledger --dataset "
            f"{layer.name}"
        )
    feature = found.iloc[0]
    point = shapely.point_on_surface(shapely.from_wkb(feature["geometry"]))
    lon, lat = np.array([point.x]), np.array([point.y])
    weights = rows_of(
        snapshot, f"weights/{layer.name}.parquet", "row", wanted, columns=["row", "cell", "share", "support"]
    )
    return Whereabouts(
        layer=layer.name,
        row=row,
        file=str(feature.get("source_file", layer.files[0])),
        lon_deg=float(point.x),
        lat_deg=float(point.y),
        definition=layer.position,
        status=layer.status,
        operation=layer.operation,
        offset_m=float(moved_m(layer, lon, lat)[0]),
        sigma_m=float(feature["sigma_m"]),
        flags=flags_of(snapshot, layer.name, wanted, wanted)[0],
        published={str(name): value for name, value in feature.items() if name not in _OURS},
        cells=weights[["cell", "share", "support"]].sort_values("share", ascending=False, ignore_index=True),
        steps=tuple(layer.notes.get("steps", ())),
        quality=colours_of(layer),
        code=str(snapshot.manifest["code"]),
    )
