"""Fusion error: how many records stand in another cell than they should, by the way in which they were placed.

Two questions are kept apart. *D* compares with an oracle that decodes the same noisy record by its true definition, so
noise cancels: what remains is a wrong definition, a wrong step, or a record that was not placed. *F* compares with the
truth, and no engine can bring it below its noise floor. A record that is not placed is wrong in both.

Cells are made by the one rule of the house: indexed once at the storage resolution, coarser by parent, for every way,
the oracle and the truth alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crs.geodesy import distances_m
from spatial_join import H3Grid
from twin.errors import TruthError
from twin.fusion.shares import block_interval, choose_blocks, moved_mass, noise_floor, share_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import xarray as xr

    from twin.fusion.targets import Targets

    Floats = npt.NDArray[np.float64]
    Points = tuple[Floats, Floats]
    Cells = npt.NDArray[np.uint64]
    Mask = npt.NDArray[np.bool_]

POOLED = "all"
"""Name of the line in which the records of all layers are put together."""

RESOLUTIONS = (8, 9, 10, 11)
"""H3 resolutions that are reported unless others are asked for."""

_KEYS = ("way", "layer", "resolution")


@dataclass(frozen=True, kw_only=True, eq=False)
class Placements:
    """Where the records of one layer stand, by every way of placing them, and where they should.

    Parameters
    ----------
    layer : str
        Name of the layer.
    ways : mapping of str to tuple of ndarray
        Longitude and latitude in degrees by way, such as ``naive`` and ``ours``, shape (n,); NaN: not placed.
    oracle : tuple of ndarray or None
        The same record decoded by its true definition; NaN where even that is not possible; None: not known.
    truth : tuple of ndarray or None
        Where it truly is; NaN or None: not known.
    sigma_m : ndarray of float64 or None
        Standard deviation of the record's own error per horizontal axis, metres; NaN or None: not stated.
    """

    layer: str
    ways: Mapping[str, Points]
    oracle: Points | None = None
    truth: Points | None = None
    sigma_m: Floats | None = None

    def __post_init__(self) -> None:
        lengths = {part.shape for pair in self._pairs().values() for part in pair}
        lengths |= set() if self.sigma_m is None else {self.sigma_m.shape}
        if len(lengths) > 1:
            raise TruthError(f"{self.layer}: positions of shapes {sorted(lengths)}; give one of each a record")
        if self.oracle is None and self.truth is None:
            raise TruthError(f"{self.layer}: neither truth nor oracle is given; at least one says what is wrong")

    def _pairs(self) -> dict[str, Points]:
        known = {"oracle": self.oracle, "truth": self.truth}
        return {**self.ways, **{name: pair for name, pair in known.items() if pair is not None}}

    def __len__(self) -> int:
        return len(next(iter(self._pairs().values()))[0])

    def known(self, name: str) -> Points:
        """Return oracle or truth, NaN where it is not known.

        Parameters
        ----------
        name : str
            ``oracle`` or ``truth``.

        Returns
        -------
        tuple of ndarray
            Longitude and latitude in degrees.
        """
        nowhere = np.full(len(self), np.nan)
        return self._pairs().get(name, (nowhere, nowhere))

    @property
    def errors_m(self) -> Floats:
        """Standard deviation of each record's own error in metres, NaN where it is not stated."""
        return np.full(len(self), np.nan) if self.sigma_m is None else self.sigma_m

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        return ("twin.Placements", self.layer, tuple(sorted(self._pairs().items())), self.sigma_m)


