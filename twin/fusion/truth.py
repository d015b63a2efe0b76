"""Where records truly are: read, laid beside where the engine, an oracle and a naive reader put them, and kept.

A record that even the oracle cannot read is held against its true place: who does not place it is wrong.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

import crs
import layers
from crs.units import is_angle
from twin.detection.finding import position_to_read
from twin.errors import TruthError
from twin.fusion.naive import city_plane, naive_geometry
from twin.fusion.report import FusionReport, Placements, measure_fusion
from twin.fusion.targets import Targets
from twin.manifest.files import rooted
from twin.steps.place import read_options
from twin.steps.placed import read_placed
from twin.store import canonical_json, write_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from twin.manifest.models import TruthSpec
    from twin.manifest.reading import Manifest
    from twin.storage.snapshot import Snapshot

    Points = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
    Rows = npt.NDArray[np.int64]

_FRAME = "OGC:CRS84"
_LINES = (1, 5)
_NOT_SELECTED = "not_selected"


def anchors(geometry: npt.NDArray[np.object_]) -> Points:
    """Return the one point that stands for each geometry: itself, the middle of a line, the centroid of an area.

    Parameters
    ----------
    geometry : ndarray of shapely geometries
        In longitude and latitude, shape (n,).

    Returns
    -------
    lon, lat : ndarray of float64
        Degrees; NaN where there is no geometry.
    """
    flat = shapely.force_2d(geometry)
    lines = np.isin(shapely.get_type_id(flat), _LINES)
    points = shapely.centroid(flat)
    points[lines] = shapely.line_interpolate_point(flat[lines], 0.5, normalized=True)
    return shapely.get_x(points), shapely.get_y(points)


def make_truth(manifest: Manifest, name: str, placed: Path, *, references: Mapping[str, Path], folder: Path) -> None:
    """Lay the true places of a dataset beside where its records were put.

    Parameters
    ----------
    manifest : Manifest
        The city.
    name : str
        Which dataset; its entry says ``truth``.
    placed : Path
        Folder of its ``place`` step.
    references : mapping
        Folders of the ``place`` steps of the datasets that its positions refer to.
    folder : Path
        Where to write.

    Raises
    ------
    TruthError
        If the truth does not fit the records.
    """
    dataset, area = manifest.spec.datasets[name], manifest.spec.area
    spec = dataset.truth
    ours, known = read_placed(placed), {other: read_placed(place) for other, place in references.items()}
    published = _as_truly_meant(manifest, name)
    if spec is None or not isinstance(published, layers.Layer) or not isinstance(ours, layers.Layer):
        raise TruthError(f"{name}: a raster has no records that stand somewhere; remove `truth:`")
    truth = _true_places(name, spec, manifest.root, published)
    rows = truth["row"].to_numpy(dtype=np.int64)
    plane = manifest.spec.fusion.plane or city_plane(area)
    naively = naive_geometry(published, published.position, plane=plane, references=known)
    at = {"truth": (truth["lon"].to_numpy(dtype=np.float64), truth["lat"].to_numpy(dtype=np.float64))}
    at["ours"] = _at(rows, ours.table.index, ours.geometry)
    at["naive"] = _at(rows, published.table.index, naively)
    told = None if spec.definitions is None else truth["definition"].astype("str").to_numpy(dtype=object)
    at["oracle"] = _oracle(rows, published, told, references=known, truth=at["truth"])
    columns = {
        f"{way}_{axis}": part for way, pair in at.items() for axis, part in zip(("lon", "lat"), pair, strict=True)
    }
    sigma_m = pd.Series(ours.sigma_m, index=ours.table.index).reindex(rows).fillna(published.position.sigma_m)
    write_table(folder / "fusion.parquet", pd.DataFrame({"row": rows, **columns, "sigma_m": sigma_m.to_numpy()}))
    (folder / "truth.json").write_bytes(canonical_json({"note": _note(name, spec, published, len(rows))}))


def _as_truly_meant(manifest: Manifest, name: str) -> layers.Layer | layers.RasterLayer:
    """Read a dataset by its true definition, whatever it declares itself; by none where that is not known."""
    dataset = manifest.spec.datasets[name]
    stated = None if dataset.truth is None else dataset.truth.position
    position, options = position_to_read(manifest, name), read_options(dataset, manifest)
    if stated is not None:
        position, options = rooted(stated, manifest.root), dataclasses.replace(options, trust="declared")
    files = list(dataset.path) if len(dataset.path) > 1 else dataset.path[0]
    return layers.read(files, position=position, domain=dataset.domain, name=name, options=options)


def _is_known(position: crs.PositionDefinition) -> bool:
    return position.kind != "coordinates" or position.crs is not None


def _oracle(
    rows: Rows,
    published: layers.Layer,
    told: npt.NDArray[np.object_] | None,
    *,
    references: Mapping[str, Any],
    truth: Points,
) -> Points:
    """Return where the true definitions put records, their true places where these cannot read them."""
    parts = {None: np.ones(rows.size, dtype=bool)} if told is None else {text: told == text for text in set(told)}
    if told is None and not _is_known(published.position):
        return np.full(rows.size, np.nan), np.full(rows.size, np.nan)
    lon, lat = truth[0].copy(), truth[1].copy()
    for text, chosen in parts.items():
        meant = crs.harmonise(_in_frame(published, text), target=_FRAME, references=references)
        found = _at(rows[chosen], meant.table.index, meant.geometry)
        read = ~np.isnan(found[0])
        lon[np.flatnonzero(chosen)[read]], lat[np.flatnonzero(chosen)[read]] = found[0][read], found[1][read]
    return lon, lat


def _in_frame(published: layers.Layer, text: str | None) -> layers.Layer:
    """Let the numbers of a layer, as they are written, be in another frame."""
    if text is None:
        return published
    frame, written = crs.definition(text), published.position
    same = written.crs is not None and is_angle(frame.unit) == is_angle(written.unit)
    unit = written.unit if same else frame.unit
    return dataclasses.replace(
        published, position=dataclasses.replace(written, name=frame.name, crs=frame.crs, unit=unit)
    )


def _note(name: str, spec: TruthSpec, published: layers.Layer, number: int) -> str:
    what = f"{number:,} check points" if spec.key is not None else f"{number:,} records of known place"
    if spec.definitions is not None:
        return f"{name}: {what}; the oracle reads each by its own definition."
    if not _is_known(published.position):
        return f"{name}: {what}; D is not known: no `position:` under `truth:` says how they are truly meant."
    how = "as declared" if spec.position is None else "as the truth says"
    return f"{name}: {what}; the oracle reads {published.position.name} ({how})."


def _at(rows: Rows, index: pd.Index[Any], geometry: npt.NDArray[np.object_]) -> Points:
    """Return where the records of these numbers stand, NaN where they do not."""
    lon, lat = anchors(geometry)
    frame = pd.DataFrame({"lon": lon, "lat": lat}, index=index).reindex(rows)
    return frame["lon"].to_numpy(dtype=np.float64), frame["lat"].to_numpy(dtype=np.float64)


def _true_places(name: str, spec: TruthSpec, root: Path, published: layers.Layer) -> pd.DataFrame:
    """Return row, lon and lat of every record whose place is known and that was not left out on purpose."""
    told = spec.key or spec.row
    table = _read_table(root / spec.path)
    named = {"told": told, "lon": spec.lon, "lat": spec.lat}
    named |= {} if spec.definitions is None else {"definition": spec.definitions}
    absent = [column for column in named.values() if column not in table]
    if absent:
        raise TruthError(f"{name}: {spec.path} has no column {absent[0]!r}; it has {', '.join(map(str, table))}")
    table = table[list(named.values())].set_axis(list(named), axis=1)
    table = table.assign(lon=pd.to_numeric(table["lon"]), lat=pd.to_numeric(table["lat"])).dropna()
    outside = (table["lon"].abs() > 180.0) | (table["lat"].abs() > 90.0)
    if outside.any() or table["told"].duplicated().any():
        bad = table[outside | table["told"].duplicated()].iloc[0]
        fault = "is not in degrees" if outside.any() else "stands there twice"
        raise TruthError(f"{name}: {spec.path}: {told} {bad['told']!r} {fault}; write each once, lon and lat in WGS 84")
    table = table.assign(row=_rows_of(name, spec, table["told"], published))
    rejected = published.ledger.rejected
    left_out = rejected.loc[rejected["reason"].str.startswith(_NOT_SELECTED), "row"]
    return table[~table["row"].isin(left_out)].sort_values("row").drop(columns="told")


def _read_table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise TruthError(f"{path.name} cannot be read as a table ({error}); give CSV or Parquet") from None


def _rows_of(name: str, spec: TruthSpec, told: pd.Series[Any], published: layers.Layer) -> Rows:
    """Return the number of the record that each line of a truth is about; of a name's records the first."""
    if spec.key is None:
        rows = told.to_numpy(dtype=np.int64)
        if rows.size and not 0 <= rows.min() <= rows.max() < published.ledger.records_in:
            raise TruthError(
                f"{name}: {spec.path} speaks of row {rows.max()}, but {published.ledger.records_in:,} records came in, "
                "counted from 0"
            )
        return rows
    aside = (published.ledger.quarantined, published.ledger.rejected)
    parts = [frame.set_index("row")[spec.key] for frame in aside if spec.key in frame]
    if spec.key in published.table:
        parts.append(published.table[spec.key])
    if not parts:
        raise TruthError(f"{name}: no record has a column {spec.key!r}, which `truth:` names as key")
    names = pd.concat([part.astype("str") for part in parts]).sort_index(kind="stable")
    first = pd.Series(names.index, index=names.to_numpy()).groupby(level=0).first()
    found = first.reindex(told.astype("str").to_numpy())
    if found.isna().any():
        missing = found.index[found.isna()][0]
        raise TruthError(f"{name}: {spec.path} names {missing!r}, but no record has it as {spec.key}; remove that line")
    return found.to_numpy(dtype=np.int64)


