"""Build a twin: the steps of a plan on a Dask cluster, then one snapshot. No arithmetic is done here.

Steps hand each other folders, not arrays, so messages stay small, memory bounded, and a step that was done is found
again by the next build. Workers must therefore see the folder of the twin and the files of the manifest under the same
paths.
"""

from __future__ import annotations

import logging
import signal
from collections import deque
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from multiprocessing import resource_tracker
from pathlib import Path
from time import monotonic, perf_counter, sleep
from typing import TYPE_CHECKING

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, as_completed

from crs import CrsError
from layers import LayerError
from spatial_join import JoinError
from twin.errors import BuildError, TwinError, WorkerDiedError
from twin.lineage.openlineage import EventLog
from twin.manifest.reading import Manifest, read_manifest
from twin.model import Twin
from twin.model import open as open_twin
from twin.plan import Plan, make_plan
from twin.progress.notebook import watcher_here
from twin.progress.under_way import told
from twin.steps.assembly import assemble
from twin.steps.course import Course, Result, Work
from twin.steps.parts import Found, Part, Spoilt, poison_reason
from twin.steps.taking import run_record, take_part, take_step
from twin.steps.work import Outcome
from twin.storage.disk import disk_error, disk_told
from twin.storage.leftovers import clear_leftovers
from twin.storage.locks import locked
from twin.store import WORK, write_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from twin.progress.protocol import Watcher

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
_CONNECT_S = 5
_NAP_S, _LOOK_S = 0.02, 10.0
# Dask waits five minutes for a worker that says nothing; a build is not to stand still that long.
_SILENT, _DASK_SILENT = "60 s", "5 minutes"


def build(
    manifest: str | Path | Manifest,
    *,
    out: str | Path,
    scheduler: str | None = None,
    workers: int = 2,
    watcher: Watcher | None = None,
) -> Twin:
    """Build the twin of a city.

    Parameters
    ----------
    manifest : str, Path or Manifest
        The ``city.yaml``, or what `read_manifest` made of it.
    out : str or Path
        Folder of the twin, such as ``monaco.twin``; what a former build left there is reused.
    scheduler : str, optional
        Address of a Dask cluster, such as ``tcp://10.0.0.5:8786``; its workers must see the same files.
    workers : int, optional
        Worker processes on this machine, on the loopback address only, if no scheduler is given; 0 works in this
        process. The result does not depend on it, to the byte.
    watcher : Watcher, optional
        Is told how the build goes on; in a notebook a line with the time left, if left out.

    Returns
    -------
    Twin
        Opened at the new snapshot.

    Raises
    ------
    ManifestError
        If the manifest has faults.
    BuildError
        If a step cannot be carried out; what was finished is kept for the next build.
    BusyError
        If another process builds or cleans this twin.
    """
    begin = perf_counter()
    out, watcher = Path(out).resolve(), watcher or watcher_here()
    plan = make_plan(manifest if isinstance(manifest, Manifest) else read_manifest(manifest))
    work = out / WORK
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BuildError(
            f"cannot write a twin to {out} ({error.strerror}): give another --out, a folder that you may write to"
        ) from None
    with disk_told(out), locked(out), EventLog(plan, out) as log, told(out, watcher) as watcher:
        clear_leftovers(out)
        watcher.planned(plan)
        outcomes, parts = _take_steps(plan, work, scheduler=scheduler, workers=workers, watcher=watcher, log=log)
        log.snapshot = snapshot = assemble(plan, out, work)
        record = run_record(plan, work, outcomes, parts)
        write_run(out, record | {"snapshot": snapshot, "seconds": round(perf_counter() - begin, 3)})
    watcher.finished(snapshot)
    return open_twin(out)


def _take_steps(
    plan: Plan, work: Path, *, scheduler: str | None, workers: int, watcher: Watcher, log: EventLog
) -> tuple[list[Outcome], list[tuple[Part, Outcome]]]:
    """Take all steps and their partitions; returns how they went."""
    outcomes: dict[str, Outcome] = {}
    parts: dict[str, tuple[Part, Outcome]] = {}
    failures: dict[str, BaseException] = {}
    alone = scheduler is None and workers == 0
    with nullcontext(_InProcess(plan, work)) if alone else _cluster(plan, work, scheduler, workers) as pool:
        course = Course(plan, pool)
        for task, result in course.go():
            if isinstance(task, Part):
                if isinstance(result, Outcome):
                    parts[task.name] = (task, result)
                    watcher.part_ended(task, result)
            elif isinstance(result, Outcome):
                seconds = result.seconds + course.seconds_before(task)
                outcomes[task.name] = replace(result, seconds=seconds)
                watcher.ended(task, outcomes[task.name])
                log.ended(task, outcomes[task.name])
            elif isinstance(result, Found):
                parts |= {part.name: (part, Outcome(name=part.name, reused=True, seconds=0)) for part in result.reused}
                watcher.parted(task, result)
            elif isinstance(result, BaseException):
                after = any(need in failures for need in task.needs)
                failures[task.name] = result.with_traceback(None) if after else result
    causes = {name: error for name, error in failures.items() if not any(n in failures for n in plan[name].needs)}
    if causes:
        for name, error in causes.items():
            log.failed(plan[name], error)
        raise _build_error(causes)
    return [outcomes[step.name] for step in plan.steps], list(parts.values())


