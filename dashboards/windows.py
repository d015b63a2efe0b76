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
    lat_deg = camera["latitude"]
    metres_per_pixel = METRES_PER_PIXEL_ZOOM_0 * math.cos(math.radians(lat_deg)) / 2 ** camera["zoom"]
    reach_m = metres_per_pixel * max(camera.get("width", 1400), camera.get("height", 900)) * _REACH
    reach_y = reach_m / METRES_PER_DEGREE / _STEP_DEG
    reach_x = reach_y / max(math.cos(math.radians(lat_deg)), 0.05)
    # A power of two, so that zooming a little keeps the same grid.
    grid = 2 ** max(0, math.floor(math.log2(reach_x / 2)))
    x, y = camera["longitude"] / _STEP_DEG, lat_deg / _STEP_DEG
    return Window(
        west=math.floor((x - reach_x) / grid) * grid,
        south=math.floor((y - reach_y) / grid) * grid,
        east=math.ceil((x + reach_x) / grid) * grid,
        north=math.ceil((y + reach_y) / grid) * grid,
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
