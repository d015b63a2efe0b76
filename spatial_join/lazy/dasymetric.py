"""Sharing amounts out part by part: what an area holds is added up exactly over all parts before it gives anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd

from spatial_join.dasymetric import amounts_of, rates, require_new, weights_of
from spatial_join.errors import GeometryError
from spatial_join.lazy.aside import set_aside_of
from spatial_join.lazy.frames import GeoFrame
from spatial_join.lazy.planned import Plan
from spatial_join.lazy.sources import side_of
from spatial_join.overlay import cut_pieces, one_dimension
from spatial_join.partition import meeting
from spatial_join.records import require_degrees, require_one_crs
from spatial_join.sums import Sums

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from spatial_join.blocks import Block

__all__ = ["SharedFrame", "share_out"]


class SharedFrame(GeoFrame):
    """What :func:`share_out` plans: a `GeoFrame` that knows what was left over.

    Parameters
    ----------
    expr : dask.dataframe.dask_expr.Expr
        Dask's own.
    """

    _left_over: dd.Series | None = None

    def with_left_over(self, amounts: dd.Series) -> Self:
        """Say what was left over.

        Parameters
        ----------
        amounts : dask.dataframe.Series
            What `left_over` is to be.

        Returns
        -------
        SharedFrame
            The same.
        """
        self._left_over = amounts
        return self

    @property
    def left_over(self) -> dd.Series:
        """The amounts of areas with nothing in them, by the index of the areas: a plan that shares the work."""
        if self._left_over is None:
            raise GeometryError("Only what share_out gives knows what was left over; ask it before you go on from it.")
        return self._left_over


def share_out(areas: Any, among: Any, *, value: str, by: str | None = None) -> SharedFrame:  # noqa: ANN401 -- the sources share no base class
    """Plan to share the amounts of areas out among records in them, part by part.

    Parameters
    ----------
    areas, among : layers.Layer, geopandas.GeoDataFrame, dask.dataframe.DataFrame of these, or path of GeoParquet
        As in :func:`spatial_join.share_out`; paths as in :func:`spatial_join.lazy.join`.
    value, by : str
        As in :func:`spatial_join.share_out`.

    Returns
    -------
    SharedFrame
        The records of :func:`spatial_join.share_out`, to the bit, one partition for each part of ``among``. Its
        ``left_over`` and ``set_aside`` are plans of what the eager one has in ``attrs``.

    Raises
    ------
    CrsMismatchError
        If the two sides are not in longitude and latitude.
    QuantityError
        If a column is missing, not numeric or there already; negative amounts show when they are computed.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> square = gpd.GeoDataFrame({"people": [90]}, geometry=[shapely.box(7.41, 43.73, 7.42, 43.74)], crs="OGC:CRS84")
    >>> homes = shapely.points([[7.412, 43.735], [7.418, 43.735]])
    >>> houses = gpd.GeoDataFrame({"volume_m3": [500.0, 1000.0]}, geometry=homes, crs="OGC:CRS84")
    >>> plan = share_out(square, houses, value="people", by="volume_m3")
    >>> plan.compute(scheduler="synchronous")["people"].tolist()
    [30.0, 60.0]
    """
    one, other = side_of(among, side="left", scattered=False), side_of(areas, side="right", scattered=True)
    require_one_crs(one.like, other.like)
    require_degrees(one.like)
    require_new(one.like, value)
    like = one.like.assign(**{value: amounts_of(other.like, value)})
    weights_of(one.like, by)
    plan = Plan.of("share out", one, other, (value, by))
    kinds = [plan.task(_kind, block, number=str(i)) for i, block in enumerate(one.blocks)]
    kind = plan.task(_one_kind, kinds)
    near = meeting(one.boxes, other.boxes)
    portions = {
        (i, j): plan.task(_portion, block, other.blocks[j], by, number=f"{i}-{j}")
        for i, block in enumerate(one.blocks)
        for j in near[i].tolist()
    }
    nothing_held = Sums.of(np.empty(0, np.int64), np.empty(0))
    held: list[list[Any]] = [[] for _ in other.blocks]
    for (i, j), portion in portions.items():
        held[j].append(plan.task(_held, portion, number=f"{i}-{j}"))
    each = [
        plan.task(_rates, block, [nothing_held, *sums], value, number=str(j))
        for j, (block, sums) in enumerate(zip(other.blocks, held, strict=True))
    ]
    parts = [
        plan.task(_given, block, [(portions[i, j], each[j]) for j in near[i].tolist()], value, kind, number=str(i))
        for i, block in enumerate(one.blocks)
    ]
    nothing = pd.Series(np.empty(0), index=other.like.index, name=value)
    with dask.config.set({"dataframe.convert-string": False}):
        left_over = dd.from_delayed([plan.task(_left_over, each, nothing)], meta=nothing, verify_meta=False)
    return SharedFrame.of(parts, like=like, aside=set_aside_of(one, other)).with_left_over(left_over)


class _Portion(NamedTuple):
    """What part of each record of the left, times its weight, is in each of the right; by positions, sorted by them."""

    at: NDArray[np.int64]
    to: NDArray[np.int64]
    part: NDArray[np.float64]


class _Rates(NamedTuple):
    """What areas give for a unit of what is in them, by position, and the amounts of those that give nothing."""

    position: NDArray[np.int64]
    each: NDArray[np.float64]
    left: pd.Series[float]
    left_position: NDArray[np.int64]


def _kind(block: Block) -> int | None:
    return one_dimension(block.shapes) if block.extent.filled else None


def _one_kind(kinds: list[int | None]) -> int:
    found = sorted({kind for kind in kinds if kind is not None})
    if len(found) > 1:
        raise GeometryError(
            f"The records that amounts go to mix geometries of {len(found)} dimensions; share out among points, lines "
            "and polygons one after another."
        )
    return found[0] if found else 0


def _portion(left: Block, right: Block, by: str | None) -> _Portion:
    pieces = cut_pieces(left.shapes, right.shapes, dimension=one_dimension(left.shapes))
    part = pieces.sizes["share_left"] * weights_of(left.frame, by)[pieces.at]
    return _Portion(left.position[pieces.at], right.position[pieces.to], part)


def _held(portion: _Portion) -> Sums:
    return Sums.of(portion.to, portion.part)


def _rates(right: Block, held: list[Sums], value: str) -> _Rates:
    amount = amounts_of(right.frame, value)
    each = rates(amount, Sums.together(held).totals(right.position), value)
    left = (each == 0.0) & (amount > 0.0)
    return _Rates(
        right.position, each, pd.Series(amount[left], index=right.frame.index[left], name=value), right.position[left]
    )


def _given(left: Block, met: list[tuple[_Portion, _Rates]], value: str, _: int) -> gpd.GeoDataFrame:
    """Give the records of a part what they get of all areas, in the order of the areas."""
    at, to, got = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
    for portion, given in met:
        at.append(portion.at)
        to.append(portion.to)
        got.append(portion.part * given.each[np.searchsorted(given.position, portion.to)])
    whose, area = np.concatenate(at), np.concatenate(to)
    order = np.lexsort((area, whose))
    row = np.searchsorted(left.position, whose[order])
    shared = np.bincount(row, weights=np.concatenate(got)[order], minlength=len(left.frame))
    return left.frame.assign(**{value: shared})


def _left_over(parts: list[_Rates], nothing: pd.Series[float]) -> pd.Series[float]:
    filled = [part for part in parts if len(part.left)]
    if not filled:
        return nothing
    order = np.argsort(np.concatenate([part.left_position for part in filled]), kind="stable")
    return pd.concat([part.left for part in filled]).iloc[order]
