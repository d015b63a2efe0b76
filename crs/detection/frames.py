"""The frames that are in use at a place, listed at once and resolved only where numbers could be theirs."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS, Transformer
from pyproj.aoi import AreaOfInterest, AreaOfUse
from pyproj.database import query_crs_info
from pyproj.enums import PJType
from pyproj.exceptions import ProjError

from crs.definition import definition
from crs.errors import CrsError
from crs.moves import from_hub, inside
from crs.registry import definitions, entry

if TYPE_CHECKING:
    from crs.coordinates import FloatArray
    from crs.definition import PositionDefinition
    from crs.entries import Area

__all__ = ["WORLD", "box_in", "frames_at", "holds"]

#: Frames of the world that are in use everywhere.
WORLD = ("OGC:CRS84", "EPSG:4326", "EPSG:3857")
#: A frame of half the world is no frame of a city, and the box about a large country holds cities of others; those in
#: use are named in `WORLD` and in the registry.
_WIDEST_DEG = {PJType.GEOGRAPHIC_2D_CRS: 40.0, PJType.PROJECTED_CRS: 120.0}
#: Operations of one region each for a frame that has none for all its area.
_REGIONAL = {
    base: tuple(f"EPSG:{code}" for code in (15918, 15919, 15920, 15921, 15935, 15936)) for base in ("EPSG:4214",)
}
_OLD_PLANES = (range(2401, 2443), range(21413, 21424), range(21453, 21464))


@lru_cache(maxsize=64)
def frames_at(lon_deg: float, lat_deg: float) -> tuple[PositionDefinition, ...]:
    """List the frames in use at a place.

    Parameters
    ----------
    lon_deg, lat_deg : float
        The place.

    Returns
    -------
    tuple of PositionDefinition
        Frames of the world, of the registry, of EPSG, and old frames by operations of the region. Whether there is an
        operation that holds at the place is for `holds` to say: to ask that of all takes seconds.
    """
    names = [*WORLD, *definitions()]
    place = AreaOfInterest(lon_deg, lat_deg, lon_deg, lat_deg)
    names += [
        f"EPSG:{info.code}"
        for kind, widest_deg in _WIDEST_DEG.items()
        for info in query_crs_info("EPSG", kind, area_of_interest=place, contains=True)
        if info.area_of_use is not None and _width_deg(info.area_of_use) < widest_deg
    ]
    specs: list[object] = list(dict.fromkeys(names))
    for base, operations in _REGIONAL.items():
        ways: list[dict[str, object]] = [
            {"definition": base, "shift": {"operation": operation}} for operation in operations
        ]
        held = [way["shift"] for way in ways if holds(str(definition(way).crs), lon_deg, lat_deg)]
        olds = [base, *(f"EPSG:{code}" for codes in _OLD_PLANES for code in codes)]
        specs += [{"definition": old, "shift": shift} for shift in held for old in olds]
    found = [position for spec in specs if (position := _defined(spec)) is not None]
    return tuple({str(position.crs): position for position in found}.values())


def _width_deg(area: AreaOfUse) -> float:
    """Return how wide an area is, perhaps across the antimeridian."""
    return float(area.east - area.west + (360.0 if area.west > area.east else 0.0))


def _defined(spec: object) -> PositionDefinition | None:
    """Return the frame, None if it is refused."""
    try:
        return definition(spec)
    except CrsError:
        return None


@lru_cache(maxsize=4096)
def holds(code: str, lon_deg: float, lat_deg: float) -> bool:
    """Say whether a frame can be moved, and it and its operation hold at a place.

    Parameters
    ----------
    code : str
        Canonical text of the frame.
    lon_deg, lat_deg : float
        The place.

    Returns
    -------
    bool
        False where no operation is published.

    Examples
    --------
    >>> holds("EPSG:4547", 114.0, 22.5), holds("EPSG:2263", 114.0, 22.5), holds("EPSG:4610", 114.0, 22.5)
    (True, False, False)
    """
    try:
        known = entry(code)
    except CrsError:
        return False
    at = np.array([lon_deg]), np.array([lat_deg])
    return bool(inside(known.area, *at)[0] and inside(known.datum.area, *at)[0])


@lru_cache(maxsize=4096)
def box_in(code: str, area: Area) -> FloatArray:
    """Return the least and greatest numbers that an area has in a frame.

    Parameters
    ----------
    code : str
        Canonical text of the frame.
    area : Area
        Where the records should be.

    Returns
    -------
    numpy.ndarray
        Least x and y, greatest x and y, with a margin since edges are bent and old datums lie beside; NaN where the
        frame has no numbers for the area.
    """
    lon, lat = np.meshgrid(np.linspace(area.west, area.east, 5), np.linspace(area.south, area.north, 5))
    x, y = _numbers(code, lon.ravel(), lat.ravel())
    good = np.isfinite(x) & np.isfinite(y)
    if not good.any():
        return np.full(4, np.nan)
    low, high = np.array([x[good].min(), y[good].min()]), np.array([x[good].max(), y[good].max()])
    rim = 0.05 * (high - low)
    return np.concatenate([low - rim, high + rim])


def _numbers(code: str, lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return about the numbers of a frame: those of EPSG on their own datum, which saves to look for an operation."""
    if not code.startswith("EPSG:") or code in definitions():
        try:
            return from_hub(entry(code), lon, lat)
        except CrsError:
            return np.full(lon.shape, np.nan), np.full(lon.shape, np.nan)
    parsed = CRS(code)
    try:
        own = Transformer.from_crs(parsed.geodetic_crs or parsed, parsed, always_xy=True)
    except ProjError:
        # A projection that PROJ cannot run.
        return np.full(lon.shape, np.nan), np.full(lon.shape, np.nan)
    x, y = own.transform(lon, lat)
    return np.asarray(x), np.asarray(y)
