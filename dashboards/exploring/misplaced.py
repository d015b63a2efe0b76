"""Before and after: where records stand who does not ask what positions mean, and where the engine puts them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crs import geodesy
from dashboards.errors import QuestionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dashboards.frames import FrameSource

MOST_DRAWN = 3_000
_BINS = 12
_DIGITS = 6
_WAYS = ("naive_lon", "naive_lat", "ours_lon", "ours_lat", "truth_lon", "truth_lat")


@dataclass(frozen=True, kw_only=True, eq=False)
class Displacements:
    """The places of a layer's records before and after harmonisation.

    Parameters
    ----------
    places : ndarray of float
        Shape (n, 6): longitude and latitude naively, harmonised and in truth, degrees; each set of places once.
    records : ndarray of int
        Shape (n,): how many records share them.
    moved_m : ndarray of float
        Shape (n,): metres from the naive place to ours; NaN where one of them is not known.
    naive_m, ours_m : ndarray of float
        Shape (n,): metres from the true place.
    other_cell : ndarray of bool
        Shape (n,): whether the naive place is in another cell at storage resolution.
    """

    places: "NDArray[np.float64]"
    records: "NDArray[np.int64]"
    moved_m: "NDArray[np.float64]"
    naive_m: "NDArray[np.float64]"
    ours_m: "NDArray[np.float64]"
    other_cell: "NDArray[np.bool_]"


def layers_with_truth(source: "FrameSource") -> tuple[str, ...]:
    """List the layers of which it is known where they truly are.

    Parameters
    ----------
    source : FrameSource
        The city as views read it.

    Returns
    -------
    tuple of str
        Names; empty for a city that states no truth.
    """
    return tuple(source.city.layers_with_truth)


def displacements(source: "FrameSource", layer: str) -> Displacements:
    """Lay the naive and the harmonised places of a layer side by side.

    Parameters
    ----------
    source : FrameSource
        The city as views read it.
    layer : str
        A layer of known truth.

    Returns
    -------
    Displacements
        The farthest moved first.

    Raises
    ------
    QuestionError
        If nothing is known of the true places of that layer.
    """
    known = layers_with_truth(source)
    if layer not in known:
        raise QuestionError(
            f"nothing says where {layer!r} truly is; there is truth of {', '.join(known) or 'no layer'}"
        )
    table = source.city.placements(layer)
    # A detector that reports all day stands at one place: it is drawn once, and counted as often as it reports.
    rounded = pd.DataFrame({way: table[way].to_numpy(dtype=float).round(7) for way in _WAYS})
    counted = rounded.groupby(list(_WAYS), dropna=False, sort=True).size().reset_index(name="records")
    at = {way: counted[way].to_numpy(dtype=float) for way in _WAYS}
    moved = geodesy.distances_m(at["naive_lon"], at["naive_lat"], at["ours_lon"], at["ours_lat"])
    order = np.argsort(-np.nan_to_num(moved, nan=-1.0), kind="stable")
    grid = source.readings.grid
    both = np.isfinite(moved)
    other = np.zeros(len(moved), dtype=bool)
    other[both] = grid.index(at["naive_lon"][both], at["naive_lat"][both]) != grid.index(
        at["ours_lon"][both], at["ours_lat"][both]
    )
    return Displacements(
        places=np.column_stack([at[way] for way in _WAYS])[order],
        records=counted["records"].to_numpy(dtype=np.int64)[order],
        moved_m=moved[order],
        naive_m=geodesy.distances_m(at["naive_lon"], at["naive_lat"], at["truth_lon"], at["truth_lat"])[order],
        ours_m=geodesy.distances_m(at["ours_lon"], at["ours_lat"], at["truth_lon"], at["truth_lat"])[order],
        other_cell=other[order],
    )


def to_answer(found: Displacements) -> dict[str, Any]:
    """Write places before and after for the browser.

    Parameters
    ----------
    found : Displacements
        Of one layer.

    Returns
    -------
    dict
        ``places`` (of evenly chosen records where there are too many), ``shown``, ``total``, ``moved``, ``naive`` and
        ``ours`` with median, 95th percentile and greatest (metres, by record), ``other_cell`` (share of records) and
        the histogram ``bins``, ``edges`` of how far records moved.
    """
    known = np.flatnonzero(np.isfinite(found.moved_m))
    step = max(1, -(-len(known) // MOST_DRAWN))
    chosen = known[::step]
    repeated = np.repeat(found.moved_m[known], found.records[known])
    counts, edges = np.histogram(repeated, bins=_BINS)
    total = int(found.records.sum())
    return {
        "places": found.places[chosen].round(_DIGITS + 1).tolist(),
        "metres": found.moved_m[chosen].round(1).tolist(),
        "shown": len(chosen),
        "places_in_all": len(found.places),
        "total": total,
        "moved": _spread(repeated),
        "naive": _spread(np.repeat(found.naive_m, found.records)),
        "ours": _spread(np.repeat(found.ours_m, found.records)),
        "other_cell": float(found.records[found.other_cell].sum() / max(total, 1)),
        "bins": counts.tolist(),
        "edges": edges.tolist(),
        "bounds": _bounds(found.places[chosen]),
    }


def _spread(metres: "NDArray[np.float64]") -> dict[str, float]:
    finite = metres[np.isfinite(metres)]
    if not finite.size:
        return {"median_m": 0.0, "most_m": 0.0, "p95_m": 0.0}
    return {
        "median_m": float(np.median(finite)),
        "p95_m": float(np.quantile(finite, 0.95)),
        "most_m": float(finite.max()),
    }


def _bounds(places: "NDArray[np.float64]") -> list[float]:
    """Give the box that holds nine tenths of the harmonised places."""
    if not len(places):
        return []
    west, south = np.nanquantile(places[:, 2:4], 0.05, axis=0)
    east, north = np.nanquantile(places[:, 2:4], 0.95, axis=0)
    return [float(west), float(south), float(east), float(north)]
