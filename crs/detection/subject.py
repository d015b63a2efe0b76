"""What is judged: the numbers of a file, a sample of them, and where they should be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np
import shapely

from crs.coordinates import Fields, Lattice, Positioned, Shapes
from crs.entries import Area
from crs.equivalence import equivalent
from crs.errors import DefinitionError, ReferenceNotHarmonisedError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from crs.coordinates import Coordinates, ObjectArray

__all__ = ["Region", "Subject", "region_of", "subject_of", "surroundings"]

#: So many distinct positions are judged at most: more of them tell nothing new about one definition of all.
_MOST_RECORDS = 400
#: A feed repeats the position of a station with every reading: so many rows are drawn to find that many distinct ones.
_MOST_ROWS = 50 * _MOST_RECORDS
#: With fewer gaps between numbers nothing is known of their steps; and how uneven these may be, in steps.
_MIN_GAPS, _UNEVEN = 6, 1e-3
#: The area about a reference, wider than the greatest shift of a map (BD-09, 1.5 km).
_MARGIN_DEG = 0.03


@dataclass(frozen=True, eq=False)
class Region:
    """Where the records should be.

    Parameters
    ----------
    box : Area
        What lies outside is nowhere.
    polygons : numpy.ndarray or None
        An administrative area in longitude and latitude, in which most of the records should be; None if unknown.
    """

    box: Area
    polygons: ObjectArray | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """A file whose definition is looked for.

    Parameters
    ----------
    name : str
        Of the file.
    fields : Fields
        All its positions as written, in two columns; of geometries, their vertices in order.
    rows : numpy.ndarray
        Which of them are in the sample, shape (n,), in the order drawn.
    sample : Fields
        Distinct positions drawn evenly from all, shape (n,), as plain arrays.
    columns : tuple of str
        Names of the two columns as far as they are known, else empty.
    declared : str or None
        The frame that the file declares: not believed, only compared.
    region : Region
        Where the records should be.
    frame : object
        What was handed over, for evidence that looks at its other columns.
    """

    name: str
    fields: Fields
    rows: NDArray[np.int64]
    sample: Fields
    columns: tuple[str, ...]
    declared: str | None
    region: Region
    frame: object

    def __len__(self) -> int:
        return len(self.sample)

    @cached_property
    def steps(self) -> tuple[float, float]:
        """What the last digit of each column is worth, in its own unit; 0 where its digits do not end, or are text."""
        first, second = (_step(column) for column in self.sample.columns)
        return first, second


def is_areal(frame: object) -> bool:
    """Say whether what is judged are areas.

    Parameters
    ----------
    frame : Positioned, Coordinates or tuple
        As it was handed over.

    Returns
    -------
    bool
        True if there are polygons, and nothing else.
    """
    coordinates = frame.coordinates if isinstance(frame, Positioned) else frame
    if not isinstance(coordinates, Shapes):
        return False
    dimensions = shapely.get_dimensions(coordinates.geometry)
    return bool((dimensions == 2).any() and (dimensions[dimensions >= 0] == 2).all())


def subject_of(
    frame: Positioned | Coordinates | tuple[ArrayLike, ArrayLike], region: Region, *, centroids: bool = False
) -> Subject:
    """Take positions of any form and draw the sample that is judged.

    Parameters
    ----------
    frame : Positioned, Fields, Shapes or tuple of array_like
        A layer, its coordinates, or two columns. Columns that can be sliced and have a shape stay where they are: only
        the drawn rows are read.
    region : Region
        Where the records should be.
    centroids : bool
        True to take areas by their centroids, as registers have them, and not by their vertices.

    Returns
    -------
    Subject
        With at most 400 distinct positions in its sample.

    Raises
    ------
    DefinitionError
        If the positions are not two columns or geometries.
    """
    name, columns, declared, coordinates = "positions", (), None, frame
    if not isinstance(frame, tuple | Fields | Shapes | Lattice):
        position = getattr(frame, "position", None)
        name, coordinates = frame.name, frame.coordinates
        columns = () if position is None else tuple(position.columns)
        declared = None if position is None else position.crs
    if centroids and isinstance(coordinates, Shapes):
        coordinates = Shapes(shapely.centroid(coordinates.geometry))
    fields = _fields(name, coordinates)
    rows, sample = _sampled(fields)
    return Subject(
        name=name,
        fields=fields,
        rows=rows,
        sample=sample,
        columns=columns if len(columns) == 2 else (),
        declared=declared,
        region=region,
        frame=frame,
    )


def _fields(name: str, coordinates: object) -> Fields:
    """Return two columns, without reading what need not be read."""
    if isinstance(coordinates, tuple):
        if len(coordinates) != 2:
            raise DefinitionError(f"positions are two columns (x, y), found {len(coordinates)}")
        return Fields((_column(coordinates[0]), _column(coordinates[1])))
    if isinstance(coordinates, Shapes):
        numbers = shapely.get_coordinates(coordinates.geometry)
        return Fields((numbers[:, 0], numbers[:, 1]))
    if not isinstance(coordinates, Fields) or len(coordinates.columns) != 2:
        raise DefinitionError(
            f"{name}: only positions in two columns, or geometries, can be judged; pass (x, y) as they are written"
        )
    return coordinates


def _step(column: NDArray[np.generic]) -> float:
    """Return the greatest step of which all numbers are multiples, 0 if there is none to speak of."""
    try:
        numbers = column.astype(np.float64)
    except ValueError:
        return 0.0
    levels = np.unique(numbers[np.isfinite(numbers)])
    gaps = np.diff(levels)
    if len(gaps) < _MIN_GAPS:
        return 0.0
    # The smallest gap, or a half or a third of it where no two records were neighbours on the grid.
    for part in (1.0, 2.0, 3.0):
        step = float(gaps.min()) / part
        multiples = (levels - levels[0]) / step
        if np.abs(multiples - np.rint(multiples)).max() < _UNEVEN * max(1.0, multiples[-1] ** 0.5):
            return step
    return 0.0


def _column(values: object) -> NDArray[np.generic]:
    """Return something that has rows: an array, or what behaves like one and is read in slices (zarr, HDF5)."""
    if hasattr(values, "to_numpy"):
        return np.asarray(values.to_numpy())
    if hasattr(values, "shape") and hasattr(values, "__getitem__"):
        return cast("NDArray[np.generic]", values)
    return np.asarray(values)


def _sampled(fields: Fields) -> tuple[NDArray[np.int64], Fields]:
    """Return distinct records, evenly drawn from all."""
    draw = np.random.default_rng(0)
    size = len(fields)
    drawn = draw.permutation(size) if size < _MOST_ROWS else draw.integers(0, size, _MOST_ROWS)
    # Slow columns want ascending rows, each once.
    rows = np.unique(drawn)
    read = [np.asarray(column[rows]).tolist() for column in fields.columns]
    distinct: dict[tuple[object, object], int] = {}
    for place in np.searchsorted(rows, drawn).tolist():
        pair = _plain(read[0][place]), _plain(read[1][place])
        if None not in pair:
            distinct.setdefault(pair, place)
        if len(distinct) == _MOST_RECORDS:
            break
    places = np.fromiter(distinct.values(), dtype=np.int64, count=len(distinct))
    return rows[places].astype(np.int64), Fields(tuple(_kept(column, places) for column in read))


def _kept(column: list[object], places: NDArray[np.int64]) -> NDArray[np.generic]:
    """Return the chosen values as an array of numbers, or of objects where one of them is text."""
    values = [column[place] for place in places.tolist()]
    if all(isinstance(value, int | float) for value in values):
        return np.array(values, dtype=np.float64) if any(map(_is_float, values)) else np.array(values, dtype=object)
    kept = np.empty(len(values), dtype=object)
    kept[:] = values
    return kept


def _is_float(value: object) -> bool:
    return isinstance(value, float)


def _plain(value: object) -> object:
    """Return a value, None for one that is missing."""
    return None if value is None or value != value else value  # noqa: PLR0124 (NaN alone differs from itself)


def surroundings(bounds: tuple[float, float, float, float]) -> Area:
    """Widen the bounds of something by more than the greatest shift of a map.

    Parameters
    ----------
    bounds : tuple of float
        West, south, east, north in degrees.

    Returns
    -------
    Area
        3.3 km wider to every side.
    """
    west, south, east, north = bounds
    wider = _MARGIN_DEG / max(0.1, float(np.cos(np.radians((south + north) / 2.0))))
    return Area(west - wider, south - _MARGIN_DEG, east + wider, north + _MARGIN_DEG)


def region_of(area: object, bounds: tuple[float, float, float, float] | None) -> Region:
    """Say where the records should be.

    Parameters
    ----------
    area : tuple of float, shapely geometry, Positioned or None
        West, south, east, north in degrees; or polygons of an administrative area, a layer of them included.
    bounds : tuple of float or None
        Of the reference, which decides where there is no area.

    Returns
    -------
    Region
        A box as it was given; about polygons and references one that is wider than the greatest shift of a map.

    Raises
    ------
    DefinitionError
        If there is neither area nor reference, or the area is no area.
    ReferenceNotHarmonisedError
        If a layer of areas is not in longitude and latitude.
    """
    if area is None:
        if bounds is None:
            raise DefinitionError(
                "numbers alone do not say where they are: pass reference= (a layer of the same kind of entity) or "
                "area=(west, south, east, north)"
            )
        return Region(surroundings(bounds))
    if isinstance(area, tuple | list) and len(area) == 4 and all(isinstance(part, int | float) for part in area):
        return Region(Area(*map(float, area)))
    polygons = _polygons(area)
    west, south, east, north = shapely.total_bounds(polygons).tolist()
    return Region(surroundings((west, south, east, north)), polygons)


def _polygons(area: object) -> ObjectArray:
    """Take the polygons of an area in any form."""
    shapes: object = area
    if isinstance(area, Positioned):
        if not isinstance(area.coordinates, Shapes) or not equivalent(area.position, "OGC:CRS84"):
            raise ReferenceNotHarmonisedError(
                f"area {area.name!r} is in {area.position.name}; pass crs.harmonise({area.name}), "
                "whose geometries are in longitude and latitude"
            )
        shapes = area.coordinates.geometry
    found = np.atleast_1d(np.asarray(shapes, dtype=object))
    if shapely.is_geometry(found).all() or isinstance(area, Positioned):
        polygons: ObjectArray = found[shapely.get_dimensions(found) == 2]
        if polygons.size:
            return polygons
    raise DefinitionError(
        f"area is {type(area).__name__} without a polygon; pass (west, south, east, north) in degrees, polygons in "
        "longitude and latitude, or a layer of them"
    )
