"""What every plan of this package is: work by names, and a way to have it done."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import dask
import dask.threaded
from dask.base import tokenize

if TYPE_CHECKING:
    from collections.abc import Callable

    from dask.delayed import Delayed

    from spatial_join.lazy.sources import Side

__all__ = ["Plan", "Planned", "scheduled"]

T = TypeVar("T")


def scheduled(options: dict[str, Any]) -> dict[str, Any]:
    """Choose threads where nothing else is chosen and no client can be connected.

    Dask would choose them too, but only after it has imported all of ``distributed`` to look for a client.

    Parameters
    ----------
    options : dict
        Dask's own.

    Returns
    -------
    dict
        With a scheduler, or as they were.
    """
    if "scheduler" in options or "distributed" in sys.modules or dask.config.get("scheduler", None) is not None:
        return options
    return {**options, "scheduler": dask.threaded.get}  # by its name it would be looked for among clients, too


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
        found: T = self.delayed.compute(**scheduled(options))
        return found


@dataclass(frozen=True)
class Plan:
    """Names of tasks: of what they do, and of all that they do it with.

    Parameters
    ----------
    token : str
        The same for equal inputs.
    """

    token: str

    @classmethod
    def of(cls, verb: str, one: Side, other: Side, words: object) -> Self:
        """Begin a plan.

        Parameters
        ----------
        verb : str
            What is done.
        one, other : Side
            Both sides.
        words : object
            What else decides what comes out.

        Returns
        -------
        Plan
            Without tasks.
        """
        return cls(str(tokenize(verb, one.token, len(one.blocks), other.token, len(other.blocks), words)))

    def task(self, work: Callable[..., Any], *inputs: Any, number: str = "", **options: Any) -> Delayed:  # noqa: ANN401 -- what tasks take and make
        """Plan one task.

        Parameters
        ----------
        work : callable
            What it does; the same for equal inputs.
        *inputs : Any
            What it does it with, other tasks among them.
        number : str
            Tells it from those of the plan that do the same.
        **options : Any
            As the inputs, by name.

        Returns
        -------
        dask.delayed.Delayed
            The task.
        """
        name = f"{work.__name__.strip('_')}-{self.token}" + (f"-{number}" if number else "")
        return dask.delayed(work, pure=True)(*inputs, **options, dask_key_name=name)
