"""Build a twin: the steps of a plan on a Dask cluster, then one snapshot. No arithmetic is done here.

Steps hand each other folders, not arrays, so messages stay small, memory bounded, and a step that was done is found
again by the next build. Workers must therefore see the folder of the twin and the files of the manifest under the same
paths.
"""

from __future__ import annotations

import logging
import signal
from contextlib import closing, contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import dask
from distributed import Client, Future, LocalCluster, as_completed, get_worker, worker_client

from crs import CrsError
from layers import LayerError
from spatial_join import JoinError
from twin.assembly import assemble
from twin.cells import make_cells
from twin.disk import disk_error, disk_told
from twin.errors import BuildError, TwinError
from twin.field import make_field
from twin.leftovers import clear_leftovers
from twin.locks import locked
from twin.manifest import Manifest, read_manifest
from twin.manifest_positions import references
from twin.manifest_truth import truth_references
from twin.model import Twin
from twin.model import open as open_twin
from twin.openlineage import EventLog
from twin.place import place
from twin.plan import Plan, Step, code_version, make_plan
from twin.progress import Silent, Watcher
from twin.store import WORK, write_run
from twin.truth import make_truth
from twin.work import Outcome, carry_out, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
_CONNECT_S = 5
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
        Is told how the build goes on.

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
    out, watcher = Path(out).resolve(), watcher or Silent()
    plan = make_plan(manifest if isinstance(manifest, Manifest) else read_manifest(manifest))
    work = out / WORK
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BuildError(
            f"cannot write a twin to {out} ({error.strerror}): give another --out, a folder that you may write to"
        ) from None
    with disk_told(out), locked(out), EventLog(plan, out) as log:
        clear_leftovers(out)
        watcher.planned(plan)
        outcomes = _take_steps(plan, work, scheduler=scheduler, workers=workers, watcher=watcher, log=log)
        log.snapshot = snapshot = assemble(plan, out, work)
        record = {
            "snapshot": snapshot,
            "code": code_version(),
            "seconds": round(perf_counter() - begin, 3),
            "steps": [
                {
                    "name": o.name,
                    "folder": place_of(work, plan[o.name]).name,
                    "reused": o.reused,
                    "seconds": round(o.seconds, 3),
                }
                for o in outcomes
            ],
        }
        write_run(out, record)
    watcher.finished(snapshot)
    return open_twin(out)


def _take_steps(
    plan: Plan, work: Path, *, scheduler: str | None, workers: int, watcher: Watcher, log: EventLog
) -> list[Outcome]:
    """Take all steps, each as soon as those it needs are done; a failing one does not stop the others."""
    outcomes: dict[str, Outcome] = {}
    failures: dict[str, BaseException] = {}
    results = (
        _in_process(plan, work) if scheduler is None and workers == 0 else _on_cluster(plan, work, scheduler, workers)
    )
    with closing(results):
        for name, result in results:
            if isinstance(result, Outcome):
                outcomes[name] = result
                watcher.ended(plan[name], result)
                log.ended(plan[name], result)
            elif not any(need in failures for need in plan[name].needs):
                failures[name] = result
            else:
                failures[name] = result.with_traceback(None)
    causes = {name: error for name, error in failures.items() if not any(n in failures for n in plan[name].needs)}
    if causes:
        for name, error in causes.items():
            log.failed(plan[name], error)
        raise _build_error(causes)
    return [outcomes[step.name] for step in plan.steps]


def _build_error(causes: Mapping[str, BaseException]) -> BaseException:
    """Return what to raise for the steps that failed: a defect as it is, everything else as one list."""
    for error in causes.values():
        if not isinstance(error, BuildError):
            return error
    lines = [f"  {error}" for error in causes.values()]
    count = f"{len(lines)} step" + ("" if len(lines) == 1 else "s")
    return BuildError("\n".join([f"{count} could not be carried out; all others are kept for the next build:", *lines]))


def _in_process(plan: Plan, work: Path) -> Generator[tuple[str, Outcome | BaseException]]:
    failed: dict[str, BaseException] = {}
    for step in plan.steps:
        result: Outcome | BaseException
        before = next((failed[need] for need in step.needs if need in failed), None)
        try:
            result = take_step(step, plan, work) if before is None else before
        except BuildError as error:
            result = error
        if isinstance(result, BaseException):
            failed[step.name] = result
        yield step.name, result


def _on_cluster(
    plan: Plan, work: Path, scheduler: str | None, workers: int
) -> Generator[tuple[str, Outcome | BaseException]]:
    with _client(scheduler, workers) as client:
        futures: dict[str, Future] = {}
        for step in plan.steps:
            before = [futures[need] for need in step.needs]
            futures[step.name] = client.submit(_after, step, plan, work, before, pure=False, retries=0)
        names = {future.key: name for name, future in futures.items()}
        for future in as_completed(list(futures.values())):
            yield names[future.key], future.exception() if future.status == "error" else future.result()


def _after(step: Step, plan: Plan, work: Path, before: list[Outcome]) -> Outcome:
    del before  # only their being done matters; results are in the folders
    return take_step(step, plan, work)


def take_step(step: Step, plan: Plan, work: Path) -> Outcome:
    """Take one step, wherever this runs.

    Parameters
    ----------
    step : Step
        Which.
    plan : Plan
        What it belongs to.
    work : Path
        Folder of finished steps.

    Returns
    -------
    Outcome
        Whether it was reused, and how long it took.
    """
    manifest, name = plan.manifest, step.dataset
    dataset = manifest.spec.datasets[name]
    others = references(dataset) + (truth_references(dataset) if step.kind == "truth" else ())
    folders = {other: place_of(work, plan[f"place {other}"]) for other in others}
    placed = place_of(work, plan[f"place {name}"])
    cells = place_of(work, plan[f"cells {name}"])

    def make(folder: Path) -> None:
        """Write the result of this step."""
        if step.kind == "place":
            place(manifest, name, folders, folder)
        elif step.kind == "cells":
            make_cells(manifest, name, placed, references=folders, folder=folder, over=_on_all_workers)
        elif step.kind == "truth":
            make_truth(manifest, name, placed, references=folders, folder=folder)
        else:
            make_field(manifest, str(step.variable), cells, folder)

    # Threads inside a step would compete with the other workers.
    with dask.config.set(scheduler="synchronous"):
        try:
            return carry_out(step, work, make)
        except (CrsError, LayerError, JoinError, TwinError) as error:
            told = str(error).removeprefix(f"{name}: ")  # the step names its dataset already
            raise BuildError(f"{step.name}: {told}") from error
        except OSError as error:
            raise BuildError(f"{step.name}: {disk_error(error, work)}") from error


def _on_all_workers(work: Callable[[Any], Any], pieces: Sequence[Any]) -> Sequence[Any]:
    """Do the pieces of a step on all workers, in this process if it is none of them."""
    try:
        get_worker()
    except ValueError:
        return [work(piece) for piece in pieces]
    with worker_client() as client:
        made: list[Any] = client.gather(client.map(work, pieces, pure=False, retries=0))
    return made


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
