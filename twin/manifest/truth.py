"""What is wrong with what a ``city.yaml`` says of the truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import crs
from twin.errors import Fault
from twin.manifest.files import without_files

if TYPE_CHECKING:
    from pathlib import Path

    from twin.manifest.marks import Lines, Location
    from twin.manifest.models import CitySpec, DatasetSpec


def truth_references(dataset: DatasetSpec) -> tuple[str, ...]:
    """Return the datasets that the true definition of a dataset's positions refers to.

    Parameters
    ----------
    dataset : DatasetSpec
        Entry of the manifest.

    Returns
    -------
    tuple of str
        Names; empty where no other definition than the declared one is stated.
    """
    position = None if dataset.truth is None else dataset.truth.position
    if not isinstance(position, Mapping):
        return ()
    try:
        return tuple(crs.definition(without_files(position)).references)
    except crs.CrsError:
        return ()


def truth_faults(name: str, dataset: DatasetSpec, root: Path | None, lines: Lines) -> list[Fault]:
    """Find a truth that cannot be read or understood.

    Parameters
    ----------
    name : str
        Name of the dataset.
    dataset : DatasetSpec
        Its entry.
    root : Path or None
        Folder that holds the data, if there is one.
    lines : Lines
        Where entries stand.

    Returns
    -------
    list of Fault
        Every fault of its ``truth:``.
    """
    truth = dataset.truth
    if truth is None:
        return []
    faults = []
    if root is not None:
        full = (root / truth.path).resolve()
        if not full.is_relative_to(root) or not full.is_file():
            what = "which leaves root" if not full.is_relative_to(root) else "which is no file"
            remedy = "write the path of a table with row (or a key), lon and lat, relative to root"
            faults.append(_fault(("datasets", name, "truth"), f"{truth.path!r}, {what}", remedy, lines))
    if truth.position is not None:
        try:
            crs.definition(without_files(truth.position))
        except crs.CrsError as error:
            remedy = " ".join(str(error).split())
            faults.append(_fault(("datasets", name, "truth", "position"), repr(truth.position), remedy, lines))
    return faults


def fusion_faults(spec: CitySpec, lines: Lines) -> list[Fault]:
    """Find what is wrong with how fusion error is to be measured.

    Parameters
    ----------
    spec : CitySpec
        The whole city.
    lines : Lines
        Where entries stand.

    Returns
    -------
    list of Fault
        An unknown plane, links or buildings that are no dataset, a resolution that is not stored.
    """
    fusion = spec.fusion
    faults = []
    if fusion.plane is not None:
        try:
            plane = crs.definition(fusion.plane)
            remedy = "" if plane.crs is not None and plane.unit != "degree" else "name a plane, such as EPSG:4547"
        except crs.CrsError as error:
            remedy = " ".join(str(error).split())
        if remedy:
            faults.append(_fault(("fusion", "plane"), repr(fusion.plane), remedy, lines))
    for word in ("links", "buildings"):
        other = getattr(fusion, word)
        if other is not None and other not in spec.datasets:
            remedy = f"write the name of a dataset: {', '.join(spec.datasets)}"
            faults.append(_fault(("fusion", word), repr(other), remedy, lines))
    finer = [level for level in fusion.resolutions if level > spec.resolution]
    if finer and "resolutions" in fusion.model_fields_set:
        remedy = f"the city is stored at {spec.resolution}: write that or coarser"
        faults.append(_fault(("fusion", "resolutions"), str(finer[0]), remedy, lines))
    return faults


def _fault(location: Location, found: str, remedy: str, lines: Lines) -> Fault:
    return Fault(line=lines.of(location), where=".".join(map(str, location)), found=found, remedy=remedy)
