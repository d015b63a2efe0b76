"""The queries over data frames: ours, and GeoPandas'."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

import spatial_join
from benchmarks.spatialbench.tables import AROUND_BOX_M, FEW, NEAR_BUILDING_M, NEAR_CENTRE_M, central_zone

if TYPE_CHECKING:
    from benchmarks.spatialbench.tables import Tables


class Pandas:
    """The queries over data frames, with the joins of whoever is asked."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.name_of_zone = central_zone(tables.zones.to_crs("OGC:CRS84"))

    def join(self, left: Any, right: Any, **how: Any) -> gpd.GeoDataFrame:  # noqa: ANN401
        raise NotImplementedError

    def q1(self) -> pd.DataFrame:
        raise NotImplementedError

    def q2(self) -> pd.DataFrame:
        zones = self.tables.zones
        zone = zones.loc[zones["z_name"] == self.name_of_zone, ["geometry"]]
        found = self.join(self.tables.trips[["t_tripkey", "geometry"]], zone, predicate="intersects")
        return pd.DataFrame({"trip_count": [len(found)]})

    def q3(self) -> pd.DataFrame:
        trips = self.near(self.tables.trips, self.tables.box, AROUND_BOX_M)
        month = trips["t_pickuptime"].to_numpy().astype("datetime64[M]").astype(np.int64)
        return (
            with_duration(trips)
            .groupby(month)
            .agg(
                total_trips=("t_tripkey", "size"),
                avg_distance=("t_distance", "mean"),
                avg_duration=("duration", "mean"),
                avg_fare=("t_fare", "mean"),
            )
            .rename_axis("month")
            .reset_index()
        )

    def q4(self) -> pd.DataFrame:
        top = self.tables.trips.nlargest(1000, "t_tip")[["geometry"]]
        found = self.join(top, self.tables.zones, predicate="within")
        counts = found.groupby("z_zonekey", as_index=False).size()
        return counts.sort_values(["size", "z_zonekey"], ascending=[False, True])

    def q6(self) -> pd.DataFrame:
        zones = self.tables.zones
        chosen = zones[shapely.contains(self.tables.wide.geometry.iloc[0], zones.geometry.to_numpy())]
        columns = ["t_tripkey", "t_totalamount", "t_pickuptime", "t_dropofftime", "geometry"]
        found = with_duration(self.join(self.tables.trips[columns], chosen, predicate="within"))
        return (
            found.groupby("z_zonekey", as_index=False)
            .agg(
                total_pickups=("t_tripkey", "size"),
                avg_amount=("t_totalamount", "mean"),
                avg_duration=("duration", "mean"),
            )
            .sort_values(["total_pickups", "z_zonekey"], ascending=[False, True])
        )

    def q8(self) -> pd.DataFrame:
        near = self.near(self.tables.trips[["geometry"]], self.tables.buildings, NEAR_BUILDING_M)
        counts = near.groupby("b_buildingkey", as_index=False).size()
        return counts.sort_values(["size", "b_buildingkey"], ascending=[False, True])

    def q9(self) -> pd.DataFrame:
        raise NotImplementedError

    def q10(self) -> pd.DataFrame:
        columns = ["t_tripkey", "t_distance", "t_pickuptime", "t_dropofftime", "geometry"]
        found = with_duration(self.join(self.tables.trips[columns], self.tables.zones, predicate="within", how="right"))
        return (
            found.groupby("z_zonekey", as_index=False)
            .agg(
                avg_duration=("duration", "mean"), avg_distance=("t_distance", "mean"), num_trips=("t_tripkey", "count")
            )
            .sort_values(["avg_duration", "z_zonekey"], ascending=[False, True])
        )

    def q11(self) -> pd.DataFrame:
        zones = self.tables.zones[["z_zonekey", "geometry"]]
        start = self.join(self.tables.trips[["t_tripkey", "geometry"]], zones, predicate="within")
        end = self.join(self.tables.dropoffs, zones, predicate="within")
        both = start[["t_tripkey", "z_zonekey"]].merge(end[["t_tripkey", "z_zonekey"]], on="t_tripkey")
        return pd.DataFrame({"trip_count": [int((both["z_zonekey_x"] != both["z_zonekey_y"]).sum())]})

    def near(self, left: Any, right: Any, distance_m: float) -> gpd.GeoDataFrame:  # noqa: ANN401
        raise NotImplementedError


