"""Modelled population squares, and old monitoring sites in the frames of their time."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from data_samples.monaco.make.buildings import HOMES
from data_samples.monaco.make.frames import from_frame, offset, to_frame
from data_samples.monaco.make.sample import Sample, planted_noise

FRAME = "EPSG:3035"
SQUARE_M = 100.0
POPULATION = 38_400  # a round figure of the order of the census; its spread over the squares is modelled
OLD_SIGMA_M = 10.0
NTF_SITES, LAMBERT_SITES = 64, 48


def population(buildings: gpd.GeoDataFrame, quarters: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """People a square of 100 m (EPSG:3035), shared out by the volume of homes in it."""
    country = quarters.union_all()
    inside = shapely.contains(country, buildings.representative_point().to_numpy())
    homes = buildings[inside & buildings["osm_building"].isin(HOMES).to_numpy()]
    x, y = (np.asarray(axis) for axis in to_frame(*_lonlat(homes), FRAME))
    shapes = shapely.transform(homes.geometry.to_numpy(), lambda c: np.column_stack(to_frame(c[:, 0], c[:, 1], FRAME)))
    west, south = np.floor(np.array([x.min(), y.min()]) / SQUARE_M - 2) * SQUARE_M
    east, north = np.ceil(np.array([x.max(), y.max()]) / SQUARE_M + 2) * SQUARE_M
    corner_x, corner_y = np.meshgrid(np.arange(west, east, SQUARE_M), np.arange(south, north, SQUARE_M))
    corner_x, corner_y = corner_x.ravel(), corner_y.ravel()
    squares = shapely.box(corner_x, corner_y, corner_x + SQUARE_M, corner_y + SQUARE_M)
    pairs = shapely.STRtree(squares).query(shapes, predicate="intersects")
    volume = shapely.area(shapely.intersection(shapes[pairs[0]], squares[pairs[1]]))
    volume *= homes["height_m"].to_numpy()[pairs[0]]
    share = np.bincount(pairs[1], weights=volume, minlength=len(squares))
    people = _whole(share / share.sum() * POPULATION)
    kept = np.flatnonzero(people)
    codes = [f"CRS3035RES100mN{int(corner_y[i])}E{int(corner_x[i])}" for i in kept]
    columns = {"square_id": codes, "population": people[kept]}
    return gpd.GeoDataFrame(columns, geometry=squares[kept], crs=FRAME)


def _lonlat(frame: gpd.GeoDataFrame) -> tuple[np.ndarray, np.ndarray]:
    points = frame.representative_point()
    return points.x.to_numpy(), points.y.to_numpy()


def _whole(exact: np.ndarray) -> np.ndarray:
    """Whole numbers of the same sum, by largest remainder."""
    floor = np.floor(exact).astype(int)
    missing = round(exact.sum()) - floor.sum()
    floor[np.argsort(-(exact - floor), kind="stable")[:missing]] += 1
    return floor


def old_sites(quarters: gpd.GeoDataFrame, frame: str, rng: np.random.Generator) -> Sample:
    """Sites of a survey before satellite positioning: NTF in grads from Paris, or Lambert zone III in metres."""
    count, prefix = (NTF_SITES, "N") if frame == "EPSG:4807" else (LAMBERT_SITES, "L")
    lon, lat = _inside(quarters, count, rng)
    written_lon, written_lat = offset(lon, lat, *planted_noise(count, OLD_SIGMA_M, rng))
    x, y = to_frame(written_lon, written_lat, frame)
    points = shapely.points(lon, lat)
    quarter = [quarters["name"].iloc[int(np.argmax(shapely.contains(quarters.geometry, p)))] for p in points]
    table = pd.DataFrame({"site_id": [f"{prefix}{i + 1:03d}" for i in range(count)], "quarter": quarter})
    if frame == "EPSG:4807":
        table["set_up"] = rng.integers(1974, 1986, count)
        table["latitude_gr"], table["longitude_paris_gr"] = np.round(y, 5), np.round(x, 5)
    else:
        table["set_up"] = rng.integers(1986, 1996, count)
        table["x_m"], table["y_m"] = np.round(x, 1), np.round(y, 1)
    table["no2_then"] = np.round(rng.normal(58.0, 12.0, count), 0).astype(int)
    return Sample(table=table, lon=lon, lat=lat)


def _inside(quarters: gpd.GeoDataFrame, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    inner = quarters.to_crs("EPSG:3944").union_all().buffer(-30.0)
    west, south, east, north = inner.bounds
    x, y = np.empty(0), np.empty(0)
    while len(x) < count:
        tries_x, tries_y = rng.uniform(west, east, 200), rng.uniform(south, north, 200)
        kept = shapely.contains_xy(inner, tries_x, tries_y)
        x, y = np.concatenate([x, tries_x[kept]]), np.concatenate([y, tries_y[kept]])
    return from_frame(x[:count], y[:count], "EPSG:3944")
