"""Tiny cities on disk: small enough to build in seconds and to compute by hand."""

import json
import shutil
from pathlib import Path

import numpy as np

CITY = """\
city: tiny
title: {en: Tiny, zh: 小城}
resolution: 11
area: [7.40, 43.72, 7.44, 43.75]
clock: {start: "2026-06-16T00:00", end: "2026-06-16T06:00", step: 30min, zone: Europe/Monaco}
root: "."
datasets:
  detectors:
    path: detectors.csv
    domain: transport
    owner: Roads
    licence: ODbL-1.0
    level: internal
    position: {along: streets, key: street_id, columns: [street_id, chainage_m], unit: metre, sigma_m: 8}
    time: {column: time, zone: Europe/Monaco}
    site: [street_id, chainage_m]
    support: reference
    fields: {street_id: {kind: text}, speed_kmh: {unit: km/h, min: 0, max: 130}}
    variables:
      speed_kmh: {kind: intensive, unit: km/h, by: length, sigma: sigma_kmh, title: {en: Speed, zh: 车速}}
      speed_ratio: {kind: intensive, unit: "1", by: length, derive: {ratio: speed_kmh, quantile: 0.85}}
  streets:
    path: streets.geojson
    domain: transport
    owner: Maps
    licence: ODbL-1.0
    level: public
    show: {as: lines, colour: speed_ratio}
  people:
    path: people.geojson
    domain: society
    owner: Statistics
    licence: CC0-1.0
    level: public
    variables:
      population: {kind: extensive, unit: "1", by: area, sigma: doubt}
      quarter: {kind: categorical, unit: "1", by: area}
  air:
    path: air.csv
    domain: environment
    owner: Air
    licence: CC0-1.0
    level: public
    modelled: true
    position: {definition: EPSG:4326, columns: [lon, lat], sigma_m: 5}
    time: {column: time, zone: Europe/Monaco}
    site: station
    fields: {station: {kind: text}}
    variables:
      no2: {kind: intensive, unit: ug/m3, field: kriging}
  probes:
    path: probes.csv
    domain: transport
    owner: Fleet
    licence: CC0-1.0
    level: sensitive
    position: {definition: EPSG:4326, columns: [lon, lat], sigma_m: 5}
    time: {column: time, zone: UTC}
    variables:
      probe_kmh: {kind: intensive, unit: km/h, by: count}
"""

STATIONS = 10


def write_city(folder: Path, *, manifest: str = CITY, seed: int = 1) -> Path:
    """Write the files of a city with streets, detectors, squares of people, air stations and probes."""
    rng = np.random.default_rng(seed)
    _streets(folder / "streets.geojson")
    _people(folder / "people.geojson")
    _detectors(folder / "detectors.csv", rng)
    _air(folder / "air.csv", rng)
    _probes(folder / "probes.csv", rng)
    path = folder / "city.yaml"
    path.write_text(manifest, encoding="utf-8")
    return path


def copy_city(built: Path, folder: Path, name: str) -> Path:
    """Put a city and its twin into a folder of one's own, as if it had been built there; return its manifest."""
    for path in built.parent.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    shutil.copytree(built, folder / name)
    return folder / "city.yaml"


def _geojson(path: Path, features: list[dict]) -> None:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")


def _feature(kind: str, coordinates: list, **properties: object) -> dict:
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": properties}


def _streets(path: Path) -> None:
    lines = [[[7.410, 43.725 + 0.002 * n], [7.420, 43.726 + 0.002 * n], [7.430, 43.725 + 0.002 * n]] for n in range(8)]
    _geojson(path, [_feature("LineString", line, street_id=f"s{n}") for n, line in enumerate(lines)])


def _people(path: Path) -> None:
    features = []
    for i in range(4):
        for j in range(3):
            west, south = 7.405 + 0.006 * i, 43.725 + 0.006 * j
            ring = [
                [west, south],
                [west + 0.006, south],
                [west + 0.006, south + 0.006],
                [west, south + 0.006],
                [west, south],
            ]
            people = None if (i, j) == (3, 2) else 10 * i + j
            told = {"population": people, "doubt": 1 + i, "quarter": "old" if i < 2 else "new"}
            features.append(_feature("Polygon", [ring], **told))
    _geojson(path, features)


def _detectors(path: Path, rng: np.random.Generator) -> None:
    rows = ["street_id,chainage_m,time,speed_kmh,sigma_kmh"]
    for street in range(5):
        for chainage in (100, 700) if street == 0 else (250,):
            for minute in range(0, 7 * 60, 10):  # the last hour lies beyond the clock
                speed = round(30 + 10 * np.sin(minute / 50 + street) + rng.normal(), 1)
                rows.append(
                    f"s{street},{chainage},2026-06-16 {minute // 60:02d}:{minute % 60:02d},{speed},{1 + minute / 100}"
                )
    rows.append("s99,10,2026-06-16 00:00,30,1")  # no such street
    rows.append("s1,250,2026-06-16 00:05,999,1")  # no such speed
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def _air(path: Path, rng: np.random.Generator) -> None:
    rows = ["station,lon,lat,time,no2"]
    for station in range(STATIONS):
        lon, lat = 7.405 + 0.03 * rng.random(), 43.723 + 0.024 * rng.random()
        for hour in range(6):
            value = "" if station == 3 and hour == 2 else f"{20 + 300 * (lon - 7.4) + 3 * hour + rng.normal():.2f}"
            rows.append(f"a{station},{lon:.6f},{lat:.6f},2026-06-16 {hour:02d}:00,{value}")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def _probes(path: Path, rng: np.random.Generator) -> None:
    rows = ["lon,lat,time,probe_kmh"]
    for _ in range(200):
        minute = int(rng.integers(0, 6 * 60))  # from 02:00 local time on, up to two hours beyond the clock
        lon, lat = 7.40 + 0.05 * rng.random(), 43.72 + 0.03 * rng.random()  # a fifth of them east of the area
        rows.append(f"{lon:.6f},{lat:.6f},2026-06-16T{minute // 60:02d}:{minute % 60:02d}:00Z,{rng.integers(5, 60)}")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
