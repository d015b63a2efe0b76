import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import layers
from layers.schema import check_fields, infer_types


def _check(values, **rule):
    table, reasons = check_fields(pd.DataFrame({"v": values}), {"v": layers.Field(**rule)}, dataset="d")
    return table["v"], reasons.tolist()


@given(st.lists(st.floats(-50, 50), min_size=1), st.floats(-20, 0), st.floats(0, 20))
def test_ranges_are_closed(values, low, high):
    _, reasons = _check(values, min=low, max=high)
    assert [reason is None for reason in reasons] == [low <= value <= high for value in values]


def test_all_faults_of_a_record_and_of_all_columns_are_found_at_once():
    frame = pd.DataFrame({"a": ["1", "x", ""], "b": ["500", "-1", "2.5"]})
    fields = {
        "a": layers.Field(required=True, kind="number"),
        "b": layers.Field(unit="m", min=0, max=100, kind="integer"),
    }
    _, reasons = check_fields(frame, fields, dataset="d")
    assert reasons.tolist() == [
        "out_of_range: b is above 100 m",
        "unreadable_value: a is not a number; out_of_range: b is below 0 m",
        "missing_value: a is empty and required; not_an_integer: b has a fraction",
    ]


def test_absent_columns_are_all_named():
    with pytest.raises(layers.SchemaError, match="no column 'x', 'y'; the file has 'a'"):
        check_fields(pd.DataFrame({"a": [1]}), {"x": layers.Field(), "y": layers.Field()}, dataset="d")


def test_a_stated_stand_in_is_missing_and_not_out_of_range():
    values, reasons = _check([-999, 4, 7], min=0, missing=("-999",))
    assert reasons == [None, None, None]
    assert values.isna().tolist() == [True, False, False]


def test_infinity_is_a_fault():
    assert _check([np.inf, 1.0])[1] == ["not_finite: v is infinite", None]


def test_words_of_truth():
    values, reasons = _check(["yes", "N", "maybe", ""], kind="boolean")
    assert values.tolist()[:2] == [True, False]
    assert reasons == [None, None, "unreadable_value: v is not a boolean", None]


@pytest.mark.parametrize(
    ("column", "kind", "expected"),
    [
        (["1", "2"], "int64", [1, 2]),
        (["1", ""], "Int64", [1, pd.NA]),
        (["1.5", "", "2"], "float64", [1.5, np.nan, 2.0]),
        (["007", "012"], "str", ["007", "012"]),
        (["1", "x"], "str", ["1", "x"]),
        ([" 4 ", "5"], "int64", [4, 5]),
        (["", ""], "str", [np.nan, np.nan]),
        (["99999999999999999999", "1"], "float64", [1e20, 1.0]),
        (["0", "0.5"], "float64", [0.0, 0.5]),
        (["-05", "1"], "str", ["-05", "1"]),
    ],
)
def test_a_text_column_becomes_numbers_only_if_all_of_it_is(column, kind, expected):
    typed = infer_types(pd.DataFrame({"c": column}))["c"]
    assert str(typed.dtype) == kind
    assert pd.Series(typed.tolist()).equals(pd.Series(expected)) or typed.isna().tolist() == pd.isna(expected).tolist()


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1))
def test_whole_numbers_keep_every_digit(numbers):
    typed = infer_types(pd.DataFrame({"n": [str(number) for number in numbers]}))["n"]
    assert typed.tolist() == numbers


def test_a_field_that_contradicts_itself_is_refused():
    with pytest.raises(layers.SchemaError, match="exchange them"):
        layers.Field(min=2, max=1)
    with pytest.raises(layers.SchemaError, match="kind"):
        layers.Field(kind="decimal")
    with pytest.raises(layers.SchemaError, match="no min or max"):
        layers.Field(kind="text", min=1)


def test_a_range_on_a_text_column_is_refused_with_the_remedy():
    with pytest.raises(layers.SchemaError, match="add kind: number"):
        _check(["1", "x"], min=0)


