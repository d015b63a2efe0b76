"""Plants mistakes that people and machines make into a copy of the city, record by record, and keeps the truth.

Copies of a record, feet for metres, the wrong sign, exchanged axes, misspelt words, missing and impossible values.
``truth/mistakes.parquet`` of the copy says which cell was spoiled how (dataset, row in the spoiled file, kind, column,
what stood there and what stands there now), and its ``city.yaml`` how each may be mended.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from ruamel.yaml import YAML

from data_samples.monaco.make import write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FOOT_M = 0.3048
KINDS = ("duplicate", "feet", "sign", "swapped", "misspelt", "missing", "out_of_range")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_OTHER_SIDE = str.maketrans("NSEW", "SNWE")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one dataset is spoiled, and how its manifest says that it may be mended.

    Parameters
    ----------
    file : str
        Name in ``raw/``.
    columns : mapping of str to tuple of str
        Columns that each kind may fall on; both are changed for "swapped" and for "feet" of a position.
    impossible : str
        What an impossible value is.
    repairs : tuple
        The ``repairs:`` of the manifest.
    read_as : mapping of str to str
        Names under which the reader gives columns that it also makes itself.
    fields : mapping
        Added to the ``fields:`` of the manifest; ``allowed: clean`` stands for all words of the clean file.
    """

    file: str
    columns: Mapping[str, tuple[str, ...]]
    impossible: str = "9999"
    repairs: tuple[Any, ...] = ()
    fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    read_as: Mapping[str, str] = field(default_factory=dict)


_NO2 = {"unit": "ug/m3", "min": 0, "max": 500, "required": False}
RECIPES = {
    "streets": Recipe(
        file="streets.parquet",
        columns={
            "duplicate": (), "sign": ("length_m",), "misspelt": ("highway",), "missing": ("name", "lanes"),
            "out_of_range": ("speed_limit_kmh",),
        },
        impossible="999",
        repairs=(
            {"deduplicate": {}}, {"flip_sign": {"column": "length_m"}}, {"respell": {"column": "highway"}},
            {"withhold": {"column": "speed_limit_kmh"}},
        ),
        fields={"highway": {"allowed": "clean"}, "street_id": {"required": True, "kind": "text", "unique": True}},
    ),
    "buildings": Recipe(
        file="buildings.city.json",
        columns={
            "feet": ("height_m",), "sign": ("height_m",), "misspelt": ("function",), "missing": ("levels",),
            "out_of_range": ("levels",),
        },
        impossible="255",
        repairs=(
            {"feet_to_metres": {"column": "height_m_published", "related": "levels", "between": [2.4, 7.0]}},
            {"flip_sign": {"column": "height_m_published"}}, {"respell": {"column": "function"}},
            {"withhold": {"column": "levels"}},
        ),
        fields={"function": {"allowed": "clean"}, "height_m_published": {"unit": "m", "min": 0, "max": 250}},
        read_as={"height_m": "height_m_published"},
    ),
    "stops": Recipe(
        file="stops.geojson",
        columns={
            "duplicate": (), "sign": ("x", "y"), "swapped": ("x", "y"), "misspelt": ("kind",),
            "missing": ("name",),
        },
        repairs=({"deduplicate": {}}, "swap_axes", "flip_sign", {"respell": {"column": "kind"}}),
        fields={"kind": {"allowed": "clean"}},
    ),
    "detectors": Recipe(
        file="detectors.csv.gz",
        columns={
            "duplicate": (), "feet": ("chainage_m",), "sign": ("chainage_m",), "missing": ("speed_kmh", "flow_veh_h"),
            "out_of_range": ("speed_kmh",),
        },
        impossible="655.35",
        repairs=(
            {"deduplicate": {}}, {"feet_to_metres": {"column": "chainage_m", "by": "detector_id"}},
            {"flip_sign": {"column": "chainage_m"}}, {"withhold": {"column": "speed_kmh"}},
        ),
        fields={"speed_kmh": {"required": False}, "flow_veh_h": {"required": False}},
    ),
    "probes": Recipe(
        file="probes.csv.gz",
        columns={
            "duplicate": (), "sign": ("ns", "ew"), "swapped": ("latitude", "longitude"),
            "missing": ("probe_speed_kmh", "latitude"), "out_of_range": ("probe_speed_kmh",),
        },
        impossible="655.35",
        repairs=({"deduplicate": {}}, "swap_axes", "flip_sign", {"withhold": {"column": "probe_speed_kmh"}}),
        fields={"probe_speed_kmh": {"required": False}},
    ),
    "air_stations": Recipe(
        file="air_stations.csv",
        columns={
            "duplicate": (), "sign": ("no2", "latitude", "longitude"), "swapped": ("latitude", "longitude"),
            "misspelt": ("name",), "missing": ("no2", "pm25"), "out_of_range": ("no2",),
        },
        impossible="-9999",
        repairs=(
            {"deduplicate": {"key": ["station_id", "time"]}}, "swap_axes", "flip_sign",
            {"flip_sign": {"column": "no2"}}, {"respell": {"column": "name"}}, {"withhold": {"column": "no2"}},
        ),
        fields={"name": {"allowed": "clean"}, "no2": _NO2, "pm25": {"required": False}},
    ),
    "old_sites_ntf": Recipe(
        file="old_sites_ntf.csv",
        columns={
            "duplicate": (), "sign": ("longitude_paris_gr",), "swapped": ("latitude_gr", "longitude_paris_gr"),
            "misspelt": ("quarter",), "missing": ("no2_then",), "out_of_range": ("no2_then",),
        },
        repairs=(
            {"deduplicate": {}}, "swap_axes", "flip_sign", {"respell": {"column": "quarter"}},
            {"withhold": {"column": "no2_then"}},
        ),
        fields={"quarter": {"allowed": "clean"}, "no2_then": _NO2},
    ),
    "old_sites_lambert": Recipe(
        file="old_sites_lambert.csv",
        columns={
            "duplicate": (), "feet": ("x_m", "y_m"), "sign": ("x_m", "y_m"), "swapped": ("x_m", "y_m"),
            "misspelt": ("quarter",), "missing": ("no2_then",), "out_of_range": ("no2_then",),
        },
        repairs=(
            {"deduplicate": {}}, "swap_axes", "flip_sign", "feet_to_metres", {"respell": {"column": "quarter"}},
            {"withhold": {"column": "no2_then"}},
        ),
        fields={"quarter": {"allowed": "clean"}, "no2_then": _NO2},
    ),
}  # fmt: skip


