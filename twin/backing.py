"""What stands behind the value of a cell: how many records, how much of the cell and step, how sure, how agreed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from spatial_join import CellProbabilities
from spatial_join.state import summed as add_up
from twin.timeline import Clock, Floats, resample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spatial_join import Weights
    from twin.manifest_models import VariableSpec
    from twin.series import Readings

Cells = npt.NDArray[np.uint64]

_FILES = ["cell", "step", "file", "seen", "total"]


@dataclass(frozen=True, kw_only=True)
class Backing:
    """Sums of what stands behind a variable; those of partitions add up.

    Parameters
    ----------
    sums : pandas.DataFrame
        Columns cell, step (0 for what does not change), n, covered, seen, total and, of cells by probability, the
        moments doubt0 to doubt2. On points and lines rows of step -1 have in covered what could be covered.
    files : pandas.DataFrame
        Columns cell, step, file, seen, total; no row if the records say no file, or are no mean.
    """

    sums: pd.DataFrame
    files: pd.DataFrame


def backing_of(spread: Weights, readings: Readings, name: str, variable: VariableSpec, *, clock: Clock) -> Backing:
    """Add up what stands behind a variable in each cell, and in each step if it is in time.

    Parameters
    ----------
    spread : Weights
        Which part of which feature lies in which cell.
    readings : Readings
        Values by record.
    name : str
        Of the variable.
    variable : VariableSpec
        Its entry in the manifest.
    clock : Clock
        The city's clock.

    Returns
    -------
    Backing
        Its sums.
    """
    values = readings.values[name]  # noqa: PD011 - a mapping, no frame
    table = _Table(readings, values, clock)
    share, support = (spread.matrix(of=of) for of in ("share", "support"))
    weight = share if variable.by == "count" or variable.kind == "extensive" else support
    columns = {
        "n": share @ table.count,
        "covered": support @ table.held,
        "seen": weight @ table.known,
        "total": weight @ table.amount,
    }
    if isinstance(spread, CellProbabilities) and variable.kind != "categorical":
        # Each record lies in the cell with probability p, apart from the others.
        doubt = share.copy()
        doubt.data = doubt.data * (1.0 - doubt.data).clip(min=0.0)
        columns |= {"doubt0": doubt @ table.known, "doubt1": doubt @ table.amount}
        columns["doubt2"] = doubt @ table.amount.power(2)
    sums = _rows(spread.cells, columns)
    if spread.measure != "area":
        base = np.asarray(support @ np.ones(spread.rows))
        whole = pd.DataFrame({"cell": spread.cells, "step": np.int64(-1), "covered": base})
        sums = pd.concat([sums, whole], ignore_index=True).fillna(0.0)
    files = [pd.DataFrame({name: [] for name in _FILES})]
    if variable.kind == "intensive" and readings.source is not None:
        for file in np.unique(readings.source.astype(str)):
            part = _Table(readings, np.where(readings.source == file, values, np.nan), clock)
            told = _rows(spread.cells, {"seen": weight @ part.known, "total": weight @ part.amount})
            files.append(told.assign(file=file)[_FILES])
    return Backing(sums=sums, files=pd.concat(files[-max(len(files) - 1, 1) :], ignore_index=True))


def _rows(cells: Cells, matrices: dict[str, sparse.csr_array]) -> pd.DataFrame:
    """Lay matrices of cells and steps out as rows, wherever the first has an entry."""
    first = next(iter(matrices.values())).tocoo()
    row, step = first.coords
    found = {key: np.asarray(matrix.tocsr()[row, step]).ravel() for key, matrix in matrices.items()}
    return pd.DataFrame({"cell": cells[row], "step": step.astype(np.int64), **found})


def backing_arrays(
    parts: Sequence[Backing], *, cells: Cells, steps: int | None, extensive: bool
) -> dict[str, np.ndarray[Any, Any]]:
    """Lay out what stands behind a variable on its cells.

    Parameters
    ----------
    parts : sequence of Backing
        Of all partitions, in the order of the records.
    cells : ndarray of uint64, shape (n,)
        Those that have a value, ascending.
    steps : int or None
        Steps of the clock; None for what does not change.
    extensive : bool
        Whether values add up.

    Returns
    -------
    dict
        ``n``, records, each by its share in the cell; ``covered``, what the values stand for (count, m or m2) by the
        part of the step that readings held; on points and lines ``base`` (n,), what it could be; ``sigma`` where
        records lie in cells by probability; ``disagreement`` where several files feed a mean.
    """
    shape = (cells.size, 1 if steps is None else steps)
    sums = summed([part.sums for part in parts], ["cell", "step"], cells)
    whole, sums = sums[sums["step"] < 0], sums[sums["step"] >= 0]
    found = {part: _laid(sums, part, cells, shape) for part in sums.columns.drop(["cell", "step"])}
    arrays = {"n": found["n"], "covered": found["covered"]}
    seen = np.where(found["seen"] > 0, found["seen"], np.nan)
    if "doubt2" in found:
        arrays["sigma"] = np.where(seen > 0, np.sqrt(found["doubt2"]), np.nan)
        if not extensive:
            mean = found["total"] / seen
            spread = found["doubt2"] - 2 * mean * found["doubt1"] + mean**2 * found["doubt0"]
            arrays["sigma"] = np.sqrt(np.maximum(spread, 0.0)) / seen
    files = summed([part.files for part in parts], ["cell", "step", "file"], cells)
    if len(files["file"].unique()) > 1:
        arrays["disagreement"] = _disagreement(files, cells, shape)
    if steps is None:
        arrays = {part: array[:, 0] for part, array in arrays.items()}
    if len(whole):
        arrays["base"] = _laid(whole.assign(step=0), "covered", cells, (cells.size, 1))[:, 0]
    return arrays


def summed(frames: Sequence[pd.DataFrame], keys: list[str], cells: Cells) -> pd.DataFrame:
    """Add rows of equal keys up.

    Parameters
    ----------
    frames : sequence of pandas.DataFrame
        Rows with the keys and columns of numbers.
    keys : list of str
        Columns that say what belongs together.
    cells : ndarray of uint64
        Rows of other cells are left out.

    Returns
    -------
    pandas.DataFrame
        One row a key, in its order.
    """
    filled = [frame for frame in frames if len(frame)] or list(frames[:1])
    for key in keys:
        if not pd.api.types.is_numeric_dtype(filled[0][key]):  # text is compared once a part, not once a row
            told = [frame[key].astype("category") for frame in filled]
            known = sorted({str(name) for names in told for name in names.cat.categories})
            filled = [
                frame.assign(**{key: names.cat.set_categories(known)})
                for frame, names in zip(filled, told, strict=True)
            ]
    rows = pd.concat(filled, ignore_index=True)
    rows = rows[rows["cell"].isin(cells)]
    return add_up(rows, keys) if len(frames) > 1 else rows


def _laid(rows: pd.DataFrame, column: str, cells: Cells, shape: tuple[int, int]) -> Floats:
    array = np.zeros(shape)
    place = np.searchsorted(cells, rows["cell"].to_numpy(dtype=np.uint64))
    array[place, rows["step"].to_numpy(dtype=np.int64)] = rows[column].to_numpy(dtype=np.float64)
    return array


def _disagreement(files: pd.DataFrame, cells: Cells, shape: tuple[int, int]) -> Floats:
    """Return the standard deviation among the means of the files that have one; NaN where fewer than two have."""
    known = files[files["seen"] > 0]
    means = known.assign(mean=known["total"] / known["seen"]).groupby(["cell", "step"], sort=True)["mean"]
    told = pd.DataFrame({"deviation": means.std(ddof=0), "files": means.size()}).reset_index()
    told = told[told["files"] > 1]
    array = np.full(shape, np.nan)
    place = np.searchsorted(cells, told["cell"].to_numpy(dtype=np.uint64))
    array[place, told["step"].to_numpy(dtype=np.int64)] = told["deviation"].to_numpy(dtype=np.float64)
    return array


class _Table:
    """Values of features by step, as sparse matrices of one shape."""

    def __init__(self, readings: Readings, values: Floats, clock: Clock) -> None:
        shares, features = readings.shares, len(readings.first)
        if shares is None:
            rows = np.flatnonzero(np.isfinite(values))
            shape, ones, number = (features, 1), np.ones(rows.size), np.zeros(rows.size, dtype=np.int64)
            self.known = self.count = self.held = sparse.csr_array((ones, (rows, number)), shape=shape)
            self.amount = sparse.csr_array((values[rows], (rows, number)), shape=shape)
            return
        shape = (features, len(clock))
        counted = np.isfinite(values[shares.record])
        record, step = shares.record[counted], shares.step[counted]
        feature = readings.feature[record]
        if features == len(values) and (readings.feature == np.arange(features)).all():  # each record for itself
            last = np.append(record[1:] != record[:-1], True) if record.size else np.zeros(0, dtype=bool)
            record, step, feature = record[last], step[last], feature[last]
            ones = np.ones(record.size)
            self.known = self.count = self.held = sparse.csr_array((ones, (feature, step)), shape=shape)
            self.amount = sparse.csr_array((values[record], (feature, step)), shape=shape)
            return
        self.count = sparse.csr_array((np.ones(record.size), (feature, step)), shape=shape)
        self.known = (self.count > 0).astype(np.float64)
        self.held = _held(readings, shares.overlap[counted], (feature, step, shares.day[counted]), clock)
        series = resample(values, readings.feature, shares, clock=clock, extensive=False)
        self.amount = sparse.csr_array(np.where(np.isfinite(series), series, 0.0))


def _held(
    readings: Readings, overlap: Floats, slot: tuple[npt.NDArray[np.int64], ...], clock: Clock
) -> sparse.csr_array:
    """Return which part of each step readings held; instants stand for all of theirs."""
    feature, step, day = slot
    shape = (len(readings.first), len(clock))
    if readings.period_s == 0:
        return (sparse.csr_array((np.ones(step.size), (feature, step)), shape=shape) > 0).astype(np.float64)
    days = np.unique(day).size if clock.typical_day else 1
    part = sparse.csr_array((overlap * readings.period_s / (clock.step_s * max(days, 1)), (feature, step)), shape=shape)
    part.data = np.minimum(part.data, 1.0)
    return part


def coverage_of(level: dict[str, np.ndarray[Any, Any]], areas_m2: Floats) -> Floats:
    """Return which part of each cell and step has a value behind it.

    Parameters
    ----------
    level : dict
        ``covered`` and, on points and lines, ``base``.
    areas_m2 : ndarray of float64, shape (n,)
        Of the cells: what areas could cover.

    Returns
    -------
    ndarray of float64
        0 to 1.
    """
    covered = level["covered"]
    base = level.get("base", areas_m2)
    whole = base if covered.ndim == 1 else base[:, None]
    share: Floats = np.minimum(np.divide(covered, whole, out=np.zeros(covered.shape), where=whole > 0), 1.0)
    return share
