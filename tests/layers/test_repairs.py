"""Repairs: certain or not at all, recorded cell by cell, and undone bit for bit."""

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

import layers
from layers.repairs import repair_table

FOOT = 0.3048
AREA = (7.40, 43.72, 7.45, 43.76)
BY_LEVELS = layers.Repair(rule="feet_to_metres", column="h", related="levels", between=(2.2, 6.0))
NUMBERS = st.one_of(st.none(), st.floats(allow_nan=False, width=64), st.integers(-1000, 1000))


def changes(done):
    return done.log.cells[["rule", "row", "column"]].to_numpy().tolist()


def test_feet_are_known_by_a_related_column():
    table = pd.DataFrame({"h": [12.0, 12.0 / FOOT, 500.0, 12.0 / FOOT, np.nan], "levels": [4, 4, 4, None, 4]})
    done = repair_table(table, [BY_LEVELS], {})
    assert changes(done) == [["feet_to_metres", 1, "h"]]
    assert done.table["h"].iloc[1] == pytest.approx(12.0, rel=1e-15)
    assert [reason is not None for reason in done.doubtful] == [False, False, True, False, False]
    assert done.doubtful[2].startswith("ambiguous_repair: h 500")


def test_feet_are_known_by_what_the_others_of_the_group_say():
    value = ["17.4"] * 20 + [f"{17.4 / FOOT:.4f}", "300", ""]
    table = pd.DataFrame({"site": ["A"] * 23 + ["B"], "at": [*value, "57.0866"]})
    done = repair_table(table, [layers.Repair(rule="feet_to_metres", column="at", by=("site",))], {})
    assert changes(done) == [["feet_to_metres", 20, "at"]]  # B is alone and says nothing; 300 is no feet of 17.4
    assert float(done.table["at"][20]) == pytest.approx(17.4, abs=1e-4)
    assert not any(reason is not None for reason in done.doubtful)


def test_a_sign_is_known_by_the_range_of_the_field():
    table = pd.DataFrame({"t": ["-20", "20", "-999", "x"]})
    done = repair_table(table, [layers.Repair(rule="flip_sign", column="t")], {"t": layers.Field(min=0, max=50)})
    assert done.table["t"].tolist() == ["20", "20", "-999", "x"]
    assert done.doubtful[2].startswith("ambiguous_repair: t -999")


def test_two_rules_that_both_fit_settle_nothing():
    rules = [layers.Repair(rule=rule, column="t", between=(0, 50)) for rule in ("flip_sign", "feet_to_metres")]
    table = pd.DataFrame({"t": [100.0, -20.0]})
    assert changes(repair_table(table, rules, {})) == [["feet_to_metres", 0, "t"], ["flip_sign", 1, "t"]]
    rules = [layers.Repair(rule=rule, column="t", between=(-40, 40)) for rule in ("flip_sign", "feet_to_metres")]
    assert not len(repair_table(pd.DataFrame({"t": [30.0, -30.0]}), rules, {}).log)  # true as they stand
    both = [layers.Repair(rule="flip_sign", column="t", between=(30, 200))]
    both += [layers.Repair(rule="feet_to_metres", column="t", between=(-80, -20))]
    done = repair_table(pd.DataFrame({"t": [-100.0, 100.0]}), both, {})
    assert done.table["t"].tolist() == [-100.0, 100.0]
    assert done.doubtful[0] == "ambiguous_repair: t may be mended by flip_sign (100.0) and feet_to_metres (-30.48)"


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("Residential", "residential"),
        (" steps", "steps"),
        ("residnetial", "residential"),
        ("residental", "residential"),
        ("primry", None),  # primary_link is no nearer, but "primary" and "primaty" are equally near
        ("steeps", "steps"),
        ("rail", None),
        ("stp", None),
        ("", None),
    ],
)
def test_a_word_is_taken_to_the_only_one_it_can_be(word, meant):
    words = ("residential", "steps", "primary", "primaty", "path")
    table = pd.DataFrame({"kind": [word, "path"]})
    done = repair_table(table, [layers.Repair(rule="respell", column="kind")], {"kind": layers.Field(allowed=words)})
    assert done.table["kind"].tolist() == [meant or word, "path"]


