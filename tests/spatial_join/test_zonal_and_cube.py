"""Cells back to records, and tables as a cube."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from spatial_join import (
    H3Grid,
    JoinError,
    Quantity,
    QuantityError,
    ResolutionError,
    WrongRollUpError,
    aggregate,
    mean_on_features,
    to_cube,
    to_features,
    to_h3,
    weights,
)

LON, LAT = 7.42, 43.73
CENTRE = np.array([LON, LAT])


@pytest.fixture
def squares(rng):
    at = CENTRE + rng.uniform(-0.01, 0.01, (80, 2))
    shapes = shapely.box(at[:, 0], at[:, 1], at[:, 0] + 2e-3, at[:, 1] + 2e-3)
    columns = {"no2": rng.uniform(5, 60, 80), "people": rng.uniform(1, 9, 80), "use": rng.choice(list("abc"), 80)}
    return gpd.GeoDataFrame(columns, geometry=shapes, crs="OGC:CRS84")


def lines(rng, n=15):
    at = CENTRE + rng.uniform(-0.01, 0.01, (n, 2))
    return shapely.linestrings(np.stack([at, at + rng.normal(0, 3e-3, (n, 2))], axis=1))


def test_a_mean_on_streets_is_that_of_their_cells(squares, rng):
    table = to_h3(squares, resolution=10, values={"no2": "intensive"})
    spread = weights(lines(rng), H3Grid(10))
    value = table.frame.set_index("cell")["no2"]
    for coverage in (0.0, 0.5, 1.0):
        found = to_features(spread, table, "no2", coverage=coverage)
        for row in range(spread.rows):
            share = spread.share[spread.row == row]
            here = value.reindex(spread.cell[spread.row == row]).to_numpy()
            known = ~np.isnan(here)
            covered = share[known].sum()
            enough = covered > 0 and covered >= min(coverage, 1 - 1e-9)
            expected = (share[known] * here[known]).sum() / covered if enough else np.nan
            assert found[row] == pytest.approx(expected, nan_ok=True)


def test_a_constant_comes_back_as_it_was(rng):
    grid = H3Grid(9)
    cells = grid.cover(shapely.box(7.35, 43.68, 7.5, 43.8))
    found = mean_on_features(weights(lines(rng), grid), cells, np.full((len(cells), 3), 17.0))
    np.testing.assert_allclose(found, np.full((15, 3), 17.0), rtol=1e-14)


def test_steps_come_back_as_columns(squares, rng):
    spread = weights(squares.geometry, H3Grid(9))
    table = aggregate(spread, {"a": rng.uniform(0, 1, (80, 5))}, {"a": Quantity(kind="intensive")})
    found = to_features(weights(lines(rng), H3Grid(9)), table, "a")
    one = table.frame[table.frame["step"] == 3]
    alone = mean_on_features(weights(lines(rng, 1), H3Grid(9)), one["cell"].to_numpy(), one["a"].to_numpy())
    assert found.shape == (15, 5)
    assert alone.shape == (1,)
    again = mean_on_features(
        weights(lines(np.random.default_rng(20261122)), H3Grid(9)), one["cell"].to_numpy(), one["a"].to_numpy()
    )
    assert again.shape == (15,)


def test_amounts_come_back_by_area_and_only_to_polygons(squares, rng):
    table = to_h3(squares, resolution=9, values={"people": "extensive"})
    cells = table.frame["cell"].to_numpy()
    whole = weights(H3Grid(9).boundaries(cells), H3Grid(9))
    np.testing.assert_allclose(to_features(whole, table, "people"), table.frame["people"], rtol=1e-6)
    with pytest.raises(WrongRollUpError, match=r"to a line is not known.*intensive"):
        to_features(weights(lines(rng), H3Grid(9)), table, "people")


def test_the_class_that_covers_most(squares):
    table = to_h3(squares, resolution=9, values={"use": "categorical"})
    grid = H3Grid(9)
    centre = shapely.points(np.stack(grid.centres(table.frame["cell"]), axis=1))
    found = to_features(weights(centre, grid), table, "use")
    assert found.tolist() == table.frame["use"].tolist()
    assert to_features(weights([shapely.Point(0, 0)], grid), table, "use").tolist() == [None]


def test_what_cannot_come_back(squares, rng):
    table = to_h3(squares, resolution=9, values={"no2": "intensive"})
    with pytest.raises(ResolutionError, match=r"10.*9"):
        to_features(weights(lines(rng), H3Grid(10)), table, "no2")
    with pytest.raises(QuantityError, match="0 to 1"):
        to_features(weights(lines(rng), H3Grid(9)), table, "no2", coverage=1.5)


def test_a_cube_holds_what_the_tables_hold(squares, rng):
    spread = weights(squares.geometry, H3Grid(9))
    speed = aggregate(
        spread,
        {"speed": rng.uniform(0, 1, (80, 4))},
        {"speed": Quantity(kind="intensive", unit="km/h")},
        sigma_m=np.ones(80),
    )
    people = to_h3(squares, resolution=9, values={"people": "extensive", "use": "categorical"})
    times = np.datetime64("2026-06-16T00:00") + np.arange(4) * np.timedelta64(15, "m")
    cube = to_cube([speed, people], times=times)
    assert cube["speed"].dims == ("cell", "time")
    assert cube["people"].dims == ("cell",)
    assert cube["speed"].attrs == {"units": "km/h", "kind": "intensive"}
    assert cube["speed_sigma_m"].attrs["units"] == "m"
    assert "people_sigma_m" not in cube
    assert (np.diff(cube["cell"].to_numpy().astype(np.int64)) > 0).all()
    assert float(cube["people"].sum()) == pytest.approx(squares["people"].sum(), rel=1e-12)
    line = speed.frame.iloc[7:8]
    cell, step, value = (line[name].item() for name in ("cell", "step", "speed"))
    assert float(cube["speed"].sel(cell=cell, time=times[step])) == value
    first = people.frame.iloc[0]
    assert cube["use"].sel(cell=first["cell"]).item() == first["use"]


def test_cubes_that_cannot_be(squares):
    table = to_h3(squares, resolution=9, values={"people": "extensive"})
    with pytest.raises(JoinError, match="at least one"):
        to_cube([])
    with pytest.raises(JoinError, match="people are in more than one"):
        to_cube([table, table])
    with pytest.raises(ResolutionError, match="9, 8"):
        to_cube([table, table.coarsen(8)])
    stepped = to_h3(squares.assign(step=3), resolution=9, values={"people": "extensive"}, by="step")
    with pytest.raises(JoinError, match="steps up to 3, but only 2 times"):
        to_cube(stepped, times=[0, 1])