def with_duration(trips: pd.DataFrame) -> pd.DataFrame:
    return trips.assign(duration=(trips["t_dropofftime"] - trips["t_pickuptime"]).dt.total_seconds())


class Ours(Pandas):
    def join(self, left: Any, right: Any, **how: Any) -> gpd.GeoDataFrame:  # noqa: ANN401
        return spatial_join.join(left, right, **how)

    def near(self, left: Any, right: Any, distance_m: float) -> gpd.GeoDataFrame:  # noqa: ANN401
        return spatial_join.join(left, right, predicate="dwithin", distance_m=distance_m)

    def q1(self) -> pd.DataFrame:
        near = self.near(
            self.tables.trips[["t_tripkey", "t_pickuptime", "geometry"]], self.tables.centre, NEAR_CENTRE_M
        )
        return near[["t_tripkey", "distance_m"]].sort_values(["distance_m", "t_tripkey"])

    def q9(self) -> pd.DataFrame:
        houses = self.tables.buildings[["b_buildingkey", "geometry"]]
        cut = spatial_join.overlay(houses)
        iou = 1 / (1 / cut["share_left"] + 1 / cut["share_right"] - 1)
        return pd.DataFrame(
            {"one": cut["b_buildingkey_left"], "two": cut["b_buildingkey_right"], "area": cut["area_m2"], "iou": iou}
        ).sort_values(["iou", "one", "two"], ascending=[False, True, True])

    def q12(self, trips: int | None = None) -> pd.DataFrame:
        pickups = self.tables.trips[["t_tripkey", "geometry"]].iloc[:trips]
        near = spatial_join.join(pickups, self.tables.buildings[["geometry"]], predicate="nearest", k=5)
        mean = near.groupby("t_tripkey")["distance_m"].mean().rename("mean_m").reset_index()
        return mean.sort_values(["mean_m", "t_tripkey"], ascending=[False, True])

    def q12few(self) -> pd.DataFrame:
        return self.q12(FEW)


class GeoPandas(Pandas):
    def join(self, left: Any, right: Any, **how: Any) -> gpd.GeoDataFrame:  # noqa: ANN401
        return gpd.sjoin(left, right, **how)

    def near(self, left: Any, right: Any, distance_m: float) -> gpd.GeoDataFrame:  # noqa: ANN401
        return gpd.sjoin(left, right, predicate="dwithin", distance=distance_m)

    def q1(self) -> pd.DataFrame:
        trips = self.tables.trips
        far = trips.distance(self.tables.centre.geometry.iloc[0])
        near = pd.DataFrame({"t_tripkey": trips["t_tripkey"], "distance_m": far})[far <= NEAR_CENTRE_M]
        return near.sort_values(["distance_m", "t_tripkey"])

    def q9(self) -> pd.DataFrame:
        houses = self.tables.buildings[["b_buildingkey", "geometry"]]
        pairs = gpd.sjoin(houses, houses, predicate="intersects")
        pairs = pairs[pairs["b_buildingkey_left"] < pairs["b_buildingkey_right"]]
        one, two = houses.geometry.loc[pairs.index].to_numpy(), houses.geometry.loc[pairs["index_right"]].to_numpy()
        area = shapely.area(shapely.intersection(one, two))
        iou = area / (shapely.area(one) + shapely.area(two) - area)
        return pd.DataFrame(
            {"one": pairs["b_buildingkey_left"], "two": pairs["b_buildingkey_right"], "area": area, "iou": iou}
        ).sort_values(["iou", "one", "two"], ascending=[False, True, True])
