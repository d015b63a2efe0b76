"""Definitions that the registry does not name: resolved once, before a point is moved, or refused.

The operation must be published with an accuracy, must not be a ballpark, needs no file that is absent, and must hold
in the whole area of use of the definition. PROJ lists what there is; it never chooses.
"""

from __future__ import annotations

import warnings

from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError
from pyproj.transformer import TransformerGroup

from crs.entries import MARGIN_DEG, Area, Datum
from crs.errors import OperationRefusedError

__all__ = ["own_steps", "published_operation", "zone_margin_deg"]

_WORLD_HUB = "OGC:CRS84"
#: Operations on land and definitions that reach out to sea differ at the rim. What holds in less than this share of a
#: definition's area is a regional operation; what holds in more is used, and outside it positions are refused.
_MIN_SHARE = 0.9
#: The transverse Mercator stays exact far beyond its zone, and cities straddle the edges: half a zone more either way.
_ZONE_MARGINS_DEG = (("UTM zone", 3.0), ("3-degree Gauss-Kruger", 1.5), ("Gauss-Kruger", 3.0))


def zone_margin_deg(name: str) -> float:
    """Return how far beyond its strip a definition may be used.

    Parameters
    ----------
    name : str
        EPSG's name of the definition.

    Returns
    -------
    float
        Degrees of longitude.
    """
    return next((margin for word, margin in _ZONE_MARGINS_DEG if word in name), MARGIN_DEG)


def own_steps(parsed: CRS) -> str:
    """Return the steps from a definition's numbers to longitude, latitude in degrees on its own datum.

    Parameters
    ----------
    parsed : pyproj.CRS
        Geographic or projected.

    Returns
    -------
    str
        PROJ steps, without any change of datum; "" if the numbers are that already.

    Raises
    ------
    OperationRefusedError
        If PROJ does not compute the projection.
    """
    try:
        return _steps(Transformer.from_crs(parsed, parsed.geodetic_crs or parsed, always_xy=True).definition)
    except ProjError as fault:
        raise OperationRefusedError(
            f"{parsed.name} is refused: PROJ has no way from its numbers to longitude and latitude; give the dataset "
            "in another definition"
        ) from fault


def published_operation(parsed: CRS, area: Area | None) -> tuple[str, Datum, Area]:
    """Choose the one published operation that holds in the whole area of use, or refuse.

    Parameters
    ----------
    parsed : pyproj.CRS
        The definition.
    area : Area or None
        Its area of use.

    Returns
    -------
    steps : str
        The whole way to WGS 84.
    datum : Datum
        With the operation's name and accuracy, and no shift of its own.
    area : Area
        Where both hold.

    Raises
    ------
    OperationRefusedError
        If there is none.
    """
    regional = []
    for candidate in _listed(parsed):
        if candidate.accuracy < 0 or candidate.area_of_use is None:
            continue
        held = Area(*candidate.area_of_use.bounds)
        common, share = held.shared(area) if area is not None else (held, 0.0)
        if share >= _MIN_SHARE:
            datum = Datum(
                name=f"{parsed.geodetic_crs.name if parsed.geodetic_crs else parsed.name} by {candidate.description}",
                title=parsed.geodetic_crs.name if parsed.geodetic_crs else parsed.name,
                shift="",
                accuracy_m=float(candidate.accuracy),
                area=held,
                operation=candidate.description,
            )
            return _steps(candidate.definition), datum, common
        regional.append(f"{candidate.description} ({candidate.accuracy:g} m, {held})")
    found = f"only regional ones: {'; '.join(regional[:3])}" if regional else "none"
    where = f" ({area})" if area is not None else ", which is not stated"
    raise OperationRefusedError(
        f"{parsed.name} is refused: no published operation to WGS 84 with a stated accuracy holds in its area of "
        f"use{where} without files that are absent; found {found}. Give the dataset in a definition that has one, "
        "or the parameters that you trust: {definition: ..., shift: {parameters: [tx, ty, tz], accuracy_m: ..., "
        "source: ...}}"
    )


def _listed(parsed: CRS) -> list[Transformer]:
    """List the operations to WGS 84 that PROJ knows and can run here."""
    with warnings.catch_warnings():
        # pyproj warns of grids that are not installed; what is left is judged by its own accuracy.
        warnings.simplefilter("ignore", UserWarning)
        try:
            return list(TransformerGroup(parsed, _WORLD_HUB, always_xy=True, allow_ballpark=False).transformers)
        except (IndexError, ProjError):
            # pyproj asks for the first of a list that is empty where there is nothing but ballparks.
            return []


def _steps(pipeline: str) -> str:
    """Turn PROJ's own text of an operation into steps with plus signs."""
    words = [word if word.startswith("+") else f"+{word}" for word in pipeline.split()]
    if words[0] == "+proj=noop":
        return ""
    if words[0] == "+proj=pipeline":
        return " ".join(words[1:])
    return " ".join(["+step", *words])
