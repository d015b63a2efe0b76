"""What a steward is told, and the way of a dropped file."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

import dashboards.inbox
from dashboards.frames import FrameSource
from dashboards.inbox import safe_name, to_inbox
from dashboards.trust import Steward, colour_of, to_flow
from dashboards.verdicts import to_verdict
from dashboards.views.page import ExplorerPage
from tests.dashboards.fake_city import FakeCity


def measure(score, colour, of=100):
    return {"score": score, "good": round(score * of), "of": of, "colour": colour}


@pytest.fixture
def judged():
    city = FakeCity(blocks=3)
    nothing = {"score": None, "good": 0, "of": 0, "colour": ""}
    quality = dict.fromkeys(("validity", "uniqueness", "consistency", "timeliness"), nothing)
    city.layers["people"] = replace(
        city.layers["people"],
        records_in=50,
        placed=40,
        quarantined=9,
        rejected=1,
        reasons={"quarantined:outside_area": 7, "quarantined:null_geometry": 2, "rejected:too_few_columns": 1},
        quality={**quality, "completeness": measure(0.8, "yellow"), "colour": "yellow"},
    )
    city.layers["detectors"] = replace(
        city.layers["detectors"],
        status="ambiguous",
        position="ambiguous",
        placed=0,
        quarantined=3,
        evidence={
            "status": "ambiguous",
            "reference": "streets",
            "candidates": [{"label": "GCJ-02", "probability": 0.7}, {"label": "OGC:CRS84", "probability": 0.3}],
            "settle": ["more records"],
        },
    )
    return city


def test_the_worst_layer_comes_first_and_says_why(judged):
    content = Steward(FrameSource(judged)).content("en")
    assert [line["name"] for line in content["layers"]][:2] == ["detectors", "people"]
    assert content["chosen"] == "detectors"
    assert "not known" in content["layers"][0]["line"]
    assert content["layers"][1]["line"] == "Completeness: 80 of 100 (80 %)"
    assert {line["word"] for line in content["layers"]} == {"red", "yellow", "not judged"}
    assert colour_of(replace(judged.layers["people"], placed=0)) == "red"


def test_the_flow_loses_no_record(judged):
    flow = to_flow(judged.layers["people"], "en")
    assert sum(fate["share"] for fate in flow["fates"]) == pytest.approx(1)
    for fate in flow["fates"][1:]:
        assert sum(r["share"] for r in flow["reasons"] if r["fate"] == fate["fate"]) == pytest.approx(fate["share"])
    assert flow["label"] == "50 in = 40 placed + 9 quarantined + 1 rejected"
    assert [reason["code"] for reason in flow["reasons"]] == ["outside_area", "null_geometry", "too_few_columns"]


def test_a_verdict_shows_candidates_and_what_would_settle_it(judged):
    verdict = to_verdict(judged.layers["detectors"], "en", reference="Streets")
    assert [each["text"] for each in verdict["candidates"]] == ["70.0 %", "30.0 %"]
    assert verdict["settle"] == [{"text": "more records", "lang": "en"}]
    assert "Streets" in verdict["headline"]
    assert "街道" in Steward(FrameSource(judged)).content("zh")["detail"]["verdict"]["headline"]
    assert to_verdict(judged.layers["people"], "en", reference="") is None


def test_a_picture_is_drawn_of_positions_moved_back_to_what_the_file_said():
    city = FakeCity(blocks=6)
    evidence = {"outcome": "agrees", "reference": "streets", "candidates": []}
    city.layers["buildings"] = replace(city.layers["buildings"], evidence=evidence)
    steward = Steward(FrameSource(city))
    assert steward.picture("buildings", "en").startswith("<svg")
    assert steward.picture("streets", "en") == "", "nothing was asked of them"


def test_fusion_error_is_measured_when_asked_and_then_kept(judged):
    asked = []

    def fusion_error(*, resolutions):
        asked.append(resolutions)
        index = pd.MultiIndex.from_product([["naive", "ours"], ["all", "people"], resolutions])
        index.names = ["way", "layer", "resolution"]
        return SimpleNamespace(
            table=pd.DataFrame({"d": np.array([0.128, 0.2, 0, 0])}, index=index), layers=["people", "all"]
        )

    steward = Steward(FrameSource(judged))
    assert not steward.content("en")["fusion"]["offered"], "without truth there is nothing to measure"
    judged.states_truth, judged.fusion_error = True, fusion_error
    assert steward.content("en")["fusion"]["offered"]
    assert not asked
    rows = steward.content("en", measured=True)["fusion"]["rows"]
    assert [row["texts"] for row in rows] == [["20.0 %", "0.0 %"], ["12.8 %", "0.0 %"]]
    assert steward.content("zh")["fusion"]["rows"][1]["title"] == "全部图层"
    assert asked == [[9]]


def test_the_trust_page_shows_every_source_row(source):
    page = ExplorerPage(source, address="feed/s", view="trust", query="pick=buildings:20")
    assert page.inspector.content["columns"][-1] == "± m"
    assert len(page.inspector.content["sources"][0]) == 5
    page.topbar.view = "explore"
    assert len(page.inspector.content["columns"]) == 4


@pytest.fixture
def inbox(judged, tmp_path, monkeypatch):
    """Return a client, and the folders that were used."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    app = FastAPI()
    app.include_router(to_inbox(lambda: Steward(FrameSource(judged))))
    return TestClient(app), tmp_path


