"""Records to cells: values spread by the weights, added up, and finished."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from spatial_join.errors import QuantityError
from spatial_join.grid import H3Grid
from spatial_join.probability import probable_weights, require_normal
from spatial_join.quantity import Quantity, columns_by
from spatial_join.records import Records, records_of
from spatial_join.reduction import components
from spatial_join.state import State, combine, summed
from spatial_join.table import CellTable
from spatial_join.weights import Weights, weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

__all__ = ["aggregate", "spread_of", "to_h3"]

MISSING_VALUE = "missing_value: the record is placed, but has no value to count"


def to_h3(
    layer: Any,  # noqa: ANN401 -- layers, rasters and frames share no base class
    *,
    resolution: int = 10,
    values: Mapping[str, Quantity | str | Mapping[str, Any]],
    by: str | ArrayLike | None = None,
    uncertain: bool = False,
) -> CellTable:
    """Take the records of a layer to H3 cells.

    Parameters
    ----------
    layer : layers.Layer, layers.RasterLayer or geopandas.GeoDataFrame
        Points, lines, polygons or pixels in longitude and latitude.
    resolution : int
        H3 resolution.
    values : mapping of str to Quantity or str
        The columns to take, and what kind of quantity each is.
    by : str or array_like of int, optional
        Time step of every record, or the column that holds it.
    uncertain : bool
        Whether a point goes to all cells that its true place may be in, by their probability, instead of to the one
        that it is drawn in. Needs ``sigma_m`` on the records; those that state none stay in their one cell. A record
        that is an area and states no error beside goes by its exact shares, which are its probabilities.

    Returns
    -------
    CellTable
        Totals of extensive values are those of the layer; a value that is missing counts nowhere and is listed in
        ``missing`` if it is extensive.

    Raises
    ------
    CrsMismatchError
        If the layer is not in longitude and latitude.
    GeometryError
        If geometries are invalid or of mixed dimension, or uncertain ones are not points.
    QuantityError
        If a column is missing, not numeric, or its weighting does not fit the geometry.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> block = shapely.box(7.42, 43.73, 7.43, 43.74)
    >>> blocks = gpd.GeoDataFrame({"people": [120.0]}, geometry=[block], crs="OGC:CRS84")
    >>> table = to_h3(blocks, resolution=9, values={"people": "extensive"})
    >>> len(table), float(round(table.totals()["people"], 9))
    (16, 120.0)
    """
    records = records_of(layer)
    quantities = {name: Quantity.of(kind) for name, kind in values.items()}
    step = None if by is None else records.column(by) if isinstance(by, str) else np.asarray(by)
    spread = spread_of(records, H3Grid(resolution), uncertain=uncertain)
    table = aggregate(
        spread,
        {name: records.column(name) for name in quantities},
        quantities,
        by=step,
        sigma_m=records.sigma_m,
        amounts={name: records.column(name) for name in columns_by(quantities)},
    )
    return _labelled(table, records)


def spread_of(records: Records, grid: H3Grid, *, uncertain: bool) -> Weights:
    """Find the weights of records, exact or by probability.

    Parameters
    ----------
    records : Records
        Geometry and standard deviations.
    grid : H3Grid
        The cells.
    uncertain : bool
        Whether points go to cells by probability.

    Returns
    -------
    Weights
        Shares that sum to 1 for every record with a geometry.
    """
    if uncertain:
        require_normal(records.geometry, records.radius_m)
        return probable_weights(records.geometry, records.sigma_m, grid, valid=records.valid)
    return weights(records.geometry, grid, valid=records.valid)


def _labelled(table: CellTable, records: Records) -> CellTable:
    """Name missing records by their labels instead of by their positions."""
    label = records.table.index.to_numpy()
    return replace(table, missing=table.missing.assign(row=label[table.missing["row"].to_numpy(dtype=np.int64)]))


def aggregate(
    spread: Weights,
    values: Mapping[str, ArrayLike],
    quantities: Mapping[str, Quantity],
    *,
    by: ArrayLike | None = None,
    sigma_m: ArrayLike | None = None,
    amounts: Mapping[str, ArrayLike] | None = None,
) -> CellTable:
    """Spread values over cells by weights that are already there.

    Parameters
    ----------
    spread : Weights
        Weights of the records.
    values : mapping of str to array_like, shape (rows,) or (rows, steps)
        One value per record, or per record and time step; NaN is "no value".
    quantities : mapping of str to Quantity
        What each is; the keys are those of ``values``.
    by : array_like of int, shape (rows,), optional
        Time step of every record, for values of one dimension.
    sigma_m : array_like of float, shape (rows,), optional
        Standard deviation of the positions, metres.
    amounts : mapping of str to array_like, shape (rows,), optional
        The columns that means are weighted by (``Quantity.by``), such as people; they are spread by the shares. A
        record without one counts in no mean.

    Returns
    -------
    CellTable
        Values per cell, and per step if there are any.

    Raises
    ------
    QuantityError
        If values do not fit the records or their kind.
    """
    checked = {name: _checked(values[name], name, quantities[name], spread) for name in quantities}
    in_matrix = [name for name, array in checked.items() if array.ndim == 2]
    if in_matrix and (by is not None or len(in_matrix) < len(checked)):
        raise QuantityError(
            f"{', '.join(in_matrix)} has a column per step, so all variables must, and `by` is left out."
        )
    missing = pd.concat(
        [_missing(array, name, quantities[name], spread) for name, array in checked.items()] or [_none()]
    )
    sigma = np.full(spread.rows, np.nan) if sigma_m is None else np.asarray(sigma_m, dtype=np.float64)
    loads = {name: _load(quantity, spread, name, amounts or {}) for name, quantity in quantities.items()}
    state = (
        _matrix_state(spread, checked, quantities, loads, sigma_m=sigma)
        if in_matrix
        else _state(spread, checked, quantities, loads, sigma_m=sigma, by=by)
    )
    pattern = CellTable(
        frame=pd.DataFrame(),
        quantities=dict(quantities),
        resolution=spread.resolution,
        measure=spread.measure,
        missing=missing.reset_index(drop=True),
    )
    return CellTable.from_state(combine([state]), like=pattern)


def _checked(values: ArrayLike, name: str, quantity: Quantity, spread: Weights) -> NDArray[Any]:
    """Return the values as an array that fits the weights, or say why they do not."""
    array = np.asarray(values)
    if array.shape[:1] != (spread.rows,) or array.ndim > 2:
        raise QuantityError(
            f"{name!r} has values of shape {array.shape}, but the weights are of {spread.rows} records; "
            "pass one value per record, or one row per record and one column per step."
        )
    quantity.weighting(spread.measure, name=name)
    if quantity.kind == "categorical":
        if array.ndim == 2:
            raise QuantityError(f"{name!r} is categorical and cannot have a column per step; pass `by` instead.")
        return array
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise QuantityError(
            f"{name!r} is declared {quantity.kind} but is not numeric ({array.dtype}): {error}. "
            "Read it as a number, or declare it categorical."
        ) from error


def _none() -> pd.DataFrame:
    return pd.DataFrame({"row": np.empty(0, np.int64), "variable": np.empty(0, str), "reason": np.empty(0, str)})


def _missing(array: NDArray[Any], name: str, quantity: Quantity, spread: Weights) -> pd.DataFrame:
    """List placed records whose extensive value is missing: counted as 0 they would be an invention."""
    if quantity.kind != "extensive":
        return _none()
    empty = np.isnan(array) if array.ndim == 1 else np.isnan(array).any(axis=1)
    rows = np.intersect1d(np.flatnonzero(empty), spread.row)
    return pd.DataFrame({"row": rows, "variable": name, "reason": MISSING_VALUE})


def _state(
    spread: Weights,
    values: Mapping[str, NDArray[Any]],
    quantities: Mapping[str, Quantity],
    loads: Mapping[str, _Load],
    *,
    sigma_m: NDArray[np.float64],
    by: ArrayLike | None,
) -> State:
    """Spread one value per record."""
    keys: dict[str, NDArray[Any]] = {"cell": spread.cell}
    if by is not None:
        keys["step"] = _steps(by, spread)[spread.row]
    columns: dict[str, NDArray[Any]] = {}
    categories: dict[str, pd.DataFrame] = {}
    for name, array in values.items():
        load = loads[name]
        value, weight = array[spread.row], load.of(spread) * load.amount[spread.row]
        there = ~np.asarray(pd.isna(value)) & ~np.isnan(weight)
        if quantities[name].kind == "categorical":
            classes = pd.DataFrame({**keys, "category": value, "support": weight})[there]
            categories[name] = summed(classes, [*keys, "category"])
            continue
        factor = spread.share if quantities[name].kind == "extensive" else weight
        for end, part in components(quantities[name], value).items():
            columns[f"{name}{end}"] = np.where(there, part * factor, 0.0)
        columns[f"{name}__support"] = np.where(there, weight, 0.0)
    square = sigma_m[spread.row] ** 2 * spread.support
    frame = pd.DataFrame({**keys, **columns, "support": spread.support, "n": spread.share, "sigma_square": square})
    return State(frame=summed(frame, list(keys)), categories=categories)


def _matrix_state(
    spread: Weights,
    values: Mapping[str, NDArray[np.float64]],
    quantities: Mapping[str, Quantity],
    loads: Mapping[str, _Load],
    *,
    sigma_m: NDArray[np.float64],
) -> State:
    """Spread one value per record and step: the weights once, as a matrix."""
    share, support = spread.matrix(of="share"), spread.matrix(of="support")
    cells, steps = spread.cells, next(iter(values.values())).shape[1]
    columns: dict[str, NDArray[Any]] = {}
    for name, array in values.items():
        amount = loads[name].amount[:, None]
        there = ~np.isnan(array) & ~np.isnan(amount)
        matrix = share if loads[name].by_share else support
        for end, part in components(quantities[name], array).items():
            columns[f"{name}{end}"] = (matrix @ np.where(there, part * amount, 0.0)).ravel()
        columns[f"{name}__support"] = (matrix @ np.where(there, amount, 0.0)).ravel()
    ones = np.ones(spread.rows)
    for name, vector in {
        "support": support @ ones,
        "n": share @ ones,
        "sigma_square": support @ np.where(_placed(spread), sigma_m**2, 0.0),
    }.items():
        columns[name] = np.repeat(vector, steps)
    frame = pd.DataFrame({"cell": np.repeat(cells, steps), "step": np.tile(np.arange(steps), cells.size), **columns})
    held = np.logical_or.reduce([frame[f"{name}__support"].to_numpy() > 0.0 for name in values])
    return State(frame=frame[held].reset_index(drop=True))


def _placed(spread: Weights) -> NDArray[np.bool_]:
    """Mark the records that are in some cell."""
    placed = np.zeros(spread.rows, dtype=bool)
    placed[spread.row] = True
    return placed


def _steps(by: ArrayLike, spread: Weights) -> NDArray[np.int64]:
    """Return the time steps, or refuse what is not one whole number per record."""
    steps = np.asarray(by)
    if steps.shape != (spread.rows,) or not np.issubdtype(steps.dtype, np.integer):
        raise QuantityError(
            f"Time steps must be one whole number per record ({spread.rows}), got shape {steps.shape} of {steps.dtype}."
        )
    return steps.astype(np.int64)


class _Load(NamedTuple):
    """What a value in a cell rests on."""

    by_share: bool
    amount: NDArray[np.float64]

    def of(self, spread: Weights) -> NDArray[np.float64]:
        """Return the part of each record in each cell: shares for numbers and amounts, else the natural measure."""
        return spread.share if self.by_share else spread.support


def _load(quantity: Quantity, spread: Weights, name: str, amounts: Mapping[str, ArrayLike]) -> _Load:
    """Decide what a variable is weighted by."""
    ones = np.ones(spread.rows)
    if quantity.kind == "extensive":
        return _Load(by_share=True, amount=ones)
    by = quantity.weighting(spread.measure, name=name)
    if quantity.column is None:
        return _Load(by_share=by == "count", amount=ones)
    if by not in amounts:
        raise QuantityError(f"{name!r} is to be weighted by {by!r}, which is missing; pass amounts={{{by!r}: ...}}.")
    amount = np.asarray(amounts[by])
    if amount.shape != (spread.rows,) or amount.dtype.kind not in "iuf" or (amount < 0).any():
        raise QuantityError(
            f"{name!r} is to be weighted by {by!r}, which must be one number of at least 0 per record; "
            f"found shape {amount.shape} of {amount.dtype}."
        )
    return _Load(by_share=True, amount=amount.astype(np.float64))
