"""What stands behind the value of a cell: how many records, how much of the cell and step, how sure, how agreed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from spatial_join import CellProbabilities
from twin.timeline import Clock, Floats, resample, resample_shares

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spatial_join import Weights
    from twin.manifest.models import VariableSpec
    from twin.steps.series import Readings

Cells = npt.NDArray[np.uint64]

_FILES = ["cell", "step", "file", "seen", "total"]
_FEWEST_SOURCES = 2


@dataclass(frozen=True, kw_only=True)
class Backing:
    """Sums of what stands behind a variable; those of partitions add up.

    Parameters
    ----------
    sums : pandas.DataFrame
        Columns cell, step (0 for what does not change), n, covered, seen, total; of readings with a stated standard
        deviation ``noise``, the variance of the total; and, of cells by probability, the moments doubt0 to doubt2.
        One row a cell and step. On points and lines rows of step -1 have in covered what could be covered.
    files : pandas.DataFrame
        Columns cell, step, file, seen, total where records of a mean are of several files; no row otherwise.
    source : str or None
        The file of all records, if they are a mean's and say one.
    """

    sums: pd.DataFrame
    files: pd.DataFrame
    source: str | None


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
    extensive = variable.kind == "extensive"
    table = _Table(readings, values, clock)
    share, support = (spread.matrix(of=of) for of in ("share", "support"))
    weight = share if variable.by == "count" or extensive else support
    columns = {
        "n": share @ table.count,
        "covered": support @ table.held,
        "seen": weight @ table.known,
        "total": weight @ table.amount,
    }
    if name in readings.sigmas:
        columns["noise"] = weight.power(2) @ table.variance(readings.sigmas[name], extensive=extensive)
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
        sums = pd.concat([sums, whole], ignore_index=True).fillna({name: 0.0 for name in columns if name != "noise"})
    none = pd.DataFrame({name: [] for name in _FILES})
    if variable.kind != "intensive" or readings.source is None:
        return Backing(sums=sums, files=none, source=None)
    found = np.unique(readings.source.astype(str))
    if found.size < 2:
        return Backing(sums=sums, files=none, source=str(found[0]) if found.size else None)
    files = []
    for file in found:
        part = _Table(readings, np.where(readings.source == file, values, np.nan), clock)
        told = _rows(spread.cells, {"seen": weight @ part.known, "total": weight @ part.amount})
        files.append(told.assign(file=file)[_FILES])
    return Backing(sums=sums, files=pd.concat(files, ignore_index=True), source=None)


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
        readings state theirs, or records lie in cells by probability; ``disagreement`` where several files feed a mean.
    """
    lattice = _Lattice(cells, 1 if steps is None else steps)
    found, base = lattice.added([part.sums for part in parts])
    arrays = {"n": found["n"], "covered": found["covered"]}
    seen = np.where(found["seen"] > 0, found["seen"], np.nan)
    variance = [_of_places(found, seen, extensive=extensive)] if "doubt2" in found else []
    if "noise" in found:
        variance.append(found["noise"] / (1.0 if extensive else seen**2))
    if variance:
        arrays["sigma"] = np.where(seen > 0, np.sqrt(np.sum(variance, axis=0)), np.nan)
    apart = lattice.deviation(parts)
    if apart is not None:
        arrays["disagreement"] = apart
    if steps is None:
        arrays = {part: array[:, 0] for part, array in arrays.items()}
    if base is not None:
        arrays["base"] = base
    return arrays


def _of_places(found: Mapping[str, Floats], seen: Floats, *, extensive: bool) -> Floats:
    """Return the variance that comes from not knowing in which cell records lie."""
    if extensive:
        return found["doubt2"]
    mean = found["total"] / seen
    spread = found["doubt2"] - 2 * mean * found["doubt1"] + mean**2 * found["doubt0"]
    return np.maximum(spread, 0.0) / seen**2


