import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from dashboards.exploring.routes import to_router


@pytest.fixture(scope="module")
def client(source):
    app = FastAPI()
    app.include_router(to_router(source, snapshot="s"), prefix="/explore")
    return TestClient(app)


def test_search_answers_with_where_and_what(client):
    hit = client.get("/explore/s/search", params={"q": "House 12"}).json()[0]
    assert hit["title"] == "House 12"
    assert hit["bounds"][0] < hit["lon_deg"] < hit["bounds"][2]
    assert client.get("/explore/s/search").json() == []


def test_a_question_has_a_summary_a_table_and_a_picture(client):
    question = {"layer": "buildings", "where": [{"column": "height_m", "at_least": 20}]}
    answer = client.post("/explore/s/ask", json={"question": question, "most": 3}).json()
    drawn = client.get("/explore/s/found.geojson", params={"q": json.dumps(question)}).json()
    assert answer["summary"]["count"] == len(drawn["features"]) > 3
    assert len(answer["records"]["rows"]) == 3
    columns = client.get("/explore/s/columns", params={"q": json.dumps(question)}).json()
    assert "height_m" in [each["name"] for each in columns]


def test_a_drawing_is_measured(client):
    answer = client.post("/explore/s/measure", json={"positions": [[7.42, 43.73], [7.43, 43.73]]}).json()
    assert answer["length_m"] == pytest.approx(805.69, abs=0.01)


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ({"layer": "nowhere"}, 400),
        ({"layer": "buildings", "region": {"kind": "circle", "centre": [7, 43], "radius_m": 1e9}}, 422),
        ({"layer": "buildings", "region": {"kind": "polygon", "ring": [[0, 0]] * 3000}}, 422),
        ({"layer": "buildings", "more": 1}, 422),
    ],
)
def test_a_bad_question_is_refused_and_not_an_error(client, question, status):
    assert client.post("/explore/s/ask", json={"question": question}).status_code == status
    assert client.get("/explore/s/found.geojson", params={"q": json.dumps(question)}).status_code == 400
