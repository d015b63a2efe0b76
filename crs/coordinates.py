"""The three forms that the positions of a layer take, and what `crs` asks of a layer."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

import numpy as np
import shapely
from numpy.typing import NDArray

from crs.deferred import Deferring
from crs.errors import LengthMismatchError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crs.definition import PositionDefinition
    from crs.digits import DigitSteps

__all__ = ["Coordinates", "Fields", "FloatArray", "Lattice", "ObjectArray", "Placed", "Positioned", "Shapes"]

FloatArray = NDArray[np.float64]
ObjectArray = NDArray[np.object_]

#: By dimension; missing geometries have the dimension -1.
_SUPPORTS: ObjectArray = np.array(["point", "segment", "area", None], dtype=object)


def _digest(*parts: object) -> str:
    """Return a hash of content only, so that equal positions have equal Dask tokens."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, np.ndarray) and part.dtype != object:
            state.update(str((part.dtype, part.shape)).encode())
            state.update(np.ascontiguousarray(part).tobytes())
        elif isinstance(part, np.ndarray):
            for value in part.tolist():
                state.update(value if isinstance(value, bytes) else repr(value).encode())
                state.update(b"\x1f")
        else:
            state.update(repr(part).encode())
        state.update(b"\x1e")
    return state.hexdigest()


@dataclass(frozen=True, eq=False)
class Fields(Deferring):
    """Positions as a table has them: one column per part, as written.

    Parameters
    ----------
    columns : tuple of numpy.ndarray
        One array of shape (n,) per name in `PositionDefinition.columns`, text or numbers; None, NaN and
        empty text mean that the part is missing.
    digits : tuple of DigitSteps or None
        What the last digits are worth, one for each number that is read, where the records are only a part of their
        dataset; None where they are all of it, and tell by themselves.
    """

    _late = "columns"

    columns: tuple[NDArray[np.generic], ...]
    digits: tuple[DigitSteps, ...] | None = None

    def __post_init__(self) -> None:
        """Refuse columns of unlike length."""
        if self._source is not None:
            return
        lengths = {len(column) for column in self.columns}
        if len(lengths) > 1:
            raise LengthMismatchError(f"position columns have lengths {sorted(lengths)}; they must describe the same n")

    def __len__(self) -> int:
        if self._source is not None:
            return len(self._source)
        return len(self.columns[0]) if self.columns else 0

    def take(self, mask: NDArray[np.bool_] | NDArray[np.intp]) -> Self:
        """Keep some records.

        Parameters
        ----------
        mask : numpy.ndarray of bool or int
            True to keep, shape (n,); or places.

        Returns
        -------
        Fields
            Of the kept records.
        """
        if self._source is not None:
            return self.deferred(self._source.take(mask), digits=self.digits)
        return dataclasses.replace(self, columns=tuple(values[mask] for values in self.columns))

    def __dask_tokenize__(self) -> tuple[str, str]:
        return ("crs.Fields", _digest(*self.columns, self.digits))


@dataclass(frozen=True, eq=False)
class Shapes(Deferring):
    """Positions as geometries, x (or longitude) first; what heights in Z refer to stands in the definition.

    Parameters
    ----------
    geometry : numpy.ndarray
        Shapely geometries or None, shape (n,).
    sigma_m : numpy.ndarray or None
        Standard deviation per horizontal axis of each record in metres, shape (n,); None before harmonising.
    ambiguous : numpy.ndarray of bool or None
        True where the position may have two origins or none (in the band of GCJ-02's mask), shape (n,): the record
        keeps its place, and its sigma reaches the other reading. None where nothing on the way knows of such.
    unresolved_height : numpy.ndarray of bool or None
        True where the record keeps its heights as they came although the others' were moved, because the operation has
        no answer there (outside its grid, a gap), shape (n,). None where no height was moved.
    radius_m : numpy.ndarray or None
        How far from its middle a record that stands for an area (a grid's cell, a district) reaches, metres, shape
        (n,); NaN for one that does not. Of a point with a radius the error is no normal one: it is anywhere in the
        area with the same probability, and `sigma_m` has the second moment of that.
    """

    _late = "geometry"

    geometry: ObjectArray
    sigma_m: FloatArray | None = None
    ambiguous: NDArray[np.bool_] | None = None
    unresolved_height: NDArray[np.bool_] | None = None
    radius_m: FloatArray | None = None

    def __post_init__(self) -> None:
        """Refuse a sigma or flag of another length."""
        for name in ("sigma_m", "ambiguous", "unresolved_height", "radius_m"):
            values = getattr(self, name)
            if values is not None and values.shape != (len(self),):
                raise LengthMismatchError(
                    f"{len(self)} geometries but {name} has shape {values.shape}; give one number a record"
                )

    @property
    def numbers(self) -> FloatArray | None:
        """Coordinates, shape (n, 2) or (n, 3), if every record is a point and they are at hand; None if not."""
        return getattr(self._source, "numbers", None)

    def take(self, mask: NDArray[np.bool_] | NDArray[np.intp]) -> Self:
        """Keep some records, with all that is known of each.

        Parameters
        ----------
        mask : numpy.ndarray of bool or int
            True to keep, shape (n,); or places.

        Returns
        -------
        Shapes
            Of the kept records.
        """
        names = [each.name for each in dataclasses.fields(self) if each.name != "geometry"]
        kept = {name: values[mask] for name in names if (values := getattr(self, name)) is not None}
        if self.numbers is not None and self._source is not None:
            return self.deferred(self._source.take(mask), **kept)
        return dataclasses.replace(self, geometry=self.geometry[mask], **kept)

    def __len__(self) -> int:
        return len(self.geometry if self._source is None else self._source)

    @property
    def support(self) -> ObjectArray:
        """What each record covers: "point", "segment" (lines) or "area"; None where it has no geometry, shape (n,)."""
        return _SUPPORTS[shapely.get_dimensions(self.geometry)]

    def __dask_tokenize__(self) -> tuple[str, str]:
        marks = (self.sigma_m, self.ambiguous, self.unresolved_height, self.radius_m)
        return ("crs.Shapes", _digest(shapely.to_wkb(self.geometry), *marks))