@dataclass(frozen=True, kw_only=True, eq=False)
class FusionReport:
    """Fusion error of some layers, before and after.

    Parameters
    ----------
    table : pandas.DataFrame
        Index way, layer (``all``: every record of all layers), resolution. Shares are of 1 and NaN where what they
        need is not known:

        - ``records``; ``coverage``: share of them that is placed;
        - ``d``, ``d_low``, ``d_high``: share in another cell than the oracle's, and its interval of 95 % by bootstrap
          over blocks of ground;
        - ``f``, ``f_low``, ``f_high``: share in another cell than the true one; ``floor``: what noise alone causes;
        - ``definition``, ``noise``, ``aggregation``: causes of being in another cell than the true place has at that
          resolution when it is indexed there directly. The first two add up to ``f``; the third is what mixing
          direct cells with cells by parent would add;
        - ``moved_mass``: half the sum of the differences between the counts of all cells and the true counts, over the
          number of records; what is not placed has moved;
        - ``wrong_link``, ``wrong_building``: share whose nearest link is not that of its true place, or that is not in
          the building that its true place is in (of those that are in one);
        - ``mean_m``, ``p95_m``: metres from the true place, of what is placed.
    storage : int
        H3 resolution at which positions were indexed.
    notes : tuple of str
        What a reader must know: how truth was given, what was left out.
    """

    table: pd.DataFrame
    storage: int
    notes: tuple[str, ...] = field(default=())

    @property
    def layers(self) -> list[str]:
        """Names of the layers in alphabetical order, then that of all together."""
        names = self.table.index.get_level_values("layer").unique()
        return sorted(names, key=lambda name: (name == POOLED, name))

    def to_xarray(self) -> xr.Dataset:
        """Return the table as arrays.

        Returns
        -------
        xarray.Dataset
            Dims (way, layer, resolution), a variable a column.
        """
        dataset = self.table.to_xarray()
        dataset.attrs = {"storage_resolution": self.storage, "notes": " ".join(self.notes)}
        return dataset

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON types.

        Returns
        -------
        dict
            ``storage``, ``notes`` and ``rows``, a mapping a line of the table; None: not known.
        """
        plain = self.table.reset_index().astype(object)
        rows = plain.where(plain.notna(), None).to_dict(orient="records")
        return {"storage": self.storage, "notes": list(self.notes), "rows": rows}

    def summary(self) -> pd.DataFrame:
        """Return what fits a page: percentages by layer and way.

        Returns
        -------
        pandas.DataFrame
            Index layer, way; columns records, placed %, ``D r8`` … and ``F r8`` … in %, mean m.
        """
        wide = self.table.reset_index()
        parts = []
        for column, title in (("d", "D"), ("f", "F")):
            part = wide.pivot_table(index=["layer", "way"], columns="resolution", values=column, dropna=False)
            parts.append((100 * part).set_axis([f"{title} r{resolution}" for resolution in part.columns], axis=1))
        first = wide.groupby(["layer", "way"])[["records", "coverage", "mean_m"]].first()
        head = pd.DataFrame({"records": first["records"], "placed": 100 * first["coverage"]})
        joined = pd.concat([head, *parts, first["mean_m"].rename("mean m")], axis=1)
        last = joined.index.get_level_values("layer") == POOLED
        return pd.concat([joined[~last], joined[last]]).dropna(axis=1, how="all")

    def __repr__(self) -> str:
        head = f"<Fusion error in % of records, cells by parent from H3 resolution {self.storage}"
        text = self.summary().reset_index().to_string(index=False, float_format=lambda value: f"{value:.1f}", na_rep="")
        return "\n".join([head, *("  " + line for line in text.splitlines()), *self.notes]) + ">"


def measure_fusion(
    layers: Sequence[Placements],
    *,
    resolutions: Sequence[int] = RESOLUTIONS,
    storage: int | None = None,
    targets: Targets | None = None,
    notes: Sequence[str] = (),
) -> FusionReport:
    """Measure how many records stand in another cell than they should.

    Parameters
    ----------
    layers : sequence of Placements
        The layers, all placed in the same ways.
    resolutions : sequence of int
        H3 resolutions to report.
    storage : int, optional
        H3 resolution at which positions are indexed; the finest reported one if left out.
    targets : Targets, optional
        Links and buildings that records are matched to.
    notes : sequence of str
        Told with the report.

    Returns
    -------
    FusionReport
        A line a way, layer and resolution, and the lines of all layers together.

    Raises
    ------
    TruthError
        If layers were placed in different ways, none is given, or a resolution is finer than the storage.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.array([114.06, 114.07, 114.08]), np.array([22.54, 22.55, 22.56])
    >>> ours = truth[0], np.array([22.54, 22.55, np.nan])
    >>> report = measure_fusion([Placements(layer="stops", ways={"ours": ours}, oracle=truth)], resolutions=[9])
    >>> report.table.loc[("ours", "stops", 9), ["coverage", "d"]].round(2).tolist()
    [0.67, 0.33]
    """
    if not layers:
        raise TruthError("no layer says where its records truly are; write `truth:` under a dataset of city.yaml")
    ways = {tuple(sorted(layer.ways)) for layer in layers}
    if len(ways) > 1:
        raise TruthError(f"layers are placed in different ways {sorted(ways)}; place all in the same")
    storage = max(resolutions) if storage is None else storage
    if max(resolutions) > storage:
        raise TruthError(f"resolution {max(resolutions)} is finer than the storage, {storage}; ask for that or coarser")
    everyone = list(layers) if len(layers) == 1 and layers[0].layer == POOLED else [*layers, _pooled(layers)]
    rows = [row for layer in everyone for row in _rows(layer, resolutions, storage, targets)]
    table = pd.DataFrame(rows).set_index(list(_KEYS)).sort_index()
    return FusionReport(table=table, storage=storage, notes=tuple(notes))


def _pooled(layers: Sequence[Placements]) -> Placements:
    """Put the records of all layers together."""

    def joined(pairs: Sequence[Points]) -> Points:
        return np.concatenate([pair[0] for pair in pairs]), np.concatenate([pair[1] for pair in pairs])

    return Placements(
        layer=POOLED,
        ways={way: joined([layer.ways[way] for layer in layers]) for way in layers[0].ways},
        oracle=joined([layer.known("oracle") for layer in layers]),
        truth=joined([layer.known("truth") for layer in layers]),
        sigma_m=np.concatenate([layer.errors_m for layer in layers]),
    )


def _rows(
    layer: Placements, resolutions: Sequence[int], storage: int, targets: Targets | None
) -> list[dict[str, object]]:
    """Return the lines of one layer."""
    oracle, truth = layer.known("oracle"), layer.known("truth")
    fine = {name: _index(pair, storage) for name, pair in {"oracle": oracle, "truth": truth, **layer.ways}.items()}
    where = np.where(fine["truth"] > 0, fine["truth"], fine["oracle"])
    blocks = choose_blocks(where, storage)
    direct = {resolution: _index(truth, resolution) for resolution in resolutions}
    rows: list[dict[str, object]] = []
    for way, placed in layer.ways.items():
        of_way: dict[str, object] = {
            "records": len(layer),
            "coverage": share_of(fine[way] > 0, np.ones(len(layer), bool)),
        }
        metres = _metres(placed, truth)
        if targets is not None:
            metres |= targets.wrong(placed, truth)
        for resolution in resolutions:
            cells = {name: _parents(fine[name], resolution) for name in ("oracle", "truth", way)}
            shares = _shares(cells[way], cells["oracle"], cells["truth"], blocks=blocks)
            causes = _causes(cells[way], cells["oracle"], cells["truth"], direct=direct[resolution])
            floor = noise_floor(cells["truth"], layer.errors_m, resolution=resolution, storage=storage)
            mass = moved_mass(cells[way], cells["truth"])
            key = {"way": way, "layer": layer.layer, "resolution": resolution}
            rows.append({**key, **of_way, **shares, "floor": floor, **causes, "moved_mass": mass, **metres})
    return rows


def _index(points: Points, resolution: int) -> Cells:
    """Return the cell of every position, 0 of those that are nowhere."""
    lon, lat = points
    placed = (np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0)
    cells = np.zeros(lon.size, dtype=np.uint64)
    cells[placed] = H3Grid(resolution=resolution).index(lon[placed], lat[placed])
    return cells


def _parents(cells: Cells, resolution: int) -> Cells:
    """Return the ancestors of cells, 0 of 0."""
    known = cells > 0
    found = np.zeros(cells.size, dtype=np.uint64)
    found[known] = H3Grid(resolution=resolution).parents(cells[known], resolution)
    return found


def _shares(placed: Cells, oracle: Cells, truth: Cells, *, blocks: npt.NDArray[np.int64]) -> dict[str, float]:
    """Return D and F with their intervals."""
    shares: dict[str, float] = {}
    for name, right in (("d", oracle), ("f", truth)):
        wrong, counted = placed != right, right > 0
        low, high = block_interval(wrong, counted, blocks)
        shares |= {name: share_of(wrong, counted), f"{name}_low": low, f"{name}_high": high}
    return shares


def _causes(placed: Cells, oracle: Cells, truth: Cells, *, direct: Cells) -> dict[str, float]:
    """Split what is not in the cell of its true place: the definition before noise, noise before aggregation."""
    counted = (truth > 0) & (oracle > 0)
    wrong = placed != truth
    defined = placed == oracle
    return {
        "definition": share_of(wrong & ~defined, counted),
        "noise": share_of(wrong & defined, counted),
        "aggregation": share_of(~wrong & (truth != direct), counted),
    }


def _metres(placed: Points, truth: Points) -> dict[str, float]:
    off = distances_m(*placed, *truth)
    off = off[np.isfinite(off)]
    if not off.size:
        return {"mean_m": float("nan"), "p95_m": float("nan")}
    return {"mean_m": float(off.mean()), "p95_m": float(np.quantile(off, 0.95))}
