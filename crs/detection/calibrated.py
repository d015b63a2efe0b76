"""How probable an unknown shift is, learnt from cases with a known answer.

The likelihood of a shift is that of its best place among many thousands, and records on few streets fit in many of
them: the odds that come of it are too great. How great they are was counted on training cases (even seeds 100000 to
107000) of `benchmarks/positions_bench`, apart from those of the published results, which are odd.
"""

from __future__ import annotations

import numpy as np
import scipy

__all__ = ["CLAIM_MARGIN", "REFERENCE_SHIFTED", "shift_probability"]

#: Where records fit after a shift, the share of cases in which the reference was shifted and not the records.
REFERENCE_SHIFTED = 0.3
#: A claim takes so much more evidence, in natural logarithms, for the first reading than for the second: of 1,559
#: claims on the training cases two were wrong where 0.1 were to be expected, and both had less.
CLAIM_MARGIN = 7.5
#: Logarithms of the odds as computed, and as counted: where one shift fits alone, and where many fit as well.
_COMPUTED_PINNED = (-8.0, -5.0, -3.0, 0.0, 7.0, 12.0, 40.0)
_COUNTED_PINNED = (-8.0, -5.0, -2.4, 0.0, 1.6, 2.6, 3.0)
_COMPUTED_OPEN = (-8.0, -5.0, -3.0, 0.0, 4.0)
_COUNTED_OPEN = (-8.0, -5.0, -2.9, -1.8, -0.6)


def shift_probability(log_odds: float, *, is_pinned: bool) -> float:
    """Return how often records were shifted where the evidence said so.

    Parameters
    ----------
    log_odds : float
        Natural logarithm of the odds of an unknown shift against everything else, as computed.
    is_pinned : bool
        True where only shifts close to the best one fit as well.

    Returns
    -------
    float
        Probability, 0 to 1; as computed where it is small.

    Examples
    --------
    >>> round(shift_probability(30.0, is_pinned=True), 2), round(shift_probability(30.0, is_pinned=False), 2)
    (0.95, 0.35)
    >>> shift_probability(-20.0, is_pinned=True) < 1e-8
    True
    """
    computed, counted = (_COMPUTED_PINNED, _COUNTED_PINNED) if is_pinned else (_COMPUTED_OPEN, _COUNTED_OPEN)
    odds = log_odds if log_odds < computed[0] else float(np.interp(log_odds, computed, counted))
    return float(scipy.special.expit(odds))