def post(client, body, name="stops.csv", header="diagnose"):
    return client.post(f"/trust/diagnose?name={name}", content=body, headers={"X-City-Twin": header})


def test_a_dropped_file_is_told_in_every_language_and_nothing_stays(inbox):
    client, folder = inbox
    rows = "\n".join(f"{i},{7.411 + i * 1e-4:.6f},43.731" for i in range(20))
    answer = post(client, f"id,lon,lat\n{rows}\n".encode())
    assert answer.status_code == 200
    told = answer.json()
    assert told["en"]["name"] == "stops.csv"
    assert ["Records", "20"] in told["en"]["facts"]
    assert ["位置列", "lon, lat"] in told["zh"]["facts"]
    assert told["en"]["outcome"] in {"named", "ambiguous", "unknown"}
    assert told["en"]["candidates"]
    assert not list(folder.glob("city-twin-*"))


@pytest.mark.parametrize(
    ("name", "body", "word"),
    [("x.pdf", b"%PDF-1.7", "no reader"), ("a.csv", b"\x00\xff\x00", "zero bytes"), ("e.csv", b"", "empty")],
)
def test_a_file_that_cannot_be_read_is_told_without_paths_of_the_server(inbox, name, body, word):
    client, folder = inbox
    told = post(client, body, name).json()["en"]
    assert told["outcome"] == "unreadable"
    assert word in told["original"]
    assert told["fault"].endswith("."), "a sentence in the language of the page, and the reader's own words behind it"
    assert str(folder) not in told["original"]
    assert not list(folder.glob("city-twin-*"))


def test_foreign_pages_and_large_files_are_refused(inbox, monkeypatch):
    client, folder = inbox
    assert post(client, b"a", header="x").status_code == 403
    assert client.post("/trust/diagnose?name=a.csv", content=b"a").status_code == 403
    monkeypatch.setattr(dashboards.inbox, "LARGEST_BYTES", 1000)
    assert post(client, (b"x" * 600 for _ in range(2))).status_code == 413
    assert not list(folder.glob("city-twin-*"))


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\..\\boot.ini", "/abs/x.csv", ".hidden", "", "a\x00b.csv", "x" * 400]
)
def test_no_name_leaves_its_folder(name):
    safe = safe_name(name)
    assert safe
    assert "/" not in safe
    assert "\\" not in safe
    assert "\x00" not in safe
    assert not safe.startswith(".")
