"""Values to small whole numbers that colours are chosen by: the same at every hour, so that hours compare."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.catalogue import Variable

NO_DATA = 0
LEVELS = 32
"""Levels of a continuous variable: below what an eye separates on a lit surface."""

# Average speed over free flow, the classes of urban streets' levels of service (A, B, C, D, E and F).
CONGESTION_EDGES = (0.40, 0.50, 0.67, 0.85)

_CLIPPED_QUANTILES = (0.005, 0.995)  # A single outlier must not flatten the colours of a whole city.


@dataclass(frozen=True, kw_only=True)
class Breaks:
    """How values become codes.

    Parameters
    ----------
    kind : {"classes", "continuous"}
        Classes have names; what is continuous has two ends.
    edges : tuple of float
        Inner limits between two codes, ascending, in the variable's unit.
    low, high : float
        Ends of the legend, in the variable's unit.
    """

    kind: Literal["classes", "continuous"]
    edges: tuple[float, ...]
    low: float
    high: float

    def encode(self, values: "NDArray[np.float64]") -> "NDArray[np.uint8]":
        """Give each value its code.

        Parameters
        ----------
        values : ndarray of float
            Any shape; NaN means no data.

        Returns
        -------
        ndarray of uint8
            Same shape: 0 without data, else 1 for the lowest.

        Examples
        --------
        >>> congestion_breaks().encode(np.array([0.95, 0.30, np.nan])).tolist()
        [5, 1, 0]
        """
        codes = np.searchsorted(np.asarray(self.edges), values, side="right") + 1
        return np.where(np.isfinite(values), codes, NO_DATA).astype(np.uint8)


def is_congestion(variable: "Variable") -> bool:
    """Say whether a variable is speed over free flow, which has classes of its own.

    Parameters
    ----------
    variable : Variable
        Variable of a twin.

    Returns
    -------
    bool
        True for an intensive bare ratio that is named so.
    """
    return variable.kind == "intensive" and variable.unit == "1" and variable.name.endswith("ratio")


def congestion_breaks() -> Breaks:
    """Give the classes of speed over free flow.

    Returns
    -------
    Breaks
        Five classes, from congested to free.

    References
    ----------
    Highway Capacity Manual (2010), exhibit 16-4: level of service of urban streets by travel speed as a
    percentage of base free-flow speed: A above 85, B 67-85, C 50-67, D 40-50, E and F below.
    """
    return Breaks(kind="classes", edges=CONGESTION_EDGES, low=0.0, high=1.0)


def even_breaks(values: "NDArray[np.float64]") -> Breaks:
    """Divide the range of the values that will be shown evenly.

    Parameters
    ----------
    values : ndarray of float
        All values at all times; NaN is left out.

    Returns
    -------
    Breaks
        Between rounded ends; values beyond them take the code of the end.

    Examples
    --------
    >>> found = even_breaks(np.array([3.0, 10.0, 41.0]))
    >>> found.low, found.high
    (0.0, 45.0)
    """
    known = values[np.isfinite(values)]
    low, high = _round_ends(*np.quantile(known, _CLIPPED_QUANTILES)) if known.size else (0.0, 1.0)
    return Breaks(kind="continuous", edges=tuple(np.linspace(low, high, LEVELS + 1)[1:-1].tolist()), low=low, high=high)


def _round_ends(low: float, high: float) -> tuple[float, float]:
    """Round the ends of a legend to numbers that a person would write."""
    if high <= low:
        return (low, low + 1.0)
    if 0 < low < 0.2 * high:
        low = 0.0
    step = 10.0 ** math.floor(math.log10(high - low)) / 2
    return (round(math.floor(low / step + 0.001) * step, 9), round(math.ceil(high / step - 0.001) * step, 9))
