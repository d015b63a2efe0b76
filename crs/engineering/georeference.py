"""What one building model says about its place, and its coordinates moved by exactly that."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import shapely

from crs.definition import PositionDefinition, definition
from crs.engineering.errors import GeoreferenceError
from crs.engineering.sexagesimal import degrees_from_compound
from crs.transform import transform
from crs.units import conversion_factor

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from crs.coordinates import FloatArray, ObjectArray
    from crs.engineering.conversion import MapConversion

__all__ = ["Georeference", "ProjectedCrs", "SiteReference"]


@dataclass(frozen=True, kw_only=True)
class ProjectedCrs:
    """What IfcProjectedCRS says, as written.

    Parameters
    ----------
    name : str
        "EPSG:28992", or the name of a frame.
    vertical_datum : str or None
        What heights refer to.
    map_unit : str or None
        Unit of eastings, northings and heights ("metre", "foot"); None means that of the project, as IFC has it.
    """

    name: str
    vertical_datum: str | None = None
    map_unit: str | None = None

    @property
    def position(self) -> PositionDefinition:
        """The frame as a definition; raises DefinitionError where its name is not understood."""
        position = definition(self.name)
        if position.vertical is None and self.vertical_datum:
            position = dataclasses.replace(position, vertical=self.vertical_datum)
        return position


@dataclass(frozen=True, kw_only=True)
class SiteReference:
    """What IfcSite says, as written.

    Parameters
    ----------
    ref_latitude, ref_longitude : tuple of int or None
        IfcCompoundPlaneAngleMeasure on WGS 84: degrees, minutes, seconds and perhaps millionths of a second.
    ref_elevation : float or None
        Height above a datum that IFC does not name, in project units.
    """

    ref_latitude: tuple[int, ...] | None = None
    ref_longitude: tuple[int, ...] | None = None
    ref_elevation: float | None = None

    @property
    def lon_lat(self) -> tuple[float, float] | None:
        """Longitude and latitude in degrees, or None unless both are written; raises GeoreferenceError on bad ones."""
        if self.ref_latitude is None or self.ref_longitude is None:
            return None
        lon, lat = float(degrees_from_compound(self.ref_longitude)), float(degrees_from_compound(self.ref_latitude))
        if abs(lat) > 90 or abs(lon) > 180:
            raise GeoreferenceError(
                f"IfcSite: latitude {lat:g}, longitude {lon:g} is no place on earth; check whether they are swapped"
            )
        return lon, lat


@dataclass(frozen=True, kw_only=True)
class Georeference:
    """Everything that one building model says about its place.

    Parameters
    ----------
    project_unit : str
        Length unit of the project: "metre", "millimetre", "foot", ...
    conversion : MapConversion or None
        From project axes to the map.
    projected : ProjectedCrs or None
        The map's frame.
    site : SiteReference or None
        Latitude, longitude and elevation of IfcSite.
    true_north : tuple of float or None
        Direction of true north in project axes (x, y), of any length.
    extent : tuple of float or None
        Least x, least y, greatest x, greatest y of the model's coordinates, in project units.
    """

    project_unit: str = "metre"
    conversion: MapConversion | None = None
    projected: ProjectedCrs | None = None
    site: SiteReference | None = None
    true_north: tuple[float, float] | None = None
    extent: tuple[float, float, float, float] | None = None

    def __post_init__(self) -> None:
        """Refuse unknown units, an extent whose ends are swapped or missing, and a north without direction."""
        for unit in (self.project_unit, self.map_unit):
            conversion_factor(unit, "metre")
        if self.extent is not None:
            low_x, low_y, high_x, high_y = self.extent
            if not (np.isfinite(self.extent).all() and low_x <= high_x and low_y <= high_y):
                raise GeoreferenceError(
                    f"extent {self.extent} is none; write (least x, least y, greatest x, greatest y)"
                )
        if self.true_north is not None and not 0 < np.hypot(*self.true_north) < np.inf:
            raise GeoreferenceError(f"TrueNorth {self.true_north} has no direction; write (0, 1) for the y axis")

    def __dask_tokenize__(self) -> tuple[object, ...]:
        return ("crs.Georeference", *dataclasses.astuple(self))

    @property
    def map_unit(self) -> str:
        """Unit of the map coordinates that the conversion yields."""
        declared = self.projected.map_unit if self.projected is not None else None
        return declared or self.project_unit

    @property
    def combined_factor(self) -> float:
        """Length on the map over length in the project, both in metres: 1 or little off, unless units are mixed up.

        The mean over x and y; 1 where there is no conversion.
        """
        if self.conversion is None:
            return 1.0
        factor = self.conversion.scale * (self.conversion.factor_x + self.conversion.factor_y) / 2.0
        return factor / conversion_factor(self.project_unit, self.map_unit)

    def _required(self) -> tuple[MapConversion, PositionDefinition, float]:
        """Return conversion, frame, and what map units are multiplied by to be the frame's."""
        if self.conversion is None or self.projected is None:
            missing = "IfcMapConversion" if self.conversion is None else "IfcProjectedCRS"
            raise GeoreferenceError(
                f"the model has no {missing}; it cannot be placed on a map. Give the conversion and the frame's code"
            )
        position = self.projected.position
        return self.conversion, position, conversion_factor(self.map_unit, position.unit)

    def to_frame(self, x: ArrayLike, y: ArrayLike, z: ArrayLike = 0.0) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Take project coordinates to the frame of the map.

        Parameters
        ----------
        x, y, z : array_like
            In project units. NaN stays NaN.

        Returns
        -------
        tuple of numpy.ndarray
            x and y in the unit of the frame, and height in the map unit times the same factor.

        Raises
        ------
        GeoreferenceError
            If conversion or frame is missing.
        """
        conversion, _, factor = self._required()
        east, north, height = conversion.to_map(x, y, z)
        return east * factor, north * factor, height * factor

    def from_frame(
        self, x: ArrayLike, y: ArrayLike, z: ArrayLike | None = None
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Take coordinates in the frame of the map back to the project.

        Parameters
        ----------
        x, y, z : array_like
            In the unit of the frame; z is the height of the project's origin if left out.

        Returns
        -------
        tuple of numpy.ndarray
            x, y and z in project units.
        """
        conversion, _, factor = self._required()
        height = None if z is None else np.asarray(z, dtype=np.float64) / factor
        east, north = np.asarray(x, dtype=np.float64) / factor, np.asarray(y, dtype=np.float64) / factor
        return conversion.from_map(east, north, height)

    def to_lon_lat(
        self, x: ArrayLike, y: ArrayLike, *, outside: Literal["raise", "nan"] = "raise"
    ) -> tuple[FloatArray, FloatArray]:
        """Take project coordinates to WGS 84 longitude and latitude.

        Parameters
        ----------
        x, y : array_like
            In project units. NaN stays NaN.
        outside : str
            As in `crs.transform`.

        Returns
        -------
        tuple of numpy.ndarray
            Degrees.
        """
        east, north, _ = self.to_frame(x, y)
        return transform(east, north, source=self._required()[1], target="OGC:CRS84", outside=outside)

    def geometry_to_frame(self, geometry: ObjectArray) -> ObjectArray:
        """Take geometries in project axes to the frame of the map; heights in Z are converted too.

        Parameters
        ----------
        geometry : numpy.ndarray
            Shapely geometries or None, any shape.

        Returns
        -------
        numpy.ndarray
            New geometries, to be read in `projected.position`.
        """
        result = np.array(geometry, dtype=object, copy=True)
        deep = shapely.has_z(result)
        for chosen, has_z in ((~deep, False), (deep, True)):
            numbers = shapely.get_coordinates(result[chosen], include_z=has_z)
            if len(numbers):
                moved = self.to_frame(*numbers.T)[: numbers.shape[1]]
                result[chosen] = shapely.set_coordinates(result[chosen], np.column_stack(moved))
        return result
