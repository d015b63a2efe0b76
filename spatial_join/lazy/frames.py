"""Dask DataFrames whose partitions are GeoDataFrames, and which write GeoParquet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import dask
import dask.dataframe as dd
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from dask.sizeof import sizeof

from spatial_join.blocks import Block, Match
from spatial_join.errors import JoinError
from spatial_join.files import whole_file
from spatial_join.lazy.planned import scheduled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dask.delayed import Delayed

__all__ = ["GeoFrame", "place_of", "write_frame"]


_GEOMETRY_BYTES, _COORDINATE_BYTES = 112, 16
"""What GEOS and Python hold of a geometry, and of each of its coordinates."""


def _bytes_of_frame(frame: gpd.GeoDataFrame) -> int:
    """Count geometries with what they hold: by its own rule Dask takes them for pointers, and would not spill them."""
    shapes = [np.asarray(column.array) for _, column in frame.items() if isinstance(column, gpd.GeoSeries)]
    coordinates = sum(int(shapely.get_num_coordinates(column).sum()) for column in shapes)
    held = sum(map(len, shapes)) * _GEOMETRY_BYTES + coordinates * _COORDINATE_BYTES
    return held + int(sizeof.dispatch(pd.DataFrame)(frame))


def _bytes_of_block(block: Block) -> int:
    return int(sizeof(block.frame)) + block.position.nbytes


def _bytes_of_match(match: Match) -> int:
    metres = 0 if match.metres is None else match.metres.nbytes
    return int(sizeof(match.other)) + match.at.nbytes + match.to.nbytes + metres


for _kind, _bytes_of in ((gpd.GeoDataFrame, _bytes_of_frame), (Block, _bytes_of_block), (Match, _bytes_of_match)):
    sizeof.register(_kind, _bytes_of)


class GeoFrame(dd.DataFrame):  # type: ignore[misc]  # Dask publishes no types
    """A Dask DataFrame of GeoDataFrames: `compute` gives one GeoDataFrame, `to_parquet` writes GeoParquet.

    What else Dask does with a DataFrame works too, and gives a plain Dask DataFrame.

    Parameters
    ----------
    expr : dask.dataframe.dask_expr.Expr
        Dask's own; use `GeoFrame.of`.
    """

    _written: Callable[[Path], Sequence[Delayed]] | None = None
    _aside: dd.DataFrame | None = None

    @classmethod
    def of(
        cls,
        parts: Sequence[Delayed],
        *,
        like: gpd.GeoDataFrame,
        aside: dd.DataFrame | None = None,
        written: Callable[[Path], Sequence[Delayed]] | None = None,
    ) -> Self:
        """Make one of parts that are not there yet.

        Parameters
        ----------
        parts : sequence of Delayed
            Each becomes a GeoDataFrame.
        like : geopandas.GeoDataFrame
            Without records.
        aside : dask.dataframe.DataFrame, optional
            What `set_aside` is to be.
        written : callable, optional
            Plans to write the partitions to a folder without making frames of them first.

        Returns
        -------
        GeoFrame
            The parts as partitions.
        """
        # Dask would turn truth values that may be missing, and other objects, into text.
        with dask.config.set({"dataframe.convert-string": False}):
            frame = cls(dd.from_delayed(list(parts), meta=like, verify_meta=False).expr)
        frame._written, frame._aside = written, aside
        return frame

    @property
    def set_aside(self) -> dd.DataFrame:
        """The invalid geometries of both sides, which match nothing: ``side``, ``row``, ``label`` and ``reason``.

        A plan of its own: computing it does not compute the join, and ``dask.compute(joined, joined.set_aside)`` looks
        at the parts of both sides once for both.
        """
        if self._aside is None:
            raise JoinError("Only the result of a join knows what was set aside; ask it before you go on from it.")
        return self._aside

    def compute(self, **options: Any) -> Any:  # noqa: ANN401 -- Dask's own options
        """Compute all partitions.

        Parameters
        ----------
        **options : Any
            Passed on to Dask, such as ``scheduler="threads"``; a connected ``distributed.Client`` is used by itself.

        Returns
        -------
        geopandas.GeoDataFrame
            One frame.
        """
        return super().compute(**scheduled(options))

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
        if self._written is None:
            tasks = [dask.delayed(write_frame)(part, place_of(place, i)) for i, part in enumerate(self.to_delayed())]
        else:
            tasks = list(self._written(place))
        dask.compute(*tasks, **scheduled(options))
        return place


def place_of(folder: Path, number: int) -> Path:
    """Name the file of a partition.

    Parameters
    ----------
    folder : Path
        Where it stands.
    number : int
        Number of the partition.

    Returns
    -------
    Path
        Sorted by name, files are in the order of their partitions.
    """
    return folder / f"part-{number:06d}.parquet"


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


def write_frame(frame: gpd.GeoDataFrame, path: Path) -> None:
    """Write one partition, whole or not at all.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        Its records.
    path : Path
        The file.
    """
    with whole_file(path) as begun:
        frame.to_parquet(begun, index=True)  # a range that is not stored would begin anew in every file
