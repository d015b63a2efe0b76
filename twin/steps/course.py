"""How a build goes: which steps and partitions can be taken, and what becomes of those that fail.

Nothing here computes or knows of Dask: a pool takes tasks and gives back how they went. A task on which a worker died
is tried again by itself, when nothing else runs that could be to blame; if it dies again, its records are set aside.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Protocol, TypeAlias

from twin.errors import BuildError, WorkerDiedError
from twin.plan import Step
from twin.steps.parts import Found, Part, Spoilt, poison_reason
from twin.steps.work import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from twin.plan import Plan

__all__ = ["Course", "Pool", "Result", "Work"]

logger = logging.getLogger(__name__)

Work: TypeAlias = Step | Part
Result: TypeAlias = Outcome | Found | Spoilt | BaseException
_SET_ASIDE = ("place", "cells")


class Pool(Protocol):
    """What takes tasks and gives back how they went, in any order."""

    def start(self, task: Work, poisoned: Mapping[str, str]) -> None:
        """Take a task.

        Parameters
        ----------
        task : Step or Part
            What is to be done.
        poisoned : mapping
            Why partitions could not be done, by their keys.
        """
        ...

    def ended(self) -> tuple[Work, Result]:
        """Wait for the next task that ends.

        Returns
        -------
        task : Step or Part
            Which.
        result : Outcome, Found, Spoilt or BaseException
            How it went.
        """
        ...


class Course:
    """The way of one build through its plan.

    Parameters
    ----------
    plan : Plan
        All steps.
    pool : Pool
        Takes them.
    """

    def __init__(self, plan: Plan, pool: Pool) -> None:
        self._plan = plan
        self._pool = pool
        self._waiting = list(plan.steps)
        self._done: set[str] = set()
        self._failed: dict[str, BaseException] = {}
        self._open: dict[str, set[str]] = {}  # keys of the partitions that a step waits for
        self._seconds: dict[str, float] = {}
        self._poisoned: dict[str, str] = {}
        self._running = 0
        self._suspects: deque[Work] = deque()
        self._accused: set[str] = set()

    def go(self) -> Iterator[tuple[Work, Result]]:
        """Take all steps, each as soon as those it needs are done; a failing one does not stop the others.

        Yields
        ------
        task : Step or Part
            What ended; a step that found partitions comes again when it is done.
        result : Outcome, Found, Spoilt or BaseException
            How it went; of a step after one that failed, the same error.
        """
        yield from self._start_ready()
        while self._running or self._suspects:
            if not self._running:
                self._start(self._suspects.popleft())
            task, result = self._pool.ended()
            self._running -= 1
            if isinstance(result, WorkerDiedError) and task.key not in self._accused:
                self._accused.add(task.key)
                self._suspects.append(task)
            elif isinstance(task, Part):
                yield from self._part_ended(task, result)
            else:
                yield from self._step_ended(task, result)
            yield from self._start_ready()

    def _start(self, task: Work) -> None:
        self._running += 1
        self._pool.start(task, dict(self._poisoned))

    def _start_ready(self) -> Iterator[tuple[Step, BaseException]]:
        """Start the steps whose needs are done; give up those of which one failed."""
        for step in list(self._waiting):
            before = next((self._failed[need] for need in step.needs if need in self._failed), None)
            if before is not None:
                self._waiting.remove(step)
                self._failed[step.name] = before
                yield step, before
            elif self._done.issuperset(step.needs):
                self._waiting.remove(step)
                self._start(step)

    def _step_ended(self, step: Step, result: Result) -> Iterator[tuple[Step, Result]]:
        if isinstance(result, Found):
            self._seconds[step.name] = self._seconds.get(step.name, 0.0) + result.seconds
            self._open[step.name] = {part.key for part in result.parts}
            yield step, result
            for part in result.parts:
                self._start(part)
            return
        if isinstance(result, WorkerDiedError) and step.kind in _SET_ASIDE and step.key not in self._poisoned:
            self._poisoned[step.key] = poison_reason(result)
            self._accused.discard(step.key)
            self._start(step)
            return
        if isinstance(result, Outcome):
            self._done.add(step.name)
        elif isinstance(result, BaseException):
            told = f"{step.name}: {result}" if isinstance(result, WorkerDiedError) else None
            result = BuildError(told) if told else result
            self._failed[step.name] = result
        yield step, result

    def _part_ended(self, part: Part, result: Result) -> Iterator[tuple[Work, Result]]:
        if isinstance(result, WorkerDiedError):
            result = Spoilt(reason=poison_reason(result))
        if isinstance(result, BaseException):  # of what is declared, or of the disk, and not of these records
            if part.step not in self._failed:
                self._failed[part.step] = result
                yield self._plan[part.step], result
            return
        if isinstance(result, Spoilt):
            self._poisoned[part.key] = result.reason
            logger.warning("%s: %d records are set aside: %s", part.name, part.rows, self._poisoned[part.key])
        elif isinstance(result, Outcome):
            yield part, result
        left = self._open[part.step]
        left.discard(part.key)
        if not left and part.step not in self._failed:
            self._start(self._plan[part.step])

    def seconds_before(self, step: Step) -> float:
        """Return what it took to find the partitions of a step.

        Parameters
        ----------
        step : Step
            Any.

        Returns
        -------
        float
            Seconds; 0 if it has none.
        """
        return self._seconds.get(step.name, 0.0)
