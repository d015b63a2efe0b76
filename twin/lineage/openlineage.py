"""What a build did, as OpenLineage events in a file: other programs' catalogues read it, nothing is sent anywhere.

References
----------
.. [1] OpenLineage, object model and facets, https://openlineage.io/docs/spec/object-model
"""

from __future__ import annotations

import json
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self
from uuid import NAMESPACE_URL, uuid4, uuid5

import pyarrow as pa
import pyarrow.parquet as pq

from twin.steps.work import place_of
from twin.store import RUNS, SNAPSHOTS, WORK

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    from twin.plan import Plan, Step
    from twin.steps.work import Outcome

__all__ = ["EventLog"]

ENDING = ".openlineage.jsonl"
_NAMESPACE = "city-twin"
_SPEC = "https://openlineage.io/spec"
_EVENT = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = {
    "columnLineage": f"{_SPEC}/facets/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet",
    "errorMessage": f"{_SPEC}/facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet",
    "ownership": f"{_SPEC}/facets/1-0-1/OwnershipDatasetFacet.json#/$defs/OwnershipDatasetFacet",
    "parent": f"{_SPEC}/facets/1-2-0/ParentRunFacet.json#/$defs/ParentRunFacet",
    "schema": f"{_SPEC}/facets/1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet",
    # Our own: which step it was, by the key that decides whether it is done again.
    "cityTwin_step": f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunFacet",
}
_TABLES = ("layer.parquet", "features.parquet", "stations.parquet", "fusion.parquet")


