"""A scheduler and two workers as processes of their own, one of which dies while it works."""

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from distributed import Client, as_completed

from spatial_join import join, lazy

LOOPBACK = "127.0.0.1"
CENTRE = np.array([7.42, 43.73])


def free_port():
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def cluster(tmp_path):
    """An address, and the processes of the workers by their names; no nanny brings a dead one back."""
    address = f"tcp://{LOOPBACK}:{free_port()}"
    dask = [sys.executable, "-m", "dask"]
    alone = ["--host", LOOPBACK, "--no-dashboard"]
    scheduler = subprocess.Popen([*dask, "scheduler", *alone, "--port", address.rsplit(":", 1)[1]], cwd=tmp_path)
    workers = {
        name: subprocess.Popen(
            [*dask, "worker", address, "--name", name, "--nthreads", "1", "--no-nanny", *alone],
            cwd=tmp_path,
            env={**os.environ, "NUMBA_NUM_THREADS": "1"},
        )
        for name in ("one", "other")
    }
    yield address, workers
    for process in (*workers.values(), scheduler):
        process.kill()
        process.wait(timeout=20)


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(5)
    at = CENTRE + rng.uniform(-0.2, 0.2, (12_000, 2))
    stops = gpd.GeoDataFrame({"stop": np.arange(12_000)}, geometry=shapely.points(at), crs="OGC:CRS84")
    corner = CENTRE + rng.uniform(-0.2, 0.2, (3_000, 2))
    squares = shapely.box(*corner.T, *(corner + 0.004).T)
    blocks = gpd.GeoDataFrame({"block": np.arange(3_000)}, geometry=squares, crs="OGC:CRS84")
    stops.to_parquet(tmp_path / "stops.parquet", row_group_size=600)
    blocks.to_parquet(tmp_path / "blocks.parquet", row_group_size=700)
    return tmp_path / "stops.parquet", tmp_path / "blocks.parquet"


def test_the_answer_is_the_same_when_a_worker_dies_midway(cluster, files):
    address, workers = cluster
    plan = lazy.join(*files, predicate="nearest", k=2)
    with ThreadPoolExecutor(1) as thread, Client(address, timeout=30) as client:
        eager = thread.submit(join, *files, predicate="nearest", k=2)
        client.wait_for_workers(2, timeout=60)
        parts = client.compute(plan.to_delayed())
        finished = as_completed(parts)
        next(finished)
        os.kill(workers["one"].pid, signal.SIGKILL)
        undone = sum(not part.done() for part in parts)
        found = pd.concat(client.gather(parts))
        survivors = [info["name"] for info in client.scheduler_info()["workers"].values()]
        expected = eager.result()
    assert undone > 0, "the worker died after the work was done"
    assert survivors == ["other"]
    pd.testing.assert_frame_equal(pd.DataFrame(found), pd.DataFrame(expected), rtol=0, atol=0)
