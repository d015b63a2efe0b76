"""Station values become a field with its standard deviation; beyond the stations' range it stays empty."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from spatial_join import H3Grid, TooFewStationsError
from spatial_join.field import krige
from twin.cube.chunks import write_arrays
from twin.store import canonical_json, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from spatial_join.variogram import Variogram
    from twin.manifest.reading import Manifest

Floats = npt.NDArray[np.float64]


def make_field(manifest: Manifest, variable: str, cells: Path, folder: Path) -> None:
    """Interpolate one variable of stations to the cells of the area.

    Parameters
    ----------
    manifest : Manifest
        The city.
    variable : str
        Which variable.
    cells : Path
        Folder of the ``cells`` step of its dataset.
    folder : Path
        Where to write.
    """
    spec = manifest.spec
    described = next(d.variables[variable] for d in spec.datasets.values() if variable in d.variables)
    series: Floats = np.load(cells / f"series_{variable}.npy", allow_pickle=False)
    info = json.loads((cells / "info.json").read_bytes())
    static = bool(info["variables"][variable]["static"])
    stations = _stations(cells / "features.parquet", series)
    grid = H3Grid(resolution=spec.resolution)
    area = np.array([shapely.box(*spec.area)], dtype=object)
    axis = np.sort(grid.cover(area))
    known = np.flatnonzero(np.isfinite(series).any(axis=1))
    record: dict[str, Any] = {"variogram": None, "method": "kriging"}
    try:
        value, sigma, variogram = _field(stations.iloc[known], series[known], axis, grid)
        record["variogram"] = {
            "length_m": float(variogram.length_m),
            "nugget": float(variogram.nugget),
            "inflation": float(variogram.inflation),
        }
    except TooFewStationsError as error:
        axis, value, sigma = axis[:0], np.empty((0, series.shape[1])), np.empty((0, series.shape[1]))
        record["method"] = f"no field: {' '.join(str(error).split())}"
    reached = np.isfinite(value).any(axis=1)
    axis, value, sigma = axis[reached], value[reached], sigma[reached]
    support = np.where(np.isfinite(value), grid.areas_m2(axis)[:, None], 0.0)
    reporting = np.where(np.isfinite(value), np.isfinite(series).sum(axis=0, dtype=np.float64), 0.0)
    arrays = {"value": value, "sigma": sigma, "support": support, "covered": support, "reporting": reporting}
    if static:
        arrays = {name: array[:, 0] for name, array in arrays.items()}
    attributes = {"units": described.unit, "kind": described.kind}
    write_arrays(folder / "cube" / variable, {"cell": axis, **arrays}, attributes=attributes)
    write_table(folder / "stations.parquet", stations.iloc[known].reset_index(drop=True))
    (folder / "field.json").write_bytes(canonical_json(record))


def _stations(features: Path, series: Floats) -> pd.DataFrame:
    frame = gpd.read_parquet(features)
    point = shapely.centroid(np.asarray(frame.geometry.array, dtype=object))
    return pd.DataFrame(
        {
            "row": frame["row"],
            "lon": shapely.get_x(point),
            "lat": shapely.get_y(point),
            "sigma_m": frame["sigma_m"],
            "steps": np.isfinite(series).sum(axis=1),
        }
    )


def _field(
    stations: pd.DataFrame, series: Floats, axis: npt.NDArray[np.uint64], grid: H3Grid
) -> tuple[Floats, Floats, Variogram]:
    """Krige every distinct state of the stations once: hourly readings on a finer clock repeat."""
    distinct, back = np.unique(series, axis=1, return_inverse=True, equal_nan=True)
    lon, lat = grid.centres(axis)
    made = krige(stations["lon"], stations["lat"], distinct, lon, lat)
    back = back.ravel()
    return made.mean[:, back], np.sqrt(made.variance[:, back]), made.variogram


def station_weights(
    stations: pd.DataFrame, reporting: npt.NDArray[np.bool_], variogram: Variogram, *, lon: Floats, lat: Floats
) -> Floats:
    """Return what each station contributes to the field at some places.

    Ordinary kriging is linear in the readings, so kriging each station's unit reading gives its weight.

    Parameters
    ----------
    stations : pandas.DataFrame
        Columns lon and lat, degrees.
    reporting : ndarray of bool, shape (stations,)
        Which stations have a reading.
    variogram : Variogram
        The covariance that the field was made with.
    lon, lat : ndarray of float64, shape (places,)
        Degrees.

    Returns
    -------
    ndarray of float64, shape (places, reporting stations)
        Weights, each row summing to 1; NaN out of range.
    """
    numbers = np.flatnonzero(reporting)
    unit = np.full((len(stations), numbers.size), np.nan)
    unit[numbers] = np.eye(numbers.size)
    # The last column keeps silent stations in the plane in which distances are measured.
    table = np.column_stack([unit, np.arange(len(stations), dtype=np.float64)])
    made = krige(stations["lon"], stations["lat"], table, lon, lat, variogram=variogram)
    weights: Floats = made.mean[:, :-1]
    return weights
