"""Geometries that are made when somebody asks for them: a million points are two columns of numbers until then."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Deferred", "Deferring", "Points"]


class Deferred(Protocol):
    """What can make the positions of n records."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def make(self) -> Any:  # noqa: ANN401 - geometries, or columns
        """Make them."""
        ...

    def take(self, mask: NDArray[Any]) -> Deferred:
        """Keep those of a mask or of places."""
        ...


class Deferring:
    """A value whose main part, called `_late`, is made when it is first asked for."""

    _late: ClassVar[str]
    _source: Deferred | None = None

    @classmethod
    def deferred(cls, source: Deferred, **known: object) -> Self:
        """Hold what can be made.

        Parameters
        ----------
        source : Deferred
            What makes it.
        **known : object
            The other parts; what is not named has its default.

        Returns
        -------
        Deferring
            Like any other of its class.

        Examples
        --------
        >>> import crs
        >>> stops = crs.Shapes.deferred(Points(np.array([[7.42, 43.73]])))
        >>> len(stops), stops.geometry.tolist()
        (1, [<POINT (7.42 43.73)>])
        """
        value = cls.__new__(cls)
        vars(value).update(known, _source=source)  # past the frozen face, which nobody holds yet
        getattr(value, "__post_init__", lambda: None)()
        return value

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            """Make what was left until now."""
            if name != self._late or self._source is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            collecting = gc.isenabled()
            gc.disable()  # a million geometries form no circles to look for
            try:
                vars(self)[name] = made = self._source.make()
            finally:
                if collecting:
                    gc.enable()
            return made


@dataclass(frozen=True, eq=False)
class Points:
    """Points as rows of numbers.

    Parameters
    ----------
    numbers : numpy.ndarray of float64, shape (n, 2) or (n, 3)
        Finite; x, y and perhaps z of each.

    Examples
    --------
    >>> Points(np.array([[7.42, 43.73]])).make().tolist()
    [<POINT (7.42 43.73)>]
    """

    numbers: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.numbers)

    def make(self) -> NDArray[np.object_]:
        """Make the geometries.

        Returns
        -------
        numpy.ndarray of shapely points, shape (n,)
            New objects.
        """
        return np.asarray(shapely.points(self.numbers), dtype=object)

    def take(self, mask: NDArray[np.bool_] | NDArray[np.intp]) -> Points:
        """Keep some points.

        Parameters
        ----------
        mask : numpy.ndarray of bool or int
            True to keep, shape (n,); or places.

        Returns
        -------
        Points
            Those.
        """
        return Points(self.numbers[mask])
