"""`uncertain: true` of a dataset: points go to cells by probability, from the weights to the lineage."""

import numpy as np
import pyarrow.parquet as pq
import pytest

import crs
import spatial_join
import twin

CITY = """
city: doubtful
resolution: 10
area: [7.3, 43.6, 7.6, 43.9]
clock: {typical_day: true, step: 1h, zone: Europe/Monaco}
datasets:
  people:
    path: people.csv
    domain: society
    owner: census
    licence: none
    level: public
    uncertain: UNCERTAIN
    position: {definition: OGC:CRS84, columns: [lon, lat], sigma_m: 40}
    variables:
      count: {kind: extensive, unit: "1"}
      age: {kind: intensive, unit: year, by: count}
  cells:
    path: people.csv
    domain: society
    owner: census
    licence: none
    level: public
    uncertain: UNCERTAIN
    position: {cells: geohash, columns: [code], as: SUPPORT}
    variables:
      heads: {kind: extensive, unit: "1", column: count}
"""


def write(folder, *, uncertain=True, support="area"):
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(7.40, 7.44, 60), rng.uniform(43.72, 43.75, 60)
    lines = ["lon,lat,count,age,code"]
    lines += [
        f"{x:.7f},{y:.7f},{n},{a},spv2b{c}"
        for x, y, n, a, c in zip(
            lon, lat, rng.integers(1, 9, 60), rng.integers(1, 90, 60), rng.choice(list("cdefg"), 60), strict=True
        )
    ]
    (folder / "people.csv").write_text("\n".join(lines) + "\n")
    text = CITY.replace("UNCERTAIN", str(uncertain).lower()).replace("SUPPORT", support)
    (folder / "city.yaml").write_text(text, encoding="utf-8")
    return folder / "city.yaml"


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    folder = tmp_path_factory.mktemp("doubtful")
    return twin.build(write(folder), out=folder / "a.twin", workers=0)


def test_the_weights_of_the_twin_are_the_probabilities(city):
    kept = pq.read_table(next(city.path.rglob("weights/people.parquet"))).to_pandas()
    kept = kept.sort_values(["row", "cell"])  # they lie cell by cell
    people = city.features("people")
    grid = spatial_join.H3Grid(resolution=10)
    expected = spatial_join.cell_probabilities(people.geometry.x, people.geometry.y, people["sigma_m"], grid)
    assert (people["sigma_m"] >= 40).all()
    assert kept["cell"].to_numpy().tolist() == expected.cell.tolist()
    assert kept["share"].to_numpy() == pytest.approx(expected.share, abs=1e-15)
    assert kept.groupby("row")["share"].sum().to_numpy() == pytest.approx(np.ones(60), abs=1e-12)


@pytest.mark.parametrize("resolution", [10, 8])
def test_sums_are_conserved_and_lineage_gives_every_value_again(city, resolution):
    people = city.features("people")
    cube = city.cube(["count", "age", "heads"], resolution=resolution)
    assert float(cube["count"].sum()) == pytest.approx(float(people["count"].sum()), rel=1e-9)
    assert float(cube["heads"].sum()) == pytest.approx(float(people["count"].sum()), rel=1e-9)
    for name in ("count", "age"):
        values = cube[name].to_numpy()
        for place in np.flatnonzero(np.isfinite(values))[:: max(1, len(values) // 8)]:
            found = city.explain(int(cube["cell"][place]), name)
            total = float((found.sources["share"] * found.sources["value"]).sum())
            assert total == pytest.approx(values[place], rel=1e-9)
            assert "probab" in found.steps[-1]
    assert len(cube["count"]) > 0


def test_without_the_word_every_point_is_in_one_cell(tmp_path):
    exact = twin.build(write(tmp_path, uncertain=False), out=tmp_path / "a.twin", workers=0)
    kept = pq.read_table(next(exact.path.rglob("weights/people.parquet"))).to_pandas()
    assert (kept["share"] == 1.0).all()
    assert len(kept) == 60


def test_a_code_of_a_grid_is_uniform_over_its_cell(city):
    """Against draws: anywhere in the cell of the code alike, and nowhere else."""
    code = str(city.features("cells")["code"].iloc[0])
    cell = crs.cells.decode_cells([code], system="geohash")
    west, south, east, north = cell.geometry[0].bounds
    rng = np.random.default_rng(2)
    draws = 200_000
    grid = spatial_join.H3Grid(resolution=10)
    drawn, count = np.unique(
        grid.index(rng.uniform(west, east, draws), rng.uniform(south, north, draws)), return_counts=True
    )
    kept = pq.read_table(next(city.path.rglob("weights/cells.parquet"))).to_pandas()
    kept = kept[kept["row"] == 0].set_index("cell")["share"]
    assert set(drawn.tolist()) <= set(kept.index.tolist())
    assert kept.reindex(drawn).to_numpy() == pytest.approx(count / draws, abs=5e-3)
    assert city.features("cells")["radius_m"].iloc[0] == pytest.approx(cell.radius_m[0])


def test_the_middle_of_an_area_is_no_normal_error(tmp_path):
    with pytest.raises(twin.TwinError, match="stand for an area"):
        twin.build(write(tmp_path, support="point"), out=tmp_path / "a.twin", workers=0)


def test_streets_that_are_named_have_no_probability(tmp_path):
    path = write(tmp_path)
    named = "support: reference\n    position: {register: people, key: age, columns: [age]}"
    text = path.read_text().replace("position: {cells: geohash, columns: [code], as: area}", named)
    path.write_text(text)
    with pytest.raises(twin.ManifestError, match="beside support: reference"):
        twin.build(path, out=tmp_path / "a.twin", workers=0)
