"""The samples of tables and of environment hold what they say."""

import numpy as np
import pytest

import layers
from tests.layers.samples import environment, tables

SAMPLES = (*tables.SAMPLES, *environment.SAMPLES)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.file)
def test_a_sample_is_read_as_written(sample, tmp_path):
    path = tmp_path / sample.file
    sample.write(path)
    layer = layers.read(path, position=sample.position, options=sample.options)
    assert layer.ledger.records_in == sample.records
    assert len(layer) == (sample.records if sample.placed is None else sample.placed)
    if sample.format in {"CSV", "Excel", "Access"}:
        assert layer.column("station").tolist() == [row[0] for row in tables.ROWS]
        assert np.array_equal(layer.column("no2"), [21.5, 35.0, np.nan], equal_nan=True)
        return
    values = np.where(environment.FIELD == -9999, np.nan, environment.FIELD)
    assert layer.values == pytest.approx(values, abs=0, nan_ok=True)
