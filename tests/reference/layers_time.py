"""One local time to UTC by the standard library: which instants show this wall clock?"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def instants(wall: datetime, zone: str) -> list[datetime]:
    """List the instants at which a clock in the zone shows this time: none, one or two."""
    found = []
    for fold in (0, 1):
        instant = wall.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)
        shows = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        if shows == wall and instant not in found:
            found.append(instant)
    return found
