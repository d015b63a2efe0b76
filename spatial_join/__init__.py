"""H3 cells and joins: records to cells without losing or inventing anything.

`H3Grid` indexes whole arrays, `weights` finds the exact share of every point, line, polygon and pixel in every cell,
`cell_probabilities` the probability of every cell for points known with an error, `to_h3` aggregates by either into a
`CellTable`, which goes coarser by parent only. `join` matches records as GeoPandas does and `overlay` cuts them; both
are `frame.twin.join` and `.overlay` too, and `frame.twin.explore` shows any frame in a notebook. `krige` makes a field
of stations, `to_features` brings cell values back to records, and `to_cube` lays tables out for xarray. `write_points`
and `read_points` keep points on disk so that a box reads little. Everything expects longitude and latitude
(OGC:CRS84), as `crs.harmonise` leaves it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from spatial_join.accessor import TwinAccessor
from spatial_join.aggregate import aggregate, to_h3
from spatial_join.dasymetric import share_out
from spatial_join.errors import (
    CrsMismatchError,
    ExtentError,
    GeometryError,
    JoinError,
    NotRegisteredError,
    QuantityError,
    ResolutionError,
    TooFewStationsError,
    WrongRollUpError,
)
from spatial_join.field import Field, LeaveOneOut, krige, leave_one_out
from spatial_join.grid import H3Grid
from spatial_join.join import join
from spatial_join.matching import match
from spatial_join.overlay import overlay
from spatial_join.point_files import PointTable, read_points, write_points
from spatial_join.probability import CellProbabilities, cell_probabilities, credible_cells
from spatial_join.probable import Probable, join_probable
from spatial_join.quantity import Quantity
from spatial_join.table import CellTable
from spatial_join.variogram import Variogram
from spatial_join.volumes import VolumeWeights, volume_weights
from spatial_join.weights import Weights, weights
from spatial_join.zonal import mean_on_features, to_features

if TYPE_CHECKING:
    from spatial_join.cube import to_cube

__all__ = [
    "CellProbabilities",
    "CellTable",
    "CrsMismatchError",
    "ExtentError",
    "Field",
    "GeometryError",
    "H3Grid",
    "JoinError",
    "LeaveOneOut",
    "NotRegisteredError",
    "PointTable",
    "Probable",
    "Quantity",
    "QuantityError",
    "ResolutionError",
    "TooFewStationsError",
    "TwinAccessor",
    "Variogram",
    "VolumeWeights",
    "Weights",
    "WrongRollUpError",
    "aggregate",
    "cell_probabilities",
    "credible_cells",
    "join",
    "join_probable",
    "krige",
    "leave_one_out",
    "match",
    "mean_on_features",
    "overlay",
    "read_points",
    "share_out",
    "to_cube",
    "to_features",
    "to_h3",
    "volume_weights",
    "weights",
    "write_points",
]

_LATER = {"to_cube": "spatial_join.cube"}
"""What needs xarray, which few joins do: found when it is first asked for (PEP 562)."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 -- of whatever is asked for
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
