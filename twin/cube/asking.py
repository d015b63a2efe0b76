"""The cube of a twin: whole, in part, coarser, at once or when it is looked at."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from spatial_join import H3Grid
from twin.catalogue import attributes_of
from twin.cube.agreement import deviation_among, family_of
from twin.cube.backing import coverage_of
from twin.cube.coarse import coarse_level, most_of, on_axis, parents_of
from twin.cube.deferred import deferred
from twin.cube.window import Window, cells_asked, steps_asked, window_of
from twin.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from twin.catalogue import Variable
    from twin.cube.window import Cells, Places, Region
    from twin.storage.snapshot import Snapshot
    from twin.timeline import Clock

    Level = dict[str, np.ndarray[Any, Any]]

_KEPT_LEVELS = 24  # levels that stay in memory; a dashboard moves between a handful
PARTS = ("support", "sigma", "sigma_m", "n", "coverage", "disagreement")
"""What can be asked of a variable behind a dot."""

_SHOWN = {"value": "", "sigma": "_sigma", "sigma_m": "_sigma_m"}
_STORED = ("cell", "value", "support", "sigma", "sigma_m", "most", "classes")
_BEHIND = (*_STORED[1:], "n", "covered", "base", "disagreement", "reporting")


class Cubes:
    """What a twin knows of cells and time; `twin.model.Twin` is one."""

    name: str
    resolution: int
    clock: Clock
    variables: dict[str, Variable]
    _snapshot: Snapshot
    _levels: dict[tuple[str, int], Level]

    def cube(
        self,
        variables: str | Sequence[str] | None = None,
        *,
        resolution: int | None = None,
        time: object = None,
        cells: Region | None = None,
        area: object = None,
    ) -> xr.Dataset:
        """Return variables on one cell axis and the city's clock; of what is left out nothing is read.

        Parameters
        ----------
        variables : str or sequence of str, optional
            Names; all variables if left out. ``"<v>.<part>"`` asks for what stands behind a variable: ``support``
            (count, m or m2 that the value stands for), ``n`` (records, each by its share in the cell; of a field the
            stations that report), ``coverage`` (which part of the cell, or of the streets and points in it, and of the
            step has data, 0 to 1), ``disagreement`` (standard deviation among the files that feed a mean, or, of what
            is ``same_as`` a variable of another dataset, among the datasets; NaN where fewer than two have a value),
            ``sigma`` and ``sigma_m``.
        resolution : int, optional
            H3 resolution, at most the storage resolution, which is the default. Coarser cells are made by parent:
            amounts add up, levels are averaged by what they stand for.
        time : str, date, datetime, timedelta, int or slice, optional
            A day (``"2026-06-16"``), the step that holds a moment (``"2026-06-16T08:30"``, ``"08:30"``), the number
            of a step, or a slice of those with both ends in it; times are the city's. The whole clock if left out.
        cells : int, str or sequence of those, optional
            H3 cells of the resolution or coarser, which stand for all cells in them: a district.
        area : shapely polygon or sequence of four float, optional
            Longitude and latitude: all cells of the resolution that it touches. As west, south, east and north a box.

        Returns
        -------
        xarray.Dataset
            ``<v>`` with dims (cell, time), or (cell,) for what does not change; ``<v>_sigma`` where the value has a
            standard deviation (unit of the variable): that of a field, of readings that state their own, of records
            that lie in cells by probability; ``<v>_sigma_m`` where the sources state how far they may be off
            (metres). NaN: nothing is known there. Times are UTC, or the time of day since local midnight.

        Raises
        ------
        UnknownNameError
            If a name or the resolution is not in this twin, or cells or area are none.
        SeriesError
            If the time lies outside the clock.
        """
        names, resolution = self._asked(variables, resolution)
        steps = steps_asked(self.clock, time)
        window = window_of(cells_asked(cells, area, resolution=resolution), steps, resolution=self.resolution)
        bases = {asked: asked if asked in self.variables else asked.rpartition(".")[0] for asked in names}
        behind = any(asked != base for asked, base in bases.items())
        levels = {base: self._part(base, resolution, window, behind=behind) for base in bases.values()}
        axis = _union([level["cell"] for level in levels.values()])
        arrays: dict[str, xr.DataArray] = {}
        for asked, base in bases.items():
            level = levels[base]
            if asked != base:
                level = _with_backing(level, resolution)
                family = family_of(base, self.variables) if asked.endswith(".disagreement") else [base]
                if len(family) > 1:
                    peers = [level if name == base else self._part(name, resolution, window) for name in family]
                    level["disagreement"] = deviation_among(peers, level["cell"])
            shown = {part: f"{base}{end}" for part, end in _SHOWN.items() if part in level}
            if asked != base:
                shown = {part_of(asked, level): asked}
            for part, name in shown.items():
                values = on_axis(level["cell"], level[part], axis)
                attributes = attributes_of(self.variables[base], part)
                arrays[name] = xr.DataArray(values, dims=("cell", "time")[: values.ndim], attrs=attributes)
        return self._dataset(arrays, axis, resolution=resolution, steps=steps)

    def lazy_cube(self, variables: str | Sequence[str] | None = None, *, resolution: int | None = None) -> xr.Dataset:
        """Return the cube without reading its values: what is selected from it is read when it is looked at.

        Parameters
        ----------
        variables : str or sequence of str, optional
            Names; all variables if left out.
        resolution : int, optional
            H3 resolution, at most the storage resolution, which is the default.

        Returns
        -------
        xarray.Dataset
            As `cube` gives it. Only its axes are in memory; ``.sel`` and ``.isel`` stay lazy, ``.values``, ``.load()``
            and arithmetic read the chunks that hold what was selected.

        Raises
        ------
        UnknownNameError
            If a name or the resolution is not in this twin.
        """
        names, resolution = self._asked(variables, resolution)
        if not set(names) <= self.variables.keys():
            raise UnknownNameError("lazy_cube knows whole variables only: ask cube for what is behind them")
        own = {name: self._axis(name, resolution) for name in names}
        axis = _union(list(own.values()))
        arrays: dict[str, xr.DataArray] = {}
        for name in names:
            for part, suffix in _SHOWN.items():
                if f"cube.zarr/{name}/{part}/zarr.json" in self._snapshot:
                    still = self.variables[name].static or part == "sigma_m"
                    shape = (axis.size,) if still else (axis.size, len(self.clock))
                    read = partial(self._deferred_part, name, part, resolution=resolution, axis=axis)
                    attributes = attributes_of(self.variables[name], part)
                    arrays[f"{name}{suffix}"] = deferred(read, shape=shape, attributes=attributes)
        return self._dataset(arrays, axis, resolution=resolution, steps=None)

    def _deferred_part(
        self, name: str, part: str, rows: Places, steps: Places, *, resolution: int, axis: Cells
    ) -> npt.NDArray[np.float64]:
        cells = axis[rows]
        window = window_of(cells, steps if steps.size else None, resolution=self.resolution)
        level = self._part(name, resolution, window)
        return on_axis(level["cell"], level[part], cells)

    def _asked(self, variables: str | Sequence[str] | None, resolution: int | None) -> tuple[list[str], int]:
        names = [variables] if isinstance(variables, str) else list(self.variables if variables is None else variables)
        for name in names:
            base, _, part = name.rpartition(".")
            self._variable(base if name not in self.variables and part in PARTS else name)
        resolution = self.resolution if resolution is None else resolution
        if not 0 <= resolution <= self.resolution:
            raise UnknownNameError(
                f"resolution {resolution} is not in this twin, stored at {self.resolution}: ask for that or coarser"
            )
        return names, resolution

    def _dataset(
        self, arrays: Mapping[str, xr.DataArray], axis: Cells, *, resolution: int, steps: Places | None
    ) -> xr.Dataset:
        times = self.clock.coordinate()
        times = times if steps is None else times[steps]
        coordinates = {
            "cell": xr.DataArray(axis, dims="cell", attrs={"grid_name": "h3", "level": resolution}),
            "time": xr.DataArray(times, dims="time", attrs=self._time_attributes()),
        }
        attributes = {"city": self.name, "snapshot": self._snapshot.id, "resolution": resolution}
        return xr.Dataset(dict(arrays), coords=coordinates, attrs=attributes)

    def _time_attributes(self) -> dict[str, str]:
        meaning = "time of day since local midnight" if self.clock.typical_day else "start of step, UTC"
        return {"long_name": meaning, "timezone": self.clock.zone}

    def _part(self, name: str, resolution: int, window: Window, *, behind: bool = False) -> Level:
        """Return the arrays of a variable in a window, by chunks or from memory, with what is behind it if asked."""
        if window.whole and not behind:
            return self._level(name, resolution)
        cells = self._axis(name, self.resolution)
        rows = window.rows(cells)
        coarser = resolution < self.resolution
        if behind:  # no level in memory has it
            arrays = self._snapshot.arrays(name, _BEHIND, rows=rows, steps=window.steps)
        else:
            arrays = self._stored(name, _STORED[1:] if coarser else tuple(_SHOWN), rows=rows, steps=window.steps)
        arrays["cell"] = cells if rows is None else cells[rows]
        if coarser:
            if window.steps is not None and "sigma_m" in arrays and "most" not in arrays:  # a twin of former days
                arrays["most"] = most_of(self._stored(name, ("support",), rows=rows, steps=None))
            arrays = coarse_level(arrays, kind=self.variables[name].kind, resolution=resolution)
        return arrays

    def _stored(self, name: str, parts: tuple[str, ...], *, rows: Places | None, steps: Places | None) -> Level:
        known = self._levels.get((name, self.resolution))
        if known is None:
            return self._snapshot.arrays(name, parts, rows=rows, steps=steps)
        return {part: _cut(known[part], part, rows, steps) for part in parts if part in known}

    def _level(self, name: str, resolution: int) -> Level:
        """Return the arrays of a variable at a resolution, from memory if they were asked for lately."""
        variable = self._variable(name)
        key = (name, resolution)
        if key not in self._levels:
            arrays = self._snapshot.arrays(name, _STORED)
            if resolution < self.resolution:
                arrays = coarse_level(arrays, kind=variable.kind, resolution=resolution)
            while len(self._levels) >= _KEPT_LEVELS:
                self._levels.pop(next(iter(self._levels)))
            self._levels[key] = arrays
        return self._levels[key]

    def _axis(self, name: str, resolution: int) -> Cells:
        """Return the cells of a variable without reading its values."""
        known = self._levels.get((name, resolution))
        cells: Cells = self._snapshot.arrays(name, ("cell",))["cell"] if known is None else known["cell"]
        return cells if known is not None or resolution == self.resolution else parents_of(cells, resolution)[0]

    def _variable(self, name: str) -> Variable:
        if name not in self.variables:
            raise UnknownNameError(
                f"{self.name} has no variable {name!r}; it has: {', '.join(self.variables) or 'none'}"
            )
        return self.variables[name]


def part_of(asked: str, level: Level) -> str:
    """Return which array of a variable a name with a dot means.

    Parameters
    ----------
    asked : str
        Such as ``no2.sigma``.
    level : dict
        The arrays of the variable.

    Returns
    -------
    str
        Name of the array.

    Raises
    ------
    UnknownNameError
        If nothing is kept of it.
    """
    part = asked.rpartition(".")[2]
    if part not in level:
        there = ", ".join(name for name in PARTS if name in level) or "none"
        raise UnknownNameError(f"nothing is kept as {asked!r}; of this variable there is: {there}")
    return part


def _with_backing(level: Level, resolution: int) -> Level:
    """Return a level with what is derived of what stands behind it."""
    found = dict(level)
    if "covered" in level:
        found["coverage"] = coverage_of(level, H3Grid(resolution).areas_m2(level["cell"]))
    if "reporting" in level:
        found["n"] = level["reporting"]
    return found


def _union(axes: list[Cells]) -> Cells:
    if not axes:
        return np.empty(0, np.uint64)
    return axes[0] if len(axes) == 1 else np.unique(np.concatenate(axes))


def _cut(values: np.ndarray[Any, Any], part: str, rows: Places | None, steps: Places | None) -> np.ndarray[Any, Any]:
    kept = values if rows is None else values[rows]
    return kept if steps is None or values.ndim == 1 or part == "classes" else kept[:, steps]
