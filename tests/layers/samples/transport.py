"""Samples of streets, timetables and what moves on them."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import osmium
from google.transit.gtfs_realtime_pb2 import FeedMessage
from osmium.osm.mutable import Node, Relation, Way

from layers.options import ReadOptions, Wide, XmlTable
from tests.layers.samples.model import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = [
    "DATEX",
    "DATEX_TABLE",
    "FEED",
    "GPX",
    "MEANS",
    "NETWORK",
    "SAMPLES",
    "VEHICLES",
    "write_feed",
    "write_message",
]

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


def write_message(path: Path) -> None:
    """Three vehicles, of which one has no place and one is withdrawn; two late stops; one alert about two routes."""
    message = FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.timestamp = 1_780_000_000
    for number, place in (("1", (7.42, 43.73)), ("2", None)):
        entity = message.entity.add(id=number)
        entity.vehicle.trip.trip_id = "T1"
        entity.vehicle.vehicle.id = f"bus {number} 海"
        entity.vehicle.timestamp = 1_780_000_000
        if place:
            entity.vehicle.position.longitude, entity.vehicle.position.latitude = place
            entity.vehicle.position.speed = 8.5
    message.entity.add(id="3", is_deleted=True)
    update = message.entity.add(id="4").trip_update
    update.trip.trip_id = "T1"
    update.stop_time_update.add(stop_id="01", stop_sequence=1).arrival.delay = 120
    update.stop_time_update.add(stop_id="02", stop_sequence=5).departure.time = 1_780_000_600
    cancelled = message.entity.add(id="5").trip_update
    cancelled.trip.trip_id = "T2"
    cancelled.trip.schedule_relationship = cancelled.trip.CANCELED
    alert = message.entity.add(id="6").alert
    alert.header_text.translation.add(text="Works", language="en")
    alert.header_text.translation.add(text="施工", language="zh")
    alert.active_period.add(start=1_780_000_000)
    alert.effect = alert.DETOUR
    alert.informed_entity.add(route_id="R1")
    alert.informed_entity.add(route_id="R2", stop_id="01")
    path.write_bytes(message.SerializeToString(deterministic=True))


GPX = """<?xml version="1.0" encoding="UTF-8"?>
<gpx version="1.1" creator="us" xmlns="http://www.topografix.com/GPX/1/1">
  <wpt lat="43.73" lon="7.42"><ele>12.5</ele><name>Gare 海</name></wpt>
  <wpt lat="91" lon="7.42"><name>off</name></wpt>
  <rte><name>way</name><rtept lat="43.73" lon="7.41"/><rtept lat="43.74" lon="7.42"/></rte>
  <trk><name>run</name>
    <trkseg>
      <trkpt lat="43.730" lon="7.410"><ele>10</ele><time>2026-03-30T07:00:00Z</time><speed>1.5</speed></trkpt>
      <trkpt lat="43.731" lon="7.411"><ele>11</ele><time>2026-03-30T07:00:10Z</time></trkpt>
    </trkseg>
    <trkseg><trkpt lat="43.732" lon="7.412"/><trkpt lat="43.733" lon="7.413"/></trkseg>
  </trk>
  <trk><name>broken</name><trkseg><trkpt lat="43.7" lon="x"/><trkpt lat="43.7" lon="7.4"/></trkseg></trk>
</gpx>
"""
#: netOffset is what SUMO added to UTM 32 so that the network begins at zero.
NETWORK = """<?xml version="1.0" encoding="UTF-8"?>
<net version="1.20">
  <location netOffset="-372000.00,-4843000.00" convBoundary="0.00,0.00,400.00,300.00"
    origBoundary="7.41,43.73,7.42,43.74"
    projParameter="+proj=utm +zone=32 +ellps=WGS84 +datum=WGS84 +units=m +no_defs"/>
  <edge id=":2_0" function="internal"><lane id=":2_0_0" index="0" speed="14" length="4" shape="98,100 102,100"/></edge>
  <edge id="007" from="1" to="2" priority="3" type="highway.primary">
    <lane id="007_0" index="0" speed="13.89" length="98.00" shape="0.00,98.40 98.00,98.40"/>
    <lane id="007_1" index="1" speed="13.89" length="98.00" shape="0.00,101.60 98.00,101.60"/>
  </edge>
  <edge id="E2" from="2" to="3" name="Rue 海" shape="100.00,100.00 200.00,150.00 300.00,100.00">
    <lane id="E2_0" index="0" speed="8.33" length="220.00" shape="102.00,100.00 200.00,150.00 300.00,100.00"/>
  </edge>
  <edge id="E3" from="3" to="4"><lane id="E3_0" index="0" speed="8.33" length="9" shape="300.00,x"/></edge>
  <junction id="1" type="dead_end" x="0.00" y="100.00" incLanes="" intLanes="" shape="0,100 0,103.2"/>
  <junction id="2" type="priority" x="100.00" y="100.00" incLanes="007_0" intLanes=":2_0_0" shape="98,100 98,103"/>
  <junction id="3" type="dead_end" x="300.00" y="100.00" incLanes="E2_0" intLanes="" shape="300,100 300,103"/>
  <junction id=":2_1" type="internal" x="101.00" y="100.00" incLanes="" intLanes=""/>
