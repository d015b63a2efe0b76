"""Codes to colours: congestion classes with labels, or a continuous colour-blind-safe ramp."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from cmcrameri import cm

from twin.tiles.breaks import LEVELS, Breaks, congestion_breaks, even_breaks

if TYPE_CHECKING:
    from numpy.typing import NDArray

RGB = tuple[int, int, int]

_RAMP_ENDS = (0.08, 0.84)  # The very ends of a ramp are the ground's own black and white.
CONGESTION_PALETTE: tuple[RGB, ...] = ((152, 0, 40), (222, 66, 44), (246, 164, 60), (150, 196, 224), (66, 136, 190))
RAMPS = ("batlow", "acton", "devon", "lapaz", "lajolla", "oslo")
"""Ramps that a visitor may choose: scientific colour maps, even in lightness and told apart by every colour vision."""
CONGESTION_LABELS = ("congested", "heavy", "moderate", "light", "free")


@dataclass(frozen=True, kw_only=True)
class Scale(Breaks):
    """How values become colours.

    Parameters
    ----------
    kind : {"classes", "continuous"}
        Classes have labels; what is continuous has two ends.
    edges : tuple of float
        Inner limits between two codes, ascending, in the variable's unit.
    low, high : float
        Ends of the legend, in the variable's unit.
    palette : tuple of RGB
        One colour a code, the lowest values first, for a dark ground.
    labels : tuple of str, optional
        Keys of the class names in the catalogue, the lowest values first.
    """

    palette: tuple[RGB, ...]
    labels: tuple[str, ...] = ()

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


def coloured(breaks: Breaks, *, ramp: str = "batlow") -> Scale:
    """Give codes their colours.

    Parameters
    ----------
    breaks : Breaks
        How values become codes.
    ramp : str, optional
        Name of one of Crameri's scientific colour maps, for what is continuous.

    Returns
    -------
    Scale
        Five classes, from congested (dark red) to free (blue): warm against cold and dark against light, so that every
        colour vision tells them apart; or a ramp.

    References
    ----------
    Brewer, C., ColorBrewer 2.0, scheme RdYlBu (colour-blind safe), without its pale middle: streets lie on pale ground.
    """
    palette = CONGESTION_PALETTE if breaks.kind == "classes" else _ramp(ramp, np.linspace(*_RAMP_ENDS, LEVELS))
    return Scale(
        kind=breaks.kind,
        edges=breaks.edges,
        low=breaks.low,
        high=breaks.high,
        labels=CONGESTION_LABELS if breaks.kind == "classes" else (),
        palette=palette,
    )


def recoloured(scale: Scale, ramp: str) -> Scale:
    """Give a scale other colours.

    Parameters
    ----------
    scale : Scale
        How values became codes, which stays.
    ramp : str
        One of `RAMPS`; empty for the colours that the scale has.

    Returns
    -------
    Scale
        Classes take even steps of the ramp, the lowest values the darkest.

    References
    ----------
    Crameri, F. (2018), Scientific colour maps, https://doi.org/10.5281/zenodo.1243862
    """
    if not ramp:
        return scale
    return replace(scale, palette=_ramp(ramp, np.linspace(*_RAMP_ENDS, len(scale.palette))))


def congestion() -> Scale:
    """Give the classes of speed over free flow.

    Returns
    -------
    Scale
        Of `congestion_breaks`.
    """
    return coloured(congestion_breaks())


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
    return coloured(even_breaks(values), ramp=ramp)


def _ramp(name: str, positions: "NDArray[np.float64] | tuple[float, ...]") -> tuple[RGB, ...]:
    colours = getattr(cm, name)(np.asarray(positions))[:, :3]
    return tuple((int(r), int(g), int(b)) for r, g, b in np.round(colours * 255))
