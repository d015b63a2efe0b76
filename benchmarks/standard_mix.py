"""The standard mix: one city whose six sources mean six different things by "where", fused naively and by the engine.

    python -m benchmarks.standard_mix [--records N] [--seed N] [--json FILE]

A third of the records is in GCJ-02, a tenth each in BD-09, Beijing 1954, a stand-in for Xi'an 1980 and chainages at
posts of 100 m, the rest in WGS 84; every record is 5 m off per axis. The true places are on the streets of
data_samples/shenzhen (moved, not Shenzhen), chainages on its routes. What is published is made by the formulas as
published (tests/reference) and by PROJ, not by the engine. The oracle is what was seen before it was written down:
nothing of the engine's decoding is in it. The parameters of the two old datums are what a survey office would give;
the engine is told them as candidates.

Ways of fusing: `naive` (twin/fusion/naive.py); `declared`, every source with its definition; `undeclared`, each source
a file without one, named by `crs.detect` from the streets or else the routes; `one file`, all sources whose two columns
are numbers in one file with a column that says the source, named by `crs.detect_groups`, chainages in a file of their
own.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

import crs
import layers
import twin
from tests.reference import crs_china as published
from twin.fusion.naive import naive_geometry
from twin.fusion.targets import Targets
from twin.fusion.truth import anchors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Points = tuple[Floats, Floats]

SHENZHEN = Path(__file__).resolve().parent.parent / "data_samples" / "shenzhen" / "raw"
PLANE = "EPSG:4547"
SIGMA_M = 5.0
POST_M = 100.0
STORAGE = 12
RESOLUTIONS = (8, 9, 10, 11)


def old_datum(code: str, ellipsoid: str, translations: tuple[float, float, float]) -> tuple[dict[str, Any], str]:
    """Return what the survey office gives, and the same as a pipeline of PROJ from longitude and latitude."""
    x, y, z = translations
    shift = {"parameters": list(translations), "accuracy_m": 1, "source": "survey office (fictitious)"}
    back = f"+step +inv +proj=helmert +x={x} +y={y} +z={z}"
    pipeline = (
        "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart +ellps=GRS80 "
        f"{back} +step +inv +proj=cart +ellps={ellipsoid} "
        f"+step +proj=tmerc +lat_0=0 +lon_0=114 +k=1 +x_0=500000 +y_0=0 +ellps={ellipsoid}"
    )
    return {"definition": code, "shift": shift}, pipeline


BEIJING, BEIJING_PIPELINE = old_datum("EPSG:2435", "krass", (15.8, -154.4, -82.3))
XIAN, XIAN_PIPELINE = old_datum("EPSG:2383", "IAU76", (-2.0, -98.0, -60.0))
ALONG = {"along": "routes", "key": "route", "columns": ["route", "post"]}

#: Name, share of the records, definition.
SOURCES: tuple[tuple[str, float, dict[str, Any]], ...] = (
    ("amap", 1 / 3, {"definition": "GCJ-02"}),
    ("baidu", 0.1, {"definition": "BD-09"}),
    ("survey_1954", 0.1, BEIJING),
    ("survey_1980", 0.1, XIAN),
    ("posts", 0.1, ALONG),
    ("gps", 1 - 1 / 3 - 0.4, {"definition": "OGC:CRS84"}),
)


@dataclass(frozen=True, kw_only=True)
class City:
    """The streets, on which everything is, and the routes, which have posts."""

    streets: layers.Layer
    routes: layers.Layer

    @property
    def references(self) -> dict[str, layers.Layer]:
        """What posts refer to."""
        return {"routes": self.routes}


@dataclass(frozen=True, kw_only=True)
class Source:
    """One published file, and what is known of it: its truth, and what its author saw, noise and rounding included.

    What was seen is the oracle: nothing of the engine's decoding is in it.
    """

    name: str
    columns: tuple[NDArray[np.object_], NDArray[np.object_]]
    meant: crs.PositionDefinition
    truth: Points
    seen: Points

    def layer(self, position: crs.PositionDefinition) -> layers.Layer:
        """Return the file as a layer in some definition."""
        number = len(self.columns[0])
        blank = layers.Layer.from_arrays(
            self.name, np.full(number, shapely.Point(), dtype=object), position="OGC:CRS84"
        )
        return replace(blank, position=position, coordinates=crs.Fields(self.columns))


def read_city() -> City:
    """Return the city of the sample."""
    streets = gpd.read_parquet(SHENZHEN / "streets.parquet")
    routes = gpd.read_file(SHENZHEN / "routes.geojson")
    made = {
        "streets": layers.Layer.from_geopandas(streets[["geometry"]], name="streets", position="OGC:CRS84"),
        "routes": layers.Layer.from_geopandas(routes[["route", "geometry"]], name="routes", position="OGC:CRS84"),
    }
    return City(**{name: crs.harmonise(layer) for name, layer in made.items()})


def _along(
    lines: NDArray[np.object_], number: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Floats, Points]:
    """Draw places on lines evenly by length: which line, metres from its start, longitude and latitude."""
    length_m = crs.geodesy.lengths_m(lines)
    line = rng.choice(len(lines), number, p=length_m / length_m.sum())
    share = rng.random(number)
    return line, share * length_m[line], _at(lines, line, share)


def _at(lines: NDArray[np.object_], line: NDArray[np.int64], share: Floats) -> Points:
    """Return the places at shares of the lengths of lines."""
    plane = crs.local_projection(*shapely.get_coordinates(lines).T)
    points = shapely.line_interpolate_point(plane.project(lines)[line], share, normalized=True)
    return plane.inverse(shapely.get_x(points), shapely.get_y(points))


def publish(city: City, number: int, seed: int) -> list[Source]:
    """Draw true places, add noise, and write them down the way each source does."""
    rng = np.random.default_rng(seed)
    sources = []
    for name, share, said in SOURCES:
        count = round(share * number)
        if name == "posts":
            line, along_m, truth = _along(city.routes.geometry, count, rng)
            length_m = crs.geodesy.lengths_m(city.routes.geometry)[line]
            post_m = np.round((along_m + rng.normal(0.0, SIGMA_M, count)) / POST_M) * POST_M
            post_m = np.clip(post_m, 0.0, np.floor(length_m / POST_M) * POST_M)  # no post is beyond an end
            columns = city.routes.column("route")[line], _text(post_m, "K{:.0f}+{:03.0f}")
            seen = _at(city.routes.geometry, line, post_m / length_m)
            meant = crs.definition(said)
        else:
            _, _, truth = _along(city.streets.geometry, count, rng)
            east_m, north_m = rng.normal(0.0, SIGMA_M, (2, count))
            seen = crs.geodesy.move_m(*truth, east_m=east_m, north_m=north_m)
            columns = _written(name, *seen)
            meant = crs.definition({**said, "columns": ["x", "y"], "sigma_m": SIGMA_M})
        as_objects = tuple(np.asarray(column, dtype=object) for column in columns)
        sources.append(Source(name=name, columns=(as_objects[0], as_objects[1]), meant=meant, truth=truth, seen=seen))
    return sources


def _text(metres: Floats, form: str) -> list[str]:
    return [form.format(value // 1000, value % 1000) for value in metres]


def _written(name: str, lon: Floats, lat: Floats) -> tuple[list[str], list[str]]:
    """Write positions the way a source does, by the published formulas and PROJ."""
    if name in {"survey_1954", "survey_1980"}:
        pipeline = BEIJING_PIPELINE if name == "survey_1954" else XIAN_PIPELINE
        x, y = pyproj.Transformer.from_pipeline(pipeline).transform(lon, lat)
        return [f"{value:.2f}" for value in x], [f"{value:.2f}" for value in y]
    if name in {"amap", "baidu"}:
        lon, lat = published.gcj02_everywhere(lon, lat)
    if name == "baidu":
        lon, lat = published.bd09(lon, lat)
    return [f"{value:.6f}" for value in lon], [f"{value:.6f}" for value in lat]


def placed_as(source: Source, position: crs.PositionDefinition | None, city: City) -> Points:
    """Return where a definition puts the records of a source, NaN for those that it does not place."""
    count = len(source.columns[0])
    nowhere = np.full(count, np.nan), np.full(count, np.nan)
    if position is None:
        return nowhere
    done = crs.harmonise(source.layer(position), references=city.references)
    lon, lat = anchors(done.geometry)
    nowhere[0][done.table.index], nowhere[1][done.table.index] = lon, lat
    return nowhere


def detected(source: Source, city: City) -> crs.PositionDefinition | None:
    """Name the definition of a file that came without one, from the streets or else from the routes."""
    for reference in (city.streets, city.routes):
        verdict = crs.detect(crs.Fields(source.columns), reference=reference, candidates=[BEIJING, XIAN])
        if verdict.position is not None:
            return verdict.position if verdict.position.kind == "linear" else _with_columns(verdict.position)
    return None


def placed_in_one_file(sources: list[Source], city: City) -> tuple[dict[str, Points], str]:
    """Put all numbers into one file with a column that says the source, and place the rows as their parts are named."""
    numbers = [source for source in sources if source.meant.kind == "coordinates"]
    owner = np.repeat(np.arange(len(numbers)), [len(source.columns[0]) for source in numbers])
    first = np.concatenate([source.columns[0] for source in numbers])
    second = np.concatenate([source.columns[1] for source in numbers])
    order = np.random.default_rng(0).permutation(len(owner))
    labels = np.array([source.name for source in numbers], dtype=object)[owner]
    mixture = crs.detect_groups(
        crs.Fields((first[order], second[order])),
        labels[order],
        reference=city.streets,
        candidates=[BEIJING, XIAN],
    )
    lon, lat = np.full(len(owner), np.nan), np.full(len(owner), np.nan)
    for number, component in enumerate(mixture.components):
        rows = order[mixture.row_component == number]
        if component.position is not None and len(rows):
            part = replace(numbers[0], columns=(first[rows], second[rows]))
            lon[rows], lat[rows] = placed_as(part, _with_columns(component.position), city)
    found = {source.name: (lon[owner == place], lat[owner == place]) for place, source in enumerate(numbers)}
    told = [f"{label} {status}" for label, status in zip(mixture.labels, mixture.group_status, strict=True)]
    return found, ", ".join(told)


def _with_columns(position: crs.PositionDefinition) -> crs.PositionDefinition:
    return replace(position, columns=("x", "y"), sigma_m=SIGMA_M)


def fuse(sources: list[Source], city: City) -> tuple[list[twin.Placements], tuple[str, ...]]:
    """Place the sources in all ways, and tell what was named."""
    in_one_file, told = placed_in_one_file(sources, city)
    placements, named = [], []
    for source in sources:
        found = detected(source, city)
        named.append(f"{source.name} {'ambiguous' if found is None else found.name}")
        plain = naive_geometry(source.layer(source.meant), source.meant, plane=PLANE, references=city.references)
        ways = {
            "naive": anchors(plain),
            "declared": placed_as(source, source.meant, city),
            "undeclared": placed_as(source, found, city),
        }
        # A route and a post have no numbers to put into the file of all.
        ways["one file"] = in_one_file.get(source.name, ways["undeclared"])
        sigma_m = np.full(len(source.truth[0]), SIGMA_M)
        placements.append(
            twin.Placements(layer=source.name, ways=ways, oracle=source.seen, truth=source.truth, sigma_m=sigma_m)
        )
    return placements, (f"Files named: {', '.join(named)}.", f"Sources in one file: {told}.")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    begin = time.perf_counter()
    city = read_city()
    placements, notes = fuse(publish(city, options.records, options.seed), city)
    targets = Targets(links=city.streets.geometry)
    report = twin.measure_fusion(placements, resolutions=RESOLUTIONS, storage=STORAGE, targets=targets, notes=notes)
    print(report)
    print(report.table.xs("all", level="layer").round(4).to_string())
    direct = pd.concat([twin.measure_fusion(placements, resolutions=[r]).table for r in RESOLUTIONS])
    print("F with cells indexed at each resolution itself:")
    print(direct.xs("all", level="layer")["f"].round(4).to_string())
    print(f"{time.perf_counter() - begin:.0f} s")
    if options.json:
        options.json.write_text(json.dumps(report.to_json(), indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
