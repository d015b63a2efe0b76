"""Totals that close, means that mean something, and roll-ups that are refused."""

import geopandas as gpd
import h3.api.basic_int as h3
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from crs import Lattice
from layers import Layer
from spatial_join import (
    CrsMismatchError,
    H3Grid,
    JoinError,
    Quantity,
    QuantityError,
    ResolutionError,
    WrongRollUpError,
    aggregate,
    to_h3,
    weights,
)

LON, LAT = 7.42, 43.73
CENTRE = np.array([LON, LAT])


def records(rng, n=60, kind="polygon", size=2e-3):
    """Overlapping records of one kind of geometry."""
    at = CENTRE + rng.uniform(-0.02, 0.02, (n, 2))
    if kind == "point":
        return shapely.points(at)
    if kind == "line":
        return shapely.linestrings(
            np.stack([at, at + rng.normal(0, size, (n, 2)), at + rng.normal(0, size, (n, 2))], axis=1)
        )
    return shapely.box(at[:, 0], at[:, 1], at[:, 0] + size, at[:, 1] + size * rng.uniform(0.1, 1, n))


def frame(rng, kind="polygon", **columns):
    shapes = records(rng, kind=kind)
    return gpd.GeoDataFrame(
        {name: make(len(shapes)) for name, make in columns.items()}, geometry=shapes, crs="OGC:CRS84"
    )


@given(st.integers(0, 2**32 - 1), st.sampled_from(["point", "line", "polygon"]), st.integers(7, 12))
@settings(deadline=None, max_examples=40)
def test_totals_are_conserved(seed, kind, resolution):
    rng = np.random.default_rng(seed)
    data = frame(rng, kind, people=lambda n: 10.0 ** rng.uniform(-3, 6, n))
    table = to_h3(data, resolution=resolution, values={"people": "extensive"})
    total = data["people"].sum()
    assert abs(table.totals()["people"] - total) <= 1e-9 * total
    assert abs(table.frame["n"].sum() - len(data)) <= 1e-9 * len(data)
    coarse = table.coarsen(5)
    assert abs(coarse.totals()["people"] - total) <= 1e-9 * total
    assert abs(coarse.frame["support"].sum() - table.frame["support"].sum()) <= 1e-9 * table.frame["support"].sum()


def test_rasters_conserve_what_they_hold(rng):
    j, i = np.mgrid[:31, :41]
    values = rng.uniform(0, 9, (30, 40))
    values[3:5, 6:20] = np.nan
    raster = Raster(values, Lattice(LON + 4e-4 * i, LAT - 3e-4 * j))
    table = to_h3(raster, resolution=10, values={"no2": Quantity(kind="extensive")})
    assert table.totals()["no2"] == pytest.approx(np.nansum(values), rel=1e-12)
    assert table.missing.empty


class Raster:
    """As much of layers.RasterLayer as is looked at."""

    name, variable = "background", "no2"

    def __init__(self, values, coordinates):
        self.values, self.coordinates = values, coordinates


def test_means_are_weighted_by_support(rng):
    data = frame(rng, "polygon", no2=lambda n: rng.uniform(5, 60, n))
    data.loc[[4, 7], "no2"] = np.nan
    table = to_h3(data, resolution=9, values={"no2": {"kind": "intensive", "unit": "ug/m3"}}).frame.set_index("cell")
    spread = weights(data.geometry, H3Grid(9))
    for cell in spread.cells:
        mine = (spread.cell == cell) & ~np.isnan(data["no2"].to_numpy()[spread.row])
        support, value = spread.support[mine], data["no2"].to_numpy()[spread.row[mine]]
        assert table.loc[cell, "no2__support"] == pytest.approx(support.sum())
        expected = (value * support).sum() / support.sum() if mine.any() else np.nan
        assert table.loc[cell, "no2"] == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("kind", ["point", "line", "polygon"])
def test_coarser_is_what_the_fine_cells_say(kind, rng):
    data = frame(rng, kind, speed=lambda n: rng.uniform(5, 60, n))
    values = {"speed": Quantity(kind="intensive", unit="km/h")}
    coarse = to_h3(data, resolution=11, values=values).coarsen(8)
    spread = weights(data.geometry, H3Grid(11)).coarsen(8)
    direct = aggregate(spread, {"speed": data["speed"]}, values)
    pd.testing.assert_frame_equal(coarse.frame, direct.frame, rtol=1e-12)


