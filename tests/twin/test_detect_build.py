"""Positions that nobody declares, or that are declared wrongly, on their way through a build."""

import json

import pytest

import twin
from tests.reference.undeclared_city import HEAD, OWN_SHIFT, entry, write_undeclared

DETECT = "{detect: {reference: streets, columns: [x, y], sigma_m: 5}}"
EVIDENCE = "    evidence: streets\n"
TRUST = "    trust: declared\n"


def faults_of(folder, *entries, head=HEAD):
    path = write_undeclared(folder, *entries, head=head)
    with pytest.raises(twin.ManifestError) as caught:
        twin.read_manifest(path)
    return {fault.where: fault for fault in caught.value.faults}, path.read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undeclared")
    path = write_undeclared(
        folder,
        entry("gcj", DETECT, path="gcj.csv"),
        entry("few", DETECT, path="few.csv"),
        entry("swapped", "{detect: {reference: streets}}", path="swapped.geojson"),
        entry("labelled", "GCJ-02", path="labelled.geojson", more=TRUST + EVIDENCE),
        entry("mixed", "{detect: {reference: streets, columns: [x, y], groups: source}}", path="mixed.csv"),
        entry("bare", "detect", path="labelled.geojson"),
        entry("hung", "{detect: {reference: few}}", path="swapped.geojson"),
        entry("posts", "{register: few, key: id, columns: [id]}", path="gcj.csv"),
    )
    return twin.build(path, out=folder / "undeclared.twin", workers=0)


def test_a_definition_is_found_and_the_evidence_kept(city):
    layer = city.layers["gcj"]
    assert (layer.position, layer.status, layer.placed) == ("GCJ-02", "detected", 120)
    assert layer.evidence["reference"] == "streets"
    assert layer.evidence["probability"] >= 0.99
    assert any("position found: GCJ-02" in step and "by streets" in step for step in layer.notes["steps"])
    row = city.ledger().loc["gcj"]
    assert (row["status"], row["probability"]) == ("detected", layer.evidence["probability"])
    features, streets = city.features("gcj").to_crs(4547), city.features("streets").to_crs(4547)
    metres = features.geometry.distance(streets.union_all())
    assert metres.median() < 10  # GCJ-02 read as WGS 84 would be 500 m off
    assert (features["sigma_m"] > 5).all()  # the stated accuracy, and that of the formula


def test_geometries_written_y_first_are_turned(city):
    layer = city.layers["swapped"]
    assert (layer.position, layer.status, layer.placed) == ("GCJ-02", "detected", 120)
    assert any("y first" in step for step in layer.notes["steps"])


def test_a_layer_below_the_asked_for_confidence_is_set_aside_whole_and_the_build_goes_on(city):
    layer = city.layers["few"]
    assert (layer.position, layer.status) == ("ambiguous", "ambiguous")
    assert (layer.records_in, layer.placed, layer.quarantined) == (4, 0, 4)
    assert dict(layer.reasons) == {"quarantined:position_ambiguous": 4}
    aside = city.quarantine("few")
    assert aside["x"].notna().all()  # as it came
    assert aside["reason"].str.contains("at least 5 distinct positions, found 4").all()
    assert layer.operation == "none"


def test_without_a_reference_nothing_is_named_and_the_verdict_says_what_would(city):
    layer = city.layers["bare"]
    assert (layer.status, layer.placed) == ("ambiguous", 0)
    assert any("reference layer of the same kind" in text for text in layer.evidence["settle"])


def test_what_refers_to_a_layer_that_was_set_aside_is_set_aside_with_the_cause(city):
    assert city.layers["posts"].placed == 0
    assert set(city.layers["posts"].reasons) == {"quarantined:unknown_key"}
    hung = city.layers["hung"]
    assert (hung.status, hung.placed) == ("ambiguous", 0)
    assert any("few has no placed record" in text for text in hung.evidence["settle"])


def test_a_declared_position_may_overrule_the_label_of_its_file_and_that_is_recorded(city):
    layer = city.layers["labelled"]
    assert (layer.position, layer.status, layer.trust, layer.placed) == ("GCJ-02", "declared", "declared", 120)
    assert any("own label, EPSG:4326, is overruled" in step for step in layer.notes["steps"])
    assert layer.evidence["outcome"] == "agrees"


