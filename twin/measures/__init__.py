"""What a city is judged by: pure functions over its cube, each with the formula and where it is from.

A cube goes in as `Twin.cube` gives it, an array comes out with its unit. ``city.measure("congestion_level")`` fetches
what a measure needs of the city first.
"""

from __future__ import annotations

from twin.measures.access import minutes_to
from twin.measures.exposure import exposed, exposure
from twin.measures.quantities import mean, total
from twin.measures.surroundings import green_share, lden, quiet_share
from twin.measures.traffic import congestion_level, delay, free_flow_speed, travel_time_index

MEASURES = {
    measure.__name__: measure
    for measure in (
        congestion_level,
        delay,
        exposed,
        exposure,
        free_flow_speed,
        green_share,
        lden,
        minutes_to,
        quiet_share,
        travel_time_index,
    )
}
"""By name, as `Twin.measure` knows them."""

__all__ = [
    "MEASURES",
    "congestion_level",
    "delay",
    "exposed",
    "exposure",
    "free_flow_speed",
    "green_share",
    "lden",
    "mean",
    "minutes_to",
    "quiet_share",
    "total",
    "travel_time_index",
]
