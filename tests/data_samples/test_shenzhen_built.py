"""The second embedded city, built: silent files are named or set aside whole; the error before and after."""

import numpy as np
import pandas as pd
import pytest
import shapely
import yaml

import crs
import twin
from conftest import SHENZHEN

DATASETS = yaml.safe_load(SHENZHEN.read_text(encoding="utf-8"))["datasets"]
TRUTHS = {
    name: SHENZHEN.parent / entry["truth"]["path"] for name, entry in DATASETS.items() if "path" in entry["truth"]
}
TRUTHS |= {name: SHENZHEN.parent / entry["truth"] for name, entry in DATASETS.items() if "path" not in entry["truth"]}
UNDECIDED = {"tunnel_sensors": 16, "control_points": 5}
NAMED = {  # as the script wrote them: definition, order of axes
    "bus_stops": ("GCJ-02", "GCJ-02"),
    "parking": ("BD-09", "BD-09, latitude first"),
    "building_register": ("EPSG:4547", "EPSG:4547, north first"),
}
POINTS = [
    "building_register", "vehicles", "taxis", "incidents", "bus_stops", "parking", "shops_a", "shops_b", "air_stations",
]  # fmt: skip


@pytest.fixture(scope="module")
def city(shenzhen_path):
    return twin.open(shenzhen_path)


@pytest.fixture(scope="module")
def errors(city):
    return city.fusion_error().table


def truth(name: str) -> pd.DataFrame:
    return pd.read_parquet(TRUTHS[name]).set_index("row")


# -- nothing is lost -------------------------------------------------------------------------------------------------


def test_every_record_of_every_file_is_accounted_for(city):
    ledger = city.ledger()
    assert set(ledger.index) == set(DATASETS)
    assert (ledger["records_in"] == ledger["placed"] + ledger["quarantined"] + ledger["rejected"]).all()
    for name in DATASETS:
        assert ledger.loc[name, "records_in"] == len(truth(name)), name


def test_only_what_cannot_be_known_is_set_aside(city):
    set_aside = {name: layer.quarantined for name, layer in city.layers.items() if layer.quarantined}
    assert set_aside == UNDECIDED


# -- what was found --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMED)
def test_a_file_without_a_word_is_named(city, name):
    layer, (definition, label) = city.layers[name], NAMED[name]
    assert set(truth(name)["definition"]) == {definition}, "the script says what it wrote"
    assert layer.status == "detected"
    assert layer.position == definition
    assert layer.evidence["found"] == label
    assert layer.evidence["probability"] >= 0.99
    assert layer.placed == layer.records_in


@pytest.mark.parametrize("name", UNDECIDED)
def test_a_file_too_small_or_too_narrow_is_ambiguous_and_set_aside_whole_with_its_verdict(city, name):
    layer, aside = city.layers[name], city.quarantine(name)
    assert layer.status == "ambiguous"
    assert layer.placed == 0
    assert len(aside) == UNDECIDED[name]
    assert aside["reason"].str.startswith("position_ambiguous: ").all()
    for word in ("OGC:CRS84", "GCJ-02", "%", "would settle it: "):
        assert aside["reason"].str.contains(word, regex=False).all(), word
    assert layer.evidence["settle"]
    assert layer.evidence["found"] is None


def test_the_records_set_aside_are_kept_as_they_came(city):
    published = pd.read_csv(SHENZHEN.parent / "raw" / "tunnel_sensors.csv", dtype=str)
    aside = city.quarantine("tunnel_sensors").sort_values("row")
    for column in published:
        assert aside[column].tolist() == published[column].tolist(), column