def test_groups_are_placed_by_their_own_definition_and_open_ones_set_aside(city):
    layer = city.layers["mixed"]
    assert layer.status == "detected"
    assert set(layer.evidence["names"]) == {"GCJ-02", "OGC:CRS84"}
    found = {one["group"]: one for one in layer.evidence["groups"]}
    assert (found["a"]["found"], found["b"]["found"]) == ({"GCJ-02": 60}, {"OGC:CRS84": 57})
    assert (layer.placed, layer.quarantined) == (117, 3)
    aside = city.quarantine("mixed")
    assert set(aside["source_"]) == {"c"}
    assert aside["reason"].str.match("position_(ambiguous|unknown): group c is").all()
    features, streets = city.features("mixed").to_crs(4547), city.features("streets").to_crs(4547)
    metres = features.geometry.distance(streets.union_all())
    assert metres[features["source"] == "a"].median() < 10
    assert metres[features["source"] == "b"].median() < 10


def test_groups_of_lines_are_refused_with_what_to_do(tmp_path):
    wanted = "{detect: {reference: cars, groups: street_id}}"
    path = write_undeclared(
        tmp_path,
        entry("cars", "{definition: EPSG:4326, columns: [x, y]}", path="wgs.csv"),
        entry("lines", wanted, path="streets.geojson"),
    )
    with pytest.raises(twin.BuildError, match="needs points, found lines"):
        twin.build(path, out=tmp_path / "t.twin", workers=0)


def test_all_records_are_accounted_for(city):
    ledger = city.ledger()
    assert (ledger["records_in"] == ledger["placed"] + ledger["quarantined"] + ledger["rejected"]).all()


def test_a_declaration_that_the_evidence_contradicts_stops_the_build_with_both_named(tmp_path):
    wrong = "{definition: EPSG:4326, columns: [x, y]}"
    path = write_undeclared(tmp_path, entry("cars", wrong, path="gcj.csv", more=EVIDENCE))
    line = next(n for n, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if wrong in text)
    with pytest.raises(twin.BuildError) as caught:
        twin.build(path, out=tmp_path / "t.twin", workers=0)
    text = str(caught.value)
    assert f"city.yaml:{line}: datasets.cars.position declares EPSG:4326, but streets shows GCJ-02 with" in text
    assert "Write position: {definition: GCJ-02, columns: [x, y]}" in text
    assert "trust: declared" in text
    path.write_text(path.read_text(encoding="utf-8").replace(EVIDENCE, EVIDENCE + TRUST), encoding="utf-8")
    layer = twin.build(path, out=tmp_path / "t.twin", workers=0).layers["cars"]
    assert (layer.position, layer.trust, layer.evidence["outcome"]) == ("EPSG:4326", "declared", "contradicts")
    assert layer.evidence["found"] == "GCJ-02"
    assert any("overruled by EPSG:4326 (trust: declared)" in step for step in layer.notes["steps"])


def test_a_datum_with_the_citys_own_parameters_is_confirmed(tmp_path):
    own = "{definition: EPSG:4214, columns: [x, y], shift: " + json.dumps(OWN_SHIFT) + "}"
    path = write_undeclared(tmp_path, entry("wells", own, path="old.csv", more=EVIDENCE))
    layer = twin.build(path, out=tmp_path / "t.twin", workers=0).layers["wells"]
    assert (layer.position, layer.evidence["outcome"]) == ("EPSG:4214", "agrees")


def test_a_label_that_contradicts_the_position_is_refused_without_trust(tmp_path):
    path = write_undeclared(tmp_path, entry("cars", "GCJ-02", path="labelled.geojson"))
    with pytest.raises(twin.BuildError, match="trust: declared"):
        twin.build(path, out=tmp_path / "t.twin", workers=0)


