"""Planted dirt: as much as asked for, where the list says, and nowhere else."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_samples.monaco.make import dirt

HOUSE = Path(__file__).resolve().parents[2]
CITY = HOUSE / "data_samples" / "monaco"
RATE = 0.2
TABLES = {name: recipe.file for name, recipe in dirt.RECIPES.items()}


def rows_of(city: Path, name: str) -> pd.DataFrame:
    if name == "stops":
        features = json.loads((city / "raw" / "stops.geojson").read_text(encoding="utf-8"))["features"]
        return pd.DataFrame({"feature": [json.dumps(item, sort_keys=True) for item in features]})
    return pd.read_csv(city / "raw" / TABLES[name], dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def dirty(tmp_path_factory) -> tuple[Path, pd.DataFrame]:
    out = tmp_path_factory.mktemp("dirty")
    return out, dirt.spoiled_copy(CITY, out, rate=RATE, seed=7)


def test_the_list_is_kept_beside_the_truth(dirty):
    out, spoiled = dirty
    pd.testing.assert_frame_equal(pd.read_parquet(out / "truth" / "dirt.parquet"), spoiled)
    assert list(spoiled.columns) == ["dataset", "row", "kind", "detail"]
    assert not spoiled.duplicated(["dataset", "row"]).any()


@pytest.mark.parametrize("name", [*TABLES, "stops"])
def test_rows_are_spoiled_at_the_stated_rate_and_in_equal_parts(dirty, name):
    _, spoiled = dirty
    own = spoiled[spoiled["dataset"] == name]
    assert len(own) == round(RATE * len(rows_of(CITY, name)))
    parts = own["kind"].value_counts()
    assert set(parts.index) == set(dirt.KINDS)
    assert parts.max() - parts.min() <= 1


@pytest.mark.parametrize("name", [*TABLES, "stops"])
def test_rows_that_are_not_listed_are_as_they_were(dirty, name):
    out, spoiled = dirty
    own = spoiled[spoiled["dataset"] == name]
    clean, found = rows_of(CITY, name), rows_of(out, name)
    copies = own.loc[own["kind"] == "duplicate", "row"].to_numpy()
    assert (found.iloc[copies].to_numpy() == found.iloc[copies - 1].to_numpy()).all()
    without = found.drop(index=found.index[copies])
    assert len(without) == len(clean)
    changed = (without.to_numpy() != clean.to_numpy()).any(axis=1)
    listed = own.loc[own["kind"] != "duplicate", "row"].to_numpy()
    assert sorted(without.index[changed]) == sorted(listed)


@pytest.mark.parametrize("name", [*TABLES, "stops"])
def test_the_truth_follows_its_rows(dirty, name):
    out, spoiled = dirty
    before, after = (pd.read_parquet(city / "truth" / f"{name}.parquet") for city in (CITY, out))
    assert list(after["row"]) == list(range(len(rows_of(out, name))))
    copies = spoiled.loc[(spoiled["dataset"] == name) & (spoiled["kind"] == "duplicate"), "row"].to_numpy()
    assert (after[["lon", "lat"]].iloc[copies].to_numpy() == after[["lon", "lat"]].iloc[copies - 1].to_numpy()).all()
    kept = after[["lon", "lat"]].drop(index=copies).to_numpy()
    assert (kept == before[["lon", "lat"]].to_numpy()).all()


def test_each_kind_does_what_its_detail_says(dirty):
    out, spoiled = dirty
    probes, clean = rows_of(out, "probes"), rows_of(CITY, "probes")
    own = spoiled[spoiled["dataset"] == "probes"].groupby("kind")["row"].apply(np.array)
    missing = probes.iloc[own["missing"]]
    assert ((missing["latitude"] == "") ^ (missing["probe_speed_kmh"] == "")).all()
    assert (probes["probe_speed_kmh"].iloc[own["out_of_range"]] == "655.35").all()
    assert probes["latitude"].iloc[own["swapped"]].str.startswith("0072").all()
    assert not clean["latitude"].str.startswith("0072").any()
    truth = pd.read_parquet(out / "truth" / "probes.parquet").iloc[own["other_frame"]]
    text = probes["longitude"].iloc[own["other_frame"]]
    lon = text.str[:3].astype(float).to_numpy() + text.str[3:].astype(float).to_numpy() / 60.0
    shift_m = (lon - truth["lon"].to_numpy()) * 111_320.0 * np.cos(np.radians(43.73))
    assert (np.abs(shift_m - np.median(shift_m)) < 0.5).all()  # a whole datum off, the same for all
    assert 10.0 < abs(np.median(shift_m)) < 200.0


def test_the_same_seed_gives_the_same_dirt_and_another_does_not(dirty, tmp_path):
    out, spoiled = dirty
    again = dirt.spoiled_copy(CITY, tmp_path / "again", rate=RATE, seed=7)
    other = dirt.spoiled_copy(CITY, tmp_path / "other", rate=RATE, seed=8)
    pd.testing.assert_frame_equal(again, spoiled)
    assert (tmp_path / "again/raw/probes.csv.gz").read_bytes() == (out / "raw/probes.csv.gz").read_bytes()
    assert not other["row"].equals(spoiled["row"])


def test_no_dirt_leaves_every_file_as_it_was(tmp_path):
    assert len(dirt.spoiled_copy(CITY, tmp_path, rate=0.0)) == 0
    for path in (CITY / "raw").iterdir():
        assert (tmp_path / "raw" / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize("rate", [-0.1, 1.5])
def test_an_impossible_rate_is_refused(tmp_path, rate):
    with pytest.raises(ValueError, match=str(rate)):
        dirt.spoiled_copy(CITY, tmp_path, rate=rate)


def test_command_line_plants_dirt_and_never_into_the_clean_city(tmp_path):
    command = [sys.executable, "-m", "data_samples.monaco.make", "--dirt", "0.1", "--dirt-seed", "3"]
    done = subprocess.run(
        [*command, "--out", tmp_path / "dirty"], cwd=HOUSE, capture_output=True, text=True, check=True
    )
    spoiled = pd.read_parquet(tmp_path / "dirty" / "truth" / "dirt.parquet")
    assert done.stdout.startswith(f"{len(spoiled)} rows spoiled")
    refused = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "other than the clean city" in refused.stderr
