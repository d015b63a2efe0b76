"""How the peers are asked. None is a dependency of the product; those that are not installed are left out."""

from __future__ import annotations

import importlib.resources
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import shapely
from pyproj import CRS

from benchmarks.contest import Contestant, peer

if TYPE_CHECKING:
    from collections.abc import Iterator

    Pairs = tuple[np.ndarray, np.ndarray]

LON_LAT = CRS("OGC:CRS84")
NEAR_M = 50.0
"""Also written into the query, which engines plan a join for only if they see a number."""


def sorted_pairs(left: Any, right: Any) -> Pairs:  # noqa: ANN401
    a, b = np.asarray(left, dtype=np.int64), np.asarray(right, dtype=np.int64)
    order = np.lexsort((b, a))
    return a[order], b[order]


def _pairs_of_table(table: Any) -> Pairs:  # noqa: ANN401
    return sorted_pairs(table["pid"].to_numpy(), table["id"].to_numpy())


def _numbered(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.int32)


def _sedona(x: np.ndarray, y: np.ndarray, shapes: np.ndarray) -> Any:  # noqa: ANN401
    """Open a session with the views points and shapes in memory, None without the peer."""
    module = peer("sedonadb")
    if module is None:
        return None
    session = module.connect()
    session.create_data_frame(pa.table({"pid": _numbered(x.size), "x": x, "y": y})).to_view("raw", overwrite=True)
    session.sql("SELECT pid, ST_Point(x, y) AS geometry FROM raw").to_memtable().to_view("points", overwrite=True)
    frame = gpd.GeoDataFrame({"id": _numbered(len(shapes))}, geometry=shapes)
    session.create_data_frame(frame).to_memtable().to_view("shapes", overwrite=True)
    return session


def _duckdb(x: np.ndarray, y: np.ndarray, shapes: np.ndarray) -> Any:  # noqa: ANN401
    """Open a session with the tables points and shapes, None without the peer."""
    module, extension = peer("duckdb"), peer("duckdb_extension_spatial")
    if module is None or extension is None:
        return None
    session = module.connect()
    path = next(importlib.resources.files(extension).rglob("spatial.duckdb_extension"))
    session.execute(f"LOAD '{path}'")
    session.register("raw_points", pa.table({"pid": _numbered(x.size), "x": x, "y": y}))
    session.register("raw_shapes", pa.table({"id": _numbered(len(shapes)), "wkb": shapely.to_wkb(shapes)}))
    session.execute("CREATE TABLE points AS SELECT pid, ST_Point(x, y) AS geometry FROM raw_points")
    session.execute("CREATE TABLE shapes AS SELECT id, ST_GeomFromWKB(wkb) AS geometry FROM raw_shapes")
    return session


WITHIN = "SELECT p.pid, z.id FROM points p JOIN shapes z ON ST_Within(p.geometry, z.geometry)"
NEAREST = """
SELECT pid, min(d) AS d FROM (
    SELECT p.pid, ST_Distance(p.geometry, z.geometry) AS d
    FROM points p JOIN shapes z ON ST_DWithin(p.geometry, z.geometry, 50.0)
) AS near GROUP BY pid
"""


def sedona_within(x: np.ndarray, y: np.ndarray, zones: np.ndarray) -> Iterator[Contestant]:
    session = _sedona(x, y, zones)
    if session is not None:
        yield Contestant("SedonaDB", lambda: pa.table(session.sql(WITHIN)), _pairs_of_table)


def slow_within(x: np.ndarray, y: np.ndarray, zones: np.ndarray) -> Iterator[Contestant]:
    """Yield the peers that take a minute for ten million points."""
    session = _duckdb(x, y, zones)
    if session is not None:
        yield Contestant("DuckDB", lambda: session.execute(WITHIN).fetch_arrow_table(), _pairs_of_table)
    yield from polars_within(x, y, zones)
    yield from frames_within(x, y, zones)


