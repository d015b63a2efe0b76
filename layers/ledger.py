"""The ledger: every record that came in is placed, quarantined with a reason, or rejected with a reason."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Ledger", "to_text"]

_KEYS = ("row", "source", "reason")


def to_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Write every value as text; what is missing stays missing.

    Parameters
    ----------
    frame : pandas.DataFrame
        Any columns.

    Returns
    -------
    pandas.DataFrame
        The same shape, of dtype object: ``str`` or None.
    """
    columns = {
        name: np.array(
            [None if missing else str(value) for value, missing in zip(values, values.isna(), strict=True)],
            dtype=object,
        )
        for name, values in frame.items()
    }
    return pd.DataFrame(columns, index=frame.index, columns=frame.columns, dtype=object)


def as_written(entries: pd.DataFrame) -> pd.DataFrame:
    """Return the original values of entries.

    Parameters
    ----------
    entries : pandas.DataFrame
        Lines of a ledger.

    Returns
    -------
    pandas.DataFrame
        Text under the columns' own names; the index is the number of the record.
    """
    text = entries.drop(columns=["fate", *_KEYS], errors="ignore").set_axis(pd.Index(entries["row"], name="row"))
    if "text" in text and text["text"].isna().all():  # of rejected ones
        text = text.drop(columns="text")
    return text.rename(columns={f"{name}_": name for name in _KEYS})


def _entries(rows: np.ndarray, source: np.ndarray | str, reasons: np.ndarray, original: pd.DataFrame) -> pd.DataFrame:
    """Join row, source and reason to the original text; an original column of the same name is kept beside them."""
    text = to_text(original).reset_index(drop=True)
    text.columns = pd.Index([f"{name}_" if name in _KEYS else str(name) for name in text.columns])
    head = pd.DataFrame({"row": np.asarray(rows, dtype=np.int64), "source": source, "reason": reasons})
    return pd.concat([head.astype({"source": object, "reason": object}), text], axis=1)


def _empty() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "row": np.array([], dtype=np.int64),
            "source": np.array([], dtype=object),
            "reason": np.array([], dtype=object),
        }
    )


