"""IfcMapConversion: scale, turn and shift from the axes of a building to those of a map."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crs.engineering.errors import GeoreferenceError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from crs.coordinates import FloatArray

__all__ = ["MapConversion"]


@dataclass(frozen=True, kw_only=True)
class MapConversion:
    """What IfcMapConversion, IfcMapConversionScaled or a pure shift (IfcRigidOperation) says, as written.

    Parameters
    ----------
    eastings, northings : float
        Place of the project's origin on the map, in map units.
    orthogonal_height : float
        Height of the origin, in map units.
    x_axis_abscissa, x_axis_ordinate : float
        Direction of the project's x axis on the map, east and north part; of any length.
    scale : float
        Map units for one project unit. IFC takes 1 where it is left out, whatever the units are.
    factor_x, factor_y, factor_z : float
        Factors of IfcMapConversionScaled along the project's axes: the combined scale factor of the map.

    Raises
    ------
    GeoreferenceError
        If a number is not finite, the x axis has no direction, or a scale or factor is not positive.

    References
    ----------
    ISO 16739-1 (IFC4.3), IfcMapConversion and IfcMapConversionScaled: first scale, then factors, then an
    anti-clockwise turn, then the shift.

    Examples
    --------
    >>> conversion = MapConversion(eastings=1000.0, northings=2000.0, x_axis_abscissa=0, x_axis_ordinate=1, scale=0.001)
    >>> tuple(float(part) for part in conversion.to_map(5000.0, 0.0, 3000.0))
    (1000.0, 2005.0, 3.0)
    """

    eastings: float
    northings: float
    orthogonal_height: float = 0.0
    x_axis_abscissa: float = 1.0
    x_axis_ordinate: float = 0.0
    scale: float = 1.0
    factor_x: float = 1.0
    factor_y: float = 1.0
    factor_z: float = 1.0

    def __post_init__(self) -> None:
        """Refuse numbers that describe no conversion."""
        for name, value in dataclasses.asdict(self).items():
            if not math.isfinite(value):
                raise GeoreferenceError(f"IfcMapConversion: {name} is {value}; write a finite number")
            if (name == "scale" or name.startswith("factor")) and value <= 0:
                raise GeoreferenceError(f"IfcMapConversion: {name} is {value:g}; write a positive number, or leave it")
        if self.x_axis_abscissa == 0 and self.x_axis_ordinate == 0:
            raise GeoreferenceError(
                "IfcMapConversion: the x axis (0, 0) has no direction; write (1, 0) for one that points east"
            )

    def __dask_tokenize__(self) -> tuple[object, ...]:
        return ("crs.MapConversion", *dataclasses.astuple(self))

    @property
    def rotation_deg(self) -> float:
        """Angle from the map's east to the project's x axis, degrees, anti-clockwise, -180 to 180."""
        return math.degrees(math.atan2(self.x_axis_ordinate, self.x_axis_abscissa))

    @property
    def _direction(self) -> tuple[float, float]:
        length = math.hypot(self.x_axis_abscissa, self.x_axis_ordinate)
        return self.x_axis_abscissa / length, self.x_axis_ordinate / length

    def to_map(self, x: ArrayLike, y: ArrayLike, z: ArrayLike = 0.0) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Take project coordinates to the map.

        Parameters
        ----------
        x, y, z : array_like
            In project units, shapes that broadcast. NaN stays NaN.

        Returns
        -------
        tuple of numpy.ndarray
            Eastings, northings and heights in map units.
        """
        cosine, sine = self._direction
        along = np.asarray(x, dtype=np.float64) * (self.scale * self.factor_x)
        across = np.asarray(y, dtype=np.float64) * (self.scale * self.factor_y)
        height = np.asarray(z, dtype=np.float64) * (self.scale * self.factor_z) + self.orthogonal_height
        east = np.asarray(cosine * along - sine * across + self.eastings)
        north = np.asarray(sine * along + cosine * across + self.northings)
        return east, north, np.asarray(height)

    def from_map(
        self, eastings: ArrayLike, northings: ArrayLike, height: ArrayLike | None = None
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Take map coordinates back to the project.

        Parameters
        ----------
        eastings, northings : array_like
            In map units, shapes that broadcast. NaN stays NaN.
        height : array_like, optional
            In map units; the height of the project's origin if left out.

        Returns
        -------
        tuple of numpy.ndarray
            x, y and z in project units.
        """
        cosine, sine = self._direction
        east = np.asarray(eastings, dtype=np.float64) - self.eastings
        north = np.asarray(northings, dtype=np.float64) - self.northings
        up = np.asarray(self.orthogonal_height if height is None else height, dtype=np.float64) - self.orthogonal_height
        x = np.asarray((cosine * east + sine * north) / (self.scale * self.factor_x))
        y = np.asarray((cosine * north - sine * east) / (self.scale * self.factor_y))
        return x, y, np.asarray(up / (self.scale * self.factor_z))
