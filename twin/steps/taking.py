"""Take one step or one partition of a plan: from the folders of those before it to a folder of its own."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from twin.cube.field import make_field
from twin.fusion.truth import make_truth
from twin.manifest.positions import references
from twin.manifest.truth import truth_references
from twin.steps.cell_parts import cells_part, cells_parts, join_cells
from twin.steps.cells import make_cells
from twin.steps.parts import Found, Part
from twin.steps.place import place, read_dataset
from twin.steps.place_parts import join_places, place_part, place_parts, read_apart, reading_of
from twin.steps.placed import is_parted, placed_record, read_placed
from twin.steps.work import Outcome, carry_out, is_finished, place_of, poisoned_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from twin.detection.finding import Settled
    from twin.plan import Plan, Step

__all__ = ["run_record", "take_part", "take_step"]

Lacking = list["Mapping[str, Any]"]


def take_step(step: Step, plan: Plan, work: Path, poisoned: Mapping[str, str]) -> Outcome | Found:
    """Take one step, or find the partitions that are to be done before it can be ended.

    Parameters
    ----------
    step : Step
        Which.
    plan : Plan
        What it belongs to.
    work : Path
        Folder of finished steps.
    poisoned : mapping
        Why partitions, or steps that are done as a whole, could not be done, by their keys.

    Returns
    -------
    Outcome or Found
        Whether it was reused, and how long it took; or its partitions.
    """
    begin = perf_counter()
    if is_finished(place_of(work, step)):
        return Outcome(name=step.name, reused=True, seconds=perf_counter() - begin)
    settled: Settled | None = None
    parts: tuple[Part, ...] = ()
    if step.kind == "place":
        settled, parts = _read(step, plan, work)
    elif step.kind == "cells":
        placed = place_of(work, plan[f"place {step.dataset}"])
        parts = cells_parts(step, placed) if is_parted(placed) else ()
    left = [part for part in parts if part.key not in poisoned]
    done = tuple(part for part in left if is_finished(place_of(work, part)))
    if len(done) < len(left):
        to_do = tuple(part for part in left if part not in done)
        return Found(parts=to_do, reused=done, seconds=perf_counter() - begin)

    def make(folder: Path) -> Sequence[Mapping[str, Any]]:
        """Write the result of this step; what those before it lack, it lacks too."""
        own = _make(step, plan, work, folder=folder, given=_Given(settled, parts, poisoned))
        before = [one for need in step.needs for one in poisoned_in(place_of(work, plan[need]))]
        return [*before, *own]

    return carry_out(step, work, make, since=begin)


def _folders(step: Step, plan: Plan, work: Path) -> dict[str, Path]:
    """Return where the datasets stand that a step refers to."""
    dataset = plan.manifest.spec.datasets[step.dataset]
    others = references(dataset) + (truth_references(dataset) if step.kind == "truth" else ())
    return {other: place_of(work, plan[f"place {other}"]) for other in others}


def _read(step: Step, plan: Plan, work: Path) -> tuple[Settled | None, tuple[Part, ...]]:
    """Read a dataset: as a whole into memory, or in stretches that are kept."""
    before = [plan[need].key for need in step.needs]
    if not is_finished(place_of(work, reading_of(step))):
        known = {other: read_placed(folder) for other, folder in _folders(step, plan, work).items()}
        settled = read_dataset(plan.manifest, step.dataset, known)
        if not read_apart(step, work, settled, plan.manifest):
            return settled, ()
    return None, place_parts(step, work, plan.manifest, before)


class _Given:
    """What a step was given beside its plan."""

    def __init__(self, settled: Settled | None, parts: tuple[Part, ...], poisoned: Mapping[str, str]) -> None:
        self.settled = settled
        self.parts = parts
        self.poisoned = poisoned


def _make(step: Step, plan: Plan, work: Path, *, folder: Path, given: _Given) -> Lacking:
    """Write the result of a step; returns the partitions that it does without."""
    manifest, name, folders = plan.manifest, step.dataset, _folders(step, plan, work)
    placed = place_of(work, plan[f"place {name}"])
    poison = given.poisoned.get(step.key)
    if step.kind == "place" and given.settled is not None:
        known = {other: read_placed(path) for other, path in folders.items()}
        return place(manifest, given.settled, known, folder, poison=poison)
    if step.kind == "place":
        return join_places(manifest, step, work, given.parts, poisoned=given.poisoned, folder=folder)
    if step.kind == "cells" and given.parts:
        return join_cells(manifest, work, given.parts, poisoned=given.poisoned, folder=folder)
    if step.kind == "cells":
        return make_cells(manifest, name, placed, references=folders, folder=folder, poison=poison)
    if step.kind == "truth":
        make_truth(manifest, name, placed, references=folders, folder=folder)
    else:
        make_field(manifest, str(step.variable), place_of(work, plan[f"cells {name}"]), folder)
    return []


def take_part(part: Part, plan: Plan, work: Path) -> Outcome:
    """Take one partition.

    Parameters
    ----------
    part : Part
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

    def make(folder: Path) -> None:
        """Write the result of this partition."""
        if part.kind == "place-part":
            place_part(plan.manifest, part, _folders(plan[part.step], plan, work), folder)
        else:
            cells_part(plan.manifest, part, folder)

    return carry_out(part, work, make)


def run_record(
    plan: Plan, work: Path, outcomes: Sequence[Outcome], parts: Sequence[tuple[Part, Outcome]]
) -> dict[str, Any]:
    """Return what a build records of itself.

    Parameters
    ----------
    plan : Plan
        What was built.
    work : Path
        Folder of finished steps.
    outcomes : sequence of Outcome
        How the steps went.
    parts : sequence of tuple
        How the partitions went.

    Returns
    -------
    dict
        JSON types; the folders in it are those that the snapshot was made of.
    """
    steps = [_line(outcome, place_of(work, plan[outcome.name])) for outcome in outcomes]
    lines = [_line(outcome, place_of(work, part)) | {"rows": part.rows, "step": part.step} for part, outcome in parts]
    lacking = {str(one["part"]): dict(one) for outcome in outcomes for one in outcome.poisoned}
    read = {
        step.dataset: [int(placed_record(place_of(work, step))["records_in"]), step.cost]
        for step in plan.steps
        if step.kind == "place"
    }
    return {"code": plan.code, "steps": steps, "parts": lines, "read": read, "poisoned": list(lacking.values())}


def _line(outcome: Outcome, folder: Path) -> dict[str, Any]:
    seconds = round(outcome.seconds, 3)
    return {"name": outcome.name, "folder": folder.name, "reused": outcome.reused, "seconds": seconds}
