"""The slow, obvious way to lay readings on steps: second by second."""

import numpy as np


def mean_by_second(begin_s, period_s, values, *, step_s, steps):
    """Average what holds at every whole second of every step; an instant holds at its own second only."""
    out = np.full(steps, np.nan)
    for step in range(steps):
        held = []
        for begin, value in zip(begin_s, values, strict=True):
            if np.isnan(value):
                continue
            span = range(int(begin), int(begin + max(period_s, 1)))
            held += [value for second in span if step * step_s <= second < (step + 1) * step_s]
        if held:
            out[step] = float(np.mean(held))
    return out
