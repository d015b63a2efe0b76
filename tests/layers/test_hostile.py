"""Files that mean harm: nothing outside the root, nothing that never ends, and a ledger that closes."""

import contextlib
import sqlite3
import stat
import zipfile

import geopandas as gpd
import h5py
import numpy as np
import pytest

import layers
from tests.layers.fuzz import FAMILIES, fuzz
from tests.layers.samples.defects import CANARY, judge
from tests.layers.samples.model import Sample

_ENTITY = '<!DOCTYPE a [<!ENTITY x SYSTEM "{secret}"><!ENTITY y SYSTEM "file://{secret}">]>'
_VRT = (
    '<OGRVRTDataSource><OGRVRTLayer name="secret"><SrcDataSource>{secret}</SrcDataSource></OGRVRTLayer>'
    "</OGRVRTDataSource>"
)
_GML = (
    '<?xml version="1.0"?>'
    + _ENTITY
    + '<c xmlns:gml="http://www.opengis.net/gml/3.2"><gml:featureMember><a gml:id="1">'
    '<n>&x;&y;</n><p><gml:Point srsName="EPSG:4326"><gml:pos>1 2</gml:pos></gml:Point></p></a></gml:featureMember></c>'
)
_KML = (
    '<?xml version="1.0"?>'
    + _ENTITY
    + '<kml xmlns="http://www.opengis.net/kml/2.2"><Document><NetworkLink><Link><href>'
    "{secret}</href></Link></NetworkLink><Placemark><name>&x;</name><Point><coordinates>1,2</coordinates></Point>"
    "</Placemark></Document></kml>"
)
_OSM = (
    '<?xml version="1.0"?>'
    + _ENTITY
    + '<osm version="0.6"><node id="1" lon="1" lat="2"><tag k="a" v="&x;"/></node></osm>'
)
_LINKED = (
    '{{"type": "FeatureCollection", "crs": {{"type": "link", "properties": {{"href": "file://{secret}"}}}}, '
    '"features": [{{"type": "Feature", "properties": {{}}, "geometry": {{"type": "Point", "coordinates": [1, 2]}}}}]}}'
)
_TAB = '!table\n!version 300\n\nDefinition Table\n  Type LINKED\n  File "{secret}"\n  Fields 1\n    a Char (20) ;\n'
TEXTS = {
    "raster.tif": '<VRTDataset rasterXSize="1" rasterYSize="1"><SourceFilename>{secret}</SourceFilename></VRTDataset>',
    "zones.geojson": _VRT,
    "zones.gpkg": _VRT,
    "zones.shp": _VRT,
    "zones.xml": _VRT,
    "zones.gml": _GML,
    "places.kml": _KML,
    "streets.osm": _OSM,
    "zones.tab": _TAB,
    "linked.geojson": _LINKED,
}


def _text(name):
    return lambda path, secret: path.write_text(TEXTS[name].format(secret=secret))


def _virtual_table(path, secret):
    gpd.GeoDataFrame({"a": [1]}, geometry=gpd.points_from_xy([1], [2]), crs="EPSG:4326").to_file(path, driver="GPKG")
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA writable_schema=ON")
        sql = f"CREATE VIRTUAL TABLE outside USING VirtualOGR('{secret}')"
        database.execute("INSERT INTO sqlite_master VALUES ('table', 'outside', 'outside', 0, ?)", (sql,))
        database.commit()


def _triggers(path, secret):
    gpd.GeoDataFrame({"a": [1]}, geometry=gpd.points_from_xy([1], [2]), crs="EPSG:4326").to_file(path, driver="GPKG")
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute(f"CREATE VIEW outside AS SELECT readfile('{secret}') AS a, load_extension('{secret}') AS b")
        database.execute("INSERT INTO gpkg_contents (table_name, data_type) VALUES ('outside', 'attributes')")
        database.commit()


def _hdf(kind):
    def write(path, secret):
        with h5py.File(path, "w") as file:
            for name in ("lat", "lon"):
                file.create_dataset(name, data=np.arange(5.0)).make_scale(name)
            if kind == "link":
                file["no2"] = h5py.ExternalLink(str(secret), "/no2")
            elif kind == "storage":
                file.create_dataset("no2", (5, 5), "u1", external=[(str(secret), 0, 25)])
            else:
                layout = h5py.VirtualLayout((5, 5), "u1")
                layout[:] = h5py.VirtualSource(str(secret), "no2", (5, 5))
                file.create_virtual_dataset("no2", layout)

    return write


def _zip(name, *, link=False):
    def write(path, secret):
        entry = zipfile.ZipInfo("stops.txt" if link else name.format(secret=secret))
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16 if link else 0
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(entry, str(secret))

    return write


def _link(path, secret):
    path.symlink_to(secret)


HOSTILE = {
    **{name: _text(name) for name in TEXTS},
    "virtual.gpkg": _virtual_table,
    "view.gpkg": _triggers,
    "virtual.sqlite": _virtual_table,
    "link.nc": _hdf("link"),
    "storage.nc": _hdf("storage"),
    "source.nc": _hdf("virtual"),
    "slip.zip": _zip("../stops.txt"),
    "absolute.zip": _zip("{secret}"),
    "link.zip": _zip("", link=True),
    "slip.kmz": _zip("../doc.kml"),
    "slip.gdb.zip": _zip("a.gdb/../../x.gdbtable"),
    "link.csv": _link,
    "link.geojson": _link,
    "link.tif": _link,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_outside_the_root_is_read(name, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    secret = tmp_path / "secret.csv"
    secret.write_text(f"lon,lat\n{CANARY},1\n" * 5)
    HOSTILE[name](root / name, secret)
    sample = Sample(
        format="",
        file=name,
        write=HOSTILE[name],
        records=0,
        position={"definition": "OGC:CRS84", "columns": ["lon", "lat"]} if name.endswith("csv") else None,
        options=layers.ReadOptions(root=root, layer="outside" if name == "view.gpkg" else None),
    )
    outcome = judge(root / name, sample)
    assert outcome.fault is None
    assert outcome.refusal or name == "linked.geojson"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["root", "secret.csv"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_short_run_of_the_fuzzer_finds_nothing(family):
    """The long one is `make fuzz`."""
    tally = fuzz(family, files=40, seed=6)
    assert tally.files == 40
    assert not tally.faults
    assert (tally.hangs, tally.too_large) == (0, 0)
