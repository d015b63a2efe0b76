"""Geometries of GeoJSON are taken together; what comes out is what each gives by itself, and what shapely makes."""

import json
import random

import numpy as np
import pytest
import shapely

from layers.readers.geojson_geometry import pack_features

ODD = ["", '"a"', "null", "[]", "NaN", "1e400", "true", "{}", "Infinity", "123456789012345678901234567890"]


def drawn(rng, *, deep):
    def position():
        return [round(rng.uniform(-9, 9), 3) for _ in range(3 if deep else 2)]

    def line():
        return [position() for _ in range(rng.randint(2, 5))]

    def ring():
        corners = [position() for _ in range(rng.randint(3, 6))]
        return [*corners, list(corners[0])]

    def several(made, most=3):
        return [made() for _ in range(rng.randint(1, most))]

    kinds = {
        "Point": position,
        "MultiPoint": line,
        "LineString": line,
        "MultiLineString": lambda: several(line),
        "Polygon": lambda: several(ring, 2),
        "MultiPolygon": lambda: several(lambda: several(ring, 2)),
    }
    kind = rng.choice(list(kinds))
    return {"type": kind, "coordinates": kinds[kind]()}


def spoilt(rng, geometry):
    text = json.dumps(geometry)
    at = rng.randrange(len(text))
    try:
        return json.loads(text[:at] + rng.choice(ODD) + text[at + rng.randint(0, 4) :])
    except json.JSONDecodeError:
        return geometry


def whole(written):
    packed, faults = pack_features(written)
    return shapely.to_wkb(packed.make()).tolist(), [None] * len(written) if faults is None else faults.tolist()


@pytest.mark.parametrize("seed", range(4))
def test_each_is_what_it_is_by_itself(seed):
    rng = random.Random(seed)  # noqa: S311 - cases of a test
    for _ in range(120):
        written = [drawn(rng, deep=rng.random() < 0.3) for _ in range(rng.randint(1, 6))]
        written = [spoilt(rng, each) if rng.random() < 0.2 else each for each in written]
        alone = [whole([each]) for each in written]
        assert whole(written) == ([each[0][0] for each in alone], [each[1][0] for each in alone])


@pytest.mark.parametrize("deep", [False, True])
def test_what_is_sound_is_what_shapely_makes(deep):
    rng = random.Random(9)  # noqa: S311 - cases of a test
    written = [drawn(rng, deep=deep) for _ in range(400)]
    made, faults = whole(written)
    oracle = np.array([shapely.geometry.shape(each) for each in written])
    assert made == shapely.to_wkb(oracle).tolist()
    for why, shape in zip(faults, oracle, strict=True):
        assert (why is None) == shape.is_valid, why
