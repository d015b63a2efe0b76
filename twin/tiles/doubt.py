"""How uncertain a value or a place is, as four classes that a map fades: beside the code of the value in one byte."""

from typing import TYPE_CHECKING, Literal

import numpy as np

from spatial_join import H3Grid
from twin.tiles.breaks import NO_DATA

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.tiles.readings import Readings

    Classes = NDArray[np.uint8]

Basis = Literal["value", "edge", "metres"]
"""What a standard deviation is held against: the value itself, the edge of a cell, or nothing (metres)."""

CLASSES = 4
EDGES: dict[str, tuple[float, float, float]] = {
    "value": (0.1, 0.25, 0.5),
    "edge": (0.1, 0.25, 0.5),
    "metres": (2.0, 10.0, 50.0),
}
"""Inner limits between the classes by basis."""


def doubt_on_cells(readings: "Readings", variable: str, resolution: int) -> "tuple[Basis, Classes] | None":
    """Class the uncertainty of a variable on cells.

    Parameters
    ----------
    readings : Readings
        The twin.
    variable : str
        Name in the cube.
    resolution : int
        H3 resolution.

    Returns
    -------
    basis : str
        ``value`` where the standard deviation of the values is known, else ``edge``: how far the positions behind them
        may be off, against the edge of a cell. None altogether where neither is.
    classes : ndarray of uint8
        Shape (cells, steps) or (cells, 1) in the order of `Readings.values`: 0 for the surest. The last class also
        holds what states nothing.
    """
    values = readings.values(variable, resolution)
    cube = readings.city.cube([variable], resolution=resolution)
    for part, basis in (("sigma", "value"), ("sigma_m", "edge")):
        array = cube.get(f"{variable}_{part}")
        if array is not None:
            sigma = array.reindex(cell=values["cell"]).to_numpy().reshape(values.sizes["cell"], -1)
            if basis == "value":
                plain = np.abs(values.to_numpy().reshape(values.sizes["cell"], -1))
                return "value", _classes("value", _share(sigma, plain))
            return "edge", _classes("edge", sigma / H3Grid(resolution).edge_m)
    return None


def doubt_on_features(readings: "Readings", layer: str) -> "Classes | None":
    """Class how far the positions of features may be off.

    Parameters
    ----------
    readings : Readings
        The twin.
    layer : str
        Name of a layer of the twin.

    Returns
    -------
    ndarray of uint8 or None
        Shape (n,) in the order of `Readings.table`, by metres per axis; None if none of them states it.
    """
    table = readings.table(layer)
    sigma_m = table["sigma_m"].to_numpy(dtype=float) if "sigma_m" in table.columns else np.full(len(table), np.nan)
    return _classes("metres", sigma_m) if np.isfinite(sigma_m).any() else None


def beside(codes: "Classes", doubt: "Classes") -> "Classes":
    """Put the class of an uncertainty beside the code of a value.

    Parameters
    ----------
    codes : ndarray of uint8
        Codes of values; 0 means no data, and stays so.
    doubt : ndarray of uint8
        Classes, of a shape that fits.

    Returns
    -------
    ndarray of uint8
        ``1 + (code - 1) * CLASSES + class``.

    Examples
    --------
    >>> beside(np.array([0, 1, 2], dtype=np.uint8), np.array([3, 3, 0], dtype=np.uint8)).tolist()
    [0, 4, 5]
    """
    both = 1 + (codes.astype(np.int64) - 1) * CLASSES + doubt
    return np.where(codes == NO_DATA, NO_DATA, both).astype(np.uint8)


def _share(sigma: "NDArray[np.float64]", plain: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Divide; of a value of 0 any doubt is all of it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((plain == 0) & (sigma == 0), 0.0, sigma / plain)


def _classes(basis: Basis, doubt: "NDArray[np.float64]") -> "Classes":
    classes = np.searchsorted(np.asarray(EDGES[basis]), doubt, side="right")
    return np.where(np.isnan(doubt), CLASSES - 1, classes).astype(np.uint8)
