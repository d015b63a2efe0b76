"""Records sent from parts to parts: each of one list is split by where its records go, each of the other gathers."""

from __future__ import annotations

import operator
from itertools import pairwise
from math import isqrt
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dask.delayed import Delayed

    from spatial_join.lazy.planned import Plan

__all__ = ["exchanged"]

MOST_BRANCHES = 32
"""Of more parts, each is sent by way of groups of them: that takes n·√n tasks and not n²."""


def exchanged(plan: Plan, parts: Sequence[Delayed], *, by: str, count: int) -> list[list[Delayed]]:
    """Plan to send records from parts to others.

    Parameters
    ----------
    plan : Plan
        Names the tasks.
    parts : sequence of Delayed
        Frames.
    by : str
        Column that says where each record goes, from 0.
    count : int
        Number of parts that they go to.

    Returns
    -------
    list of list of Delayed
        For each of these the frames of its records; put together, they are in the order in which they were.
    """
    if max(len(parts), count) <= MOST_BRANCHES:
        sent = [_split(plan, [part], (by, 1, count), f"{by}-{i}") for i, part in enumerate(parts)]
        return [[one[to] for one in sent] for to in range(count)]
    width = isqrt(count - 1) + 1
    groups = -(-count // width)
    first = [_split(plan, [part], (by, width, groups), f"{by}-{i}") for i, part in enumerate(parts)]
    stretches = [first[i : i + width] for i in range(0, len(first), width)]
    second = [
        [_split(plan, [one[g] for one in some], (by, 1, width), f"{by}-{s}-{g}") for g in range(groups)]
        for s, some in enumerate(stretches)
    ]
    return [[some[to // width][to % width] for some in second] for to in range(count)]


def _split(plan: Plan, frames: list[Delayed], how: tuple[str, int, int], number: str) -> list[Delayed]:
    whole = plan.task(split, frames, how, number=number)
    return [plan.task(operator.getitem, whole, to, number=f"{number}-to-{to}") for to in range(how[2])]


def split(frames: list[pd.DataFrame], how: tuple[str, int, int]) -> list[pd.DataFrame]:
    """Split records by where they go.

    Parameters
    ----------
    frames : list of pandas.DataFrame
        The records.
    how : tuple of str, int and int
        A column, what its numbers are divided by, and how many of the quotients there are before they begin anew.

    Returns
    -------
    list of pandas.DataFrame
        One for each quotient; their records keep their order.
    """
    by, divisor, count = how
    whole = pd.concat(frames) if len(frames) > 1 else frames[0]
    to = whole[by].to_numpy() // divisor % count
    order = np.argsort(to, kind="stable")
    bounds = np.searchsorted(to[order], np.arange(count + 1))
    return [whole.iloc[order[a:b]] for a, b in pairwise(bounds)]
