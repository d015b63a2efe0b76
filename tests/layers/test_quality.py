"""Five measures, each against counting by hand."""

import json
import math

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

import layers


def layer_of(**columns):
    count = len(next(iter(columns.values())))
    xy = np.column_stack([np.arange(count), np.zeros(count)])
    return layers.Layer.from_arrays("d", shapely.points(xy), position="OGC:CRS84", columns=columns)


def set_aside(layer, *reasons, fate="quarantined"):
    told = np.array([*reasons, *[None] * (len(layer) - len(reasons))], dtype=object)
    return layer.set_aside(np.array([reason is not None for reason in told]), told, fate=fate)


@given(st.lists(st.sampled_from(["x", "", None]), min_size=1, max_size=12), st.integers(0, 5))
def test_completeness_counts_placed_and_quarantined_values(values, gone):
    layer = layer_of(v=pd.Series(values, dtype="object"), w=range(len(values)))
    layer = set_aside(layer, *["out_of_range: w"] * min(gone, len(values)))
    found = layers.assess(layer, fields={"v": layers.Field(required=True), "w": layers.Field()}).completeness
    assert (found.good, found.of) == (sum(value == "x" for value in values), len(values))


def test_without_required_fields_the_stated_ones_count_and_without_any_nothing_is_asked():
    layer = layer_of(v=["x", None], w=[1.0, np.nan])
    assert layers.assess(layer, fields={"w": layers.Field()}).completeness.score == 0.5
    assert math.isnan(layers.assess(layer).completeness.score)


def test_a_stand_in_for_no_value_is_no_value_in_quarantine_either():
    layer = set_aside(layer_of(v=["-999", "3"]), "missing_value: v is empty and required")
    fields = {"v": layers.Field(required=True, missing=("-999",))}
    assert layers.assess(layer, fields=fields).completeness.good == 1


@pytest.mark.parametrize(
    ("reason", "invalid", "repeated", "broken"),
    [
        ("out_of_range: v is above 5", 1, 0, 0),
        ("outside_area: not in", 1, 0, 0),
        ("missing_value: v is empty and required", 0, 0, 0),
        ("missing_value: v is empty; out_of_range: w", 1, 0, 0),
        ("not_unique: id", 0, 1, 0),
        ("conflicting_duplicate: id", 0, 1, 0),
        ("inconsistent: a <= b", 0, 0, 1),
        ("crosses_area: only partly in", 0, 0, 0),
    ],
)
def test_each_reason_counts_where_it_belongs(reason, invalid, repeated, broken):
    found = layers.assess(set_aside(layer_of(v=[1, 2, 3]), reason), rules=["a <= b"])
    assert found.validity.of - found.validity.good == invalid
    assert found.uniqueness.of - found.uniqueness.good == repeated
    assert found.consistency.of - found.consistency.good == broken


def test_copies_that_were_taken_out_and_copies_that_are_left_are_counted():
    layer = set_aside(layer_of(v=[1, 2, 3, 4]), "duplicate: says what row 1 says", fate="rejected")
    assert (layers.assess(layer).uniqueness.good, layers.assess(layer).uniqueness.of) == (3, 4)
    assert layers.assess(layer).validity.of == 3
    same = layers.Layer.from_arrays("d", shapely.points([[1, 1]] * 3), position="OGC:CRS84", columns={"v": [1, 1, 2]})
    assert layers.assess(same).uniqueness == layers.Measure(score=2 / 3, good=2, of=3)


def test_what_was_not_selected_was_not_asked():
    layer = set_aside(layer_of(v=[1, 2, 3, 4]), "not_selected: v is not 2", fate="rejected")
    assert layers.assess(layer).validity == layers.Measure(score=1.0, good=3, of=3)


AS_OF = pd.Timestamp("2026-06-16T06:00Z")


def series(*times, site=None):
    time = pd.to_datetime(list(times), utc=True)
    return layer_of(time=time, site=site or ["a"] * len(time))


def due(**more):
    return layers.Due(as_of=AS_OF, start=AS_OF - pd.Timedelta("6h"), site=("site",), **more)


def test_steps_that_have_a_record_of_those_expected():
    hours = [f"2026-06-16T0{hour}:10Z" for hour in (0, 1, 1, 3, 4, 5)]
    found = layers.assess(series(*hours), due=due(interval=pd.Timedelta("1h")))
    assert found.timeliness == layers.Measure(score=5 / 6, good=5, of=6)
    assert found.age_s == 50 * 60
    two = layers.assess(series(*hours, site=["a", "a", "a", "b", "b", "b"]), due=due(interval=pd.Timedelta("1h")))
    assert (two.timeliness.good, two.timeliness.of) == (5, 12)


def test_what_is_old_is_not_timely_however_complete():
    hours = [f"2026-06-16T0{hour}:00Z" for hour in (0, 1, 2)]
    asked = layers.Due(as_of=AS_OF, start=AS_OF - pd.Timedelta("6h"), interval=pd.Timedelta("1h"))
    assert layers.assess(series(*hours), due=asked).timeliness.score == pytest.approx(1 / 4)  # four hours old


def test_an_interval_that_nobody_states_is_the_spacing_of_a_site():
    half_hours = pd.date_range("2026-06-16T00:00Z", periods=12, freq="30min")
    found = layers.assess(series(*half_hours), due=due())
    assert found.interval_s == 1800
    assert found.timeliness.score == 1.0
    nobody = layers.Due(as_of=AS_OF)
    assert math.isnan(layers.assess(series(*half_hours), due=nobody).timeliness.score)
    assert layers.assess(series(*half_hours), due=nobody).newest == "2026-06-16T05:30:00+00:00"


def test_json_says_what_was_not_asked():
    tree = json.loads(json.dumps(layers.assess(layer_of(v=[1])).to_json(), allow_nan=False))
    assert tree["timeliness"] == {"score": None, "good": 0, "of": 0}
    assert tree["validity"] == {"score": 1.0, "good": 1, "of": 1}


def test_an_empty_layer_has_no_scores():
    found = layers.assess(layer_of(v=np.array([], dtype=float)), due=layers.Due(as_of=AS_OF))
    assert math.isnan(found.validity.score)
    assert math.isnan(found.uniqueness.score)
