"""The twin as an analyst holds it: one immutable snapshot, read only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from twin.accounts import Accounts
from twin.catalogue import (
    LayerInfo,
    Stop,
    Variable,
    View,
    attributes_of,
    layer_from_json,
    tour_from_json,
    variable_from_json,
    view_from_json,
)
from twin.comparing import Difference, difference
from twin.cube.coarse import on_rows
from twin.errors import UnknownNameError
from twin.fusion.truth import fusion_of
from twin.lineage.explaining import Explanation, explain
from twin.lineage.whereabouts import Whereabouts, explain_feature
from twin.manifest.reading import read_manifest
from twin.measuring import Measured
from twin.quality import quality_of, quality_table
from twin.showing import Shown
from twin.storage.history import damaged_runs, snapshot_as_of
from twin.storage.snapshot import Snapshot, open_snapshot
from twin.tiles.baked import faults_of_tiles
from twin.timeline import Clock, clock_from_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime

    import geopandas as gpd
    import pandas as pd

    from twin.corrections.correction import Correction
    from twin.fusion.report import FusionReport
    from twin.progress.protocol import Watcher


class Twin(Accounts, Measured, Shown):
    """A city on disk.

    Parameters
    ----------
    path : Path
        Folder of the twin.
    snapshot : Snapshot
        The state that is read; newer builds do not change it.

    Examples
    --------
    >>> city = twin.open("monaco.twin")                                   # doctest: +SKIP
    >>> city.cube(["speed_ratio", "no2"], resolution=9)                   # doctest: +SKIP
    """

    def __init__(self, path: Path, snapshot: Snapshot) -> None:
        self.path = path
        self._snapshot = snapshot
        tree = snapshot.manifest
        self.name: str = tree["city"]
        self.title: Mapping[str, str] = tree["title"]
        west, south, east, north = tree["area"]
        self.area: tuple[float, float, float, float] = (west, south, east, north)
        self.resolution: int = tree["resolution"]
        self.clock: Clock = clock_from_json(tree["clock"])
        self.profile: Mapping[str, Any] = tree.get("profile", {})
        self.view: View = view_from_json(tree.get("view"))
        self.tour: tuple[Stop, ...] = tour_from_json(tree.get("tour", ()))
        self.alerts: Mapping[str, float] = tree.get("alerts", {})
        self.variables: dict[str, Variable] = {v["name"]: variable_from_json(v) for v in tree["variables"]}
        self.layers: dict[str, LayerInfo] = {v["name"]: layer_from_json(v) for v in tree["layers"]}
        self._levels = {}

    @property
    def snapshot(self) -> str:
        """Id of the snapshot: equal content has equal ids."""
        return self._snapshot.id

    @property
    def code(self) -> str:
        """Hash of the code that built it."""
        return str(self._snapshot.manifest["code"])

    def __repr__(self) -> str:
        text = f"<Twin {self.name!r}: {len(self.layers)} layers, H3 resolution {self.resolution}, {self.snapshot}"
        for variable in self.variables.values():
            text += f"\n  {variable.name} [{variable.unit}] from {variable.layer}: {variable.method}"
        return text + ">"

    def features(self, layer: str, *, surfaces: bool = False) -> gpd.GeoDataFrame:
        """Return the features of a layer in longitude and latitude.

        Parameters
        ----------
        layer : str
            Name of the layer.
        surfaces : bool, optional
            With the column ``surface_mesh`` of `layers.surfaces`, where the layer has it.

        Returns
        -------
        geopandas.GeoDataFrame
            Index and column ``row`` are the record number in the source (the site's number for series), as in
            `weights`; ``sigma_m`` is how far it may be off per axis; then the attributes as published. Whose data
            it is and how far it may travel stand in ``attrs``.

        Raises
        ------
        UnknownNameError
            If there is no such layer, or it is a raster.
        """
        info = self._layer(layer)
        if not self.has_features(layer):
            raise UnknownNameError(f"layer {layer!r} is a raster and has no features: ask `cube()` for its variables")
        frame = self._snapshot.features(layer, surfaces=surfaces)
        frame = frame.set_index(frame["row"].to_numpy())
        frame.attrs = {key: getattr(info, key) for key in ("owner", "licence", "level", "attribution", "modelled")}
        return frame

    def has_features(self, layer: str) -> bool:
        """Say whether a layer holds features; a raster does not.

        Parameters
        ----------
        layer : str
            Name of the layer.

        Returns
        -------
        bool
            True if `features` can be asked.
        """
        return f"layers/{layer}.parquet" in self._snapshot

    def on_features(self, layer: str, variable: str) -> xr.DataArray:
        """Return a cell variable on the features of a layer, such as congestion on street lines.

        Parameters
        ----------
        layer : str
            Layer whose features are wanted.
        variable : str
            Variable of the cube.

        Returns
        -------
        xarray.DataArray
            Dims (row, time), or (row,) for what does not change; each feature has the mean of its cells, weighted by
            how much of it lies in each. NaN where none of its cells has a value.
        """
        self.features(layer)
        weights = self.weights(layer)
        level = self._level(variable, self.resolution)
        rows, values = on_rows(
            weights["row"].to_numpy(), weights["cell"].to_numpy(), weights["share"].to_numpy(), level
        )
        coordinates: dict[str, Any] = {"row": rows}
        if values.ndim == 2:
            coordinates["time"] = ("time", self.clock.coordinate(), self._time_attributes())
        attributes = attributes_of(self.variables[variable], "value")
        dims = ("row", "time")[: values.ndim]
        return xr.DataArray(values, dims=dims, coords=coordinates, name=variable, attrs=attributes)

    def weights(self, layer: str) -> pd.DataFrame:
        """Return which cells each feature of a layer lies in.

        Parameters
        ----------
        layer : str
            Name of the layer.

        Returns
        -------
        pandas.DataFrame
            Columns row, cell, share (of the feature; sums to 1), support (count, m or m² of the piece).
        """
        self._layer(layer)
        frame: pd.DataFrame = self._snapshot.table(f"weights/{layer}.parquet").to_pandas()
        return frame

    def quality(self) -> pd.DataFrame:
        """Return how much of each variable is known, and how well.

        Returns
        -------
        pandas.DataFrame
            Index variable; columns cells (with any value), coverage (part of their steps that has one), sigma (median,
            unit of the variable; NaN unless it is a field) and sigma_m (median, metres).
        """
        return quality_table({name: quality_of(self._level(name, self.resolution)) for name in self.variables})

    @property
    def states_truth(self) -> bool:
        """Whether the manifest says where some records truly are, so that `fusion_error` can be measured."""
        return "fusion" in self._snapshot.manifest

    def fusion_error(self, *, resolutions: Sequence[int] | None = None) -> FusionReport:
        """Measure how many records stand in another cell than they should, before and after.

        Parameters
        ----------
        resolutions : sequence of int, optional
            H3 resolutions, at most the storage resolution; those of the manifest (8 to 11) if left out.

        Returns
        -------
        FusionReport
            By way (``naive``, ``ours``), layer and resolution; ``.table`` is a DataFrame.

        Raises
        ------
        TruthError
            If the manifest states no truth.
        """
        return fusion_of(self._snapshot, resolutions)

    def explain(self, cell: int | str, variable: str, time: object = None) -> Explanation:
        """Say where the value of a cell comes from.

        Parameters
        ----------
        cell : int or str
            H3 cell of the storage resolution or coarser, as number or hexadecimal text.
        variable : str
            Variable of the cube.
        time : str, datetime, timedelta or int, optional
            A time of the clock, or the number of a step; the first step with a value if left out.

        Returns
        -------
        Explanation
            The value, the source rows with their shares, and every step that moved them.

        Raises
        ------
        UnknownNameError
            If the variable or the cell is not in this twin.
        """
        known = self._variable(variable)
        return explain(self._snapshot, known, self.layers[known.layer], cell=cell, time=time)

    def explain_feature(self, layer: str, row: int) -> Whereabouts:
        """Say why a feature is where it is.

        Parameters
        ----------
        layer : str
            Name of the layer.
        row : int
            Number of the feature, as in `features`.

        Returns
        -------
        Whereabouts
            What was published, what moved it and how far, how far it may be off, and into which cells it went.

        Raises
        ------
        UnknownNameError
            If there is no such layer or feature, or the layer is a raster.
        """
        info = self._layer(layer)
        if not self.has_features(layer):
            raise UnknownNameError(f"layer {layer!r} is a raster and has no features: ask `explain()` for its cells")
        return explain_feature(self._snapshot, info, row)

    def verify(self) -> list[str]:
        """Compare every stored file, records of builds and baked tiles with the hashes kept when they were written.

        Returns
        -------
        list of str
            One line a fault; empty if all is whole.
        """
        return [*self._snapshot.faults(), *damaged_runs(self.path), *faults_of_tiles(self.path, self.snapshot)]

    def as_of(self, moment: str | datetime | date) -> Twin:
        """Return the twin as it was at a recorded time.

        Parameters
        ----------
        moment : str, datetime or date
            ISO 8601; a date alone means the end of that day, a time without zone is UTC.

        Returns
        -------
        Twin
            Of the snapshot that was the current one then.

        Raises
        ------
        TwinNotFoundError
            If nothing had been built then, or the snapshot was removed since.
        """
        return open(self.path, snapshot=snapshot_as_of(self.path, moment))

    def correct(
        self, manifest: str | Path, correction: Correction, *, workers: int = 2, watcher: Watcher | None = None
    ) -> Twin:
        """Correct a definition of this twin, and build only what it touches; this object stays as it is.

        Parameters
        ----------
        manifest : str or Path
            The ``city.yaml`` that it was built of; the correction is written into it.
        correction : Correction
            What was found out.
        workers : int, optional
            Worker processes; 0 works in this process.
        watcher : Watcher, optional
            Is told how the build goes on.

        Returns
        -------
        Twin
            The same folder at its new snapshot, as `twin.correct` makes it.

        Raises
        ------
        ManifestError
            If the correction is none. The file is as it was.
        BuildError
            If it cannot be carried out. The file is as it was.
        UnknownNameError
            If there is no such dataset, or the file is that of another city.
        """
        city = read_manifest(manifest).spec.city
        if city != self.name:
            raise UnknownNameError(f"{manifest} is of the city {city!r}, this twin is of {self.name!r}: name its file")
        (how,) = _CORRECT
        return how(manifest, correction, out=self.path, workers=workers, watcher=watcher)

    def changes_since(self, former: Twin) -> Difference:
        """Compare with a former state.

        Parameters
        ----------
        former : Twin
            The same city, another snapshot.

        Returns
        -------
        Difference
            Layers that tell something else, variables, and how many of their cells have other values.
        """
        return difference(former._snapshot, self._snapshot)


_CORRECT: list[Callable[..., Twin]] = []


def enter_correct(how: Callable[..., Twin]) -> None:
    """Enter what corrects definitions: it builds, and so stands above what is built.

    Parameters
    ----------
    how : callable
        `twin.corrections.writing.correct`.
    """
    _CORRECT[:] = [how]


def open(path: str | Path, *, snapshot: str | None = None) -> Twin:  # noqa: A001 - twin.open reads as it should
    """Open a twin.

    Parameters
    ----------
    path : str or Path
        Its folder.
    snapshot : str, optional
        Id of a former snapshot; the current one if left out.

    Returns
    -------
    Twin
        Read only.

    Raises
    ------
    TwinNotFoundError
        If the folder is no twin.
    """
    path = Path(path)
    return Twin(path, open_snapshot(path, snapshot=snapshot))
