import io
import json
import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from fastapi import FastAPI
from fastapi.testclient import TestClient

from crs import geodesy
from dashboards.errors import QuestionError
from dashboards.exploring.misplaced import displacements, to_answer
from dashboards.exploring.questions import Drawing
from dashboards.exploring.routes import to_router
from dashboards.exploring.sections import section
from dashboards.exploring.sunlight import Sun, shadows, sun_at
from tests.dashboards.fake_city import at


@pytest.fixture(scope="module")
def client(source):
    app = FastAPI()
    app.include_router(to_router(source, snapshot="s"), prefix="/explore")
    return TestClient(app)


def test_before_and_after_stand_where_the_twin_keeps_them(source):
    found = displacements(source, "detectors")
    assert len(found.places) == 12, "a detector that reports ten times stands at one place"
    assert found.records.sum() == 120
    np.testing.assert_allclose(found.moved_m, 78.0, rtol=0.01)
    np.testing.assert_allclose(found.naive_m, 80.0, rtol=0.01)
    np.testing.assert_allclose(found.ours_m, 2.0, rtol=0.01)
    answer = to_answer(found)
    assert answer["shown"] == answer["places_in_all"] == 12
    assert answer["total"] == sum(answer["bins"]) == 120
    assert answer["other_cell"] > 0.5
    with pytest.raises(QuestionError, match="detectors"):
        displacements(source, "streets")


def test_a_section_cuts_what_a_line_crosses(source, city):
    (west, east), (south, north) = at([0, 540], [25, 25])
    line = Drawing(positions=[(float(west), float(south)), (float(east), float(north))])
    found = section(source, line)
    table = city.features("buildings")
    drawn = shapely.LineString(line.positions)
    crossed = [row for row, shape in enumerate(table.geometry) if shape.intersects(drawn)]
    assert sorted({cut["row"] for cut in found["cuts"]}) == crossed
    assert found["length_m"] == pytest.approx(540, rel=0.005)
    for cut in found["cuts"]:
        assert cut["height_m"] == table["height_m"].iloc[cut["row"]]
        inside = geodesy.lengths_m(np.array([table.geometry.iloc[cut["row"]].intersection(drawn)]))[0]
        assert cut["to_m"] - cut["from_m"] == pytest.approx(inside, abs=0.05)
    with pytest.raises(QuestionError, match="two points"):
        section(source, Drawing(positions=[(7.0, 43.0)]))


# Reda and Andreas (2008), Solar Position Algorithm, NREL/TP-560-34302, table A5.1; then the published instants of an
# equinox and a solstice, at which the sun stands as high over the pole as its declination is; then noon at Greenwich.
@pytest.mark.parametrize(
    ("moment", "place", "azimuth_deg", "elevation_deg"),
    [
        ("2003-10-17T12:30:30-07:00", (-105.1786, 39.742476), 194.340, 39.872),
        ("2024-03-20T03:06:00Z", (0.0, 90.0), None, 0.0),
        ("2024-06-20T20:51:00Z", (0.0, 90.0), None, 23.437),
        ("2024-06-20T12:01:45Z", (0.0, 51.4779), 180.0, 61.959),
    ],
)
def test_the_sun_stands_where_published_values_say(moment, place, azimuth_deg, elevation_deg):
    sun = sun_at(pd.Timestamp(moment), lon_deg=place[0], lat_deg=place[1])
    assert sun.elevation_deg == pytest.approx(elevation_deg, abs=0.02)
    if azimuth_deg is not None:
        assert sun.azimuth_deg == pytest.approx(azimuth_deg, abs=0.2)