def test_a_word_that_is_not_allowed_is_told_with_its_value():
    assert _check(["bus", "tram", "buss", ""], allowed=("bus", "tram"))[1] == [
        None,
        None,
        "not_allowed: v is 'buss', not one of bus, tram",
        None,
    ]


def test_numbers_may_be_of_a_list_too():
    assert [reason is None for reason in _check([1, 2, 3.0], allowed=(1, 3))[1]] == [True, False, True]


def test_the_whole_text_must_be_of_the_pattern():
    _, reasons = _check(["A12", "A1x", "xA12", "A12 "], pattern=r"A\d+")
    assert [reason is None for reason in reasons] == [True, False, False, True]  # blanks at the ends do not count
    with pytest.raises(layers.SchemaError, match="no regular expression"):
        layers.Field(pattern="(")


def test_of_equal_ids_the_first_one_stays_and_missing_ones_are_no_ids():
    assert _check(["7", "8", "7", "", ""], unique=True)[1] == [
        None,
        None,
        "not_unique: v is '7', as in row 0",
        None,
        None,
    ]


def test_a_key_of_several_columns():
    table = pd.DataFrame({"a": [1, 1, 1], "b": ["x", "y", "x"]})
    _, reasons = check_fields(table, {}, dataset="d", unique=[("a", "b")])
    assert reasons.tolist() == [None, None, "not_unique: a, b is '1', 'x', as in row 0"]
    with pytest.raises(layers.SchemaError, match="unique names 'c'"):
        check_fields(table, {}, dataset="d", unique=[("c",)])


@pytest.mark.parametrize("written", [["12", "13"], [12, 13], [12.0, 13.0], [12.0, None]])
def test_an_id_is_found_in_the_other_dataset_however_it_was_read(written):
    field = layers.Field(references="streets.id")
    known = {"streets.id": frozenset({"12"})}
    _, reasons = check_fields(pd.DataFrame({"v": written}), {"v": field}, dataset="d", known=known)
    assert reasons[0] is None
    assert (reasons[1] is None) == (written[1] is None)
    with pytest.raises(layers.SchemaError, match=r"refers to streets\.id, which is not at hand"):
        check_fields(pd.DataFrame({"v": written}), {"v": field}, dataset="d")


@given(st.lists(st.sampled_from(["a", "b", "c", "d", None]), max_size=30))
def test_unique_agrees_with_counting_by_hand(values):
    seen: set[str] = set()
    expected = []
    for value in values:
        expected.append(value is not None and value in seen)
        seen.add(value)
    _, reasons = check_fields(
        pd.DataFrame({"v": pd.Series(values, dtype="object")}), {"v": layers.Field(unique=True)}, dataset="d"
    )
    assert [reason is not None for reason in reasons] == expected


@given(
    st.lists(
        st.sampled_from(["0", "7", "-7", "+3", "0.5", "-0.25", "007", "-01", "0x", "1e3", "-0", "x", "5"]), min_size=1
    )
)
def test_clean_columns_are_typed_as_those_with_a_space_are(texts):
    clean, spaced = (
        infer_types(pd.DataFrame({"v": pd.Series(v, dtype="str")}))["v"]
        for v in (texts, [*texts[:-1], f" {texts[-1]}"])
    )
    assert clean.dtype == spaced.dtype
    assert clean.to_list() == [v.strip() if isinstance(v, str) else v for v in spaced]


@pytest.mark.parametrize("values", [[None, "", " \t", "x"], [None, "", 7, "x"], ["", np.nan, "\u3000", "x"]])
@pytest.mark.parametrize("kind", ["object", "str"])
def test_blank_text_is_missing_beside_what_is_no_text(values, kind):
    if kind == "str":
        values = [value if isinstance(value, str) else None for value in values]
    table = pd.DataFrame({"v": pd.Series(values, dtype=kind)})
    _, reasons = check_fields(table, {"v": layers.Field(required=True)}, dataset="d")
    blank = [pd.isna(value) or not str(value).strip() for value in values]
    assert [reason is not None for reason in reasons] == blank
    _, numbers = check_fields(table, {"v": layers.Field(kind="number")}, dataset="d")
    assert [reason is not None for reason in numbers] == [value == "x" for value in values]
