"""Values per cell: the result of an aggregation, and what may be done with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spatial_join.errors import JoinError, QuantityError, ResolutionError
from spatial_join.grid import H3Grid
from spatial_join.reduction import state_columns
from spatial_join.state import State, combine
from spatial_join.summary import as_html, as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spatial_join.quantity import Quantity
    from spatial_join.weights import Measure

__all__ = ["CellTable"]


def _no_missing() -> pd.DataFrame:
    return pd.DataFrame({"row": pd.Series(dtype="int64"), "variable": pd.Series(dtype="str"), "reason": []})


@dataclass(frozen=True, kw_only=True, repr=False)
class CellTable:
    """Values of variables per H3 cell, and per time step where there are any.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``cell`` (uint64), ``step`` (int64, only for variables in time), per variable its value and
        ``<variable>__support`` (what the value rests on: the number of records for an amount, else the measure that
        its mean is weighted by), of a direction ``<variable>__resultant`` (how much they agree, 0 to 1), ``support`` of
        all records,
        ``n`` (number of records, by shares, so that it adds up to the records placed) and ``sigma_m`` (root mean square
        of the records' positional standard deviation, weighted by support). NaN is "no value", never 0.
    quantities : mapping of str to Quantity
        Kind and unit of every variable.
    resolution : int
        H3 resolution of the cells.
    measure : {"count", "length", "area"} or None
        What ``support`` counts; None where tables of different measures were merged.
    categories : mapping of str to pandas.DataFrame
        Per categorical variable the support of every class in every cell.
    missing : pandas.DataFrame
        ``row``, ``variable`` and ``reason`` of every record whose value could not be counted.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from spatial_join import to_h3
    >>> blocks = gpd.GeoDataFrame(
    ...     {"people": [1200.0], "no2": [31.5]}, geometry=[shapely.box(7.42, 43.73, 7.43, 43.74)], crs="OGC:CRS84"
    ... )
    >>> to_h3(blocks, resolution=9, values={"people": "extensive", "no2": {"kind": "intensive", "unit": "ug/m3"}})
    <CellTable: 16 cells of resolution 9, 1 record>
      people  extensive  1      total 1,200
      no2     intensive  ug/m3  mean 31.5, 31.5 to 31.5
    """

    frame: pd.DataFrame
    quantities: Mapping[str, Quantity]
    resolution: int
    measure: Measure | None
    categories: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    missing: pd.DataFrame = field(default_factory=_no_missing)

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        return ("CellTable", self.frame, dict(self.quantities), self.resolution, self.measure, dict(self.categories))

    @property
    def keys(self) -> list[str]:
        """Columns that identify a line: ``cell``, and ``step`` for variables in time."""
        return ["cell", "step"] if "step" in self.frame.columns else ["cell"]

    def totals(self) -> pd.Series[float]:
        """Add up every extensive variable over all cells and steps.

        Returns
        -------
        pandas.Series
            One total per extensive variable; others have none.
        """
        names = [name for name, quantity in self.quantities.items() if quantity.kind == "extensive"]
        return pd.Series({name: float(self.frame[name].sum()) for name in names}, dtype="float64")

    def coarsen(self, resolution: int, *, roll_ups: Mapping[str, str] | None = None) -> CellTable:
        """Move all values to the ancestors of their cells.

        Parameters
        ----------
        resolution : int
            Coarser H3 resolution.
        roll_ups : mapping of str to str, optional
            "sum", "mean" or "mode" per variable. Only what is right for its kind is accepted.

        Returns
        -------
        CellTable
            Sums of extensive variables, support-weighted means of intensive ones, and the classes with the most
            support.

        Raises
        ------
        ResolutionError
            If the resolution is finer than that of the table.
        WrongRollUpError
            If a roll-up has no meaning for its variable; the message says which one has.
        """
        for name, roll_up in (roll_ups or {}).items():
            self.quantity(name).checked(roll_up, name=name)
        if resolution > self.resolution:
            raise ResolutionError(
                f"The table is of resolution {self.resolution} and cannot be refined to {resolution}; "
                "aggregate the source at the finer resolution and coarsen by parent."
            )
        state = self.to_state()
        grid = H3Grid(self.resolution)
        moved = State(
            frame=state.frame.assign(cell=grid.parents(state.frame["cell"], resolution)),
            categories={
                name: part.assign(cell=grid.parents(part["cell"], resolution))
                for name, part in state.categories.items()
            },
        )
        return CellTable.from_state(combine([moved]), like=self, resolution=resolution)

    def quantity(self, name: str) -> Quantity:
        """Return the kind and unit of a variable.

        Parameters
        ----------
        name : str
            Name of the variable.

        Returns
        -------
        Quantity
            Its quantity.

        Raises
        ------
        QuantityError
            If the table has no such variable.
        """
        if name not in self.quantities:
            raise QuantityError(f"The table has no variable {name!r}; it has {', '.join(self.quantities)}.")
        return self.quantities[name]

    def shares(self, name: str) -> pd.DataFrame:
        """Return the share of every class of a categorical variable.

        Parameters
        ----------
        name : str
            The variable.

        Returns
        -------
        pandas.DataFrame
            One line per line of ``frame``, with its keys as index, and one column per class; 0 for a class that is not
            there, NaN where the variable has no value. A line sums to 1.

        Raises
        ------
        QuantityError
            If the variable is not categorical.
        """
        if self.quantity(name).kind != "categorical":
            raise QuantityError(f"{name!r} is {self.quantity(name).kind}; only classes have shares.")
        support = self.categories[name].set_index([*self.keys, "category"])["support"]
        wide = support.unstack("category", fill_value=0)  # noqa: PD010 -- one line per key and class, nothing to pool
        wide = wide.div(wide.sum(axis=1), axis=0)
        lines = self.frame.set_index(self.keys).index
        return wide.reindex(lines).rename_axis(columns=None)

    def merge(self, other: CellTable) -> CellTable:
        """Put two tables of different variables side by side.

        Parameters
        ----------
        other : CellTable
            A table of the same resolution, both in time or both not.

        Returns
        -------
        CellTable
            All cells of both; records and their positional uncertainty are pooled by number.

        Raises
        ------
        JoinError
            If resolutions, steps or names do not fit.
        """
        if self.resolution != other.resolution:
            raise ResolutionError(
                f"Tables of resolutions {self.resolution} and {other.resolution} do not meet; coarsen the finer one."
            )
        if self.keys != other.keys:
            raise JoinError("One table is in time and the other is not; put them into one cube with to_cube instead.")
        twice = sorted(set(self.quantities) & set(other.quantities))
        if twice:
            raise JoinError(f"Both tables have {', '.join(twice)}; rename one of them.")
        both = self.frame.merge(other.frame, on=self.keys, how="outer", suffixes=("", "__other"), sort=True)
        n, more = both["n"].fillna(0.0), both["n__other"].fillna(0.0)
        square = (n * both["sigma_m"] ** 2).where(n > 0, 0.0)
        square += (more * both["sigma_m__other"] ** 2).where(more > 0, 0.0)
        same = self.measure == other.measure
        support = both["support"].fillna(0.0) + both["support__other"].fillna(0.0)
        both = both.assign(n=n + more, sigma_m=np.sqrt(square / (n + more)), support=support if same else np.nan)
        return CellTable(
            frame=both[[c for c in both.columns if not c.endswith("__other")]],
            quantities={**self.quantities, **other.quantities},
            resolution=self.resolution,
            measure=self.measure if same else None,
            categories={**self.categories, **other.categories},
            missing=pd.concat([self.missing, other.missing], ignore_index=True),
        )

    def to_state(self) -> State:
        """Return the sums from which tables can be combined.

        Returns
        -------
        State
            Totals and supports.
        """
        columns: dict[str, Any] = {key: self.frame[key] for key in self.keys}
        for name, quantity in self.quantities.items():
            if quantity.kind == "categorical":
                continue
            columns |= state_columns(quantity, name, self.frame)
        support = self.frame["support"]
        weight = support if self.measure is not None else self.frame["n"]
        columns |= {"support": support, "n": self.frame["n"], "sigma_square": self.frame["sigma_m"] ** 2 * weight}
        return State(frame=pd.DataFrame(columns), categories=dict(self.categories))

    @classmethod
    def from_state(cls, state: State, *, like: CellTable, resolution: int | None = None) -> CellTable:
        """Finish sums into values.

        Parameters
        ----------
        state : State
            Combined sums, one line per cell and step.
        like : CellTable
            A table whose quantities, measure and missing records hold for the result.
        resolution : int, optional
            H3 resolution of the cells, if not that of ``like``.

        Returns
        -------
        CellTable
            The table.
        """
        return cls(
            frame=state.finished(like.quantities, by_number=like.measure is None),
            quantities=like.quantities,
            resolution=like.resolution if resolution is None else resolution,
            measure=like.measure,
            categories=state.categories,
            missing=like.missing,
        )