</net>
"""
VEHICLES = """<?xml version="1.0" encoding="UTF-8"?>
<!-- generated by Eclipse SUMO
<sumoConfiguration><output><fcd-output value="fcd.xml"/><fcd-output.geo value="true"/></output></sumoConfiguration>
-->
<fcd-export>
  <timestep time="0.00">
    <vehicle id="1" x="7.41" y="43.73" angle="90" type="car" speed="8.00" pos="5.10" lane="007_0" slope="0.00"/>
    <person id="p" x="7.42" y="43.74" angle="90" speed="1.00" pos="5.10" edge="007" slope="0.00"/>
  </timestep>
  <timestep time="1.00"/>
  <timestep time="2.00">
    <vehicle id="1" x="" y="43.73" angle="90" type="car" speed="8.00" pos="6.10" lane="007_0" slope="0.00"/>
  </timestep>
</fcd-export>
"""
MEANS = """<meandata>
<interval begin="0" end="300" id="x"><edge id="007" speed="9.5" flow="120"/><edge id="gone" speed="8"/></interval>
<interval begin="300" end="600" id="x"><edge id="E2" flow="80"/></interval></meandata>"""
MODEL = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE network SYSTEM "http://www.matsim.org/files/dtd/network_v2.dtd">
<network name="model">
  <attributes>
    <attribute name="coordinateReferenceSystem" class="java.lang.String">EPSG:32632</attribute>
  </attributes>
  <nodes>
    <node id="01" x="372000.0" y="4843000.0"/><node id="02" x="372500.0" y="4843100.0"/><node id="03" x="?" y="1"/>
  </nodes>
  <links capperiod="01:00:00" effectivecellsize="7.5">
    <link id="1" from="01" to="02" length="510.0" freespeed="13.9" capacity="1800.0" permlanes="2.0" modes="car,bus">
      <attributes><attribute name="type" class="java.lang.String">primary 海</attribute></attributes>
    </link>
    <link id="2" from="02" to="01" length="510.0" freespeed="13.9" capacity="900" permlanes="1.0" modes="car"/>
    <link id="3" from="02" to="99" length="1" freespeed="13.9" capacity="900" permlanes="1.0" modes="car"/>
    <link id="4" from="03" to="02" length="1" freespeed="13.9" capacity="900" permlanes="1.0" modes="car"/>
  </links>
</network>
"""
STATIONS = """{"last_updated": 1774850400, "ttl": 60, "version": "2.3", "data": {"stations": [
  {"station_id": "1", "name": "Gare 海", "lon": 7.419, "lat": 43.738, "capacity": 12, "rental_methods": ["key"]},
  {"station_id": "2", "name": "Port", "lon": 7.425, "lat": 43.735, "capacity": 8},
  {"station_id": "3", "name": "Zero", "lon": 0, "lat": 0},
  {"station_id": "4", "name": "Text", "lon": "7.4", "lat": 43.7},
  {"station_id": "5", "name": "Nowhere"},
  "six"
]}}
"""
DATEX = """<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<soap:Body>
<d2LogicalModel xmlns="http://datex2.eu/schema/2/2_0">
<payloadPublication xsi:type="MeasuredDataPublication">
  <siteMeasurements>
    <measurementSiteReference id="S1" version="1"/>
    <measurementTimeDefault>2026-03-30T07:00:00+02:00</measurementTimeDefault>
    <measuredValue index="1">
      <measuredValue><basicData xsi:type="TrafficSpeed">
        <averageVehicleSpeed><speed>81.5</speed></averageVehicleSpeed>
      </basicData></measuredValue>
    </measuredValue>
    <measuredValue index="2">
      <measuredValue><basicData xsi:type="TrafficFlow">
        <vehicleFlow><vehicleFlowRate>1260</vehicleFlowRate></vehicleFlow>
      </basicData></measuredValue>
    </measuredValue>
  </siteMeasurements>
  <siteMeasurements>
    <measurementSiteReference id="S2" version="1"/>
    <measurementTimeDefault>2026-03-30T07:00:00+02:00</measurementTimeDefault>
    <measuredValue index="1"><measuredValue><basicData xsi:type="TrafficSpeed">
      <averageVehicleSpeed><speed>40</speed></averageVehicleSpeed>
    </basicData></measuredValue></measuredValue>
    <measuredValue index="2"><measuredValue><basicData xsi:type="TrafficSpeed">
      <averageVehicleSpeed><speed>40</speed><speed>41</speed></averageVehicleSpeed>
    </basicData></measuredValue></measuredValue>
  </siteMeasurements>
</payloadPublication></d2LogicalModel></soap:Body></soap:Envelope>
"""
_BASIC = "measuredValue/basicData"
DATEX_TABLE = XmlTable(
    records="siteMeasurements/measuredValue",
    fields={
        "site": "../measurementSiteReference/@id",
        "time": "../measurementTimeDefault",
        "index": "@index",
        "kind": f"{_BASIC}/@type",
        "speed": f"{_BASIC}/averageVehicleSpeed/speed",
        "flow": f"{_BASIC}/vehicleFlow/vehicleFlowRate",
    },
)