class EventLog:
    """Writes the events of one build, each as it happens.

    Parameters
    ----------
    plan : Plan
        What is built.
    out : Path
        Folder of the twin; the file is ``runs/<time>.openlineage.jsonl``.

    Attributes
    ----------
    snapshot : str or None
        Id of the snapshot, once there is one; a log that is closed without says that the build failed.
    """

    def __init__(self, plan: Plan, out: Path) -> None:
        now = datetime.now(UTC)
        self._plan = plan
        self._out = out
        self._producer = f"urn:city-twin:{plan.code}"
        self._build = {"namespace": _NAMESPACE, "name": f"build {plan.manifest.spec.city}"}
        self._run = str(uuid4())
        self.path = out / RUNS / f"{now:%Y%m%dT%H%M%S.%fZ}{ENDING}"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.snapshot: str | None = None
        self._write([self._event("START", now, inputs=self._files())])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with nullcontext() if error is None else suppress(OSError):  # what went wrong is not hidden by a full disk
            self._close()

    def ended(self, step: Step, outcome: Outcome) -> None:
        """Write down that a step ended.

        Parameters
        ----------
        step : Step
            The step.
        outcome : Outcome
            How it went.
        """
        now = datetime.now(UTC)
        begin = now - timedelta(seconds=outcome.seconds)
        inputs, outputs = self._inputs(step), [self._output(step)]
        facets = {"cityTwin_step": {"key": step.key, "kind": step.kind, "reused": outcome.reused}}
        self._write(
            [
                self._event("START", begin, step=step, inputs=inputs, facets=facets),
                self._event("COMPLETE", now, step=step, inputs=inputs, outputs=outputs, facets=facets),
            ]
        )

    def failed(self, step: Step, error: BaseException) -> None:
        """Write down that a step could not be carried out.

        Parameters
        ----------
        step : Step
            The step.
        error : BaseException
            Why.
        """
        now, inputs = datetime.now(UTC), self._inputs(step)
        told = {"errorMessage": {"message": str(error), "programmingLanguage": "Python"}}
        self._write(
            [
                self._event("START", now, step=step, inputs=inputs),
                self._event("FAIL", now, step=step, inputs=inputs, facets=told),
            ]
        )

    def _close(self) -> None:
        """Write down how the build ended: with a snapshot, or without."""
        made = [] if self.snapshot is None else [self._dataset(self._out / SNAPSHOTS / self.snapshot, {})]
        self._write(
            [self._event("COMPLETE" if made else "FAIL", datetime.now(UTC), inputs=self._files(), outputs=made)]
        )

    def _write(self, events: Iterable[dict[str, Any]]) -> None:
        with self.path.open("a", encoding="utf-8") as stream:
            stream.writelines(json.dumps(event, ensure_ascii=False, sort_keys=True) + "\n" for event in events)

    def _event(
        self,
        kind: str,
        when: datetime,
        *,
        step: Step | None = None,
        inputs: list[dict[str, Any]],
        outputs: list[dict[str, Any]] | None = None,
        facets: dict[str, dict[str, Any]] | None = None,
    ) -> dict[str, Any]:
        run, job, told = self._run, self._build, dict(facets or {})
        if step is not None:
            told["parent"] = {"run": {"runId": run}, "job": job}
            run, job = str(uuid5(NAMESPACE_URL, f"{run} {step.name}")), {"namespace": _NAMESPACE, "name": step.name}
        return {
            "eventType": kind,
            "eventTime": when.isoformat(),
            "producer": self._producer,
            "schemaURL": _EVENT,
            "run": {"runId": run, "facets": self._facets(told)},
            "job": job,
            "inputs": inputs,
            "outputs": outputs or [],
        }

    def _facets(self, told: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        return {
            name: {"_producer": self._producer, "_schemaURL": _FACETS[name], **facet} for name, facet in told.items()
        }

    def _dataset(self, path: Path, facets: dict[str, dict[str, Any]]) -> dict[str, Any]:
        return {"namespace": "file", "name": path.as_posix(), "facets": self._facets(facets)}

    def _files(self) -> list[dict[str, Any]]:
        return [dataset for name in self._plan.manifest.spec.datasets for dataset in self._sources(name)]

    def _sources(self, name: str) -> list[dict[str, Any]]:
        """Return the files of a dataset, with the fields that the manifest says they have, and their owner."""
        dataset = self._plan.manifest.spec.datasets[name]
        facets: dict[str, dict[str, Any]] = {"ownership": {"owners": [{"name": dataset.owner, "type": "OWNER"}]}}
        if dataset.fields:
            facets["schema"] = {"fields": [{"name": one} for one in sorted(dataset.fields)]}
        return [self._dataset(path, facets) for path in self._plan.manifest.files(name)]

    def _inputs(self, step: Step) -> list[dict[str, Any]]:
        """Return what a step works on: files if it reads, results of the steps before it."""
        folders = [self._dataset(place_of(self._out / WORK, self._plan[need]), {}) for need in step.needs]
        return [*(self._sources(step.dataset) if step.kind == "place" else ()), *folders]

    def _output(self, step: Step) -> dict[str, Any]:
        """Return the result of a step, its fields, and for variables of the cube from which columns they came."""
        folder = place_of(self._out / WORK, step)
        facets: dict[str, dict[str, Any]] = {}
        fields = _fields(folder)
        variables = self._plan.manifest.spec.datasets[step.dataset].variables
        made = {key: told for key, told in variables.items() if step.kind == "cells" or key == step.variable}
        if step.kind in {"cells", "field"}:
            fields += [
                {"name": key, "type": "float64", "description": f"{told.kind}, unit {told.unit}"}
                for key, told in made.items()
            ]
            columns = {key: self._origins(step, told.column or key) for key, told in made.items()}
            facets["columnLineage"] = {"fields": {key: {"inputFields": found} for key, found in columns.items()}}
        if fields:
            facets["schema"] = {"fields": fields}
        return self._dataset(folder, facets)

    def _origins(self, step: Step, column: str) -> list[dict[str, str]]:
        files = self._plan.manifest.files(step.dataset)
        return [{"namespace": "file", "name": path.as_posix(), "field": column} for path in files]


def _fields(folder: Path) -> list[dict[str, str]]:
    """Return names and types of the columns of the table in a result."""
    for name in _TABLES:
        try:
            schema = pq.read_schema(folder / name)
        except (OSError, pa.ArrowException):
            continue
        return [{"name": str(field.name), "type": str(field.type)} for field in schema]
    return []
