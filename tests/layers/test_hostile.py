"""Mutated files of every family: a named refusal or a ledger that closes, and nothing else."""

import json
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest

import crs
import layers

RAW = Path(__file__).parents[2] / "data_samples" / "monaco" / "raw"
DMS = {"definition": "EPSG:4326", "notation": "dms", "columns": ["longitude", "latitude"]}
FAMILIES = [
    "stops.geojson",
    "population.gpkg",
    "no2_background.tif",
    "streets.parquet",
    "air_stations.csv",
    "some.city.json",
    "zones.shp",
]
MUTATIONS_A_FAMILY = 60


def _mutate(data: bytes, random: np.random.Generator) -> bytes:
    """Flip, cut out, put in or cut off, half of the time near the head, where formats keep their plans."""
    new = bytearray(data or b"UTF-8")
    kind = random.choice(["flip", "out", "in", "off"])
    for _ in range(random.choice([1, 3, 20])):
        place = int(random.integers(max(1, len(new) if random.random() < 0.5 else min(len(new), 400))))
        if kind == "flip":
            new[place] = int(random.integers(256))
        elif kind == "out":
            del new[place : place + int(random.integers(1, 30))]
        elif kind == "in":
            new[place:place] = random.bytes(int(random.integers(1, 10)))
    if kind == "off":
        del new[int(random.integers(len(new) + 1)) :]
    return bytes(new)


@pytest.fixture
def sound(tmp_path):
    """One sound file of each family, by name, with the files that belong to it."""
    folder = tmp_path / "sound"
    folder.mkdir()
    for name in FAMILIES[:5]:
        (folder / name).write_bytes((RAW / name).read_bytes())
    document = json.loads((RAW / "buildings.city.json").read_text())
    document["CityObjects"] = dict(list(document["CityObjects"].items())[:20])
    (folder / "some.city.json").write_text(json.dumps(document))
    gpd.read_file(RAW / "quarters.geojson").to_crs("EPSG:2154").to_file(folder / "zones.shp")
    return folder


@pytest.mark.parametrize("name", FAMILIES)
def test_a_mutated_file_is_refused_by_name_or_read_with_a_closed_ledger(sound, tmp_path, name):
    random = np.random.default_rng(20261122)
    broken = tmp_path / "broken"
    broken.mkdir()
    refused = 0
    for _ in range(MUTATIONS_A_FAMILY):
        for path in sound.glob(f"{name.split('.')[0]}.*"):
            (broken / path.name).write_bytes(_mutate(path.read_bytes(), random))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                layer = layers.read(broken / name, position=DMS if name.endswith("csv") else None)
        except (layers.LayerError, crs.CrsError):
            refused += 1
        else:
            assert layer.ledger.balance().placed == len(layer)
    assert refused > 0
