"""What an operator watches: congestion and pollution of the city, its districts and corridors, now and over a day."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import shapely

from crs.geodesy import lengths_m
from dashboards.frames import FrameSource
from twin.tiles.attributes import is_areal, names_of
from twin.tiles.breaks import CONGESTION_EDGES, is_congestion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.intp]

Level = Literal["city", "districts", "corridors"]
LEVELS: tuple[Level, ...] = ("city", "districts", "corridors")
DAY = pd.Timedelta("24h")
_HIGH = 0.8  # Of the legend's range: where pollution is first called high, until somebody says what is.


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A variable that an operator watches.

    Parameters
    ----------
    name : str
        Name in the cube.
    kind : {"congestion", "pollution"}
        What it tells of.
    limit : float
        Threshold in its unit.
    """

    name: str
    kind: Literal["congestion", "pollution"]
    limit: float

    def beyond(self, values: "Floats") -> "NDArray[np.bool_]":
        """Say which values are worse than the threshold.

        Parameters
        ----------
        values : ndarray of float
            In the variable's unit; NaN without data.

        Returns
        -------
        ndarray of bool
            Below it for congestion (speed over free flow), above it for pollution; False without data.
        """
        with np.errstate(invalid="ignore"):
            return values < self.limit if self.kind == "congestion" else values > self.limit

    @property
    def sign(self) -> float:
        """Give +1 if more is worse, -1 if less is."""
        return -1.0 if self.kind == "congestion" else 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Places:
    """Places of one level with a variable over time.

    Parameters
    ----------
    level : {"city", "districts", "corridors"}
        What kind of places.
    layer : str
        Map layer that they are on; empty for the city.
    names : tuple of str
        Name of each of n places, none twice; empty for the city.
    rows : tuple of str
        Source record that stands for each: the longest of a corridor.
    courses : ndarray of float
        Shape (n, steps); NaN without data.
    """

    level: Level
    layer: str
    names: tuple[str, ...]
    rows: tuple[str, ...]
    courses: "Floats"


@dataclass(frozen=True, kw_only=True, eq=False)
class Ranking:
    """How places did at a step and in the 24 hours before it, one number a place.

    Parameters
    ----------
    places : ndarray of int
        Which places, the worst now first; those without a value in 24 hours are left out.
    now, mean, worst : ndarray of float
        At the step; mean and worst of 24 hours; NaN without data.
    share : ndarray of float
        Part of the known steps of 24 hours that were beyond the threshold.
    course : ndarray of float
        Shape (places, steps of 24 hours), oldest first.
    """

    places: "Integers"
    now: "Floats"
    mean: "Floats"
    worst: "Floats"
    share: "Floats"
    course: "Floats"


def watched(source: FrameSource, limits: dict[str, float]) -> tuple[Watched, ...]:
    """List what there is to watch in a city.

    Parameters
    ----------
    source : FrameSource
        Frames of the city.
    limits : dict
        Thresholds that the visitor set, by variable; before those of the city, and these before our own.

    Returns
    -------
    tuple of Watched
        Speed over free flow, then what the air holds; empty if nothing of it changes with time.
    """
    found, limits = [], {**source.city.alerts, **limits}
    for variable in source.city.variables.values():
        info = source.city.layers.get(variable.layer)
        if variable.static or variable.kind != "intensive" or info is None:
            continue
        if is_congestion(variable):
            limit = limits.get(variable.name, CONGESTION_EDGES[1])
            found.append(Watched(name=variable.name, kind="congestion", limit=limit))
        elif info.domain == "environment":
            scale = source.scale(variable.name)
            high = round(scale.low + _HIGH * (scale.high - scale.low), 3)
            found.append(Watched(name=variable.name, kind="pollution", limit=limits.get(variable.name, high)))
    return tuple(sorted(found, key=lambda each: each.kind))


def last_day(times: pd.Index, step: int) -> "Integers":
    """Give the steps of the 24 hours that end with a step.

    Parameters
    ----------
    times : pandas.Index
        Instants in UTC, or time since local midnight: a typical day follows itself.
    step : int
        The last step.

    Returns
    -------
    ndarray of int
        Steps, oldest first.

    Examples
    --------
    >>> last_day(pd.timedelta_range("0h", "21h", freq="3h"), 1).tolist()
    [2, 3, 4, 5, 6, 7, 0, 1]
    """
    if isinstance(times, pd.TimedeltaIndex):
        return (np.arange(len(times)) + step + 1) % len(times)
    return np.arange(int(times.searchsorted(times[step] - DAY, side="right")), step + 1)


