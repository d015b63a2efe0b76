"""No bit of a twin can be turned over without being found, by `verify` and by whoever reads it."""

import os
import shutil

import pytest

import twin
from tests.twin.plugs.flips import flip_bits


def test_every_turned_bit_is_found_twice(tiny, tmp_path):
    tally = flip_bits(shutil.copytree(tiny.path, tmp_path / "t.twin"), flips=66, seed=5)
    assert tally.faults == []
    assert len(tally.flips) == 11
    assert tally.flips == tally.verified == tally.refused


def test_a_bit_turned_after_the_first_look_is_found_too(tiny, tmp_path):
    """The footer of a table is kept, so that one value need not read all of it: what is changed later is seen."""
    path = shutil.copytree(tiny.path, tmp_path / "t.twin")
    city = twin.open(path)
    cell = int(city.cube("speed_kmh")["cell"][0])
    told = city.explain(cell, "speed_kmh", 3)
    for table in ("weights", "records"):
        file = path / "snapshots" / city.snapshot / table / "detectors.parquet"
        whole, at = file.read_bytes(), file.stat()
        file.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
        os.utime(file, ns=(at.st_atime_ns, at.st_mtime_ns))  # as if nobody had written to it
        with pytest.raises(twin.StoreDamagedError):
            city.explain(cell, "speed_kmh", 3)
        file.write_bytes(whole)
    assert city.explain(cell, "speed_kmh", 3).sources.equals(told.sources)
