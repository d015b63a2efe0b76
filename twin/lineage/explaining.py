"""Where the number of a cell comes from: the source rows, their shares, and every step that moved them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from spatial_join import H3Grid, ResolutionError
from spatial_join.variogram import Variogram
from twin.cube.coarse import coarsen, coarsen_classes
from twin.cube.field import station_weights
from twin.errors import UnknownNameError
from twin.lineage.marks import colours_of, flags_of, moved_m
from twin.storage.pruning import all_rows, columns_of, rows_between, rows_of
from twin.timeline import Clock, clock_from_json, resample_shares, step_shares

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twin.catalogue import LayerInfo, Variable
    from twin.storage.snapshot import Snapshot

Cells: TypeAlias = npt.NDArray[np.uint64]

_SHOWN_ROWS = 8
_OF_RECORDS = ("row", "feature", "file", "sigma_m", "time", "time_end")
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
        One line a source record: row (number in its file), share, value, layer, sigma (standard deviation that it
        states of its value, where there is a column for it), file, sigma_m, offset_m (how far the
        change of datum moved it; NaN where it had no place of its own), flags (repairs and doubts), and time and site
        for series.
    steps : tuple of str
        What was done, in order.
    definition, status, operation : str
        What the positions mean, how that is known, and what moved them.
    quality : mapping
        Colour of each measure of the layer that was asked for: green, yellow or red.
    code : str
        Hash of the code that built the value.
    """

    cell: int
    variable: str
    time: str
    value: float
    unit: str
    sources: pd.DataFrame
    steps: tuple[str, ...]
    definition: str
    status: str
    operation: str
    quality: Mapping[str, str]
    code: str

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types.

        Returns
        -------
        dict
            All of it, the cell as hexadecimal text.
        """
        told = {name: getattr(self, name) for name in self.__dataclass_fields__}
        sources = json.loads(self.sources.to_json(orient="records", date_format="iso", double_precision=15))
        return {**told, "cell": f"{self.cell:x}", "quality": dict(self.quality), "sources": sources}

    def __repr__(self) -> str:
        when = f" at {self.time}" if self.time else ""
        head = f"{self.variable} = {self.value:.6g} {self.unit} in cell {self.cell:x}{when}"
        lines = [head, f"from {len(self.sources)} source record{'' if len(self.sources) == 1 else 's'}:"]
        lines += ["  " + line for line in self.sources.head(_SHOWN_ROWS).to_string(index=False).splitlines()]
        if len(self.sources) > _SHOWN_ROWS:
            lines.append(f"  … and {len(self.sources) - _SHOWN_ROWS} more")
        lines += [f"{number}. {step}" for number, step in enumerate(self.steps, start=1)]
        colours = "".join(f", {name} {colour}" for name, colour in self.quality.items())
        lines.append(f"positions: {self.definition} ({self.status}), {self.operation}{colours}")
        lines.append(f"built by code {self.code}")
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
    number = cell_number(cell)
    clock = clock_from_json(snapshot.manifest["clock"])
    value, step = _value_at(snapshot, variable, number, clock=clock, time=time)
    sources = _sources(snapshot, variable, number, clock=clock, step=step)
    if "file" not in sources:
        sources["file"] = layer.files[0]
    sources.insert(3, "layer", layer.name)
    sources["flags"] = flags_of(snapshot, layer.name, sources["row"].to_numpy(), sources["site"].to_numpy())
    sources["offset_m"] = moved_m(layer, *_whereabouts(snapshot, variable, number, sources["site"].to_numpy()))
    sources = sources.sort_values(["share", "row"], ascending=[False, True], ignore_index=True)
    when = "" if step is None else _shown_time(clock, step)
    steps = (*layer.notes.get("steps", ()), *layer.notes.get("values", {}).get(variable.name, ()))
    return Explanation(
        cell=number,
        variable=variable.name,
        time=when,
        value=value,
        unit=variable.unit,
        sources=sources,
        steps=steps,
        definition=layer.position,
        status=layer.status,
        operation=layer.operation,
        quality=colours_of(layer),
        code=str(snapshot.manifest["code"]),
    )


def _whereabouts(
    snapshot: Snapshot, variable: Variable, number: int, sites: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return where sources are, in degrees: stations of a field where they stand, all others in the cell itself."""
    if _kriged(variable):
        stations = snapshot.table(f"stations/{variable.name}.parquet").to_pandas().set_index("row")
        return stations["lon"].reindex(sites).to_numpy(), stations["lat"].reindex(sites).to_numpy()
    lon, lat = H3Grid(resolution=_resolution(number)).centres(np.array([number], dtype=np.uint64))
    return np.repeat(lon, sites.size), np.repeat(lat, sites.size)


def _kriged(variable: Variable) -> bool:
    return variable.method.startswith("kriging")


def _shown_time(clock: Clock, step: int) -> str:
    begin = clock.coordinate()[step]
    if clock.typical_day:
        minutes = int(begin / np.timedelta64(1, "m"))
        return f"{minutes // 60:02d}:{minutes % 60:02d} of a typical day ({clock.zone})"
    return pd.Timestamp(begin).tz_localize("UTC").tz_convert(clock.zone).isoformat()


def cell_number(cell: int | str) -> int:
    """Return the number of an H3 cell.

    Parameters
    ----------
    cell : int or str
        Number, or hexadecimal text.

    Returns
    -------
    int
        Its number.

    Raises
    ------
    UnknownNameError
        If it is none.
    """
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


