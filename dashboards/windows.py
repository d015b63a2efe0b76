"""The part of the city that is looked at: a snapped box, so that small moves ask for the same frame."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dashboards.errors import FrameNotFoundError

if TYPE_CHECKING:
    from numpy.typing import NDArray

METRES_PER_PIXEL_ZOOM_0 = 78271.517  # 512-pixel world, at the equator: the zoom of deck.gl
METRES_PER_DEGREE = 111_195.0
_STEP_DEG = 1e-4  # Keys hold whole numbers of this: about 11 m.
_ALTITUDE = 1.5  # Of deck.gl's camera above the middle of the screen, in heights of the screen.
_FLATTEST = math.radians(80.0)  # A ray flatter than this meets the ground beyond what one can make out.
_REACH = 0.85  # Half of a pitched view's ground extent over its longer side in pixels.


@dataclass(frozen=True, kw_only=True)
class Window:
    """A box in degrees, snapped to a grid that grows with it.

    Parameters
    ----------
    west, south, east, north : int
        Sides in ten-thousandths of a degree.
    """

    west: int
    south: int
    east: int
    north: int

    @property
    def key(self) -> str:
        """Text that names the window in an address."""
        return f"{self.west},{self.south},{self.east},{self.north}"

    @property
    def middle(self) -> tuple[float, float]:
        """Longitude and latitude of the middle in degrees."""
        return (self.west + self.east) / 2 * _STEP_DEG, (self.south + self.north) / 2 * _STEP_DEG

    @property
    def box(self) -> tuple[float, float, float, float]:
        """West, south, east and north in degrees."""
        return tuple(side * _STEP_DEG for side in (self.west, self.south, self.east, self.north))  # type: ignore[return-value]

    def holds(self, lon: "NDArray[np.float64]", lat: "NDArray[np.float64]") -> "NDArray[np.bool_]":
        """Say which points lie inside.

        Parameters
        ----------
        lon, lat : ndarray of float
            Degrees, shape (n,).

        Returns
        -------
        ndarray of bool
            Shape (n,); False for NaN.
        """
        x, y = lon / _STEP_DEG, lat / _STEP_DEG
        return np.asarray((x >= self.west) & (x <= self.east) & (y >= self.south) & (y <= self.north))


EVERYWHERE = Window(west=-1_800_000, south=-900_000, east=1_800_000, north=900_000)


def window_of(camera: Mapping[str, float]) -> Window:
    """Give the window that a camera looks at.

    Parameters
    ----------
    camera : Mapping
        ``longitude``, ``latitude`` in degrees, ``zoom``, and ``width``, ``height`` in pixels.

    Returns
    -------
    Window
        Snapped outwards to a quarter of its size; everywhere without a camera.

    Examples
    --------
    >>> near = {"longitude": 7.42, "latitude": 43.73, "zoom": 15.0, "width": 1400, "height": 900}
    >>> moved = near | {"longitude": 7.4201}
    >>> window_of(near) == window_of(moved)
    True
    """
    if not {"longitude", "latitude", "zoom"} <= set(camera):
        return EVERYWHERE
    reach_px = max(_size_px(camera)) * _REACH
    return _snapped(camera, (-reach_px, reach_px), (-reach_px, reach_px))


def horizon_of(camera: Mapping[str, float]) -> Window:
    """Give the window that holds all that a slanted camera sees, up to the upper edge of the screen.

    Parameters
    ----------
    camera : Mapping
        As in `window_of`, with ``pitch`` and ``bearing`` in degrees.

    Returns
    -------
    Window
        At least that of `window_of`; everywhere without a camera.

    Examples
    --------
    >>> slanted = {"longitude": -73.9, "latitude": 40.6, "zoom": 12.0, "pitch": 60.0, "bearing": 0.0}
    >>> horizon_of(slanted).north > window_of(slanted).north
    True
    """
    if not {"longitude", "latitude", "zoom"} <= set(camera):
        return EVERYWHERE
    reach_px = max(_size_px(camera)) * _REACH
    x_px, y_px = zip(*_corners_px(camera), (-reach_px, -reach_px), (reach_px, reach_px), strict=True)
    return _snapped(camera, (min(x_px), max(x_px)), (min(y_px), max(y_px)))


def outline_of(camera: Mapping[str, float]) -> tuple[tuple[float, float], ...]:
    """Give the corners of the ground that a camera sees.

    Parameters
    ----------
    camera : Mapping
        As in `horizon_of`.

    Returns
    -------
    tuple
        Four pairs of longitude and latitude in degrees, of a slanted view a trapezoid; empty without a camera.

    Examples
    --------
    >>> above = {"longitude": 7.4, "latitude": 0.0, "zoom": 15.0, "width": 1000, "height": 500}
    >>> [round(lon - 7.4, 4) for lon, _ in outline_of(above)]
    [-0.0107, 0.0107, 0.0107, -0.0107]
    """
    if not {"longitude", "latitude", "zoom"} <= set(camera):
        return ()
    shrunk = max(math.cos(math.radians(camera["latitude"])), 0.05)
    step_deg = METRES_PER_PIXEL_ZOOM_0 * shrunk / 2 ** camera["zoom"] / METRES_PER_DEGREE
    return tuple(
        (camera["longitude"] + x * step_deg / shrunk, camera["latitude"] + y * step_deg) for x, y in _corners_px(camera)
    )


def _corners_px(camera: Mapping[str, float]) -> list[tuple[float, float]]:
    """Give the corners of the ground that is seen, in pixels east and north of the middle, one after the other."""
    width_px, height_px = _size_px(camera)
    pitch, bearing = (math.radians(camera.get(key, 0.0)) for key in ("pitch", "bearing"))
    distance_px = _ALTITUDE * height_px
    corners = []
    for side in (-1.0, 1.0):
        ray = min(pitch + side * math.atan(0.5 / _ALTITUDE), _FLATTEST)
        ahead_px = distance_px * (math.cos(pitch) * math.tan(ray) - math.sin(pitch))
        half_px = (distance_px + ahead_px * math.sin(pitch)) * width_px / 2 / distance_px
        for aside_px in (side * half_px, -side * half_px):  # Around, not crosswise.
            east_px = aside_px * math.cos(bearing) + ahead_px * math.sin(bearing)
            corners.append((east_px, -aside_px * math.sin(bearing) + ahead_px * math.cos(bearing)))
    return corners


def _size_px(camera: Mapping[str, float]) -> tuple[float, float]:
    return camera.get("width", 1400), camera.get("height", 900)


def _snapped(camera: Mapping[str, float], x_px: tuple[float, float], y_px: tuple[float, float]) -> Window:
    """Snap a box, in pixels of the ground east and north of the middle of the view, outwards."""
    lat_deg = camera["latitude"]
    shrunk = max(math.cos(math.radians(lat_deg)), 0.05)
    step_y = METRES_PER_PIXEL_ZOOM_0 * math.cos(math.radians(lat_deg)) / 2 ** camera["zoom"]
    step_y /= METRES_PER_DEGREE * _STEP_DEG
    step_x = step_y / shrunk
    # A power of two, so that zooming a little keeps the same grid.
    grid = 2 ** max(0, math.floor(math.log2((x_px[1] - x_px[0]) * step_x / 4)))
    x, y = camera["longitude"] / _STEP_DEG, lat_deg / _STEP_DEG
    return Window(
        west=math.floor((x + x_px[0] * step_x) / grid) * grid,
        south=math.floor((y + y_px[0] * step_y) / grid) * grid,
        east=math.ceil((x + x_px[1] * step_x) / grid) * grid,
        north=math.ceil((y + y_px[1] * step_y) / grid) * grid,
    )


def window_from_key(key: str) -> Window:
    """Read a window back from an address.

    Parameters
    ----------
    key : str
        What `Window.key` gave.

    Returns
    -------
    Window
        The window.

    Raises
    ------
    FrameNotFoundError
        If the text is not four whole numbers that make a box.

    Examples
    --------
    >>> window_from_key("1,2,3,4").north
    4
    """
    try:
        west, south, east, north = (int(part) for part in key.split(","))
    except ValueError:
        raise FrameNotFoundError(f"window {key[:60]!r} is not west,south,east,north in 1e-4 degree") from None
    if west >= east or south >= north:
        raise FrameNotFoundError(f"window {key[:60]!r} is empty: west must be below east and south below north")
    return Window(west=west, south=south, east=east, north=north)
