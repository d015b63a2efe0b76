"""What is selected as a file of another program's format, with its provenance inside."""

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from dashboards.errors import QuestionError
from dashboards.exploring.selecting import Selection
from dashboards.frame import CELLS
from twin.exporting.provenance import Provenance, provenance_of
from twin.exporting.vectors import write_csv, write_geopackage, write_geoparquet

if TYPE_CHECKING:
    import geopandas as gpd

    from dashboards.frames import FrameSource

_WRITERS: Mapping[str, tuple[Callable[["gpd.GeoDataFrame", Path, Provenance], None], str, str]] = {
    "csv": (write_csv, ".zip", "application/zip"),
    "parquet": (write_geoparquet, ".parquet", "application/vnd.apache.parquet"),
    "gpkg": (write_geopackage, ".gpkg", "application/geopackage+sqlite3"),
}
FORMATS = tuple(_WRITERS)


def to_file(selection: Selection, source: "FrameSource", ending: str) -> tuple[bytes, str, str]:
    """Write a selection to a file.

    Parameters
    ----------
    selection : Selection
        What was selected.
    source : FrameSource
        The city as views read it.
    ending : {"csv", "parquet", "gpkg"}
        Format; CSV comes with its description (CSVW) in a ZIP.

    Returns
    -------
    body : bytes
        The file.
    name : str
        Its name.
    media : str
        Its media type.

    Raises
    ------
    QuestionError
        If the format is none of these, or nothing is selected.
    """
    if ending not in _WRITERS:
        raise QuestionError(f"no format {ending!r}; ask for one of {', '.join(FORMATS)}")
    if not len(selection):
        raise QuestionError("nothing is selected: select something, then export it")
    write, outer, media = _WRITERS[ending]
    question, city = selection.question, source.city
    layers = () if question.layer == CELLS else (question.layer,)
    variables = tuple(question.variables) or (source.readings.cell_variables[:1] if question.layer == CELLS else ())
    provenance = provenance_of(city, layers=layers, variables=variables)
    frame = selection.table.copy()
    if "row" not in frame.columns and question.layer != CELLS:
        frame.insert(0, "row", frame.index.to_numpy())
    moves = [name for name in variables if not city.variables[name].static]
    if moves:
        times = source.readings.times
        frame["time"] = str(times[min(question.step, len(times) - 1)].isoformat())
    stem = f"{city.name}-{question.layer}"
    with TemporaryDirectory(prefix="twin-export-") as folder:
        path = Path(folder) / f"{stem}.{ending}"
        write(frame.reset_index(drop=True), path, provenance)
        if ending != "csv":
            return path.read_bytes(), f"{stem}{outer}", media
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for part in sorted(Path(folder).iterdir()):
                archive.write(part, part.name)
        return packed.getvalue(), f"{stem}-csv{outer}", media
