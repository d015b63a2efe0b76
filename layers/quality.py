"""How good the records of a layer are: five measures, each a share with the counts behind it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from layers.fields import Field
from layers.model import Layer
from layers.surfaces import COLUMN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from layers.raster import RasterLayer

__all__ = ["MEASURES", "Due", "Measure", "Quality", "assess", "prints_of"]

MEASURES = ("completeness", "validity", "uniqueness", "consistency", "timeliness")

_NOT_ASKED = frozenset({"not_selected"})
_REPEATED = frozenset({"duplicate", "conflicting_duplicate", "not_unique"})
#: Codes that another measure counts, or that say where the city ends and nothing of the record.
_NOT_INVALID = _NOT_ASKED | _REPEATED | {"missing_value", "inconsistent", "crosses_area", "outside_clock"}


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One measure of quality.

    Parameters
    ----------
    score : float
        0 to 1; NaN where nothing was asked.
    good, of : int
        How many of how many: values, records or time steps.
    """

    score: float
    good: int
    of: int

    @classmethod
    def share(cls, good: int, of: int) -> Measure:
        """Make a measure that is a share of what was asked.

        Parameters
        ----------
        good, of : int
            How many of how many.

        Returns
        -------
        Measure
            NaN of nothing.

        Examples
        --------
        >>> Measure.share(3, 4).score
        0.75
        """
        return cls(score=good / of if of else float("nan"), good=int(good), of=int(of))


_UNASKED = Measure(score=float("nan"), good=0, of=0)


