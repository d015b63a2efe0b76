"""What became of every record of a twin: ledgers, what was set aside, what was repaired, and how good the rest is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from layers import LedgerError, RepairLog
from twin.catalogue import ledger_of
from twin.daily import daily_quality
from twin.errors import UnknownNameError
from twin.quality import record_quality_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from twin.catalogue import LayerInfo, Variable
    from twin.storage.snapshot import Snapshot
    from twin.timeline import Clock

COUNTS = ("records_in", "placed", "quarantined", "rejected")
"""What a ledger counts: the first is the sum of the others."""


def balanced(layer: LayerInfo) -> LayerInfo:
    """Check at the end of a build that no record was lost, in the layer and in each of its files.

    Parameters
    ----------
    layer : LayerInfo
        As it goes into the snapshot.

    Returns
    -------
    LayerInfo
        The same.

    Raises
    ------
    LedgerError
        If a sum does not close.
    """
    whole = {word: int(getattr(layer, word)) for word in COUNTS}
    for source, told in {"all files": whole, **layer.sources}.items():
        if told["records_in"] != told["placed"] + told["quarantined"] + told["rejected"]:
            raise LedgerError(
                f"{layer.name}, {source}: {told['records_in']} records in, but {told['placed']} placed + "
                f"{told['quarantined']} quarantined + {told['rejected']} rejected. "
                "This is a fault of the build: please report the file."
            )
    added = {word: sum(told[word] for told in layer.sources.values()) for word in COUNTS}
    if added != whole:
        raise LedgerError(f"{layer.name}: its files add up to {added}, the layer says {whole}: please report the file.")
    return layer


def files_frame(layers: Mapping[str, LayerInfo]) -> pd.DataFrame:
    """Put the ledgers of files into a table.

    Parameters
    ----------
    layers : mapping
        Layers by name.

    Returns
    -------
    pandas.DataFrame
        As `Twin.files` gives it.
    """
    lines = [
        (info.name, source, *map(told.get, COUNTS)) for info in layers.values() for source, told in info.sources.items()
    ]
    return pd.DataFrame(lines, columns=["layer", "source", *COUNTS]).set_index(["layer", "source"])


class Accounts:
    """The part of a twin that gives account of its records."""

    name: str
    layers: dict[str, LayerInfo]
    variables: dict[str, Variable]
    clock: Clock
    _snapshot: Snapshot

    def quarantine(self, layer: str) -> pd.DataFrame:
        """Return the records of a layer that are not placed, as they came.

        Parameters
        ----------
        layer : str
            Name of the layer.

        Returns
        -------
        pandas.DataFrame
            Columns row, fate (quarantined or rejected), source, reason, and the values of the record as text; a column
            of the file that is called like one of these four has a trailing "_".
        """
        self._layer(layer)
        frame: pd.DataFrame = self._snapshot.table(f"quarantine/{layer}.parquet").to_pandas()
        return frame

    @property
    def layers_with_truth(self) -> tuple[str, ...]:
        """Layers of which the manifest says where their records truly are."""
        return tuple(self._snapshot.manifest.get("fusion", {}).get("layers", ()))

    def placements(self, layer: str) -> pd.DataFrame:
        """Return where the records of a layer are placed by different readers.

        Parameters
        ----------
        layer : str
            A layer of `layers_with_truth`.

        Returns
        -------
        pandas.DataFrame
            Columns row (record number), then ``<way>_lon`` and ``<way>_lat`` (degrees, NaN where it places nothing) for
            the ways naive, ours, oracle and truth, and sigma_m.

        Raises
        ------
        UnknownNameError
            If nobody says where the records of that layer truly are.
        """
        known = self.layers_with_truth
        if layer not in known:
            raise UnknownNameError(
                f"nothing says where {layer!r} truly is; truth is of: {', '.join(known) or 'no layer'}"
            )
        frame: pd.DataFrame = self._snapshot.table(f"fusion/{layer}.parquet").to_pandas()
        return frame

    def ledger(self) -> pd.DataFrame:
        """Return what became of the records of every layer.

        Returns
        -------
        pandas.DataFrame
            Index layer; columns records_in, placed, quarantined, rejected, reasons, position, status (how the position
            is known), probability (of a detected or checked one; NaN where nothing was asked or named), operation,
            sigma_m, vertical (what heights refer to, "unresolved", or "" without heights).
        """
        return ledger_of(self.layers)

    def files(self) -> pd.DataFrame:
        """Return what became of the records of every file.

        Returns
        -------
        pandas.DataFrame
            Index layer and source; columns records_in, placed, quarantined, rejected.
        """
        return files_frame(self.layers)

    def record_quality(self) -> pd.DataFrame:
        """Return how good the records of each layer are.

        Returns
        -------
        pandas.DataFrame
            Index layer; colour (of the worst measure); completeness, validity, uniqueness, consistency and timeliness,
            0 to 1 (NaN where nothing was asked), each with its counts and colour; newest, age_s, interval_s.
        """
        return record_quality_table(self.layers)

    def reading_times(self, layer: str) -> pd.DataFrame:
        """Return when the features of a layer were read.

        Parameters
        ----------
        layer : str
            Name of the layer.

        Returns
        -------
        pandas.DataFrame
            Columns feature (its record number in `features`) and time (UTC), one line a reading; empty for a layer
            whose records have no time.
        """
        self._layer(layer)
        place = f"records/{layer}.parquet"
        names = ["feature", "time"]
        kept = self._snapshot.table(place) if place in self._snapshot else None
        if kept is None or not set(names) <= set(kept.column_names):
            return pd.DataFrame({"feature": pd.Series(dtype="int64"), "time": pd.Series(dtype="datetime64[us, UTC]")})
        frame: pd.DataFrame = kept.select(names).to_pandas().dropna(ignore_index=True)
        return frame

    def daily_quality(self, day: str | date | None = None) -> pd.DataFrame:
        """Return how good the records of each layer with times are, day by day.

        Parameters
        ----------
        day : str or date, optional
            A local day such as ``"2026-06-16"``; all days if left out.

        Returns
        -------
        pandas.DataFrame
            Index layer and day; colour (red, yellow or green by the thresholds of the manifest), then completeness,
            validity and timeliness with their counts and colours, as `twin.daily.daily_quality` says.

        Raises
        ------
        UnknownNameError
            If no layer has such a day.
        """
        found = []
        for name, info in self.layers.items():
            place = f"records/{name}.parquet"
            if place not in self._snapshot or not any(not v.static for v in self.variables.values() if v.layer == name):
                continue
            names = [variable.name for variable in self.variables.values() if variable.layer == name]
            records = self._snapshot.table(place).to_pandas()
            found.append(daily_quality(info, records, self.quarantine(name), names=names, clock=self.clock))
        table = pd.concat(found) if found else pd.DataFrame({"colour": []})
        if day is None:
            return table
        days = table.index.get_level_values("day") if found else pd.Index([])
        if str(day) not in days:
            raise UnknownNameError(f"no layer of {self.name} has the day {day}; from {days.min()} to {days.max()}")
        return table[days == str(day)]

    def repairs(self, layer: str) -> pd.DataFrame:
        """Return every cell of a layer that a repair changed.

        Parameters
        ----------
        layer : str
            Name of the layer.

        Returns
        -------
        pandas.DataFrame
            Columns rule, row, column, before, after (text; geometries as hexadecimal well-known binary).
        """
        self._layer(layer)
        place = f"repairs/{layer}.parquet"
        frame: pd.DataFrame = self._snapshot.table(place).to_pandas() if place in self._snapshot else RepairLog().cells
        return frame

    def _layer(self, name: str) -> LayerInfo:
        if name not in self.layers:
            raise UnknownNameError(f"{self.name} has no layer {name!r}; it has: {', '.join(self.layers) or 'none'}")
        return self.layers[name]
