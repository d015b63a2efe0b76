"""Records of trajectories as matching sees them: numbers that can be parted by vehicle, and how fast each one moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from spatial_join.errors import GeometryError, JoinError
from spatial_join.ground import places_of
from spatial_join.probable import sigma_of

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from crs.local import LocalProjection

__all__ = ["Said", "Track", "fixes_of", "sigma_counts", "tracks_of", "typical_sigma_m"]

SURE, LONGEST_STRETCH = 6.0, 10
"""A speed is judged over so many standard deviations of way, at most so many records to either side."""

SMOOTH = 9
"""Steps over which a speed is judged once ways are found."""

_STEPS_AN_OCTAVE, _FIRST_STEP, _STEPS = 16, -160, 640
"""Standard deviations are counted in steps of 4 %, from a millimetre up: counts of parts add up to those of all."""


@dataclass(frozen=True)
class Said:
    """What is said of the records; see :func:`spatial_join.match`.

    Parameters
    ----------
    track, time : str or None
        Names of columns.
    sigma_m : float or None
        Standard deviation of all records.
    """

    track: str | None
    time: str | None
    sigma_m: float | None


def fixes_of(points: gpd.GeoDataFrame, said: Said) -> pd.DataFrame:
    """Take from records what matching needs.

    Parameters
    ----------
    points : geopandas.GeoDataFrame
        Records in longitude and latitude.
    said : Said
        What is said of them.

    Returns
    -------
    pandas.DataFrame
        ``lon``, ``lat`` (degrees), ``sigma_m``, ``second`` (NaN where a time is missing; 0 if none is said) and
        ``track`` of every record, in their order.

    Raises
    ------
    GeometryError
        If the points are not points.
    JoinError
        If a column is missing, or a standard deviation is not above 0.
    """
    shapes = np.asarray(points.geometry, dtype=object)
    if not np.isin(shapely.get_type_id(shapes), (-1, 0)).all():
        raise GeometryError("Only points are matched to streets; take a line's vertices, in their order, first.")
    sigma = sigma_of(points, said.sigma_m)
    if (sigma <= 0.0).any():
        raise JoinError("Every record needs a sigma_m above 0: matching weighs how far off a record may be.")
    for name in (said.track, said.time):
        if name is not None and name not in points.columns:
            raise JoinError(f"There is no column {name!r}; there are {', '.join(map(str, points.columns))}.")
    lon, lat = places_of(shapes).T
    columns = {"lon": lon, "lat": lat, "sigma_m": sigma}
    seconds = np.zeros(len(points)) if said.time is None else _seconds(points[said.time])
    track = np.zeros(len(points), dtype=np.int64) if said.track is None else points[said.track].array
    return pd.DataFrame({**columns, "second": seconds, "track": track})


def _seconds(stamps: pd.Series[float]) -> NDArray[np.float64]:
    if stamps.dtype.kind not in "iuf":
        stamps = (pd.to_datetime(stamps, utc=True) - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    return np.asarray(stamps, dtype=np.float64)


def sigma_counts(fixes: pd.DataFrame) -> NDArray[np.int64]:
    """Count records by their standard deviation.

    Parameters
    ----------
    fixes : pandas.DataFrame
        Of `fixes_of`.

    Returns
    -------
    ndarray of int64
        Counts in steps of 4 %; those of parts add up to those of the whole.
    """
    step = np.floor(np.log2(fixes["sigma_m"].to_numpy()) * _STEPS_AN_OCTAVE) - _FIRST_STEP
    return np.bincount(np.clip(step, 0, _STEPS - 1).astype(np.int64), minlength=_STEPS)


def typical_sigma_m(counts: NDArray[np.int64]) -> float:
    """Return the median standard deviation.

    Parameters
    ----------
    counts : ndarray of int64
        Of `sigma_counts`, added up over all parts.

    Returns
    -------
    float
        Metres, within 2 % of the median; 0 if there is nothing.
    """
    if not counts.any():
        return 0.0
    step = int(np.searchsorted(np.cumsum(counts), (counts.sum() + 1) // 2))
    return float(2.0 ** ((step + _FIRST_STEP + 0.5) / _STEPS_AN_OCTAVE))


@dataclass(frozen=True, eq=False)
class Track:
    """One trajectory.

    Parameters
    ----------
    rows : ndarray of int64, shape (n,)
        Rows of its records, in their order.
    place : ndarray of float64, shape (n, 2)
        Where they are in a plane, metres.
    sigma_m : ndarray of float64, shape (n,)
        Their standard deviations.
    seconds : ndarray of float64, shape (n - 1,)
        Between records; steps where no time is said.
    """

    rows: NDArray[np.int64]
    place: NDArray[np.float64]
    sigma_m: NDArray[np.float64]
    seconds: NDArray[np.float64]

    def steps_m(self) -> NDArray[np.float64]:
        """Estimate how far the vehicle moved between records: by its speed over a stretch that outweighs the noise.

        Returns
        -------
        ndarray of float64, shape (n - 1,)
            Metres.
        """
        when = np.concatenate([[0.0], np.cumsum(np.maximum(self.seconds, 1e-9))])
        last = len(self.rows) - 1
        noise = SURE * float(np.median(self.sigma_m))
        for around in range(1, LONGEST_STRETCH + 1):
            first, final = (np.clip(np.arange(last) + side, 0, last) for side in (1 - around, around))
            moved = np.hypot(*(self.place[final] - self.place[first]).T)
            if np.median(moved) >= noise:
                break
        square = moved**2 - 2.0 * (self.sigma_m[first] ** 2 + self.sigma_m[final] ** 2)
        speed = np.sqrt(np.maximum(square, 0.0)) / (when[final] - when[first])
        return np.asarray(speed * np.diff(when))

    def smoothed(self, steps_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Even speeds out; a step of which nothing was found takes the mean of those around.

        Parameters
        ----------
        steps_m : ndarray of float64, shape (n - 1,)
            Metres between records, NaN where nothing was found.

        Returns
        -------
        ndarray of float64, shape (n - 1,)
            Metres.
        """
        seconds = np.maximum(self.seconds, 1e-9)
        speed = pd.Series(steps_m / seconds).rolling(SMOOTH, center=True, min_periods=1).mean()
        return speed.ffill().bfill().fillna(0.0).to_numpy() * seconds


def tracks_of(fixes: pd.DataFrame, plane: LocalProjection, *, timed: bool) -> list[Track]:
    """Take trajectories apart.

    Parameters
    ----------
    fixes : pandas.DataFrame
        Of `fixes_of`.
    plane : LocalProjection
        The plane that places are laid in.
    timed : bool
        Whether ``second`` orders the records of a trajectory and tells how far apart they are; otherwise they are as
        they stand, evenly.

    Returns
    -------
    list of Track
        Records without a place or a time are in none.
    """
    place = np.column_stack(plane.forward(fixes["lon"].to_numpy(), fixes["lat"].to_numpy()))
    when, sigma = fixes["second"].to_numpy(), fixes["sigma_m"].to_numpy()
    usable = np.flatnonzero(~(np.isnan(place).any(axis=1) | np.isnan(when)))
    whose = pd.factorize(fixes["track"])[0]
    order = usable[np.lexsort((when[usable], whose[usable]))]
    cuts = np.flatnonzero(np.diff(whose[order])) + 1
    return [
        Track(rows, place[rows], sigma[rows], np.diff(when[rows]) if timed else np.ones(rows.size - 1))
        for rows in np.split(order, cuts)
        if rows.size
    ]
