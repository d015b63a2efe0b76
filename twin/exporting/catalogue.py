"""A STAC catalogue of a whole twin, with its files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.errors import ExportError
from twin.exporting.exports import export
from twin.exporting.provenance import provenance_of
from twin.storage.history import history
from twin.store import canonical_json, hash_file, new_folder

if TYPE_CHECKING:
    from twin.model import Twin

__all__ = ["export_catalogue"]

_VERSION = "1.1.0"
_PARQUET = "application/vnd.apache.parquet"


def export_catalogue(city: Twin, folder: str | Path, *, resolution: int | None = None) -> Path:
    """Write every layer and variable as GeoParquet, and a STAC catalogue that describes them.

    Parameters
    ----------
    city : Twin
        The twin.
    folder : str or Path
        Where to; it must not exist.
    resolution : int, optional
        H3 resolution of the variables; that of storage if left out.

    Returns
    -------
    Path
        The file ``catalog.json``. Links are relative, so that the folder can be moved and served.

    Raises
    ------
    ExportError
        If the folder exists.

    References
    ----------
    SpatioTemporal Asset Catalog 1.1.0, https://stacspec.org; file extension 2.1.0 for sizes and checksums.
    """
    folder = Path(folder)
    if folder.exists():
        raise ExportError(f"{folder} exists: nothing is overwritten; choose another name")
    recorded = next(
        (run.recorded for run in reversed(history(city.path)) if run.snapshot == city.snapshot), datetime.now(UTC)
    )
    with new_folder(folder) as place:
        items = [_item(city, name, place, recorded, resolution=None) for name in _with_features(city)]
        items += [_item(city, name, place, recorded, resolution=resolution) for name in city.variables]
        links = [_link("root", "./catalog.json"), *(_link("item", f"./{name}/{name}.json") for name in items)]
        catalogue = {
            "type": "Catalog",
            "stac_version": _VERSION,
            "id": f"{city.name}-{city.snapshot}",
            "title": city.title.get("en", city.name),
            "description": f"City Twin of {city.title.get('en', city.name)}, snapshot {city.snapshot}",
            "links": links,
        }
        (place / "catalog.json").write_bytes(canonical_json(catalogue))
    return folder / "catalog.json"


def _with_features(city: Twin) -> list[str]:
    return [name for name, info in city.layers.items() if info.features]


def _link(relation: str, place: str) -> dict[str, str]:
    return {"rel": relation, "href": place, "type": "application/json"}


def _item(city: Twin, name: str, place: Path, recorded: datetime, *, resolution: int | None) -> str:
    """Write one item with its file and return its id."""
    layer = name not in city.variables
    key = f"layer-{name}" if layer else name
    (place / key).mkdir()
    file = export(city, name, place / key / f"{key}.parquet", resolution=resolution)
    told = provenance_of(city, layers=[name] if layer else [], variables=[] if layer else [name]).to_json()
    west, south, east, north = city.area
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    about: Any = city.layers[name] if layer else city.variables[name]
    item = {
        "type": "Feature",
        "stac_version": _VERSION,
        "stac_extensions": ["https://stac-extensions.github.io/file/v2.1.0/schema.json"],
        "id": key,
        "bbox": [west, south, east, north],
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            "datetime": recorded.isoformat().replace("+00:00", "Z"),
            "title": about.title.get("en", name),
            "license": " AND ".join(told["licences"]) if len(told["licences"]) == 1 else "other",
            "city-twin": told,
        },
        "links": [_link("root", "../catalog.json"), _link("parent", "../catalog.json")],
        "assets": {
            "data": {
                "href": f"./{file.name}",
                "type": _PARQUET,
                "roles": ["data"],
                "file:size": file.stat().st_size,
                # A multihash: 12 for SHA-256, 20 for its 32 bytes.
                "file:checksum": f"1220{hash_file(file)}",
            }
        },
    }
    (place / key / f"{key}.json").write_bytes(canonical_json(item))
    return key