def _writes(text: str) -> Callable[[Path], None]:
    def _write(path: Path) -> None:
        path.write_text(text, encoding="utf-8")

    return _write


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
    Sample(
        format="GTFS-Realtime",
        file="vehicles.pb",
        write=write_message,
        records=3,
        placed=1,
        bounds=(7.420000076293945, 43.72999954223633, 7.420000076293945, 43.72999954223633),
        options=ReadOptions(layer="vehicles"),
    ),
    Sample(
        format="GTFS-Realtime",
        file="updates.pb",
        write=write_message,
        records=4,
        placed=3,
        position={"register": "stops", "key": "stop_id", "columns": ["stop_id"]},
        options=ReadOptions(layer="trip_updates"),
    ),
    Sample(
        format="GPX",
        file="points.gpx",
        write=_writes(GPX),
        records=6,
        placed=5,
        bounds=(7.4, 43.7, 7.413, 43.733),
    ),
    Sample(
        format="GPX",
        file="tracks.gpx",
        write=_writes(GPX),
        records=2,
        placed=1,
        bounds=(7.41, 43.73, 7.413, 43.733),
        options=ReadOptions(layer="tracks"),
    ),
    Sample(
        format="SUMO network",
        file="streets.net.xml",
        write=_writes(NETWORK),
        records=4,
        placed=2,
        bounds=(372000, 4843100, 372300, 4843150),
    ),
    Sample(
        format="SUMO output",
        file="fcd.xml",
        write=_writes(VEHICLES),
        records=3,
        placed=2,
        bounds=(7.41, 43.73, 7.42, 43.74),
    ),
    Sample(
        format="XML by declaration",
        file="datex.xml",
        write=_writes(DATEX),
        records=4,
        placed=3,
        position={"register": "sites", "key": "id", "columns": ["site"]},
        options=ReadOptions(xml=DATEX_TABLE),
    ),
    Sample(
        format="CSV",
        file="loops.csv",
        write=_writes("loop,lon,lat,h07,h08\nA,7.41,43.73,12,\nB,7.42,43.74,3,4\n"),
        records=4,
        position={"definition": "EPSG:4326", "columns": ["lon", "lat"]},
        options=ReadOptions(wide=Wide(variable="vehicles", columns=r"^h(\d\d)$", into="hour")),
    ),
    Sample(
        format="MATSim network",
        file="model.xml",
        write=_writes(MODEL),
        records=4,
        placed=2,
        bounds=(372000, 4843000, 372500, 4843100),
    ),
    Sample(
        format="GBFS",
        file="station_information.json",
        write=_writes(STATIONS),
        records=6,
        placed=2,
        bounds=(7.419, 43.735, 7.425, 43.738),
    ),
)
