"""Cloud-optimised GeoTIFF: each pixel has the value of the cell that its centre lies in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from rasterio.transform import from_origin

from spatial_join import H3Grid
from twin.errors import ExportError
from twin.exporting.frames import at_time

if TYPE_CHECKING:
    from pathlib import Path

    from twin.exporting.provenance import Provenance
    from twin.model import Twin

__all__ = ["write_geotiff"]

_METRES_PER_DEGREE = 111_319.5
#: More values than this (2 GB) are asked for by mistake.
_MOST_VALUES = 250_000_000


def write_geotiff(
    city: Twin, variable: str, path: Path, provenance: Provenance, *, resolution: int | None, time: object
) -> None:
    """Write one variable.

    Parameters
    ----------
    city : Twin
        Whose it is.
    variable : str
        Its name.
    path : Path
        The file.
    provenance : Provenance
        What travels with it.
    resolution : int or None
        H3 resolution; None: that of storage.
    time : object
        One step; None: a band a step.

    Raises
    ------
    ExportError
        If nothing is known of the variable, or all its steps are too many for one file.
    """
    cube = at_time(city.cube(variable, resolution=resolution), time)
    values = cube[variable].to_numpy()
    values = values[:, None] if values.ndim == 1 else values
    cells = cube["cell"].to_numpy().astype(np.uint64)
    if not len(cells):
        raise ExportError(f"{variable}: no cell has a value; there is nothing to write")
    grid = H3Grid(resolution=city.resolution if resolution is None else resolution)
    lon, lat = grid.centres(cells)
    pixel = grid.edge_m / 2.0 / _METRES_PER_DEGREE
    wide = pixel / np.cos(np.radians(float(lat.mean())))
    # A margin of one cell: their outlines reach beyond their centres.
    west, north = float(lon.min()) - 3 * wide, float(lat.max()) + 3 * pixel
    columns = int(np.ceil((float(lon.max()) + 3 * wide - west) / wide))
    rows = int(np.ceil((north - float(lat.min()) + 3 * pixel) / pixel))
    if rows * columns * values.shape[1] > _MOST_VALUES:
        raise ExportError(
            f"{variable}: {rows:,} x {columns:,} pixels in {values.shape[1]:,} steps are too many for one file; "
            "name a time, or a coarser resolution"
        )
    x, y = west + wide * (np.arange(columns) + 0.5), north - pixel * (np.arange(rows) + 0.5)
    here = grid.index(np.tile(x, rows), np.repeat(y, columns))
    order = np.argsort(cells)
    place = np.minimum(np.searchsorted(cells, here, sorter=order), len(cells) - 1)
    known = cells[order][place] == here
    times = [] if "time" not in cube[variable].dims else [str(step) for step in cube["time"].to_numpy()]
    profile = {"driver": "COG", "dtype": "float64", "count": values.shape[1], "height": rows, "width": columns}
    profile |= {"crs": "EPSG:4326", "transform": from_origin(west, north, wide, pixel), "nodata": np.nan}
    with rasterio.open(path, "w", **profile, compress="DEFLATE", overview_resampling="nearest") as file:
        for band in range(values.shape[1]):
            flat = np.where(known, values[order[place], band], np.nan)
            file.write(flat.reshape(rows, columns), band + 1)
            file.set_band_description(band + 1, f"{variable} {times[band]}" if times else variable)
            file.set_band_unit(band + 1, city.variables[variable].unit)
        file.update_tags(**{"city-twin": json.dumps(provenance.to_json(), ensure_ascii=False, sort_keys=True)})
