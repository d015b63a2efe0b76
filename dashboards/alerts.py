"""Alerts: stretches of time in which a place was beyond a threshold, with who has seen them, and as a file."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dashboards.clock import to_text
from dashboards.operations import Level, Places, Watched

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMNS = (
    "variable",
    "unit",
    "level",
    "place",
    "since",
    "until",
    "ongoing",
    "worst",
    "worst_at",
    "limit",
    "acknowledged_at",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One place beyond one threshold, without a break.

    Parameters
    ----------
    variable : str
        Name in the cube.
    level : {"city", "districts", "corridors"}
        What kind of place.
    place, layer, row : str
        Its name, the map layer that it is on and the source record that stands for it; empty for the city.
    since, until, worst_at : int
        First and last step, and that of the worst value.
    worst, limit : float
        In the variable's unit.
    ongoing : bool
        Whether it is so now.
    """

    variable: str
    level: Level
    place: str
    layer: str
    row: str
    since: int
    until: int
    worst_at: int
    worst: float
    limit: float
    ongoing: bool

    @property
    def severity(self) -> float:
        """How far the worst value lies beyond the threshold, as a part of it."""
        return abs(self.worst - self.limit) / (abs(self.limit) or 1.0)

    def key(self, times: pd.Index, zone: str) -> str:
        """Name the alert so that it is the same one later, under any later time and in a later snapshot.

        Parameters
        ----------
        times : pandas.Index
            Of the clock.
        zone : str
            IANA zone of the city.

        Returns
        -------
        str
            Variable, level, place and when it began.
        """
        return "|".join((self.variable, self.level, self.place, to_text(times, zone, self.since)))


def alerts_of(places: Places, wanted: Watched, steps: "NDArray[np.intp]") -> list[Alert]:
    """Find where and when a threshold was passed.

    Parameters
    ----------
    places : Places
        Of one level.
    wanted : Watched
        What is watched, with its threshold.
    steps : ndarray of int
        Steps looked at, oldest first; the last is now. A step without data ends an alert.

    Returns
    -------
    list of Alert
        What is so now first, then the most severe.
    """
    if not steps.size:
        return []
    values = places.courses[:, steps]
    edges = np.diff(np.pad(wanted.beyond(values).astype(np.int8), ((0, 0), (1, 1))), axis=1)
    # Row by row, so that the n-th beginning belongs to the n-th end.
    owners, begins = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1] - 1
    found = []
    for place, begin, end in zip(owners.tolist(), begins.tolist(), ends.tolist(), strict=True):
        stretch = wanted.sign * values[place, begin : end + 1]
        worst = begin + int(stretch.argmax())
        found.append(
            Alert(
                variable=wanted.name,
                level=places.level,
                place=places.names[place],
                layer=places.layer,
                row=places.rows[place],
                since=int(steps[begin]),
                until=int(steps[end]),
                worst_at=int(steps[worst]),
                worst=float(values[place, worst]),
                limit=wanted.limit,
                ongoing=end == len(steps) - 1,
            )
        )
    return sorted(found, key=urgency)


def urgency(alert: Alert) -> tuple[bool, float, str]:
    """Give what alerts are sorted by: those of now first, then the most severe.

    Parameters
    ----------
    alert : Alert
        The alert.

    Returns
    -------
    tuple
        Smaller is more urgent.
    """
    return (not alert.ongoing, -alert.severity, alert.place)


def to_csv(
    alerts: Sequence[Alert], acknowledged: Mapping[str, str], *, times: pd.Index, zone: str, units: Mapping[str, str]
) -> str:
    """Write alerts as a table.

    Parameters
    ----------
    alerts : sequence of Alert
        What was found.
    acknowledged : Mapping of str to str
        Time of acknowledgement by key.
    times : pandas.Index
        Of the clock.
    zone : str
        IANA zone of the city.
    units : Mapping of str to str
        Unit by variable.

    Returns
    -------
    str
        CSV with a heading; times are local. Text that a spreadsheet would take for a formula gets an apostrophe.
    """
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\r\n")
    lines.writerow(COLUMNS)
    for alert in alerts:
        since, until, worst_at = (to_text(times, zone, step) for step in (alert.since, alert.until, alert.worst_at))
        lines.writerow(
            [
                *map(_plain, (alert.variable, units.get(alert.variable, ""), alert.level, alert.place)),
                since,
                until,
                "yes" if alert.ongoing else "no",
                f"{alert.worst:.6g}",
                worst_at,
                f"{alert.limit:.6g}",
                acknowledged.get(alert.key(times, zone), ""),
            ]
        )
    return out.getvalue()


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