def test_words_about_detection_are_checked_with_their_lines(tmp_path):
    faults, text = faults_of(
        tmp_path,
        entry("a", "{detect: {reference: roads, confidence: 3, colums: [x, y]}}", path="gcj.csv"),
        entry("b", "{detect: {columns: [x]}}", path="gcj.csv"),
        entry("c", "detect", path="gcj.csv", more=EVIDENCE + TRUST),
        entry("d", "{detect: {candidates: [GCJ-2002]}}", path="gcj.csv"),
        entry("e", "{register: streets, key: street_id, columns: [id]}", path="gcj.csv", more=EVIDENCE),
        entry("f", "OGC:CRS84", path="gcj.csv", more="    evidence: roads\n    trust: me\n"),
    )
    assert {fault.line for where, fault in faults.items() if where.startswith("datasets.a.")} == {
        next(n for n, line in enumerate(text, 1) if "colums" in line)
    }
    assert "`columns:`" in faults["datasets.a.position.detect.colums"].remedy
    assert "datasets.a.position.detect.confidence" in faults
    assert "two columns" in faults["datasets.b.position.detect"].remedy
    assert "reference" in faults["datasets.c.evidence"].remedy
    assert "remove it" in faults["datasets.c.trust"].remedy
    assert "GCJ-2002" in faults["datasets.d.position.detect.candidates"].found
    assert "two columns" in faults["datasets.e.evidence"].remedy
    assert "declared" in faults["datasets.f.trust"].remedy


def test_references_that_are_no_datasets_are_faults_where_they_stand(tmp_path):
    faults, _ = faults_of(
        tmp_path,
        entry("a", "{detect: {reference: roads}}", path="swapped.geojson"),
        entry("b", "OGC:CRS84", path="swapped.geojson", more="    evidence: roads\n"),
        entry("c", "OGC:CRS84", path="swapped.geojson", more="    evidence: d\n"),
        entry("d", "{detect: {reference: c}}", path="swapped.geojson"),
    )
    assert "'roads'" in faults["datasets.a.position"].found
    assert "'roads'" in faults["datasets.b.evidence"].found
    assert any("circle" in fault.found for fault in faults.values())


PROFILE = """\
profile:
  cites: ["Specification of the survey office, 2019 edition, section 4"]
  definition: EPSG:4547
  axes: north,east
  sigma_m: 2
  vertical: EPSG:5737
  epoch: 2000.0
datasets:
"""


def test_the_profile_says_what_datasets_do_not(tmp_path):
    path = write_undeclared(
        tmp_path,
        entry("silent", "{columns: [y, x]}", path="zone.csv"),
        entry("own", "{columns: [x, y], axes: 'east,north', sigma_m: 9}", path="zone.csv"),
        entry("other", "{definition: GCJ-02, columns: [x, y]}", path="gcj.csv"),
        entry("unsaid", None, path="labelled.geojson"),
        head=HEAD.replace("datasets:\n", PROFILE),
    )
    spec = twin.read_manifest(path).spec
    assert spec.datasets["silent"].position == {
        "definition": "EPSG:4547",
        "axes": "north,east",
        "sigma_m": 2,
        "vertical": "EPSG:5737",
        "epoch": 2000.0,
        "columns": ["y", "x"],
    }
    assert spec.datasets["other"].position["epoch"] == 2000.0
    assert "sigma_m" not in spec.datasets["other"].position  # accuracy goes with the definition
    city = twin.build(path, out=tmp_path / "t.twin", workers=0)
    assert city.profile["cites"] == ["Specification of the survey office, 2019 edition, section 4"]
    layers = city.layers
    assert [layers[name].position for name in ("silent", "own", "other", "unsaid")] == [
        "EPSG:4547",
        "EPSG:4547",
        "GCJ-02",
        "EPSG:4326",
    ]  # the label inside the last file is nearer than the profile
    assert (layers["silent"].placed, layers["own"].placed) == (120, 120)
    assert 2 < city.features("silent")["sigma_m"].median() < 4
    assert city.features("own")["sigma_m"].median() > 9


def test_a_profile_without_sense_is_a_fault_on_its_line(tmp_path):
    faults, text = faults_of(
        tmp_path, head=HEAD.replace("datasets:", "profile: {axes: 'north,east', epoch: 12}\ndatasets:")
    )
    assert faults["profile.axes"].line == next(n for n, line in enumerate(text, 1) if line.startswith("profile"))
    assert "definition" in faults["profile.axes"].remedy
    assert "12" in faults["profile"].remedy
    faults, _ = faults_of(tmp_path, head=HEAD.replace("datasets:", "profile: {definition: EPSG:1}\ndatasets:"))
    assert "EPSG:1" in faults["profile"].remedy


def test_the_schema_for_editors_knows_the_new_words():
    tree = json.loads(json.dumps(twin.json_schema()))
    dataset = tree["$defs"]["DatasetSpec"]["properties"]
    assert {"evidence", "trust"} <= set(dataset)
    assert set(tree["$defs"]["DetectSpec"]["properties"]) >= {"reference", "columns", "confidence", "groups"}
