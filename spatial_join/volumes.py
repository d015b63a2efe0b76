"""Exact shares of prisms, such as buildings, in cells and bands of height."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spatial_join.errors import GeometryError
from spatial_join.pieces import named_rows
from spatial_join.weights import weights

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from spatial_join.grid import H3Grid
    from spatial_join.weights import Weights

__all__ = ["VolumeWeights", "volume_weights", "volumes_together"]


@dataclass(frozen=True, kw_only=True)
class VolumeWeights:
    """What every prism has in every cell and band: one line each, in the order of row, cell, band.

    Parameters
    ----------
    row : ndarray of int64, shape (m,)
        Position of the record.
    cell : ndarray of uint64, shape (m,)
        H3 cell.
    band : ndarray of int64, shape (m,)
        Band of height: it reaches from ``edges_m[band]`` to ``edges_m[band + 1]``.
    share : ndarray of float64, shape (m,)
        Fraction of the record's volume; sums to 1 per row.
    volume_m3 : ndarray of float64, shape (m,)
        Cubic metres.
    edges_m : ndarray of float64, shape (bands + 1,)
        Heights between the bands.
    rows : int
        Number of records, those without geometry or height included.
    """

    row: NDArray[np.int64]
    cell: NDArray[np.uint64]
    band: NDArray[np.int64]
    share: NDArray[np.float64]
    volume_m3: NDArray[np.float64]
    edges_m: NDArray[np.float64]
    rows: int

    def __len__(self) -> int:
        return int(self.row.size)

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        return ("VolumeWeights", self.row, self.cell, self.band, self.share, self.volume_m3, self.edges_m, self.rows)

    def spread(self, amount: ArrayLike) -> pd.DataFrame:
        """Spread one amount per record over cells and bands.

        Parameters
        ----------
        amount : array_like, shape (rows,)
            Such as floor area or people; NaN is "not known" and counts nowhere.

        Returns
        -------
        pandas.DataFrame
            ``cell``, ``band``, ``amount`` and ``volume_m3``; the amounts of the records that have a volume add up.

        Raises
        ------
        GeometryError
            If there is not one amount per record.
        """
        amounts = np.asarray(amount, dtype=np.float64)
        if amounts.shape != (self.rows,):
            raise GeometryError(f"One amount per record is spread: {self.rows}, got shape {amounts.shape}.")
        known = np.nan_to_num(amounts)[self.row]
        lines = pd.DataFrame(
            {"cell": self.cell, "band": self.band, "amount": self.share * known, "volume_m3": self.volume_m3}
        )
        return lines.groupby(["cell", "band"], as_index=False).sum()


def volume_weights(
    geometry: ArrayLike, base_m: ArrayLike, top_m: ArrayLike, *, grid: H3Grid, edges_m: ArrayLike
) -> VolumeWeights:
    """Find the share of every prism in every cell and band of height.

    Parameters
    ----------
    geometry : array_like of shapely polygons, shape (n,)
        Footprints in longitude and latitude; missing and empty ones get no weights.
    base_m, top_m : array_like of float, shape (n,)
        Height of floor and roof, in the datum of the edges; NaN gets no weights.
    grid : H3Grid
        The cells.
    edges_m : array_like of float
        Heights between the bands, ascending; they must reach from the lowest base to the highest top.

    Returns
    -------
    VolumeWeights
        Shares that sum to 1 for every prism with a footprint and a height.

    Raises
    ------
    GeometryError
        If a roof is not above its floor, the bands do not ascend, or a prism reaches beyond them.

    Examples
    --------
    >>> import shapely
    >>> from spatial_join import H3Grid
    >>> tower = [shapely.box(7.4200, 43.7300, 7.4202, 43.7302)]
    >>> found = volume_weights(tower, [0.0], [30.0], grid=H3Grid(9), edges_m=[0, 10, 100])
    >>> found.band.tolist(), found.share.round(3).tolist()
    ([0, 1], [0.333, 0.667])
    """
    base, top = (np.asarray(height, dtype=np.float64) for height in (base_m, top_m))
    edges = np.asarray(edges_m, dtype=np.float64)
    shapes = np.atleast_1d(np.asarray(geometry, dtype=object))
    if not (base.shape == top.shape == shapes.shape):
        raise GeometryError(f"{shapes.size} footprints, {base.size} bases and {top.size} tops; pass one of each.")
    _check_heights(base, top, edges)
    flat = weights(shapes, grid, valid=~np.isnan(base + top))
    low, high = (np.clip(edges[None, side], base[:, None], top[:, None]) for side in (slice(0, -1), slice(1, None)))
    # NaN heights have no weights: their parts are never taken.
    part = (high - low) / (top - base)[:, None]
    return _stacked(flat, part, edges, top - base)


def volumes_together(parts: list[VolumeWeights]) -> VolumeWeights:
    """Put the shares of consecutive prisms together.

    Parameters
    ----------
    parts : list of VolumeWeights
        In the order of the records, of the same bands; at least one.

    Returns
    -------
    VolumeWeights
        Of all of them; rows count on from part to part.
    """
    first = np.cumsum([0, *(part.rows for part in parts)])
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in ("cell", "band", "share", "volume_m3")
    }
    row = np.concatenate([part.row + begin for part, begin in zip(parts, first[:-1], strict=True)])
    return replace(parts[0], row=row, rows=int(first[-1]), **columns)


def _check_heights(base: NDArray[np.float64], top: NDArray[np.float64], edges: NDArray[np.float64]) -> None:
    flat = np.flatnonzero(top <= base)
    if flat.size:
        row = int(flat[0])
        raise GeometryError(
            f"A roof is above its floor: {named_rows(flat)}, first from {base[row]:g} to {top[row]:g} m. Give such "
            "records no height (NaN), or spread them by area with weights()."
        )
    if edges.size < 2 or not (np.diff(edges) > 0).all():
        raise GeometryError(f"Bands of height are bounded by ascending numbers, at least two; got {edges.tolist()}.")
    out = np.flatnonzero((base < edges[0]) | (top > edges[-1]))
    if out.size:
        raise GeometryError(
            f"Prisms reach beyond the bands ({edges[0]:g} to {edges[-1]:g} m): {named_rows(out)}. Widen the bands to "
            f"{np.nanmin(base):g} and {np.nanmax(top):g} m, so that nothing is lost."
        )


def _stacked(
    flat: Weights, part: NDArray[np.float64], edges: NDArray[np.float64], height_m: NDArray[np.float64]
) -> VolumeWeights:
    """Multiply the shares of footprints by those of heights."""
    share = flat.share[:, None] * part[flat.row]
    line, band = np.nonzero(share > 0.0)
    row = flat.row[line]
    return VolumeWeights(
        row=row,
        cell=flat.cell[line],
        band=band.astype(np.int64),
        share=share[line, band],
        volume_m3=flat.support[line] * part[row, band] * height_m[row],
        edges_m=edges,
        rows=flat.rows,
    )
