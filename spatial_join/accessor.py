"""``frame.twin``: the joins on any GeoDataFrame, and a look at it, beside the accessors of others such as ``.h3``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from spatial_join.aggregate import to_h3
from spatial_join.join import join
from spatial_join.overlay import overlay
from spatial_join.registered import registered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spatial_join.quantity import Quantity
    from spatial_join.table import CellTable

__all__ = ["TwinAccessor"]


@pd.api.extensions.register_dataframe_accessor("twin")
class TwinAccessor:
    """Joins, cells and a view of a GeoDataFrame; registered when `spatial_join` is imported.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        The records.

    Raises
    ------
    AttributeError
        If the frame has no geometry.

    Examples
    --------
    >>> import geopandas as gpd, shapely, spatial_join
    >>> stops = gpd.GeoDataFrame({"stop": ["Gare"]}, geometry=shapely.points([[7.419, 43.738]]), crs="OGC:CRS84")
    >>> len(stops.twin.join(stops, predicate="nearest"))
    1
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        if not isinstance(frame, gpd.GeoDataFrame):
            raise AttributeError(  # noqa: TRY004 -- pandas asks for this one of accessors that do not fit
                "frame.twin needs a GeoDataFrame: this DataFrame has no geometry. Make one with "
                "geopandas.GeoDataFrame(frame, geometry=...), or read the file with layers.read."
            )
        self._frame = frame

    def join(self, right: Any, **options: Any) -> gpd.GeoDataFrame:  # noqa: ANN401 -- the words of spatial_join.join
        """Join with other records.

        Parameters
        ----------
        right : layers.Layer, geopandas.GeoDataFrame, or path of a GeoParquet file
            The other side.
        **options : Any
            As for :func:`spatial_join.join`.

        Returns
        -------
        geopandas.GeoDataFrame
            As of :func:`spatial_join.join`.
        """
        return join(self._frame, right, **options)

    def overlay(self, right: Any) -> gpd.GeoDataFrame:  # noqa: ANN401
        """Cut the records by polygons.

        Parameters
        ----------
        right : layers.Layer, geopandas.GeoDataFrame, or path of a GeoParquet file
            The polygons.

        Returns
        -------
        geopandas.GeoDataFrame
            As of :func:`spatial_join.overlay`.
        """
        return overlay(self._frame, right)

    def to_h3(self, *, resolution: int = 10, values: Mapping[str, Quantity | str], **options: Any) -> CellTable:  # noqa: ANN401
        """Take columns to H3 cells.

        Parameters
        ----------
        resolution : int
            H3 resolution of the cells.
        values : mapping of str to Quantity or str
            The columns to take, and what kind of quantity each is.
        **options : Any
            As for :func:`spatial_join.to_h3`.

        Returns
        -------
        CellTable
            As of :func:`spatial_join.to_h3`.
        """
        return to_h3(self._frame, resolution=resolution, values=values, **options)

    def explore(self, column: str | None = None, **options: Any) -> Any:  # noqa: ANN401 -- of the dashboard
        """Show the records in a notebook: the dashboard's page, served by this process.

        Parameters
        ----------
        column : str, optional
            Column of numbers that colours the records, and H3 cells beside them.
        **options : Any
            As for `dashboards.explore`: ``kind`` ("intensive", which is the default, or "extensive"), ``height`` (a
            column in metres), ``position`` (what the coordinates mean where the frame has no ``crs``, such as
            ``"GCJ-02"``), ``name`` and ``height_px``.

        Returns
        -------
        dashboards.notebook.framed.FramedPage
            A notebook shows it below the cell; ``.address`` is where it is served and ``.stop()`` ends it.
        """
        return registered("explore")(self._frame, column=column, **options)
