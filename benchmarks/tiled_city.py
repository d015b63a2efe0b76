"""A synthetic city of any number of buildings and cells with the face of a Twin: what the page and the tile routes are
measured on."""

from __future__ import annotations

from functools import cached_property
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr

from spatial_join import H3Grid
from twin.catalogue import LayerInfo, Variable, View

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

RESOLUTION = 12
STEPS = 24
_LON, _LAT = 120.15, 30.25
_SPACING_DEG = 0.00009
_ORIGIN: dict[str, Any] = {
    "modelled": True, "owner": "Benchmark", "licence": "CC0-1.0", "level": "public", "attribution": "synthetic",
}  # fmt: skip


class TiledCity:
    """Buildings around the middle of the synthetic city, and cells of NO2 over a day.

    Parameters
    ----------
    buildings, cells : int
        How many of each, those nearest to the middle.
    """

    path: None = None
    tour: tuple[Any, ...] = ()
    alerts: Mapping[str, float] = MappingProxyType({})

    def __init__(self, buildings: int, cells: int) -> None:
        self._counts = buildings, cells
        self.name, self.title = "synthetic", {"en": f"Synthetic {buildings:,}", "zh": "合成城市"}
        self.snapshot, self.resolution, self.view = f"s{buildings}x{cells}", RESOLUTION, View()
        self.clock = SimpleNamespace(typical_day=True, zone="Asia/Shanghai", step="1h")
        self.time = pd.timedelta_range("0h", "23h", freq="1h")
        title = {"en": "Nitrogen dioxide", "zh": "二氧化氮"}
        self.variables = {
            "no2": Variable(
                name="no2", layer="air", kind="intensive", unit="ug/m3", title=title, method="made up", static=False,
                by=None, period=("2026-06-15T16:00:00Z", "2026-06-16T16:00:00Z"), **_ORIGIN,
            )
        }  # fmt: skip
        shown = {"buildings": ({"as": "buildings", "height": "height_m"}, buildings), "air": ({"as": "none"}, 0)}
        self.layers = {
            name: LayerInfo(
                name=name, domain="cim" if count else "environment", title={"en": name.title()}, records_in=count,
                placed=count, quarantined=0, rejected=0, reasons={}, position="OGC:CRS84", operation="none",
                sigma_m=1.0, show=show, files=(f"{name}.parquet",), features=count, notes={}, **_ORIGIN,
            )
            for name, (show, count) in shown.items()
        }  # fmt: skip
        west, south, east, north = self.features("buildings").total_bounds
        self.area = float(west), float(south), float(east), float(north)

    @cached_property
    def _buildings(self) -> gpd.GeoDataFrame:
        count, rng = self._counts[0], np.random.default_rng(5)
        half = int(np.sqrt(count) * 0.6) + 2  # Turned rectangles on lots of 30 m, the lots nearest to the middle.
        lots = np.stack(np.meshgrid(np.arange(-half, half), np.arange(-half, half)), axis=-1).reshape(-1, 2)
        lots = lots[np.argpartition((lots**2).sum(axis=1), count)[:count]]
        middle = lots * 30.0 + rng.uniform(-3, 3, lots.shape)
        turn, width, depth = rng.uniform(0, np.pi / 2, count), rng.uniform(4, 9, count), rng.uniform(3, 7, count)
        along, across = np.array([-1, 1, 1, -1]) * width[:, None], np.array([-1, -1, 1, 1]) * depth[:, None]
        cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
        corners = np.stack([along * cos - across * sin, along * sin + across * cos], axis=-1) + middle[:, None]
        shapes = shapely.polygons(corners / (111_200 * np.cos(np.radians(_LAT)), 111_200) + (_LON, _LAT))
        heights = (6 + rng.gamma(1.5, 9, count)).round(1)
        names = [f"House {n}" for n in range(count)]
        return gpd.GeoDataFrame({"name": names, "height_m": heights}, geometry=shapes, crs="OGC:CRS84")

    @cached_property
    def _cells(self) -> NDArray[np.uint64]:
        half = int(np.sqrt(self._counts[1]) * 1.3) + 20
        lon, lat = np.meshgrid(
            _LON + np.arange(-half, half) * 1.15 * _SPACING_DEG, _LAT + np.arange(-half, half) * _SPACING_DEG
        )
        grid = H3Grid(resolution=RESOLUTION)
        found = np.unique(grid.index(lon.ravel(), lat.ravel()))
        nearest = _nearest(*grid.centres(found), self._counts[1])
        return np.sort(found[nearest])

    @cached_property
    def _no2(self) -> NDArray[np.float64]:
        lon, lat = H3Grid(resolution=RESOLUTION).centres(self._cells)
        hours = np.arange(STEPS)
        rush = np.exp(-((hours - 8) ** 2) / 5) + 0.8 * np.exp(-((hours - 18) ** 2) / 6)
        place = (
            1 + 0.5 * np.sin(lon * 900) * np.cos(lat * 1100) + np.exp(-(((lon - _LON) ** 2 + (lat - _LAT) ** 2) * 900))
        )
        return 8 + 14 * place[:, None] * (0.4 + rush[None])

    def features(self, name: str) -> gpd.GeoDataFrame:
        """Give the buildings; nothing else has features."""
        return self._buildings if name == "buildings" else self._buildings.iloc[:0]

    def cube(self, names: list[str], *, resolution: int | None = None) -> xr.Dataset:
        """Give NO2 on cells, by parent where they are coarser."""
        cells, values = self._cells, self._no2
        if resolution is not None and resolution < RESOLUTION:
            parents = H3Grid(resolution=RESOLUTION).parents(cells, resolution)
            cells, starts, counts = np.unique(parents, return_index=True, return_counts=True)
            values = np.add.reduceat(values, starts, axis=0) / counts[:, None]
        array = xr.DataArray(values, dims=("cell", "time"), attrs={"unit": "ug/m3"})
        return xr.Dataset(dict.fromkeys(names, array), coords={"cell": cells, "time": self.time})


def _nearest(lon: NDArray[np.float64], lat: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    away = ((lon - _LON) * np.cos(np.radians(_LAT))) ** 2 + (lat - _LAT) ** 2
    return np.argpartition(away, min(count, len(away)) - 1)[:count]
