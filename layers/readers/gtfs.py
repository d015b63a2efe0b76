"""GTFS timetables: stops, shapes, routes, trips, stop times and headways of one zip archive."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from layers.errors import SchemaError, listed
from layers.readers.gtfs_feed import Feed, Table, first_fault, lines_of_points, open_feed, points, say
from layers.readers.records import Records, geometry_faults
from layers.timetable import (
    expand_frequencies,
    headways,
    interpolate_seconds,
    running_services,
    service_start,
    to_seconds,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from layers.options import ReadOptions
    from layers.sources import Source

__all__ = ["read_gtfs"]

_WAITED_FOR = ["stop_id", "route_id", "direction_id"]
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _sound(faults: NDArray[np.object_]) -> NDArray[np.bool_]:
    return np.array([reason is None for reason in faults], dtype=bool)


def _unknown(ids: pd.Series, known: pd.Series, code: str) -> NDArray[np.object_]:
    """Say which rows name what no other table of the feed has."""
    return say(~ids.isin(known), lambda i: f"{code}: {ids.name} is {ids.iloc[i]!r}, which is not in the feed")


def _twice(frame: pd.DataFrame, *key: str) -> NDArray[np.object_]:
    names = " and ".join(key)
    return say(frame.duplicated(list(key)), lambda _: f"duplicate_id: {names} stand in an earlier row")


def _finish(table: Table, frame: pd.DataFrame, geometry: NDArray[np.object_], faults: NDArray[np.object_]) -> Records:
    """Join what a table holds to its geometries; empty text is none."""
    texts = {name: values.where(values != "") for name, values in frame.items() if values.dtype == "str"}
    frame = frame.assign(**{str(name): values for name, values in texts.items()})
    shapes = geometry_faults(geometry, np.zeros(len(geometry), dtype=bool))
    return Records(
        table=frame,
        count=table.count,
        geometry=geometry,
        faults=first_fault(faults, shapes),
        rejected=table.rejected,
        default="OGC:CRS84",
        units={str(name): "s" for name in frame.columns if str(name).endswith("_s")},
    )


def _as_written(table: Table, rows: pd.Index[int]) -> NDArray[np.object_]:
    """Give the text of rows of a table."""
    written = table.frame.loc[rows]
    return np.array([",".join(values) for values in written.itertuples(index=False)], dtype=object)


def _keep(records: Records, kept: NDArray[np.bool_], reason: str, table: Table) -> Records:
    """Leave out records by a stated choice; they are entered as rejected."""
    left = records.table.index[~kept]
    entries = pd.DataFrame({"row": left, "reason": reason, "text": _as_written(table, left)})
    return replace(
        records,
        table=records.table[kept],
        geometry=None if records.geometry is None else records.geometry[kept],
        faults=None if records.faults is None else records.faults[kept],
        rejected=pd.concat([records.rejected, entries], ignore_index=True) if len(left) else records.rejected,
    )


def _stops(feed: Feed) -> Records:
    table = feed.table("stops.txt", ("stop_id", "stop_lat", "stop_lon"))
    geometry, wrong = points(table.frame, "stop_lon", "stop_lat")
    return _finish(table, table.frame, geometry, first_fault(_twice(table.frame, "stop_id"), wrong))


def _shapes(feed: Feed, *, optional: bool = False) -> Records:
    """One record a shape; rows of the file that are none are rejected, numbered behind the shapes."""
    columns = ("shape_id", "shape_pt_lat", "shape_pt_lon", "shape_pt_sequence")
    table = feed.table("shapes.txt", columns, optional=optional)
    frame, geometry, wrong = lines_of_points(table.frame)
    rejected = table.rejected.assign(row=len(frame) + np.arange(len(table.rejected)))
    return _finish(Table(frame, len(frame) + len(rejected), rejected), frame, geometry, wrong)


def _by_id(records: Records, key: str) -> pd.Series:
    """Give the geometries of the sound records by their id."""
    if records.geometry is None or records.faults is None:
        return pd.Series([], dtype=object)
    sound = _sound(records.faults)
    return pd.Series(records.geometry[sound], index=pd.Index(records.table[key][sound]), dtype=object)


def _at(places: pd.Series, ids: pd.Series) -> NDArray[np.object_]:
    """Give the geometry of each id, None where there is none."""
    found: NDArray[np.object_] = places.reindex(ids).to_numpy(dtype=object, copy=True)
    found[pd.isna(found)] = None
    return found


def _trips(feed: Feed) -> Table:
    return feed.table("trips.txt", ("route_id", "service_id", "trip_id"))


def _running(feed: Feed, day: str) -> frozenset[str]:
    calendar = feed.table("calendar.txt", ("service_id", *_DAYS, "start_date", "end_date"), optional=True).frame
    exceptions = feed.table("calendar_dates.txt", ("service_id", "date", "exception_type"), optional=True).frame
    services = running_services(calendar, exceptions, day)
    trips = _trips(feed).frame
    if not trips["service_id"].isin(services).any():
        dates = pd.concat([calendar["start_date"], calendar["end_date"], exceptions["date"]])
        raise SchemaError(
            f"{feed.archive.label}: no trip runs on day: {day}; its calendar goes from {dates.min()} to {dates.max()}."
        )
    return frozenset(trips["trip_id"][trips["service_id"].isin(services)])


def _clock(frame: pd.DataFrame, column: str) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    seconds = to_seconds(frame[column])
    unread = np.isnan(seconds) & (frame[column] != "").to_numpy()
    return seconds, say(unread, lambda i: f"unreadable_time: {column} is {frame[column].iloc[i]!r}, expected H:MM:SS")


def _stop_times(feed: Feed) -> Records:
    """All stop times, at their stops; times between two stated ones are filled in and marked."""
    needed = ("trip_id", "stop_id", "stop_sequence", "arrival_time", "departure_time")
    table = feed.table("stop_times.txt", needed)
    frame = table.frame
    stops, trips = _stops(feed), _trips(feed).frame
    arrival, wrong_arrival = _clock(frame, "arrival_time")
    departure, wrong_departure = _clock(frame, "departure_time")
    sequence = pd.to_numeric(frame["stop_sequence"], errors="coerce").to_numpy(dtype=np.float64)
    faults = first_fault(
        _unknown(frame["trip_id"], trips["trip_id"], "unknown_trip"),
        _unknown(frame["stop_id"], stops.table["stop_id"], "unknown_stop"),
        wrong_arrival,
        wrong_departure,
        say(np.isnan(sequence), lambda i: f"unreadable_number: stop_sequence is {frame['stop_sequence'].iloc[i]!r}"),
        _twice(frame, "trip_id", "stop_sequence"),
    )
    arrival, departure = (
        np.where(np.isnan(arrival), departure, arrival),
        np.where(np.isnan(departure), arrival, departure),
    )
    trip = pd.factorize(frame["trip_id"])[0]
    order = np.flatnonzero(_sound(faults))
    order = order[np.lexsort((sequence[order], trip[order]))]
    stated = ~np.isnan(arrival)
    arrival[order], departure[order] = interpolate_seconds(arrival[order], departure[order], trip[order])
    route = trips.drop_duplicates("trip_id").set_index("trip_id").reindex(frame["trip_id"])
    frame = frame.assign(
        stop_sequence=sequence,
        arrival_s=arrival,
        departure_s=departure,
        interpolated=~stated & ~np.isnan(arrival),
        route_id=route["route_id"].to_numpy(),
        direction_id=pd.Series(route["direction_id"].to_numpy() if "direction_id" in route else "", frame.index, "str"),
    )
    return _finish(table, frame, _at(_by_id(stops, "stop_id"), frame["stop_id"]), faults)


def _on_day(records: Records, feed: Feed, name: str, day: str | None) -> Records:
    """Keep what runs on the day that is asked for; without one, all."""
    if day is None:
        return records
    known = records.table["trip_id"].isin(_trips(feed).frame["trip_id"])
    kept = records.table["trip_id"].isin(_running(feed, day)) | ~known
    return _keep(records, kept.to_numpy(), f"not_selected: the trip does not run on {day}", feed.table(name, ()))


def _dated_stop_times(feed: Feed, day: str | None) -> Records:
    records = _on_day(_stop_times(feed), feed, "stop_times.txt", day)
    if day is None:
        return records
    zones = feed.table("agency.txt", ("agency_timezone",)).frame["agency_timezone"]
    start = service_start(day, str(zones.iloc[0]) if len(zones) else "")
    for name in ("arrival", "departure"):
        seconds = pd.to_timedelta(records.table[f"{name}_s"], unit="s")
        records.table[name] = (start + seconds).astype("datetime64[us, UTC]")
    return records


def _lines_through_stops(feed: Feed, wanted: pd.Series) -> pd.Series:
    """Draw trips without a shape from stop to stop."""
    times = _stop_times(feed)
    if times.geometry is None or times.faults is None:
        return pd.Series([], dtype=object)
    good = _sound(times.faults) & times.table["trip_id"].isin(wanted).to_numpy()
    rows = times.table[good]
    trip, names = pd.factorize(rows["trip_id"])
    order = np.lexsort((rows["stop_sequence"], trip))
    order = order[np.bincount(trip, minlength=len(names))[trip[order]] > 1]
    _, number = np.unique(trip[order], return_inverse=True)
    lines = shapely.linestrings(shapely.get_coordinates(times.geometry[good][order]), indices=number)
    return pd.Series(lines, index=names[np.unique(trip[order])], dtype=object)


def _drawn_trips(feed: Feed, day: str | None) -> Records:
    table = _trips(feed)
    frame = table.frame
    shape_id = frame["shape_id"] if "shape_id" in frame else pd.Series("", index=frame.index, name="shape_id")
    shapes = _shapes(feed, optional=True)
    bare = shape_id == ""
    geometry = _at(_by_id(shapes, "shape_id"), shape_id)
    if bare.any():
        geometry[bare] = _at(_lines_through_stops(feed, frame["trip_id"][bare]), frame["trip_id"][bare])
    routes = feed.table("routes.txt", ("route_id",)).frame
    named = routes.drop_duplicates("route_id").set_index("route_id").reindex(frame["route_id"])
    times = _stop_times(feed).table.groupby("trip_id")
    faults = first_fault(
        _twice(frame, "trip_id"),
        _unknown(frame["route_id"], routes["route_id"], "unknown_route"),
        _unknown(shape_id, pd.concat([shapes.table["shape_id"], shape_id[bare]]), "unknown_shape"),
    )
    shown = {name: named[name].to_numpy() for name in ("route_short_name", "route_type") if name in named}
    frame = frame.assign(
        **shown,
        drawn_from=np.where(bare, "stops", "shape"),
        start_s=times["departure_s"].min().reindex(frame["trip_id"]).to_numpy(),
        end_s=times["arrival_s"].max().reindex(frame["trip_id"]).to_numpy(),
    )
    return _on_day(_finish(table, frame, geometry, faults), feed, "trips.txt", day)


def _routes(feed: Feed, day: str | None) -> Records:
    """One record a route: all its ways as one geometry, and on a day how many trips and how long between them."""
    table = feed.table("routes.txt", ("route_id",))
    trips = _drawn_trips(feed, day)
    frame = table.frame
    ways: dict[str, dict[bytes, shapely.Geometry]] = {}
    if trips.geometry is not None and trips.faults is not None:
        good = _sound(trips.faults)
        for route, way, key in zip(
            trips.table["route_id"][good], trips.geometry[good], shapely.to_wkb(trips.geometry[good]), strict=True
        ):
            ways.setdefault(route, {})[key] = way
    geometry = np.full(len(frame), None, dtype=object)
    for i, route in enumerate(frame["route_id"]):
        if route in ways:
            geometry[i] = shapely.multilinestrings(list(ways[route].values()))
    by_route = trips.table.groupby("route_id")
    frame = frame.assign(trips=by_route.size().reindex(frame["route_id"], fill_value=0).to_numpy())
    if day is not None:
        by = ["route_id", "direction_id"] if "direction_id" in trips.table else ["route_id"]
        started = trips.table.sort_values("start_s")
        gaps = started["start_s"].groupby([started[name] for name in by], dropna=False).diff()
        mean = gaps.groupby(started["route_id"]).mean()
        frame = frame.assign(headway_s=mean.reindex(frame["route_id"]).to_numpy())
    return _finish(table, frame, geometry, _twice(frame, "route_id"))


def _frequencies(feed: Feed) -> pd.DataFrame:
    table = feed.table("frequencies.txt", ("trip_id", "start_time", "end_time", "headway_secs"), optional=True).frame
    return pd.DataFrame(
        {
            "trip_id": table["trip_id"],
            "start_s": to_seconds(table["start_time"]),
            "end_s": to_seconds(table["end_time"]),
            "headway_s": pd.to_numeric(table["headway_secs"], errors="coerce"),
        }
    )


def _headways(feed: Feed, day: str | None) -> Records:
    """One record a stop, route, direction and hour; stop times that are broken are rejected, numbered behind them."""
    if day is None:
        raise SchemaError(
            f"{feed.archive.label}: headways are those of one day; write day: with a date of its calendar."
        )
    times = _on_day(_stop_times(feed), feed, "stop_times.txt", day)
    if times.faults is None:
        return times
    good = _sound(times.faults)
    rows = times.table[good]
    boards = rows["stop_sequence"] < rows.groupby("trip_id")["stop_sequence"].transform("max")
    if "pickup_type" in rows:
        boards &= rows["pickup_type"] != "1"
    last = rows.sort_values("stop_sequence").groupby("trip_id")["stop_id"].transform("last")
    rows = rows.assign(direction_id=rows["direction_id"].fillna("to " + last))
    left = rows[boards].rename(columns={"departure_s": "seconds"})
    frame = headways(expand_frequencies(left, _frequencies(feed)), by=_WAITED_FOR)
    source = feed.table("stop_times.txt", ())
    bad = times.table.index[~good]
    broken = pd.DataFrame({"row": bad, "reason": times.faults[~good], "text": _as_written(source, bad)})
    rejected = pd.concat([source.rejected, broken], ignore_index=True)
    rejected = rejected.assign(row=len(frame) + np.arange(len(rejected)))
    geometry = _at(_by_id(_stops(feed), "stop_id"), frame["stop_id"])
    table = Table(frame, len(frame) + len(rejected), rejected)
    return _finish(table, frame, geometry, np.full(len(frame), None, dtype=object))


_LAYERS: dict[str, Callable[[Feed, str | None], Records]] = {
    "stops": lambda feed, _: _stops(feed),
    "shapes": lambda feed, _: _shapes(feed),
    "routes": _routes,
    "trips": _drawn_trips,
    "stop_times": _dated_stop_times,
    "headways": _headways,
}


def read_gtfs(source: Source, options: ReadOptions) -> Records:
    """Read one layer of a timetable.

    Parameters
    ----------
    source : Source
        A zip archive; its tables may lie in a folder.
    options : ReadOptions
        ``layer``: "stops" (the default), "shapes" (one line each), "routes" (all ways of a route as one geometry),
        "trips" (lines), "stop_times" (at their stops) or "headways" (one record a stop, route, direction and hour of
        departure). ``day`` keeps what runs on it; "headways" needs it.

    Returns
    -------
    Records
        In WGS 84 unless the user says otherwise. Times are kept as written, and stand as seconds of the service day
        in columns that end in ``_s``, 86,400 and more after midnight; those between two stated ones are filled in
        evenly and marked ``interpolated``. With a ``day`` stop times have ``arrival`` and ``departure`` in UTC.
        Trips without a shape are drawn from stop to stop, and ``drawn_from`` says so; where no direction is stated,
        headways are those of the trips to the same last stop. What names a stop, trip, route
        or shape that the feed does not have is quarantined. Broken rows of shapes.txt (layer "shapes") and broken
        stop times (layer "headways") are numbered behind the records.

    Raises
    ------
    SchemaError
        If there is no such layer, a column is missing, or nothing runs on that day.
    FileRefusedError
        If the archive is unsafe to unpack.
    FileUnreadableError
        If it is broken, or has no timetable.

    References
    ----------
    GTFS Schedule Reference, https://gtfs.org/documentation/schedule/reference/
    """
    name = options.layer or "stops"
    if name not in _LAYERS:
        raise SchemaError(f"{source.label}: a timetable has no layer {name!r}; write layer: with {listed(_LAYERS)}.")
    return _LAYERS[name](open_feed(source, options), options.day)
