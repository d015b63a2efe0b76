"""Samples of streets, timetables and what moves on them."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import osmium
from osmium.osm.mutable import Node, Relation, Way

from layers.options import ReadOptions
from tests.layers.samples.model import Sample

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["FEED", "SAMPLES", "write_feed"]

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


AGENCY = "agency_id,agency_name,agency_url,agency_timezone\nA,Compagnie,http://localhost,Europe/Monaco\n"
FEED = {
    "agency.txt": AGENCY,
    "stops.txt": (
        "stop_id,stop_name,stop_lat,stop_lon\n"
        "01,Gare 海,43.738,7.419\n02,Port,43.735,7.425\n03,Larvotto,43.745,7.433\n04,Nowhere,,\n05,Zero,0,0\n"
    ),
    "routes.txt": "route_id,route_short_name,route_type\nR1,1,3\nR2,2,3\nR3,3,3\n",
    "trips.txt": (
        "route_id,service_id,trip_id,direction_id,shape_id\n"
        "R1,weekday,T1,0,S1\nR1,weekday,T2,0,S1\nR1,sunday,T3,0,S1\nR2,weekday,T4,1,\nR2,weekday,T5,1,gone\n"
        "R9,weekday,T6,1,S1\n"
    ),
    "stop_times.txt": (
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        "T1,07:00:00,07:00:00,01,1\nT1,,,02,5\nT1,07:20:00,07:21:00,03,9\n"
        "T2,07:30:00,07:30:00,01,1\nT2,,,02,5\nT2,07:50:00,07:50:00,03,9\n"
        "T3,09:00:00,09:00:00,01,1\nT3,09:30:00,09:30:00,03,2\n"
        "T4,23:50:00,23:50:00,03,1\nT4,24:30:00,24:30:00,01,2\n"
        "T1,08:00:00,08:00:00,77,12\nT8,08:00:00,08:00:00,01,1\nT4,25:61:00,25:61:00,02,3\nT4,1\n"
    ),
    "shapes.txt": (
        "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\n"
        "S1,43.745,7.433,10\nS1,43.738,7.419,2\nS1,43.735,7.425,9\nS2,43.7,7.4,1\nS2,x,7.4,2\nS3,43.7,7.4,1\n"
    ),
    "calendar.txt": (
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
        "weekday,1,1,1,1,1,0,0,20260101,20261231\nsunday,0,0,0,0,0,0,1,20260101,20261231\n"
    ),
    "calendar_dates.txt": "service_id,date,exception_type\nweekday,20260525,2\nsunday,20260525,1\n",
}


def write_feed(path: Path, tables: Mapping[str, str] = FEED, *, folder: str = "") -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in tables.items():
            archive.writestr(zipfile.ZipInfo(folder + name, (2026, 1, 1, 0, 0, 0)), text)


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
    Sample(
        format="GTFS", file="feed.zip", write=write_feed, records=5, placed=3, bounds=(7.419, 43.735, 7.433, 43.745)
    ),
    Sample(
        format="GTFS",
        file="stop_times.zip",
        write=write_feed,
        records=14,
        placed=10,
        bounds=(7.419, 43.735, 7.433, 43.745),
        options=ReadOptions(layer="stop_times"),
    ),
)
