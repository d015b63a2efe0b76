"""What the registry hands out: areas, frames of reference with their way to WGS 84, and definitions on them."""

from __future__ import annotations

from dataclasses import dataclass

from crs.units import is_angle

__all__ = ["MARGIN_DEG", "Area", "Datum", "Entry"]

#: EPSG rounds areas to 0.01 degree and cuts them at the coast; a bridge or a raster's rim lies beyond.
MARGIN_DEG = 0.1


@dataclass(frozen=True)
class Area:
    """A box in longitude and latitude, possibly across the antimeridian.

    Parameters
    ----------
    west, south, east, north : float
        Degrees; west may be greater than east.
    """

    west: float
    south: float
    east: float
    north: float

    def __str__(self) -> str:
        return f"lon {self.west:g}..{self.east:g}, lat {self.south:g}..{self.north:g}"

    def shared(self, other: Area) -> tuple[Area, float]:
        """Return what two areas share, and which part of the other that is.

        Parameters
        ----------
        other : Area
            Another area.

        Returns
        -------
        tuple of Area and float
            The shared box (without width or height where they share nothing) and its share of the other, 0 to 1, in
            square degrees.

        Examples
        --------
        >>> Area(0, 0, 10, 10).shared(Area(5, 0, 15, 10))
        (Area(west=5, south=0, east=10, north=10), 0.5)
        >>> Area(0, 0, 10, 10).shared(Area(20, 20, 30, 30))
        (Area(west=20, south=20, east=20, north=20), 0.0)
        """
        south, north = max(self.south, other.south), min(self.north, other.north)
        own_east = self.east + (360 if self.west > self.east else 0)
        other_east = other.east + (360 if other.west > other.east else 0)
        spans = [(max(self.west, other.west + turn), min(own_east, other_east + turn)) for turn in (-360, 0, 360)]
        if own_east - self.west >= 360:
            spans = [(other.west, other_east)]
        west, east = max(spans, key=lambda span: span[1] - span[0])
        whole = (other_east - other.west) * (other.north - other.south)
        share = max(0.0, east - west) * max(0.0, north - south) / whole if whole else 0.0
        east, north = max(east, west), max(north, south)  # an east before the west would cross the antimeridian
        return Area(west, south, east - (360 if east > 180 else 0), north), share

    def widened(self, margin_deg: float = MARGIN_DEG) -> Area:
        """Return the area with a margin.

        Parameters
        ----------
        margin_deg : float
            In longitude; latitude gets the small margin only, since no zone ends there.

        Returns
        -------
        Area
            Wider.
        """
        south, north = max(-90.0, self.south - MARGIN_DEG), min(90.0, self.north + MARGIN_DEG)
        if self.west > self.east:
            return Area(self.west - margin_deg, south, self.east + margin_deg, north)
        return Area(max(-180.0, self.west - margin_deg), south, min(180.0, self.east + margin_deg), north)


@dataclass(frozen=True, kw_only=True)
class Datum:
    """A frame of reference and its way to WGS 84, perhaps by way of another one.

    Parameters
    ----------
    name, title : str
        Short and long name.
    shift : str
        PROJ steps from longitude, latitude in degrees on the datum to the same on the next; "" for a declared identity.
    accuracy_m : float
        Published accuracy of the shift, taken as sigma per horizontal axis, metres; the greatest where it varies.
    area : Area
        Where the shift holds.
    operation : str
        Name of the operation.
    references : tuple of str
        Where it is published.
    method : str
        Name of a shift that PROJ does not know ("gcj02", "bd09"); `shift` is then "".
    through : Datum or None
        The frame that the shift leads to; None for WGS 84.
    """

    name: str
    title: str
    shift: str
    accuracy_m: float
    area: Area
    operation: str
    references: tuple[str, ...] = ()
    method: str = ""
    through: Datum | None = None

    @property
    def chain(self) -> tuple[Datum, ...]:
        """The datum itself and those on its way to WGS 84, in order."""
        return (self,) if self.through is None else (self, *self.through.chain)

    @property
    def steps(self) -> str:
        """The shift as text; a step written +method= is our own and unknown to PROJ."""
        return f"+step +inv +method={self.method}" if self.method else self.shift


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A definition as we can move it.

    Parameters
    ----------
    code : str
        Authority code, WKT, or the text of a frame with parameters that somebody gave.
    title : str
        For people.
    datum : Datum
        The frame of reference.
    unit : str
        Unit of the numbers.
    steps : str
        PROJ steps from x, y in that unit to longitude, latitude in degrees on the datum; "" if they are that already.
    area : Area
        Area of use, longitude and latitude on WGS 84.
    references : tuple of str
        Where it is published.
    method : str
        Name of a projection that PROJ does not know ("bd09mc"), in place of `steps`.
    plane : tuple of float or None
        (a, b, c, d, e, f) of a local grid: a x + b y + c and d x + e y + f are what `steps` start from.
    accuracy_m : float
        Sigma per axis of the local grid, metres; 0 for a projection, which is exact.
    """

    code: str
    title: str
    datum: Datum
    unit: str
    steps: str
    area: Area
    references: tuple[str, ...] = ()
    method: str = ""
    plane: tuple[float, float, float, float, float, float] | None = None
    accuracy_m: float = 0.0

    @property
    def own_steps(self) -> str:
        """The way to longitude, latitude in degrees on the datum as text; "" if there is nothing to do."""
        parts = [f"+step +inv +method={self.method}" if self.method else self.steps]
        if self.plane is not None:
            a, b, c, d, e, f = map(repr, self.plane)
            parts.insert(0, f"+step +proj=affine +s11={a} +s12={b} +xoff={c} +s21={d} +s22={e} +yoff={f}")
        return " ".join(part for part in parts if part)

    @property
    def pipeline(self) -> str:
        """The whole way to WGS 84 longitude, latitude in degrees; "" if there is nothing to do."""
        steps = " ".join(part for part in (self.own_steps, *(datum.steps for datum in self.datum.chain)) if part)
        return f"+proj=pipeline {steps}" if steps else ""

    @property
    def is_geographic(self) -> bool:
        """True if the numbers are angles."""
        return is_angle(self.unit)