def frames_within(x: np.ndarray, y: np.ndarray, zones: np.ndarray) -> Iterator[Contestant]:
    """Yield GeoPandas, and Dask's; ten million points are 4 GB of them."""
    left, right = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y)), gpd.GeoDataFrame(geometry=zones)

    def pairs_of_frame(joined: gpd.GeoDataFrame) -> Pairs:
        return sorted_pairs(joined.index, joined["index_right"])

    yield Contestant("geopandas.sjoin", lambda: gpd.sjoin(left, right, predicate="within"), pairs_of_frame)
    dask_geopandas = peer("dask_geopandas")
    if dask_geopandas is not None:
        parts = dask_geopandas.from_geopandas(left, npartitions=4)
        yield Contestant(
            "dask-geopandas",
            lambda: dask_geopandas.sjoin(parts, right, predicate="within").compute(scheduler="threads"),
            pairs_of_frame,
        )


def polars_within(x: np.ndarray, y: np.ndarray, zones: np.ndarray) -> Iterator[Contestant]:
    st, pl = peer("polars_st"), peer("polars")
    if st is None or pl is None:
        return
    raw = pl.DataFrame({"pid": _numbered(x.size), "x": x, "y": y})
    points = raw.select("pid", st.point(pl.concat_arr("x", "y")).alias("geometry"))
    raw = pl.DataFrame({"id": _numbered(len(zones)), "wkb": shapely.to_wkb(zones).tolist()})
    shapes = raw.select("id", st.geom("wkb").alias("geometry"))
    yield Contestant(
        "polars-st", lambda: points.st.sjoin(shapes, on="geometry", predicate="within", how="inner"), _pairs_of_table
    )


def nearest(x: np.ndarray, y: np.ndarray, streets: np.ndarray) -> Iterator[Contestant]:
    def distances(table: pa.Table) -> Pairs:
        order = np.argsort(table["pid"].to_numpy())
        return table["pid"].to_numpy()[order], table["d"].to_numpy()[order]

    duckdb, sedona = _duckdb(x, y, streets), _sedona(x, y, streets)
    if duckdb is not None:
        yield Contestant("DuckDB", lambda: duckdb.execute(NEAREST).fetch_arrow_table(), distances)
    if sedona is not None:
        yield Contestant("SedonaDB", lambda: pa.table(sedona.sql(NEAREST)), distances)
    left, right = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y)), gpd.GeoDataFrame(geometry=streets)

    def first_of_ties(joined: gpd.GeoDataFrame) -> Pairs:
        joined = joined[~joined.index.duplicated()]
        return joined.index.to_numpy(), joined["d"].to_numpy()

    yield Contestant(
        "geopandas.sjoin_nearest",
        lambda: gpd.sjoin_nearest(left, right, max_distance=NEAR_M, distance_col="d"),
        first_of_ties,
    )


def h3_cells(lon: np.ndarray, lat: np.ndarray, resolution: int) -> Iterator[Contestant]:
    vector = peer("h3ronpy.vector")
    if vector is not None:
        yield Contestant(
            "h3ronpy",
            lambda: vector.coordinates_to_cells(lat, lon, resolution),
            lambda cells: (np.asarray(pa.array(cells)).astype(np.uint64),),
        )


def raster_sums(
    values: np.ndarray, box: tuple[float, float, float, float], hexagons: np.ndarray
) -> Iterator[Contestant]:
    """Sum a raster over polygons, each pixel by the exact share of it that they cover."""
    module, raster = peer("exactextract"), peer("exactextract.raster")
    if module is None or raster is None:
        return
    source = raster.NumPyRasterSource(values, *box, srs_wkt=LON_LAT.to_wkt())
    frame = gpd.GeoDataFrame(geometry=hexagons, crs=LON_LAT)
    for strategy in ("raster-sequential", "feature-sequential"):
        yield Contestant(
            f"exactextract, {strategy}",
            lambda strategy=strategy: module.exact_extract(source, frame, "sum", strategy=strategy, output="pandas"),
            lambda table: (table["sum"].to_numpy() / table["sum"].max(),),
        )