def _build_error(causes: Mapping[str, BaseException]) -> BaseException:
    """Return what to raise for the steps that failed: a defect as it is, everything else as one list."""
    for error in causes.values():
        if not isinstance(error, BuildError):
            return error
    lines = [f"  {error}" for error in causes.values()]
    count = f"{len(lines)} step" + ("" if len(lines) == 1 else "s")
    return BuildError("\n".join([f"{count} could not be carried out; all others are kept for the next build:", *lines]))


class _InProcess:
    """Does one task after the other in this process."""

    def __init__(self, plan: Plan, work: Path) -> None:
        self._plan = plan
        self._work = work
        self._tasks: deque[tuple[Work, Mapping[str, str]]] = deque()

    def start(self, task: Work, poisoned: Mapping[str, str]) -> None:
        """Take a task."""
        self._tasks.append((task, poisoned))

    def ended(self) -> tuple[Work, Result]:
        """Do the next task."""
        task, poisoned = self._tasks.popleft()
        try:
            return task, take(task, self._plan, self._work, poisoned)
        except BuildError as error:
            return task, error


class _OnCluster:
    """Hands tasks to the workers of a cluster, and sees to it that there are some."""

    def __init__(self, client: Client, plan: Plan, work: Path, *, wanted: int) -> None:
        self._client = client
        self._wanted = wanted
        self._plan = plan
        self._work = work
        self._tasks: dict[str, Work] = {}
        self._ended = as_completed([])

    def start(self, task: Work, poisoned: Mapping[str, str]) -> None:
        """Submit a task."""
        future = self._client.submit(take, task, self._plan, self._work, poisoned, pure=False, retries=0)
        self._tasks[future.key] = task
        self._ended.add(future)

    def ended(self) -> tuple[Work, Result]:
        """Wait for the next task that ends."""
        looked = monotonic()
        while not self._ended.has_ready():
            sleep(_NAP_S)
            if monotonic() - looked > _LOOK_S:
                looked = monotonic()
                self._look()
        future: Future = next(self._ended)
        task = self._tasks.pop(future.key)
        if future.status != "error":
            result: Outcome | Found | Spoilt = future.result()
            return task, result
        error = future.exception()
        if isinstance(error, KilledWorker):
            return task, WorkerDiedError(
                f"each worker process that was given it ended, {error.allowed_failures + 1} times"
            )
        return task, error

    def _look(self) -> None:
        """Start workers that are gone for good: a nanny does not start one again that ended before it was up."""
        there, cluster = len(self._client.nthreads()), self._client.cluster
        if isinstance(cluster, LocalCluster) and there < self._wanted:
            cluster.scale(self._wanted)
        if not there:
            logger.warning("no worker answers at %s: waiting for one", self._client.scheduler.address)


@contextmanager
def _cluster(plan: Plan, work: Path, scheduler: str | None, workers: int) -> Iterator[_OnCluster]:
    with _client(scheduler, workers) as client:
        yield _OnCluster(client, plan, work, wanted=workers)


def take(task: Work, plan: Plan, work: Path, poisoned: Mapping[str, str]) -> Outcome | Found | Spoilt:
    """Take one step or partition, wherever this runs.

    Parameters
    ----------
    task : Step or Part
        Which.
    plan : Plan
        What it belongs to.
    work : Path
        Folder of finished steps.
    poisoned : mapping
        Why partitions, or steps that are done as a whole, could not be done, by their keys.

    Returns
    -------
    Outcome, Found or Spoilt
        Whether it was reused, and how long it took; or the partitions that are to be done first; or why a partition
        cannot be done.
    """
    # Threads inside a step would compete with the other workers.
    with dask.config.set(scheduler="synchronous"):
        try:
            return take_part(task, plan, work) if isinstance(task, Part) else take_step(task, plan, work, poisoned)
        except (CrsError, LayerError, JoinError, TwinError) as error:
            if isinstance(error, JoinError) and isinstance(task, Part):  # of geometries, never of what is declared
                return Spoilt(reason=poison_reason(error))
            told = str(error).removeprefix(f"{task.dataset}: ")  # the step names its dataset already
            raise BuildError(f"{task.name}: {told}") from error
        except OSError as error:
            raise BuildError(f"{task.name}: {disk_error(error, work)}") from error
        except Exception as error:  # whatever it is: the partition is set aside, and the build goes on
            if isinstance(task, Part):
                logger.warning("%s cannot be done", task.name, exc_info=True)
                return Spoilt(reason=poison_reason(error))
            raise


@contextmanager
def _client(scheduler: str | None, workers: int) -> Iterator[Client]:
    """Connect to a cluster, or start one that listens on the loopback address alone."""
    if scheduler is not None:
        try:
            client = Client(scheduler, timeout=_CONNECT_S)
        except (OSError, ValueError, TimeoutError) as error:
            raise BuildError(
                f"no Dask scheduler answers at {scheduler} ({error}): start one, or leave it out"
            ) from None
        with client:
            yield client
        return
    silent = dask.config.get("distributed.scheduler.worker-ttl")
    ttl = {"distributed.scheduler.worker-ttl": _SILENT if silent == _DASK_SILENT else silent}
    with _interrupts_held(), dask.config.set(ttl):
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host=LOOPBACK,
            dashboard_address=f"{LOOPBACK}:0",
            silence_logs=logging.CRITICAL,
        )
    with cluster, Client(cluster) as client:
        yield client


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl+C back, here until the end, in threads and processes started meanwhile for good.

    A terminal interrupts workers as well as this process; it alone is to end the build, and it ends them.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # its start would let interrupts through again in the thread that starts it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
