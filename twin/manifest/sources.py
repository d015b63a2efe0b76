"""What is wrong with words of a variable about its sources: their own sigma, and who measures the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twin.manifest.marks import Lines, Location
    from twin.manifest.models import DatasetSpec, VariableSpec

__all__ = ["source_faults"]

_Found = tuple[str, str, str]


def source_faults(datasets: Mapping[str, DatasetSpec], lines: Lines) -> list[Fault]:
    """Find stated sigmas that nothing can be made of, and variables that cannot be compared.

    Parameters
    ----------
    datasets : mapping of str to DatasetSpec
        All entries.
    lines : Lines
        Where they stand.

    Returns
    -------
    list of Fault
        One a word.
    """
    owners = {
        key: (name, variable) for name, dataset in datasets.items() for key, variable in dataset.variables.items()
    }
    faults = []
    for key, (name, variable) in owners.items():
        found = [*_sigma_faults(variable), *_same_faults(key, owners, datasets)]
        for word, seen, remedy in found:
            location: Location = ("datasets", name, "variables", key, word)
            where = ".".join(map(str, location))
            faults.append(Fault(line=lines.of(location), where=where, found=seen, remedy=remedy))
    return faults


def _sigma_faults(variable: VariableSpec) -> list[_Found]:
    if variable.sigma is None:
        return []
    if variable.kind == "categorical" or variable.derive is not None:
        what = "a class" if variable.kind == "categorical" else "a value that is derived"
        return [("sigma", f"a standard deviation of {what}", "remove it: only numbers from a column state one")]
    if variable.field is not None:
        remedy = "remove it: the variance of the field is held against left-out stations, errors of readings included"
        return [("sigma", "beside field: kriging", remedy)]
    return []


def _same_faults(
    key: str, owners: Mapping[str, tuple[str, VariableSpec]], datasets: Mapping[str, DatasetSpec]
) -> list[_Found]:
    name, variable = owners[key]
    if variable.same_as is None:
        return []
    others = sorted(other for other, (owner, _) in owners.items() if owner != name)
    if variable.same_as not in others:
        return [
            ("same_as", repr(variable.same_as), f"write a variable of another dataset: {', '.join(others) or 'none'}")
        ]
    owner, other = owners[variable.same_as]
    if other.same_as is not None:
        return [("same_as", f"{variable.same_as!r}, which is same_as {other.same_as!r}", f"write {other.same_as}")]
    if (variable.kind, other.kind) != ("intensive", "intensive") or variable.unit != other.unit:
        seen = f"{variable.kind} in {variable.unit!r} beside {other.kind} in {other.unit!r}"
        remedy = "only levels in one unit are compared: convert one under fields:, or remove same_as"
        return [("same_as", seen, remedy)]
    if (datasets[name].time is None) != (datasets[owner].time is None):
        return [("same_as", f"{variable.same_as!r}, of which only one has a time", "remove same_as")]
    return []
