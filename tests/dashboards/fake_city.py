"""A city of streets and blocks with the face of a Twin, so that the dashboard is tested without building one."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import shapely
import xarray as xr

from twin.catalogue import LayerInfo, Stop, Variable, View

WEST, SOUTH = 7.41, 43.73
DEG_X, DEG_Y = 1 / 80_400, 1 / 111_100  # Of a metre, at that latitude.
BLOCK_M = 90.0
CHINESE = {"buildings": "建筑", "streets": "街道"}


@dataclass(frozen=True, kw_only=True)
class Explanation:
    value: float
    sources: pd.DataFrame
    steps: tuple[str, ...]


def at(x_m: Any, y_m: Any) -> tuple[Any, Any]:
    return WEST + np.asarray(x_m) * DEG_X, SOUTH + np.asarray(y_m) * DEG_Y


def box(x: float, y: float, width: float, depth: float) -> shapely.Geometry:
    (west, east), (south, north) = at([x, x + width], [y, y + depth])
    return shapely.box(west, south, east, north)


class FakeCity:
    """Blocks of buildings, streets with a rush hour, NO2 from the streets, people who do not move."""

    def __init__(self, blocks: int = 12, *, typical_day: bool = False, per_side: int = 3, resolution: int = 11) -> None:
        self.blocks, self.per_side, self.resolution = blocks, per_side, resolution
        self.name, self.path = "newtown", Path("newtown.twin")
        self.title = {"en": "Newtown", "zh": "新城"}
        self.side_m = blocks * BLOCK_M
        (west, east), (south, north) = at([0, self.side_m], [0, self.side_m])
        self.area = (float(west), float(south), float(east), float(north))
        self.view = View()
        middle = ((self.area[0] + self.area[2]) / 2, (self.area[1] + self.area[3]) / 2)
        self.tour = (
            stop("The middle", "中心", middle, zoom=16.5, time="" if typical_day else "2026-06-16T17:30"),
            stop("People", "居民", middle, zoom=15.0, layers=("cells", "ground"), cells="population"),
        )
        self.alerts: dict[str, float] = {}
        self.snapshot, self.code = "5nap5h0t", "c0de"
        step = "1h" if typical_day else "15min"
        self.clock = SimpleNamespace(typical_day=typical_day, zone="Europe/Monaco", step=step)
        self.time = (
            pd.timedelta_range("0h", "23h", freq="1h")
            if typical_day
            else pd.date_range("2026-06-15T22:00", periods=96, freq="15min")
        )
        self.variables = {
            "speed_ratio": variable("speed_ratio", "detectors", "1", "Speed over free flow", "车速比"),
            "no2": variable("no2", "air", "ug/m3", "Nitrogen dioxide", "二氧化氮"),
            "population": variable(
                "population", "people", "people", "Residents", "居民", kind="extensive", static=True
            ),
        }
        shows = {
            "ground": ("zones", {"as": "none"}, 2),
            "streets": ("transport", {"as": "lines", "colour": "speed_ratio"}, 2 * blocks * (blocks + 1)),
            "buildings": ("cim", {"as": "buildings", "height": "height_m"}, blocks**2 * per_side**2),
            "detectors": ("transport", {"as": "none"}, 3),
            "air": ("environment", {"as": "none"}, 12),
            "people": ("society", {"as": "none"}, 50),
        }
        self.layers = {name: layer(name, *rest) for name, rest in shows.items()}

    @cached_property
    def _features(self) -> dict[str, gpd.GeoDataFrame]:
        rng = np.random.default_rng(7)
        lines, buildings, heights = [], [], []
        for i in range(self.blocks + 1):
            for j in range(self.blocks):
                lines.append(
                    shapely.LineString(np.column_stack(at([i * BLOCK_M] * 2, [j * BLOCK_M, (j + 1) * BLOCK_M])))
                )
                lines.append(
                    shapely.LineString(np.column_stack(at([j * BLOCK_M, (j + 1) * BLOCK_M], [i * BLOCK_M] * 2)))
                )
        plot = (BLOCK_M - 16) / self.per_side
        for i, j in np.ndindex(self.blocks, self.blocks):
            far = np.hypot(i + 0.5 - self.blocks / 2, j + 0.5 - self.blocks / 2) / self.blocks
            for a, b in np.ndindex(self.per_side, self.per_side):
                size = plot - rng.uniform(3, 7)
                buildings.append(box(i * BLOCK_M + 8 + a * plot, j * BLOCK_M + 8 + b * plot, size, size))
                heights.append(round(float(9 + 90 * np.exp(-9 * far) * rng.uniform(0.3, 1.2)), 1))
        ground = [box(-300, -300, self.side_m + 600, self.side_m + 600), box(self.side_m + 30, 100, 200, 700)]
        return {
            "streets": frame(lines, name=[f"Street {n}" for n in range(len(lines))]),
            "buildings": frame(
                buildings,
                name=[f"House {n}" for n in range(len(buildings))],
                height_m=heights,
                sigma_m=np.where(np.arange(len(buildings)) % 2, 1.0, 80.0),
            ),
            "ground": frame(ground, kind=["land", "park"]),
        }

    def features(self, name: str) -> gpd.GeoDataFrame:
        return self._features[name]

    def has_features(self, name: str) -> bool:
        return name in self._features

    layers_with_truth = ("detectors",)

    def placements(self, name: str) -> pd.DataFrame:  # noqa: ARG002 - the face of a Twin
        """Give twelve detectors that report ten times each, read 80 m too far east, placed within 2 m."""
        lon, lat = at(np.repeat(np.arange(12) * 40.0 + 60.0, 10), np.repeat(np.arange(12) * 30.0 + 70.0, 10))
        return pd.DataFrame({
            "row": np.arange(120), "naive_lon": lon + 80 * DEG_X, "naive_lat": lat, "ours_lon": lon + 2 * DEG_X,
            "ours_lat": lat, "oracle_lon": lon, "oracle_lat": lat, "truth_lon": lon, "truth_lat": lat, "sigma_m": 4.0,
        })  # fmt: skip

    @cached_property
    def _cells(self) -> np.ndarray:
        west, south, east, north = self.area
        shape = h3.LatLngPoly([(south, west), (south, east), (north, east), (north, west)])
        return np.array(sorted(h3.str_to_int(c) for c in h3.polygon_to_cells(shape, self.resolution)), dtype=np.uint64)

    @cached_property
    def _rush(self) -> np.ndarray:
        hours = np.linspace(0, 24, len(self.time), endpoint=False)
        return np.exp(-((hours - 8.25) ** 2) / 3) + 0.9 * np.exp(-((hours - 17.5) ** 2) / 5)

    def _at_storage(self, name: str) -> np.ndarray:
        lat, lon = np.array([h3.cell_to_latlng(h3.int_to_str(int(c))) for c in self._cells]).T
        x, y = (lon - WEST) / DEG_X / self.side_m - 0.5, (lat - SOUTH) / DEG_Y / self.side_m - 0.5
        near = np.exp(-6 * (x**2 + y**2))
        if name == "population":
            return np.round(40 * near)
        busy = near[:, None] * self._rush[None, :]
        return np.clip(1.02 - 0.75 * busy, 0.1, 1.0) if name == "speed_ratio" else 12 + 45 * busy

    def cube(self, names: list[str], *, resolution: int | None = None) -> xr.Dataset:
        resolution = self.resolution if resolution is None else resolution
        keys = [h3.str_to_int(h3.cell_to_parent(h3.int_to_str(int(c)), resolution)) for c in self._cells]
        cells, group = np.unique(np.array(keys, dtype=np.uint64), return_inverse=True)
        out = {}
        for name in names:
            values = self._at_storage(name)
            sums = np.zeros((len(cells), *values.shape[1:]))
            np.add.at(sums, group, values)
            if self.variables[name].kind != "extensive":
                sums /= np.bincount(group).reshape(-1, *[1] * (values.ndim - 1))
            dims = ("cell", "time")[: values.ndim]
            out[name] = xr.DataArray(sums, dims=dims, attrs={"unit": self.variables[name].unit})
            if (
                name == "no2"
            ):  # Sure in the middle of the city, ever less towards its edge; nothing is said of the last.
                sigma = (
                    sums * np.linspace(0.02, 0.9, len(cells))[np.argsort(np.argsort(sums.max(axis=1))[::-1])][:, None]
                )
                sigma[-1] = np.nan
                out["no2_sigma"] = xr.DataArray(sigma, dims=dims)
            if name == "population":
                out["population_sigma_m"] = xr.DataArray(np.full(len(cells), 4.0), dims=("cell",))
        coords: dict[str, Any] = {"cell": cells}
        if any("time" in array.dims for array in out.values()):
            coords["time"] = self.time
        return xr.Dataset(out, coords=coords)

    def on_features(self, layer_name: str, name: str) -> xr.DataArray:
        n = len(self.features(layer_name))
        where = shapely.get_coordinates(shapely.centroid(self.features(layer_name).geometry.to_numpy()))
        x = (where[:, 0] - WEST) / DEG_X / self.side_m - 0.5
        y = (where[:, 1] - SOUTH) / DEG_Y / self.side_m - 0.5
        values = np.clip(1.02 - 0.8 * np.exp(-6 * (x**2 + y**2))[:, None] * self._rush[None, :], 0.1, 1.0)
        values[::17] = np.nan  # Streets that no detector speaks for.
        return xr.DataArray(values, dims=("row", "time"), coords={"row": np.arange(n), "time": self.time}, name=name)

    def reading_times(self, layer_name: str) -> pd.DataFrame:
        """Three detectors, of which the last falls silent at six; stations on the hour."""
        sites, every = {"detectors": (3, "5min"), "air": (12, "1h")}[layer_name]
        times = pd.date_range(self.time[0], self.time[-1], freq=every, tz="UTC")
        feature = np.repeat(np.arange(sites), len(times))
        table = pd.DataFrame({"feature": feature, "time": np.tile(times.tz_localize(None).to_numpy(), sites)})
        table["time"] = table["time"].dt.tz_localize("UTC")
        silent = (table["feature"] == 2) & (table["time"] > pd.Timestamp("2026-06-16T04:00Z"))
        return table[~silent] if layer_name == "detectors" else table

    def explain(self, _cell: int, _name: str, _time: Any = None) -> Explanation:
        sources = pd.DataFrame(
            {"row": [3, 11], "share": [0.7, 0.3], "value": [31.0, 24.5], "layer": "air", "file": "raw/air.csv"}
        )
        return Explanation(
            value=29.1,
            sources=sources,
            steps=(
                "read from raw/air.csv as published by Newtown Survey",
                "columns lat, lon: dms in degree, lat,lon",
                "ordinary kriging: exponential covariance, length 701 m, nugget 0.49",
            ),
        )


def troubled(city: FakeCity) -> FakeCity:
    """Give the detectors of a city whatever may be wrong with a layer: a steward has much to read."""
    nothing = {"score": None, "good": 0, "of": 0, "colour": ""}
    measures = ("completeness", "validity", "uniqueness", "consistency", "timeliness")
    bad = {"score": 0.7, "good": 7, "of": 10, "colour": "red"}
    city.layers["detectors"] = replace(
        city.layers["detectors"],
        status="ambiguous",
        position="ambiguous",
        records_in=10,
        placed=0,
        quarantined=9,
        rejected=1,
        reasons={"quarantined:position_ambiguous": 7, "quarantined:sentinel": 2, "rejected:ragged_row": 1},
        quality={**dict.fromkeys(measures, nothing), "completeness": bad, "validity": bad, "colour": "red"},
        evidence={
            "status": "ambiguous",
            "reference": "streets",
            "candidates": [
                {"label": "GCJ-02, latitude first", "probability": 0.7},
                {"label": "EPSG:4547, north first", "probability": 0.3},
            ],
            "settle": [
                "at least 20 distinct positions, found 9",
                "why the records fit streets better after a shift of -9 m east, +4 m north (sigma 2 m) from GCJ-02",
            ],
        },
    )
    return city


def variable(
    name: str, source: str, unit: str, *titles: str, kind: str = "intensive", static: bool = False
) -> Variable:
    return Variable(
        name=name, layer=source, kind=kind, unit=unit, title=dict(zip(("en", "zh"), titles, strict=True)),
        modelled=True, owner="Newtown Survey", licence="CC-BY-4.0", level="public", attribution="© Newtown Survey",
        method="kriging", static=static, by=None,
        period=("2026-06-15T22:00:00Z", "2026-06-16T22:00:00Z"),
    )  # fmt: skip


def layer(name: str, domain: str, show: dict[str, Any], features: int) -> LayerInfo:
    return LayerInfo(
        name=name, domain=domain, title={"en": name.title(), "zh": CHINESE.get(name, name)},
        records_in=features, placed=features, quarantined=0, rejected=0, reasons={}, position="OGC:CRS84",
        operation="none",
        sigma_m=3.0, show=show, files=(f"raw/{name}.parquet",), features=features, owner="Newtown Survey",
        licence="ODbL-1.0", level="public", attribution="© Newtown Survey", modelled=name != "streets",
        notes={"fields": {"no2": {}}} if name == "air" else {},
    )  # fmt: skip


def stop(title: str, chinese: str, centre: tuple[float, float], **told: Any) -> Stop:
    text = {"en": f"{title}, and what is there.", "zh": f"看这里: {chinese}"}
    return Stop(title={"en": title, "zh": chinese}, text=text, centre=centre, pitch=40.0, bearing=0.0, **told)


def frame(shapes: list[shapely.Geometry], **columns: Any) -> gpd.GeoDataFrame:
    table = gpd.GeoDataFrame(columns, geometry=shapes, crs="OGC:CRS84")
    return table.rename_axis("row")


def with_sites(city: FakeCity) -> FakeCity:
    """Stand a detector on every house, coloured by the speed there."""
    houses = city.features("buildings")
    city._features["detectors"] = houses.assign(
        geometry=houses.geometry.representative_point(), name=[f"Detector {n}" for n in range(len(houses))]
    )
    city.layers["detectors"].show.update({"as": "points", "colour": "speed_ratio"})
    return city
