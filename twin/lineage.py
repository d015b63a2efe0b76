"""Where the number of a cell comes from: the source rows, their shares, and every step that moved them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from spatial_join import H3Grid
from spatial_join.variogram import Variogram
from twin.coarse import coarsen, coarsen_classes
from twin.errors import UnknownNameError
from twin.field import station_weights
from twin.timeline import Clock, clock_from_json, resample_shares, step_shares

if TYPE_CHECKING:
    from twin.catalogue import LayerInfo, Variable
    from twin.snapshot import Snapshot

_SHOWN_ROWS = 8
# H3 indexes begin with a zero bit, then four bits that say what is indexed; 1 is a cell.
_MODE_BIT, _MODE_CELL = 59, 1


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
    sources = _sources(snapshot, variable, number, clock=clock, step=step)
    if "file" not in sources:
        sources["file"] = layer.files[0]
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
    if number >> _MODE_BIT != _MODE_CELL:
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
    arrays = snapshot.arrays(variable.name, ("cell", "value", "support", "classes"))
    stored = snapshot.manifest["resolution"]
    inside = _inside(arrays["cell"], number, stored)
    if not inside.any():
        raise UnknownNameError(f"{variable.name} has no value in cell {number:x}")
    resolution = _resolution(number)
    cells, value, support = arrays["cell"][inside], arrays["value"][inside], arrays["support"][inside]
    if resolution < stored and "classes" in arrays:
        value = coarsen_classes(cells, arrays["classes"][inside], resolution=resolution)[1]
    elif resolution < stored:
        cells, value, support = coarsen(cells, value, support, kind=variable.kind, resolution=resolution)
    if variable.static:
        return float(value[0]), None
    known = np.flatnonzero(np.isfinite(value[0]))
    if time is None and known.size == 0:
        raise UnknownNameError(f"{variable.name} has no value in cell {number:x} at any time")
    step = int(known[0]) if time is None else clock.step_of(time)
    return float(value[0, step]), step


def _sources(snapshot: Snapshot, variable: Variable, number: int, *, clock: Clock, step: int | None) -> pd.DataFrame:
    """Return the records behind a value, each with its share."""
    kriged = variable.method.startswith("kriging")
    pieces = None if kriged else _pieces(snapshot, variable, number)
    records = snapshot.table(f"records/{variable.layer}.parquet").to_pandas()
    if pieces is not None:
        records = records[records["feature"].isin(pieces.index)].reset_index(drop=True)
    values = records[variable.name].to_numpy(dtype=np.float64)
    if step is None:
        part = np.ones(len(records))
        chosen = np.isfinite(values)
    else:
        part, chosen = _parts_of_step(snapshot, variable, records, clock=clock, step=step)
    records, part = records[chosen].reset_index(drop=True), part[chosen]
    feature = records["feature"].to_numpy()
    reporting = np.unique(feature)
    if pieces is None:
        coefficients = _kriging_shares(snapshot, variable, number, reporting)
    elif variable.kind == "extensive":
        coefficients = pieces.loc[reporting, "share"]
    else:
        weight = pieces.loc[reporting, "share" if variable.by == "count" else "support"]
        coefficients = weight / weight.sum()
    share = part * coefficients.reindex(feature).to_numpy(dtype=np.float64)
    frame = pd.DataFrame({"row": records["row"], "share": share, "value": records[variable.name]})
    kept = [name for name in ("file", "sigma_m", "time", "feature") if name in records]
    return frame.join(records[kept]).rename(columns={"feature": "site"})


def _pieces(snapshot: Snapshot, variable: Variable, number: int) -> pd.DataFrame:
    """Return share and support that each feature has in a cell."""
    weights = snapshot.table(f"weights/{variable.layer}.parquet").to_pandas()
    weights = weights[_inside(weights["cell"].to_numpy(), number, snapshot.manifest["resolution"])]
    pieces: pd.DataFrame = weights.groupby("row")[["share", "support"]].sum()
    return pieces


def _kriging_shares(
    snapshot: Snapshot, variable: Variable, number: int, reporting: npt.NDArray[np.int64]
) -> pd.Series[Any]:
    """Return what each reporting station contributes to a cell of a kriged field."""
    stations = snapshot.table(f"stations/{variable.name}.parquet").to_pandas()
    shape = _notes(snapshot, variable.layer)["fields"][variable.name]["variogram"]
    arrays = snapshot.arrays(variable.name, ("cell",))
    cells = arrays["cell"][_inside(arrays["cell"], number, snapshot.manifest["resolution"])]
    grid = H3Grid(resolution=snapshot.manifest["resolution"])
    lon, lat = grid.centres(cells)
    heard = stations["row"].isin(reporting).to_numpy()
    shares = station_weights(stations, heard, Variogram(**shape), lon=lon, lat=lat)
    reached = np.isfinite(shares).all(axis=1)
    mean = np.average(shares[reached], axis=0, weights=grid.areas_m2(cells[reached]))
    return pd.Series(mean, index=stations["row"][heard])


def _parts_of_step(
    snapshot: Snapshot, variable: Variable, records: pd.DataFrame, *, clock: Clock, step: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return what each record contributes to its own site at a step, and which do."""
    period_s: float | npt.NDArray[np.float64] = float(_notes(snapshot, variable.layer).get("period_s", 0.0))
    if "time_end" in records:
        period_s = np.asarray((records["time_end"] - records["time"]).dt.total_seconds(), dtype=np.float64)
    values = records[variable.name].to_numpy(dtype=np.float64)
    sites = np.unique(records["feature"].to_numpy(), return_inverse=True)[1].astype(np.int64)
    shares = step_shares(records["time"], clock, period_s=period_s)
    extensive = variable.kind == "extensive"
    weight, counted = resample_shares(values, sites, shares, clock=clock, extensive=extensive)
    here = (shares.step == step) & counted & (weight > 0)
    part = np.bincount(shares.record[here], weights=weight[here], minlength=len(records)).astype(np.float64)
    return part, part > 0


def _notes(snapshot: Snapshot, layer: str) -> dict[str, Any]:
    found: dict[str, Any] = next(tree["notes"] for tree in snapshot.manifest["layers"] if tree["name"] == layer)
    return found
