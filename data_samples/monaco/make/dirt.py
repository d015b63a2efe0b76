"""Plants known dirt into a copy of the city: duplicates, gaps, impossible values, swapped axes, rows in another frame.

Which row was spoiled how is kept in ``truth/dirt.parquet`` (dataset, row in the spoiled file, kind, what was done);
the other truths are renumbered, so that they still say where each row truly is.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from data_samples.monaco.make import write
from data_samples.monaco.make.frames import PARIS_GRAD, to_dms, to_frame, to_nmea

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KINDS = ("duplicate", "missing", "out_of_range", "swapped", "other_frame")
Columns = dict[str, list[object]]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one dataset is spoiled.

    Parameters
    ----------
    file : str
        Name in ``raw/``.
    position : tuple of str
        The two columns that a careless export swaps; the first is blanked where a position goes missing.
    value : str
        Column that gets an impossible value.
    impossible : str
        That value.
    frame : str
        What the rows of the kind "other_frame" are written in.
    rewrite : callable
        From the spoiled rows, their true longitude and latitude to the columns written in that frame.
    """

    file: str
    position: tuple[str, str]
    value: str
    impossible: str
    frame: str
    rewrite: Callable[[pd.DataFrame, np.ndarray, np.ndarray], Columns]


def _ntf_degrees(lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Degrees from Greenwich in the NTF datum: the numbers look right and are 38 m off."""
    x, y = to_frame(lon, lat, "EPSG:4807")
    return (x + PARIS_GRAD) * 0.9, y * 0.9


def _detectors(rows: pd.DataFrame, _lon: np.ndarray, _lat: np.ndarray) -> Columns:
    return {"chainage_m": [f"{float(text) / 1000:.4f}" for text in rows["chainage_m"]]}


def _probes(_rows: pd.DataFrame, lon: np.ndarray, lat: np.ndarray) -> Columns:
    x, y = _ntf_degrees(lon, lat)
    return {"latitude": [to_nmea(v, 2) for v in y], "longitude": [to_nmea(v, 3) for v in x]}


def _air_stations(_rows: pd.DataFrame, lon: np.ndarray, lat: np.ndarray) -> Columns:
    x, y = _ntf_degrees(lon, lat)
    return {"latitude": [to_dms(v, "NS") for v in y], "longitude": [to_dms(v, "EW") for v in x]}


def _old_ntf(_rows: pd.DataFrame, lon: np.ndarray, lat: np.ndarray) -> Columns:
    return {"latitude_gr": [f"{v:.5f}" for v in lat], "longitude_paris_gr": [f"{v:.5f}" for v in lon]}


def _old_lambert(_rows: pd.DataFrame, lon: np.ndarray, lat: np.ndarray) -> Columns:
    x, y = to_frame(lon, lat, "EPSG:2154")
    return {"x_m": [f"{v:.1f}" for v in x], "y_m": [f"{v:.1f}" for v in y]}


RECIPES = {
    "detectors": Recipe(
        file="detectors.csv.gz", position=("street_id", "chainage_m"), value="speed_kmh", impossible="-999",
        frame="chainage in kilometres", rewrite=_detectors,
    ),
    "probes": Recipe(
        file="probes.csv.gz", position=("latitude", "longitude"), value="probe_speed_kmh", impossible="655.35",
        frame="NTF, degrees and minutes from Greenwich", rewrite=_probes,
    ),
    "air_stations": Recipe(
        file="air_stations.csv", position=("latitude", "longitude"), value="no2", impossible="-999",
        frame="NTF, degrees, minutes and seconds from Greenwich", rewrite=_air_stations,
    ),
    "old_sites_ntf": Recipe(
        file="old_sites_ntf.csv", position=("latitude_gr", "longitude_paris_gr"), value="set_up", impossible="9999",
        frame="WGS 84 degrees from Greenwich", rewrite=_old_ntf,
    ),
    "old_sites_lambert": Recipe(
        file="old_sites_lambert.csv", position=("x_m", "y_m"), value="set_up", impossible="9999",
        frame="EPSG:2154", rewrite=_old_lambert,
    ),
}  # fmt: skip


def spoiled_copy(city: Path, out: Path, *, rate: float, seed: int = 1) -> pd.DataFrame:
    """Copy a city and spoil a share of the rows of its tables and of its stops.

    Parameters
    ----------
    city : Path
        The clean city.
    out : Path
        Folder for the copy.
    rate : float
        Share of the rows of each dataset that is spoiled, 0 to 1; the five kinds get equal parts.
    seed : int
        Seed of the choice.

    Returns
    -------
    pandas.DataFrame
        Columns dataset, row (in the spoiled file, from 0), kind, detail; also kept as ``truth/dirt.parquet``.
    """
    if not 0.0 <= rate <= 1.0:
        raise ValueError(f"The rate of dirt is {rate}: give a share of rows from 0 to 1.")
    for folder in ("raw", "truth"):
        shutil.copytree(city / folder, out / folder, dirs_exist_ok=True)
    shutil.copy(city / "city.yaml", out / "city.yaml")
    notes = []
    for part, (name, recipe) in enumerate(RECIPES.items()):
        notes.append(_spoil_table(out, name, recipe, _Choice(rate, np.random.default_rng([seed, part]))))
    notes.append(_spoil_stops(out, _Choice(rate, np.random.default_rng([seed, len(RECIPES)]))))
    spoiled = pd.concat(notes, ignore_index=True)
    spoiled.to_parquet(out / "truth" / "dirt.parquet", index=False, compression="zstd")
    return spoiled


class _Choice:
    """Which rows are spoiled how; equal parts of each kind, give or take one."""

    def __init__(self, rate: float, rng: np.random.Generator) -> None:
        self._rate, self._rng = rate, rng

    def rows(self, count: int) -> dict[str, np.ndarray]:
        chosen = self._rng.permutation(count)[: round(self._rate * count)]
        return {kind: np.sort(chosen[number :: len(KINDS)]) for number, kind in enumerate(KINDS)}


def _spoil_table(out: Path, name: str, recipe: Recipe, choice: _Choice) -> pd.DataFrame:
    path = out / "raw" / recipe.file
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    truth = pd.read_parquet(out / "truth" / f"{name}.parquet")
    rows = choice.rows(len(table))
    first, second = recipe.position
    half = len(rows["missing"]) // 2
    table.loc[rows["missing"][:half], first] = ""
    table.loc[rows["missing"][half:], recipe.value] = ""
    table.loc[rows["out_of_range"], recipe.value] = recipe.impossible
    swapped = table.loc[rows["swapped"], [second, first]].to_numpy()
    table.loc[rows["swapped"], [first, second]] = swapped
    moved = truth.iloc[rows["other_frame"]]
    written = recipe.rewrite(table.loc[rows["other_frame"]], moved["lon"].to_numpy(), moved["lat"].to_numpy())
    for column, texts in written.items():
        table.loc[rows["other_frame"], column] = texts
    details = {
        "duplicate": "the row before, once more",
        "missing": f"{first} or {recipe.value} is blank",
        "out_of_range": f"{recipe.value} is {recipe.impossible}",
        "swapped": f"{first} and {second} are exchanged",
        "other_frame": recipe.frame,
    }
    order = _with_copies(len(table), rows["duplicate"])
    write.csv(table.iloc[order], path)
    _renumber(out, name, truth, order)
    return _notes(name, rows, details, order)


def _spoil_stops(out: Path, choice: _Choice) -> pd.DataFrame:
    """Spoil the GeoJSON of stops: no geometry, (0, 0), latitude first, and metres of Lambert-93."""
    path = out / "raw" / "stops.geojson"
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    truth = pd.read_parquet(out / "truth" / "stops.parquet")
    rows = choice.rows(len(features))
    x, y = to_frame(truth["lon"].to_numpy(), truth["lat"].to_numpy(), "EPSG:2154")
    for row in rows["missing"]:
        features[row]["geometry"] = None
    for row in rows["out_of_range"]:
        features[row]["geometry"]["coordinates"] = [0.0, 0.0]
    for row in rows["swapped"]:
        features[row]["geometry"]["coordinates"].reverse()
    for row in rows["other_frame"]:
        features[row]["geometry"]["coordinates"] = [round(float(x[row]), 2), round(float(y[row]), 2)]
    details = {
        "duplicate": "the feature before, once more",
        "missing": "geometry is null",
        "out_of_range": "coordinates are 0, 0",
        "swapped": "latitude first",
        "other_frame": "EPSG:2154",
    }
    order = _with_copies(len(features), rows["duplicate"])
    write.features([features[row] for row in order], path)
    _renumber(out, "stops", truth, order)
    return _notes("stops", rows, details, order)


def _with_copies(count: int, copied: np.ndarray) -> np.ndarray:
    """Old row of each new row, where a copy follows its original."""
    return np.sort(np.concatenate([np.arange(count), copied]))


def _renumber(out: Path, name: str, truth: pd.DataFrame, order: np.ndarray) -> None:
    kept = truth.iloc[order]
    write.truth(kept["lon"].to_numpy(), kept["lat"].to_numpy(), out / "truth" / f"{name}.parquet")


def _notes(name: str, rows: dict[str, np.ndarray], details: dict[str, str], order: np.ndarray) -> pd.DataFrame:
    tables = []
    for kind, old in rows.items():
        side = "right" if kind == "duplicate" else "left"  # of the two equal rows the second is the copy
        new = np.searchsorted(order, old, side=side) - (kind == "duplicate")
        tables.append(pd.DataFrame({"dataset": name, "row": new, "kind": kind, "detail": details[kind]}))
    return pd.concat(tables).sort_values("row", kind="stable")
