"""A layer: one dataset as published, its positions never without their definition, and its ledger."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Self

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from crs import Fields, Placed, PositionDefinition, Shapes
from layers.arrays import given_reasons, take, to_array
from layers.errors import LayerError, listed
from layers.ledger import Ledger
from layers.origin import DOMAINS, Origin
from layers.position import resolve_position
from layers.published import Published, written_out
from layers.repairs import RepairLog
from layers.surfaces import move_surfaces

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Layer"]

Fate = Literal["quarantined", "rejected"]


def _reason_array(mask: NDArray[np.bool_], reasons: str | NDArray[np.object_]) -> NDArray[np.object_]:
    """Give one text a masked record, from one text for all or one a record of the layer."""
    if isinstance(reasons, str):
        return np.full(int(mask.sum()), reasons, dtype=object)
    return np.asarray(reasons, dtype=object)[mask]


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """Records with attributes and positions.

    Parameters
    ----------
    name : str
        Name of the dataset.
    domain : {"transport", "environment", "cim", "society", "zones", "unspecified"}
        What it is about.
    table : pandas.DataFrame
        Attributes only; the index ``row`` is the number of the record in its file, from 0.
    position : PositionDefinition
        What the coordinates mean.
    coordinates : Fields or Shapes
        One a record, in the order of the table.
    origin : Origin
        Owner, licence and level.
    ledger : Ledger
        Where every record that came in is.
    units : Mapping of str to str
        Unit of each column whose unit is known.
    steps : tuple of str
        What was done to the positions since they were read, in order.
    label : str or None
        What the file itself says of its positions, by code where it gives one; None if nothing.
    repairs : RepairLog
        Every cell that a repair changed since it was read.
    published : Published or None
        The records as they came, which is how they are entered when they are set aside; None: as they are.

    Examples
    --------
    >>> import crs, shapely
    >>> gare = shapely.points([[7.42, 43.73]])
    >>> stops = Layer.from_arrays("stops", gare, position="OGC:CRS84", columns={"stop": ["Gare"]})
    >>> stops
    <Layer 'stops': 1 record, OGC:CRS84, columns stop>
    >>> stops.quarantine(np.array([True]), "closed: no longer served").ledger
    <Ledger stops: 1 in = 0 placed + 1 quarantined + 0 rejected (closed 1)>
    """

    name: str
    domain: str = "unspecified"
    table: pd.DataFrame
    position: PositionDefinition
    coordinates: Fields | Shapes
    origin: Origin = field(default_factory=Origin)
    ledger: Ledger
    units: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[str, ...] = ()
    label: str | None = None
    repairs: RepairLog = field(default_factory=RepairLog)
    published: Published | None = None

    def __post_init__(self) -> None:
        if self.domain not in DOMAINS:
            raise LayerError(f"{self.name}: domain is {self.domain!r}: write one of {', '.join(DOMAINS)}.")
        if not len(self.table) == len(self.coordinates) == self.ledger.placed:
            raise LayerError(
                f"{self.name}: {len(self.table)} rows, {len(self.coordinates)} positions and "
                f"{self.ledger.placed} records placed in the ledger; the three must be equal."
            )

    @classmethod
    def from_arrays(
        cls,
        name: str,
        geometry: NDArray[np.object_],
        *,
        position: object,
        domain: str = "unspecified",
        columns: Mapping[str, object] | None = None,
    ) -> Self:
        """Make a layer from geometries and columns that are already in memory.

        Parameters
        ----------
        name : str
            Name of the dataset.
        geometry : numpy.ndarray of shapely geometries, shape (n,)
            Positions, x first.
        position : PositionDefinition, str or Mapping
            What they mean.
        domain : str
            What the dataset is about.
        columns : Mapping of str to array-like of shape (n,), or None
            Attributes.

        Returns
        -------
        Layer
            With a ledger in which all n are placed.
        """
        shapes = Shapes(np.asarray(geometry, dtype=object))
        table = pd.DataFrame(dict(columns or {}), index=pd.RangeIndex(len(shapes), name="row"))
        definition = resolve_position(position, declared=None, dataset=name)
        ledger = Ledger(dataset=name, sources={"memory": len(shapes)}, placed=len(shapes))
        return cls(name=name, domain=domain, table=table, position=definition, coordinates=shapes, ledger=ledger)

    @classmethod
    def from_geopandas(
        cls,
        frame: gpd.GeoDataFrame,
        *,
        name: str,
        position: object = None,
        domain: str = "unspecified",
        origin: Origin | None = None,
    ) -> Self:
        """Take a GeoDataFrame over; records without a geometry are quarantined.

        Parameters
        ----------
        frame : geopandas.GeoDataFrame
            Its ``crs`` declares the position.
        name : str
            Name of the dataset.
        position : PositionDefinition, str, Mapping or None
            Needed where the frame has no ``crs``; must agree with it where it has.
        domain : str
            What the dataset is about.
        origin : Origin or None
            Owner, licence and level.

        Returns
        -------
        Layer
            With the frame's columns; rows are numbered from 0.
        """
        declared = None if frame.crs is None else frame.crs.to_wkt()
        definition = resolve_position(position, declared=declared, dataset=name)
        geometry = np.asarray(frame.geometry.array, dtype=object)
        table = pd.DataFrame(frame.drop(columns=frame.geometry.name)).set_axis(pd.RangeIndex(len(frame), name="row"))
        layer = cls(
            name=name,
            domain=domain,
            table=table,
            position=definition,
            coordinates=Shapes(geometry),
            origin=origin or Origin(),
            ledger=Ledger(dataset=name, sources={"memory": len(frame)}, placed=len(frame)),
        )
        empty = shapely.is_missing(geometry) | shapely.is_empty(geometry)
        return layer.quarantine(empty, "no_geometry: the record has none") if empty.any() else layer

    @property
    def geometry(self) -> NDArray[np.object_]:
        """Geometries, shape (n,); only of a layer whose positions are shapes."""
        if isinstance(self.coordinates, Shapes):
            return self.coordinates.geometry
        raise LayerError(
            f"{self.name}: positions are still as written ({self.position.name}); call crs.harmonise(layer) first."
        )

    @property
    def sigma_m(self) -> NDArray[np.float64]:
        """Standard deviation per horizontal axis in metres, shape (n,); 0 where nothing is stated."""
        if isinstance(self.coordinates, Shapes) and self.coordinates.sigma_m is not None:
            return self.coordinates.sigma_m
        return np.full(len(self), float(self.position.sigma_m))

    def column(self, name: str, /) -> NDArray[np.generic]:
        """Return one attribute.

        Parameters
        ----------
        name : str
            A column of the table, or "row".

        Returns
        -------
        numpy.ndarray
            Shape (n,). Numbers with gaps are float64 with NaN; text is object with None; times are UTC
            ``datetime64`` with NaT.
        """
        if name == "row":
            return self.table.index.to_numpy()
        if name not in self.table.columns:
            raise LayerError(f"{self.name}: no column {name!r}; it has {listed(self.table.columns)}.")
        return to_array(self.table[name])

    def select(self, mask: NDArray[np.bool_], *, reason: str = "not_selected: left out by a selection") -> Self:
        """Keep some records; the others are entered in the ledger as rejected, so that it still closes.

        Parameters
        ----------
        mask : numpy.ndarray of bool, shape (n,)
            True to keep.
        reason : str
            "code: detail" of those left out.

        Returns
        -------
        Layer
            Of the kept records.
        """
        return self.set_aside(~np.asarray(mask, dtype=bool), reason, fate="rejected")

    def quarantine(self, mask: NDArray[np.bool_], reasons: str | NDArray[np.object_]) -> Self:
        """Set records aside.

        Parameters
        ----------
        mask : numpy.ndarray of bool, shape (n,)
            True to set aside.
        reasons : str or numpy.ndarray of object, shape (n,)
            "code: detail" for all, or one a record of the layer.

        Returns
        -------
        Layer
            Without them; its ledger holds their values as text, positions too.
        """
        return self.set_aside(np.asarray(mask, dtype=bool), reasons, fate="quarantined")

    def set_aside(self, mask: NDArray[np.bool_], reasons: str | NDArray[np.object_], *, fate: Fate) -> Self:
        """Take records out of the layer and enter them in the ledger, as they came where that is known.

        Parameters
        ----------
        mask : numpy.ndarray of bool, shape (n,)
            True to take out.
        reasons : str or numpy.ndarray of object, shape (n,)
            "code: detail" for all, or one a record of the layer.
        fate : {"quarantined", "rejected"}
            How they are entered.

        Returns
        -------
        Layer
            Without them.
        """
        if mask.shape != (len(self),):
            raise LayerError(f"{self.name}: a mask of shape {mask.shape} does not fit {len(self)} records.")
        if not mask.any():
            return self
        rows = self.table.index.to_numpy()[mask]
        original = (
            written_out(self.table, self.coordinates, self.position, mask)
            if self.published is None
            else self.published.records(rows)
        )
        one = next(iter(self.ledger.sources), "")
        source = original["source_file"].to_numpy(dtype=object) if "source_file" in original else one
        entered = self.ledger.quarantine if fate == "quarantined" else self.ledger.reject
        ledger = entered(rows, _reason_array(mask, reasons), original, source=source)
        return replace(self, table=self.table[~mask], coordinates=take(self.coordinates, ~mask), ledger=ledger)

    def with_coordinates(self, placed: Placed, /) -> Self:
        """Return the layer at new positions; records that could not be placed are quarantined.

        Parameters
        ----------
        placed : Placed
            Coordinates, reasons and definition from :func:`crs.harmonise`, in the order of this layer.

        Returns
        -------
        Layer
            In ``placed.position``.
        """
        if not isinstance(placed.coordinates, Shapes) or len(placed.coordinates) != len(self):
            found = len(placed.coordinates)
            raise LayerError(f"{self.name}: {found} new positions do not fit {len(self)} records of a layer.")
        refused = given_reasons(placed.reasons)
        kept = self.quarantine(refused, placed.reasons)
        kept = kept.with_columns(**{name: metres[~refused] for name, metres in placed.columns.items()})
        coordinates = placed.coordinates.take(~refused)
        return replace(
            kept,
            table=move_surfaces(kept.table, coordinates, source=self.position, target=placed.position),
            units={**kept.units, **dict.fromkeys(placed.columns, "m")},
            coordinates=coordinates,
            position=placed.position,
            steps=(*self.steps, *placed.steps),
        )

    def with_columns(self, **arrays: ArrayLike | pd.Series) -> Self:
        """Add or replace attributes.

        Parameters
        ----------
        **arrays : array-like, shape (n,)
            New columns.

        Returns
        -------
        Layer
            With them.
        """
        table = self.table.copy(deep=False)
        for name, values in arrays.items():
            # Position counts, not the index that a Series may bring along.
            plain = values.array if isinstance(values, pd.Series) else np.asarray(values)
            if plain.shape != (len(self),):
                raise LayerError(
                    f"{self.name}: column {name!r} of shape {plain.shape} does not fit {len(self)} records."
                )
            table[name] = plain
        return replace(self, table=table)

    def within(self, area: tuple[float, float, float, float]) -> Self:
        """Quarantine the records that are not wholly in a box: "outside_area", or "crosses_area" if in part.

        A line with one vertex far away is how a lost digit shows; a box drawn generously loses nothing else.

        Parameters
        ----------
        area : tuple of float
            min_x, min_y, max_x, max_y in this layer's own frame (min_lon, min_lat, ... once harmonised).

        Returns
        -------
        Layer
            Of the records inside.
        """
        box = shapely.box(*area)
        told = f"{', '.join(f'{edge:g}' for edge in area)} ({self.position.name})"
        reasons = np.where(
            shapely.intersects(self.geometry, box),
            f"crosses_area: only partly in {told}",
            f"outside_area: not in {told}",
        )
        return self.quarantine(~shapely.covers(box, self.geometry), reasons.astype(object))

    def to_geopandas(self) -> gpd.GeoDataFrame:
        """Convert to a GeoDataFrame with the layer's frame; attributes, index and geometry as they are.

        A frame that no other program knows (GCJ-02, a local grid) is left out; harmonise first to have one.

        Returns
        -------
        geopandas.GeoDataFrame
            With a column ``sigma_m`` where accuracies are known record by record, ``ambiguous`` where a position may
            have two origins, ``unresolved_height`` where a height kept what it referred to, ``radius_m`` of an area.
        """
        table = self.table
        for name in ("sigma_m", "ambiguous", "unresolved_height", "radius_m"):
            known = getattr(self.coordinates, name, None)
            table = table if known is None else table.assign(**{name: known})
        return gpd.GeoDataFrame(table.copy(), geometry=self.geometry, crs=self.position.portable_crs)

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        records = "1 record" if len(self) == 1 else f"{len(self):,} records"
        columns = ", ".join(map(str, self.table.columns[:8])) + (", ..." if self.table.shape[1] > 8 else "")
        return f"<Layer {self.name!r}: {records}, {self.position.name}, columns {columns or 'none'}>"

    def __dask_tokenize__(self) -> tuple[str, str]:
        state = hashlib.blake2b(digest_size=16)
        state.update(repr((self.name, self.domain, self.origin, self.position, list(self.table.columns))).encode())
        state.update(pd.util.hash_pandas_object(self.table).to_numpy().tobytes())
        state.update(repr(self.coordinates.__dask_tokenize__()).encode())
        return ("layers.Layer", state.hexdigest())
