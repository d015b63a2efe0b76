"""From tables of cells to the arrays of the cube."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spatial_join import CellProbabilities, CellTable, Quantity, Weights, aggregate
from twin.cube.backing import Backing, backing_arrays, backing_of
from twin.cube.chunks import write_arrays
from twin.errors import BuildError
from twin.timeline import Clock, Floats, resample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from twin.manifest.models import DatasetSpec, VariableSpec
    from twin.steps.series import Readings


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """Which part of which feature lies in which cell.

    Parameters
    ----------
    weights : Weights or None
        None if no feature has a geometry.
    sigma_m : ndarray of float64, shape (features,)
        How far each feature may be off, metres per axis.
    """

    weights: Weights | None
    sigma_m: Floats


def write_cube(
    folder: Path, dataset: DatasetSpec, readings: Readings, pieces: Pieces, *, clock: Clock
) -> dict[str, tuple[str, ...]]:
    """Aggregate the variables of a dataset and write their arrays; what becomes a field is kept by station.

    Parameters
    ----------
    folder : Path
        Where to write.
    dataset : DatasetSpec
        Which variables.
    readings : Readings
        Values by record.
    pieces : Pieces
        Where the features lie.
    clock : Clock
        The city's clock.

    Returns
    -------
    dict of str to tuple of str
        How the cells of each variable got their values.
    """
    spread = pieces.weights
    stations = {name: variable for name, variable in dataset.variables.items() if variable.field is not None}
    for name, variable in stations.items():
        np.save(folder / f"series_{name}.npy", _series(readings, name, variable, clock), allow_pickle=False)
    others = {name: variable for name, variable in dataset.variables.items() if variable.field is None}
    if not others:
        return {}
    if spread is None:
        steps = None if readings.shares is None else len(clock)
        return {name: write_nothing(folder, name, v, steps=steps) for name, v in others.items()}
    in_time, by = readings.shares is not None, None
    values = {name: readings.values[name] for name in others}
    if in_time and dataset.site:
        values = {name: _series(readings, name, variable, clock) for name, variable in others.items()}
    elif readings.shares is not None:
        by = np.full(len(readings.feature), -1, dtype=np.int64)
        by[readings.shares.record] = readings.shares.step
    quantities = {name: quantity_of(name, variable, spread.measure) for name, variable in others.items()}
    table = aggregate(spread, values, quantities, by=by, sigma_m=pieces.sigma_m)
    classes = {name: len(found) for name, found in readings.categories.items()}
    behind = {name: [backing_of(spread, readings, name, v, clock=clock)] for name, v in others.items()}
    steps = len(clock) if in_time else None
    write_table_of_cells(folder, others, table, backing=behind, classes=classes, steps=steps)
    return {name: (how_spread(variable, spread),) for name, variable in others.items()}


def cells_of(dataset: DatasetSpec, readings: Readings, pieces: Pieces) -> CellTable | None:
    """Aggregate the variables of some records of a dataset that has no sites.

    Parameters
    ----------
    dataset : DatasetSpec
        Which variables.
    readings : Readings
        Values by record.
    pieces : Pieces
        Where the records lie.

    Returns
    -------
    CellTable or None
        None if no record has a geometry.
    """
    spread, by = pieces.weights, None
    if spread is None or not dataset.variables:
        return None
    if readings.shares is not None:
        by = np.full(len(readings.feature), -1, dtype=np.int64)
        by[readings.shares.record] = readings.shares.step
    quantities = {name: quantity_of(name, variable, spread.measure) for name, variable in dataset.variables.items()}
    return aggregate(spread, dict(readings.values), quantities, by=by, sigma_m=pieces.sigma_m)


def write_table_of_cells(
    folder: Path,
    variables: Mapping[str, VariableSpec],
    table: CellTable,
    *,
    backing: Mapping[str, Sequence[Backing]],
    classes: Mapping[str, int],
    steps: int | None,
) -> None:
    """Write the arrays of aggregated variables.

    Parameters
    ----------
    folder : Path
        Where to write.
    variables : mapping
        Which.
    table : CellTable
        Their values by cell.
    backing : mapping of str to sequence of Backing
        What stands behind each, in all partitions.
    classes : mapping of str to int
        Number of classes of each that is categorical.
    steps : int or None
        Steps of the clock; None for what does not change.
    """
    for name, variable in variables.items():
        arrays = cube_arrays(table, name, steps=steps)
        if variable.kind == "categorical":
            arrays["classes"] = _class_support(table, name, arrays["cell"], classes[name])
        extensive = variable.kind == "extensive"
        arrays |= backing_arrays(backing[name], cells=arrays["cell"], steps=steps, extensive=extensive)
        write_arrays(folder / "cube" / name, arrays, attributes={"units": variable.unit, "kind": variable.kind})


def quantity_of(name: str, variable: VariableSpec, measure: str) -> Quantity:
    """Return what kind of quantity a variable is on records of a measure.

    Parameters
    ----------
    name : str
        Variable.
    variable : VariableSpec
        Its entry.
    measure : str
        Of the records: a count, length or area.

    Returns
    -------
    Quantity
        Kind, unit and what means are weighted by.

    Raises
    ------
    BuildError
        If an amount is said to lie on another measure.
    """
    if variable.kind != "extensive":
        return Quantity(kind=variable.kind, unit=variable.unit, by=variable.by)
    if variable.by not in {None, measure}:
        raise BuildError(f"{name} is an amount on what has a {measure}: write by: {measure}, or nothing")
    return Quantity(kind=variable.kind, unit=variable.unit)


def how_spread(variable: VariableSpec, spread: Weights) -> str:
    """Say how cells got their values.

    Parameters
    ----------
    variable : VariableSpec
        Which.
    spread : Weights
        Where the records lie.

    Returns
    -------
    str
        For people.
    """
    if isinstance(spread, CellProbabilities):
        return {
            "extensive": "spread over cells by the probability that they hold the record, and added up",
            "categorical": "class with the most probable records in the cell",
            "intensive": "mean over what may lie in the cell, weighted by the probability that it does",
        }[variable.kind]
    if variable.kind == "extensive":
        return f"spread over cells by exact shares of {spread.measure}, and added up"
    if variable.kind == "categorical":
        return f"class with the most {variable.by or spread.measure} in the cell"
    return f"mean over what lies in the cell, weighted by {variable.by or spread.measure}"


def _series(readings: Readings, name: str, variable: VariableSpec, clock: Clock) -> Floats:
    if readings.shares is None:
        return readings.values[name][:, None]
    extensive = variable.kind == "extensive"
    return resample(readings.values[name], readings.feature, readings.shares, clock=clock, extensive=extensive)


def write_nothing(folder: Path, name: str, variable: VariableSpec, *, steps: int | None) -> tuple[str, ...]:
    """Write arrays without a cell.

    Parameters
    ----------
    folder : Path
        Where to write.
    name : str
        Variable.
    variable : VariableSpec
        Its entry.
    steps : int or None
        Steps of the clock; None for what does not change.

    Returns
    -------
    tuple of str
        Why there is none.
    """
    shape = (0,) if steps is None else (0, steps)
    arrays = {"cell": np.empty(0, np.uint64), "value": np.empty(shape), "support": np.empty(shape)}
    write_arrays(folder / "cube" / name, arrays, attributes={"units": variable.unit, "kind": variable.kind})
    return ("no record is placed, so no cell has a value",)


def cube_arrays(table: CellTable, name: str, *, steps: int | None) -> dict[str, np.ndarray[Any, Any]]:
    """Lay a table of cells out as arrays.

    Parameters
    ----------
    table : CellTable
        Lines per cell, and per step if in time.
    name : str
        Variable.
    steps : int or None
        Steps of the clock; None for what does not change.

    Returns
    -------
    dict
        ``cell`` (n,) ascending; ``value`` and ``support`` (n,) or (n, steps); ``sigma_m`` (n,), the largest over time;
        in time ``most`` (n,), the largest support of any step.
    """
    frame = table.frame[table.frame[name].notna()]
    if "step" in frame:
        frame = frame[frame["step"] >= 0]
    cells, where = np.unique(frame["cell"].to_numpy(dtype=np.uint64), return_inverse=True)
    shape = (cells.size,) if steps is None else (cells.size, steps)
    place = (where,) if steps is None else (where, frame["step"].to_numpy())
    value, support = np.full(shape, np.nan), np.zeros(shape)
    value[place] = frame[name].to_numpy(dtype=np.float64)
    support[place] = frame[f"{name}__support"].to_numpy(dtype=np.float64)
    sigma_m = np.zeros(cells.size)
    np.maximum.at(sigma_m, where, frame["sigma_m"].to_numpy(dtype=np.float64))
    arrays = {"cell": cells, "value": value, "support": support, "sigma_m": sigma_m}
    # A coarse sigma_m must not depend on the steps that are asked for, nor make them be read.
    return arrays if steps is None else {**arrays, "most": support.max(axis=1, initial=0.0)}


def _class_support(table: CellTable, name: str, cells: npt.NDArray[np.uint64], count: int) -> Floats:
    """Return what every class has in every cell, so that coarser cells can still tell which has most."""
    part = table.categories[name]
    support = np.zeros((cells.size, count))
    place = (np.searchsorted(cells, part["cell"].to_numpy(dtype=np.uint64)), part["category"].to_numpy(dtype=np.int64))
    support[place] = part["support"].to_numpy(dtype=np.float64)
    return support
