"""Samples of the vector formats: the same five zones in each, one without a geometry where the format allows it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import struct
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
import shapely.affinity

from tests.layers.samples.model import Sample

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PLANE", "SAMPLES", "frame"]

#: UTM 32 north: west, south, east, north of the sample's zones.
PLANE = (678_000.0, 5_403_000.0, 678_500.0, 5_403_140.0)
#: Gauss-Kruger strip 4, whose authority writes northing first.
NORTHING_FIRST = (4_458_000.0, 5_403_000.0, 4_458_500.0, 5_403_140.0)
DEGREES = (11.0, 48.0, 11.5, 48.14)
NAMES = ("Altstadt", "Süd", "海淀区", None, "West")


def frame(bounds: tuple[float, float, float, float], *, crs: str | None) -> gpd.GeoDataFrame:
    """Five zones side by side in a box, the third with a court, the last of two parts."""
    west, south, east, north = bounds
    width, height = (east - west) / 5, north - south
    boxes = [
        shapely.box(west + i * width, south, west + (i + 1) * width, north - height * (i % 2) / 10) for i in range(5)
    ]
    court = shapely.box(
        *(np.array([0.4, 0.4, 0.6, 0.6]) * np.tile([width, height], 2) + np.tile([west + 2 * width, south], 2))
    )
    boxes[2] = shapely.Polygon(boxes[2].exterior, [court.exterior])
    middle = west + 4.5 * width
    halves = [shapely.box(west + 4 * width, south, middle - width / 10, north), shapely.box(middle, south, east, north)]
    boxes[4] = shapely.MultiPolygon(halves)
    columns = {
        "name": list(NAMES),
        "people": np.array([10, 20, 30, 40, 50], dtype=np.int32),
        "share": [0.5, 0.25, 0.125, 1.5, 2.0],
    }
    return gpd.GeoDataFrame(columns, geometry=boxes, crs=crs)


def _by_gdal(driver: str, **options: object) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pyogrio.write_dataframe(frame(PLANE, crs="EPSG:25832"), path, driver=driver, **options)

    return write


def _write_parquet(path: Path) -> None:
    frame(PLANE, crs="EPSG:25832").to_parquet(path)


def _write_geodatabase(path: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "zones.gdb"
        zones = frame(PLANE, crs="EPSG:25832")
        pyogrio.write_dataframe(
            zones, folder, driver="OpenFileGDB", geometry_type="MultiPolygon", promote_to_multi=True
        )
        shutil.make_archive(str(Path(place) / "packed"), "zip", place, "zones.gdb")
        path.write_bytes((Path(place) / "packed.zip").read_bytes())


def _write_zipped_shapefile(path: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "sent"
        folder.mkdir()
        _by_gdal("ESRI Shapefile", ENCODING="UTF-8")(folder / "zones.shp")
        shutil.make_archive(str(Path(place) / "packed"), "zip", folder)
        path.write_bytes((Path(place) / "packed.zip").read_bytes())


def _write_dxf(path: Path) -> None:
    outlines = frame(PLANE, crs=None).geometry.exterior.iloc[[0, 1, 3]]
    drawing = gpd.GeoDataFrame({"Layer": ["zones", "zones", "other"]}, geometry=outlines.to_numpy())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a drawing has no frame
        pyogrio.write_dataframe(drawing, path, driver="DXF")


def _features() -> list[dict[str, object]]:
    return [
        {
            "type": "Feature",
            "properties": {"name": row.name_, "people": row.people, "share": row.share},
            "geometry": shapely.geometry.mapping(row.geometry),
        }
        for row in frame(DEGREES, crs="OGC:CRS84").rename(columns={"name": "name_"}).itertuples()
    ]


def _write_geojson(path: Path) -> None:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": _features()}), encoding="utf-8")


def _write_lines(path: Path) -> None:
    path.write_bytes(b"".join(b"\x1e" + json.dumps(feature).encode() + b"\n" for feature in _features()))


def _write_topology(path: Path) -> None:
    """Two squares that share an arc, quantised, and a point: the example of the specification's kind."""
    arcs = [[[5, 0], [0, 10]], [[5, 10], [-5, 0], [0, -10], [5, 0]], [[5, 0], [5, 0], [0, 10], [-5, 0]]]
    geometries = [
        {"type": "Polygon", "arcs": [[0, 1]], "properties": {"name": "left", "people": 1}},
        {"type": "Polygon", "arcs": [[2, -1]], "properties": {"name": "right", "people": 2}},
        {"type": "Point", "coordinates": [2, 3], "properties": {"name": "well", "people": 3}},
        {"type": None, "properties": {"name": "nowhere", "people": 4}},
    ]
    topology = {
        "type": "Topology",
        "transform": {"scale": [0.05, 0.014], "translate": [11.0, 48.0]},
        "objects": {"zones": {"type": "GeometryCollection", "geometries": geometries}},
        "arcs": arcs,
    }
    path.write_text(json.dumps(topology), encoding="utf-8")


