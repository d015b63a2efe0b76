"""Running a compiled kernel over stretches of an array, several at a time.

Kernels release the GIL, so plain threads suffice. Numba's own ``parallel=True`` is not used: its default scheduler may
not be entered from two threads at once, which is just what Dask does.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["in_stretches"]

Result = TypeVar("Result")


def _usable_cores() -> int:
    """Count the cores that this process may use, which in a container is fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_stretches(
    work: Callable[[int, int], Result], size: int, *, stretch: int, threads: int | None = None
) -> list[Result]:
    """Call ``work(start, stop)`` on consecutive stretches of ``range(size)``.

    Parameters
    ----------
    work : callable
        Takes the bounds of a stretch; must release the GIL to profit from threads, and must write only to places that
        belong to its stretch.
    size : int
        Number of elements.
    stretch : int
        Elements of one stretch. It does not depend on the number of threads, and neither does the result.
    threads : int, optional
        Threads to use; all usable cores by default.

    Returns
    -------
    list
        What ``work`` returned, in the order of the stretches.

    Examples
    --------
    >>> in_stretches(lambda start, stop: stop - start, 10, stretch=4)
    [4, 4, 2]
    """
    starts = range(0, size, stretch)
    threads = min(len(starts), threads or _usable_cores())
    if threads <= 1:
        return [work(start, min(start + stretch, size)) for start in starts]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda start: work(start, min(start + stretch, size)), starts))
