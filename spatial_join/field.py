"""From stations to a field: ordinary kriging, its variance, and proof that the variance holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from crs.local import local_projection
from spatial_join.errors import GeometryError, TooFewStationsError
from spatial_join.variogram import Variogram, fit_variogram, step_groups

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Field", "LeaveOneOut", "krige", "leave_one_out"]

FEWEST_STATIONS = 8
"""Below this a range cannot be told from noise, and a field would be an invention."""

CHUNK = 100_000
"""Targets kriged at a time, which bounds memory."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """A kriged field.

    Parameters
    ----------
    mean : ndarray of float64, shape (targets,) or (targets, steps)
        Best linear unbiased prediction of what a station there would read; NaN beyond the range of all stations, and
        in steps with too few stations.
    variance : ndarray of float64, same shape
        Variance of that prediction, in the unit of the values squared; NaN where the mean is.
    reach : ndarray of bool, shape (targets,)
        True where a station is within range.
    variogram : Variogram
        The covariance that was used.
    stations : int
        Number of stations with any value.
    """

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    reach: NDArray[np.bool_]
    variogram: Variogram
    stations: int

    def interval(self, probability: float = 0.95) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give the interval that a measurement falls in with a given probability.

        Parameters
        ----------
        probability : float
            Between 0 and 1.

        Returns
        -------
        low, high : ndarray of float64
            Bounds; the variance is calibrated so that 95 % of the stations' held-out errors are inside of them.
        """
        half = scipy.special.ndtri(0.5 + 0.5 * probability) * np.sqrt(self.variance)
        return self.mean - half, self.mean + half


@dataclass(frozen=True, kw_only=True)
class LeaveOneOut:
    """What kriging says of each station when it has not seen it.

    Parameters
    ----------
    mean : ndarray of float64, shape (stations, steps)
        Prediction from the other stations; NaN where the station is out of their range or silent.
    z : ndarray of float64, shape (stations, steps)
        Error over its stated standard deviation.
    coverage : float
        Share of measurements inside of their 95 % interval.
    checked : int
        Number of measurements behind the coverage.
    """

    mean: NDArray[np.float64]
    z: NDArray[np.float64]
    coverage: float
    checked: int


def krige(  # noqa: PLR0917 -- stations, then targets: the order in which everyone writes them
    lon: ArrayLike,
    lat: ArrayLike,
    values: ArrayLike,
    target_lon: ArrayLike,
    target_lat: ArrayLike,
    *,
    variogram: Variogram | None = None,
) -> Field:
    """Predict a field from stations by ordinary kriging.

    Parameters
    ----------
    lon, lat : array_like of float, shape (stations,)
        Positions of the stations in degrees.
    values : array_like of float, shape (stations,) or (stations, steps)
        Measurements; NaN where a station is silent. All steps share one covariance up to a factor.
    target_lon, target_lat : array_like of float, shape (targets,)
        Where to predict, degrees.
    variogram : Variogram, optional
        The covariance; fitted to the stations if left out.

    Returns
    -------
    Field
        Mean and variance of what a station at the target would read.

    Raises
    ------
    TooFewStationsError
        If fewer than 8 stations have a value.
    GeometryError
        If positions and values do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> lon = np.linspace(7.40, 7.44, 9)
    >>> field = krige(lon, np.full(9, 43.73), lon * 100, [7.42], [43.73])
    >>> bool(abs(field.mean[0] - 742.0) < 0.5), bool(field.reach[0])
    (True, True)
    """
    station_lon, station_lat, table = _stations(lon, lat, values)
    plane = local_projection(station_lon, station_lat)
    xy = np.stack(plane.forward(station_lon, station_lat), axis=1)
    to = np.stack(plane.forward(np.ravel(target_lon), np.ravel(target_lat)), axis=1)
    shape = fit_variogram(xy, table) if variogram is None else variogram
    mean = np.full((len(to), table.shape[1]), np.nan)
    variance = mean.copy()
    near = np.zeros(len(to), dtype=bool)
    for stations, steps in step_groups(table):
        if stations.size < FEWEST_STATIONS:
            continue
        away = scipy.spatial.cKDTree(xy[stations]).query(to, distance_upper_bound=shape.range_m)[0]
        within = np.flatnonzero(np.asarray(away) <= shape.range_m)
        near[within] = True
        chosen = np.ix_(within, steps)
        mean[chosen], variance[chosen] = _predict(xy[stations], table[np.ix_(stations, steps)], to[within], shape)
    if np.ndim(values) == 1:
        mean, variance = mean[:, 0], variance[:, 0]
    return Field(mean=mean, variance=variance, reach=near, variogram=shape, stations=len(table))