def test_an_impossible_value_is_withheld_only_where_nothing_mends_it():
    rules = [layers.Repair(rule=rule, column="v") for rule in ("withhold", "flip_sign")]
    table = pd.DataFrame({"v": ["-20", "-999", "7"]})
    done = repair_table(table, rules, {"v": layers.Field(min=0, max=50)})
    assert done.table["v"].tolist() == ["20", "", "7"]
    assert done.log.counts() == {"flip_sign": 1, "withhold": 1}
    assert [reason is None for reason in done.doubtful] == [True, True, True]


@given(st.lists(NUMBERS, min_size=1, max_size=12), st.sampled_from(["float64", "float32", "Int64", "object text"]))
def test_every_repair_is_undone_bit_for_bit(values, kind):
    if kind == "object text":
        column = pd.Series(["" if value is None else str(value) for value in values], dtype="str")
    elif kind == "Int64":
        whole = [None if value is None else int(max(-1e9, min(1e9, value))) for value in values]
        column = pd.Series(whole, dtype="Int64")
    else:
        with np.errstate(over="ignore"):
            column = pd.Series([np.nan if value is None else value for value in values], dtype="float64").astype(kind)
    table = pd.DataFrame({"v": column, "w": range(len(column))})
    rules = [layers.Repair(rule="flip_sign", column="v", between=(0, 50))]
    rules += [layers.Repair(rule="feet_to_metres", column="v", between=(5, 400))]
    rules += [layers.Repair(rule="withhold", column="v", between=(-300, 300))]
    done = repair_table(table, rules, {})
    pd.testing.assert_frame_equal(done.log.undo(done.table), table, check_exact=True)
    if kind.startswith("float"):
        assert done.log.undo(done.table)["v"].to_numpy().tobytes() == table["v"].to_numpy().tobytes()


def test_categories_are_undone_with_their_type():
    table = pd.DataFrame({"kind": pd.Categorical(["bus", "buss"], categories=["tram", "bus", "buss"])})
    done = repair_table(
        table, [layers.Repair(rule="respell", column="kind")], {"kind": layers.Field(allowed=("bus", "railway"))}
    )
    assert done.table["kind"].tolist() == ["bus", "bus"]
    pd.testing.assert_frame_equal(done.log.undo(done.table), table)


def test_rules_that_cannot_tell_are_refused():
    table = pd.DataFrame({"v": [1.0]})
    for wrong, told in [
        ({"rule": "flip_sign", "column": "v"}, "nothing to tell a fault by"),
        ({"rule": "flip_sign", "column": "w", "between": (0, 1)}, "names 'w'"),
        ({"rule": "respell", "column": "v"}, "nothing to spell by"),
    ]:
        with pytest.raises(layers.SchemaError, match=told):
            repair_table(table, [layers.Repair(**wrong)], {})
    with pytest.raises(layers.SchemaError, match="no repair is called"):
        layers.Repair(rule="guess")


# From files


def read(tmp_path, text, *repairs, position=None, **options):
    path = tmp_path / "d.csv"
    path.write_text(text, encoding="utf-8")
    position = position or {"definition": "EPSG:4326", "columns": ["lon", "lat"]}
    return layers.read(path, position=position, options=layers.ReadOptions(repairs=repairs, **options))


def test_copies_are_rejected_and_kept(tmp_path):
    layer = read(tmp_path, "lon,lat,v\n7.41,43.73,1\n7.41,43.73,1\n7.41,43.73,2\n", layers.Repair(rule="deduplicate"))
    assert layer.table.index.tolist() == [0, 2]
    assert layer.ledger.rejected["reason"].tolist() == ["duplicate: says what row 0 says"]
    assert layer.ledger.rejected["v"].tolist() == ["1"]


def test_near_copies_of_a_key_go_and_contradictions_are_set_aside_whole(tmp_path):
    text = "lon,lat,id,v\n7,43,a,1.00\n7,43,a,1.01\n7,43,b,1\n7,43,b,9\n7,43,,1\n7,43,,2\n"
    layer = read(tmp_path, text, layers.Repair(rule="deduplicate", key=("id",), tolerance=0.05))
    assert layer.table.index.tolist() == [0, 4, 5]
    assert layer.ledger.reasons()[["fate", "reason", "records"]].to_numpy().tolist() == [
        ["quarantined", "conflicting_duplicate", 2],
        ["rejected", "duplicate", 1],
    ]


