"""Which features a question means, and what they come to: counts, sums, means, classes, volumes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from dashboards.errors import QuestionError
from dashboards.exploring.attributes import columns_of, texts_of
from dashboards.exploring.measuring import buffer_m, circle_around
from dashboards.exploring.questions import Circle, Condition, Near, Polygon, Question
from dashboards.exploring.search import fold
from dashboards.frame import CELLS
from twin.tiles.attributes import heights_m_of
from twin.tiles.readings import Kept

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dashboards.frames import FrameSource


@dataclass(frozen=True, kw_only=True, eq=False)
class Selection:
    """Features that a question means.

    Parameters
    ----------
    question : Question
        What was asked.
    table : geopandas.GeoDataFrame
        The features with their attributes and joined variables, indexed by source record.
    rows : ndarray of int
        Their positions in the table of the layer.
    total : int
        How many features the layer has.
    heights_m : ndarray of float
        Above ground; 0 where the layer does not stand up.
    """

    question: Question
    table: gpd.GeoDataFrame
    rows: "NDArray[np.int64]"
    total: int
    heights_m: "NDArray[np.float64]"

    def __len__(self) -> int:
        return len(self.rows)


class Selector:
    """Answers questions about one city.

    Parameters
    ----------
    source : FrameSource
        The city as views read it.
    """

    def __init__(self, source: "FrameSource") -> None:
        self.source = source
        self._tables, self._trees = Kept(16), Kept(16)

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers that can be asked, cells last."""
        city = self.source.city
        named = [name for name, info in city.layers.items() if info.features and city.has_features(name)]
        return (*named, CELLS) if self.source.readings.cell_variables else tuple(named)

    def table(self, question: Question) -> gpd.GeoDataFrame:
        """Give all features of the layer that is asked about, variables joined.

        Parameters
        ----------
        question : Question
            Its layer, variables, step and resolution matter.

        Returns
        -------
        geopandas.GeoDataFrame
            In longitude and latitude.

        Raises
        ------
        QuestionError
            If the city has no such layer or variable.
        """
        if question.layer not in self.layers:
            raise QuestionError(f"no layer {question.layer!r}; ask for one of {', '.join(self.layers)}")
        unknown = [name for name in question.variables if name not in self.source.city.variables]
        if unknown:
            raise QuestionError(f"no variable {unknown[0]!r}; there are {', '.join(self.source.city.variables)}")
        if question.layer == CELLS:
            return self._cells(question)
        table = self.source.readings.table(question.layer)
        if not question.variables:
            return table
        key = ("joined", question.layer, question.variables, question.step)
        return self._tables.get(key, lambda: self._joined(table, question))

    def select(self, question: Question) -> Selection:
        """Find the features that a question means.

        Parameters
        ----------
        question : Question
            Layer, region, conditions.

        Returns
        -------
        Selection
            In the order of the table.

        Raises
        ------
        QuestionError
            If it names a layer, variable or column that is not there.
        """
        table = self.table(question)
        kept = np.ones(len(table), dtype=bool)
        if question.rows is not None:
            kept[:] = False
            kept[[row for row in question.rows if row < len(table)]] = True
        if question.region is not None:
            kept &= self._inside(question, table)
        for condition in question.where:
            kept &= _holds(table, condition)
        rows = np.flatnonzero(kept)
        part = table.iloc[rows]
        heights = np.zeros(len(part))
        if question.layer != CELLS and self._stands(question.layer):
            heights = heights_m_of(part, self.source.city.layers[question.layer].show)
        return Selection(question=question, table=part, rows=rows, total=len(table), heights_m=heights)

    def region(self, region: Polygon | Circle | Near) -> shapely.Geometry:
        """Give a region as a shape.

        Parameters
        ----------
        region : Polygon, Circle or Near
            What was drawn, or a distance from features.

        Returns
        -------
        shapely.Geometry
            In degrees.

        Raises
        ------
        QuestionError
            If it names a layer or rows that are not there.
        """
        if isinstance(region, Polygon):
            return shapely.make_valid(shapely.Polygon(region.ring))
        if isinstance(region, Circle):
            return circle_around(*region.centre, region.radius_m)
        table = self.table(Question(layer=region.layer))
        rows = [row for row in region.rows if row < len(table)]
        if not rows:
            raise QuestionError(f"{region.layer} has no features {region.rows[:3]}: it has {len(table)}, from 0")
        return buffer_m(table.geometry.to_numpy()[rows], region.distance_m)

    def _inside(self, question: Question, table: gpd.GeoDataFrame) -> "NDArray[np.bool_]":
        if question.region is None:
            return np.ones(len(table), dtype=bool)
        shape = self.region(question.region)
        key = (question.layer, question.variables[:1] if question.layer == CELLS else (), question.resolution)
        tree = self._trees.get(key, lambda: shapely.STRtree(shapely.force_2d(table.geometry.to_numpy())))
        kept = np.zeros(len(table), dtype=bool)
        kept[tree.query(shape, predicate="intersects")] = True
        return kept

    def _stands(self, layer: str) -> bool:
        return str(self.source.city.layers[layer].show.get("as", "none")) == "buildings"

    def _joined(self, table: gpd.GeoDataFrame, question: Question) -> gpd.GeoDataFrame:
        columns = {}
        for name in question.variables:
            values = self.source.readings.on_features(question.layer, name)
            columns[name] = values[:, min(question.step, values.shape[1] - 1)]
        return table.assign(**columns)

    def _cells(self, question: Question) -> gpd.GeoDataFrame:
        """Make a table of cells with the values of a variable at a step."""
        readings = self.source.readings
        variable = next(iter(question.variables), readings.cell_variables[0])
        if variable not in readings.cell_variables:
            raise QuestionError(f"cells do not show {variable!r}; they show {', '.join(readings.cell_variables)}")
        finest = self.source.city.resolution
        resolution = min(question.resolution if question.resolution is not None else finest, finest)

        def made() -> gpd.GeoDataFrame:
            array = readings.values(variable, resolution)
            values = array.to_numpy().reshape(array.sizes["cell"], -1)
            cells = array["cell"].to_numpy().astype(np.uint64)
            columns = {
                "cell": [format(cell, "x") for cell in cells.tolist()],
                variable: values[:, min(question.step, values.shape[1] - 1)],
            }
            return gpd.GeoDataFrame(columns, geometry=readings.grid.boundaries(cells), crs="OGC:CRS84")

        return self._tables.get((CELLS, variable, resolution, question.step), made)


def _holds(table: gpd.GeoDataFrame, condition: Condition) -> "NDArray[np.bool_]":
    if condition.column not in columns_of(table):
        raise QuestionError(f"no attribute {condition.column!r}; there are {', '.join(columns_of(table))}")
    values = table[condition.column]
    kept = np.ones(len(table), dtype=bool)
    if condition.at_least is not None or condition.at_most is not None:
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
        kept &= ~np.isnan(numbers)
        kept &= numbers >= (-np.inf if condition.at_least is None else condition.at_least)
        kept &= numbers <= (np.inf if condition.at_most is None else condition.at_most)
    if condition.one_of is not None:
        kept &= np.isin(texts_of(values), list(condition.one_of))
    if condition.contains:
        wanted = fold(condition.contains)
        kept &= np.array([wanted in fold(text) for text in texts_of(values)], dtype=bool)
    return kept
