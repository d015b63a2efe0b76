import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from dashboards.feed import to_router


@pytest.fixture
def client(source):
    app = FastAPI()
    app.include_router(to_router(source, snapshot="5nap"), prefix="/feed")
    return TestClient(app)


def test_a_frame_comes_compressed_and_may_be_kept(client, source):
    frame = source.features("ground")
    answer = client.get(f"/feed/5nap/{frame.key}.json")
    assert answer.status_code == 200
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.json() == json.loads(frame.body)
    assert int(answer.headers["content-length"]) < len(frame.body)


def test_what_the_browser_has_is_not_sent_again(client, source):
    address = f"/feed/5nap/{source.features('ground').key}.json"
    tag = client.get(address).headers["etag"]
    again = client.get(address, headers={"If-None-Match": tag})
    assert again.status_code == 304
    assert not again.content


@pytest.mark.parametrize("path", ["features/nothing/0,0,1,1", "features/../../secret", "cells/no2/x", "x"])
def test_anything_else_is_not_found(client, path):
    assert client.get(f"/feed/5nap/{path}.json").status_code == 404
