"""What a ``city.yaml`` says of the records of a dataset: ids that stand elsewhere, rules, repairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import layers
from twin.manifest.models import DatasetSpec, DetectPosition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.manifest.positions import Found


def fields_of(dataset: DatasetSpec) -> dict[str, layers.Field]:
    """Return what is known of the columns of a dataset.

    Parameters
    ----------
    dataset : DatasetSpec
        Entry of the manifest.

    Returns
    -------
    dict of str to layers.Field
        The same words.
    """
    return {
        name: layers.Field(
            **{
                **field.model_dump(),
                "missing": field.missing or (),
                "gas": None if field.gas is None else layers.Gas(**field.gas.model_dump()),
                "flags": None if field.flags is None else layers.Flags(**field.flags.model_dump()),
            }
        )
        for name, field in dataset.fields.items()
    }


def record_faults(dataset: DatasetSpec, names: Sequence[str]) -> list[Found]:
    """Find what is wrong with fields, rules and repairs.

    Parameters
    ----------
    dataset : DatasetSpec
        Its entry.
    names : sequence of str
        Names of all datasets.

    Returns
    -------
    list of tuple
        Where inside the dataset, what stands there, and what to write.
    """
    found: list[Found] = []
    for column, field in dataset.fields.items():
        said = field.references
        if said is not None and said.rpartition(".")[0] not in names:
            remedy = f"write dataset.column, such as {names[0]}.id; datasets are {', '.join(names)}"
            found.append((("fields", column, "references"), repr(said), remedy))
        try:
            layers.Field(**{**field.model_dump(), "missing": field.missing or ()})
        except layers.SchemaError as error:
            found.append((("fields", column), "a field that cannot be", str(error)))
    for rule in dataset.rules:
        try:
            layers.parse_rule(rule)
        except layers.SchemaError as error:
            found.append((("rules",), repr(rule), str(error)))
    return [*found, *_repair_faults(dataset)]


def _repair_faults(dataset: DatasetSpec) -> list[Found]:
    found: list[Found] = []
    for repair in dataset.repairs:
        meant = layers.Repair(**repair.told())
        field = dataset.fields.get(str(meant.column))
        if meant.rule == "respell" and (field is None or not field.allowed):
            remedy = f"write fields: {{{meant.column}: {{allowed: […]}}}}: the words that it can be"
            found.append((("repairs",), f"respell of {meant.column!r}", remedy))
        if meant.of_positions and isinstance(dataset.position, DetectPosition):
            remedy = "remove it, or declare the position: what is to be found cannot be held against the area"
            found.append((("repairs",), f"{meant.rule} of positions that are to be detected", remedy))
    return found
