"""The open interfaces answer what the twin says, bounded."""

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from twin.api import router, routes


@pytest.fixture(scope="module")
def client(tiny):
    application = FastAPI()
    application.include_router(router(tiny))
    return TestClient(application)


def test_health_and_variables(client, tiny):
    assert client.get("/api/health").json() == {
        "status": "ok",
        "city": "tiny",
        "snapshot": tiny.snapshot,
        "resolution": 11,
    }
    listed = {variable["name"]: variable for variable in client.get("/api/variables").json()}
    assert set(listed) == set(tiny.variables)
    assert listed["no2"]["licence"] == "CC0-1.0"


def test_cells_are_those_of_the_cube(client, tiny):
    query = {"variable": "no2", "resolution": 9, "time": "2026-06-16T02:40"}
    answer = client.get("/api/cells", params=query).json()
    values = tiny.cube("no2", resolution=9)["no2"][:, 5]
    assert [int(cell, 16) for cell in answer["cell"]] == values["cell"].to_numpy().tolist()
    np.testing.assert_array_equal(answer["value"], values)


def test_explain_gives_the_sources(client, tiny):
    cell = f"{int(tiny.cube('population')['cell'][3]):x}"
    answer = client.get("/api/explain", params={"cell": cell, "variable": "population"}).json()
    assert sum(s["share"] * s["value"] for s in answer["sources"]) == pytest.approx(answer["value"], rel=1e-9)


def test_what_is_not_there_is_404_with_what_is(client):
    answer = client.get("/api/cells", params={"variable": "x"})
    assert answer.status_code == 404
    assert "no2" in answer.json()["detail"]
    assert client.get("/api/cells", params={"variable": "no2", "time": "2030-01-01T00:00"}).status_code == 404
    assert client.get("/api/cells", params={"variable": "no2", "resolution": 99}).status_code == 422


def test_too_many_cells_are_refused(client, monkeypatch):
    monkeypatch.setattr(routes, "MOST_CELLS", 10)
    answer = client.get("/api/cells", params={"variable": "no2", "resolution": 11})
    assert answer.status_code == 413
    assert "coarser" in answer.json()["detail"]
