"""Rules between columns: each record that breaks one is set aside, with both values."""

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

import layers


def layer_of(geometry=None, **columns):
    count = len(next(iter(columns.values())))
    points = shapely.points(np.zeros((count, 2))) if geometry is None else np.array(geometry, dtype=object)
    return layers.Layer.from_arrays("d", points, position="OGC:CRS84", columns=columns)


def kept(layer, *rules, of_geometry=False):
    return layers.check_rules(layer, rules, of_geometry=of_geometry).table.index.tolist()


OPERATORS = {
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}
NUMBERS = st.one_of(st.none(), st.integers(-5, 5))


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=20), st.sampled_from(sorted(OPERATORS)))
def test_each_sign_means_what_it_means_and_a_missing_side_breaks_nothing(pairs, sign):
    layer = layer_of(a=pd.array([a for a, _ in pairs], dtype="Int64"), b=pd.array([b for _, b in pairs], dtype="Int64"))
    expected = [i for i, (a, b) in enumerate(pairs) if a is None or b is None or OPERATORS[sign](a, b)]
    assert kept(layer, f"a {sign} b") == expected


def test_a_factor_and_a_number():
    layer = layer_of(height=[10.0, 40.0], levels=[4, 4])
    assert kept(layer, "height <= 6 * levels") == [0]
    assert kept(layer, "height > 20") == [1]
    assert kept(layer, "height>20") == [1]


def test_the_reason_holds_the_rule_and_both_values():
    layer = layers.check_rules(layer_of(low=[5.0], high=[3.0]), ["low <= high"], of_geometry=False)
    assert layer.ledger.quarantined["reason"].tolist() == ["inconsistent: low <= high, but 5.0 and 3.0"]
    assert layer.ledger.quarantined["low"].tolist() == ["5.0"]


def test_texts_compare_as_texts():
    layer = layer_of(begin=["2026-01-01", "2026-01-03"], end=["2026-01-02", "2026-01-02"])
    assert kept(layer, "end >= begin") == [0]


def test_a_length_is_held_against_the_geometry_on_the_ellipsoid():
    line = shapely.LineString([(7.0, 43.0), (7.0, 43.01)])  # 1111 m of the meridian
    layer = layer_of([line, line, line], length_m=[1111.0, 1111.0 / 0.3048, np.nan])
    assert kept(layer, "length_m ~ geometry.length_m within 2%", of_geometry=True) == [0, 2]
    assert kept(layer, "length_m ~ geometry.length_m within 2%") == [0, 1, 2]  # not before it has a place


@pytest.mark.parametrize("text", ["a", "a <", "a = b", "a ~ b", "a <= b within 3%", "a <= b + c", "__import__('os')"])
def test_what_is_no_rule_is_refused(text):
    with pytest.raises(layers.SchemaError, match="cannot be read"):
        layers.parse_rule(text)


def test_columns_that_are_not_there_and_sides_that_do_not_compare_are_named():
    layer = layer_of(a=[1], b=["x"])
    with pytest.raises(layers.SchemaError, match="names 'c'"):
        kept(layer, "a <= c")
    with pytest.raises(layers.SchemaError, match="cannot be compared"):
        kept(layer, "a <= b")
