"""The vocabulary of answers: how a definition is named, how its numbers come about, and how they are read back.

A name is a frame and how it is written: ``FRAME[; axes=lat,lon][; notation=dms][; unit=1e-6 degree]``. FRAME is an
authority code (``EPSG:4547``, in easting and northing), ``GCJ-02``, ``BD-09``, ``BD-09MC``, ``GCJ-02 Web Mercator``,
a frame by a published operation (``EPSG:2435 by EPSG:15920``) or by the parameters of the question (``EPSG:2383 by
given``). Everything here stands on PROJ and the published formulas, not on the engine that is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj

from tests.reference import crs_china as published

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Pair = tuple[Floats, Floats]
    Columns = tuple[NDArray[Any], NDArray[Any]]

#: A stand-in for the parameters of Xi'an 1980 that a city's survey office would hand over: nobody's real ones.
GIVEN_SHIFT_M = (24.0, -123.0, -94.0)
#: Frames that the parameters are given for, and the ellipsoid of all of them.
_XIAN_ELLIPSOID = "+a=6378140 +rf=298.257"
_UNITS = {
    "": 1.0,
    "1e-5 degree": 1e-5,
    "1e-6 degree": 1e-6,
    "1e-7 degree": 1e-7,
    "millimetre": 1e-3,
    "centimetre": 0.01,
}
#: Beyond these no grid of the earth has numbers, and those with a shift none beyond China.
_PLANE_M, _CHINA = 5e7, (60.0, 150.0, 0.0, 60.0)
_OWN = ("GCJ-02", "BD-09", "BD-09MC", "GCJ-02 Web Mercator")
_GEOGRAPHIC = ("EPSG:4326", "OGC:CRS84", "EPSG:4490", "EPSG:4214", "EPSG:4610", "GCJ-02", "BD-09")


@dataclass(frozen=True)
class Name:
    """A definition by its name.

    Parameters
    ----------
    frame : str
    axes : str
        "lon,lat" (or easting before northing) or "lat,lon".
    notation : str
        "decimal", "dms", "nmea" (dddmm.mmmm), "packed_dms" (ddd.mmss…) or "packed_ddmmss" (dddmmss.ss).
    unit : str
        Of scaled numbers; empty for degrees and metres.
    """

    frame: str
    axes: str = "lon,lat"
    notation: str = "decimal"
    unit: str = ""

    def __str__(self) -> str:
        parts = [self.frame]
        if self.axes != "lon,lat":
            parts.append(f"axes={self.axes}")
        if self.notation != "decimal":
            parts.append(f"notation={self.notation}")
        if self.unit:
            parts.append(f"unit={self.unit}")
        return "; ".join(parts)

    @property
    def is_geographic(self) -> bool:
        """True for degrees."""
        return self.frame.split(" by ")[0] in _GEOGRAPHIC

    @classmethod
    def parse(cls, text: str) -> Name:
        """Read a name back."""
        frame, *parts = (part.strip() for part in text.split(";"))
        return cls(frame, **dict(part.split("=", 1) for part in parts))


def written(name: Name, lon: Floats, lat: Floats, *, as_text: bool = False) -> Columns:
    """Write WGS 84 longitude and latitude in a definition.

    Parameters
    ----------
    name : Name
    lon, lat : numpy.ndarray
        Degrees, shape (n,).
    as_text : bool
        Figures as texts, as a reader of CSV without types hands them on.

    Returns
    -------
    tuple of numpy.ndarray
        Two columns; degrees to 1e-7, metres to 1 mm, texts to about 0.3 m or better.
    """
    x, y = to_frame(name.frame, lon, lat)
    digits = 7 if name.is_geographic else 3
    if name.notation != "decimal":
        pair: Columns = (_sexagesimal(x, name.notation, "EW"), _sexagesimal(y, name.notation, "NS"))
    elif name.unit:
        pair = tuple(np.rint(values / _UNITS[name.unit]).astype(np.int64) for values in (x, y))
    else:
        pair = (np.round(x, digits), np.round(y, digits))
    if as_text:
        pair = tuple(np.array([str(value) for value in values], dtype=object) for values in pair)
    return pair[::-1] if name.axes == "lat,lon" else pair


def read(name: Name, columns: Columns) -> Pair:
    """Read columns under a definition: WGS 84 longitude and latitude, NaN where that is impossible."""
    return placed(name, numbers(columns, name.notation))


def numbers(columns: Columns, notation: str) -> Pair:
    """Read both columns as numbers, degrees where the notation is one of degrees; NaN where that is impossible."""
    first, second = (np.array([_number(value, notation) for value in column.tolist()]) for column in columns)
    return first, second


def placed(name: Name, columns: Pair) -> Pair:
    """Place numbers in the order of the columns: WGS 84 longitude and latitude, NaN where that is impossible."""
    first, second = columns[::-1] if name.axes == "lat,lon" else columns
    x, y = first * _UNITS[name.unit], second * _UNITS[name.unit]
    reach = (180.0, 90.0) if name.is_geographic else (_PLANE_M, _PLANE_M)
    good = np.isfinite(x) & np.isfinite(y) & (np.abs(x) <= reach[0]) & (np.abs(y) <= reach[1])
    lon, lat = np.full(x.shape, np.nan), np.full(x.shape, np.nan)
    if good.any():
        lon[good], lat[good] = from_frame(name.frame, x[good], y[good])
    lost = ~(np.isfinite(lon) & np.isfinite(lat) & (np.abs(lat) <= 90.0))
    lon[lost], lat[lost] = np.nan, np.nan
    return lon, lat


def to_frame(frame: str, lon: Floats, lat: Floats) -> Pair:
    """Move WGS 84 longitude and latitude to a frame: easting or longitude first."""
    if frame in _OWN:
        gcj = published.gcj02_everywhere(lon, lat)
        if frame == "GCJ-02":
            return gcj
        if frame == "GCJ-02 Web Mercator":
            return _general("EPSG:3857").transform(*gcj, direction="INVERSE")
        bd09 = published.bd09(*gcj)
        return bd09 if frame == "BD-09" else _baidu_mercator(*bd09)
    for step in reversed(_steps(frame)):
        lon, lat = step.transform(lon, lat, direction="INVERSE")
    return lon, lat


def from_frame(frame: str, x: Floats, y: Floats) -> Pair:
    """Move positions of a frame to WGS 84 longitude and latitude."""
    if frame in _OWN:
        if frame == "GCJ-02 Web Mercator":
            x, y = _general("EPSG:3857").transform(x, y)
        elif frame == "BD-09MC":
            x, y = _undone(_baidu_mercator, x, y, start=(x / 111_320.7, _mercator_lat(y)))
        if frame in {"BD-09", "BD-09MC"}:
            x, y = _undone(published.bd09, x, y, start=(x - 0.0065, y - 0.006))
        west, east, south, north = _CHINA
        there = (x > west) & (x < east) & (y > south) & (y < north)
        return published.wgs84_everywhere(np.where(there, x, np.nan), np.where(there, y, np.nan))
    for step in _steps(frame):
        x, y = step.transform(x, y, errcheck=False)
    return np.asarray(x), np.asarray(y)


def _baidu_mercator(lon: Floats, lat: Floats) -> Pair:
    """Return Baidu Mercator by the published polynomials, all rows at once."""
    band = np.argmax(np.abs(lat)[:, None] >= published.LLBAND, axis=1)
    table = published.LL2MC[band]
    powers = (np.abs(lat) / table[:, 9])[:, None] ** np.arange(7)
    east = table[:, 0] + table[:, 1] * np.abs(lon)
    return np.copysign(east, lon), np.copysign((table[:, 2:9] * powers).sum(axis=1), lat)


def _mercator_lat(y: Floats) -> Floats:
    # Baidu's northings are those of a sphere within some kilometres; a start is all that is needed.
    return np.degrees(2.0 * np.arctan(np.exp(np.clip(y, -2e7, 2e7) / 6378137.0)) - np.pi / 2.0)


def _undone(forward: Any, x: Floats, y: Floats, *, start: Pair) -> Pair:  # noqa: ANN401 - a function of two arrays
    """Invert by Newton's method with the diagonal of the derivative: both directions hardly mix."""
    lon, lat = start
    for _ in range(8):
        at_x, at_y = forward(lon, lat)
        step = 1e-6
        slope_x = (forward(lon + step, lat)[0] - at_x) / step
        slope_y = (forward(lon, lat + step)[1] - at_y) / step
        lon, lat = np.clip(lon + (x - at_x) / slope_x, -180, 180), np.clip(lat + (y - at_y) / slope_y, -74, 74)
    return lon, lat