def test_a_missing_amount_is_reported_and_not_zero(rng):
    data = frame(rng, "point", people=lambda n: rng.uniform(1, 9, n)).set_index(np.arange(100, 160))
    data.loc[103, "people"] = np.nan
    alone = h3.latlng_to_cell(LAT + 1, LON, 9)
    data.loc[103, "geometry"] = shapely.Point(LON, LAT + 1)
    table = to_h3(data, resolution=9, values={"people": "extensive"})
    assert table.missing[["row", "variable"]].to_numpy().tolist() == [[103, "people"]]
    assert table.missing["reason"].str.startswith("missing_value").all()
    assert np.isnan(table.frame.set_index("cell").loc[alone, "people"])
    assert table.totals()["people"] == pytest.approx(data["people"].sum(), rel=1e-12)


def test_classes_keep_the_one_with_most_support():
    squares = [shapely.box(LON, LAT, LON + w, LAT + 1e-4) for w in (1e-4, 2e-4, 1.5e-4)]
    data = gpd.GeoDataFrame({"use": ["park", "road", "park"]}, geometry=squares, crs="OGC:CRS84")
    table = to_h3(data, resolution=7, values={"use": "categorical"})
    assert table.frame["use"].tolist() == ["park"]
    kept = table.categories["use"].set_index("category")["support"]
    assert kept["park"] / kept["road"] == pytest.approx(2.5 / 2, rel=1e-6)
    assert table.coarsen(3).frame["use"].tolist() == ["park"]
    data.loc[1, "use"] = None
    assert to_h3(data, resolution=7, values={"use": "categorical"}).frame["use"].tolist() == ["park"]


def test_steps_are_kept_apart(rng):
    data = frame(rng, "point", flow=lambda n: rng.uniform(1, 9, n), step=lambda n: rng.integers(0, 3, n))
    table = to_h3(data, resolution=8, values={"flow": "extensive"}, by="step")
    by_step = table.frame.groupby("step")["flow"].sum()
    pd.testing.assert_series_equal(by_step, data.groupby("step")["flow"].sum(), rtol=1e-12)
    assert table.coarsen(6).keys == ["cell", "step"]
    with pytest.raises(QuantityError, match="one whole number per record"):
        to_h3(data, resolution=8, values={"flow": "extensive"}, by=np.zeros(len(data)))


def test_a_column_per_step_is_the_same_as_a_line_per_step(rng):
    shapes = records(rng, n=20, kind="line")
    values = rng.uniform(1, 9, (20, 4))
    values[3, 1] = values[5] = np.nan
    kinds = {"speed": Quantity(kind="intensive"), "flow": Quantity(kind="extensive")}
    sigma = rng.uniform(1, 20, 20)
    wide = aggregate(weights(shapes, H3Grid(9)), {"speed": values, "flow": values}, kinds, sigma_m=sigma).frame
    flat = values.ravel()
    long = aggregate(
        weights(np.repeat(shapes, 4), H3Grid(9)),
        {"speed": flat, "flow": flat},
        kinds,
        by=np.tile(np.arange(4), 20),
        sigma_m=np.repeat(sigma, 4),
    ).frame
    both = wide.merge(long, on=["cell", "step"], suffixes=("", "_long"))
    assert len(both) == len(wide)
    for name in ("speed", "flow", "speed__support", "flow__support", "n", "sigma_m"):
        np.testing.assert_allclose(both[name], both[f"{name}_long"], rtol=1e-12)


def test_uncertainty_is_the_root_mean_square_by_support():
    squares = [shapely.box(LON, LAT, LON + 1e-4, LAT + 1e-4), shapely.box(LON, LAT, LON + 3e-4, LAT + 1e-4)]
    data = gpd.GeoDataFrame({"a": [1.0, 1.0], "sigma_m": [2.0, 6.0]}, geometry=squares, crs="OGC:CRS84")
    table = to_h3(data, resolution=6, values={"a": "intensive"})
    assert table.frame["sigma_m"].tolist() == pytest.approx([np.sqrt((2.0**2 + 3 * 6.0**2) / 4)], rel=1e-6)