def _stations(
    lon: ArrayLike, lat: ArrayLike, values: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the stations that have any value, or refuse too few."""
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    table = np.asarray(values, dtype=np.float64)
    table = table[:, None] if table.ndim == 1 else table
    if not (x.shape == y.shape == table.shape[:1]) or not np.isfinite([x, y]).all():
        raise GeometryError(
            f"Stations need one finite longitude, latitude and row of values each; got {x.shape} longitudes, "
            f"{y.shape} latitudes and values of shape {table.shape}."
        )
    known = ~np.isnan(table).all(axis=1)
    if known.sum() < FEWEST_STATIONS:
        raise TooFewStationsError(
            f"{int(known.sum())} of {known.size} stations have a value, but a field needs {FEWEST_STATIONS}: with "
            "fewer its range cannot be told. Show the stations as points instead, or add stations."
        )
    return x[known], y[known], table[known]


def _predict(
    xy: NDArray[np.float64], values: NDArray[np.float64], to: NDArray[np.float64], shape: Variogram
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Krige all steps in which the same stations report: they share their weights, and their variance up to a factor.

    References
    ----------
    Cressie (1993), Statistics for Spatial Data, section 3.2: the equations of ordinary kriging. A target is another
    place than any station, even where the two coincide: a station there would read its own nugget.
    """
    count = len(xy)
    system = np.ones((count + 1, count + 1))
    system[:count, :count] = shape.correlation(scipy.spatial.distance.cdist(xy, xy))
    np.fill_diagonal(system, 1.0)
    system[count, count] = 0.0
    inverse = np.linalg.inv(system)
    scale = np.array([_process_variance(xy, step, shape) for step in values.T]) * shape.inflation
    mean, variance = np.empty((len(to), values.shape[1])), np.empty((len(to), values.shape[1]))
    for begin in range(0, len(to), CHUNK):
        part = slice(begin, begin + CHUNK)
        near = np.ones((len(to[part]), count + 1))
        near[:, :count] = shape.correlation(scipy.spatial.distance.cdist(to[part], xy))
        # By einsum, not by BLAS: that one rounds as its threads share the rows, and a field must not depend on them.
        weights = np.einsum("ij,jk->ik", near, inverse)
        unit = np.maximum(1.0 - np.einsum("ij,ij->i", weights, near), 0.0)
        # Weights sum to 1 but for rounding, which differences to the first station do not see.
        mean[part] = values[0] + np.einsum("ij,jt->it", weights[:, :count], values - values[0])
        variance[part] = unit[:, None] * scale
    return mean, variance


def _process_variance(xy: NDArray[np.float64], values: NDArray[np.float64], shape: Variogram) -> float:
    """Return the variance of one step under a covariance of unit variance."""
    square = np.hypot(*(xy[:, None, :] - xy[None, :, :]).transpose(2, 0, 1))
    correlation = shape.correlation(square)
    np.fill_diagonal(correlation, 1.0)
    inverse = np.linalg.inv(correlation)
    mean = float(inverse.sum(axis=1) @ values / inverse.sum())
    residual = values - mean
    return max(0.0, float(residual @ inverse @ residual) / (len(values) - 1))


def leave_one_out(lon: ArrayLike, lat: ArrayLike, values: ArrayLike, *, probability: float = 0.95) -> LeaveOneOut:
    """Predict every station from the others, the covariance and its calibration fitted to the others alone.

    Parameters
    ----------
    lon, lat : array_like of float, shape (stations,)
        Positions in degrees.
    values : array_like of float, shape (stations,) or (stations, steps)
        Measurements; NaN where a station is silent.
    probability : float
        Probability of the intervals.

    Returns
    -------
    LeaveOneOut
        Errors over their stated size, and the share of measurements inside of their intervals.

    Raises
    ------
    TooFewStationsError
        If fewer than 9 stations have a value, so that 8 remain.
    """
    _stations(lon, lat, values)
    x, y, table = np.asarray(lon, np.float64), np.asarray(lat, np.float64), np.asarray(values, np.float64)
    table = table.reshape(len(x), -1)
    mean, z, inside = np.full(table.shape, np.nan), np.full(table.shape, np.nan), np.zeros(table.shape, dtype=bool)
    for i in range(len(x)):
        others = np.arange(len(x)) != i
        field = krige(x[others], y[others], table[others], x[i : i + 1], y[i : i + 1])
        low, high = field.interval(probability)
        mean[i] = field.mean[0]
        with np.errstate(invalid="ignore", divide="ignore"):
            z[i] = (table[i] - field.mean[0]) / np.sqrt(field.variance[0])
        inside[i] = (table[i] >= low[0]) & (table[i] <= high[0])
    known = ~np.isnan(z)
    return LeaveOneOut(mean=mean, z=z, coverage=float(inside[known].mean()), checked=int(known.sum()))
