"""A section: what a line over the map cuts, and how high it stands."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from crs import geodesy
from dashboards.errors import QuestionError
from dashboards.exploring.questions import Drawing
from twin.tiles.attributes import heights_m_of, names_of

if TYPE_CHECKING:
    from dashboards.frames import FrameSource

_GROUND_COLUMNS = ("ground_m", "ground_z")
_SHORTEST_M = 0.05


def section(source: "FrameSource", drawing: Drawing) -> dict[str, Any]:
    """Cut the buildings of a city along a line.

    Parameters
    ----------
    source : FrameSource
        The city as views read it.
    drawing : Drawing
        The line.

    Returns
    -------
    dict
        ``length_m`` of the line and ``cuts``, by distance: ``from_m``, ``to_m`` along it, ``height_m`` above ground,
        ``ground_m`` (height of the ground as published, null where nobody says), ``name``, ``layer``, ``row``.

    Raises
    ------
    QuestionError
        If the line has one point only.
    """
    if len(drawing.positions) < 2:
        raise QuestionError("a section needs a line of two points or more")
    line = shapely.LineString(drawing.positions)
    lon, lat = np.array(drawing.positions).T
    plane = geodesy.local_projection(lon, lat, kind="equidistant")

    def to_metres(numbers: "np.ndarray[Any, np.dtype[np.float64]]") -> "np.ndarray[Any, np.dtype[np.float64]]":
        return np.column_stack(plane.forward(numbers[:, 0], numbers[:, 1]))

    path = shapely.transform(line, to_metres)
    cuts: list[dict[str, Any]] = []
    for layer in source.layers:
        if layer.kind != "buildings":
            continue
        table = source.readings.table(layer.id)
        shapes = shapely.force_2d(table.geometry.to_numpy())
        rows = np.flatnonzero(shapely.intersects(shapes, line))
        part = table.iloc[rows]
        heights, names = heights_m_of(part, source.city.layers[layer.id].show), names_of(part)
        grounds = _grounds(part)
        for place, shape in enumerate(shapely.transform(shapes[rows], to_metres)):
            for first_m, last_m in _stretches(path, shape):
                cuts.append(
                    {
                        "from_m": first_m,
                        "to_m": last_m,
                        "height_m": float(heights[place]),
                        "ground_m": float(grounds[place]),
                        "name": names[place],
                        "layer": layer.id,
                        "row": int(rows[place]),
                    }
                )
    return {"length_m": float(path.length), "cuts": sorted(cuts, key=lambda cut: cut["from_m"])}


def _stretches(path: shapely.LineString, shape: shapely.Geometry) -> list[tuple[float, float]]:
    """Give where a path, in metres along it, is inside a shape."""
    found = []
    for part in shapely.get_parts(shapely.intersection(path, shapely.make_valid(shape))):
        ends = shapely.line_locate_point(path, shapely.points(shapely.get_coordinates(part)))
        if ends.max() - ends.min() >= _SHORTEST_M:
            found.append((float(ends.min()), float(ends.max())))
    return found


def _grounds(table: pd.DataFrame) -> "np.ndarray[Any, np.dtype[np.float64]]":
    for column in _GROUND_COLUMNS:
        if column in table.columns:
            return pd.to_numeric(table[column], errors="coerce").to_numpy(dtype=float)
    return np.full(len(table), np.nan)
