"""A newer snapshot is taken up by an open page; what the visitor looks at stays."""

import asyncio
import json
import os
import socket
import time
import urllib.request
from threading import Event, Thread

import pandas as pd
import pytest
import uvicorn
from fastapi.testclient import TestClient

import dashboards.live
from dashboards.app import to_app
from dashboards.i18n import texts
from dashboards.live import Live
from dashboards.views.page import ExplorerPage
from tests.dashboards.fake_city import FakeCity
from twin.errors import StoreDamagedError


class Grown(FakeCity):
    """The same city some hours later."""

    def __init__(self, **options):
        super().__init__(**options)
        self.time = pd.date_range(self.time[0], periods=120, freq="15min")
        self.snapshot = "5nap5h02"


@pytest.fixture
def published(monkeypatch):
    """Return a live city, and a list whose last entry is what is published."""
    monkeypatch.setattr(dashboards.live, "INTERVAL_S", 0.0)
    shelf = [FakeCity(blocks=3)]
    live = Live(
        shelf[0], lambda shown: shelf[-1] if shelf[-1].snapshot != shown else None, publish=lambda _edition: None
    )
    return live, shelf


def opened(live, path):
    view, _, query = path.partition("?")
    now = live.edition
    return ExplorerPage(now.source, address=now.address, view=view, query=query, live=live)


def test_camera_time_selection_and_layers_survive_a_refresh(published):
    live, shelf = published
    page = opened(
        live, "operate?t=2026-06-16T09:30&at=7.412,43.732,16,30,10&pick=buildings:20&layers=streets:40&over=no2:20"
    )
    before = page.topbar.path, page.map.view, page.state.selection
    shelf.append(Grown(blocks=3))
    asyncio.run(page.refresh())
    assert page.source.city.snapshot == "5nap5h02"
    assert (page.topbar.path, page.map.view, page.state.selection) == before
    assert len(page.clock.labels) == 120
    assert all("5nap5h02" in layer["data"] for layer in page.map.pane.object["layers"][:-1])
    assert page.topbar.note == "New data was published and is shown."
    assert page.operate.desk is live.edition.desk
    page.clock.step = 119
    assert page.operate.board.content["now"]


def test_who_watches_the_newest_step_goes_on_to_the_newest(published):
    live, shelf = published
    page = opened(live, "operate?t=2026-06-16T23:45")
    shelf.append(Grown(blocks=3))
    asyncio.run(page.refresh())
    assert page.state.step == 119


def test_nothing_happens_while_nothing_is_published_and_a_damaged_snapshot_changes_nothing(published, monkeypatch):
    live, _ = published
    page = opened(live, "operate")
    drawn = page.map.pane.object
    asyncio.run(page.refresh())
    assert page.map.pane.object is drawn

    def damaged(_shown):
        raise StoreDamagedError("CURRENT names nothing")

    monkeypatch.setattr(live, "_newest", damaged)
    asyncio.run(page.refresh())
    assert page.source.city.snapshot == "5nap5h0t"


def test_a_build_that_goes_on_beside_the_page_is_told_in_one_line(published, tmp_path):
    live, shelf = published
    shelf[0].path = tmp_path
    page = opened(live, "operate?lang=zh")
    standing = {"told": "cells air", "done": 0.4, "seconds": 80.0, "left_s": 120.0, "pid": os.getpid()}
    (tmp_path / ".building.json").write_text(json.dumps(standing))
    asyncio.run(page.refresh())
    told = texts("zh")["build_left"].format(share="40", left="2 分钟")
    assert page.operate.board.building == page.trust.board.building == told
    (tmp_path / ".building.json").write_text(json.dumps(standing | {"left_s": None}))
    page.state.language = "en"
    asyncio.run(page.refresh())
    assert page.trust.board.building == "A build goes on: 40 %."
    (tmp_path / ".building.json").unlink()
    asyncio.run(page.refresh())
    assert page.operate.board.building == ""


def test_frames_of_the_former_snapshot_stay_while_pages_still_show_it(monkeypatch):
    monkeypatch.setattr(dashboards.live, "INTERVAL_S", 0.0)
    shelf, kept = [FakeCity(blocks=2)], []
    monkeypatch.setattr("dashboards.app.Live", lambda *a, **k: kept.append(Live(*a, **k)) or kept[0])
    app = to_app(shelf[0], newest=lambda shown: shelf[-1] if shelf[-1].snapshot != shown else None)
    client = TestClient(app)
    shelf.append(Grown(blocks=2))
    kept[0].look()
    for snapshot in ("5nap5h0t", "5nap5h02"):
        assert client.get(f"/feed/{snapshot}/features/ground/0,0,1,1.json").status_code == 200
        assert client.get(f"/tiles/{snapshot}/layers/buildings.json").status_code == 200
    assert client.get("/api/health").json()["snapshot"] == "5nap5h02"


def test_a_server_that_stops_while_pages_look_says_nothing(monkeypatch, caplog):
    looking = Event()

    def slowly(*_args):
        looking.set()
        time.sleep(0.2)
        return ""

    monkeypatch.setattr("dashboards.views.page.INTERVAL_S", 0.01)
    monkeypatch.setattr("dashboards.views.page.to_building", slowly)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        app = to_app(FakeCity(blocks=2), origins=(f"127.0.0.1:{port}",))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/operate", timeout=60) as answer:
            assert answer.status == 200
        assert looking.wait(60)
        server.should_exit = True
        thread.join(60)
    assert not thread.is_alive()
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
