"""A tiny city in which files come without a definition, or with a wrong one."""

import json
from pathlib import Path

import numpy as np

import crs

AREA = (114.00, 22.50, 114.06, 22.56)
#: Parameters of an old datum as a survey office might give them; no published operation is near.
OWN_SHIFT = {"parameters": [-60.0, -154.4, -20.0], "accuracy_m": 1, "source": "survey office"}
HEAD = """\
city: undeclared
resolution: 10
area: [114.00, 22.50, 114.06, 22.56]
clock: {start: "2026-06-16T00:00", end: "2026-06-16T01:00", step: 30min, zone: Asia/Shanghai}
datasets:
  streets: {path: streets.geojson, domain: transport, owner: Maps, licence: CC0-1.0, level: public, position: OGC:CRS84}
"""


def entry(name, position, *, path, more=""):
    """Write a dataset of the manifest, the position on a line of its own."""
    said = f"    position: {position}\n" if position else ""
    head = f"  {name}:\n    path: {path}\n    domain: transport\n    owner: Fleet\n"
    return f"{head}    licence: CC0-1.0\n    level: public\n{said}{more}"


def write_undeclared(folder: Path, *entries: str, head: str = HEAD, seed: int = 7) -> Path:
    """Write streets of all directions, and positions on them as various departments write them."""
    draw = np.random.default_rng(seed)
    lines = _streets(draw)
    _write_streets(folder / "streets.geojson", lines)
    lon, lat = _on(lines, 120, draw)
    for name, definition in (("gcj", "GCJ-02"), ("bd", "BD-09"), ("wgs", "OGC:CRS84"), ("zone", "EPSG:4547")):
        x, y = crs.transform(lon, lat, source="OGC:CRS84", target=definition)
        digits = 2 if definition == "EPSG:4547" else 6
        _write_table(folder / f"{name}.csv", x, y, digits=digits)
    _write_table(folder / "few.csv", lon[:4], lat[:4], digits=6)
    x, y = crs.transform(lon, lat, source="OGC:CRS84", target="GCJ-02")
    _write_points(folder / "labelled.geojson", x, y, label="EPSG:4326")
    _write_points(folder / "swapped.geojson", y, x, label=None)
    x, y = crs.transform(lon, lat, source="OGC:CRS84", target={"definition": "EPSG:4214", "shift": OWN_SHIFT})
    _write_table(folder / "old.csv", x, y, digits=6)
    _write_mixed(folder / "mixed.csv", lon, lat)
    path = folder / "city.yaml"
    path.write_text(head + "".join(entries), encoding="utf-8")
    return path


def _write_mixed(path, lon, lat):
    """Two vendors write GCJ-02 and WGS 84 into one file; of a third there are three records, too few to tell."""
    x, y = crs.transform(lon, lat, source="OGC:CRS84", target="GCJ-02")
    rows = [f"{n},a,{x[n]:.6f},{y[n]:.6f}" for n in range(60)]
    rows += [f"{n},b,{lon[n]:.6f},{lat[n]:.6f}" for n in range(60, 117)]
    rows += [f"{n},c,{x[n] + 0.002:.6f},{y[n] + 0.002:.6f}" for n in range(117, 120)]
    path.write_text("\n".join(["id,source,x,y", *rows]) + "\n", encoding="utf-8")


def _streets(draw):
    middle = np.column_stack([draw.uniform(114.008, 114.052, 60), draw.uniform(22.508, 22.552, 60)])
    angle = draw.uniform(0, np.pi, 60)
    half = 0.005 * np.column_stack([np.cos(angle), np.sin(angle)])
    return np.stack([middle - half, middle + half], axis=1)


def _on(lines, count, draw):
    chosen = lines[draw.integers(0, len(lines), count)]
    part = draw.uniform(0, 1, (count, 1))
    places = chosen[:, 0] * (1 - part) + chosen[:, 1] * part + draw.normal(0, 4 / 111_000, (count, 2))
    return places[:, 0], places[:, 1]


def _write_streets(path, lines):
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "LineString", "coordinates": line.tolist()},
            "properties": {"street_id": f"s{number}"},
        }
        for number, line in enumerate(lines)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")


def _write_points(path, x, y, *, label):
    features = [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [float(a), float(b)]}, "properties": {"id": n}}
        for n, (a, b) in enumerate(zip(x, y, strict=True))
    ]
    tree = {"type": "FeatureCollection", "features": features}
    if label:
        tree["crs"] = {"type": "name", "properties": {"name": label}}
    path.write_text(json.dumps(tree), encoding="utf-8")


def _write_table(path, x, y, *, digits):
    rows = [f"{n},{a:.{digits}f},{b:.{digits}f}" for n, (a, b) in enumerate(zip(x, y, strict=True))]
    path.write_text("\n".join(["id,x,y", *rows]) + "\n", encoding="utf-8")
