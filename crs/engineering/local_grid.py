"""Local grids: plane coordinates of a city or a site, tied to a published frame by four or six parameters."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from crs.definition import definition
from crs.engineering.errors import ControlPointError
from crs.transform import transform
from crs.units import conversion_factor
from crs.vertices import map_vertices

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from crs.coordinates import FloatArray, ObjectArray

__all__ = ["LocalGrid", "Residual"]


@dataclass(frozen=True, kw_only=True)
class Residual:
    """How far a control point is from where the estimated grid puts it.

    Parameters
    ----------
    name : str
        The point's name, or its number from 0.
    east, north : float
        Given minus computed, map units.
    """

    name: str
    east: float
    north: float

    @property
    def length(self) -> float:
        """Distance, map units."""
        return math.hypot(self.east, self.north)


@dataclass(frozen=True, kw_only=True)
class LocalGrid:
    """A plane grid: map = shift + matrix times (local - local origin).

    Parameters
    ----------
    kind : str
        "similarity" (one scale, one turn: four parameters) or "affine" (six).
    matrix : tuple of float
        (a, b, d, e): east = a x + b y, north = d x + e y, about the local origin.
    local_origin, map_origin : tuple of float
        The same place in both grids; near the points, so that large numbers lose no digits.
    frame : str or None
        Definition of the map coordinates ("EPSG:4547"); None where nobody asked for longitude and latitude.
    sigma_m : float
        Standard deviation per axis of one control point about the grid, metres; NaN where nothing is left over to
        tell (as many equations as parameters) and nobody stated it.
    redundancy : int
        Number of equations beyond those that the parameters need.
    residuals : tuple of Residual
        Of the control points, in their order; empty where the parameters were given.

    Examples
    --------
    >>> grid = LocalGrid.from_parameters(east=500000, north=3000000, rotation_deg=90, scale=1.0, sigma_m=0.05)
    >>> tuple(round(float(part), 6) for part in grid.to_map(10.0, 0.0))
    (500000.0, 3000010.0)
    """

    kind: Literal["similarity", "affine"]
    matrix: tuple[float, float, float, float]
    local_origin: tuple[float, float] = (0.0, 0.0)
    map_origin: tuple[float, float]
    frame: str | None = None
    sigma_m: float = math.nan
    redundancy: int = 0
    residuals: tuple[Residual, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what has no way back."""
        a, b, d, e = self.matrix
        numbers = (*self.matrix, *self.local_origin, *self.map_origin)
        if not all(map(math.isfinite, numbers)) or a * e - b * d == 0:
            raise ControlPointError(
                f"a local grid with matrix {self.matrix} and origin {self.map_origin} has no inverse"
            )

    @classmethod
    def from_parameters(
        cls, *, east: float, north: float, rotation_deg: float, scale: float, sigma_m: float, frame: str | None = None
    ) -> Self:
        """Make a grid from the four parameters that a surveying office gives.

        Parameters
        ----------
        east, north : float
            Map coordinates of the local origin.
        rotation_deg : float
            Anti-clockwise angle from the map's east to the local x axis, degrees.
        scale : float
            Map units for one local unit.
        sigma_m : float
            Stated accuracy per axis, metres.
        frame : str, optional
            Definition of the map coordinates.

        Returns
        -------
        LocalGrid
            Of kind "similarity".
        """
        turn = math.radians(rotation_deg)
        a, d = scale * math.cos(turn), scale * math.sin(turn)
        return cls(kind="similarity", matrix=(a, -d, d, a), map_origin=(east, north), sigma_m=sigma_m, frame=frame)

    def __dask_tokenize__(self) -> tuple[object, ...]:
        return ("crs.LocalGrid", *dataclasses.astuple(self))

    @property
    def rotation_deg(self) -> float:
        """Anti-clockwise angle from the map's east to the local x axis, degrees."""
        return math.degrees(math.atan2(self.matrix[2], self.matrix[0]))

    @property
    def scale(self) -> float:
        """Map units for one local unit; of an affine grid the root of the ratio of areas."""
        a, b, d, e = self.matrix
        return math.sqrt(abs(a * e - b * d))

    @property
    def map_unit_m(self) -> float:
        """Metres in a map unit; 1 where the frame was not said."""
        return 1.0 if self.frame is None else conversion_factor(definition(self.frame).unit, "metre")

    @property
    def is_mirrored(self) -> bool:
        """True where the local axes turn the other way round (x north, y east): only an affine grid can."""
        a, b, d, e = self.matrix
        return a * e - b * d < 0

    def to_map(self, x: ArrayLike, y: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Take local coordinates to the map.

        Parameters
        ----------
        x, y : array_like
            Local, shapes that broadcast. NaN stays NaN.

        Returns
        -------
        tuple of numpy.ndarray
            East and north in map units.
        """
        a, b, d, e = self.matrix
        dx = np.asarray(x, dtype=np.float64) - self.local_origin[0]
        dy = np.asarray(y, dtype=np.float64) - self.local_origin[1]
        return np.asarray(a * dx + b * dy + self.map_origin[0]), np.asarray(d * dx + e * dy + self.map_origin[1])

    def from_map(self, east: ArrayLike, north: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Take map coordinates to the local grid.

        Parameters
        ----------
        east, north : array_like
            Map units, shapes that broadcast. NaN stays NaN.

        Returns
        -------
        tuple of numpy.ndarray
            Local x and y.
        """
        a, b, d, e = self.matrix
        turned = a * e - b * d
        de = np.asarray(east, dtype=np.float64) - self.map_origin[0]
        dn = np.asarray(north, dtype=np.float64) - self.map_origin[1]
        x = (e * de - b * dn) / turned + self.local_origin[0]
        y = (a * dn - d * de) / turned + self.local_origin[1]
        return np.asarray(x), np.asarray(y)

    def to_lon_lat(
        self, x: ArrayLike, y: ArrayLike, *, outside: Literal["raise", "nan"] = "raise"
    ) -> tuple[FloatArray, FloatArray]:
        """Take local coordinates to WGS 84 longitude and latitude.

        Parameters
        ----------
        x, y : array_like
            Local. NaN stays NaN.
        outside : str
            As in `crs.transform`.

        Returns
        -------
        tuple of numpy.ndarray
            Degrees.

        Raises
        ------
        ControlPointError
            If the frame of the map coordinates was not said.
        """
        if self.frame is None:
            raise ControlPointError("this local grid does not say the frame of its map; give frame='EPSG:...'")
        return transform(*self.to_map(x, y), source=self.frame, target="OGC:CRS84", outside=outside)

    def geometry_to_frame(self, geometry: ObjectArray) -> ObjectArray:
        """Take geometries in local coordinates to the map; heights in Z stay as they are.

        Parameters
        ----------
        geometry : numpy.ndarray
            Shapely geometries or None, any shape.

        Returns
        -------
        numpy.ndarray
            New geometries, to be read in `frame`.
        """
        return map_vertices(geometry, self.to_map)