def mistaken_copy(city: Path, out: Path, *, rate: float, seed: int = 1) -> pd.DataFrame:
    """Copy a city and spoil a share of the records of eight of its datasets.

    Parameters
    ----------
    city : Path
        The clean city.
    out : Path
        Folder for the copy.
    rate : float
        Share of the records of each dataset that is spoiled, 0 to 1; its kinds get equal parts.
    seed : int
        Seed of the choice.

    Returns
    -------
    pandas.DataFrame
        Columns dataset, row (in the spoiled file, from 0), kind, column, before, after; also kept as
        ``truth/mistakes.parquet``. A copy has no column; the later of the two is listed.
    """
    if not 0.0 <= rate <= 1.0:
        raise ValueError(f"The rate of mistakes is {rate}: give a share of records from 0 to 1.")
    shutil.copytree(city / "raw", out / "raw", dirs_exist_ok=True)
    (out / "truth").mkdir(parents=True, exist_ok=True)
    notes, allowed = [], {}
    for part, (name, recipe) in enumerate(RECIPES.items()):
        table = _read(out / "raw" / recipe.file)
        allowed[name] = {
            column: sorted(table[column].dropna().unique().tolist())
            for column, told in recipe.fields.items()
            if told.get("allowed") == "clean"
        }
        spoiled, noted = _spoil(table, recipe, rate, np.random.default_rng([seed, part]))
        _write(spoiled, out / "raw" / recipe.file)
        notes.append(noted.assign(dataset=name))
    _write_manifest(city / "city.yaml", out / "city.yaml", allowed)
    truth = pd.concat(notes, ignore_index=True)[["dataset", "row", "kind", "column", "before", "after"]]
    truth.to_parquet(out / "truth" / "mistakes.parquet", index=False, compression="zstd")
    return truth


