"""Samples of streets, timetables and what moves on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import osmium
from osmium.osm.mutable import Node, Relation, Way

from layers.options import ReadOptions
from tests.layers.samples.model import Sample

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SAMPLES"]

NODES = {1: (7.41, 43.73), 2: (7.42, 43.73), 3: (7.42, 43.74), 4: (7.41, 43.74), 5: (7.415, 43.735)}
WAYS = (
    Way(id=10, nodes=[1, 2, 3], tags={"highway": "primary", "name": "Boulevard des Moulins 海", "lanes": "2"}),
    Way(id=11, nodes=[3, 4], tags={"highway": "residential", "note": 'with "quotes"'}),
    Way(id=12, nodes=[4, 99], tags={"highway": "service"}),  # leads out of the extract
    Way(id=13, nodes=[1, 2, 3, 4, 1], tags={"building": "yes", "height": "12"}),
    Way(id=14, nodes=[1, 2, 3, 4, 1], tags={"highway": "pedestrian", "area": "yes"}),
    Way(id=15, nodes=[1, 2]),
    Way(id=16, nodes=[1, 3, 2, 4, 1], tags={"building": "yes"}),  # crosses itself
)
RELATIONS = (
    Relation(id=20, members=[("w", 13, "outer")], tags={"type": "multipolygon", "landuse": "residential"}),
    Relation(id=21, members=[("w", 98, "outer")], tags={"type": "multipolygon", "natural": "water"}),
)


def _write_osm(path: Path) -> None:
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        for number, place in NODES.items():
            tags = {"amenity": "cafe"} if number == 5 else {"created_by": "x"} if number == 4 else {}
            writer.add_node(Node(id=number, location=place, tags=tags))
        for way in WAYS:
            writer.add_way(way)
        for relation in RELATIONS:
            writer.add_relation(relation)


_ROADS = {"records": 3, "placed": 2, "bounds": (7.41, 43.73, 7.42, 43.74)}

SAMPLES: tuple[Sample, ...] = (
    Sample(format="OSM PBF", file="streets.osm.pbf", write=_write_osm, **_ROADS),
    Sample(
        format="OSM PBF",
        file="areas.osm.pbf",
        write=_write_osm,
        records=5,
        placed=3,
        bounds=(7.41, 43.73, 7.42, 43.74),
        options=ReadOptions(layer="areas"),
    ),
    Sample(format="OSM XML", file="streets.osm", write=_write_osm, **_ROADS),
)