def test_what_is_set_aside_is_kept_as_it_came_and_not_as_it_was_repaired(tmp_path):
    fields = {"v": layers.Field(min=0, max=50, kind="number"), "w": layers.Field(required=True)}
    layer = read(
        tmp_path, "lon,lat,v,w\n7.410,43.73,-020,\n", layers.Repair(rule="flip_sign", column="v"), fields=fields
    )
    kept = layer.ledger.quarantined.iloc[0]
    assert kept[["lon", "v"]].tolist() == ["7.410", "-020"]
    assert len(layer.repairs) == 1


def test_positions_are_turned_where_only_that_brings_them_inside(tmp_path):
    text = "lon,lat\n7.41,43.73\n43.740,7.42\n-7.43,43.74\n7.43,-43.74\n100,10\n,\n"
    rules = [layers.Repair(rule="swap_axes"), layers.Repair(rule="flip_sign")]
    published = read(tmp_path, text, *rules)
    mended = layers.repair_positions(published, rules, area=AREA)
    assert mended.repairs.counts() == {"flip_sign": 2, "swap_axes": 1}
    assert mended.coordinates.columns[0].tolist() == ["7.41", "7.42", "7.43", "7.43", "100", ""]
    assert mended.table["lon"].tolist()[:4] == [7.41, 7.42, 7.43, 7.43]
    back = mended.repairs.undo(published.published.table)
    pd.testing.assert_frame_equal(back, published.published.table)


def test_a_position_that_several_ways_bring_inside_is_set_aside(tmp_path):
    text = "lon,lat\n30,20\n20,-30\n"
    rules = [layers.Repair(rule="swap_axes"), layers.Repair(rule="flip_sign")]
    mended = layers.repair_positions(read(tmp_path, text, *rules), rules, area=(-35, -25, 25, 35))
    # (20, -30): exchanged it is (-30, 20), with the other sign of y (20, 30); (30, 20): exchanged only... and flipped
    assert set(mended.ledger.reasons()["reason"]) == {"ambiguous_repair"}


def test_letters_of_the_hemisphere_are_turned(tmp_path):
    position = {"definition": "EPSG:4326", "notation": "dms", "axes": "lat,lon", "columns": ["lat", "lon"]}
    text = "lat,lon\n43°44'13.9\"S,7°25'23.1\"E\n7°25'23.1\"E,43°44'13.9\"N\n"
    rules = [layers.Repair(rule="swap_axes"), layers.Repair(rule="flip_sign")]
    mended = layers.repair_positions(read(tmp_path, text, *rules, position=position), rules, area=AREA)
    assert mended.coordinates.columns[0].tolist()[0] == "43°44'13.9\"N"
    assert mended.repairs.counts()["flip_sign"] == 1


@given(st.lists(st.tuples(st.floats(7.401, 7.449), st.floats(43.721, 43.759), st.booleans()), min_size=1, max_size=8))
def test_geometries_are_turned_and_undone_bit_for_bit(points):
    xyz = np.array([(lat, lon, 5.0) if swapped else (lon, lat, 5.0) for lon, lat, swapped in points])
    layer = layers.Layer.from_arrays("d", shapely.points(xyz), position="OGC:CRS84")
    mended = layers.repair_positions(layer, [layers.Repair(rule="swap_axes")], area=AREA)
    assert shapely.get_x(mended.geometry).tolist() == [lon for lon, _, _ in points]
    assert (shapely.get_z(mended.geometry) == 5.0).all()
    cells = mended.repairs.cells.set_index("row")["before"]
    back = mended.geometry.copy()
    back[cells.index.to_numpy()] = shapely.from_wkb(cells.to_numpy(dtype=object))
    assert shapely.to_wkb(back).tolist() == shapely.to_wkb(layer.geometry).tolist()


def test_chainages_are_no_pair_to_exchange(tmp_path):
    position = {"along": "streets", "key": "street", "columns": ["street", "at"], "unit": "metre"}
    layer = read(tmp_path, "street,at\ns1,5\n", position=position)
    with pytest.raises(layers.SchemaError, match="name a column"):
        layers.repair_positions(layer, [layers.Repair(rule="swap_axes")], area=AREA)
