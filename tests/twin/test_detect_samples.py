"""The embedded cities with a declaration struck out, and with a false one."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

import twin

SAMPLES = Path(__file__).resolve().parents[2] / "data_samples"


def write_monaco(folder, *names, **changed):
    return write_sample(folder, "monaco", *names, **changed)


def write_sample(folder, sample, *names, **changed):
    """Copy a sample's city.yaml with some of its datasets, and other words for some of them."""
    tree = YAML(typ="safe").load((SAMPLES / sample / "city.yaml").read_text(encoding="utf-8"))
    datasets = {name: {**tree["datasets"][name], **changed.get(name, {})} for name in names}
    for dataset in datasets.values():  # streets are coloured by what is measured on others
        dataset.pop("show", None)
    tree |= {"root": str(SAMPLES / sample), "resolution": 10, "datasets": datasets}
    for word in ("view", "tour", "fusion"):  # they name datasets that are left out here
        tree.pop(word, None)
    path = folder / "city.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(tree, file)
    return path


def test_stations_too_few_to_tell_are_set_aside_and_the_city_is_built(tmp_path):
    struck_out = {"position": {"detect": {"reference": "streets", "columns": ["latitude", "longitude"]}}}
    path = write_monaco(tmp_path, "streets", "air_stations", air_stations=struck_out)
    city = twin.build(path, out=tmp_path / "t.twin", workers=0)
    air = city.layers["air_stations"]
    assert (air.status, air.placed, air.quarantined) == ("ambiguous", 0, air.records_in)
    assert dict(air.reasons) == {"quarantined:position_ambiguous": air.records_in}
    labels = [one["label"] for one in air.evidence["candidates"]]
    assert "OGC:CRS84, latitude first, dms" in labels  # what the sample declares is among the candidates
    assert air.evidence["settle"]
    assert city.layers["streets"].placed > 0
    assert city.variables["no2"].method.startswith("no field")
    assert city.verify() == []


def probes(definition, **more):
    said = {"definition": definition, "notation": "nmea", "axes": "lat,lon", "columns": ["latitude", "longitude"]}
    return {"position": said, "evidence": "streets", **more}


def test_vehicles_declared_in_an_old_datum_stop_the_build_unless_that_is_to_be_trusted(tmp_path):
    path = write_monaco(tmp_path, "streets", "probes", probes=probes("EPSG:4275"))
    with pytest.raises(twin.BuildError) as caught:
        twin.build(path, out=tmp_path / "t.twin", workers=0)
    text = str(caught.value)
    assert "datasets.probes.position declares EPSG:4275, axes lat,lon, nmea" in text
    assert "streets shows OGC:CRS84, latitude first, nmea with >99.9 %" in text
    assert (
        "Write position: {definition: OGC:CRS84, axes: 'lat,lon', notation: nmea, columns: [latitude, longitude]}"
        in text
    )
    path = write_monaco(tmp_path, "streets", "probes", probes=probes("EPSG:4275", trust="declared"))
    layer = twin.build(path, out=tmp_path / "t.twin", workers=0).layers["probes"]
    assert (layer.position, layer.trust, layer.evidence["outcome"]) == ("EPSG:4275", "declared", "contradicts")


def test_an_equivalent_declaration_is_no_contradiction(tmp_path):
    path = write_monaco(tmp_path, "streets", "probes", probes=probes("EPSG:4171"))  # RGF93, where WGS 84 is expected
    layer = twin.build(path, out=tmp_path / "t.twin", workers=0).layers["probes"]
    assert (layer.position, layer.evidence["outcome"]) == ("EPSG:4171", "agrees")


def test_vehicles_declared_as_the_map_of_a_vendor_stop_the_second_city(tmp_path):
    """Receivers report WGS 84; a contract that says GCJ-02 would move every vehicle by half a kilometre."""
    said = {"definition": "GCJ-02", "columns": ["lon_1e6", "lat_1e6"], "unit": "1e-6 degree", "sigma_m": 5}
    path = write_sample(tmp_path, "shenzhen", "streets", "vehicles", vehicles={"position": said, "evidence": "streets"})
    with pytest.raises(
        twin.BuildError, match=r"vehicles\.position declares GCJ-02.*streets shows OGC:CRS84, in 1e-6 degree with"
    ) as caught:
        twin.build(path, out=tmp_path / "t.twin", workers=0)
    assert "trust: declared" in str(caught.value)