def test_a_file_of_two_definitions_is_split_by_its_sources(city):
    taxis, published = city.layers["taxis"], pd.read_csv(SHENZHEN.parent / "raw" / "taxis.csv.gz")
    assert taxis.placed == taxis.records_in == len(published)
    meant = published.assign(definition=truth("taxis")["definition"]).groupby("来源")["definition"].unique()
    found = {group["group"]: group["found"] for group in taxis.evidence["groups"]}
    assert set(found) == set(meant.index)
    for source, definitions in meant.items():
        assert set(found[source]) == set(definitions), source
    parts = {part["label"]: part["records"] for part in taxis.evidence["components"]}
    assert parts == truth("taxis")["definition"].value_counts().to_dict()


def test_a_label_that_is_wrong_is_overruled_and_the_buildings_agree_with_the_contract(city):
    layer = city.layers["shops_a"]
    assert layer.trust == "declared"
    assert layer.position == "GCJ-02"
    assert layer.evidence["outcome"] == "agrees"
    assert city.layers["shops_b"].evidence["outcome"] == "agrees"
    assert city.layers["vehicles"].evidence["outcome"] == "agrees"


# -- where it put the records ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", POINTS)
def test_placed_records_lie_within_their_radius_of_the_truth(city, name):
    placed = city.features(name).set_index("row")
    true = truth(name).loc[placed.index]
    off = crs.geodesy.distances_m(
        placed.geometry.x.to_numpy(), placed.geometry.y.to_numpy(), true["lon"].to_numpy(), true["lat"].to_numpy()
    )
    sigma_m = placed["sigma_m"].to_numpy()
    assert (sigma_m > 0).all()
    assert (off <= crs.radius_95(sigma_m)).mean() >= 0.93


def test_shapes_lie_on_their_truth(city):
    for name in ("streets", "buildings"):
        shapes, true = city.features(name), truth(name)
        found = shapes.geometry.to_numpy()
        points = (
            shapely.line_interpolate_point(found, 0.5, normalized=True)
            if name == "streets"
            else shapely.centroid(found)
        )
        off = crs.geodesy.distances_m(
            shapely.get_x(points), shapely.get_y(points), true["lon"].to_numpy(), true["lat"].to_numpy()
        )
        assert off.max() < 0.05


def test_the_error_before_and_after(errors):
    """D: the share of records in another cell than that of an oracle who knows every definition."""
    for resolution in (8, 9, 10, 11):
        before, after = errors.loc[("naive", "all", resolution)], errors.loc[("ours", "all", resolution)]
        assert before["d"] > 0.05
        assert after["d"] <= 0.05
        assert after["coverage"] >= 0.98
        assert after["f"] <= after["floor"] + 0.01, "what is left is the noise that was planted"
    assert errors.loc[("naive", "all", 9), "d"] > 0.10


@pytest.mark.parametrize("name", [*NAMED, "taxis", "shops_a", "shops_b", "air_stations"])
def test_each_shifted_layer_is_wrong_before_and_right_after(errors, name):
    assert errors.loc[("ours", name, 11), "d"] == 0.0
    # Metres in the city's own strip are what a naive reader takes them for; of the taxis half are in WGS 84.
    least = {"building_register": 0.0, "taxis": 0.5}.get(name, 0.9)
    assert errors.loc[("naive", name, 11), "d"] >= least


# -- what the city tells ---------------------------------------------------------------------------------------------


def test_streets_jam_in_the_morning_and_the_air_follows(city):
    ratio = city.on_features("streets", "speed_ratio")
    hours = (ratio["time"].dt.hour + 8) % 24  # the axis is UTC
    night, morning = ratio.isel(time=(hours == 3)), ratio.isel(time=(hours == 8))
    assert float((morning < 0.5).sum()) > 30
    assert float((night < 0.5).sum()) == 0
    air = city.cube(["no2", "pm25"], resolution=8)
    assert air["no2"].attrs["units"] == air["pm25"].attrs["units"] == "ug/m3"
    for name in ("no2", "pm25"):
        assert float(air[name].isel(time=(hours == 8).values).mean()) > float(
            air[name].isel(time=(hours == 3).values).mean()
        )
        assert city.variables[name].modelled
        assert np.isfinite(air[f"{name}_sigma"]).any()
