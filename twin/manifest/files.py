"""Files that positions of a ``city.yaml`` name: like all data they lie under root, wherever a build is started."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from twin.manifest.models import DetectPosition

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: Where a position may name a file: the grid that moves its heights, the control points of its local grid.
_PLACES = (("vertical", "by", "grid"), ("local_grid", "control_points"))
#: A frame may be said in a mapping of its own.
_INNER = ("definition",)
#: Stands in for a grid whose control points are not read.
_ANY_GRID: Mapping[str, object] = {"affine": [1, 0, 0, 0, 1, 0], "sigma_m": 1}


def position_files(position: object) -> tuple[str, ...]:
    """Return the files that a position names.

    Parameters
    ----------
    position : object
        The ``position:`` of a dataset.

    Returns
    -------
    tuple of str
        As they are written.

    Examples
    --------
    >>> position_files({"local_grid": {"name": "g", "base": "EPSG:4547", "control_points": "points.csv"}})
    ('points.csv',)
    """
    if isinstance(position, DetectPosition):
        return tuple(file for candidate in position.detect.candidates for file in position_files(candidate))
    inner = _found(position, _INNER)
    found = [_found(position, keys) for keys in _PLACES]
    return (*(file for file in found if isinstance(file, str)), *(position_files(inner) if inner is not None else ()))


def _found(position: object, keys: tuple[str, ...]) -> object:
    for key in keys:
        position = position.get(key) if isinstance(position, Mapping) else None
    return position


def rooted(position: object, root: Path) -> Any:  # noqa: ANN401 - whatever form `position:` has
    """Fill root into the paths of files.

    Parameters
    ----------
    position : object
        The ``position:`` of a dataset.
    root : Path
        Folder that all data paths are relative to.

    Returns
    -------
    object
        The same with whole paths; a position without files as it is.
    """
    if isinstance(position, DetectPosition):
        candidates = tuple(rooted(candidate, root) for candidate in position.detect.candidates)
        return position.model_copy(update={"detect": position.detect.model_copy(update={"candidates": candidates})})
    if isinstance(_found(position, _INNER), Mapping):
        position = _changed(position, _INNER, lambda said: rooted(said, root))
    for keys in _PLACES:
        file = _found(position, keys)
        if isinstance(file, str):
            position = _changed(position, keys[:-1], _setter(keys[-1], str((root / file).resolve())))
    return position


def without_files(position: object) -> Any:  # noqa: ANN401 - whatever form `position:` has
    """Leave out what comes from files, so that the rest can be read without them.

    Parameters
    ----------
    position : object
        The ``position:`` of a dataset.

    Returns
    -------
    object
        The same without ``vertical.by`` and ``local_grid.control_points`` where these name files.
    """
    heights, grid = _PLACES
    if isinstance(_found(position, _INNER), Mapping):
        position = _changed(position, _INNER, without_files)
    if isinstance(_found(position, heights), str):
        position = _changed(position, heights[:1], lambda said: _left(said, {"by"}))
    if isinstance(_found(position, grid), str):
        position = _changed(position, grid[:1], lambda said: {**_left(said, {"control_points", "kind"}), **_ANY_GRID})
    return position


_Said = dict[str, Any]


def _changed(position: Any, keys: tuple[str, ...], change: Callable[[_Said], _Said]) -> _Said:  # noqa: ANN401 - as found
    """Return a position with one of its mappings changed, however deep."""
    if not keys:
        return change(position)
    return {**position, keys[0]: _changed(position[keys[0]], keys[1:], change)}


def _setter(key: str, value: str) -> Callable[[_Said], _Said]:
    return lambda said: {**said, key: value}


def _left(said: _Said, words: set[str]) -> _Said:
    return {key: value for key, value in said.items() if key not in words}