def test_an_uncertainty_that_is_not_stated_is_not_zero(rng):
    layer = Layer.from_arrays("blocks", records(rng), position="OGC:CRS84", columns={"people": np.ones(60)})
    assert to_h3(layer, resolution=9, values={"people": "extensive"}).frame["sigma_m"].isna().all()
    stated = Layer.from_arrays(
        "blocks", records(rng), position={"definition": "OGC:CRS84", "sigma_m": 4.0}, columns={"people": np.ones(60)}
    )
    np.testing.assert_allclose(to_h3(stated, resolution=9, values={"people": "extensive"}).frame["sigma_m"], 4.0)


def test_a_layer_is_taken_as_it_is(rng):
    layer = Layer.from_arrays("blocks", records(rng), position="OGC:CRS84", columns={"people": np.arange(60.0)})
    table = to_h3(layer, resolution=9, values={"people": "extensive"})
    assert table.totals()["people"] == pytest.approx(np.arange(60.0).sum(), rel=1e-12)
    abroad = Layer.from_arrays(
        "survey", shapely.points([[1e6, 2e5]]), position="EPSG:2263", columns={"people": np.ones(1)}
    )
    with pytest.raises(CrsMismatchError, match=r"'survey' is in EPSG:2263.*harmonise"):
        to_h3(abroad, resolution=9, values={"people": "extensive"})


def test_sources_that_cannot_be_taken(rng):
    data = frame(rng, "point", name=lambda n: np.array(["x"] * n, dtype=object))
    with pytest.raises(QuantityError, match="no column 'people'; it has name"):
        to_h3(data, values={"people": "extensive"})
    with pytest.raises(QuantityError, match="not numeric"):
        to_h3(data, values={"name": "extensive"})
    with pytest.raises(CrsMismatchError, match="does not say"):
        to_h3(data.set_crs(None, allow_override=True), values={"name": "categorical"})
    with pytest.raises(CrsMismatchError, match="EPSG:2263"):
        to_h3(data.to_crs("EPSG:2263"), values={"name": "categorical"})
    with pytest.raises(JoinError, match="Cannot take records from a DataFrame"):
        to_h3(pd.DataFrame({"a": [1]}), values={"a": "extensive"})


def test_values_that_do_not_fit(rng):
    spread = weights(records(rng, n=5), H3Grid(8))
    intensive = {"a": Quantity(kind="intensive"), "b": Quantity(kind="intensive")}
    with pytest.raises(QuantityError, match=r"shape \(4,\).*5 records"):
        aggregate(spread, {"a": np.ones(4)}, {"a": intensive["a"]})
    with pytest.raises(QuantityError, match="column per step"):
        aggregate(spread, {"a": np.ones((5, 2)), "b": np.ones(5)}, intensive)
    with pytest.raises(QuantityError, match="cannot have a column per step"):
        aggregate(spread, {"a": np.ones((5, 2))}, {"a": Quantity(kind="categorical")})


@pytest.mark.parametrize(
    ("kind", "wrong", "right"),
    [("extensive", "mean", "sum"), ("intensive", "sum", "mean"), ("categorical", "mean", "mode")],
)
def test_a_wrong_roll_up_says_which_is_right(kind, wrong, right, rng):
    data = frame(rng, "point", a=lambda n: np.arange(n) % 3)
    table = to_h3(data, resolution=8, values={"a": kind})
    with pytest.raises(WrongRollUpError, match=f"'a' is {kind}.*'{wrong}' has no meaning.*Use '{right}'"):
        table.coarsen(7, roll_ups={"a": wrong})
    assert len(table.coarsen(7, roll_ups={"a": right})) > 0


def test_a_weighting_that_the_geometry_lacks(rng):
    data = frame(rng, "point", a=np.ones)
    with pytest.raises(WrongRollUpError, match=r"weighted by area.*measured by count.*by: count"):
        to_h3(data, values={"a": Quantity(kind="intensive", by="area")})
    lines = frame(rng, "line", a=lambda n: rng.uniform(1, 2, n))
    by_number = to_h3(lines, resolution=6, values={"a": Quantity(kind="intensive", by="count")})
    assert by_number.frame["a__support"].sum() == pytest.approx(60)


