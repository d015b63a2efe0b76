"""Which part of the cube is asked for: runs of cells, and steps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from spatial_join import H3Grid, ResolutionError
from twin.errors import SeriesError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.timeline import Clock

Cells: TypeAlias = npt.NDArray[np.uint64]
Places: TypeAlias = npt.NDArray[np.int64]
Region: TypeAlias = "int | str | npt.NDArray[np.uint64] | Sequence[int | str]"

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, kw_only=True)
class Window:
    """Part of the cube.

    Parameters
    ----------
    first, last : ndarray of uint64 or None
        Ends of runs of cells of the storage resolution, ascending and apart; None for all cells.
    steps : ndarray of int64 or None
        Numbers of the steps, ascending; None for all.
    """

    first: Cells | None = None
    last: Cells | None = None
    steps: Places | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return self.first is None and self.steps is None

    def rows(self, cells: Cells) -> Places | None:
        """Return which of ascending cells lie in the window.

        Parameters
        ----------
        cells : ndarray of uint64
            Cells of the storage resolution, ascending.

        Returns
        -------
        ndarray of int64 or None
            Their numbers, ascending; None for all.
        """
        if self.first is None or self.last is None:
            return None
        begin, end = np.searchsorted(cells, self.first), np.searchsorted(cells, self.last, side="right")
        size = end - begin
        # Runs one after the other: each number is that of the run's begin and how far it is from there.
        offset = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
        return np.asarray(np.repeat(begin, size) + offset, dtype=np.int64)


def window_of(cells: Cells | None, steps: Places | None, *, resolution: int) -> Window:
    """Return the window of cells of any resolution.

    Parameters
    ----------
    cells : ndarray of uint64 or None
        Each stands for all that lies in it; None for all cells.
    steps : ndarray of int64 or None
        Numbers of the steps, ascending; None for all.
    resolution : int
        Of the storage.

    Returns
    -------
    Window
        Runs do not overlap.
    """
    if cells is None:
        return Window(steps=steps)
    first, last = H3Grid(resolution).descendants(cells)
    order = np.argsort(first)
    first, last = first[order], last[order]
    # A cell inside of another that was asked for too makes no run of its own.
    reach = np.maximum.accumulate(last)
    apart = np.ones(first.size, dtype=bool)
    apart[1:] = first[1:] > reach[:-1]
    starts = np.flatnonzero(apart)
    return Window(first=first[starts], last=np.maximum.reduceat(last, starts) if starts.size else last, steps=steps)


def cells_asked(cells: Region | None, area: object, *, resolution: int) -> Cells | None:
    """Return the cells that somebody asks for.

    Parameters
    ----------
    cells : int, str, sequence of those, or None
        H3 cells of the resolution or coarser, as numbers or hexadecimal text.
    area : shapely geometry, sequence of four float, or None
        Polygon in longitude and latitude, or west, south, east and north in degrees: all cells that it touches.
    resolution : int
        Of the cells that are wanted.

    Returns
    -------
    ndarray of uint64 or None
        None if neither is given.

    Raises
    ------
    UnknownNameError
        If a cell is none, or too fine; if the area is none; or if both are given.
    """
    if cells is not None and area is not None:
        raise UnknownNameError("cells and area were both given: cut the cells out yourself, or give one of them")
    if area is not None:
        return H3Grid(resolution).cover(np.array([_shape(area)], dtype=object))
    if cells is None:
        return None
    listed = [cells] if isinstance(cells, int | str | np.integer) else list(cells)
    try:
        numbers = np.array([int(cell, 16) if isinstance(cell, str) else int(cell) for cell in listed], dtype=np.uint64)
        H3Grid(resolution).descendants(numbers)
    except (ValueError, TypeError, OverflowError):
        raise UnknownNameError(f"cells {listed[:3]!r} are no H3 cells: write numbers or hexadecimal text") from None
    except ResolutionError as error:
        raise UnknownNameError(str(error)) from None
    return numbers


def _shape(area: object) -> Any:  # noqa: ANN401 - shapely's types are its own
    if isinstance(area, shapely.Polygon | shapely.MultiPolygon):
        return area
    try:
        west, south, east, north = (float(degrees) for degrees in area)  # type: ignore[attr-defined]
    except (ValueError, TypeError):
        raise UnknownNameError(
            f"area {str(area)[:60]!r} is none: write a shapely polygon or [west, south, east, north], degrees"
        ) from None
    return shapely.box(west, south, east, north)


def steps_asked(clock: Clock, time: object) -> Places | None:
    """Return the steps that somebody asks for.

    Parameters
    ----------
    clock : Clock
        The city's clock.
    time : str, date, datetime, timedelta, int, slice or None
        A day (``"2026-06-16"`` or a date) means all of its steps in the city's time, anything else the step that
        holds it. A slice takes both of its ends in, as labels do in pandas and xarray.

    Returns
    -------
    ndarray of int64 or None
        Numbers, ascending; None for all.

    Raises
    ------
    SeriesError
        If the time lies outside the clock or cannot be read.
    """
    if time is None:
        return None
    if isinstance(time, slice):
        begin = 0 if time.start is None else _ends(clock, time.start)[0]
        end = len(clock) if time.stop is None else _ends(clock, time.stop)[1]
        if time.step is not None:
            raise SeriesError(f"time {time!r} has a step: take every n-th step from what is returned")
    else:
        begin, end = _ends(clock, time)
    return np.arange(begin, end, dtype=np.int64)


def _ends(clock: Clock, time: object) -> tuple[int, int]:
    """Return the first step of a day or moment, and the one after its last."""
    if clock.start is not None and clock.end is not None and _is_day(time):
        midnight = pd.Timestamp(str(time)).tz_localize(clock.zone)
        following = (pd.Timestamp(str(time)) + pd.Timedelta(days=1)).tz_localize(clock.zone)
        # A step that began before midnight still belongs to the former day.
        offsets = [(moment - clock.start).total_seconds() / clock.step_s for moment in (midnight, following)]
        begin, end = (int(np.clip(np.ceil(offset), 0, len(clock))) for offset in offsets)
        if begin == end:
            raise SeriesError(f"day {time} lies outside the clock, {clock.start} to {clock.end}")
        return begin, end
    step = clock.step_of(time)
    return step, step + 1


def _is_day(time: object) -> bool:
    if isinstance(time, str):
        return _DAY.fullmatch(time) is not None
    return isinstance(time, date) and not isinstance(time, datetime)