@cache
def _general(code: str) -> pyproj.Transformer:
    """PROJ's own way from a code to longitude and latitude of WGS 84."""
    return pyproj.Transformer.from_crs(code, "OGC:CRS84", always_xy=True)


@cache
def _steps(frame: str) -> tuple[pyproj.Transformer, ...]:
    """Return the steps from a frame to WGS 84."""
    code, _, operation = frame.partition(" by ")
    if not operation:
        return (_general(code),)
    base = "EPSG:4610" if operation == "given" else "EPSG:4214"
    to_base = () if code == base else (pyproj.Transformer.from_crs(code, base, always_xy=True),)
    if operation == "given":
        x, y, z = GIVEN_SHIFT_M
        shift = (
            f"+step +proj=push +v_3 +step +proj=cart {_XIAN_ELLIPSOID} +step +proj=helmert +x={x} +y={y} +z={z} "
            "+step +inv +proj=cart +ellps=WGS84 +step +proj=pop +v_3"
        )
    else:
        # The operation as the register has it, its axes (latitude first) turned round.
        text = pyproj.Transformer.from_pipeline(f"urn:ogc:def:coordinateOperation:EPSG::{operation[5:]}").definition
        inner = [step for step in text.split("step ") if "cart" in step or "helmert" in step]
        shift = " ".join(f"+step {_plussed(step)}" for step in ("proj=push v_3", *inner, "proj=pop v_3"))
    degrees = "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad"
    whole = f"{degrees} {shift} +step +proj=unitconvert +xy_in=rad +xy_out=deg"
    return (*to_base, pyproj.Transformer.from_pipeline(whole))


