"""No bit of a twin can be turned over without being found, by `verify` and by whoever reads it."""

import shutil

from tests.twin.plugs.flips import flip_bits


def test_every_turned_bit_is_found_twice(tiny, tmp_path):
    tally = flip_bits(shutil.copytree(tiny.path, tmp_path / "t.twin"), flips=66, seed=5)
    assert tally.faults == []
    assert len(tally.flips) == 11
    assert tally.flips == tally.verified == tally.refused
