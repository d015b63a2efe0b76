"""Grid files of heights in a ``city.yaml``: like all data they lie under root, wherever a build is started."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_PATH = ("vertical", "by", "grid")


def height_grid(position: object) -> str | None:
    """Return the grid file that moves the heights of a dataset.

    Parameters
    ----------
    position : object
        The ``position:`` of the dataset.

    Returns
    -------
    str or None
        As it is written; None if there is none.
    """
    found = position
    for key in _PATH:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else None


def rooted(position: object, root: Path) -> Any:  # noqa: ANN401 - whatever form `position:` has
    """Fill root into the path of the grid file.

    Parameters
    ----------
    position : object
        The ``position:`` of a dataset.
    root : Path
        Folder that all data paths are relative to.

    Returns
    -------
    object
        The same with a whole path; a position without a grid file as it is.
    """
    grid = height_grid(position)
    return position if grid is None else _with_by(position, {"grid": str((root / grid).resolve())})


def without_grid(position: object) -> Any:  # noqa: ANN401 - whatever form `position:` has
    """Leave the operation of a grid file out, so that the rest can be read without the file.

    Parameters
    ----------
    position : object
        The ``position:`` of a dataset.

    Returns
    -------
    object
        The same without ``vertical.by`` where it names a grid file.
    """
    return position if height_grid(position) is None else _with_by(position, None)


def _with_by(position: Any, more: dict[str, str] | None) -> dict[str, Any]:  # noqa: ANN401 - checked by `height_grid`
    vertical = {key: value for key, value in position["vertical"].items() if key != "by"}
    if more is not None:
        vertical["by"] = {**position["vertical"]["by"], **more}
    return {**position, "vertical": vertical}
