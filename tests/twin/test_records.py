"""What became of every record: ledgers by file, repairs, colours, and quarantine read once more."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

import layers
import twin
from tests.reference.twin_cities import CITY, write_city
from twin.accounts import balanced
from twin.cli import app

MANIFEST = CITY.replace(
    "    fields: {street_id: {kind: text}, speed_kmh: {unit: km/h, min: 0, max: 130}}\n",
    """    fields:
      street_id: {kind: text, references: streets.street_id}
      speed_kmh: {unit: km/h, min: 0, max: 130, required: true}
    unique: [[street_id, chainage_m, time]]
    quality: {interval: 10min, timeliness: {green: 0.999}}
""",
).replace(
    "    time: {column: time, zone: UTC}\n",
    """    time: {column: time, zone: UTC}
    fields: {probe_kmh: {min: 0, max: 130}}
    repairs: [swap_axes, flip_sign: {column: probe_kmh}, deduplicate: {}]
""",
)


def dirty_probes(folder):
    path = folder / "probes.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    inside = [k for k, line in enumerate(lines[1:], start=1) if float(line.split(",")[0]) < 7.44][:4]
    lon, lat, time, speed = lines[inside[0]].split(",")
    lines[inside[0]] = f"{lat},{lon},{time},{speed}"
    lon, lat, time, speed = lines[inside[1]].split(",")
    lines[inside[1]] = f"{lon},{lat},{time},-{speed}"
    lon, lat, time, _ = lines[inside[2]].split(",")
    lines[inside[2]] = f"{lon},{lat},{time},999"
    lines.append(lines[inside[3]])
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [k - 1 for k in inside]


@pytest.fixture(scope="module")
def dirty(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dirty")
    path = write_city(folder, manifest=MANIFEST)
    rows = dirty_probes(folder)
    return folder, twin.build(path, out=folder / "t.twin", workers=0), rows


def test_every_layer_and_every_file_balances(dirty):
    _, city, _ = dirty
    for table in (city.ledger(), city.files()):
        assert (table["records_in"] == table["placed"] + table["quarantined"] + table["rejected"]).all()
    whole = city.files().groupby(level="layer")[["records_in", "placed", "quarantined", "rejected"]].sum()
    for name, row in whole.iterrows():
        assert row.tolist() == city.ledger().loc[name, whole.columns].tolist()
        aside = city.quarantine(name)
        assert (aside["fate"] == "quarantined").sum() == row["quarantined"]
        assert set(aside["source"]) <= set(city.layers[name].sources)


def test_an_open_sum_stops_the_build(dirty):
    _, city, _ = dirty
    info = city.layers["probes"]
    for wrong in (
        {"placed": info.placed + 1},
        {"sources": {"probes.csv": {**info.sources["probes.csv"], "placed": 0}}},
    ):
        with pytest.raises(layers.LedgerError, match="probes"):
            balanced(type(info)(**{**{k: getattr(info, k) for k in info.__dataclass_fields__}, **wrong}))


def test_repairs_are_counted_and_kept_cell_by_cell(dirty):
    _, city, rows = dirty
    assert city.layers["probes"].repairs == {"flip_sign": 1, "swap_axes": 1}
    cells = city.repairs("probes")
    assert set(cells["row"]) == set(rows[:2])
    swapped = cells[cells["rule"] == "swap_axes"].set_index("column")
    assert swapped.loc["lon", "before"] == swapped.loc["lat", "after"]
    assert swapped.loc["lon", "after"] == swapped.loc["lat", "before"]
    assert city.repairs("streets").empty
    assert rows[0] in set(city.features("probes")["row"])


def test_what_refers_to_nothing_is_set_aside_with_column_and_value(dirty):
    _, city, _ = dirty
    reasons = city.quarantine("detectors")["reason"].tolist()
    assert any("unknown_key: street_id is 's99', which is not in streets.street_id" in reason for reason in reasons)
    assert any(reason.startswith("out_of_range: speed_kmh") for reason in reasons)


def test_each_measure_has_its_counts_and_colour(dirty):
    _, city, _ = dirty
    table = city.record_quality()
    detectors = table.loc["detectors"]
    assert detectors["completeness"] == 1.0
    assert detectors["validity_of"] - detectors["validity_good"] == 2  # s99 and 999 km/h
    assert detectors["timeliness_of"] == 6 * 36  # six sites, six hours, one step in ten minutes
    assert detectors["timeliness_colour"] == "green"
    probes = table.loc["probes"]
    assert probes["uniqueness_of"] - probes["uniqueness_good"] == 1
    lost = city.quarantine("probes")["reason"].str.startswith(("outside_area", "out_of_range")).sum()
    assert probes["validity_of"] - probes["validity_good"] == lost > 1
    expected = "green" if probes["validity"] >= 0.95 else "yellow" if probes["validity"] >= 0.8 else "red"
    assert probes["validity_colour"] == probes["colour"] == expected
    assert pd.isna(probes["consistency"])
    assert table.loc["streets", "colour"] == "green"


def test_thresholds_colour_without_placing_anew(dirty):
    folder, city, _ = dirty
    path = folder / "strict.yaml"
    path.write_text(MANIFEST + "quality: {validity: {green: 0.5, yellow: 0.4}}\n", encoding="utf-8")
    again = twin.build(path, out=city.path, workers=0)
    assert again.record_quality().loc["probes", "colour"] == "green"
    run = json.loads(max((city.path / "runs").glob("*.json")).read_bytes())
    assert all(step["reused"] for step in run["steps"])


def test_a_mended_manifest_replays_the_quarantine_and_the_account_balances(dirty):
    folder, city, rows = dirty
    path = folder / "mended.yaml"
    path.write_text(MANIFEST.replace("probe_kmh: {min: 0, max: 130}", "probe_kmh: {min: 0, max: 1000}"), "utf-8")
    found = twin.replay(city, "probes", twin.read_manifest(path), reason="out_of_range")
    assert found.tried == 1
    assert found.layer.table.index.tolist() == [rows[2]]
    assert found.layer.table["probe_kmh"].tolist() == [999]
    assert found.after.placed == found.before.placed + 1
    assert found.after.records_in == found.before.records_in
    same = twin.replay(city, "probes", twin.read_manifest(folder / "city.yaml"))
    assert len(same.layer) == 0
    assert same.after.summary() == same.before.summary()  # nothing was mended, nothing moves
    built = twin.build(path, out=folder / "mended.twin", workers=0)
    assert built.layers["probes"].placed == found.after.placed
    placed = built.features("probes").loc[rows[2]].geometry
    assert placed.equals(found.layer.geometry[0])


def test_on_the_command_line(dirty):
    folder, city, rows = dirty
    run = CliRunner()
    told = run.invoke(app, ["ledger", str(city.path), "--dataset", "probes", "--reason", "out_of_range", "--json"])
    account = json.loads(told.stdout)
    assert [record["row"] for record in account["records"]] == [rows[2]]
    assert account["records"][0]["original"]["probe_kmh"] == "999"
    assert account["files"]["probes.csv"]["rejected"] == 1
    shown = run.invoke(app, ["ledger", str(city.path), "--dataset", "probes"])
    assert "repaired by swap_axes: 1" in shown.stdout
    assert run.invoke(app, ["ledger", str(city.path), "--dataset", "nothing"]).exit_code == 1
    colours = json.loads(run.invoke(app, ["quality", str(city.path), "--json"]).stdout)
    assert {line["layer"]: line["colour"] for line in colours}["streets"] == "green"
    assert "probes" in run.invoke(app, ["quality", str(city.path)]).stdout
    mended = folder / "mended2.yaml"
    mended.write_text(MANIFEST.replace("probe_kmh: {min: 0, max: 130}", "probe_kmh: {min: 0, max: 1000}"), "utf-8")
    base = ["replay", str(city.path), "probes", "--manifest", str(mended)]
    dry = json.loads(run.invoke(app, [*base, "--dry-run", "--json", "--reason", "out_of_range"]).stdout)
    assert (dry["replayed"], dry["placed"]) == (1, 1)
    assert dry["after"]["placed"] == dry["before"]["placed"] + 1
    wet = json.loads(run.invoke(app, [*base, "--workers", "0", "--json"]).stdout)
    assert wet["built"] == wet["after"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("rules: [a]", "cannot be read"),
        ("repairs: [guess]", "guess"),
        ("repairs: [{flip_sign: {}, swap_axes: {}}]", "write one rule an entry"),
        ("repairs: [respell: {column: street_id}]", "the words that it can be"),
        ("repairs: [flip_sign: {by: [x]}]", "write column"),
        ("repairs: [feet_to_metres: {column: a, related: b}]", "write between"),
        ("quality: {validity: {green: 0.5, yellow: 0.9}}", "yellow that is not above green"),
        ("fields: {street_id: {pattern: '('}}", "no regular expression"),
        ("fields: {street_id: {references: roads.id}}", "write dataset.column"),
    ],
)
def test_the_manifest_tells_what_is_wrong(tmp_path, words, told):
    path = write_city(tmp_path, manifest=CITY.replace("    show: {as: lines, colour: speed_ratio}", f"    {words}"))
    with pytest.raises(twin.ManifestError, match=r"datasets\.streets") as caught:
        twin.read_manifest(path)
    assert told in str(caught.value)