def _stack(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    kept = [frame for frame in frames if len(frame)]
    return pd.concat(kept, ignore_index=True) if kept else _empty()


@dataclass(frozen=True, kw_only=True, eq=False)
class Ledger:
    """Account of one dataset: in = placed + quarantined + rejected.

    Parameters
    ----------
    dataset : str
        Name of the dataset.
    sources : Mapping of str to int
        Records that each file held.
    placed : int
        Records that are in the layer.
    quarantined, rejected : pandas.DataFrame
        One line a record: ``row`` (number of the record in its dataset, from 0), ``source`` (file), ``reason``
        ("code: detail", several joined by "; ") and the original values as text. *Quarantined* records were
        read and may be replayed after a fix; *rejected* ones could not be read as records at all, or were left
        out by a stated filter.

    Examples
    --------
    >>> ledger = Ledger(dataset="roads", sources={"roads.csv": 3}, placed=3)
    >>> ledger.balance().summary()
    'roads: 3 in = 3 placed + 0 quarantined + 0 rejected'
    """

    dataset: str
    sources: Mapping[str, int]
    placed: int
    quarantined: pd.DataFrame = field(default_factory=_empty)
    rejected: pd.DataFrame = field(default_factory=_empty)

    def __post_init__(self) -> None:
        self.balance()

    @property
    def records_in(self) -> int:
        """Records of all files."""
        return int(sum(self.sources.values()))

    def balance(self) -> Ledger:
        """Check that nothing is lost and nothing counted twice.

        Returns
        -------
        Ledger
            This ledger.

        Raises
        ------
        LedgerError
            If the sum does not close, or a row is entered twice.
        """
        out = self.placed + len(self.quarantined) + len(self.rejected)
        if out != self.records_in:
            raise LedgerError(
                f"{self.dataset}: {self.records_in} records in, but {self.placed} placed + "
                f"{len(self.quarantined)} quarantined + {len(self.rejected)} rejected = {out}. "
                "This is a fault of the reader: please report the file."
            )
        rows = pd.concat([self.quarantined["row"], self.rejected["row"]])
        if rows.duplicated().any():
            twice = rows[rows.duplicated()].iloc[0]
            raise LedgerError(
                f"{self.dataset}: row {twice} is entered twice. This is a fault of the reader: please report the file."
            )
        return self

    def reasons(self) -> pd.DataFrame:
        """Count the records that are not placed, by fate and by the code of their first reason.

        Returns
        -------
        pandas.DataFrame
            Columns ``fate``, ``reason`` (code), ``records``, most frequent first.
        """
        parts = [
            pd.DataFrame(
                {"fate": fate, "reason": frame["reason"].astype(object).map(lambda text: str(text).split(":")[0])}
            )
            for fate, frame in (("quarantined", self.quarantined), ("rejected", self.rejected))
        ]
        counted = pd.concat(parts).value_counts().rename("records").reset_index()
        return counted.sort_values(["records", "fate", "reason"], ascending=[False, True, True], ignore_index=True)

    def by_source(self) -> pd.DataFrame:
        """Count the records of each file by what became of them.

        Returns
        -------
        pandas.DataFrame
            Index ``source``; columns records_in, placed, quarantined, rejected, of which the first is the sum of the
            others.
        """
        table = pd.DataFrame({"records_in": pd.Series(dict(self.sources), dtype="int64")})
        for fate, frame in (("quarantined", self.quarantined), ("rejected", self.rejected)):
            counted = frame["source"].astype(object).value_counts()
            table[fate] = counted.reindex(table.index, fill_value=0).astype("int64")
        table.insert(1, "placed", table["records_in"] - table["quarantined"] - table["rejected"])
        return table.rename_axis("source")

    def summary(self) -> str:
        """Say it in one line, with the reasons.

        Returns
        -------
        str
            For people and logs. Files without a record, such as a table of only a header, are named.
        """
        line = (
            f"{self.dataset}: {self.records_in:,} in = {self.placed:,} placed + {len(self.quarantined):,} quarantined "
            f"+ {len(self.rejected):,} rejected"
        )
        counts = self.reasons()
        why = ", ".join(
            f"{reason} {records:,}" for reason, records in zip(counts["reason"], counts["records"], strict=True)
        )
        bare = ", ".join(name for name, records in self.sources.items() if not records)
        said = [*([why] if why else []), *([f"no record in {bare}"] if bare else [])]
        return f"{line} ({'; '.join(said)})" if said else line

    def quarantine(
        self, rows: np.ndarray, reasons: np.ndarray, original: pd.DataFrame, *, source: np.ndarray | str
    ) -> Ledger:
        """Move placed records into quarantine.

        Parameters
        ----------
        rows : numpy.ndarray of int64, shape (k,)
            Their row numbers.
        reasons : numpy.ndarray of str, shape (k,)
            "code: detail".
        original : pandas.DataFrame
            Their values, k lines.
        source : str or numpy.ndarray of str
            File of each record.

        Returns
        -------
        Ledger
            With k records fewer placed.
        """
        entries = _entries(rows, source, reasons, original)
        return replace(self, placed=self.placed - len(entries), quarantined=_stack([self.quarantined, entries]))

    def reject(
        self, rows: np.ndarray, reasons: np.ndarray, original: pd.DataFrame, *, source: np.ndarray | str
    ) -> Ledger:
        """Move placed records to the rejected ones; parameters as in :meth:`quarantine`.

        Parameters
        ----------
        rows : numpy.ndarray of int64, shape (k,)
            Their row numbers.
        reasons : numpy.ndarray of str, shape (k,)
            "code: detail".
        original : pandas.DataFrame
            Their values, k lines.
        source : str or numpy.ndarray of str
            File of each record.

        Returns
        -------
        Ledger
            With k records fewer placed.
        """
        entries = _entries(rows, source, reasons, original)
        return replace(self, placed=self.placed - len(entries), rejected=_stack([self.rejected, entries]))

    def replayed(self, rows: np.ndarray, other: Ledger) -> Ledger:
        """Account for quarantined records that were read once more.

        Parameters
        ----------
        rows : numpy.ndarray of int64, shape (k,)
            Numbers of the replayed records.
        other : Ledger
            Of these alone, under the same numbers.

        Returns
        -------
        Ledger
            Of all records: those that are placed now are placed, the others stand under their new reason.

        Raises
        ------
        LedgerError
            If records were replayed that are not in this quarantine.
        """
        unknown = sorted(set(rows) - set(self.quarantined["row"]))
        if unknown:
            raise LedgerError(f"{self.dataset}: row {unknown[0]} was replayed, but is not in its quarantine.")
        return replace(
            self,
            placed=self.placed + other.placed,
            quarantined=_stack([self.quarantined[~self.quarantined["row"].isin(rows)], other.quarantined]),
            rejected=_stack([self.rejected, other.rejected]),
        )

    def merge(self, other: Ledger) -> Ledger:
        """Append the account of the next file of the same dataset; its rows are numbered on from this one's.

        Parameters
        ----------
        other : Ledger
            Of the same dataset, rows from 0.

        Returns
        -------
        Ledger
            Of both.
        """
        sources = dict(self.sources)
        for name, records in other.sources.items():
            sources[name] = sources.get(name, 0) + records
        offset = self.records_in
        moved = [frame.assign(row=frame["row"] + offset) for frame in (other.quarantined, other.rejected)]
        return Ledger(
            dataset=self.dataset,
            sources=sources,
            placed=self.placed + other.placed,
            quarantined=_stack([self.quarantined, moved[0]]),
            rejected=_stack([self.rejected, moved[1]]),
        )

    def __repr__(self) -> str:
        return f"<Ledger {self.summary()}>"
