import gzip

import mapbox_vector_tile
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.dashboards.fake_city import FakeCity
from twin.api import tile_router
from twin.tiles import TileSource


@pytest.fixture(scope="module")
def source():
    return TileSource(FakeCity(blocks=4))


@pytest.fixture(scope="module")
def client(source):
    app = FastAPI()
    app.include_router(tile_router(source))
    return TestClient(app)


@pytest.fixture(scope="module")
def first(source):
    return next(source.addresses())


def test_a_tile_is_packed_tagged_and_kept_for_good(client, source, first):
    answer = client.get(f"/tiles/{source.city.snapshot}/{first}")
    assert answer.status_code == 200
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.content == gzip.decompress(source.answer(first))
    assert mapbox_vector_tile.decode(answer.content)["about"]
    same = client.get(f"/tiles/{source.city.snapshot}/{first}", headers={"If-None-Match": answer.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")


def test_values_and_the_description_stand_beside(client, source):
    address = next(found for found in source.addresses() if found.endswith(".bin"))
    assert len(client.get(f"/tiles/{source.city.snapshot}/{address}").content) % 96 == 0
    told = client.get(f"/tiles/{source.city.snapshot}/cells/no2.json").json()
    assert told["chunks"] == 1


@pytest.mark.parametrize(
    "path",
    ["layers/nothing/14/0/0.mvt", "cells/no2/1/0/0.mvt", "x", "cells/nothing.json", "layers/%2e%2e/14/0/0.mvt"],
)
def test_what_is_not_there_is_said(client, source, path):
    answer = client.get(f"/tiles/{source.city.snapshot}/{path}")
    assert answer.status_code == 404
    assert answer.json()["detail"]
    assert client.get(f"/tiles/another/{path}").status_code == 404
