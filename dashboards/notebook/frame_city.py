"""A GeoDataFrame as a city in memory: with the face of a Twin, as far as the page asks it."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import shapely
import xarray as xr

import crs
import spatial_join
from dashboards.errors import FrameRefusedError
from dashboards.windows import METRES_PER_DEGREE
from layers import Layer, LayerError
from spatial_join import CellTable, H3Grid
from twin import Clock, Explanation, LayerInfo, Stop, UnknownNameError, Variable, View

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import NDArray

_UNTOLD: Mapping[str, Any] = MappingProxyType(
    {"owner": "", "licence": "", "level": "public", "attribution": "", "modelled": False}
)  # A frame says nothing of whose it is.

Kind = Literal["extensive", "intensive"]

RESOLUTIONS = (4, 12)
_CELLS_ACROSS = 90
_MARGIN = 0.02
_NAMES = {0: "points", 1: "lines", 2: "areas"}
_NO_CRS = (
    'this frame has no CRS, so nobody can say where it is. Write frame.set_crs("EPSG:…") with the code that its'
    ' publisher names, or frame.twin.explore(position="GCJ-02") with a name of crs.definitions();'
    " crs.detect(frame) says which definitions its numbers fit"
)


class FrameCity:
    """A city of one GeoDataFrame.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        The records. What they mean by "where" is their ``crs`` or ``position``.
    name : str
        Of the frame, for people.
    column : str, optional
        Column of numbers that colours the records, and cells too.
    kind : {"intensive", "extensive"}
        Whether its values are levels, which cells average, or amounts, which they add up.
    height : str, optional
        Column of heights in metres that polygons are raised to.
    position : object, optional
        What the coordinates mean, where the frame has no ``crs``.

    Raises
    ------
    FrameRefusedError
        If nobody says what the positions mean, nothing can be placed, or a column is missing or holds no number.
    """

    layers_with_truth: tuple[str, ...] = ()
    states_truth = False
    view = View()
    tour: tuple[Stop, ...] = ()
    alerts: Mapping[str, float] = MappingProxyType({})
    code = ""
    path: "Path | None" = None

    def __init__(
        self,
        frame: "gpd.GeoDataFrame",
        *,
        name: str = "frame",
        column: str | None = None,
        kind: Kind = "intensive",
        height: str | None = None,
        position: object = None,
    ) -> None:
        self.name, self.title = name, {"en": name, "zh": name}
        self.clock = Clock(step_s=86_400.0, zone="UTC")  # Nothing moves: one step.
        self._column, self._height = column, height
        for wanted in (column, height):
            if wanted is not None:
                _check_column(frame, wanted)
        self._layer = _placed(frame, name=name, position=position)
        self._table = _in_degrees(self._layer)
        self.area = _box_around(self._table)
        self.resolution = _resolution_of(self.area)
        self.snapshot = _hash_of(self._table, column, kind, height)
        dimensions = shapely.get_dimensions(self._table.geometry.to_numpy())
        self._parts = {_NAMES[d]: np.flatnonzero(dimensions == d) for d in np.unique(dimensions).tolist()}
        self._foremost = max(self._parts, key=lambda part: len(self._parts[part]))
        self.variables = {} if column is None else {column: _variable(column, kind, self._foremost)}
        self.layers = {part: self._describe(part, rows) for part, rows in self._parts.items()}

    def features(self, layer: str) -> "gpd.GeoDataFrame":
        """Return the records of one dimension.

        Parameters
        ----------
        layer : str
            ``points``, ``lines`` or ``areas``.

        Returns
        -------
        geopandas.GeoDataFrame
            In longitude and latitude, indexed by the number of the record in the frame.
        """
        return self._table.iloc[self._rows(layer)]

    def has_features(self, layer: str) -> bool:
        """Say whether there are records of a dimension.

        Parameters
        ----------
        layer : str
            ``points``, ``lines`` or ``areas``.

        Returns
        -------
        bool
            True if `features` can be asked.
        """
        return layer in self._parts

    def on_features(self, layer: str, variable: str) -> xr.DataArray:
        """Return the coloured column of the records.

        Parameters
        ----------
        layer : str
            ``points``, ``lines`` or ``areas``.
        variable : str
            The column.

        Returns
        -------
        xarray.DataArray
            Dimension row; NaN where the record has no value.
        """
        table = self.features(layer)
        values = _numbers(table[self._known(variable)])
        return xr.DataArray(values, dims=("row",), coords={"row": table.index.to_numpy()}, name=variable)

    def cube(self, variables: "list[str]", *, resolution: int | None = None) -> xr.Dataset:
        """Return the column on cells.

        Parameters
        ----------
        variables : list of str
            The column.
        resolution : int, optional
            H3 resolution, at most that of the city.

        Returns
        -------
        xarray.Dataset
            Dimension cell; with ``<column>_sigma_m`` where records state how far they may be off.
        """
        table = self._cells if resolution in {None, self.resolution} else self._cells.coarsen(int(resolution or 0))
        known = table.frame.sort_values("cell")
        found = {name: ("cell", known[self._known(name)].to_numpy(), {"unit": "1"}) for name in variables}
        sigma_m = known["sigma_m"].to_numpy(dtype=float)
        if (sigma_m > 0).any():
            found |= {f"{name}_sigma_m": ("cell", sigma_m, {"unit": "m"}) for name in variables}
        return xr.Dataset(found, coords={"cell": known["cell"].to_numpy(dtype=np.uint64)})

    def explain(self, cell: int | str, variable: str, time: object = None) -> Explanation:  # noqa: ARG002 - a Twin's face
        """Say which records a value on cells is made of.

        Parameters
        ----------
        cell : int or str
            H3 cell of the city's resolution or coarser.
        variable : str
            The column.
        time : object, optional
            Of no meaning: nothing changes with time.

        Returns
        -------
        Explanation
            The value and its records, each with its share in the cell.

        Raises
        ------
        UnknownNameError
            If no record lies in the cell.
        """
        number = int(cell, 16) if isinstance(cell, str) else int(cell)
        resolution = number >> 52 & 15
        values = self.cube([variable], resolution=resolution)[variable]
        if number not in values["cell"].to_numpy():
            raise UnknownNameError(f"no record with a value lies in cell {number:x}")
        weights = self._weights
        inside = H3Grid(self.resolution).parents(weights.cell, resolution) == np.uint64(number)
        share = pd.Series(weights.share[inside]).groupby(weights.row[inside]).sum()
        rows = self._valued.iloc[share.index.to_numpy()]
        sources = pd.DataFrame({"row": rows.index.to_numpy(), "share": share.to_numpy()})
        sources = sources.assign(value=_numbers(rows[variable]), layer=self.name, file=self.name)
        return Explanation(
            cell=number,
            variable=variable,
            time="",
            value=float(values.sel(cell=np.uint64(number))),
            unit="1",
            sources=sources,
            steps=self._layer.steps,
            definition=self._layer.position.name,
            status="declared",
            operation=self._operation,
            quality={},
            code="",
        )

    def quarantine(self, layer: str) -> pd.DataFrame:
        """Return the records that could not be placed.

        Parameters
        ----------
        layer : str
            ``points``, ``lines`` or ``areas``.

        Returns
        -------
        pandas.DataFrame
            As they came, with the reason.
        """
        self._rows(layer)
        return self._layer.ledger.quarantined

    @cached_property
    def _valued(self) -> "gpd.GeoDataFrame":
        """Records of the foremost dimension: cells cannot count points and areas in one measure."""
        table = self.features(self._foremost)
        return table[np.isfinite(_numbers(table[self._column]))] if self._column else table

    @cached_property
    def _cells(self) -> CellTable:
        column, kind = str(self._column), self.variables[str(self._column)].kind
        return spatial_join.to_h3(self._valued, resolution=self.resolution, values={column: kind})

    @cached_property
    def _weights(self) -> spatial_join.Weights:
        return spatial_join.weights(self._valued.geometry.to_numpy(), H3Grid(self.resolution))

    @property
    def _operation(self) -> str:
        return self._layer.steps[-1] if self._layer.steps else "none"

    def _describe(self, part: str, rows: "NDArray[np.int64]") -> LayerInfo:
        """Describe the records of one dimension; those that could not be placed are told with the foremost."""
        drawn = "buildings" if part == "areas" and self._height else part
        show = {"as": drawn} | ({"colour": self._column} if self._column else {})
        ledger = self._layer.ledger
        told_here = part == self._foremost
        codes = [str(reason).partition(":")[0] for reason in ledger.quarantined["reason"]] if told_here else []
        return LayerInfo(
            name=part,
            domain="unspecified",
            title={"en": self.name, "zh": self.name} if len(self._parts) == 1 else {},
            records_in=len(rows) + len(codes),
            placed=len(rows),
            quarantined=len(codes),
            rejected=0,
            reasons=Counter(codes),
            position=self._layer.position.name,
            operation=self._operation,
            sigma_m=float(np.median(self._layer.sigma_m)),
            show=show | ({"height": self._height} if self._height else {}),
            files=(),
            features=len(rows),
            **_UNTOLD,
        )

    def _rows(self, layer: str) -> "NDArray[np.int64]":
        if layer not in self._parts:
            raise UnknownNameError(f"no layer {layer!r}: the frame holds {', '.join(self._parts)}")
        return self._parts[layer]

    def _known(self, variable: str) -> str:
        if variable not in self.variables:
            raise UnknownNameError(f"no variable {variable!r}: {self._column or 'no column'} was asked for")
        return variable


def _variable(column: str, kind: Kind, layer: str) -> Variable:
    return Variable(
        name=column,
        layer=layer,
        kind=kind,
        unit="1",
        title={"en": column, "zh": column},
        period=None,
        method="sum by share" if kind == "extensive" else "mean by share",
        static=True,
        **_UNTOLD,
    )


def _check_column(frame: "gpd.GeoDataFrame", column: str) -> None:
    if column not in frame.columns:
        raise FrameRefusedError(f"no column {column!r}: the frame has {', '.join(map(str, frame.columns[:12]))}")
    if not np.isfinite(_numbers(frame[column])).any():
        raise FrameRefusedError(f"column {column!r} ({frame[column].dtype}) holds no number: name one that does")


def _numbers(values: "pd.Series[Any]") -> "NDArray[np.float64]":
    return np.asarray(pd.to_numeric(values, errors="coerce"), dtype=float)


def _placed(frame: "gpd.GeoDataFrame", *, name: str, position: object) -> Layer:
    if frame.crs is None and position is None:
        raise FrameRefusedError(_NO_CRS)
    try:
        layer = crs.harmonise(Layer.from_geopandas(frame, name=name, position=position))
    except (crs.CrsError, LayerError) as error:
        raise FrameRefusedError(str(error)) from error
    if not len(layer):
        told = "; ".join(layer.ledger.quarantined["reason"].unique()[:3]) or "it has no record"
        raise FrameRefusedError(f"nothing of the frame can be shown: {told}")
    return layer


def _in_degrees(layer: Layer) -> "gpd.GeoDataFrame":
    table = layer.to_geopandas()
    table = table.set_geometry(shapely.make_valid(shapely.force_2d(table.geometry.to_numpy())), crs="OGC:CRS84")
    table = table.drop(columns="sigma_m", errors="ignore")
    return table.assign(sigma_m=layer.sigma_m).rename_axis("row")


def _box_around(table: "gpd.GeoDataFrame") -> tuple[float, float, float, float]:
    west, south, east, north = table.total_bounds
    aside = _MARGIN * max(east - west, north - south, 0.005)
    return float(west - aside), float(south - aside), float(east + aside), float(north + aside)


def _resolution_of(area: tuple[float, float, float, float]) -> int:
    """Choose cells of which some ninety lie side by side: a picture, not a table."""
    west, south, east, north = area
    width_m = max((east - west) * np.cos(np.radians((south + north) / 2)), north - south) * METRES_PER_DEGREE
    coarsest, finest = RESOLUTIONS
    wanted = width_m / _CELLS_ACROSS
    return next((r for r in range(coarsest, finest) if H3Grid(r).edge_m * 2 <= wanted), finest)


def _hash_of(table: "gpd.GeoDataFrame", *told: object) -> str:
    """Name the content: what is kept by browsers under this name must not be of another frame."""
    state = hashlib.blake2b(repr(told).encode(), digest_size=10)
    plain = pd.DataFrame(table.drop(columns=table.geometry.name))
    state.update(repr(list(plain.columns)).encode())
    state.update(pd.util.hash_pandas_object(plain.astype(str)).to_numpy().tobytes())
    for shape in shapely.to_wkb(table.geometry.to_numpy()):
        state.update(shape)
    return state.hexdigest()