def _read(path: Path) -> pd.DataFrame:
    """Read any of the files as a table; points of GeoJSON become the columns x and y, the rest of a record is kept."""
    if path.suffix == ".parquet":
        return pd.DataFrame(gpd.read_parquet(path))
    if path.name.endswith(".city.json"):
        tree = json.loads(path.read_text(encoding="utf-8"))
        return pd.DataFrame({key: item["attributes"] for key, item in tree["CityObjects"].items()}).T.infer_objects()
    if path.suffix == ".geojson":
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        table = pd.DataFrame([item["properties"] for item in features])
        xy = np.array([item["geometry"]["coordinates"] for item in features])
        return table.assign(x=xy[:, 0], y=xy[:, 1])
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _write(table: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".parquet":
        write.geoparquet(gpd.GeoDataFrame(table, geometry="geometry", crs="OGC:CRS84"), path)
    elif path.name.endswith(".city.json"):
        tree = json.loads(path.read_text(encoding="utf-8"))
        for (key, item), values in zip(tree["CityObjects"].items(), table.to_dict(orient="records"), strict=True):
            kept = {name: value for name, value in values.items() if not pd.isna(value)}
            tree["CityObjects"][key] = {**item, "attributes": kept}
        path.write_text(json.dumps(tree, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    elif path.suffix == ".geojson":
        points = shapely.points(table[["x", "y"]].to_numpy(dtype=np.float64))
        frame = gpd.GeoDataFrame(table.drop(columns=["x", "y"]), geometry=points, crs="OGC:CRS84")
        write.geojson(frame, path)
    else:
        write.csv(table, path)


def _spoil(
    table: pd.DataFrame, recipe: Recipe, rate: float, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Spoil the chosen rows in turn by each kind, then put the copies in."""
    spoiled = table.astype({column: object for columns in recipe.columns.values() for column in columns})
    chosen = rng.permutation(len(table))[: round(rate * len(table))]
    notes: list[tuple[int, str, str, object, object]] = []
    copied = np.empty(0, dtype=np.int64)
    for number, kind in enumerate(recipe.columns):
        rows = np.sort(chosen[number :: len(recipe.columns)])
        if kind == "duplicate":
            copied = rows
            continue
        for place in rows.tolist():
            for column, value in _changes(spoiled.iloc[place], kind, recipe, rng).items():
                before = spoiled.iloc[place, spoiled.columns.get_loc(column)]
                notes.append((place, kind, column, before, value))
                spoiled.iloc[place, spoiled.columns.get_loc(column)] = value
    order = np.sort(np.concatenate([np.arange(len(table)), copied]))
    noted = pd.DataFrame(notes, columns=["row", "kind", "column", "before", "after"])
    noted["row"] = np.searchsorted(order, noted["row"].to_numpy(dtype=np.int64))
    copies = pd.DataFrame({"row": np.searchsorted(order, copied, side="right") - 1, "kind": "duplicate", "column": ""})
    noted["column"] = noted["column"].replace(dict(recipe.read_as))
    texts = {name: noted[name].map(_as_text) for name in ("before", "after")}
    done = pd.concat([noted.assign(**texts), copies], ignore_index=True).astype({"row": "int64"})
    back = {name: kind for name, kind in table.dtypes.items() if pd.api.types.is_float_dtype(kind)}
    return spoiled.astype(back).iloc[order].reset_index(drop=True), done


def _as_text(value: object) -> str | None:
    return None if pd.isna(value) else str(value)


def _changes(record: pd.Series, kind: str, recipe: Recipe, rng: np.random.Generator) -> dict[str, object]:
    """Return the new values of one record; nothing where there is nothing to spoil."""
    columns = recipe.columns[kind]
    column = columns[int(rng.integers(len(columns)))]
    value = record[column]
    if kind == "swapped":
        return {columns[0]: record[columns[1]], columns[1]: record[columns[0]]}
    if pd.isna(value) or value == "":
        return {}
    is_text = isinstance(value, str)
    if kind == "feet":
        feet = {name: round(float(record[name]) / FOOT_M, 4) for name in (columns if len(columns) == 2 else (column,))}
        return {name: f"{number:.4f}" if is_text else number for name, number in feet.items()}
    made: dict[str, object] = {
        "sign": _opposite(value) if is_text else -value if kind == "sign" else None,
        "misspelt": _misspelt(str(value), rng) if kind == "misspelt" else None,
        "missing": "" if is_text and ".csv" in recipe.file else None,
        "out_of_range": recipe.impossible if is_text else float(recipe.impossible),
    }
    return {column: made[kind]}


def _opposite(value: str) -> str:
    return value.translate(_OTHER_SIDE) if set(value) & set("NSEW") else f"-{value}"


def _misspelt(word: str, rng: np.random.Generator) -> str:
    """Make one slip of the fingers: two letters exchanged, one left out, doubled or replaced."""
    place = int(rng.integers(len(word) - 1))
    slips = (
        word[:place] + word[place + 1] + word[place] + word[place + 2 :],
        word[:place] + word[place + 1 :],
        word[:place] + word[place] + word[place:],
        word[:place] + _LETTERS[int(rng.integers(len(_LETTERS)))] + word[place + 1 :],
    )
    slip = slips[int(rng.integers(len(slips)))]
    return slip if slip != word else word + word[-1]


def _write_manifest(clean: Path, spoiled: Path, allowed: Mapping[str, Mapping[str, list[str]]]) -> None:
    yaml = YAML(typ="rt", pure=True)
    tree = yaml.load(clean.read_text(encoding="utf-8"))
    for entry in tree["datasets"].values():
        entry.pop("truth", None)
    for name, recipe in RECIPES.items():
        entry = tree["datasets"][name]
        entry["repairs"] = list(recipe.repairs)
        fields = entry.setdefault("fields", {})
        for column, told in recipe.fields.items():
            words = {**told, "allowed": allowed[name][column]} if column in allowed[name] else told
            fields[column] = {**fields.get(column, {}), **words}
    with spoiled.open("w", encoding="utf-8") as stream:
        yaml.dump(tree, stream)
