"""Events of builds, taken apart by OpenLineage's own classes."""

import json

import pytest
from openlineage.client import event_v2
from openlineage.client.facet_v2 import (
    column_lineage_dataset,
    error_message_run,
    ownership_dataset,
    parent_run,
    schema_dataset,
)
from openlineage.client.serde import Serde

import twin
from tests.reference.twin_cities import CITY, write_city

HEAD = {"_producer", "_schemaURL"}


def events_of(path):
    (file,) = (path / "runs").glob("*.openlineage.jsonl")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def by_their_classes(event):
    """The same event, made with the classes that are generated from the published schema."""
    kinds = {
        "schema": lambda f: schema_dataset.SchemaDatasetFacet(
            fields=[schema_dataset.SchemaDatasetFacetFields(**one) for one in f["fields"]]
        ),
        "ownership": lambda f: ownership_dataset.OwnershipDatasetFacet(
            owners=[ownership_dataset.Owner(**one) for one in f["owners"]]
        ),
        "columnLineage": lambda f: column_lineage_dataset.ColumnLineageDatasetFacet(
            fields={
                name: column_lineage_dataset.Fields(
                    inputFields=[column_lineage_dataset.InputField(**one) for one in told["inputFields"]]
                )
                for name, told in f["fields"].items()
            }
        ),
        "parent": lambda f: parent_run.ParentRunFacet(run=parent_run.Run(**f["run"]), job=parent_run.Job(**f["job"])),
        "errorMessage": lambda f: error_message_run.ErrorMessageRunFacet(
            **{name: value for name, value in f.items() if name not in HEAD}
        ),
    }

    def facets(given):
        made = {name: kinds[name](facet) for name, facet in given.items() if name in kinds}
        for name, facet in made.items():
            assert facet._schemaURL == given[name]["_schemaURL"], name
        return made

    run = event_v2.Run(runId=event["run"]["runId"], facets=facets(event["run"]["facets"]))
    sides = {
        side: [kind(one["namespace"], one["name"], facets=facets(one["facets"])) for one in event[side]]
        for side, kind in (("inputs", event_v2.InputDataset), ("outputs", event_v2.OutputDataset))
    }
    made = event_v2.RunEvent(
        eventType=event_v2.RunState[event["eventType"]],
        eventTime=event["eventTime"],
        producer=event["producer"],
        run=run,
        job=event_v2.Job(**event["job"]),
        **sides,
    )
    return json.loads(Serde.to_json(made))


def bare(tree):
    """Without what only the writer knows: producers, empty members, and facets that are ours."""
    if isinstance(tree, dict):
        kept = {k: bare(v) for k, v in tree.items() if k not in HEAD | {"producer", "schemaURL", "cityTwin_step"}}
        return {k: v for k, v in kept.items() if v not in ({}, [], None)}
    return [bare(one) for one in tree] if isinstance(tree, list) else tree


def test_every_step_starts_and_completes_as_openlineage_says(tiny):
    events = events_of(tiny.path)
    for event in events:
        assert bare(by_their_classes(event)) == bare(event)
    steps = {event["job"]["name"] for event in events} - {"build tiny"}
    assert steps == {step["name"] for step in json.loads(max((tiny.path / "runs").glob("*.json")).read_text())["steps"]}
    for job in (*steps, "build tiny"):
        mine = [event for event in events if event["job"]["name"] == job]
        assert [event["eventType"] for event in mine] == ["START", "COMPLETE"]
        assert len({event["run"]["runId"] for event in mine}) == 1
        assert mine[0]["eventTime"] <= mine[1]["eventTime"]
    assert events[-1]["outputs"][0]["name"].endswith(f"snapshots/{tiny.snapshot}")


def test_inputs_and_outputs_join_into_one_graph_from_files_to_variables(tiny):
    events = [event for event in events_of(tiny.path) if event["eventType"] == "COMPLETE"]
    made = {out["name"]: event for event in events for out in event["outputs"]}
    (field,) = (event for event in events if event["job"]["name"] == "field no2")
    seen, wanted = set(), [one["name"] for one in field["inputs"]]
    while wanted:
        name = wanted.pop()
        seen.add(name.rpartition("/")[2].split("-")[0])
        wanted += [one["name"] for one in made[name]["inputs"]] if name in made else []
    assert seen == {"cells", "place", "air.csv"}
    columns = field["outputs"][0]["facets"]["columnLineage"]["fields"]["no2"]["inputFields"]
    assert [(one["name"].rpartition("/")[2], one["field"]) for one in columns] == [("air.csv", "no2")]
    (cells,) = (event for event in events if event["job"]["name"] == "cells people")
    told = {one["name"]: one.get("description") for one in cells["outputs"][0]["facets"]["schema"]["fields"]}
    assert told["population"] == "extensive, unit 1"


def test_a_step_that_fails_says_why(tmp_path):
    path = write_city(tmp_path, manifest=CITY.replace("site: station", "site: statoin"))
    with pytest.raises(twin.BuildError):
        twin.build(path, out=tmp_path / "t.twin", workers=0)
    events = events_of(tmp_path / "t.twin")
    failed = {event["job"]["name"]: event for event in events if event["eventType"] == "FAIL"}
    assert set(failed) == {"cells air", "build tiny"}
    assert "statoin" in failed["cells air"]["run"]["facets"]["errorMessage"]["message"]
    assert bare(by_their_classes(failed["cells air"])) == bare(failed["cells air"])