def _span(number: int, stored: int) -> tuple[int, int]:
    """Return the least and the greatest cell of the storage resolution in a cell of that or a coarser one."""
    if _resolution(number) > stored:
        raise UnknownNameError(f"cell {number:x} has resolution {_resolution(number)}; this twin is stored at {stored}")
    try:
        first, last = H3Grid(resolution=stored).descendants(np.array([number], dtype=np.uint64))
    except ResolutionError:
        raise UnknownNameError(f"{number:x} is no cell of H3") from None
    return int(first[0]), int(last[0])


def _places(snapshot: Snapshot, variable: str, number: int) -> tuple[Cells, npt.NDArray[np.int64]]:
    """Return which cells of a variable lie in a cell, and at which places of its axis."""
    cells = snapshot.arrays(variable, ("cell",))["cell"]
    first, last = _span(number, snapshot.manifest["resolution"])
    start, end = np.searchsorted(cells, np.array([first, last + 1], dtype=np.uint64))
    return cells[start:end], np.arange(start, end, dtype=np.int64)


def _value_at(
    snapshot: Snapshot, variable: Variable, number: int, *, clock: Clock, time: object
) -> tuple[float, int | None]:
    cells, places = _places(snapshot, variable.name, number)
    if not places.size:
        raise UnknownNameError(f"{variable.name} has no value in cell {number:x}")
    step = None if variable.static or time is None else clock.step_of(time)
    steps = None if step is None else np.array([step], dtype=np.int64)
    resolution = _resolution(number)
    coarser = resolution < snapshot.manifest["resolution"]
    wanted = ("value", "support", "classes") if coarser else ("value",)
    arrays = snapshot.arrays(variable.name, wanted, rows=places, steps=steps)
    value = arrays["value"]
    if "classes" in arrays:
        value = coarsen_classes(cells, arrays["classes"], resolution=resolution)[1]
    elif coarser:
        value = coarsen(cells, value, arrays["support"], kind=variable.kind, resolution=resolution)[1]
    if variable.static:
        return float(value[0]), None
    if step is not None:
        return float(value[0, 0]), step
    known = np.flatnonzero(np.isfinite(value[0]))
    if known.size == 0:
        raise UnknownNameError(f"{variable.name} has no value in cell {number:x} at any time")
    return float(value[0, known[0]]), int(known[0])


def _sources(snapshot: Snapshot, variable: Variable, number: int, *, clock: Clock, step: int | None) -> pd.DataFrame:
    """Return the records behind a value, each with its share."""
    pieces = None if _kriged(variable) else _pieces(snapshot, variable, number)
    place = f"records/{variable.layer}.parquet"
    known = columns_of(snapshot, place)
    columns = [name for name in (*_OF_RECORDS, variable.name, f"{variable.name}.sigma") if name in known]
    if pieces is None:
        records = all_rows(snapshot, place, columns=columns)
    else:
        records = rows_of(snapshot, place, "feature", pieces.index.to_numpy(), columns=columns)
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
        coefficients = _kriging_shares(snapshot, variable, number, reporting, step=step)
    elif variable.kind == "extensive":
        coefficients = pieces.loc[reporting, "share"]
    else:
        weight = pieces.loc[reporting, "share" if variable.by == "count" else "support"]
        coefficients = weight / weight.sum()
    share = part * coefficients.reindex(feature).to_numpy(dtype=np.float64)
    frame = pd.DataFrame({"row": records["row"], "share": share, "value": records[variable.name]})
    stated = f"{variable.name}.sigma"
    kept = [name for name in (stated, "file", "sigma_m", "time", "feature") if name in records]
    return frame.join(records[kept]).rename(columns={"feature": "site", stated: "sigma"})


def _pieces(snapshot: Snapshot, variable: Variable, number: int) -> pd.DataFrame:
    """Return share and support that each feature has in a cell."""
    first, last = _span(number, snapshot.manifest["resolution"])
    weights = rows_between(snapshot, f"weights/{variable.layer}.parquet", "cell", first=first, last=last)
    pieces: pd.DataFrame = weights.groupby("row")[["share", "support"]].sum()
    return pieces


def _kriging_shares(
    snapshot: Snapshot, variable: Variable, number: int, reporting: npt.NDArray[np.int64], *, step: int | None
) -> pd.Series[Any]:
    """Return what each reporting station contributes to a cell of a kriged field."""
    stations = snapshot.table(f"stations/{variable.name}.parquet").to_pandas()
    shape = _notes(snapshot, variable.layer)["fields"][variable.name]["variogram"]
    cells, places = _places(snapshot, variable.name, number)
    lon, lat = H3Grid(resolution=snapshot.manifest["resolution"]).centres(cells)
    heard = stations["row"].isin(reporting).to_numpy()
    shares = station_weights(stations, heard, Variogram(**shape), lon=lon, lat=lat)
    steps = None if step is None else np.array([step], dtype=np.int64)
    support = snapshot.arrays(variable.name, ("support",), rows=places, steps=steps)["support"].reshape(len(cells))
    reached = np.isfinite(shares).all(axis=1)
    mean = np.average(shares[reached], axis=0, weights=support[reached])
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
    shares = step_shares(records["time"], clock, period_s=period_s, only=step)
    extensive = variable.kind == "extensive"
    weight, counted = resample_shares(values, sites, shares, clock=clock, extensive=extensive)
    here = counted & (weight > 0)
    part = np.bincount(shares.record[here], weights=weight[here], minlength=len(records)).astype(np.float64)
    return part, part > 0


def _notes(snapshot: Snapshot, layer: str) -> dict[str, Any]:
    found: dict[str, Any] = next(tree["notes"] for tree in snapshot.manifest["layers"] if tree["name"] == layer)
    return found
