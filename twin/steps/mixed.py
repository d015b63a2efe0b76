"""Place a dataset whose groups are in different definitions, each record by what was found of it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import shapely

import crs
from twin.errors import BuildError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from layers import Layer

_FRAME = "OGC:CRS84"
_KEPT = 50


@dataclass(frozen=True, kw_only=True, eq=False)
class _Part:
    """The records of one definition, to be moved as one."""

    name: str
    position: crs.PositionDefinition
    coordinates: crs.Coordinates
    placed: crs.Placed | None = None

    def column(self, name: str, /) -> NDArray[np.generic]:
        """Have no columns: coordinates need none."""
        raise KeyError(name)

    def with_coordinates(self, placed: crs.Placed, /) -> Self:
        """Keep what came out."""
        return dataclasses.replace(self, placed=placed)


def labels_of(layer: Layer, column: str) -> NDArray[np.generic]:
    """Return the group of each record.

    Parameters
    ----------
    layer : Layer
        As published.
    column : str
        Whose values are the groups.

    Returns
    -------
    numpy.ndarray
        Shape (n,).

    Raises
    ------
    BuildError
        If a record has more than one vertex: groups are told apart point by point.
    """
    if isinstance(layer.coordinates, crs.Shapes) and (shapely.get_num_coordinates(layer.geometry) != 1).any():
        raise BuildError(f"{layer.name}: groups: needs points, found lines or areas; split the file by {column}")
    return layer.column(column)


def place_by_group(layer: Layer, mixture: crs.Mixture, *, sigma_m: float) -> Layer:
    """Move each record by the definition of its group, and set aside what is open.

    Parameters
    ----------
    layer : Layer
        As published.
    mixture : crs.Mixture
        What was found of its records.
    sigma_m : float
        Stated accuracy, metres per axis.

    Returns
    -------
    Layer
        In longitude and latitude; open records are quarantined with the status of their group.
    """
    count = len(layer)
    geometry: NDArray[np.object_] = np.full(count, None, dtype=object)
    sigmas, ambiguous = np.full(count, np.nan), np.zeros(count, dtype=bool)
    reasons = np.array([_why_open(mixture, row) for row in range(count)], dtype=object)
    steps = []
    for place, component in enumerate(mixture.components):
        if component.position is None:
            continue
        rows = mixture.rows_of(place)
        columns = layer.position.columns
        position = dataclasses.replace(component.position, columns=columns, sigma_m=sigma_m)
        placed = crs.harmonise(_part(layer, position, rows), target=_FRAME).placed
        if placed is None or not isinstance(placed.coordinates, crs.Shapes):
            continue
        geometry[rows], reasons[rows] = placed.coordinates.geometry, placed.reasons
        sigmas[rows] = placed.coordinates.sigma_m
        if placed.coordinates.ambiguous is not None:
            ambiguous[rows] = placed.coordinates.ambiguous
        steps.append(f"{int(rows.sum())} records found to be {component.label}: {'; '.join(placed.steps)}")
    shapes = crs.Shapes(geometry, sigmas, ambiguous if ambiguous.any() else None)
    goal = dataclasses.replace(crs.definition(_FRAME), vertical=layer.position.vertical)
    return layer.with_coordinates(crs.Placed(coordinates=shapes, reasons=reasons, position=goal, steps=tuple(steps)))


def _part(layer: Layer, position: crs.PositionDefinition, rows: NDArray[np.bool_]) -> _Part:
    coordinates = layer.coordinates
    if isinstance(coordinates, crs.Fields):
        taken: crs.Coordinates = crs.Fields(tuple(np.asarray(column[:])[rows] for column in coordinates.columns))
    else:
        turned = coordinates.geometry[rows]
        if position.axes == "lat,lon":
            turned = shapely.transform(turned, lambda places: places[:, ::-1])
            position = dataclasses.replace(position, axes="lon,lat")
        taken = crs.Shapes(turned)
    return _Part(name=layer.name, position=position, coordinates=taken)


def _why_open(mixture: crs.Mixture, row: int) -> str | None:
    """Say why a record is not placed; None where its definition is named."""
    if mixture.position_of(row) is not None:
        return None
    settle = "; ".join(mixture.settle) or "more records of this group"
    if not mixture.labels:
        return f"position_ambiguous: would settle it: {settle}"
    group = int(mixture.group_of_row[row])
    label, status = mixture.labels[group], str(mixture.group_status[group])
    names = [*(one.label for one in mixture.components), "none of these"]
    shares = mixture.group_probabilities[group]
    told = ", ".join(f"{names[place]} {100 * shares[place]:.1f} %" for place in np.argsort(-shares)[:3])
    code = "unknown" if status == "unknown" else "ambiguous"
    return f"position_{code}: group {label} is {status}: {told}; would settle it: {settle}"


def evidence_of_groups(mixture: crs.Mixture, *, reference: str, column: str) -> dict[str, Any]:
    """Return what of a mixture is kept in a twin.

    Parameters
    ----------
    mixture : crs.Mixture
        Any.
    reference : str
        Dataset that it was held against.
    column : str
        Whose values are the groups.

    Returns
    -------
    dict
        Components with their rows, and the first fifty groups with what was found of them.
    """
    named = [one for one in mixture.components if one.position is not None]
    rows = [int(mixture.rows_of(place).sum()) for place in range(len(mixture.components))]
    groups = []
    for place, label in enumerate(mixture.labels[:_KEPT]):
        of_group = mixture.row_component[mixture.group_of_row == place]
        found = Counter(mixture.components[one].label for one in of_group[of_group >= 0].tolist())
        groups.append(
            {"group": str(label), "status": str(mixture.group_status[place]), "found": dict(sorted(found.items()))}
        )
    least = min((one.verdict.candidates[0].probability for one in named), default=None)
    return {
        "status": "named" if named else "unknown",
        "reference": reference,
        "confidence": mixture.confidence,
        "records": len(mixture),
        "found": ", ".join(one.label for one in named) or None,
        "names": [one.label for one in named],
        "probability": None if least is None else round(least, 6),
        "by": column,
        "components": [
            {"label": one.label, "records": count, "named": one.position is not None}
            for one, count in zip(mixture.components, rows, strict=True)
        ],
        "groups": groups,
        "share_ambiguous": round(mixture.share_ambiguous, 6),
        "settle": list(mixture.settle),
    }
