"""The H3 grid of one resolution, on whole arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h3.api.basic_int as h3
import numpy as np
import shapely

from spatial_join import index as h3_index
from spatial_join.errors import ResolutionError
from spatial_join.plane import equal_area

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["H3Grid"]


@dataclass(frozen=True)
class H3Grid:
    """H3 cells of one resolution.

    Parameters
    ----------
    resolution : int
        0 (continents) to 15 (half a metre). City storage uses 10 to 12.

    Raises
    ------
    ResolutionError
        If the resolution is not a whole number from 0 to 15.

    Examples
    --------
    >>> grid = H3Grid(resolution=9)
    >>> cells = grid.index([7.42, 7.43], [43.73, 43.74])
    >>> [f"{cell:x}" for cell in cells]
    ['893969a4023ffff', '893969a41d7ffff']
    >>> bool((grid.parents(cells, 6) == H3Grid(6).index([7.42], [43.73])).all())
    True
    """

    resolution: int

    def __post_init__(self) -> None:
        if isinstance(self.resolution, bool) or not isinstance(self.resolution, int | np.integer):
            raise ResolutionError(f"The H3 resolution must be a whole number from 0 to 15, got {self.resolution!r}.")
        if not 0 <= self.resolution <= h3_index.FINEST:
            raise ResolutionError(f"H3 has resolutions 0 to {h3_index.FINEST}, got {self.resolution}.")

    def __dask_tokenize__(self) -> tuple[str, int]:
        return ("H3Grid", int(self.resolution))

    @property
    def edge_m(self) -> float:
        """Average length of a cell's edge at this resolution, in metres; cells differ from it by up to 30 %."""
        return float(h3.average_hexagon_edge_length(self.resolution, unit="m"))

    def index(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.uint64]:
        """Give the cell of every position.

        Parameters
        ----------
        lon, lat : array_like of float
            Longitudes and latitudes in degrees.

        Returns
        -------
        ndarray of uint64
            One cell per position.

        Raises
        ------
        GeometryError
            If a position is not finite or not in the range of degrees.
        """
        return h3_index.index(lon, lat, self.resolution)

    def parents(self, cells: ArrayLike, resolution: int) -> NDArray[np.uint64]:
        """Give the ancestor of every cell at a coarser resolution.

        Parameters
        ----------
        cells : array_like of uint64
            Cells of this grid or of finer ones.
        resolution : int
            Resolution of the ancestors.

        Returns
        -------
        ndarray of uint64
            One ancestor per cell.
        """
        return h3_index.parents(cells, H3Grid(resolution).resolution)

    def descendants(self, cells: ArrayLike) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Give the numbers between which all cells of this grid in coarser cells lie.

        The numbers of one resolution ascend ancestor by ancestor, so that a district is one run of them.

        Parameters
        ----------
        cells : array_like of uint64
            Cells of this grid or of coarser ones.

        Returns
        -------
        first, last : ndarray of uint64
            The least and the greatest number of a descendant; no cell of this grid that lies elsewhere is between them.

        Raises
        ------
        ResolutionError
            If a cell is finer than this grid, or no cell.

        Examples
        --------
        >>> first, last = H3Grid(8).descendants([0x85396903fffffff])
        >>> f"{first[0]:x} {last[0]:x}"
        '8839690001fffff 883969036dfffff'
        """
        return h3_index.descendants(cells, self.resolution)

    def centres(self, cells: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give the centre of every cell.

        Parameters
        ----------
        cells : array_like of uint64
            Cells.

        Returns
        -------
        lon, lat : ndarray of float64
            Degrees.
        """
        return h3_index.centres(cells)

    def neighbours(self, cells: ArrayLike) -> NDArray[np.uint64]:
        """Give the cells that share an edge with every cell.

        Parameters
        ----------
        cells : array_like of uint64
            Cells of this grid.

        Returns
        -------
        ndarray of uint64, shape (n, 6)
            Neighbours; 0 in the sixth place of a pentagon.
        """
        return h3_index.neighbours(cells, self.resolution)

    def vertices(self, cells: ArrayLike) -> NDArray[np.float64]:
        """Give the corners of every cell, counter-clockwise and open.

        Parameters
        ----------
        cells : array_like of uint64
            Cells of this grid.

        Returns
        -------
        ndarray of float64, shape (n, k, 2)
            Longitude and latitude in degrees; a cell with fewer than k corners repeats its last one.
        """
        return h3_index.boundary_vertices(cells, self.resolution)

    def boundaries(self, cells: ArrayLike) -> NDArray[Any]:
        """Draw every cell as a polygon.

        Parameters
        ----------
        cells : array_like of uint64
            Cells of this grid.

        Returns
        -------
        ndarray of shapely.Polygon
            Polygons in longitude and latitude.
        """
        corners = self.vertices(cells)
        return np.asarray(shapely.polygons(shapely.linearrings(corners)))

    def areas_m2(self, cells: ArrayLike) -> NDArray[np.float64]:
        """Measure every cell on the WGS84 ellipsoid.

        Parameters
        ----------
        cells : array_like of uint64
            Cells of this grid.

        Returns
        -------
        ndarray of float64
            Areas in square metres. They differ by up to 30 % within one resolution and from ``h3.cell_area``, which
            takes the earth for a sphere, by up to 0.6 %.
        """
        corners = self.vertices(cells)
        x, y = equal_area(corners[..., 0], corners[..., 1])
        # Relative to the first corner, so that no digits are lost to the distance from the equator.
        x, y = x - x[:, :1], y - y[:, :1]
        return np.asarray(0.5 * np.abs((x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y).sum(axis=1)))

    def cover(self, geometry: ArrayLike) -> NDArray[np.uint64]:
        """Give all cells that polygons touch, however slightly.

        Parameters
        ----------
        geometry : array_like of shapely.Polygon or shapely.MultiPolygon
            Areas in longitude and latitude; missing and empty ones cover nothing.

        Returns
        -------
        ndarray of uint64
            Distinct cells in ascending order.
        """
        parts = shapely.get_parts(np.atleast_1d(np.asarray(geometry, dtype=object)))
        found: set[int] = set()
        for part in parts[~shapely.is_empty(parts)]:
            shape = h3.geo_to_h3shape(part)
            found.update(h3.polygon_to_cells_experimental(shape, self.resolution, contain="overlap"))
        return np.array(sorted(found), dtype=np.uint64)