class _Lattice:
    """Cells by steps: rows of partitions are added where they belong, partition by partition, without a sort."""

    def __init__(self, cells: Cells, steps: int) -> None:
        self._cells = cells
        self._shape = (cells.size, steps)

    def _places(self, rows: pd.DataFrame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Return which cell each row belongs to, and which rows do: not every cell has a value."""
        cell = rows["cell"].to_numpy(dtype=np.uint64)
        place = np.minimum(np.searchsorted(self._cells, cell), max(0, self._cells.size - 1))
        return place, self._cells[place] == cell if self._cells.size else np.zeros(cell.size, dtype=bool)

    def _slots(self, rows: pd.DataFrame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Return where the rows belong that do, and which these are."""
        place, known = self._places(rows)
        step = rows["step"].to_numpy(dtype=np.int64)
        known = known & (step >= 0)
        return (place * self._shape[1] + step)[known], known

    def added(self, frames: Sequence[pd.DataFrame]) -> tuple[dict[str, Floats], Floats | None]:
        """Add rows up, cell and step by column; and what could be covered of each cell, where it is told."""
        names = [name for name in frames[0].columns if name not in {"cell", "step"}]
        found = {name: np.zeros(self._cells.size * self._shape[1]) for name in names}
        base: Floats | None = None
        for frame in frames:
            slots, known = self._slots(frame)
            for name in names:
                found[name][slots] += frame[name].to_numpy(dtype=np.float64)[known]
            whole = frame[frame["step"] < 0]
            if len(whole):
                base = np.zeros(self._cells.size) if base is None else base
                at, there = self._places(whole)
                base[at[there]] += whole["covered"].to_numpy(dtype=np.float64)[there]
        return {name: sums.reshape(self._shape) for name, sums in found.items()}, base

    def deviation(self, parts: Sequence[Backing]) -> Floats | None:
        """Return the standard deviation among the means of files; NaN where fewer than two have one."""
        files: dict[str, list[pd.DataFrame]] = {}
        for part in parts:
            if part.source is not None:
                files.setdefault(part.source, []).append(part.sums)
            for file, rows in part.files.groupby("file", sort=True):
                files.setdefault(str(file), []).append(rows)
        if len(files) < _FEWEST_SOURCES:
            return None
        size = self._cells.size * self._shape[1]
        count, mean, square = np.zeros(size, dtype=np.int64), np.zeros(size), np.zeros(size)
        seen, total = np.zeros(size), np.zeros(size)
        for frames in files.values():  # Welford's way: one file after the other, and only where it has a mean
            for frame in frames:
                slots, known = self._slots(frame)
                seen[slots] += frame["seen"].to_numpy(dtype=np.float64)[known]
                total[slots] += frame["total"].to_numpy(dtype=np.float64)[known]
            at = np.flatnonzero(seen > 0)
            told = total[at] / seen[at]
            seen[at] = total[at] = 0.0
            count[at] += 1
            step = told - mean[at]
            mean[at] += step / count[at]
            square[at] += step * (told - mean[at])
        several = count >= _FEWEST_SOURCES
        found = np.full(size, np.nan)
        found[several] = np.sqrt(square[several] / count[several])
        return found.reshape(self._shape)


class _Table:
    """Values of features by step, as sparse matrices of one shape."""

    def __init__(self, readings: Readings, values: Floats, clock: Clock) -> None:
        self._readings, self._values, self._clock = readings, values, clock
        self._each: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]] | None = None
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
            self._each = record, step
            ones = np.ones(record.size)
            self.known = self.count = self.held = sparse.csr_array((ones, (feature, step)), shape=shape)
            self.amount = sparse.csr_array((values[record], (feature, step)), shape=shape)
            return
        self.count = sparse.csr_array((np.ones(record.size), (feature, step)), shape=shape)
        self.known = (self.count > 0).astype(np.float64)
        self.held = _held(readings, shares.overlap[counted], (feature, step, shares.day[counted]), clock)
        series = resample(values, readings.feature, shares, clock=clock, extensive=False)
        self.amount = sparse.csr_array(np.where(np.isfinite(series), series, 0.0))

    def variance(self, sigma: Floats, *, extensive: bool) -> sparse.csr_array:
        """Return the variance of the value of each feature at each step; errors of readings are independent."""
        shares, square = self._readings.shares, sigma**2
        if shares is None:
            rows = np.flatnonzero(np.isfinite(self._values))
            return sparse.csr_array((square[rows], (rows, np.zeros_like(rows))), shape=self.known.shape)
        if self._each:
            record, step = self._each
            return sparse.csr_array((square[record], (self._readings.feature[record], step)), shape=self.known.shape)
        feature = self._readings.feature
        weight, counted = resample_shares(self._values, feature, shares, clock=self._clock, extensive=extensive)
        record, step, weight = shares.record[counted], shares.step[counted], weight[counted]
        return sparse.csr_array((weight**2 * square[record], (feature[record], step)), shape=self.known.shape)


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
