"""Amounts of areas, such as people of a square, given to what they belong to, such as the buildings in it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from spatial_join.errors import QuantityError
from spatial_join.overlay import overlay
from spatial_join.records import frame_of
from spatial_join.sums import Sums

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

__all__ = ["amounts_of", "rates", "require_new", "share_out", "weights_of"]

_log = logging.getLogger(__name__)


def share_out(areas: Any, among: Any, *, value: str, by: str | None = None) -> gpd.GeoDataFrame:  # noqa: ANN401 -- layers, frames and paths share no base class
    """Share the amounts of areas out among records in them, such as people among buildings by volume.

    Parameters
    ----------
    areas : layers.Layer, geopandas.GeoDataFrame, or path of a GeoParquet file
        Polygons with an amount, in longitude and latitude.
    among : layers.Layer, geopandas.GeoDataFrame, or path of a GeoParquet file
        Points, lines or polygons that the amounts belong to.
    value : str
        Column of ``areas`` with the amount; NaN is "not known" and is shared out as nothing.
    by : str, optional
        Column of ``among`` that amounts are shared out by, at least 0; NaN gets nothing. All alike if left out.

    Returns
    -------
    geopandas.GeoDataFrame
        ``among`` with the column ``value``: what each record got from all areas that it is in, by the part of it that
        is in each. ``attrs["left_over"]`` holds the amounts of areas with nothing in them, by the index of ``areas``:
        with them, the total is that of the areas. ``attrs["set_aside"]`` lists invalid geometries.

    Raises
    ------
    QuantityError
        If a column is missing, not numeric, negative, or there already.

    References
    ----------
    Wright, J. K. (1936), A method of mapping densities of population, Geographical Review 26(1), 103-110.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> square = gpd.GeoDataFrame({"people": [90]}, geometry=[shapely.box(7.41, 43.73, 7.42, 43.74)], crs="OGC:CRS84")
    >>> homes = shapely.points([[7.412, 43.735], [7.418, 43.735]])
    >>> houses = gpd.GeoDataFrame({"volume_m3": [500.0, 1000.0]}, geometry=homes, crs="OGC:CRS84")
    >>> share_out(square, houses, value="people", by="volume_m3")["people"].tolist()
    [30.0, 60.0]
    """
    areas, among = frame_of(areas), frame_of(among)
    require_new(among, value)
    amount, weight = amounts_of(areas, value), weights_of(among, by)
    wheres = among[[among.geometry.name]].set_axis(np.arange(len(among)))
    whose = areas[[areas.geometry.name]].set_axis(np.arange(len(areas)))
    pieces = overlay(wheres, whose)
    record, area = pieces.index.to_numpy(), pieces["index_right"].to_numpy()
    part = pieces["share_left"].to_numpy() * weight[record]
    rows = np.arange(len(areas))
    each = rates(amount, Sums.of(area, part).totals(rows), value)
    out = among.assign(**{value: np.bincount(record, weights=part * each[area], minlength=len(among))})
    out.attrs["left_over"] = {areas.index[row]: float(amount[row]) for row in rows[(each == 0.0) & (amount > 0.0)]}
    if "set_aside" in pieces.attrs:
        labels = {"left": among.index, "right": areas.index}
        aside = (one._replace(label=labels[one.side][one.row]) for one in pieces.attrs["set_aside"])
        out.attrs["set_aside"] = tuple(aside)
    return out


def rates(amount: NDArray[np.float64], whole: NDArray[np.float64], value: str) -> NDArray[np.float64]:
    """Find what each area gives for a unit of what is in it; what gives nothing is left over, and said.

    Parameters
    ----------
    amount : ndarray of float64, shape (areas,)
        Of each area.
    whole : ndarray of float64, shape (areas,)
        What is in it.
    value : str
        Name of the amount.

    Returns
    -------
    ndarray of float64, shape (areas,)
        0 where nothing is in an area.
    """
    held = whole > 0.0
    left = ~held & (amount > 0.0)
    if left.any():
        _log.warning(
            "%d of %d areas with %g of %g %s hold nothing to share it out among; see .attrs['left_over'] of the result "
            "(.left_over of a lazy one)",
            left.sum(),
            len(amount),
            amount[left].sum(),
            amount.sum(),
            value,
        )
    return np.divide(amount, whole, out=np.zeros(len(amount)), where=held)


def require_new(among: gpd.GeoDataFrame, value: str) -> None:
    """Refuse to write over a column.

    Parameters
    ----------
    among : geopandas.GeoDataFrame
        What the amounts belong to.
    value : str
        Name of the amount.

    Raises
    ------
    QuantityError
        If it is there already.
    """
    if value in among.columns:
        raise QuantityError(
            f"Both sides have a column {value!r}; rename or drop the one of the records that it goes to."
        )


def weights_of(among: gpd.GeoDataFrame, by: str | None) -> NDArray[np.float64]:
    """Return what amounts are shared out by.

    Parameters
    ----------
    among : geopandas.GeoDataFrame
        What the amounts belong to.
    by : str or None
        Name of a column; all alike without one.

    Returns
    -------
    ndarray of float64, shape (records,)
        At least 0.

    Raises
    ------
    QuantityError
        As `amounts_of`.
    """
    return np.ones(len(among)) if by is None else amounts_of(among, by)


def amounts_of(frame: gpd.GeoDataFrame, name: str) -> NDArray[np.float64]:
    """Return a column of amounts.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        Any records.
    name : str
        Of the column.

    Returns
    -------
    ndarray of float64, shape (n,)
        0 where nothing is known.

    Raises
    ------
    QuantityError
        If the column is missing, not numeric or negative.
    """
    if name not in frame.columns:
        raise QuantityError(f"There is no column {name!r}; there are {', '.join(map(str, frame.columns))}.")
    column = frame[name]
    if column.dtype.kind not in "iuf":
        raise QuantityError(f"{name!r} must be an amount, found {column.dtype}; read it as a number.")
    numbers: NDArray[np.float64] = np.nan_to_num(column.to_numpy(dtype=np.float64))
    if (numbers < 0.0).any():
        raise QuantityError(
            f"{name!r} must be at least 0, found {numbers[numbers < 0.0][0]:g} in row "
            f"{np.flatnonzero(numbers < 0.0)[0]}."
        )
    return numbers
