"""GTFS-Realtime messages kept as files: where vehicles are, how late trips are, what is disturbed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from google.protobuf.message import DecodeError
from google.transit import gtfs_realtime_pb2

from layers.errors import FileUnreadableError, SchemaError, listed
from layers.readers.records import Records, geometry_faults, to_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from layers.options import ReadOptions
    from layers.sources import Source

__all__ = ["read_gtfs_realtime"]

_Row = dict[str, Any]
_TRIP = ("trip_id", "route_id", "direction_id", "start_date", "start_time")
_WHERE = {
    "vehicles": "vehicle",
    "trip_updates": "trip_update",
    "alerts": "alert",
}


def _given(message: Any, name: str) -> Any:  # noqa: ANN401 - generated classes have no types
    """Return a field that the message states, an enumeration by its name; None where it is silent."""
    if not message.HasField(name):
        return None
    value, kind = getattr(message, name), message.DESCRIPTOR.fields_by_name[name].enum_type
    return _readable(value) if kind is None else kind.values_by_number[value].name


def _readable(value: object) -> object:
    """Show bytes that are no UTF-8: texts of this format may hold any."""
    return value.decode("utf-8", errors="backslashreplace") if isinstance(value, bytes) else value


def _all_given(message: Any, *names: str) -> _Row:  # noqa: ANN401
    return {name: _given(message, name) for name in names}


def _vehicles(entity: Any) -> Iterator[_Row]:  # noqa: ANN401
    vehicle = entity.vehicle
    state = ("stop_id", "current_stop_sequence", "current_status", "timestamp", "congestion_level", "occupancy_status")
    place = _all_given(vehicle.position, "longitude", "latitude", "bearing", "speed")
    yield {
        "vehicle_id": _given(vehicle.vehicle, "id"),
        "label": _given(vehicle.vehicle, "label"),
        **_all_given(vehicle.trip, *_TRIP),
        **_all_given(vehicle, *state),
        **place,
    }


def _trip_updates(entity: Any) -> Iterator[_Row]:  # noqa: ANN401
    """One record a stop; one for the whole trip where no stop is named, as of a cancelled one."""
    update = entity.trip_update
    trip = {
        **_all_given(update.trip, *_TRIP),
        "trip_relationship": _given(update.trip, "schedule_relationship"),
        "vehicle_id": _given(update.vehicle, "id"),
        "timestamp": _given(update, "timestamp"),
    }
    for stop in update.stop_time_update or [gtfs_realtime_pb2.TripUpdate.StopTimeUpdate()]:
        yield {
            **trip,
            **_all_given(stop, "stop_id", "stop_sequence", "schedule_relationship"),
            "arrival_delay_s": _given(stop.arrival, "delay"),
            "arrival_time": _given(stop.arrival, "time"),
            "departure_delay_s": _given(stop.departure, "delay"),
            "departure_time": _given(stop.departure, "time"),
        }


def _text(translated: Any) -> str | None:  # noqa: ANN401
    return " / ".join(str(_readable(one.text)) for one in translated.translation) or None


def _alerts(entity: Any) -> Iterator[_Row]:  # noqa: ANN401
    """One record for each stop, route or trip that an alert is about."""
    alert = entity.alert
    said = {
        **_all_given(alert, "cause", "effect"),
        "header": _text(alert.header_text),
        "description": _text(alert.description_text),
        "active_from": min((period.start for period in alert.active_period if period.HasField("start")), default=None),
        "active_to": max((period.end for period in alert.active_period if period.HasField("end")), default=None),
    }
    for about in alert.informed_entity or [gtfs_realtime_pb2.EntitySelector()]:
        yield {
            **said,
            **_all_given(about, "agency_id", "route_id", "stop_id"),
            "trip_id": _given(about.trip, "trip_id"),
        }


_READERS: dict[str, Callable[[Any], Iterator[_Row]]] = {
    "vehicles": _vehicles,
    "trip_updates": _trip_updates,
    "alerts": _alerts,
}
_TIMES = ("timestamp", "arrival_time", "departure_time", "active_from", "active_to")
_UNITS = {"speed": "m/s", "bearing": "degree", "arrival_delay_s": "s", "departure_delay_s": "s"}


def _columns(layer: str) -> list[str]:
    """Name all columns of a layer, so that a message without entities has them too."""
    empty = gtfs_realtime_pb2.FeedEntity()
    return ["entity_id", *next(_READERS[layer](empty))]


def _instants(values: pd.Series) -> pd.Series:
    seconds = pd.to_numeric(values, errors="coerce")
    read = pd.to_datetime(seconds.where(seconds.abs() < 1e11), unit="s", utc=True)
    return pd.Series(read.astype("datetime64[us, UTC]"), index=values.index)


def _message(source: Source) -> Any:  # noqa: ANN401
    try:
        message = gtfs_realtime_pb2.FeedMessage.FromString(source.read())
    except DecodeError as error:
        raise FileUnreadableError(
            f"{source.label}: no GTFS-Realtime message, or cut off ({error}); fetch it again."
        ) from error
    if not message.IsInitialized():
        raise FileUnreadableError(f"{source.label}: the message has no header; fetch it again.")
    return message


def _choose(message: Any, options: ReadOptions, label: str) -> str:  # noqa: ANN401
    held = [name for name, kind in _WHERE.items() if any(entity.HasField(kind) for entity in message.entity)]
    if options.layer in _READERS:
        return options.layer
    if options.layer is None and len(held) < 2:
        return held[0] if held else "vehicles"
    raise SchemaError(
        f"{label}: has {listed(held)}"
        + (f", and no layer {options.layer!r}" if options.layer else "")
        + "; write layer: with one of 'vehicles', 'trip_updates', 'alerts'."
    )


def read_gtfs_realtime(source: Source, options: ReadOptions) -> Records:
    """Read one layer of a GTFS-Realtime message (.pb).

    Parameters
    ----------
    source : Source
        The file.
    options : ReadOptions
        ``layer``: "vehicles" (points), "trip_updates" (one record a stop) or "alerts" (one record a stop, route or
        trip that is informed). It may be left out where the message holds one kind.

    Returns
    -------
    Records
        Vehicles are in WGS 84 unless the user says otherwise; the format rounds their degrees to 24 bits, which is
        0.4 m at 114 degrees. Trip updates and alerts have no place of their own: their position is
        ``{register: stops, key: stop_id, columns: [stop_id]}`` or the like. What a message does not state is missing.
        Times are UTC. Entities that withdraw an earlier one are rejected as "deleted".

    Raises
    ------
    SchemaError
        If the message holds several kinds and none is named.
    FileUnreadableError
        If it is cut or no such message.

    References
    ----------
    GTFS Realtime Reference, https://gtfs.org/documentation/realtime/reference/
    """
    message = _message(source)
    layer = _choose(message, options, source.label)
    rows: list[_Row] = []
    deleted: list[tuple[int, str, str]] = []
    numbers: list[int] = []
    for entity in message.entity:
        if entity.is_deleted:
            count = len(rows) + len(deleted)
            deleted.append((count, "deleted: withdraws what an earlier message said", str(_readable(entity.id))))
        elif entity.HasField(_WHERE[layer]):
            for row in _READERS[layer](entity):
                numbers.append(len(rows) + len(deleted))
                rows.append({"entity_id": _readable(entity.id), **row})
    table = to_table(rows, np.array(numbers, dtype=np.int64)).reindex(columns=_columns(layer))
    table = table.assign(**{name: _instants(table[name]) for name in _TIMES if name in table})
    records = Records(
        table=table,
        count=len(rows) + len(deleted),
        rejected=pd.DataFrame(deleted, columns=["row", "reason", "text"]).astype({"row": np.int64}),
        units={name: unit for name, unit in _UNITS.items() if name in table},
    )
    return _with_places(records) if layer == "vehicles" else records


def _with_places(records: Records) -> Records:
    """Make points of the columns with degrees."""
    x, y = (pd.to_numeric(records.table[name]).to_numpy(dtype=np.float64) for name in ("longitude", "latitude"))
    given = ~(np.isnan(x) | np.isnan(y))
    wild = given & ~((np.abs(x) <= 180) & (np.abs(y) <= 90))
    null = given & (x == 0) & (y == 0)
    geometry = np.full(len(x), None, dtype=object)
    good = given & ~wild & ~null
    geometry[good] = shapely.points(x[good], y[good])
    faults = geometry_faults(geometry, np.zeros(len(x), dtype=bool))
    for i in np.flatnonzero(wild | null):
        faults[i] = f"{'null_island' if null[i] else 'out_of_range'}: longitude {x[i]:g}, latitude {y[i]:g}"
    return Records(
        table=records.table.drop(columns=["longitude", "latitude"]),
        count=records.count,
        geometry=geometry,
        faults=faults,
        rejected=records.rejected,
        default="OGC:CRS84",
        units=records.units,
    )
