"""The guided tour: each stop as a link that says what is seen there."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from dashboards.frames import FrameSource
from dashboards.i18n import title_of
from dashboards.legends import first_settings
from dashboards.links import Link
from twin import Stop


def at_stop(link: Link, source: FrameSource) -> Link:
    """Say what is seen at the stop of a link, where the link itself does not say it.

    Parameters
    ----------
    link : Link
        Names a stop, or none.
    source : FrameSource
        Frames of the city.

    Returns
    -------
    Link
        With camera, time, layers and variable of the stop; without a stop that the city does not have.
    """
    tour = source.city.tour
    if not 1 <= link.stop <= len(tour):
        return replace(link, stop=0)
    stop = tour[link.stop - 1]
    return replace(
        link,
        camera=link.camera or (*stop.centre, stop.zoom, stop.pitch, stop.bearing),
        time=link.time or stop.time,
        layers=link.layers or _layers(stop, first_settings(source)),
        cells=link.cells or stop.cells or "",
    )


def to_stops(source: FrameSource, language: str) -> list[dict[str, str]]:
    """List the stops in a language.

    Parameters
    ----------
    source : FrameSource
        Frames of the city.
    language : str
        Language of the texts.

    Returns
    -------
    list of dict
        ``title`` and ``text`` of each.
    """
    return [
        {"title": title_of(stop.title, language, str(number)), "text": title_of(stop.text, language, " ")}
        for number, stop in enumerate(source.city.tour, 1)
    ]


def _layers(stop: Stop, first: Mapping[str, Mapping[str, Any]]) -> Mapping[str, int]:
    if not stop.layers:
        return MappingProxyType({})
    shown = {name: round(100 * setting["opacity"]) for name, setting in first.items()}
    return MappingProxyType({name: percent if name in stop.layers else 0 for name, percent in shown.items()})
