"""Dask DataFrames whose partitions are GeoDataFrames, and which write GeoParquet."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import dask
import dask.dataframe as dd

from spatial_join.errors import JoinError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    from dask.delayed import Delayed

__all__ = ["GeoFrame"]


class GeoFrame(dd.DataFrame):  # type: ignore[misc]  # Dask publishes no types
    """A Dask DataFrame of GeoDataFrames: `compute` gives one GeoDataFrame, `to_parquet` writes GeoParquet.

    What else Dask does with a DataFrame works too, and gives a plain Dask DataFrame.

    Parameters
    ----------
    expr : dask.dataframe.dask_expr.Expr
        Dask's own; use `GeoFrame.of`.
    """

    @classmethod
    def of(cls, parts: Sequence[Delayed], *, like: gpd.GeoDataFrame) -> Self:
        """Make one of parts that are not there yet.

        Parameters
        ----------
        parts : sequence of Delayed
            Each becomes a GeoDataFrame.
        like : geopandas.GeoDataFrame
            Without records.

        Returns
        -------
        GeoFrame
            The parts as partitions.
        """
        # Dask would turn truth values that may be missing, and other objects, into text.
        with dask.config.set({"dataframe.convert-string": False}):
            return cls(dd.from_delayed(list(parts), meta=like, verify_meta=False).expr)

    def to_parquet(self, folder: str | Path, **options: Any) -> Path:  # noqa: ANN401 -- Dask's own options
        """Compute the partitions and write each as one GeoParquet file, none of which need be held together.

        Parameters
        ----------
        folder : str or Path
            Where to write; it is made if it is not there, and may hold no Parquet files.
        **options : Any
            Passed on to Dask, such as ``scheduler="threads"``; a connected ``distributed.Client`` is used by itself,
            and its workers must see the folder.

        Returns
        -------
        Path
            The folder, which :func:`geopandas.read_parquet` and `spatial_join.lazy` read as one.

        Raises
        ------
        JoinError
            If there are Parquet files in the folder.
        """
        place = empty_folder(folder)
        written = [
            dask.delayed(_write, pure=True)(part, place / f"part-{i:05d}.parquet")
            for i, part in enumerate(self.to_delayed())
        ]
        dask.compute(*written, **options)
        return place


def empty_folder(folder: str | Path) -> Path:
    """Make a folder, or refuse one that would mix what is written with what is there.

    Parameters
    ----------
    folder : str or Path
        Where to write.

    Returns
    -------
    Path
        The folder as an absolute path.

    Raises
    ------
    JoinError
        If there are Parquet files in it.
    """
    place = Path(folder).resolve()
    place.mkdir(parents=True, exist_ok=True)
    if any(place.glob("*.parquet")):
        raise JoinError(f"{place}: there are Parquet files in it; write to a new folder, or empty it first.")
    return place


def _write(frame: gpd.GeoDataFrame, path: Path) -> int:
    """Write one part whole or not at all, also if the worker dies and another does it again."""
    begun = path.with_name(f".{path.name}.{os.getpid()}")
    frame.to_parquet(begun)
    begun.replace(path)
    return len(frame)