def _write_esri(path: Path) -> None:
    features = []
    for row in frame(PLANE, crs=None).rename(columns={"name": "name_"}).itertuples():
        rings = [
            np.asarray(ring.coords).tolist()
            for part in getattr(row.geometry, "geoms", [row.geometry])
            for ring in (shapely.Polygon(part).normalize().exterior, *part.interiors)
        ]
        # Shells run clockwise, holes the other way.
        holes = {id(ring) for ring in rings if shapely.LinearRing(ring).is_ccw}
        assert len(holes) == (row.name_ == "海淀区")
        features.append(
            {
                "attributes": {"name": row.name_, "people": row.people, "share": row.share, "since": 1577836800000},
                "geometry": {"rings": rings},
            }
        )
    document = {
        "geometryType": "esriGeometryPolygon",
        "spatialReference": {"wkid": 25832, "latestWkid": 25832},
        "fields": [
            {"name": "name", "type": "esriFieldTypeString"},
            {"name": "people", "type": "esriFieldTypeInteger"},
            {"name": "share", "type": "esriFieldTypeDouble"},
            {"name": "since", "type": "esriFieldTypeDate"},
        ],
        "features": features,
    }
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def _kml() -> str:
    marks = []
    for row in frame(DEGREES, crs=None).rename(columns={"name": "name_"}).itertuples():
        polygons = []
        for part in getattr(row.geometry, "geoms", [row.geometry]):
            texts = [
                " ".join(f"{x!r},{y!r}" for x, y in np.asarray(r.coords).tolist())
                for r in (part.exterior, *part.interiors)
            ]
            tags = ["outerBoundaryIs"] + ["innerBoundaryIs"] * len(part.interiors)
            rings = (
                f"<{t}><LinearRing><coordinates>{text}</coordinates></LinearRing></{t}>"
                for t, text in zip(tags, texts, strict=True)
            )
            polygons.append(f"<Polygon>{''.join(rings)}</Polygon>")
        shape = polygons[0] if len(polygons) == 1 else f"<MultiGeometry>{''.join(polygons)}</MultiGeometry>"
        name = "" if row.name_ is None else f"<name>{row.name_}</name>"
        marks.append(
            f'<Placemark id="z{row.Index}">{name}<ExtendedData><Data name="people"><value>{row.people}</value></Data>'
            f'<SchemaData><SimpleData name="share">{row.share}</SimpleData></SchemaData></ExtendedData>'
            f"{shape}</Placemark>"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>city</name>'
        f"<Folder><name>zones</name>{''.join(marks)}</Folder></Document></kml>"
    )


def _write_kml(path: Path) -> None:
    path.write_text(_kml(), encoding="utf-8")


