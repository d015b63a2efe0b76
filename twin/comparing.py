"""What changed between two snapshots: layers, variables, and the cells whose values differ."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from twin.storage.snapshot import Snapshot

__all__ = ["Difference", "LayerChange", "VariableChange", "difference"]

Change = Literal["added", "removed", "changed"]
#: What a layer says of itself that people ask about first.
_TOLD = ("position", "status", "operation", "sigma_m", "records_in", "placed", "quarantined", "rejected", "licence")


@dataclass(frozen=True, kw_only=True)
class LayerChange:
    """One layer that is not the same.

    Parameters
    ----------
    name : str
        Of the layer.
    change : {"added", "removed", "changed"}
        What happened to it.
    told : tuple of tuple
        Name, former and new value of what the layer says of itself, where these differ.
    files : tuple of str
        Its files whose bytes differ.
    """

    name: str
    change: Change
    told: tuple[tuple[str, Any, Any], ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class VariableChange:
    """One variable whose values are not the same.

    Parameters
    ----------
    name : str
        Of the variable.
    change : {"added", "removed", "changed"}
        What happened to it.
    cells : int
        Cells with another value at any time, those that only one of the two has included.
    largest : float
        Greatest absolute difference of a value that both have, unit of the variable; NaN if there is none.
    """

    name: str
    change: Change
    cells: int = 0
    largest: float = float("nan")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What changed from one snapshot to another.

    Parameters
    ----------
    first, second : str
        Their ids.
    layers : tuple of LayerChange
        Layers that differ.
    variables : tuple of VariableChange
        Variables that differ.
    """

    first: str
    second: str
    layers: tuple[LayerChange, ...]
    variables: tuple[VariableChange, ...]

    def __bool__(self) -> bool:
        return bool(self.layers or self.variables)

    def __repr__(self) -> str:
        lines = [f"<Difference {self.first} -> {self.second}" + ("" if self else ": none")]
        for layer in self.layers:
            told = "; ".join(f"{key} {before} -> {after}" for key, before, after in layer.told)
            lines.append(f"  layer {layer.name}: {layer.change}" + (f" ({told})" if told else ""))
        for variable in self.variables:
            how = f" in {variable.cells:,} cells, by {variable.largest:.6g} at most" if variable.cells else ""
            lines.append(f"  variable {variable.name}: {variable.change}{how}")
        return "\n".join(lines) + ">"


def difference(first: Snapshot, second: Snapshot) -> Difference:
    """Compare two snapshots.

    Parameters
    ----------
    first, second : Snapshot
        The former one first.

    Returns
    -------
    Difference
        False where they hold the same.
    """
    return Difference(
        first=first.id, second=second.id, layers=_layers(first, second), variables=_variables(first, second)
    )


def _by_name(snapshot: Snapshot, what: str) -> dict[str, dict[str, Any]]:
    return {tree["name"]: tree for tree in snapshot.manifest[what]}


def _change(name: str, before: dict[str, Any], after: dict[str, Any]) -> Change:
    return "added" if name not in before else "removed" if name not in after else "changed"


def _files(snapshot: Snapshot, layer: str) -> dict[str, str]:
    """Return the hashes of a layer's own files."""
    own = re.compile(rf"\w+/{re.escape(layer)}(\.parquet|/\d+\.parquet)")
    return {name: told["sha256"] for name, told in snapshot.manifest["files"].items() if own.fullmatch(name)}


def _layers(first: Snapshot, second: Snapshot) -> tuple[LayerChange, ...]:
    before, after = _by_name(first, "layers"), _by_name(second, "layers")
    found = []
    for name in sorted(before.keys() | after.keys()):
        change = _change(name, before, after)
        old, new = before.get(name, {}), after.get(name, {})
        told = tuple((key, old.get(key), new.get(key)) for key in _TOLD if old.get(key) != new.get(key))
        had, has = _files(first, name), _files(second, name)
        files = tuple(sorted(file for file in had.keys() | has.keys() if had.get(file) != has.get(file)))
        if change != "changed" or old != new or files:
            found.append(LayerChange(name=name, change=change, told=told if change == "changed" else (), files=files))
    return tuple(found)


def _variables(first: Snapshot, second: Snapshot) -> tuple[VariableChange, ...]:
    before, after = _by_name(first, "variables"), _by_name(second, "variables")
    found = []
    for name in sorted(before.keys() | after.keys()):
        change = _change(name, before, after)
        if change != "changed":
            found.append(VariableChange(name=name, change=change))
            continue
        cells, largest = _cells_changed(first, second, name)
        if cells or before[name] != after[name]:
            found.append(VariableChange(name=name, change=change, cells=cells, largest=largest))
    return tuple(found)


def _cells_changed(first: Snapshot, second: Snapshot, variable: str) -> tuple[int, float]:
    """Count the cells whose values differ, and the greatest difference."""
    prefix = f"cube.zarr/{variable}/"
    hashes = [
        {name: told for name, told in one.manifest["files"].items() if name.startswith(prefix)}
        for one in (first, second)
    ]
    if hashes[0] == hashes[1]:
        return 0, float("nan")
    old, new = (one.arrays(variable, ("cell", "value")) for one in (first, second))
    alone = len(np.setxor1d(old["cell"], new["cell"]))
    shared, at_old, at_new = np.intersect1d(old["cell"], new["cell"], return_indices=True)
    former, latter = old["value"][at_old], new["value"][at_new]
    if former.shape != latter.shape:
        return alone + len(shared), float("nan")
    same = (former == latter) | (np.isnan(former) & np.isnan(latter))
    apart = np.abs(latter - former)
    known = np.isfinite(apart)
    changed = int(np.count_nonzero(~same.reshape(len(shared), -1).all(axis=1))) if len(shared) else 0
    return alone + changed, float(apart[known].max()) if known.any() else float("nan")