def fusion_of(snapshot: Snapshot, resolutions: Sequence[int] | None = None) -> FusionReport:
    """Measure the fusion error of a snapshot.

    Parameters
    ----------
    snapshot : Snapshot
        Of a city that states truth.
    resolutions : sequence of int, optional
        H3 resolutions; 8 to 11, as far as the city is stored, if left out.

    Returns
    -------
    FusionReport
        Of all layers whose true places were given.

    Raises
    ------
    TruthError
        If none was.
    """
    tree = snapshot.manifest.get("fusion")
    if tree is None:
        raise TruthError(
            "this city states no truth: write `truth: truth/NAME.parquet` (row, lon, lat) under a dataset, or "
            "`truth: {path: checks.csv, key: NAME}` with a few dozen check points, and build again"
        )
    storage = int(snapshot.manifest["resolution"])
    wanted = [level for level in tree["resolutions"] if level <= storage] or [storage]
    placements = []
    for name in tree["layers"]:
        frame = snapshot.table(f"fusion/{name}.parquet").to_pandas()
        at = {
            way: (frame[f"{way}_lon"].to_numpy(), frame[f"{way}_lat"].to_numpy())
            for way in ("naive", "ours", "oracle", "truth")
        }
        placements.append(
            Placements(
                layer=name,
                ways={way: at[way] for way in ("naive", "ours")},
                oracle=at["oracle"],
                truth=at["truth"],
                sigma_m=frame["sigma_m"].to_numpy(),
            )
        )
    shapes = {
        kind: None if tree[kind] is None else snapshot.features(tree[kind]).geometry.to_numpy()
        for kind in ("links", "buildings")
    }
    return measure_fusion(
        placements,
        resolutions=list(resolutions) if resolutions is not None else wanted,
        storage=storage,
        targets=Targets(**shapes),
        notes=[*tree["notes"], f"Naive: degrees as WGS 84, metres as {tree['plane']}, chainages at posts of 100 m."],
    )


def read_note(folder: Path) -> str:
    """Return what a truth step says of itself.

    Parameters
    ----------
    folder : Path
        Folder of the step.

    Returns
    -------
    str
        One sentence.
    """
    return str(json.loads((folder / "truth.json").read_bytes())["note"])