def _write_kmz(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("doc.kml", _kml())


def _write_spatialite(path: Path) -> None:
    """A SpatiaLite database by hand: its metadata, and blobs as it frames them."""
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE spatial_ref_sys (srid INTEGER, auth_name TEXT, auth_srid INTEGER, srtext TEXT)")
    connection.execute("INSERT INTO spatial_ref_sys VALUES (25832, 'epsg', 25832, '')")
    connection.execute(
        "CREATE TABLE geometry_columns (f_table_name TEXT, f_geometry_column TEXT, geometry_type INTEGER, "
        "coord_dimension INTEGER, srid INTEGER, spatial_index_enabled INTEGER)"
    )
    connection.execute("INSERT INTO geometry_columns VALUES ('zones', 'geometry', 0, 2, 25832, 0)")
    connection.execute("CREATE TABLE zones (name TEXT, people INTEGER, share REAL, geometry BLOB)")
    for row in frame(PLANE, crs=None).itertuples(index=False):
        connection.execute("INSERT INTO zones VALUES (?, ?, ?, ?)", (*row[:3], to_blob(row.geometry)))
    connection.execute("CREATE VIEW danger AS SELECT load_extension('x') FROM zones")
    connection.commit()
    connection.close()


def to_blob(geometry: shapely.Geometry) -> bytes:
    """Frame a geometry as SpatiaLite does: parts of an aggregate bear a mark instead of their byte order."""
    parts = getattr(geometry, "geoms", None)
    body = shapely.to_wkb(geometry, byte_order=1)[1:]
    if parts is not None:
        body = body[:8] + b"".join(b"\x69" + shapely.to_wkb(part, byte_order=1)[1:] for part in parts)
    return b"\x00\x01" + struct.pack("<i4d", 25832, *geometry.bounds) + b"\x7c" + body + b"\xfe"


def _northing_first(ring: shapely.LinearRing) -> str:
    return " ".join(f"{y!r} {x!r}" for x, y in np.asarray(ring.coords).tolist())


def _write_gml(path: Path) -> None:
    """GML 3.2 in the order of the authority: northing first."""
    members = []
    for row in frame(NORTHING_FIRST, crs=None).rename(columns={"name": "name_"}).itertuples():
        polygons = []
        for part in getattr(row.geometry, "geoms", [row.geometry]):
            rings = [
                f"<gml:{tag}><gml:LinearRing><gml:posList>{_northing_first(ring)}</gml:posList></gml:LinearRing></gml:{tag}>"
                for tag, ring in [("exterior", part.exterior), *(("interior", hole) for hole in part.interiors)]
            ]
            polygons.append(f"<gml:surfaceMember><gml:Polygon>{''.join(rings)}</gml:Polygon></gml:surfaceMember>")
        name = "" if row.name_ is None else f"<z:name>{row.name_}</z:name>"
        members.append(
            f'<gml:featureMember><z:Zone gml:id="z{row.Index}">{name}<z:people>{row.people}</z:people>'
            f"<z:share>{row.share}</z:share><z:shape>"
            f'<gml:MultiSurface srsName="urn:ogc:def:crs:EPSG::31468">{"".join(polygons)}</gml:MultiSurface>'
            "</z:shape></z:Zone></gml:featureMember>"
        )
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?><z:FeatureCollection xmlns:z="http://example.org/z" '
        f'xmlns:gml="http://www.opengis.net/gml/3.2">{"".join(members)}</z:FeatureCollection>',
        encoding="utf-8",
    )


def _plane(name: str, file: str, write: Callable[[Path], None]) -> Sample:
    return Sample(format=name, file=file, write=write, records=5, bounds=PLANE)


def _degrees(name: str, file: str, write: Callable[[Path], None]) -> Sample:
    return Sample(format=name, file=file, write=write, records=5, bounds=DEGREES)


SAMPLES: tuple[Sample, ...] = (
    _plane("GeoParquet", "zones.parquet", _write_parquet),
    _plane("GeoPackage", "zones.gpkg", _by_gdal("GPKG")),
    _plane("Shapefile", "zones.shp", _by_gdal("ESRI Shapefile", ENCODING="UTF-8")),
    _plane("Shapefile, zipped", "zones.shp.zip", _write_zipped_shapefile),
    _plane("FlatGeobuf", "zones.fgb", _by_gdal("FlatGeobuf", SPATIAL_INDEX="NO")),
    _plane("MapInfo TAB", "zones.tab", _by_gdal("MapInfo File", ENCODING="CP936")),
    _plane("MapInfo MIF", "zones.mif", _by_gdal("MapInfo File", FORMAT="MIF", ENCODING="CP936")),
    _plane("File geodatabase", "zones.gdb.zip", _write_geodatabase),
    _plane("SpatiaLite", "zones.sqlite", _write_spatialite),
    _plane("Esri JSON", "zones.esrijson", _write_esri),
    Sample(format="GML", file="zones.gml", write=_write_gml, records=5, bounds=NORTHING_FIRST),
    _degrees("JSON", "zones.geojson", _write_geojson),
    _degrees("GeoJSONSeq", "zones.geojsonl", _write_lines),
    _degrees("KML", "zones.kml", _write_kml),
    _degrees("KMZ", "zones.kmz", _write_kmz),
    Sample(
        format="TopoJSON",
        file="zones.topojson",
        write=_write_topology,
        records=4,
        placed=3,
        bounds=(11.0, 48.0, 11.5, 48.14),
        position="OGC:CRS84",
    ),
    Sample(
        format="DXF",
        file="zones.dxf",
        write=_write_dxf,
        records=3,
        bounds=(678_000.0, 5_403_000.0, 678_400.0, 5_403_140.0),
        position="EPSG:25832",
    ),
)
