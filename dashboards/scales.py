"""Values to colour codes: congestion classes with labels, or a continuous colour-blind-safe ramp."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from cmcrameri import cm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.catalogue import Variable

RGB = tuple[int, int, int]

NO_DATA = 0
LEVELS = 32  # Steps of a continuous ramp: below what an eye separates on a lit surface, one printable letter each.
_CLIPPED_QUANTILES = (0.005, 0.995)  # A single outlier must not flatten the colours of a whole city.
_RAMP_ENDS = (0.08, 0.84)  # The very ends of a ramp are the ground's own black and white.

# Average speed over free flow, the classes of urban streets' levels of service (A, B, C, D, E and F).
CONGESTION_EDGES = (0.40, 0.50, 0.67, 0.85)
CONGESTION_PALETTE: tuple[RGB, ...] = ((152, 0, 40), (222, 66, 44), (246, 164, 60), (150, 196, 224), (66, 136, 190))
CONGESTION_LABELS = ("congested", "heavy", "moderate", "light", "free")


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How values become colours.

    Parameters
    ----------
    kind : {"classes", "continuous"}
        Classes have labels; a continuous scale has two ends.
    edges : tuple of float
        Inner limits between two codes, ascending, in the variable's unit.
    palette : tuple of RGB
        One colour a code, the lowest values first, for a dark ground.
    low, high : float
        Ends of the legend, in the variable's unit.
    labels : tuple of str, optional
        Keys of the class names in the catalogue, the lowest values first.
    """

    kind: Literal["classes", "continuous"]
    edges: tuple[float, ...]
    palette: tuple[RGB, ...]
    low: float
    high: float
    labels: tuple[str, ...] = ()

    def encode(self, values: "NDArray[np.float64]") -> "NDArray[np.uint8]":
        """Give each value its colour code.

        Parameters
        ----------
        values : ndarray of float
            Any shape; NaN means no data.

        Returns
        -------
        ndarray of uint8
            Same shape: 0 without data, else 1 for the lowest colour.

        Examples
        --------
        >>> congestion().encode(np.array([0.95, 0.30, np.nan])).tolist()
        [5, 1, 0]
        """
        codes = np.searchsorted(np.asarray(self.edges), values, side="right") + 1
        return np.where(np.isfinite(values), codes, NO_DATA).astype(np.uint8)

    def colours(self, theme: str) -> tuple[RGB, ...]:
        """Give the colours for a ground.

        Parameters
        ----------
        theme : {"light", "dark"}
            On a light ground a ramp runs the other way: what is high stands out, what is low recedes.

        Returns
        -------
        tuple of RGB
            One a code, the lowest values first; classes have the same colours on both.
        """
        return self.palette[::-1] if self.kind == "continuous" and theme == "light" else self.palette


def congestion() -> Scale:
    """Give the classes of speed over free flow.

    Returns
    -------
    Scale
        Five classes, from congested (dark red) to free (blue): warm against cold and dark against light, so that every
        colour vision tells them apart.

    References
    ----------
    Highway Capacity Manual (2010), exhibit 16-4: level of service of urban streets by travel speed as a
    percentage of base free-flow speed: A above 85, B 67-85, C 50-67, D 40-50, E and F below.
    Brewer, C., ColorBrewer 2.0, scheme RdYlBu (colour-blind safe), without its pale middle: streets lie on pale ground.
    """
    return Scale(
        kind="classes",
        edges=CONGESTION_EDGES,
        palette=CONGESTION_PALETTE,
        low=0.0,
        high=1.0,
        labels=CONGESTION_LABELS,
    )


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


def continuous(values: "NDArray[np.float64]", *, ramp: str = "batlow") -> Scale:
    """Fit a ramp to the values that will be shown.

    Parameters
    ----------
    values : ndarray of float
        All values at all times, so that a colour means the same at every hour; NaN is left out.
    ramp : str, optional
        Name of one of Crameri's scientific colour maps.

    Returns
    -------
    Scale
        Linear between rounded ends; values beyond them take the colour of the end.

    Examples
    --------
    >>> scale = continuous(np.array([3.0, 10.0, 41.0]))
    >>> scale.low, scale.high
    (0.0, 45.0)
    """
    known = values[np.isfinite(values)]
    low, high = _round_ends(*np.quantile(known, _CLIPPED_QUANTILES)) if known.size else (0.0, 1.0)
    return Scale(
        kind="continuous",
        edges=tuple(np.linspace(low, high, LEVELS + 1)[1:-1].tolist()),
        palette=_ramp(ramp, np.linspace(*_RAMP_ENDS, LEVELS)),
        low=low,
        high=high,
    )


def _ramp(name: str, positions: "NDArray[np.float64] | tuple[float, ...]") -> tuple[RGB, ...]:
    colours = getattr(cm, name)(np.asarray(positions))[:, :3]
    return tuple((int(r), int(g), int(b)) for r, g, b in np.round(colours * 255))


def _round_ends(low: float, high: float) -> tuple[float, float]:
    """Round the ends of a legend to numbers that a person would write."""
    if high <= low:
        return (low, low + 1.0)
    if 0 < low < 0.2 * high:
        low = 0.0
    step = 10.0 ** math.floor(math.log10(high - low)) / 2
    return (round(math.floor(low / step + 0.001) * step, 9), round(math.ceil(high / step - 0.001) * step, 9))
