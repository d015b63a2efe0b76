"""What every plan of this package is: work by a name, and a way to have it done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

__all__ = ["Planned"]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Planned(Generic[T]):
    """A result that is not computed yet.

    Parameters
    ----------
    delayed : dask.delayed.Delayed
        The work.
    partitions : int
        Number of parts.
    token : str
        Name of the work, the same for equal inputs.
    """

    delayed: Any
    partitions: int
    token: str

    def __dask_tokenize__(self) -> tuple[str, str]:
        return (type(self).__name__, self.token)

    def compute(self, **options: Any) -> T:  # noqa: ANN401 -- Dask's own options
        """Compute the result.

        Parameters
        ----------
        **options : Any
            Passed on to Dask, such as ``scheduler="threads"`` or ``num_workers=2``; a connected
            ``distributed.Client`` is used by itself.

        Returns
        -------
        CellTable or Weights
            What the eager function gives, whatever the number of parts and workers.
        """
        found: T = self.delayed.compute(**options)
        return found
