"""City objects of any format: surfaces gathered object by object, and the table that is made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crs import CrsError, definition
from crs.units import conversion_factor
from layers.errors import SchemaError
from layers.readers.mesh import Mesh, to_footprints
from layers.readers.records import Records, geometry_faults, to_table
from layers.readers.shells import measure_shells
from layers.readers.triangles import keep_surfaces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from layers.options import ReadOptions

__all__ = [
    "CityObjects",
    "Gathered",
    "Surface",
    "city_records",
    "free_name",
    "highest_level",
    "metres_per_unit",
    "number_through",
    "triangle_mesh",
]

#: Columns that readers of city models measure or need; an attribute of that name is kept beside it.
_FRONT = ("id", "object_type", "lod", "parts")
_MEASURED = (
    "height_m",
    "ground_z",
    "footprint_from",
    "volume_m3",
    "roof_m2",
    "wall_m2",
    "shell_faults",
    "shell_repairs",
)
_OWN = frozenset({*_FRONT, *_MEASURED})


def free_name(name: str) -> str:
    """Return a name for an attribute that no measured column has.

    Parameters
    ----------
    name : str
        As published.

    Returns
    -------
    str
        The same, or with "_published" behind it.

    Examples
    --------
    >>> free_name("roofType"), free_name("height_m")
    ('roofType', 'height_m_published')
    """
    return f"{name}_published" if name in _OWN else name


def _level_order(lod: str) -> tuple[float, str]:
    """Order levels of detail: "2.2" is above "2"."""
    try:
        return float(lod), lod
    except ValueError:
        return -1.0, lod


def highest_level(levels: Sequence[str]) -> str:
    """Return the highest level of detail.

    Parameters
    ----------
    levels : sequence of str
        Of an object's geometries.

    Returns
    -------
    str
        "" where there is none.

    Examples
    --------
    >>> highest_level(["1", "2.2", "2"])
    '2.2'
    """
    return max(levels, key=_level_order, default="")


def metres_per_unit(options: ReadOptions, declared: str | None, label: str) -> float:
    """Find the unit of z: stated, or the metre of a frame in metres; never a guess between feet and metres.

    Parameters
    ----------
    options : ReadOptions
        ``height_unit`` comes first.
    declared : str or None
        The frame that the file declares.
    label : str
        For messages.

    Returns
    -------
    float
        Metres.

    Raises
    ------
    SchemaError
        If nothing says it.
    """
    if options.height_unit is not None:
        return conversion_factor(options.height_unit, "metre")
    try:
        unit = "" if declared is None else definition(declared).unit
    except CrsError:
        unit = ""
    if unit == "metre":
        return 1.0
    raise SchemaError(
        f"{label}: {declared or 'the file'} does not say in which unit heights are "
        f"(its x and y are in {unit or 'an unknown unit'}); write height_unit: metre, us_survey_foot or foot."
    )


@dataclass(frozen=True)
class Surface:
    """One flat surface.

    Parameters
    ----------
    rings : list of numpy.ndarray, each of shape (n, 3)
        The outer one, then holes; not closed, at least three points each.
    ground : bool
        Whether the file calls it ground.
    shell : int
        Number within the object of the shell that it belongs to; -1 where it bounds nothing.
    """

    rings: list[NDArray[np.float64]]
    ground: bool = False
    shell: int = 0


@dataclass(eq=False)
class CityObjects:
    """Grows object by object; turned into arrays once. For formats whose vertices are written out.

    Parameters
    ----------
    surfaces : list of list of Surface
        Of each object.
    properties : list of dict
        Of each object, with at least id, object_type, lod and parts.
    faults : list of str or None
        Why an object has no surfaces although it should.
    """

    surfaces: list[list[Surface]] = field(default_factory=list)
    properties: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str | None] = field(default_factory=list)

    def add(self, properties: dict[str, Any], surfaces: list[Surface], fault: str | None = None) -> None:
        """Append one object; one with a fault keeps its attributes only.

        Parameters
        ----------
        properties : dict
            Its attributes.
        surfaces : list of Surface
            What bounds it.
        fault : str or None
            "code: detail".
        """
        self.properties.append(properties)
        self.surfaces.append([] if fault else surfaces)
        self.faults.append(fault)

    def mesh(self) -> Mesh:
        """Turn into arrays.

        Returns
        -------
        Mesh
            Shells numbered through.
        """
        counts = np.array([len(surfaces) for surfaces in self.surfaces], dtype=np.int64)
        flat = list(chain.from_iterable(self.surfaces))
        rings = [ring for surface in flat for ring in surface.rings]
        shell = np.array([surface.shell for surface in flat], dtype=np.int64)
        owner = np.repeat(np.arange(len(counts)), counts)
        return Mesh(
            xyz=np.concatenate(rings) if rings else np.empty((0, 3)),
            ring_size=np.array([len(ring) for ring in rings], dtype=np.int64),
            surface_rings=np.array([len(surface.rings) for surface in flat], dtype=np.int64),
            owner=owner,
            ground=np.array([surface.ground for surface in flat], dtype=bool),
            shell=number_through(owner, shell),
            objects=len(counts),
        )

    def to_records(self, *, declared: str | None, factor: float, surfaces: bool = False) -> Records:
        """Measure all objects and make the table.

        Parameters
        ----------
        declared : str or None
            What the file says of its positions.
        factor : float
            Metres of the unit of z.
        surfaces : bool
            Whether the records are to keep their surfaces.

        Returns
        -------
        Records
            One an object, in order.
        """
        rows = np.arange(len(self.surfaces), dtype=np.int64)
        mesh = self.mesh()
        gathered = Gathered(mesh=mesh, properties=self.properties, faults=self.faults, rows=rows, surfaces=surfaces)
        return city_records(gathered, declared=declared, factor=factor)


def triangle_mesh(bodies: Sequence[tuple[NDArray[np.float64], NDArray[np.int64]]]) -> Mesh:
    """Make the mesh of objects that are given by triangles, one shell each.

    Parameters
    ----------
    bodies : sequence of (numpy.ndarray of float64, shape (n, 3), numpy.ndarray of int64, shape (m, 3))
        Points and triangles of each object.

    Returns
    -------
    Mesh
        Of all of them.
    """
    counts = np.array([len(triangles) for _, triangles in bodies], dtype=np.int64)
    owner = np.repeat(np.arange(len(bodies)), counts)
    corners = [points[triangles].reshape(-1, 3) for points, triangles in bodies if len(triangles)]
    one = np.ones(len(owner), dtype=np.int64)
    return Mesh(
        xyz=np.concatenate(corners) if corners else np.empty((0, 3)),
        ring_size=3 * one,
        surface_rings=one,
        owner=owner,
        ground=np.zeros(len(owner), dtype=bool),
        shell=number_through(owner, np.zeros(len(owner), dtype=np.int64)),
        objects=len(bodies),
    )


def number_through(owner: NDArray[np.int64], shell: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the shells of all objects numbers of their own.

    Parameters
    ----------
    owner : numpy.ndarray of int64, shape (surfaces,)
        Number of the object.
    shell : numpy.ndarray of int64, shape (surfaces,)
        Number within the object; -1 for none.

    Returns
    -------
    numpy.ndarray of int64, shape (surfaces,)
        0, 1, 2, ...; -1 for none.

    Examples
    --------
    >>> number_through(np.array([0, 0, 1, 1]), np.array([0, 3, 0, -1])).tolist()
    [0, 1, 2, -1]
    """
    numbers = np.full(len(owner), -1, dtype=np.int64)
    real = shell >= 0
    if real.any():
        wide = int(shell.max()) + 1
        numbers[real] = np.unique(owner[real] * wide + shell[real], return_inverse=True)[1]
    return numbers


