"""From city.yaml to the twin: what transport offices send, each with the words that its file needs."""

import pytest
import shapely

import twin
from tests.layers.samples.transport import DATEX, GPX, MEANS, NETWORK, SAMPLES, VEHICLES, write_feed, write_message

CITY = """
city: moving
resolution: 9
area: [7.3, 43.6, 7.6, 43.9]
clock: {start: "2026-03-30T00:00", end: "2026-03-31T00:00", step: 1h, zone: Europe/Monaco}
datasets:
  roads: {path: streets.osm.pbf, ENTRY, read: {tags: {highway: [primary, residential]}}}
  blocks: {path: streets.osm.pbf, ENTRY, read: {layer: areas, tags: {building: []}}}
  stops: {path: feed.zip, ENTRY}
  lines: {path: feed.zip, ENTRY, read: {layer: routes, day: 2026-03-30}}
  timetable:
    path: feed.zip
    ENTRY_LINES
    read: {layer: stop_times, day: 2026-03-30}
    time: {column: departure, zone: UTC}
  waits: {path: feed.zip, ENTRY, read: {layer: headways, day: 2026-03-30}}
  delays: {path: message.pb, ENTRY, read: {layer: trip_updates},
           position: {register: stops, key: stop_id, columns: [stop_id]}}
  buses: {path: message.pb, ENTRY, read: {layer: vehicles}}
  runs: {path: run.gpx, ENTRY, read: {layer: tracks}}
  edges: {path: streets.net.xml, ENTRY}
  simulated: {path: fcd.xml, ENTRY}
  means: {path: means.xml, ENTRY, position: {register: edges, key: id, columns: [id]}}
  sites: {path: sites.csv, ENTRY, position: {definition: EPSG:4326, columns: [lon, lat]}}
  loops:
    path: loops.csv
    ENTRY_LINES
    position: {register: sites, key: site, columns: [loop]}
    read: {wide: {variable: vehicles, columns: '^h(\\d\\d)$', into: hour, stamp: "{date} {hour}:00"}}
    time: {column: stamp, zone: Europe/Monaco}
    site: loop
    fields: {vehicles: {min: 0, unit: "1"}}
    variables:
      vehicles: {kind: extensive, unit: "1", by: count}
  speeds:
    path: datex.xml
    ENTRY_LINES
    position: {register: sites, key: site, columns: [site]}
    read:
      xml:
        records: siteMeasurements/measuredValue
        fields:
          site: ../measurementSiteReference/@id
          time: ../measurementTimeDefault
          speed: measuredValue/basicData/averageVehicleSpeed/speed
    time: {column: time, zone: UTC}
"""
ENTRY = "domain: transport, owner: office, licence: none, level: public"
#: placed, quarantined and rejected of each dataset.
ACCOUNT = {
    "roads": (2, 0, 0),
    "blocks": (1, 1, 0),
    "stops": (3, 2, 0),
    "lines": (2, 1, 0),
    "timetable": (7, 4, 3),  # 24:30 of Monday is no longer in the city's day
    "waits": (3, 0, 4),
    "delays": (2, 1, 1),
    "buses": (1, 1, 1),
    "runs": (1, 1, 0),
    "edges": (2, 1, 1),
    "simulated": (2, 1, 0),
    "means": (2, 1, 0),
    "sites": (4, 0, 0),
    "loops": (3, 1, 0),
    "speeds": (3, 1, 0),
}


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    folder = tmp_path_factory.mktemp("city")
    samples = {sample.file: sample for sample in SAMPLES}
    samples["streets.osm.pbf"].write(folder / "streets.osm.pbf")
    write_feed(folder / "feed.zip")
    write_message(folder / "message.pb")
    texts = {
        "run.gpx": GPX,
        "streets.net.xml": NETWORK,
        "fcd.xml": VEHICLES,
        "means.xml": MEANS,
        "datex.xml": DATEX,
        "sites.csv": "site,lon,lat\nA,7.41,43.73\nB,7.42,43.74\nS1,7.43,43.73\nS2,7.43,43.74\n",
        "loops.csv": "loop,date,h07,h08\nA,2026-03-30,12,20\nB,2026-03-30,3,-1\n",
        "city.yaml": CITY.replace("ENTRY_LINES", ENTRY.replace(", ", "\n    ")).replace("ENTRY", ENTRY),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return twin.build(folder / "city.yaml", out=folder / "moving.twin", workers=0)


def test_every_record_is_accounted_for(city):
    ledger = city.ledger()
    found = {name: tuple(ledger.loc[name, ["placed", "quarantined", "rejected"]]) for name in ACCOUNT}
    assert found == ACCOUNT


def test_places_and_values_arrive(city):
    roads = city.features("roads")
    assert roads["name"].dropna().tolist() == ["Boulevard des Moulins 海"]
    assert set(city.features("lines").geometry.geom_type) == {"MultiLineString"}
    waits = city.features("waits").set_index("stop_id")
    assert waits["headway_s"]["01"] == 1800
    delays = city.features("delays")
    assert shapely.get_coordinates(delays.geometry.array).tolist() == [[7.419, 43.738], [7.425, 43.735]]
    cube = city.cube(["vehicles"], resolution=9)
    assert float(cube["vehicles"].sum()) == 35


def test_the_words_are_in_the_schema_for_editors():
    told = twin.json_schema()["$defs"]["ReadSpec"]["properties"]
    assert {"tags", "day", "wide", "xml"} <= set(told)


def test_a_word_that_is_none_is_told_with_its_line(tmp_path):
    wrong = f"datasets:\n  loops: {{path: a.csv, {ENTRY}, read: {{wide: {{variable: v}}}}}}\n"
    text = CITY.partition("datasets:")[0] + wrong
    (tmp_path / "a.csv").write_text("a\n1\n")
    (tmp_path / "city.yaml").write_text(text)
    with pytest.raises(twin.ManifestError, match=r"yaml:7: datasets\.loops\.read\.wide\.columns"):
        twin.read_manifest(tmp_path / "city.yaml")
