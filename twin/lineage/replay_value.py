"""One number of the cube, made once more from the raw files: reading, moving, sharing out and reducing, all of it."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from twin.build import build
from twin.errors import UnknownNameError

if TYPE_CHECKING:
    from twin.lineage.explaining import Explanation
    from twin.manifest.reading import Manifest
    from twin.model import Twin

__all__ = ["replay_value"]


def replay_value(city: Twin, cell: int | str, variable: str, *, manifest: Manifest, time: object = None) -> Explanation:
    """Compute the value of a cell again from the files that the manifest names; the twin stays as it is.

    Parameters
    ----------
    city : Twin
        Built of that manifest.
    cell : int or str
        H3 cell of the storage resolution or coarser, as number or hexadecimal text.
    variable : str
        Variable of the cube.
    manifest : Manifest
        Of the city, its files where they were.
    time : str, datetime, timedelta or int, optional
        A time of the clock, or the number of a step; the first step with a value if left out.

    Returns
    -------
    Explanation
        The value and its sources as they come out now: those of `Twin.explain`, to the last bit, unless a file, the
        manifest or the code changed. The layer of the variable is built in full, with the layers it refers to.

    Raises
    ------
    UnknownNameError
        If the twin or the manifest has no such variable, or no value is there.
    BuildError
        If a file cannot be read any more.
    """
    datasets = manifest.spec.datasets
    name = next((name for name, told in datasets.items() if variable in told.variables), None)
    if variable not in city.variables or name is None:
        raise UnknownNameError(f"{variable!r} is no variable of both {city.name} and {manifest.path.name}")
    wanted, found = [name], dict.fromkeys([name])
    while wanted:
        needed = [other for other in manifest.needs(wanted.pop()) if other not in found]
        wanted += needed
        found |= dict.fromkeys(needed)
    # What is asked of a layer and what is only drawn of it are different matters: truths and views are left out.
    chosen = {one: told.model_copy(update={"truth": None}) for one, told in datasets.items() if one in found}
    spec = manifest.spec.model_copy(update={"datasets": chosen, "view": None})
    with tempfile.TemporaryDirectory() as folder:
        again = build(dataclasses.replace(manifest, spec=spec), out=Path(folder) / "again.twin", workers=0)
        return again.explain(cell, variable, time)
