"""The picture of a verdict: what is drawn is where it is said to be."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import shapely

import crs

SVG = "{http://www.w3.org/2000/svg}"
PANEL = 380.0


class Layer:
    def __init__(self, name, geometry):
        self.name, self.position = name, crs.definition("OGC:CRS84")
        self.coordinates = crs.Shapes(np.asarray(geometry, dtype=object))


@pytest.fixture(scope="module")
def streets():
    draw = np.random.default_rng(3)
    middle = np.column_stack([draw.uniform(114.01, 114.04, 50), draw.uniform(22.51, 22.54, 50)])
    angle = draw.uniform(0, np.pi, 50)
    half = 0.004 * np.column_stack([np.cos(angle), np.sin(angle)])
    return np.stack([middle - half, middle + half], axis=1)


@pytest.fixture(scope="module")
def verdict(streets):
    draw = np.random.default_rng(4)
    part = draw.uniform(0, 1, (60, 1))
    chosen = streets[draw.integers(0, 50, 60)]
    at = chosen[:, 0] * (1 - part) + chosen[:, 1] * part
    x, y = crs.transform(at[:, 0], at[:, 1], source="OGC:CRS84", target="GCJ-02")
    return crs.detect((x, y), reference=Layer("streets & <lanes>", shapely.linestrings(streets)))


def panels(picture):
    """Return each map as lines and dots in pixels, and how many metres a pixel is."""
    root = ET.fromstring(picture)  # noqa: S314 - our own text
    found = []
    ground = next(path for path in root.iter(f"{SVG}path") if path.get("class") == "cv-line").get("d")
    strands = [np.array(re.findall(r"-?[\d.]+", part), dtype=float).reshape(-1, 2) for part in ground.split("M")[1:]]
    lines = [shapely.linestrings(strand) for strand in strands]
    for group in root.findall(f"{SVG}g"):
        dots = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in group.iter(f"{SVG}circle")]
        bar = next(path for path in group.iter(f"{SVG}path") if path.get("class") == "cv-bar").get("d")
        told = next(text.text for text in group.iter(f"{SVG}text"))
        metres = float(told.split()[0]) * (1000 if told.endswith("km") else 1)
        found.append((lines, shapely.points(dots), metres / float(re.search(r"v4h([\d.]+)", bar).group(1))))
    return found


def test_under_the_right_candidate_the_positions_lie_on_the_reference(verdict):
    right, wrong = panels(verdict.picture())
    away = [shapely.distance(dots, shapely.union_all(lines)) * per_pixel for lines, dots, per_pixel in (right, wrong)]
    assert verdict.status == "named"
    assert np.median(away[0]) < 3  # metres, a pixel being some ten
    assert np.median(away[1]) > 30


def test_the_scale_bar_is_as_long_as_it_says(streets, verdict):
    lines, _, per_pixel = panels(verdict.picture())[0]
    inside = shapely.box(0.1, 0.1, PANEL - 0.1, PANEL - 0.1)
    drawn = [line.length * per_pixel for line in lines if inside.contains(line)]
    true = crs.geodesy.lengths_m(shapely.linestrings(streets))
    assert len(drawn) > 10
    assert min(drawn) > 0.98 * true.min()
    assert max(drawn) < 1.02 * true.max()


def test_the_picture_needs_nothing_from_elsewhere_and_says_what_it_shows(verdict):
    picture = verdict.picture()
    assert picture == verdict.picture()
    text = "".join(ET.fromstring(picture).itertext())  # noqa: S314 - our own text
    assert "streets & <lanes>" in text
    assert "1. GCJ-02" in text
    assert "positions: named GCJ-02" in text
    assert not re.search(r"href=.(?!#)|<script|<image|@import|https?://(?!www\.w3\.org/2000/svg)", picture)
    assert "prefers-color-scheme:dark" in picture
    assert picture in verdict._repr_html_()


def test_an_open_verdict_says_in_its_picture_what_would_settle_it():
    few = crs.detect(([114.02, 114.03], [22.52, 22.53]), area=(114.0, 22.5, 114.06, 22.56))
    text = "".join(ET.fromstring(few.picture()).itertext())  # noqa: S314 - our own text
    assert "ambiguous" in text
    assert "Would settle it: a reference layer" in text


def test_a_file_without_positions_has_a_picture_without_maps():
    empty = crs.detect(([], []), area=(114.0, 22.5, 114.06, 22.56))
    root = ET.fromstring(empty.picture())  # noqa: S314 - our own text
    assert root.findall(f"{SVG}g") == []
    assert "unknown" in "".join(root.itertext())


@pytest.mark.parametrize("geometry", ["points", "areas"])
def test_registers_and_areas_are_drawn_too(streets, geometry):
    at = streets[:, 0]
    shapes = shapely.points(at) if geometry == "points" else shapely.buffer(shapely.points(at), 0.001)
    found = crs.detect((at[:, 0], at[:, 1]), reference=Layer("stations", shapes))
    root = ET.fromstring(found.picture())  # noqa: S314 - our own text
    signs = [one for one in root.iter() if one.get("class") == ("cv-place" if geometry == "points" else "cv-area")]
    drawn = len(signs) if geometry == "points" else signs[0].get("d").count("M")
    assert drawn > 10
