"""Where the sun stands, and the shadows that buildings throw on flat ground."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from crs import geodesy
from twin.tiles.attributes import heights_m_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dashboards.frames import FrameSource

MOST_BUILDINGS = 3_000
LOWEST_SUN_DEG = 2.0  # Below it a shadow is thirty times as long as a house is high, and mostly haze.
_DETAIL_M = 0.2


@dataclass(frozen=True, kw_only=True)
class Sun:
    """Where the sun stands.

    Parameters
    ----------
    azimuth_deg : float
        From north over east.
    elevation_deg : float
        Above the horizon, refraction left out; negative at night.
    """

    azimuth_deg: float
    elevation_deg: float


def sun_at(moment: pd.Timestamp, *, lon_deg: float, lat_deg: float) -> Sun:
    """Work out where the sun stands.

    Parameters
    ----------
    moment : pandas.Timestamp
        An instant; without zone it is UTC.
    lon_deg, lat_deg : float
        Degrees.

    Returns
    -------
    Sun
        Within about 0.02 degree between 1950 and 2050.

    References
    ----------
    NOAA Global Monitoring Laboratory, Solar Calculation Details, https://gml.noaa.gov/grad/solcalc/calcdetails.html,
    after Meeus, J. (1998), Astronomical Algorithms, 2nd ed., chapter 25.

    Examples
    --------
    >>> sun = sun_at(pd.Timestamp("2003-10-17T19:30:30Z"), lon_deg=-105.1786, lat_deg=39.742476)
    >>> round(sun.azimuth_deg, 1), round(sun.elevation_deg, 1)
    (194.3, 39.9)
    """
    utc = moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
    century = (utc.to_julian_date() - 2_451_545.0) / 36_525.0
    mean_longitude = np.radians((280.46646 + century * (36_000.76983 + century * 0.0003032)) % 360.0)
    anomaly = np.radians(357.52911 + century * (35_999.05029 - 0.0001537 * century))
    eccentricity = 0.016708634 - century * (0.000042037 + 0.0000001267 * century)
    centre_deg = (
        np.sin(anomaly) * (1.914602 - century * (0.004817 + 0.000014 * century))
        + np.sin(2 * anomaly) * (0.019993 - 0.000101 * century)
        + np.sin(3 * anomaly) * 0.000289
    )
    node = np.radians(125.04 - 1934.136 * century)
    longitude = np.radians(np.degrees(mean_longitude) + centre_deg - 0.00569 - 0.00478 * np.sin(node))
    mean_obliquity_deg = (
        23.0 + (26.0 + (21.448 - century * (46.815 + century * (0.00059 - century * 0.001813))) / 60) / 60
    )
    obliquity = np.radians(mean_obliquity_deg + 0.00256 * np.cos(node))
    declination = np.arcsin(np.sin(obliquity) * np.sin(longitude))
    y = np.tan(obliquity / 2) ** 2
    equation_min = 4 * np.degrees(
        y * np.sin(2 * mean_longitude)
        - 2 * eccentricity * np.sin(anomaly)
        + 4 * eccentricity * y * np.sin(anomaly) * np.cos(2 * mean_longitude)
        - 0.5 * y * y * np.sin(4 * mean_longitude)
        - 1.25 * eccentricity**2 * np.sin(2 * anomaly)
    )
    minutes = utc.hour * 60 + utc.minute + (utc.second + utc.microsecond / 1e6) / 60
    hour_angle = np.radians((minutes + equation_min + 4 * lon_deg) / 4 - 180.0)
    latitude = np.radians(lat_deg)
    east = -np.cos(declination) * np.sin(hour_angle)
    north = np.sin(declination) * np.cos(latitude) - np.cos(declination) * np.sin(latitude) * np.cos(hour_angle)
    up = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour_angle)
    return Sun(
        azimuth_deg=float(np.degrees(np.arctan2(east, north)) % 360.0), elevation_deg=float(np.degrees(np.arcsin(up)))
    )


def shadows(source: "FrameSource", sun: Sun, *, lon_deg: float, lat_deg: float) -> dict[str, Any]:
    """Draw the shadows of the buildings around a place.

    Parameters
    ----------
    source : FrameSource
        The city as views read it.
    sun : Sun
        Where the sun stands.
    lon_deg, lat_deg : float
        Middle of what is looked at, degrees; the nearest 3,000 buildings throw shadows.

    Returns
    -------
    dict
        A FeatureCollection of one shape, on flat ground at the foot of the buildings; empty while the sun is lower
        than 2 degrees.
    """
    parts: list[Any] = []
    if sun.elevation_deg >= LOWEST_SUN_DEG:
        reach = 1.0 / np.tan(np.radians(sun.elevation_deg))
        away = np.radians(sun.azimuth_deg + 180.0)
        per_metre = np.array([np.sin(away), np.cos(away)]) * reach
        plane = geodesy.local_projection(lon_deg, lat_deg)
        for layer in source.layers:
            if layer.kind != "buildings":
                continue
            table = source.readings.table(layer.id)
            bounds = shapely.bounds(table.geometry.to_numpy())
            middle = (bounds[:, :2] + bounds[:, 2:]) / 2 - (lon_deg, lat_deg)
            nearest = np.argsort(np.hypot(middle[:, 0] * np.cos(np.radians(lat_deg)), middle[:, 1]), kind="stable")
            part = table.iloc[nearest[:MOST_BUILDINGS]]
            heights = heights_m_of(part, source.city.layers[layer.id].show)
            flat = shapely.transform(
                shapely.force_2d(part.geometry.to_numpy()), lambda n: np.column_stack(plane.forward(n[:, 0], n[:, 1]))
            )
            parts.extend(_thrown(shape, per_metre * height) for shape, height in zip(flat, heights, strict=True))
        dark = shapely.simplify(shapely.union_all(parts, grid_size=0.05), _DETAIL_M)
        shape = shapely.transform(dark, lambda n: np.column_stack(plane.inverse(n[:, 0], n[:, 1])))
        parts = [{"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(shape)}] if parts else []
    return {"type": "FeatureCollection", "features": parts}


def _thrown(footprint: shapely.Geometry, shift: "NDArray[np.float64]") -> shapely.Geometry:
    """Sweep a footprint along the light: itself, itself at the shadow's end, and what its walls cover between."""
    swept = [footprint, shapely.transform(footprint, lambda numbers: numbers + shift)]
    for part in shapely.get_parts(footprint):
        if part.geom_type != "Polygon":
            continue
        ring = shapely.get_coordinates(part.exterior)
        walls = np.stack([ring[:-1], ring[1:], ring[1:] + shift, ring[:-1] + shift, ring[:-1]], axis=1)
        swept.extend(np.atleast_1d(np.asarray(shapely.polygons(walls), dtype=object)))
    return shapely.union_all(shapely.make_valid(np.array(swept, dtype=object)))
