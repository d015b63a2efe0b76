"""Every format: its sample comes back whole, and broken ones are refused by name or read with a ledger that closes."""

import json
import logging
import os
import runpy
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import crs
import layers
from tests.layers.samples.defects import CANARY, DEFECTS, judge
from tests.layers.samples.every import EVERY

NAMED = [pytest.param(sample, id=sample.file) for sample in EVERY]
#: Its samples can be written but, without mdbtools, not read.
WITHOUT_SAMPLE = {"Access"}
#: Records of each of five broken tables; the long run has a million and a quarter in all.
MASS = 250_000 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 30_000


def test_every_format_has_a_sample():
    assert {known.name for known in layers.FORMATS} - {sample.format for sample in EVERY} <= WITHOUT_SAMPLE
    assert {sample.format for sample in EVERY} <= {known.name for known in layers.FORMATS}
    assert len({known.name for known in layers.FORMATS}) == len(layers.FORMATS)


@pytest.mark.parametrize("sample", NAMED)
def test_a_sample_comes_back_whole(sample, tmp_path):
    sample.write(tmp_path / sample.file)
    layer = layers.read(tmp_path / sample.file, position=sample.position, options=sample.options)
    ledger = layer.ledger.balance()
    assert ledger.records_in == sample.records
    assert ledger.placed == len(layer) == (sample.records if sample.placed is None else sample.placed)
    if sample.bounds is None:
        return
    if isinstance(layer, layers.RasterLayer):
        corners = layer.coordinates
        found = (corners.corner_x.min(), corners.corner_y.min(), corners.corner_x.max(), corners.corner_y.max())
    else:
        placed = layer if isinstance(layer.coordinates, crs.Shapes) else crs.harmonise(layer)
        found = shapely.total_bounds(placed.geometry)
    assert found == pytest.approx(sample.bounds, rel=1e-12, abs=2e-7)


@pytest.mark.parametrize("defect", DEFECTS)
@pytest.mark.parametrize("sample", NAMED)
def test_a_broken_file_is_refused_by_name_or_read_with_a_closed_ledger(sample, defect, tmp_path):
    (tmp_path / "secret.csv").write_text(f"a,b\n{CANARY},1\n")
    root = tmp_path / "root"
    root.mkdir()
    sample.write(root / sample.file)
    data = (root / sample.file).read_bytes()
    (root / sample.file).write_bytes(DEFECTS[defect](data, str(tmp_path / "secret.csv")))
    outcome = judge(root / sample.file, sample)
    assert outcome.fault is None
    if defect in {"empty", "names another file"}:
        assert outcome.refusal


def _empty_frame():
    return gpd.GeoDataFrame({"n": np.array([], dtype=np.int64)}, geometry=gpd.GeoSeries([], crs="EPSG:2154"))


BARE = {
    "bare.csv": lambda path: path.write_text("lon,lat\n"),
    "bare.geojson": lambda path: path.write_text('{"type": "FeatureCollection", "features": []}'),
    "bare.parquet": lambda path: _empty_frame().to_parquet(path),
    "bare.gpkg": lambda path: _empty_frame().to_file(path, engine="pyogrio", geometry_type="Point"),
    "bare.shp": lambda path: _empty_frame().to_file(path, engine="pyogrio", geometry_type="Point"),
    "bare.city.json": lambda path: path.write_text(
        json.dumps(
            {
                "type": "CityJSON",
                "version": "2.0",
                "transform": {"scale": [1, 1, 1], "translate": [0, 0, 0]},
                "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/7415"},
                "CityObjects": {},
                "vertices": [],
            }
        )
    ),
}


@pytest.mark.parametrize("name", BARE)
def test_a_file_without_a_record_is_said_aloud(name, tmp_path, caplog):
    BARE[name](tmp_path / name)
    position = {"definition": "EPSG:4326", "columns": ["lon", "lat"]} if name == "bare.csv" else None
    with caplog.at_level(logging.WARNING, logger="layers"):
        layer = layers.read(tmp_path / name, position=position)
    assert len(layer) == 0
    said = f"bare: 0 in = 0 placed + 0 quarantined + 0 rejected (no record in {name})"
    assert layer.ledger.summary() == said
    assert said in caplog.messages


def test_a_folder_is_told_what_to_name(tmp_path):
    for k in range(7):
        (tmp_path / f"{k}.csv").touch()
    with pytest.raises(layers.FileRefusedError, match=r"is a folder; name its files.* '0\.csv', .* '4\.csv', \.\.\."):
        layers.read(tmp_path)


def test_records_of_broken_tables_are_all_accounted_for(tmp_path):
    """What is broken is set aside alone: the count is that of the lines, whatever is on them."""
    random = np.random.default_rng(6)
    n, wounds = MASS, 500
    text = "".join(f"{lon:.6f},{lat:.6f},{i}\n" for i, (lon, lat) in enumerate(random.random((n, 2))))
    lines = text.encode().splitlines(keepends=True)
    position = {"definition": "EPSG:4326", "columns": ["lon", "lat"]}
    total = 0
    for wound in (b"1,2\n", b"1,2,3,4\n", b'"1,2,3\n', b"1,\xff,3\n", b"x,y,3\n"):
        broken = lines.copy()
        at = random.choice(n, wounds, replace=False)
        for i in at:
            broken[i] = wound
        (tmp_path / "a.csv").write_bytes(b"lon,lat,n\n" + b"".join(broken))
        layer = crs.harmonise(layers.read(tmp_path / "a.csv", position=position))
        ledger = layer.ledger.balance()
        assert (ledger.records_in, ledger.placed) == (n, n - wounds)
        aside = pd.concat([ledger.quarantined, ledger.rejected])
        assert sorted(aside["row"]) == sorted(at)
        total += ledger.records_in
    assert total == 5 * MASS


def test_the_page_of_formats_is_what_is_read_and_tried():
    house = Path(__file__).parents[2]
    written = runpy.run_path(str(house / "docs" / "make_formats_table.py"))["write_page"]()
    kept = (house / "docs" / "reference" / "formats.md").read_text(encoding="utf-8")
    assert kept == written, "run: python -m docs.make_formats_table"
    combinations = len(EVERY) * len(DEFECTS)
    assert (len(layers.FORMATS) >= 25, combinations >= 30) == (True, True)
