"""The records whose geometries take no part in a lazy join, listed without the join being computed for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dask
import dask.dataframe as dd
import pandas as pd
from dask.base import tokenize

from spatial_join.lazy.sources import row_of
from spatial_join.soundness import SetAside

if TYPE_CHECKING:
    from spatial_join.blocks import Block
    from spatial_join.lazy.sources import Side

__all__ = ["set_aside_of"]

Noted = tuple[int, tuple[SetAside, ...]]


def set_aside_of(*sides: Side) -> dd.DataFrame:
    """Plan to list the invalid geometries of the sides of a join.

    Parameters
    ----------
    *sides : Side
        In the order of the list; their parts are looked at one by one, and computed once if the join is computed too.

    Returns
    -------
    dask.dataframe.DataFrame
        ``side``, ``row``, ``label`` and ``reason`` of each, as in ``attrs["set_aside"]`` of the eager join; a partition
        for each side.
    """
    listed = []
    for side in sides:
        token = tokenize("aside", side.token, len(side.blocks))
        noted = [
            dask.delayed(_noted, pure=True)(block, dask_key_name=f"aside-{token}-{i}")
            for i, block in enumerate(side.blocks)
        ]
        listed.append(dask.delayed(_listed, pure=True)(noted, dask_key_name=f"set-aside-{token}"))
    with dask.config.set({"dataframe.convert-string": False}):
        return dd.from_delayed(listed, meta=_table([]), verify_meta=False)


def _noted(block: Block) -> Noted:
    return len(block.frame), block.aside


def _listed(noted: list[Noted]) -> pd.DataFrame:
    sizes = [size for size, _ in noted]
    rows = [one._replace(row=row_of(one.row, sizes)) for _, aside in noted for one in aside]
    return _table(sorted(rows, key=lambda one: one.row))


def _table(rows: list[SetAside]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(SetAside._fields), dtype=object)
    return table.astype({"row": "int64"})
