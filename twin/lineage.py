"""Where the number of a cell comes from: the source rows, their shares, and every step that moved them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from spatial_join.grid import H3Grid
from twin.coarse import coarsen
from twin.errors import UnknownNameError
from twin.timeline import Clock, clock_from_json, resample_shares, step_shares

if TYPE_CHECKING:
    from twin.catalogue import LayerInfo, Variable
    from twin.snapshot import Snapshot

_SHOWN_ROWS = 8


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """The origin of one value.

    Parameters
    ----------
    cell : int
        H3 cell.
    variable : str
        Variable of the cube.
    time : str
        Step of the clock, as text; "" for what does not change.
    value : float
        The value; the sum of share times value over the sources gives it again.
    unit : str
        Unit of the value.
    sources : pandas.DataFrame
        One line a source record: row (number in its file), share, value, layer, file, sigma_m, and time and site for
        series.
    steps : tuple of str
        What was done, in order.
    """

    cell: int
    variable: str
    time: str
    value: float
    unit: str
    sources: pd.DataFrame
    steps: tuple[str, ...]

    def __repr__(self) -> str:
        when = f" at {self.time}" if self.time else ""
        head = f"{self.variable} = {self.value:.6g} {self.unit} in cell {self.cell:x}{when}"
        lines = [head, f"from {len(self.sources)} source record{'' if len(self.sources) == 1 else 's'}:"]
        lines += ["  " + line for line in self.sources.head(_SHOWN_ROWS).to_string(index=False).splitlines()]
        if len(self.sources) > _SHOWN_ROWS:
            lines.append(f"  … and {len(self.sources) - _SHOWN_ROWS} more")
        lines += [f"{number}. {step}" for number, step in enumerate(self.steps, start=1)]
        return "\n".join(lines)


def explain(snapshot: Snapshot, variable: Variable, layer: LayerInfo, *, cell: int | str, time: object) -> Explanation:
    """Say where the value of a cell comes from, by replaying the aggregation on its source rows.

    Parameters
    ----------
    snapshot : Snapshot
        What is asked.
    variable : Variable
        Which quantity.
    layer : LayerInfo
        Its layer.
    cell : int or str
        H3 cell, as number or hexadecimal text.
    time : object
        A time of the clock or a step; None for the first step with a value.

    Returns
    -------
    Explanation
        The value and its sources.

    Raises
    ------
    UnknownNameError
        If the variable has no value in that cell.
    """
    number = _cell_number(cell)
    clock = clock_from_json(snapshot.manifest["clock"])
    value, step = _value_at(snapshot, variable, number, clock=clock, time=time)
    if variable.method.startswith("kriging"):
        sources = _stations(snapshot, variable, number, step=step)
    else:
        sources = _rows(snapshot, variable, number, clock=clock, step=step)
    sources.insert(3, "layer", layer.name)
    sources = sources.sort_values(["share", "row"], ascending=[False, True], ignore_index=True)
    when = "" if step is None else _shown_time(clock, step)
    steps = (*layer.notes.get("steps", ()), *layer.notes.get("values", {}).get(variable.name, ()))
    return Explanation(
        cell=number, variable=variable.name, time=when, value=value, unit=variable.unit, sources=sources, steps=steps
    )


def _shown_time(clock: Clock, step: int) -> str:
    begin = clock.coordinate()[step]
    if clock.typical_day:
        minutes = int(begin / np.timedelta64(1, "m"))
        return f"{minutes // 60:02d}:{minutes % 60:02d} of a typical day ({clock.zone})"
    return pd.Timestamp(begin).tz_localize("UTC").tz_convert(clock.zone).isoformat()


def _cell_number(cell: int | str) -> int:
    try:
        number = int(cell, 16) if isinstance(cell, str) else int(cell)
    except ValueError:
        number = 0
    if number <= 0:
        raise UnknownNameError(
            f"{cell!r} is no H3 cell: give its number, or its hexadecimal text such as 8c3969a4e1acdff"
        )
    return number


def _resolution(number: int) -> int:
    return (number >> 52) & 15


def _inside(cells: npt.NDArray[np.uint64], number: int, stored: int) -> npt.NDArray[np.bool_]:
    """Return which cells of the storage resolution lie in a cell of that or a coarser one."""
    resolution = _resolution(number)
    if resolution > stored:
        raise UnknownNameError(f"cell {number:x} has resolution {resolution}; this twin is stored at {stored}")
    parents = cells if resolution == stored else H3Grid(resolution=resolution).parents(cells, resolution)
    inside: npt.NDArray[np.bool_] = parents == np.uint64(number)
    return inside


def _value_at(
    snapshot: Snapshot, variable: Variable, number: int, *, clock: Clock, time: object
) -> tuple[float, int | None]:
    arrays = snapshot.arrays(variable.name, ("cell", "value", "support"))
    stored = snapshot.manifest["resolution"]
    inside = _inside(arrays["cell"], number, stored)
    if not inside.any():
        raise UnknownNameError(f"{variable.name} has no value in cell {number:x}")
    resolution = _resolution(number)
    cells, value, support = arrays["cell"][inside], arrays["value"][inside], arrays["support"][inside]
    if resolution < stored:
        cells, value, support = coarsen(cells, value, support, kind=variable.kind, resolution=resolution)
    if variable.static:
        return float(value[0]), None
    known = np.flatnonzero(np.isfinite(value[0]))
    if time is None and known.size == 0:
        raise UnknownNameError(f"{variable.name} has no value in cell {number:x} at any time")
    step = int(known[0]) if time is None else clock.step_of(time)
    return float(value[0, step]), step


def _rows(snapshot: Snapshot, variable: Variable, number: int, *, clock: Clock, step: int | None) -> pd.DataFrame:
    weights = snapshot.table(f"weights/{variable.layer}.parquet").to_pandas()
    weights = weights[_inside(weights["cell"].to_numpy(), number, snapshot.manifest["resolution"])]
    pieces = weights.groupby("row")[["share", "support"]].sum()
    records = snapshot.table(f"records/{variable.layer}.parquet").to_pandas()
    records = records[records["feature"].isin(pieces.index)].reset_index(drop=True)
    values = records[variable.name].to_numpy(dtype=np.float64)
    if step is None:
        part, chosen = np.ones(len(records)), np.isfinite(values)
    else:
        part, chosen = _parts_of_step(snapshot, variable, records, clock=clock, step=step)
    records, part = records[chosen].reset_index(drop=True), part[chosen]
    feature = records["feature"].to_numpy()
    if variable.kind == "extensive":
        coefficient = pieces["share"].reindex(feature).to_numpy()
    else:
        support = pieces["support"].reindex(feature).to_numpy()
        coefficient = support / pieces["support"].reindex(np.unique(feature)).sum()
    frame = pd.DataFrame({"row": records["row"], "share": part * coefficient, "value": records[variable.name]})
    kept = [name for name in ("file", "sigma_m", "time", "feature") if name in records]
    return frame.join(records[kept]).rename(columns={"feature": "site"})


def _parts_of_step(
    snapshot: Snapshot, variable: Variable, records: pd.DataFrame, *, clock: Clock, step: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return what each record contributes to its own site at a step, and which do."""
    period_s = float(_notes(snapshot, variable.layer).get("period_s", 0.0))
    values = records[variable.name].to_numpy(dtype=np.float64)
    sites = np.unique(records["feature"].to_numpy(), return_inverse=True)[1].astype(np.int64)
    shares = step_shares(records["time"], clock, period_s=period_s)
    extensive = variable.kind == "extensive"
    weight, counted = resample_shares(values, sites, shares, extensive=extensive, typical_day=clock.typical_day)
    here = (shares.step == step) & counted & (weight > 0)
    part = np.bincount(shares.record[here], weights=weight[here], minlength=len(records)).astype(np.float64)
    return part, part > 0


def _notes(snapshot: Snapshot, layer: str) -> dict[str, Any]:
    found: dict[str, Any] = next(tree["notes"] for tree in snapshot.manifest["layers"] if tree["name"] == layer)
    return found


def _stations(snapshot: Snapshot, variable: Variable, number: int, *, step: int | None) -> pd.DataFrame:
    """Return the stations that a field was made from."""
    del number, step
    stations: pd.DataFrame = snapshot.table(f"stations/{variable.name}.parquet").to_pandas()
    return stations
