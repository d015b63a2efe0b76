"""The queries in SQL: SedonaDB, and DuckDB."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import shapely

from benchmarks.contest import peer
from benchmarks.spatialbench.tables import AROUND_BOX_M, FEW, NEAR_BUILDING_M, NEAR_CENTRE_M, central_zone

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd

    from benchmarks.spatialbench.tables import Tables

    Run = Callable[[], pd.DataFrame]

DURATION = "AVG(date_part('epoch', t.t_dropofftime) - date_part('epoch', t.t_pickuptime)) AS avg_duration"
QUERIES = {
    "q1": """SELECT t.t_tripkey, ST_Distance(t.pickup_m, ST_GeomFromText('{centre}')) AS distance_m FROM trip t
        WHERE ST_DWithin(t.pickup_m, ST_GeomFromText('{centre}'), {near_centre})
        ORDER BY distance_m ASC, t.t_tripkey ASC""",
    "q2": """SELECT COUNT(*) AS trip_count FROM trip t
        WHERE ST_Intersects(t.pickup, (SELECT z.boundary FROM zone z WHERE z.z_name = '{name}' LIMIT 1))""",
    "q3": """SELECT CAST((date_part('year', month) - 1970) * 12 + date_part('month', month) - 1 AS BIGINT) AS month,
        total_trips, avg_distance, avg_duration, avg_fare FROM (
        SELECT DATE_TRUNC('month', t.t_pickuptime) AS month, COUNT(t.t_tripkey) AS total_trips,
        AVG(t.t_distance) AS avg_distance, {duration}, AVG(t.t_fare) AS avg_fare FROM trip t
        WHERE ST_DWithin(t.pickup_m, ST_GeomFromText('{box}'), {around_box})
        GROUP BY DATE_TRUNC('month', t.t_pickuptime)) AS months ORDER BY month""",
    "q4": """SELECT z.z_zonekey, COUNT(*) AS size FROM zone z JOIN (
        SELECT t.pickup FROM trip t ORDER BY t.t_tip DESC, t.t_tripkey ASC LIMIT 1000) top_trips
        ON ST_Within(top_trips.pickup, z.boundary)
        GROUP BY z.z_zonekey, z.z_name ORDER BY size DESC, z.z_zonekey ASC""",
    "q6": """SELECT z.z_zonekey, COUNT(t.t_tripkey) AS total_pickups, AVG(t.t_totalamount) AS avg_amount, {duration}
        FROM trip t, zone z WHERE ST_Contains(ST_GeomFromText('{wide}'), z.boundary) AND ST_Within(t.pickup, z.boundary)
        GROUP BY z.z_zonekey, z.z_name ORDER BY total_pickups DESC, z.z_zonekey ASC""",
    "q8": """SELECT b.b_buildingkey, COUNT(*) AS size FROM trip t
        JOIN building b ON ST_DWithin(t.pickup_m, b.boundary_m, {near_building})
        GROUP BY b.b_buildingkey, b.b_name ORDER BY size DESC, b.b_buildingkey ASC""",
    "q9": """SELECT one, two, area, area / (area1 + area2 - area) AS iou FROM (
        SELECT b1.b_buildingkey AS one, b2.b_buildingkey AS two, ST_Area(b1.boundary_m) AS area1,
        ST_Area(b2.boundary_m) AS area2, ST_Area(ST_Intersection(b1.boundary_m, b2.boundary_m)) AS area
        FROM building b1 JOIN building b2
        ON b1.b_buildingkey < b2.b_buildingkey AND ST_Intersects(b1.boundary_m, b2.boundary_m)) AS pairs
        ORDER BY iou DESC, one ASC, two ASC""",
    "q10": """SELECT z.z_zonekey, {duration}, AVG(t.t_distance) AS avg_distance, COUNT(t.t_tripkey) AS num_trips
        FROM zone z LEFT JOIN trip t ON ST_Within(t.pickup, z.boundary)
        GROUP BY z.z_zonekey, z.z_name ORDER BY avg_duration DESC NULLS LAST, z.z_zonekey ASC""",
    "q11": """SELECT COUNT(*) AS trip_count FROM trip t
        JOIN zone pickup_zone ON ST_Within(t.pickup, pickup_zone.boundary)
        JOIN zone dropoff_zone ON ST_Within(t.dropoff, dropoff_zone.boundary)
        WHERE pickup_zone.z_zonekey != dropoff_zone.z_zonekey""",
}
NEAREST_SEDONA = """WITH knn AS (SELECT t.t_tripkey, ST_Distance(t.pickup_m, b.boundary_m) AS distance_m
    FROM {trips} t JOIN building b ON ST_KNN(t.pickup_m, b.boundary_m, 5, FALSE))
    SELECT t_tripkey, AVG(distance_m) AS mean_m FROM knn GROUP BY t_tripkey ORDER BY mean_m DESC, t_tripkey ASC"""
NEAREST_DUCKDB = """SELECT t.t_tripkey, AVG(nb.distance_m) AS mean_m FROM few t CROSS JOIN LATERAL (
    SELECT ST_Distance(t.pickup_m, b.boundary_m) AS distance_m FROM building b ORDER BY distance_m LIMIT 5) AS nb
    GROUP BY t.t_tripkey ORDER BY mean_m DESC, t.t_tripkey ASC"""


def texts(degrees: Tables, metres: Tables) -> dict[str, str]:
    words = {
        "centre": metres.centre.geometry.iloc[0].wkt,
        "box": metres.box.geometry.iloc[0].wkt,
        "wide": degrees.wide.geometry.iloc[0].wkt,
        "name": central_zone(degrees.zones),
        "duration": DURATION,
        "near_centre": NEAR_CENTRE_M,
        "around_box": AROUND_BOX_M,
        "near_building": NEAR_BUILDING_M,
    }
    return {query: text.format(**words) for query, text in QUERIES.items()}


def raw(degrees: Tables, metres: Tables) -> dict[str, tuple[pa.Table, list[str]]]:
    """Tables with geometry as WKB, and the names of these columns."""

    def table(of: gpd.GeoDataFrame, **shapes: gpd.GeoDataFrame) -> tuple[pa.Table, list[str]]:
        plain = pa.Table.from_pandas(pd.DataFrame(of.drop(columns="geometry")), preserve_index=False)
        for name, shape in shapes.items():
            plain = plain.append_column(name, pa.array(shapely.to_wkb(shape.geometry.to_numpy())))
        return plain, list(shapes)

    return {
        "trip": table(degrees.trips, pickup=degrees.trips, pickup_m=metres.trips, dropoff=degrees.dropoffs),
        "zone": table(degrees.zones, boundary=degrees.zones),
        "building": table(degrees.buildings, boundary_m=metres.buildings),
    }


def decoded(name: str, table: pa.Table, shapes: list[str]) -> str:
    columns = [f"ST_GeomFromWKB({c}) AS {c}" if c in shapes else c for c in table.column_names]
    return f"SELECT {', '.join(columns)} FROM {name}_raw"  # noqa: S608 -- names of our own


def sedonadb(degrees: Tables, metres: Tables) -> dict[str, Run]:
    module = peer("sedonadb")
    if module is None:
        return {}
    session = module.connect()
    for name, (table, shapes) in raw(degrees, metres).items():
        session.create_data_frame(table).to_view(f"{name}_raw")
        session.sql(decoded(name, table, shapes)).to_memtable().to_view(name)
    session.sql(f"SELECT * FROM trip WHERE t_tripkey <= {FEW}").to_memtable().to_view("few")  # noqa: S608
    asked = texts(degrees, metres)
    asked |= {"q12": NEAREST_SEDONA.format(trips="trip"), "q12few": NEAREST_SEDONA.format(trips="few")}
    return {query: lambda text=text: pa.table(session.sql(text)).to_pandas() for query, text in asked.items()}


def duckdb(degrees: Tables, metres: Tables) -> dict[str, Run]:
    module, extension = peer("duckdb"), peer("duckdb_extension_spatial")
    if module is None or extension is None:
        return {}
    session = module.connect()
    path = next(importlib.resources.files(extension).rglob("spatial.duckdb_extension"))
    session.execute(f"LOAD '{path}'")
    for name, (table, shapes) in raw(degrees, metres).items():
        session.register(f"{name}_raw", table)
        session.execute(f"CREATE TABLE {name} AS {decoded(name, table, shapes)}")
    session.execute(f"CREATE TABLE few AS SELECT * FROM trip WHERE t_tripkey <= {FEW}")  # noqa: S608
    asked = texts(degrees, metres) | {"q12few": NEAREST_DUCKDB}
    return {query: lambda text=text: session.execute(text).df() for query, text in asked.items()}
