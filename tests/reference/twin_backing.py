"""What stands behind the values of cells, record by record in plain Python."""

import numpy as np
import pandas as pd


def backing(city, variable, layer, *, cell, step, step_s, period_s):
    """Return n and covered metres (or counts) of a cell at a step, from the tables that lineage keeps."""
    weights = city.weights(layer)
    weights = weights[weights["cell"] == cell]
    records = city._snapshot.table(f"records/{layer}.parquet").to_pandas()
    start = city.clock.start + pd.Timedelta(seconds=step * step_s)
    end = start + pd.Timedelta(seconds=step_s)
    n = covered = base = 0.0
    for piece in weights.itertuples():
        base += piece.support
        held = 0.0
        for record in records[records["feature"] == piece.row].itertuples():
            if np.isnan(getattr(record, variable)):
                continue
            until = record.time + pd.Timedelta(seconds=period_s)
            seconds = (min(until, end) - max(record.time, start)).total_seconds()
            if period_s == 0:
                seconds = step_s if start <= record.time < end else 0.0
            if seconds > 0:
                n += piece.share
                held += seconds / step_s
        covered += piece.support * min(held, 1.0)
    return n, covered, base
