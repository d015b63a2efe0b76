"""A fifth of the records spoiled: what is mended is right, what is uncertain is set aside, all can be undone."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.repairs import CITY, measure
from data_samples.monaco.make.mistakes import KINDS, RECIPES, mistaken_copy


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> tuple[pd.DataFrame, pd.DataFrame]:
    return measure(tmp_path_factory.mktemp("mistakes"), rate=0.2, seed=7)


def test_at_least_95_per_cent_of_records_pass(measured):
    table, _ = measured
    assert table.loc["all", "spoiled"] > 0.18 * table.loc["all", "records"]
    assert table.loc["all", "pass"] >= 0.95
    assert (table["pass"] >= 0.95).all()


def test_repairs_are_right_by_the_kept_truth(measured):
    table, kinds = measured
    assert table.loc["all", "precision"] >= 0.99
    assert (table["precision"] >= 0.95).all()  # small datasets: one in twenty
    certain = kinds.loc[["duplicate", "feet", "sign", "swapped"]]
    assert certain["mended"].sum() >= 0.95 * certain["planted"].sum()


def test_every_repair_is_undone_bit_for_bit(measured):
    table, _ = measured
    assert table["undone"].tolist() == table["cells"].tolist()
    assert table.loc["all", "cells"] > 10_000


def test_where_nothing_is_spoiled_nothing_is_repaired(tmp_path):
    table, kinds = measure(tmp_path, rate=0.0, seed=1)
    assert table.loc["all", "repairs"] == 0
    assert table.loc["all", "passed"] == table.loc["all", "records"]
    assert kinds.empty


def test_the_truth_is_what_was_changed_and_nothing_else_was(tmp_path):
    truth = mistaken_copy(CITY, tmp_path, rate=0.2, seed=3)
    assert set(truth["kind"]) == set(KINDS)
    assert not truth.duplicated(["dataset", "row", "column"]).any()
    for name in ("air_stations", "old_sites_lambert"):
        clean, spoiled = (
            pd.read_csv(city / "raw" / RECIPES[name].file, dtype=str, keep_default_na=False)
            for city in (CITY, tmp_path)
        )
        own = truth[truth["dataset"] == name]
        copies = own.loc[own["kind"] == "duplicate", "row"]
        cells = own[own["kind"] != "duplicate"]
        for row, column, before, after in cells[["row", "column", "before", "after"]].to_numpy():
            assert spoiled.loc[row, column] == after
            spoiled.loc[row, column] = before
        assert (spoiled.loc[copies].to_numpy() == spoiled.loc[copies - 1].to_numpy()).all()
        assert np.array_equal(spoiled.drop(index=copies).to_numpy(), clean.to_numpy())


def test_a_seed_gives_the_same_mistakes(tmp_path):
    first = mistaken_copy(CITY, tmp_path / "a", rate=0.01, seed=5)
    pd.testing.assert_frame_equal(first, mistaken_copy(CITY, tmp_path / "b", rate=0.01, seed=5))
    assert not first.equals(mistaken_copy(CITY, tmp_path / "c", rate=0.01, seed=6))
    with pytest.raises(ValueError, match="from 0 to 1"):
        mistaken_copy(CITY, tmp_path / "d", rate=2.0)