def places_of(source: FrameSource, variable: str, level: Level) -> Places | None:
    """Give the places of a level with a variable.

    Parameters
    ----------
    source : FrameSource
        Frames of the city.
    variable : str
        Name in the cube.
    level : {"city", "districts", "corridors"}
        The whole city; zones that have a name each; streets of one name.

    Returns
    -------
    Places or None
        None if the city has no such places.
    """
    if level == "city":
        array = source.readings.values(variable, source.city.resolution)
        means = array.mean("cell", skipna=True).to_numpy().astype(float)
        return Places(level=level, layer="", names=("",), rows=("",), courses=np.atleast_2d(means))
    layer = _layer_of(source, level)
    if layer is None:
        return None
    table = source.readings.table(layer)
    names = np.array(names_of(table), dtype=object)
    named = np.flatnonzero(names != "")
    groups, group = np.unique(names[named].astype(str), return_inverse=True)
    shapes = table.geometry.to_numpy()[named]
    weights = lengths_m(shapes) if level == "corridors" else np.ones(len(named))
    values = source.readings.on_features(layer, variable)[named]
    longest = named[np.lexsort((-weights, group))[np.searchsorted(np.sort(group), np.arange(len(groups)))]]
    return Places(
        level=level,
        layer=layer,
        names=tuple(groups.tolist()),
        rows=tuple(str(row) for row in table.index[longest]),
        courses=means_of(values, group, weights),
    )


def means_of(values: "Floats", group: "NDArray[np.intp]", weights: "Floats") -> "Floats":
    """Average features by group.

    Parameters
    ----------
    values : ndarray of float
        Shape (features, steps); NaN without data, which is left out with its weight.
    group : ndarray of int
        Group of each feature, from 0 without gaps.
    weights : ndarray of float
        Of each feature, such as its length.

    Returns
    -------
    ndarray of float
        Shape (groups, steps); NaN where no feature of the group has a value.

    Examples
    --------
    >>> means_of(np.array([[1.0, 2.0], [4.0, np.nan]]), np.array([0, 0]), np.array([2.0, 1.0])).tolist()
    [[2.0, 2.0]]
    """
    count = int(group.max()) + 1 if group.size else 0
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    sums = np.empty((2, count, values.shape[1]))
    for step in range(values.shape[1]):
        sums[0, :, step] = np.bincount(group, weights * filled[:, step], minlength=count)
        sums[1, :, step] = np.bincount(group, weights * known[:, step], minlength=count)
    means: Floats = np.divide(sums[0], sums[1], out=np.full(sums[0].shape, np.nan), where=sums[1] > 0)
    return means


def rank(places: Places, wanted: Watched, steps: "Integers") -> Ranking:
    """Rank places by how bad it is there now.

    Parameters
    ----------
    places : Places
        Of one level.
    wanted : Watched
        What is watched, with its threshold.
    steps : ndarray of int
        What `last_day` gave; the last is now.

    Returns
    -------
    Ranking
        Worst first; places without a value now come last, by their worst of the day.
    """
    course = places.courses[:, steps]
    known = np.isfinite(course)
    kept = np.flatnonzero(known.any(axis=1))
    course, known = course[kept], known[kept]
    count = known.sum(axis=1)
    sign = wanted.sign
    worst = sign * np.where(known, sign * course, -np.inf).max(axis=1, initial=-np.inf)
    now = course[:, -1]
    order = np.lexsort((-sign * worst, np.where(np.isfinite(now), -sign * now, np.inf)))
    return Ranking(
        places=kept[order],
        now=now[order],
        mean=(np.where(known, course, 0.0).sum(axis=1) / count)[order],
        worst=worst[order],
        share=(wanted.beyond(course).sum(axis=1) / count)[order],
        course=course[order],
    )


def _layer_of(source: FrameSource, level: Level) -> str | None:
    """Find the streets that carry names, or the zones that carry one each."""
    if level == "corridors":
        lines = (layer.id for layer in source.layers if layer.kind == "lines")
        return next((name for name in lines if any(names_of(source.readings.table(name)))), None)
    found = {}
    for name, info in source.city.layers.items():
        if info.domain == "zones" and info.features > 1:
            table = source.readings.table(name)
            names = names_of(table)
            if is_areal(table) and all(names) and len(set(names)) == len(names):
                found[name] = float(shapely.area(table.geometry.to_numpy()).sum())
    return max(found, key=lambda name: found[name], default=None)
