"""Engineering axes: building models and local city grids, and how they get onto the map.

`MapConversion`, `ProjectedCrs` and `SiteReference` hold what IFC says, number by number; `Georeference` holds them
together and moves coordinates; `georeference_report` says what is missing, impossible or in conflict, and resolves
nothing. `LocalGrid` is a plane grid of which only parameters or control points are known: `estimate_similarity` and
`estimate_affine` fit it and name the point that does not belong. Plain data in: no IFC library is needed here.
"""

from crs.engineering.conversion import MapConversion
from crs.engineering.errors import ControlPointError, GeoreferenceError
from crs.engineering.estimate import estimate_affine, estimate_similarity
from crs.engineering.georeference import Georeference, ProjectedCrs, SiteReference
from crs.engineering.local_grid import LocalGrid, Residual
from crs.engineering.report import Finding, georeference_report, require_usable
from crs.engineering.scale import combined_scale_factor
from crs.engineering.sexagesimal import compound_from_degrees, degrees_from_compound

__all__ = [
    "ControlPointError",
    "Finding",
    "Georeference",
    "GeoreferenceError",
    "LocalGrid",
    "MapConversion",
    "ProjectedCrs",
    "Residual",
    "SiteReference",
    "combined_scale_factor",
    "compound_from_degrees",
    "degrees_from_compound",
    "estimate_affine",
    "estimate_similarity",
    "georeference_report",
    "require_usable",
]