@dataclass(frozen=True, eq=False)
class Lattice:
    """Positions of a raster: the corners of its pixels, each pixel an area.

    Parameters
    ----------
    corner_x, corner_y : numpy.ndarray
        Corners in the definition's frame, shape (ny + 1, nx + 1); row and column as in the values. NaN where
        a corner could not be moved.
    sigma_m : float
        Standard deviation per horizontal axis of the whole raster, metres.
    ambiguous : numpy.ndarray of bool or None
        True for pixels of which a corner may have two origins or none, shape (ny, nx).
    """

    corner_x: FloatArray
    corner_y: FloatArray
    sigma_m: float = 0.0
    ambiguous: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        """Refuse corners that are not one grid."""
        if self.corner_x.ndim != 2 or self.corner_x.shape != self.corner_y.shape:
            raise LengthMismatchError(
                f"corner_x has shape {self.corner_x.shape} and corner_y {self.corner_y.shape}; "
                "both must be (ny + 1, nx + 1)"
            )
        if self.ambiguous is not None and self.ambiguous.shape != self.shape:
            raise LengthMismatchError(f"ambiguous has shape {self.ambiguous.shape} for {self.shape} pixels")

    @classmethod
    def from_affine(cls, transform: tuple[float, ...], shape: tuple[int, int]) -> Self:
        """Make the corners of a raster from its affine transform.

        Parameters
        ----------
        transform : tuple of float
            (a, b, c, d, e, f) as rasterio and affine write it: x = a column + b row + c, y = d column + e row + f,
            with (0, 0) at the outer corner of the first pixel.
        shape : tuple of int
            (ny, nx) of the values.

        Returns
        -------
        Lattice
            Corners of shape (ny + 1, nx + 1).

        Examples
        --------
        >>> Lattice.from_affine((10, 0, 500, 0, -10, 900), (1, 2)).corner_x.tolist()
        [[500.0, 510.0, 520.0], [500.0, 510.0, 520.0]]
        """
        a, b, c, d, e, f = (float(part) for part in transform[:6])
        if b == d == 0.0:
            # A lattice along the axes is two rows of numbers, however many pixels it has.
            corners = (shape[0] + 1, shape[1] + 1)
            x, y = a * np.arange(corners[1], dtype=np.float64) + c, e * np.arange(corners[0], dtype=np.float64) + f
            return cls(np.broadcast_to(x, corners), np.broadcast_to(y[:, None], corners))
        row, column = np.mgrid[0 : shape[0] + 1, 0 : shape[1] + 1].astype(np.float64)
        return cls(a * column + b * row + c, d * column + e * row + f)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of pixels, (ny, nx)."""
        return self.corner_x.shape[0] - 1, self.corner_x.shape[1] - 1

    def __len__(self) -> int:
        return self.shape[0] * self.shape[1]

    def __dask_tokenize__(self) -> tuple[str, str]:
        return ("crs.Lattice", _digest(self.corner_x, self.corner_y, self.sigma_m, self.ambiguous))


Coordinates = Fields | Shapes | Lattice


@dataclass(frozen=True, kw_only=True, eq=False)
class Placed:
    """What came of harmonising: coordinates in the target frame, and why some records have none.

    Parameters
    ----------
    coordinates : Shapes or Lattice
        In the target frame; a refused record has geometry None (or a NaN corner) and sigma NaN.
    reasons : numpy.ndarray
        Shape (n,), None where placed, else text "code: detail"; for a raster n = ny * nx, row by row.
    position : PositionDefinition
        The target's definition, with the vertical tag of what the heights refer to now.
    steps : tuple of str
        What was done, in order, for people and lineage.
    columns : Mapping of str to numpy.ndarray
        Columns of heights that were moved too, metres, shape (n,).
    """

    coordinates: Shapes | Lattice
    reasons: ObjectArray
    position: PositionDefinition
    steps: tuple[str, ...] = ()
    columns: Mapping[str, FloatArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse reasons of another length."""
        if len(self.reasons) != len(self.coordinates):
            raise LengthMismatchError(f"{len(self.coordinates)} records but {len(self.reasons)} reasons")


@runtime_checkable
class Positioned(Protocol):
    """Anything with a name, positions and the definition that says what they mean."""

    @property
    def name(self) -> str:
        """Name of the dataset, for messages."""
        ...

    @property
    def position(self) -> PositionDefinition:
        """What the coordinates mean."""
        ...

    @property
    def coordinates(self) -> Coordinates:
        """Positions, one per record."""
        ...

    def column(self, name: str, /) -> NDArray[np.generic]:
        """Return one column of attributes, shape (n,), in the order of the coordinates."""
        ...

    def with_coordinates(self, placed: Placed, /) -> Self:
        """Return a copy at its new positions, refused records set aside with their reasons."""
        ...
