"""SpatialBench's queries: ours and GeoPandas give one answer, and the comparison would notice if they did not."""

import pytest

from benchmarks.spatialbench.__main__ import differing
from benchmarks.spatialbench.frames import GeoPandas, Ours
from benchmarks.spatialbench.sql import QUERIES
from benchmarks.spatialbench.tables import PLANE, draw


@pytest.fixture(scope="module")
def tables():
    return draw(5_000, 120, 2_000)


@pytest.mark.parametrize("query", QUERIES)
def test_answers_are_those_of_geopandas(tables, query):
    ours, theirs = getattr(Ours(tables), query)(), getattr(GeoPandas(tables.to_crs(PLANE)), query)()
    assert len(ours) > 0
    assert differing(ours, theirs) == 0


def test_five_nearest_are_the_five_least_distances(tables):
    metres = tables.to_crs(PLANE)
    found = Ours(tables).q12(50).set_index("t_tripkey")["mean_m"]
    for key, pickup in zip(metres.trips["t_tripkey"][:50], metres.trips.geometry[:50], strict=True):
        least = metres.buildings.distance(pickup).nsmallest(5)
        assert found[key] == pytest.approx(least.mean(), rel=1e-4, abs=1e-3)


def test_a_changed_count_measure_or_row_is_noticed(tables):
    answer = Ours(tables).q6()
    assert len(answer) > 1
    assert differing(answer, answer.assign(total_pickups=answer["total_pickups"] + 1)) == len(answer)
    assert differing(answer, answer.assign(avg_amount=answer["avg_amount"] * 1.01)) == len(answer)
    assert differing(answer, answer.iloc[1:]) == 1
    total = Ours(tables).q11()
    assert differing(total, total + 1) == 1
