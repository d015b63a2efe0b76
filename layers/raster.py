"""A raster as a layer: values on a lattice of areas, its ledger counting pixels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd

from crs import Lattice
from layers.arrays import given_reasons
from layers.errors import LayerError
from layers.origin import DOMAINS, Origin

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs import Placed, PositionDefinition
    from layers.ledger import Ledger

__all__ = ["RasterLayer"]


@dataclass(frozen=True, kw_only=True, eq=False)
class RasterLayer:
    """Values of one variable on a grid of pixels.

    Parameters
    ----------
    name : str
        Name of the dataset.
    domain : str
        What it is about.
    values : numpy.ndarray of float64, shape (ny, nx)
        NaN where the file has no value, and where a pixel is quarantined. Rows as in the file.
    coordinates : Lattice
        Corners of the pixels, shape (ny + 1, nx + 1); a pixel is an area.
    position : PositionDefinition
        What the corners mean.
    origin : Origin
        Owner, licence and level.
    ledger : Ledger
        Records are the pixels that hold a value; their row is ``y * nx + x``.
    variable : str
        Name of the variable.
    unit : str
        Unit of the values; "" when not stated.
    steps : tuple of str
        What was done to the positions since they were read.
    label : str or None
        What the file itself says of its positions, by code where it gives one; None if nothing.
    """

    name: str
    domain: str = "unspecified"
    values: NDArray[np.float64]
    coordinates: Lattice
    position: PositionDefinition
    origin: Origin = field(default_factory=Origin)
    ledger: Ledger
    variable: str = ""
    unit: str = ""
    steps: tuple[str, ...] = ()
    label: str | None = None

    def __post_init__(self) -> None:
        if self.domain not in DOMAINS:
            raise LayerError(f"{self.name}: domain is {self.domain!r}: write one of {', '.join(DOMAINS)}.")
        if self.values.shape != self.coordinates.shape:
            raise LayerError(f"{self.name}: values {self.values.shape} do not fit pixels {self.coordinates.shape}.")
        valid = int(np.count_nonzero(np.isfinite(self.values)))
        if valid != self.ledger.placed:
            raise LayerError(
                f"{self.name}: {valid} pixels with a value, but the ledger has {self.ledger.placed} placed."
            )

    @property
    def sigma_m(self) -> NDArray[np.float64]:
        """Standard deviation per horizontal axis in metres, shape (ny * nx,), row by row."""
        return np.full(self.values.size, float(self.coordinates.sigma_m or self.position.sigma_m))

    def column(self, name: str, /) -> NDArray[np.generic]:
        """Return the values, row by row.

        Parameters
        ----------
        name : str
            The variable, "value" or "row".

        Returns
        -------
        numpy.ndarray
            Shape (ny * nx,); NaN where there is no value.
        """
        if name == "row":
            return np.arange(self.values.size)
        if name not in {self.variable, "value"}:
            raise LayerError(f"{self.name}: no column {name!r}; a raster has {self.variable!r} only.")
        return self.values.ravel()

    def quarantine(self, mask: NDArray[np.bool_], reasons: str | NDArray[np.object_]) -> Self:
        """Set pixels aside: they become NaN, the ledger keeps their values.

        Parameters
        ----------
        mask : numpy.ndarray of bool, shape (ny * nx,) or (ny, nx)
            True to set aside; pixels without a value are left alone, they are no records.
        reasons : str or numpy.ndarray of object, of the mask's size
            "code: detail" for all, or one a pixel.

        Returns
        -------
        RasterLayer
            Without them.
        """
        out = np.asarray(mask, dtype=bool).ravel() & np.isfinite(self.values.ravel())
        if not out.any():
            return self
        rows = np.flatnonzero(out)
        texts = np.full(len(rows), reasons, dtype=object) if isinstance(reasons, str) else np.ravel(reasons)[rows]
        original = pd.DataFrame({self.variable or "value": self.values.ravel()[rows]})
        ledger = self.ledger.quarantine(rows, texts, original, source=next(iter(self.ledger.sources), ""))
        return replace(self, values=np.where(out.reshape(self.values.shape), np.nan, self.values), ledger=ledger)

    def within(self, area: tuple[float, float, float, float]) -> Self:
        """Quarantine the pixels that do not touch a box, with the reason "outside_area".

        Parameters
        ----------
        area : tuple of float
            min_x, min_y, max_x, max_y in this raster's own frame (min_lon, min_lat, ... once harmonised).

        Returns
        -------
        RasterLayer
            With the pixels outside set to NaN. A pixel counts by the box around its corners.
        """
        x, y = (
            np.stack([corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1], corner[1:, 1:]])
            for corner in (self.coordinates.corner_x, self.coordinates.corner_y)
        )
        outside = (
            (x.max(axis=0) < area[0])
            | (x.min(axis=0) > area[2])
            | (y.max(axis=0) < area[1])
            | (y.min(axis=0) > area[3])
        )
        box = ", ".join(f"{edge:g}" for edge in area)
        return self.quarantine(outside, f"outside_area: not in {box} ({self.position.name})")

    def with_coordinates(self, placed: Placed, /) -> Self:
        """Return the raster at new corners; pixels that could not be placed are quarantined.

        Parameters
        ----------
        placed : Placed
            A lattice of the same shape, and a reason or None for each pixel, row by row.

        Returns
        -------
        RasterLayer
            In ``placed.position``.
        """
        if not isinstance(placed.coordinates, Lattice) or placed.coordinates.shape != self.values.shape:
            raise LayerError(f"{self.name}: the new positions are no lattice of {self.values.shape} pixels.")
        kept = self.quarantine(given_reasons(placed.reasons), placed.reasons)
        return replace(
            kept, coordinates=placed.coordinates, position=placed.position, steps=(*self.steps, *placed.steps)
        )

    def __len__(self) -> int:
        return self.ledger.placed

    def __repr__(self) -> str:
        ny, nx = self.values.shape
        unit = f" in {self.unit}" if self.unit else ""
        pixels = f"{ny:,} x {nx:,} pixels, {len(self):,} with a value{unit}"
        return f"<RasterLayer {self.name!r}: {pixels}, {self.position.name}>"

    def __dask_tokenize__(self) -> tuple[str, str]:
        state = hashlib.blake2b(digest_size=16)
        state.update(repr((self.name, self.domain, self.origin, self.position, self.variable, self.unit)).encode())
        state.update(np.ascontiguousarray(self.values).tobytes())
        state.update(repr(self.coordinates.__dask_tokenize__()).encode())
        return ("layers.RasterLayer", state.hexdigest())