def _plussed(step: str) -> str:
    return " ".join(f"+{word}" for word in step.split())


def _sexagesimal(degrees: Floats, notation: str, letters: str) -> NDArray[Any]:
    """Write degrees as texts, rounded once, in hundredths of a second or millionths of a minute."""
    texts = []
    for value in degrees.tolist():
        if notation == "nmea":
            whole, minute = divmod(round(abs(value) * 60_000_000), 60_000_000)
            texts.append(f"{whole}{minute / 1e6:09.6f}")
            continue
        hundredths = round(abs(value) * 360_000)
        whole, rest = divmod(hundredths, 360_000)
        minute, second = divmod(rest, 6000)
        letter = letters[value < 0]
        if notation == "dms":
            texts.append(f"{whole}°{minute:02d}'{second / 100:05.2f}\"{letter}")
        elif notation == "packed_dms":
            texts.append(f"{whole}.{minute:02d}{second:04d}")
        else:
            texts.append(f"{whole}{minute:02d}{second / 100:05.2f}")
    return np.array(texts, dtype=object)


def _number(value: object, notation: str) -> float:
    """Read one cell."""
    text = str(value).strip()
    if notation == "dms":
        whole, _, rest = text.partition("°")
        minute, _, rest = rest.partition("'")
        parts = [whole, minute, rest.rstrip('"NESW')]
        try:
            degree, minutes, seconds = (float(part) for part in parts)
        except ValueError:
            return float("nan")
        return degree + minutes / 60.0 + seconds / 3600.0
    try:
        number = float(text)
    except ValueError:
        return float("nan")
    if notation == "nmea":
        return number // 100 + (number % 100) / 60.0
    if notation == "packed_dms":
        number *= 10_000.0
    if notation in {"packed_dms", "packed_ddmmss"}:
        return number // 10_000 + number % 10_000 // 100 / 60.0 + number % 100 / 3600.0
    return number