@pytest.mark.parametrize("wrong", ["amount", {"unit": "m"}, 3])
def test_a_quantity_that_says_nothing(wrong):
    with pytest.raises(QuantityError, match="intensive"):
        Quantity.of(wrong)


def test_quantities_refuse_contradictions():
    with pytest.raises(QuantityError, match="leave it out"):
        Quantity(kind="extensive", by="area")
    for by in (None, "length"):
        with pytest.raises(QuantityError, match="write the name of that column"):
            Quantity(kind="rate", by=by)


def test_tables_never_get_finer(rng):
    table = to_h3(frame(rng, "point", a=np.ones), resolution=8, values={"a": "extensive"})
    with pytest.raises(ResolutionError, match="cannot be refined"):
        table.coarsen(9)
    with pytest.raises(QuantityError, match="no variable 'b'"):
        table.coarsen(7, roll_ups={"b": "sum"})


def test_merging_tables_keeps_both(rng):
    people = to_h3(
        frame(rng, "polygon", people=np.ones, sigma_m=lambda n: np.full(n, 3.0)),
        resolution=9,
        values={"people": "extensive"},
    )
    speed = to_h3(
        frame(rng, "line", speed=np.ones, sigma_m=lambda n: np.full(n, 3.0)),
        resolution=9,
        values={"speed": "intensive"},
    )
    both = people.merge(speed)
    assert both.totals()["people"] == pytest.approx(60)
    assert both.frame["n"].sum() == pytest.approx(120)
    np.testing.assert_allclose(both.frame["sigma_m"], 3.0)
    assert both.measure is None
    assert both.frame["support"].isna().all()
    coarse = both.coarsen(6)
    np.testing.assert_allclose(coarse.frame["sigma_m"], 3.0)
    assert coarse.totals()["people"] == pytest.approx(60)
    with pytest.raises(JoinError, match="Both tables have people"):
        people.merge(people)
    with pytest.raises(ResolutionError, match="8 and 9"):
        people.coarsen(8).merge(speed)


def test_an_empty_layer_is_an_empty_table():
    data = gpd.GeoDataFrame({"a": np.empty(0)}, geometry=[], crs="OGC:CRS84")
    table = to_h3(data, resolution=9, values={"a": "extensive"})
    assert len(table) == 0
    assert table.totals()["a"] == 0.0
    assert len(table.coarsen(5)) == 0


def test_a_table_says_what_it_holds(rng):
    data = frame(rng, "point", people=lambda n: np.full(n, 1234.5), no2=lambda n: np.full(n, 31.25))
    data = data.assign(use=["park"] * 30 + ["<road>"] * 30, step=np.arange(60) % 4, none=np.nan, sigma_m=5.0)
    data.loc[7, "people"] = np.nan
    values = {"people": "extensive", "no2": Quantity(kind="intensive", unit="ug/m3"), "use": "categorical"}
    table = to_h3(data, resolution=6, values=values | {"none": "intensive"}, by="step")
    text = repr(table)
    cells = table.frame["cell"].nunique()
    assert text.startswith(f"<CellTable: {cells:,} cell")
    assert "of resolution 6, 4 steps, 60 records, sigma 5 m, 1 without a value (see .missing)>" in text
    lines = [line.split() for line in text.splitlines()[1:]]
    assert lines[0] == ["people", "extensive", "1", "total", f"{59 * 1234.5:,.10g}"]
    assert lines[1] == ["no2", "intensive", "ug/m3", "mean", "31.25,", "31.25", "to", "31.25"]
    assert lines[2][:2] == ["use", "categorical"]
    assert lines[3][-2:] == ["no", "values"]
    page = table._repr_html_()
    assert "&lt;road&gt;" in page
    assert "<road>" not in page
    assert page.count("<tr>") == 5
    empty = to_h3(frame(rng, "point", a=np.ones).iloc[:0], resolution=6, values={"a": "extensive"})
    assert repr(empty).splitlines() == ["<CellTable: 0 cells of resolution 6>", "  a  extensive  1  no values"]
