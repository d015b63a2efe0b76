"""``export()``: which writer a file's ending asks for, and one file that appears whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from twin.errors import ExportError, UnknownNameError
from twin.exporting.cityjson import write_cityjson
from twin.exporting.frames import cells_frame, features_frame
from twin.exporting.provenance import provenance_of
from twin.exporting.raster import write_geotiff
from twin.exporting.vectors import write_csv, write_geopackage, write_geoparquet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.model import Twin

__all__ = ["ENDINGS", "export"]

_WRITERS = {".parquet": write_geoparquet, ".gpkg": write_geopackage, ".csv": write_csv}
ENDINGS = (*_WRITERS, ".tif", ".city.json")
_LAYER = "layer:"


def export(
    city: Twin, what: str | Sequence[str], path: str | Path, *, resolution: int | None = None, time: object = None
) -> Path:
    """Write a layer or variables to a file of another program's format.

    Parameters
    ----------
    city : Twin
        Whose they are.
    what : str or sequence of str
        One layer, or one or more variables. What is both is taken as a variable, and as a layer by ``layer:NAME``.
    path : str or Path
        The file, which must not exist; its ending says the format: ``.parquet`` (GeoParquet), ``.gpkg`` (GeoPackage
        with a style), ``.csv`` (with a description beside it), ``.tif`` (COG of one variable), ``.city.json`` (a layer
        of footprints with heights).
    resolution : int, optional
        H3 resolution of variables; that of storage if left out.
    time : str, numpy.datetime64 or numpy.timedelta64, optional
        One step of the clock; all steps if left out, a row or a band each.

    Returns
    -------
    Path
        The file. Frame, units, owner, licence, level and the id of the snapshot travel inside.

    Raises
    ------
    UnknownNameError
        If there is no such layer, variable, resolution or step.
    ExportError
        If the file exists, its ending is unknown, or the format cannot hold what is asked for.
    """
    path = Path(path)
    asked = [what] if isinstance(what, str) else list(what)
    names = [name.removeprefix(_LAYER) for name in asked]
    variables = names == asked and bool(names) and all(name in city.variables for name in names)
    ending = next((one for one in ENDINGS if path.name.lower().endswith(one)), None)
    if ending is None:
        raise ExportError(f"{path.name}: no format has this ending; write one of {', '.join(ENDINGS)}")
    if path.exists():
        raise ExportError(f"{path} exists: nothing is overwritten; choose another name")
    if not variables and not (names and names[0] in city.layers):
        unknown = next((name for name in asked if name not in city.variables), "nothing")
        raise UnknownNameError(
            f"{city.name} has no layer or variable {unknown!r}; layers: {', '.join(city.layers)}; "
            f"variables: {', '.join(city.variables)}"
        )
    # Beside its place first: whoever looks finds a whole file or none. The ending stays, since drivers go by it.
    beside = path.with_name(f".{os.getpid()}.tmp.{path.name}")
    try:
        if variables:
            _write_variables(city, names, beside, ending, resolution=resolution, time=time)
        else:
            _write_layer(city, names, beside, ending)
        description = beside.with_name(f"{beside.name}-metadata.json")
        if description.exists():
            text = description.read_text(encoding="utf-8").replace(beside.name, path.name)
            path.with_name(f"{path.name}-metadata.json").write_text(text, encoding="utf-8")
            description.unlink()
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def _write_variables(
    city: Twin, names: list[str], path: Path, ending: str, *, resolution: int | None, time: object
) -> None:
    provenance = provenance_of(city, layers=(), variables=names)
    if ending == ".city.json":
        raise ExportError("CityJSON holds buildings, no cells: write variables as .tif, .gpkg, .parquet or .csv")
    if ending == ".tif":
        if len(names) > 1:
            raise ExportError(f"{len(names)} variables: a GeoTIFF holds one; write a file each")
        write_geotiff(city, names[0], path, provenance, resolution=resolution, time=time)
        return
    _WRITERS[ending](cells_frame(city, names, resolution=resolution, time=time), path, provenance)


def _write_layer(city: Twin, names: list[str], path: Path, ending: str) -> None:
    if len(names) > 1:
        raise ExportError(f"{', '.join(names)}: one layer a file; write them one by one")
    layer = names[0]
    if ending == ".tif":
        raise ExportError(f"{layer}: a layer of features is no raster; write its variables, or .gpkg")
    frame, provenance = features_frame(city, layer), provenance_of(city, layers=[layer])
    if ending == ".city.json":
        write_cityjson(city, frame, path, provenance)
        return
    _WRITERS[ending](frame, path, provenance)
