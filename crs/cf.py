"""Grid mappings of the CF conventions: parameters of a projection, as NetCDF and Zarr state them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyproj import CRS
from pyproj.exceptions import CRSError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["cf_frame"]

_NAMED = ("horizontal_datum_name", "geographic_crs_name", "projected_crs_name")


def cf_frame(attributes: Mapping[str, object]) -> str | None:
    """Turn the attributes of a grid mapping into a frame.

    Parameters
    ----------
    attributes : Mapping
        Of the grid mapping variable.

    Returns
    -------
    str or None
        WKT; None where no datum is named: an ellipsoid alone says nothing of where on it zero is, and WGS 84 would be
        a guess.

    References
    ----------
    NetCDF Climate and Forecast Metadata Conventions 1.11, appendix F.

    Examples
    --------
    >>> mapping = {"grid_mapping_name": "latitude_longitude", "semi_major_axis": 6378137.0}
    >>> cf_frame(mapping) is None
    True
    >>> cf_frame({**mapping, "horizontal_datum_name": "World Geodetic System 1984"})[:7]
    'GEOGCRS'
    """
    for key in ("crs_wkt", "spatial_ref"):
        if attributes.get(key):
            return str(attributes[key])
    if not any(str(attributes.get(key) or "unknown").lower() not in {"unknown", "undefined"} for key in _NAMED):
        return None
    try:
        return str(CRS.from_cf(dict(attributes)).to_wkt())
    except (CRSError, KeyError, TypeError, ValueError):
        return None
