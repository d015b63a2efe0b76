"""What is drawn of a twin, read once and kept: features, values on cells and on features, the clock."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd
import shapely

from layers.surfaces import COLUMN
from spatial_join import H3Grid
from twin.tiles.attributes import LAND, ground_classes, is_areal

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr
    from numpy.typing import NDArray

    from twin import Twin
    from twin.catalogue import LayerInfo, Variable

T = TypeVar("T")

CELLS = "cells"
KINDS = ("areas", CELLS, "lines", "points", "buildings")
"""How things are drawn, from the ground up."""

_DOMAIN_RANK = {"environment": 0, "society": 1, "transport": 2}


class Kept:
    """A small store of things made once, the least recently used dropped first; safe for several threads.

    Parameters
    ----------
    most : int
        How many things are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._things: OrderedDict[Hashable, object] = OrderedDict()
        self._lock = RLock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Give a thing, making it if it is not there.

        Parameters
        ----------
        key : hashable
            Its name.
        make : callable
            Makes it.

        Returns
        -------
        object
            What ``make`` gave, now or before.
        """
        with self._lock:  # Held while making: two visitors who open the city at once share one making.
            if key not in self._things:
                self._things[key] = make()
                if len(self._things) > self._most:
                    self._things.popitem(last=False)
            self._things.move_to_end(key)
            return self._things[key]  # type: ignore[return-value]


class Readings:
    """A twin as tiles and views read it.

    Parameters
    ----------
    city : Twin
        The opened twin.
    """

    def __init__(self, city: "Twin") -> None:
        self.city = city
        self.grid = H3Grid(resolution=city.resolution)
        self._tables = Kept(16)
        self._values = Kept(24)

    @cached_property
    def cell_variables(self) -> tuple[str, ...]:
        """Variables that cells can show, the air first: it is what only cells show."""
        numeric = [variable for variable in self.city.variables.values() if variable.kind != "categorical"]
        # sort is stable: within a domain the order of city.yaml holds, what changes with time first.
        numeric.sort(key=lambda variable: (self._rank(variable), variable.static))
        return tuple(variable.name for variable in numeric)

    @cached_property
    def times(self) -> pd.Index:
        """Times of the clock: instants in UTC, or time since local midnight; one zero where nothing moves."""
        for variable in self.city.variables.values():
            if not variable.static:
                times: pd.Index = pd.Index(self.values(variable.name, self.city.resolution)["time"].to_numpy())
                return times
        return pd.Index([pd.Timedelta(0)])

    @cached_property
    def land(self) -> shapely.Geometry | None:
        """The land that the city's zones cover, None if they say nothing of it."""
        parts: list[shapely.Geometry] = []
        for info in self.city.layers.values():
            if info.features and self.kind_of(info) == "areas":
                table = self.table(info.name)
                parts.extend(table.geometry[ground_classes(table, info.show) == LAND])
        return shapely.union_all(shapely.make_valid(parts)) if parts else None

    def kind_of(self, info: "LayerInfo") -> str | None:
        """Say how a layer is drawn; zones that ask for nothing are the ground that the city stands on.

        Parameters
        ----------
        info : LayerInfo
            A layer.

        Returns
        -------
        str or None
            One of `KINDS`, None for what is not drawn.
        """
        wanted = info.show.get("as", "none")
        if wanted == "none" and info.domain == "zones" and info.features:
            return "areas" if is_areal(self.table(info.name)) else None
        return str(wanted) if wanted in KINDS else None

    def colour_of(self, info: "LayerInfo") -> str | None:
        """Name the variable that colours a layer.

        Parameters
        ----------
        info : LayerInfo
            A layer.

        Returns
        -------
        str or None
            None if it has one colour.
        """
        wanted = info.show.get("colour")
        return str(wanted) if wanted in self.city.variables else None

    def steps(self, variable: str) -> int:
        """Count the steps of the clock that a variable has.

        Parameters
        ----------
        variable : str
            Name in the cube.

        Returns
        -------
        int
            1 for what does not change.
        """
        return 1 if self.city.variables[variable].static else len(self.times)

    def cells_on_land(self, variable: str) -> "NDArray[np.uint64] | None":
        """Give the cells at storage resolution whose middle is on land, for what covers an area: a field or a raster.

        A sheet over the sea would hide the coast that one knows a city by; the values stay in the twin.

        Parameters
        ----------
        variable : str
            Name in the cube.

        Returns
        -------
        ndarray of uint64 or None
            None for a variable that features carry, or of a city whose land is not known.
        """
        info = self.city.layers.get(self.city.variables[variable].layer)
        covers = info is not None and (not info.features or variable in info.notes.get("fields", {}))
        land = self.land if covers else None
        if land is None:
            return None
        cells = self.values(variable, self.city.resolution)["cell"].to_numpy().astype(np.uint64)
        shapely.prepare(land)
        return np.asarray(cells[shapely.contains_xy(land, *self.grid.centres(cells))])

    def table(self, layer: str) -> "gpd.GeoDataFrame":
        """Give the features of a layer that have a geometry.

        Parameters
        ----------
        layer : str
            Name of a layer of the twin.

        Returns
        -------
        geopandas.GeoDataFrame
            In longitude and latitude, indexed by source record.
        """
        return self._features(layer)[0]

    def _features(self, layer: str) -> "tuple[gpd.GeoDataFrame, NDArray[np.object_] | None]":
        def made() -> "tuple[gpd.GeoDataFrame, NDArray[np.object_] | None]":
            info = self.city.layers.get(layer)
            roofs = info is not None and bool(info.show.get("roofs"))
            table = self.city.features(layer, surfaces=True) if roofs else self.city.features(layer)
            if "row" in table.columns:
                table = table.set_index("row")
            shapes = table.geometry.to_numpy()
            table = table[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
            if not roofs or COLUMN not in table:
                return table, None
            return table.drop(columns=COLUMN), table[COLUMN].to_numpy(dtype=object)

        return self._tables.get(layer, made)

    def surfaces(self, layer: str) -> "NDArray[np.object_] | None":
        """Give the surfaces of the buildings of a layer.

        Parameters
        ----------
        layer : str
            Name of a layer of the twin.

        Returns
        -------
        ndarray of object or None
            In the order of `table`, as `layers.surfaces` packs them; None if nobody asked for them.
        """
        return self._features(layer)[1]

    def values(self, variable: str, resolution: int) -> "xr.DataArray":
        """Give a variable on cells.

        Parameters
        ----------
        variable : str
            Name in the cube.
        resolution : int
            H3 resolution, at most the storage resolution.

        Returns
        -------
        xarray.DataArray
            In memory, dimensions (cell,) or (cell, time), only cells that ever have a value; NaN without data.
        """

        def made() -> "xr.DataArray":
            array = self.city.cube([variable], resolution=resolution)[variable].load()
            known = np.isfinite(array.to_numpy())
            return array[known.any(axis=tuple(range(1, known.ndim)))]

        return self._values.get((variable, resolution), made)

    def on_features(self, layer: str, variable: str) -> "NDArray[np.float64]":
        """Give a variable on the features of a layer.

        Parameters
        ----------
        layer : str
            Name of a layer of the twin.
        variable : str
            Name in the cube.

        Returns
        -------
        ndarray of float
            Shape (features, steps) in the order of `table`; NaN without data.
        """

        def made() -> "NDArray[np.float64]":
            array = self.city.on_features(layer, variable).load()
            rows = self.table(layer).index.to_numpy()
            return np.asarray(array.reindex({array.dims[0]: rows}).values, dtype=float).reshape(len(rows), -1)

        return self._values.get(("on", layer, variable), made)

    def _rank(self, variable: "Variable") -> int:
        info = self.city.layers.get(variable.layer)
        return _DOMAIN_RANK.get(info.domain if info else "", len(_DOMAIN_RANK))
