"""Reference layers, made ready to be measured against, and kept for the next file."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs.coordinates import Shapes
from crs.detection.evidence import Reference
from crs.equivalence import equivalent
from crs.errors import ReferenceNotHarmonisedError

if TYPE_CHECKING:
    from crs.coordinates import ObjectArray, Positioned

__all__ = ["prepared"]

#: So many references are kept, by content: an application judges many files against the same streets.
_KEPT: OrderedDict[object, Reference] = OrderedDict()
_MOST_KEPT = 4
#: Areas larger than this are told by their boundaries, smaller ones (buildings) by their centroids.
_LARGE_DEG = 0.005


def prepared(layer: Positioned, *, areal: bool = False) -> Reference:
    """Take the geometries of a reference that is in longitude and latitude.

    Parameters
    ----------
    layer : Positioned
        Streets, stations, buildings, districts.
    areal : bool
        True where areas are judged: against large ones (districts) by boundaries, on which the vertices lie, against
        small ones (buildings) by centroids. A position stands for a whole area, and so does its centroid.

    Returns
    -------
    Reference
        Ready to measure; the same one for the same content.

    Raises
    ------
    ReferenceNotHarmonisedError
        If it is in another frame, or empty.
    """
    if not isinstance(layer.coordinates, Shapes) or not equivalent(layer.position, "OGC:CRS84"):
        raise ReferenceNotHarmonisedError(
            f"reference {layer.name!r} is in {layer.position.name}; pass crs.harmonise({layer.name}), "
            "whose geometries are in longitude and latitude"
        )
    geometry = layer.coordinates.geometry
    key = (layer.name, areal, Shapes(geometry).__dask_tokenize__())
    if key in _KEPT:
        _KEPT.move_to_end(key)
        return _KEPT[key]
    reference = Reference(_bounded(geometry) if areal else geometry, layer.name)
    _KEPT[key] = reference
    while len(_KEPT) > _MOST_KEPT:
        _KEPT.popitem(last=False)
    return reference


def _bounded(geometry: ObjectArray) -> ObjectArray:
    """Return the boundaries of large areas; other geometries as they are."""
    areas: ObjectArray = geometry[shapely.get_dimensions(geometry) == 2]
    if not len(areas):
        return geometry
    bounds = shapely.bounds(areas)
    sizes = np.maximum(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1])
    return np.asarray(shapely.boundary(areas)) if np.median(sizes) > _LARGE_DEG else geometry
