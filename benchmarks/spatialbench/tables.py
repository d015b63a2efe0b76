"""Tables in the shape of SpatialBench, of one seeded city."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from benchmarks import synthetic_city as city

CENTRE_LON, CENTRE_LAT = 120.15, 30.25
PLANE = f"+proj=aeqd +lon_0={CENTRE_LON} +lat_0={CENTRE_LAT} +ellps=WGS84"
NEAR_CENTRE_M, AROUND_BOX_M, NEAR_BUILDING_M = 5000.0, 500.0, 50.0
FEW = 2_000  # trips of Q12 for DuckDB, which measures every trip against every building


@dataclass(frozen=True)
class Tables:
    """The tables in one reference system."""

    trips: gpd.GeoDataFrame
    dropoffs: gpd.GeoDataFrame
    zones: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    centre: gpd.GeoDataFrame
    box: gpd.GeoDataFrame
    wide: gpd.GeoDataFrame

    def to_crs(self, crs: str) -> Tables:
        return Tables(**{name: frame.to_crs(crs) for name, frame in vars(self).items()})


def lon_lat(shapes: Any) -> Any:  # noqa: ANN401
    return shapely.transform(shapes, lambda at: np.column_stack(city.lon_lat(at[:, 0], at[:, 1])))


def frame(geometry: Any, **columns: Any) -> gpd.GeoDataFrame:  # noqa: ANN401
    return gpd.GeoDataFrame(columns, geometry=geometry, crs="OGC:CRS84")


def box_around_centre(half_lon: float, half_lat: float) -> gpd.GeoDataFrame:
    """A few corners more, so that its straight sides are the same in degrees and in metres, to a millimetre."""
    box = shapely.box(CENTRE_LON - half_lon, CENTRE_LAT - half_lat, CENTRE_LON + half_lon, CENTRE_LAT + half_lat)
    return frame([shapely.segmentize(box, half_lat / 5)])


def draw(trips: int, zones: int, buildings: int) -> Tables:
    """Trips end where another begins; one building in twenty is another one once more, moved by a few metres."""
    rng = np.random.default_rng(5)
    pickup = shapely.points(*city.lon_lat(*city.points(trips)))
    dropoff = pickup[rng.permutation(trips)]
    started = np.datetime64("1992-01-01", "s") + rng.integers(0, 7 * 365 * 86_400, trips).astype("timedelta64[s]")
    fare = rng.gamma(2.0, 8.0, trips)
    tip = fare * rng.uniform(0, 0.3, trips)
    key = np.arange(1, trips + 1)
    houses = city.buildings(buildings - buildings // 20)
    by = rng.uniform(-6, 6, (buildings // 20, 2))
    again = [shapely.transform(h, lambda at, b=b: at + b) for h, b in zip(houses, by, strict=False)]
    houses = lon_lat(np.concatenate([houses, again]))
    areas = lon_lat(city.districts(zones))
    return Tables(
        trips=frame(
            pickup,
            t_tripkey=key,
            t_pickuptime=started,
            t_dropofftime=started + rng.integers(120, 5_400, trips).astype("timedelta64[s]"),
            t_fare=fare,
            t_tip=tip,
            t_totalamount=fare + tip,
            t_distance=rng.gamma(2.0, 2_000.0, trips),
        ),
        dropoffs=frame(dropoff, t_tripkey=key),
        zones=frame(areas, z_zonekey=np.arange(1, zones + 1), z_name=[f"Zone {n}" for n in range(1, zones + 1)]),
        buildings=frame(
            houses, b_buildingkey=np.arange(1, buildings + 1), b_name=[f"House {n}" for n in range(1, buildings + 1)]
        ),
        centre=frame([shapely.Point(CENTRE_LON, CENTRE_LAT)]),
        box=box_around_centre(0.0145, 0.0135),
        wide=box_around_centre(0.045, 0.045),
    )


def central_zone(zones: gpd.GeoDataFrame) -> str:
    inside = zones.contains(shapely.Point(CENTRE_LON, CENTRE_LAT))
    return str(zones.loc[inside, "z_name"].iloc[0])