@dataclass(frozen=True, kw_only=True, eq=False)
class Gathered:
    """The objects of one file.

    Parameters
    ----------
    mesh : Mesh
        Surfaces of all objects.
    properties : list of dict
        Attributes of each object.
    faults : list of str or None
        Why an object has no surfaces although it should.
    rows : numpy.ndarray of int64
        Number of each object in the file.
    in_metres : Mesh or None
        The same surfaces in a frame in metres, to be measured there; None where those of ``mesh`` will do.
    surfaces : bool
        Whether the records are to keep their surfaces.
    """

    mesh: Mesh
    properties: list[dict[str, Any]]
    faults: list[str | None]
    rows: NDArray[np.int64]
    in_metres: Mesh | None = None
    surfaces: bool = False


def _metres_along(declared: str | None, factor: float) -> NDArray[np.float64]:
    """Return metres of the units of x, y and z; NaN where x and y are no lengths or nobody says it."""
    try:
        across = np.nan if declared is None else conversion_factor(definition(declared).unit, "metre")
    except CrsError:
        across = np.nan
    return np.array([across, across, factor])


def city_records(gathered: Gathered, *, declared: str | None, factor: float) -> Records:
    """Measure objects and make their table.

    Parameters
    ----------
    gathered : Gathered
        All objects.
    declared : str or None
        What the file says of its positions.
    factor : float
        Metres of the unit of z.

    Returns
    -------
    Records
        One an object: its footprint, ``height_m`` (highest minus lowest vertex), ``ground_z`` (lowest vertex, in
        metres above what the layer's position names as ``vertical``), ``footprint_from``, ``volume_m3``, ``roof_m2``
        and ``wall_m2`` (NaN unless its shells are closed and the file says in which unit x and y are),
        ``shell_faults``, ``shell_repairs``, and its attributes; its surfaces where they are asked for.
    """
    mesh, rows, broken = gathered.mesh, gathered.rows, gathered.faults
    found = to_footprints(mesh, metres_per_unit=factor)
    faults = geometry_faults(found.geometry, np.zeros(len(rows), dtype=bool))
    surfaces = np.bincount(mesh.owner, minlength=mesh.objects)
    for i, fault in enumerate(broken):
        if fault is not None:
            faults[i] = fault
        elif surfaces[i] and found.geometry[i] is None:
            faults[i] = "no_footprint: nothing but walls, or surfaces that cross themselves"
    table = to_table(gathered.properties, rows)
    if gathered.in_metres is None:
        measured = measure_shells(mesh, metres_per_unit=_metres_along(declared, factor))
    else:
        measured = measure_shells(gathered.in_metres, metres_per_unit=1.0)
    columns = pd.DataFrame(
        {
            "height_m": (found.z_max - found.z_min) * factor,
            "ground_z": found.z_min * factor,
            "footprint_from": pd.Categorical(found.method),
            "volume_m3": measured.volume_m3,
            "roof_m2": measured.roof_m2,
            "wall_m2": measured.wall_m2,
            "shell_faults": pd.Series(measured.faults, index=rows, dtype="str"),
            "shell_repairs": pd.Series(measured.repairs, index=rows, dtype="str"),
        },
        index=rows,
    )
    front = [name for name in _FRONT if name in table]
    units = {"height_m": "m", "ground_z": "m", "volume_m3": "m3", "roof_m2": "m2", "wall_m2": "m2"}
    kept = keep_surfaces(mesh, found.z_min, metres_per_unit=factor) if gathered.surfaces else None
    return Records(
        table=pd.concat([table[front], columns, table.drop(columns=front)], axis=1),
        count=len(rows),
        geometry=found.geometry,
        faults=faults,
        declared=declared,
        units=units,
        heights=("ground_z",),
        surfaces=None if kept is None else kept.packed,
        notes=() if kept is None else kept.notes,
    )
