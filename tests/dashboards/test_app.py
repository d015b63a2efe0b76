import re
import socket
import time
import urllib.request

import pytest
from fastapi.testclient import TestClient

from dashboards.app import explore, serve, to_app
from dashboards.errors import AddressError
from tests.dashboards.fake_city import FakeCity


def test_page_frames_and_open_routes_stand_beside_each_other():
    city = FakeCity(blocks=3)
    client = TestClient(to_app(city, origins=("testserver",)))
    page = client.get("/?lang=zh&theme=dark")
    assert page.status_code == 200
    assert 'lang="zh" data-theme="dark"' in page.text
    assert "正在打开城市" in page.text
    assert client.get("/api/health").json()["snapshot"] == city.snapshot
    assert client.get(f"/feed/{city.snapshot}/features/ground/0,0,1,1.json").status_code == 200
    assert client.get(f"/tiles/{city.snapshot}/layers/buildings.json").status_code == 200
    assert client.get("/feed/other/features/ground/0,0,1,1.json").status_code == 404


def test_a_link_cannot_put_anything_of_its_own_into_the_page():
    client = TestClient(to_app(FakeCity(blocks=2), origins=("testserver",)))
    page = client.get("/", params={"lang": "'><script>alert(1)</script>", "theme": "<b>"})
    assert "alert(1)" not in page.text.replace("%", "")
    assert 'lang="en" data-theme="light"' in page.text


def test_explore_shows_the_page_from_a_server_of_its_own():
    shown = explore(FakeCity(blocks=2))
    address = re.search(r'src="(http://127\.0\.0\.1:\d+/)"', shown._repr_html_()).group(1)
    until = time.monotonic() + 20
    text = ""
    while not text and time.monotonic() < until:
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - our own loopback address
                text = answer.read().decode()
        except OSError:
            time.sleep(0.1)
    assert 'id="city"' in text


def test_serve_says_where_it_is_and_listens_only_there(monkeypatch, capsys):
    asked = {}
    monkeypatch.setattr("dashboards.app.twin.open", lambda _path: FakeCity(blocks=2))

    def run(_server, sockets):
        asked["at"] = [listener.getsockname() for listener in sockets]

    monkeypatch.setattr("dashboards.app.uvicorn.Server.run", run)
    serve("newtown.twin", port=5123)
    assert asked["at"] == [("127.0.0.1", 5123)]
    assert "http://127.0.0.1:5123/" in capsys.readouterr().out


def test_a_port_in_use_or_a_foreign_address_is_said_before_anything_is_promised(monkeypatch, capsys):
    monkeypatch.setattr("dashboards.app.twin.open", lambda _path: FakeCity(blocks=2))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressError, match=rf"127\.0\.0\.1:{port} .*another --port"):
            serve("newtown.twin", port=port)
    for address, port in (("192.0.2.1", 5124), ("127.0.0.1", 99999)):
        with pytest.raises(AddressError, match="of this machine"):
            serve("newtown.twin", port=port, address=address)
    assert not capsys.readouterr().out
