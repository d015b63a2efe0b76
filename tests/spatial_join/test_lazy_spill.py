"""A join whose result is larger than the memory of its only worker."""

import dask
import dask.dataframe as dd
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from dask.sizeof import sizeof
from distributed import Client, LocalCluster, wait

from spatial_join import join, lazy

LIMIT = 550 * 2**20
PARTS, RECORDS, NOTE = 75, 5_000, 1_600


def grid_of_wards():
    west, south = (side.ravel() for side in np.meshgrid(7.40 + 0.01 * np.arange(4), 43.72 + 0.01 * np.arange(4)))
    return gpd.GeoDataFrame(
        {"ward": np.arange(16)}, geometry=shapely.box(west, south, west + 0.01, south + 0.01), crs="OGC:CRS84"
    )


def test_what_memory_does_not_hold_goes_to_disk_and_the_answer_is_right(tmp_path):
    def probes(seed):  # here, so that it travels to the worker as it stands
        draw = np.random.default_rng(seed)
        readings = {"speed": draw.integers(0, 90, RECORDS), "note": [f"{seed:0{NOTE}}"] * RECORDS}
        at = draw.uniform([7.40, 43.72], [7.44, 43.76], (RECORDS, 2))
        return gpd.GeoDataFrame(readings, geometry=shapely.points(at), crs="OGC:CRS84")

    def kept(dask_worker):
        spilled = dask_worker.data.spilled_total
        return dask_worker.data.fast.total_weight + spilled.memory, spilled.disk

    parts = [dask.delayed(probes)(seed) for seed in range(PARTS)]
    collection, wards = dd.from_delayed(parts, meta=probes(0).iloc[:0]), grid_of_wards()
    some = join(probes(7), wards)
    # The worker, which holds a quarter of a gigabyte before it begins, may keep 115 MB of results in memory.
    memory = {"target": 0.2, "spill": False, "pause": False, "terminate": 0.95}
    options = {f"distributed.worker.memory.{name}": share for name, share in memory.items()}
    with (
        dask.config.set({"temporary-directory": str(tmp_path), **options}),
        LocalCluster(
            n_workers=1, threads_per_worker=1, memory_limit=LIMIT, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        (first,) = client.scheduler_info()["workers"]
        joined = lazy.join(collection, wards).persist()
        wait(joined, timeout=300)
        ((worker, (held, on_disk)),) = client.run(kept).items()
        one = dask.compute(joined.partitions[7])[0]
        sums = joined[["speed", "ward"]].sum().compute()
    assert worker == first  # none died, none was started in its place
    assert held > LIMIT
    assert on_disk > LIMIT / 2
    pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(some))
    expected = [join(probes(seed)[["speed", "geometry"]], wards)[["speed", "ward"]].sum() for seed in range(PARTS)]
    pd.testing.assert_series_equal(sums, sum(expected), check_dtype=False)


@pytest.mark.parametrize("shape", [shapely.Point(7.42, 43.73), shapely.Point(7.42, 43.73).buffer(0.01, quad_segs=200)])
def test_a_geometry_weighs_what_it_holds(shape):
    frame = gpd.GeoDataFrame(geometry=[shape] * 100, crs="OGC:CRS84")
    plain = sizeof(pd.DataFrame(index=frame.index))
    held = 100 * (16 * shapely.get_num_coordinates(shape) + 112)
    assert held <= sizeof(frame) - plain <= held + 3000