@dataclass(frozen=True, kw_only=True)
class Due:
    """When records are expected.

    Parameters
    ----------
    as_of : pandas.Timestamp
        Instant (UTC) at which age is counted.
    start : pandas.Timestamp or None
        Instant (UTC) from which steps are expected; None: from the first record on.
    interval : pandas.Timedelta or None
        How often; None: the median spacing of a site's records, which takes a site.
    site : tuple of str
        Columns that name what reports; () where anything may.
    """

    as_of: pd.Timestamp
    start: pd.Timestamp | None = None
    interval: pd.Timedelta | None = None
    site: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Quality:
    """The five measures of a layer.

    Parameters
    ----------
    completeness : Measure
        Values present, of those that the required fields ask for in all records (all stated ones, if none is required).
    validity : Measure
        Records without a value or position that cannot be, of those asked for.
    uniqueness : Measure
        Records that say what no other says, of those asked for.
    consistency : Measure
        Records that break no stated rule, of those that came to be held against them.
    timeliness : Measure
        Time steps that have a record, of those expected; the score is lower where the newest record is older than one
        interval: interval over age.
    newest : str or None
        Time of the newest record, ISO 8601 in UTC.
    age_s, interval_s : float
        Seconds from the newest record to the instant asked for, and between records; NaN without times.
    """

    completeness: Measure
    validity: Measure
    uniqueness: Measure
    consistency: Measure = _UNASKED
    timeliness: Measure = _UNASKED
    newest: str | None = None
    age_s: float = float("nan")
    interval_s: float = float("nan")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types.

        Returns
        -------
        dict
            Measure by measure; NaN becomes None, which JSON can say.
        """
        return _plain(asdict(self))


def _plain(tree: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _plain(value) if isinstance(value, dict) else None if value != value else value  # noqa: PLR0124 - NaN
        for key, value in tree.items()
    }


def assess(
    layer: Layer | RasterLayer,
    *,
    fields: Mapping[str, Field] | None = None,
    rules: Sequence[str] = (),
    due: Due | None = None,
    prints: pd.DataFrame | None = None,
) -> Quality:
    """Measure the quality of a layer from what is placed and from its ledger.

    Parameters
    ----------
    layer : Layer or RasterLayer
        After all checks; of a raster only validity is measured, and pixels beyond the area are no fault.
    fields : Mapping of str to Field, optional
        Stated columns.
    rules : sequence of str
        Those that it was held against.
    due : Due, optional
        When records are expected; None for what has no time.
    prints : pandas.DataFrame, optional
        What `prints_of` made of its records, where that was done part by part; its geometries are then not asked for.

    Returns
    -------
    Quality
        Shares with their counts.

    Examples
    --------
    >>> import shapely
    >>> stops = Layer.from_arrays("s", shapely.points([[7, 43], [7, 43]]), position="OGC:CRS84", columns={"a": [1, 1]})
    >>> assess(stops).uniqueness
    Measure(score=0.5, good=1, of=2)
    """
    ledger = layer.ledger
    codes = [*_codes(ledger.quarantined), *_codes(ledger.rejected)]
    asked = ledger.records_in - _count(codes, _NOT_ASKED)
    if not isinstance(layer, Layer):
        faulty = sum(bool(each - _NOT_INVALID - {"outside_area"}) for each in codes)
        return Quality(completeness=_UNASKED, validity=Measure.share(asked - faulty, asked), uniqueness=_UNASKED)
    told = sum(bool(each - _NOT_INVALID) for each in codes)
    repeated = _count(codes, _REPEATED)
    in_question = asked - _count(codes, frozenset({"duplicate"}))
    broken = _count(codes, frozenset({"inconsistent"}))
    newest, age_s, interval_s, timeliness = _timeliness(layer, due)
    copies = int((prints_of(layer) if prints is None else prints).duplicated().sum())
    return Quality(
        completeness=_completeness(layer, fields or {}),
        validity=Measure.share(in_question - told, in_question),
        uniqueness=Measure.share(asked - repeated - copies, asked),
        consistency=Measure.share(len(layer), len(layer) + broken) if rules else _UNASKED,
        timeliness=timeliness,
        newest=newest,
        age_s=age_s,
        interval_s=interval_s,
    )


def _codes(entries: pd.DataFrame) -> list[frozenset[str]]:
    """Return all codes of each record."""
    return [frozenset(part.split(":")[0].strip() for part in str(reason).split("; ")) for reason in entries["reason"]]


def _count(codes: Iterable[frozenset[str]], wanted: frozenset[str]) -> int:
    return sum(bool(each & wanted) for each in codes)


def _completeness(layer: Layer, fields: Mapping[str, Field]) -> Measure:
    """Count values over the placed records and over the quarantined ones, which are text."""
    table, aside = layer.table, layer.ledger.quarantined
    stated = [name for name in fields if name in table]
    names = [name for name in stated if fields[name].required] or stated
    good = sum(int(table[name].notna().sum()) for name in names)
    good -= sum(int((table[name].astype("str").str.strip() == "").sum()) for name in names if _is_text(table[name]))
    for name in names:
        kept = f"{name}_" if name in {"row", "source", "reason"} else name
        if kept in aside:
            text = aside[kept].astype("str").str.strip()
            stand_ins = {"", *fields.get(name, Field()).missing}
            good += int((aside[kept].notna() & ~text.isin(stand_ins)).sum())
    return Measure.share(good, len(names) * (len(table) + len(aside)))


def _is_text(column: pd.Series) -> bool:
    return isinstance(column.dtype, pd.StringDtype) or pd.api.types.is_object_dtype(column.dtype)


def prints_of(layer: Layer) -> pd.DataFrame:
    """Say in two hashes of 64 bits what each record says, and where it is: those of equal records are equal.

    Parameters
    ----------
    layer : Layer
        Placed.

    Returns
    -------
    pandas.DataFrame
        ``said`` and ``place``, a line a record.
    """
    table = layer.table.drop(columns=["source_file", COLUMN], errors="ignore")
    said = np.zeros(len(layer), dtype=np.uint64)
    if table.shape[1]:
        said = np.asarray(pd.util.hash_pandas_object(table, index=False), dtype=np.uint64)
    return pd.DataFrame({"said": said, "place": _place_hash(layer.geometry)})


def _place_hash(geometry: NDArray[np.object_]) -> NDArray[np.uint64]:
    found = np.zeros(len(geometry), dtype=np.uint64)
    points = shapely.get_type_id(geometry) == 0
    numbers = pd.DataFrame(shapely.get_coordinates(geometry[points]))
    if points.any() and len(numbers) == points.sum():
        found[points] = pd.util.hash_pandas_object(numbers, index=False).to_numpy()
    else:
        points = np.zeros(len(geometry), dtype=bool)
    if not points.all():
        found[~points] = pd.util.hash_array(shapely.to_wkb(geometry[~points]).astype(object), categorize=False)
    return found


def _timeliness(layer: Layer, due: Due | None) -> tuple[str | None, float, float, Measure]:
    nothing = (None, float("nan"), float("nan"), _UNASKED)
    if due is None or "time" not in layer.table or not layer.table["time"].notna().any():
        return nothing
    table = layer.table[layer.table["time"].notna()]
    keys = [name for name in due.site if name in table]
    number = (
        table.groupby(keys, sort=False, dropna=False, observed=True).ngroup() if keys else pd.Series(0, table.index)
    )
    site = np.asarray(number, dtype=np.int64)
    time = table["time"].dt.tz_convert("UTC")
    newest = time.max()
    interval = _spacing(time, site) if due.interval is None and keys else due.interval
    age = due.as_of - newest
    start = time.min() if due.start is None else due.start
    if interval is None or interval <= pd.Timedelta(0):
        return (newest.isoformat(), age.total_seconds(), float("nan"), _UNASKED)
    step = ((time - start) // interval).to_numpy()
    within = (step >= 0) & (time < due.as_of).to_numpy()
    steps = max(1, int(np.ceil((due.as_of - start) / interval)))
    present = len(pd.DataFrame({"site": site, "step": step})[within].drop_duplicates())
    expected = steps * len(np.unique(site))
    fresh = 1.0 if age <= interval else interval / age
    measure = Measure(score=min(fresh, present / expected), good=present, of=expected)
    return (newest.isoformat(), age.total_seconds(), interval.total_seconds(), measure)


def _spacing(time: pd.Series, site: NDArray[np.int64]) -> pd.Timedelta | None:
    """Return the median time between two records of a site."""
    ordered = pd.DataFrame({"site": site, "time": time.to_numpy()}).drop_duplicates().sort_values(["site", "time"])
    gaps = ordered.groupby("site")["time"].diff().dropna()
    return pd.Timedelta(gaps.median()) if len(gaps) else None