def test_a_shadow_is_as_long_as_the_sun_is_low_and_lies_away_from_it(source, city):
    lon, lat = (float(part) for part in at(270, 270))
    drawn = shadows(source, Sun(azimuth_deg=180.0, elevation_deg=45.0), lon_deg=lon, lat_deg=lat)
    shade = shapely.geometry.shape(drawn["features"][0]["geometry"])
    table = city.features("buildings")
    for row in (0, 100, 200):
        middle, height_m = table.geometry.iloc[row].centroid, table["height_m"].iloc[row]
        north = geodesy.move_m(middle.x, middle.y, east_m=0.0, north_m=height_m - 1)
        assert shade.buffer(1e-6).contains(shapely.Point(*north)), "to the north of the house, as long as it is high"
    area = shapely.union_all(table.geometry.to_numpy())
    assert shade.buffer(4e-6).covers(area)
    assert shade.area > 1.3 * area.area
    assert shadows(source, Sun(azimuth_deg=0.0, elevation_deg=-3.0), lon_deg=lon, lat_deg=lat)["features"] == []


QUESTION = {"layer": "buildings", "where": [{"column": "height_m", "at_least": 20}]}


@pytest.mark.parametrize("ending", ["parquet", "gpkg", "csv"])
def test_what_is_selected_is_taken_along_with_its_provenance(client, city, tmp_path, ending):
    answer = client.get(f"/explore/s/export/{ending}", params={"q": json.dumps(QUESTION)})
    assert answer.status_code == 200
    assert "newtown-buildings" in answer.headers["content-disposition"]
    expected = city.features("buildings").query("height_m >= 20")
    path = tmp_path / f"out.{ending}"
    if ending == "csv":
        archive = zipfile.ZipFile(io.BytesIO(answer.content))
        table = pd.read_csv(archive.open("newtown-buildings.csv"))
        told = json.loads(archive.read("newtown-buildings.csv-metadata.json"))
        provenance = told["city-twin"]
        assert told["crs"] == "OGC:CRS84"
    else:
        path.write_bytes(answer.content)
        table = gpd.read_parquet(path) if ending == "parquet" else pyogrio.read_dataframe(path)
        np.testing.assert_allclose(table.total_bounds, expected.total_bounds)
        assert table.crs.to_epsg() == 4326 or table.crs.to_string() == "OGC:CRS84"
        provenance = {"lineage": city.snapshot, "licences": ["ODbL-1.0"]}
        assert city.snapshot.encode() in answer.content, "the id of the snapshot travels inside"
    assert len(table) == len(expected)
    assert table["row"].tolist() == expected.index.tolist()
    assert table["height_m"].tolist() == expected["height_m"].tolist()
    assert provenance["lineage"] == city.snapshot
    assert provenance["licences"] == ["ODbL-1.0"]


def test_cells_are_taken_along_with_the_time_that_is_shown(client, source, tmp_path):
    question = {"layer": "cells", "variables": ["no2"], "step": 30}
    answer = client.get("/explore/s/export/parquet", params={"q": json.dumps(question)})
    (tmp_path / "cells.parquet").write_bytes(answer.content)
    table = gpd.read_parquet(tmp_path / "cells.parquet")
    assert set(table["time"]) == {source.readings.times[30].isoformat()}
    assert table["no2"].notna().all()


def test_nothing_and_unknown_formats_are_refused(client):
    nothing = {"layer": "buildings", "where": [{"column": "height_m", "at_least": 9999}]}
    assert client.get("/explore/s/export/csv", params={"q": json.dumps(nothing)}).status_code == 400
    assert client.get("/explore/s/export/exe", params={"q": json.dumps(QUESTION)}).status_code == 400
    assert client.get("/explore/s/displaced/nowhere").status_code == 400
    assert client.get("/explore/s/sun", params={"time": "never", "lon": 0, "lat": 0}).status_code == 422


def test_sun_and_shadows_are_asked_at_the_local_time_of_the_city(client):
    place = {"lon": 7.42, "lat": 43.73}
    local = client.get("/explore/s/sun", params={"time": "2026-06-16T12:00", **place}).json()
    zoned = client.get("/explore/s/sun", params={"time": "2026-06-16T10:00Z", **place}).json()
    assert local == zoned
    assert client.get("/explore/s/shadows.geojson", params={"time": "2026-06-16T08:00", **place}).json()["features"]
    assert client.get("/explore/s/displaced").json() == ["detectors"]
