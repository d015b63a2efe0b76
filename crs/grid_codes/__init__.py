"""Grid codes that are plain text arithmetic: geohash, Plus codes, MGRS and the BeiDou grid code.

Each module has one `decode(codes)` that gives the outline of every cell in longitude and latitude, or says why not.
`crs.cells` is the face; H3 is decoded there, because only that module may import its library.
"""

from crs.grid_codes import beidou, geohash, mgrs, plus_codes
from crs.grid_codes.outlines import Outlines

__all__ = ["Outlines", "beidou", "geohash", "mgrs", "plus_codes"]
