"""Moves and writes positions: pyproj, one explicit pipeline per frame, and the text notations of the raw files."""

from __future__ import annotations

import functools

import numpy as np
import pyproj

# EPSG:1193 (NTF to WGS 84, "2 m" accuracy, three translations). PROJ would otherwise choose by grid availability,
# so that the same script would write other numbers on another machine.
NTF_TO_WGS84 = "+proj=helmert +x=-168 +y=-60 +z=320"
PARIS_GRAD = 2.5969213  # the meridian of Paris east of Greenwich, EPSG:8903
NTF_GEOGRAPHIC = (
    "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart +ellps=WGS84 "
    f"+step +inv {NTF_TO_WGS84} +step +inv +proj=cart +ellps=clrk80ign "
)
PIPELINES = {
    # Longitude from Paris and latitude, both in grads; the file writes latitude first as EPSG:4807 does.
    "EPSG:4807": f"{NTF_GEOGRAPHIC} +step +proj=longlat +ellps=clrk80ign +pm=paris "
    "+step +proj=unitconvert +xy_in=rad +xy_out=grad",
    "EPSG:27573": f"{NTF_GEOGRAPHIC} +step +proj=lcc +lat_1=44.1 +lat_0=44.1 +lon_0=0 +k_0=0.999877499 "
    "+x_0=600000 +y_0=3200000 +ellps=clrk80ign +pm=paris",
}
# RGF93, ETRS89 and WGS 84 are taken as one: a null transformation, as EPSG publishes it (1 m).
NULL_DATUM = {"EPSG:3944", "EPSG:2154", "EPSG:3035", "EPSG:32632"}
GEOD = pyproj.Geod(ellps="WGS84")


@functools.cache
def _transformer(frame: str) -> pyproj.Transformer:
    if frame in PIPELINES:
        return pyproj.Transformer.from_pipeline(PIPELINES[frame])
    if frame not in NULL_DATUM:
        raise KeyError(f"No explicit pipeline for {frame}: add it to PIPELINES or NULL_DATUM in frames.py.")
    crs = pyproj.CRS(frame)
    return pyproj.Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)


def to_frame(lon: np.ndarray, lat: np.ndarray, frame: str) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude (WGS 84, degree) in a frame, x or longitude first."""
    return _transformer(frame).transform(lon, lat)


def from_frame(x: np.ndarray, y: np.ndarray, frame: str) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude (WGS 84, degree) of a frame's numbers, x or longitude first."""
    return _transformer(frame).transform(x, y, direction="INVERSE")


def offset(lon: np.ndarray, lat: np.ndarray, east_m: np.ndarray, north_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points moved by metres to the east and north along a geodesic."""
    azimuth = np.degrees(np.arctan2(east_m, north_m))
    new_lon, new_lat, _ = GEOD.fwd(lon, lat, azimuth, np.hypot(east_m, north_m))
    return np.asarray(new_lon), np.asarray(new_lat)


def to_dms(angle_deg: float, hemispheres: str) -> str:
    """Degrees, minutes and seconds with one decimal, as 43°44'12.3"N."""
    tenths = round(abs(angle_deg) * 36000)
    degrees, rest = divmod(tenths, 36000)
    minutes, seconds = divmod(rest, 600)
    return f"{degrees}°{minutes:02d}'{seconds / 10:04.1f}\"{hemispheres[int(angle_deg < 0)]}"


def to_nmea(angle_deg: float, width: int) -> str:
    """Degrees and minutes without a separator (NMEA 0183), four decimals of a minute: 4344.2051."""
    units = round(abs(angle_deg) * 600000)
    degrees, rest = divmod(units, 600000)
    return f"{degrees:0{width}d}{rest / 10000:07.4f}"
