"""Heights from city.yaml to the twin: moved by what is named, else tagged."""

import json
import struct

import numpy as np
import pytest
import shapely

import twin

PLACES = {"quay": (7.42, 43.73, 2.0), "rock": (7.425, 43.731, 60.0), "far": (7.435, 43.74, 5.0)}
CITY = """
city: heights
resolution: 9
area: [7.3, 43.6, 7.6, 43.9]
clock: {typical_day: true, step: 1h, zone: Europe/Monaco}
datasets:
  signs:
    path: signs.geojson
    domain: cim
    owner: survey
    licence: none
    level: public
    position: {definition: OGC:CRS84, epoch: 2021.5, vertical: {datum: NGF-IGN69, columns: [top],
               by: {grid: grids/quasi.gtx, to: ellipsoidal, accuracy_m: 0.03, source: IGN}}}
  lamps: {path: signs.geojson, domain: cim, owner: survey, licence: none, level: public, height_unit: foot}
  masts: {path: signs.geojson, domain: cim, owner: survey, licence: none, level: public, height_unit: foot,
          read: {vertical: NGF-IGN69}}
  flat: {path: flat.csv, domain: cim, owner: survey, licence: none, level: public,
         position: {definition: OGC:CRS84, columns: [lon, lat]}}
"""


def undulation(lon, lat):
    return 48.0 + 4.0 * (lon - 7.4) + 2.0 * (lat - 43.7)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "grids").mkdir()
    lon, lat = np.meshgrid(7.41 + 0.01 * np.arange(3), 43.72 + 0.01 * np.arange(3))
    values = undulation(lon, lat).astype(">f4")
    head = struct.pack(">4d2i", 43.72, 7.41, 0.01, 0.01, *values.shape)
    (tmp_path / "grids" / "quasi.gtx").write_bytes(head + values.tobytes())
    features = [
        {
            "type": "Feature",
            "properties": {"name": name, "top": place[2] + 3},
            "geometry": {"type": "Point", "coordinates": place},
        }
        for name, place in PLACES.items()
    ]
    (tmp_path / "signs.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    (tmp_path / "flat.csv").write_text("lon,lat\n7.42,43.73\n")
    (tmp_path / "city.yaml").write_text(CITY, encoding="utf-8")
    return tmp_path


def test_heights_are_moved_or_tagged_and_the_twin_says_which(folder, monkeypatch):
    monkeypatch.chdir(folder / "grids")
    city = twin.build(folder / "city.yaml", out=folder / "a.twin", workers=0)
    told = {name: layer.vertical for name, layer in city.layers.items()}
    assert told == {"signs": "ellipsoidal", "lamps": "unresolved in foot", "masts": "EPSG:5720", "flat": None}
    assert city.layers["signs"].epoch == 2021.5
    assert city.ledger()["vertical"].to_dict() == {**told, "flat": ""}
    assert (city.ledger()["quarantined"] == 0).all(), "an unresolved height sets no record aside"
    signs = city.features("signs").set_index("name")
    for name in ("quay", "rock"):
        lon, lat, height = PLACES[name]
        assert signs.geometry[name].z == pytest.approx(height + undulation(lon, lat), abs=1e-4)
        assert signs["top"][name] == pytest.approx(height + 3 + undulation(lon, lat), abs=1e-4)
    assert signs["unresolved_height"].to_dict() == {"quay": False, "rock": False, "far": True}
    assert (signs.geometry["far"].z, signs["top"]["far"]) == (5.0, 8.0)
    assert shapely.get_z(city.features("lamps").geometry.array).tolist() == [2, 60, 5]
    assert shapely.get_z(city.features("masts").geometry.array) == pytest.approx(np.array([2, 60, 5]) * 0.3048)
    assert any("quasi.gtx of IGN" in step for step in city.layers["signs"].notes["steps"])
    assert not city.layers["signs"].operation.startswith("heights")


def test_the_grid_file_is_part_of_what_a_build_depends_on(folder):
    first = twin.build(folder / "city.yaml", out=folder / "a.twin", workers=0).snapshot
    assert twin.build(folder / "city.yaml", out=folder / "b.twin", workers=0).snapshot == first
    grid = folder / "grids" / "quasi.gtx"
    content = grid.read_bytes()
    grid.write_bytes(content[:40] + (np.frombuffer(content[40:], ">f4") + 1).astype(">f4").tobytes())
    assert twin.build(folder / "city.yaml", out=folder / "a.twin", workers=0).snapshot != first


@pytest.mark.parametrize(
    ("grid", "found"), [("grids/none.gtx", "does not exist"), ("../quasi.gtx", "leaves root"), ("grids", "a folder")]
)
def test_a_grid_file_that_is_not_there_is_told_with_its_line(folder, grid, found):
    path = folder / "city.yaml"
    path.write_text(CITY.replace("grids/quasi.gtx", grid), encoding="utf-8")
    with pytest.raises(twin.ManifestError, match=found):
        twin.build(path, out=folder / "a.twin", workers=0)
