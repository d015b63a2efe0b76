"""Measures of a twin: what a formula needs is fetched, and only for what is asked."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from twin.cube.asking import Cubes
from twin.cube.window import cells_asked, steps_asked, window_of
from twin.errors import MeasureError, UnknownNameError
from twin.measures import MEASURES, total

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

    from twin.cube.window import Region

_LEVELS = ("public", "internal", "sensitive", "core")  # from the least strict on


class Measured(Cubes):
    """A cube with measures; `twin.model.Twin` is one."""

    def measure(
        self,
        name: str,
        *,
        resolution: int | None = None,
        time: object = None,
        cells: Region | None = None,
        area: object = None,
        **given: Any,  # noqa: ANN401 - of whatever the measure takes
    ) -> xr.DataArray:
        """Judge the city by one of the functions in `twin.measures`.

        Parameters
        ----------
        name : str
            Such as ``"congestion_level"``; an unknown one lists them.
        resolution : int, optional
            H3 resolution of parents that cells are put together to, by the weight that is named or by adding up.
        time : str, date, datetime, timedelta, int or slice, optional
            As in `cube`. What free flow is, is always taken from the whole clock.
        cells : int, str or sequence of those, optional
            As in `cube`.
        area : shapely polygon or sequence of four float, optional
            As in `cube`, all cells of the storage that it touches.
        **given
            What the measure takes: variables by name, also of what is behind one (``weight="speed_kmh.support"``),
            and numbers.

        Returns
        -------
        xarray.DataArray
            With its unit; dims are those that the measure says, cut to `time`.

        Raises
        ------
        UnknownNameError
            If there is no such measure or variable.
        MeasureError
            If variables are in wrong units, or cells cannot be put together in this measure.

        Examples
        --------
        >>> city.measure("congestion_level", resolution=9, weight="speed_kmh.support")  # doctest: +SKIP
        """
        formula = MEASURES.get(name)
        if formula is None:
            raise UnknownNameError(f"there is no measure {name!r}; there are: {', '.join(sorted(MEASURES))}")
        takes = inspect.signature(formula).parameters
        wrong = sorted(given.keys() - takes.keys())
        if wrong:
            raise UnknownNameError(f"{name} takes no {wrong[0]!r}; it takes: {', '.join(list(takes)[1:])}")
        if resolution is not None and "over" in takes:
            given.setdefault("over", resolution)
        steps = steps_asked(self.clock, time)
        needed = self._needed(takes, given, cells=cells, area=area)
        found = formula(needed, **given)
        found.attrs |= _origin(needed)
        if resolution is not None and "over" not in takes:
            found = _put_together(found, name, resolution)
        return found if steps is None or "time" not in found.dims else found.isel(time=steps)

    def _needed(
        self, takes: Mapping[str, inspect.Parameter], given: Mapping[str, object], *, cells: Region | None, area: object
    ) -> xr.Dataset:
        """Return the variables that a measure names; where it names none, the cells of the city."""
        defaults = {key: taken.default for key, taken in takes.items() if key != "over"}
        named = {**defaults, **{key: value for key, value in given.items() if key != "over"}}
        names = list(dict.fromkeys(value for value in named.values() if isinstance(value, str)))
        if names:
            return self.cube(names, cells=cells, area=area)
        whole = self.lazy_cube()
        asked = cells_asked(cells, area, resolution=self.resolution)
        rows = window_of(asked, None, resolution=self.resolution).rows(whole["cell"].to_numpy())
        return whole if rows is None else whole.isel(cell=rows)


def _origin(needed: xr.Dataset) -> dict[str, str]:
    """Return whose data a measure is made of, and the strictest of their levels."""
    told = [array.attrs for array in needed.values() if "level" in array.attrs and "owner" in array.attrs]
    named = {
        key: "; ".join(dict.fromkeys(str(each[key]) for each in told)) for key in ("owner", "licence", "attribution")
    }
    level = max((str(each["level"]) for each in told), key=_LEVELS.index, default="")
    return {**named, "level": level} if level else {}


def _put_together(found: xr.DataArray, name: str, resolution: int) -> xr.DataArray:
    if found.attrs.get("kind") != "extensive":
        raise MeasureError(
            f"{name} of several cells is not made of that of each: leave resolution out, and average it by what you "
            "mean with twin.measures.mean"
        )
    return total(found, resolution)
