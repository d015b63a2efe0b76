"""Links: what a visitor sees, as a short text that opens the same view; what it says wrongly is left out and told."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, unquote, urlencode

from dashboards.notes import Note, read_notes, write_notes
from dashboards.scales import RAMPS

T = TypeVar("T")

VIEWS = ("explore", "operate", "trust")
SPEEDS = (0.5, 1.0, 2.0, 4.0, 8.0)
LANGUAGES = ("en", "zh")
THEMES = ("light", "dark")

MOST_CHARACTERS = 4000
_MOST_PARTS = 64
# Longitude, latitude, zoom, pitch, bearing: lowest, highest, decimals kept (about a metre on the ground).
_CAMERA = ((-180.0, 180.0, 5), (-85.0, 85.0, 5), (0.0, 20.0, 2), (0.0, 60.0, 1), (-180.0, 180.0, 1))
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT)?\d\d:\d\d(:\d\d)?([+-]\d\d:\d\d)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,12}(\.\d{1,9})?", re.ASCII)
_HIDDEN = "!"
_PLAIN = ",:!"  # What a query may hold as it is.

Camera = tuple[float, float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class Link:
    """What a link says; what it does not say is as the city is first looked at.

    Parameters
    ----------
    view : {"explore", "operate", "trust"}
        Which view: the last part of the path.
    time : str
        Local time of a step, ``"2026-06-16T08:00"`` or ``"08:00"``; empty for the first.
    camera : tuple of float or None
        Longitude, latitude, zoom, pitch and bearing.
    layers : Mapping of str to int
        Opacity in percent by row of the layer panel; 0 hides it.
    order : tuple of str
        Rows of the layer panel from the top, where somebody moved one.
    palettes : Mapping of str to str
        Ramp by row of the layer panel, where somebody chose one.
    cells : str
        Variable that colours the cells.
    columns : bool
        Whether cells stand as columns.
    doubtful : bool
        Whether what is uncertain fades.
    named : bool
        Whether streets and areas bear their names.
    pick : tuple of str or None
        Map layer, and the source record or the cell that is selected.
    notes : tuple of Note
        Words at places.
    stop : int
        Stop of the guided tour, counted from 1; 0 beside it.
    limits : Mapping of str to float
        Threshold by variable, in its unit.
    speed : float
        Of the player.
    playing : bool
        Whether the clock runs by itself.
    kiosk : bool
        Whether the page is for a wall: nothing to handle.
    language, theme : str
        Of every text and colour.
    """

    view: str = VIEWS[0]
    time: str = ""
    camera: Camera | None = None
    layers: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    order: tuple[str, ...] = ()
    palettes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    cells: str = ""
    columns: bool = False
    doubtful: bool = False
    named: bool = True
    pick: tuple[str, str] | None = None
    notes: tuple[Note, ...] = ()
    stop: int = 0
    limits: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    speed: float = 1.0
    playing: bool = False
    kiosk: bool = False
    language: str = LANGUAGES[0]
    theme: str = THEMES[0]


@dataclass(frozen=True, kw_only=True)
class Known:
    """Names that a link may use in one city.

    Parameters
    ----------
    layers : collection of str
        Rows of the layer panel and map layers.
    variables : collection of str
        Variables of the cube.
    """

    layers: Collection[str]
    variables: Collection[str]


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """A part of a link that is left out."""


def to_link(link: Link) -> str:
    """Write a link.

    Parameters
    ----------
    link : Link
        What is seen.

    Returns
    -------
    str
        Path and query below the root of the page, the shortest that says it.

    Examples
    --------
    >>> to_link(Link(view="operate", time="2026-06-16T08:00", camera=(7.42, 43.73, 14, 45, 0), layers={"cells": 40}))
    'operate?t=2026-06-16T08:00&at=7.42,43.73,14,45,0&layers=cells:40'
    >>> to_link(Link())
    'explore'
    """
    layers = [
        f"{_name(layer)}:{percent}" if percent else f"{_HIDDEN}{_name(layer)}" for layer, percent in link.layers.items()
    ]
    said = {
        "t": link.time,
        "at": ",".join(map(_short, _rounded(link.camera))) if link.camera else "",
        "layers": ",".join(layers),
        "order": ",".join(map(_name, link.order)),
        "palette": ",".join(f"{_name(layer)}:{ramp}" for layer, ramp in link.palettes.items()),
        "cells": link.cells,
        "columns": "1" if link.columns else "",
        "sigma": "1" if link.doubtful else "",
        "names": "" if link.named else "0",
        "pick": ":".join(map(_name, link.pick)) if link.pick else "",
        "notes": write_notes(link.notes),
        "tour": str(link.stop) if link.stop else "",
        "over": ",".join(f"{_name(name)}:{_short(limit)}" for name, limit in link.limits.items()),
        "speed": "" if link.speed == 1 else _short(link.speed),
        "play": "1" if link.playing else "",
        "kiosk": "1" if link.kiosk else "",
        "lang": "" if link.language == LANGUAGES[0] else link.language,
        "theme": "" if link.theme == THEMES[0] else link.theme,
    }
    query = urlencode({key: text for key, text in said.items() if text}, safe=_PLAIN, quote_via=quote)
    return f"{link.view}?{query}" if query else link.view


def from_link(view: str, query: str, known: Known) -> tuple[Link, tuple[str, ...]]:
    """Read a link.

    Parameters
    ----------
    view : str
        Last part of its path; empty at the root, where the query may say ``view=operate``.
    query : str
        What follows the question mark, as anybody may have written it.
    known : Known
        Names of the city.

    Returns
    -------
    link : Link
        All that could be read; numbers beyond their limits are brought to them.
    notes : tuple of str
        Keys of the query that were left out or changed, such as ``"at"``; never their text.

    Examples
    --------
    >>> link, notes = from_link("operate", "at=7.42,999,14,45,0&lang=xx", Known(layers=(), variables=()))
    >>> link.camera, link.language, notes
    ((7.42, 85.0, 14.0, 45.0, 0.0), 'en', ('at', 'lang'))
    """
    notes: list[str] = []
    if len(query) > MOST_CHARACTERS:
        query, notes = query[:MOST_CHARACTERS].rpartition("&")[0], ["?"]
    try:
        told = parse_qs(query, keep_blank_values=False, max_num_fields=_MOST_PARTS, errors="replace")
    except ValueError:  # More parts than anything that we wrote.
        return Link(view=view if view in VIEWS else VIEWS[0]), ("?",)
    found: dict[str, Any] = {}
    for key, name, read in _readers(known):
        if key in told:
            try:
                found[name], exact = read(told[key][0])
            except (_Refused, ValueError):
                exact = False
            if not exact:
                notes.append(key)
    if view in VIEWS:
        found["view"] = view
    return Link(**found), tuple(notes)


def _readers(known: Known) -> Iterator[tuple[str, str, Callable[[str], tuple[Any, bool]]]]:
    """Give key in the query, field of the link and how it is read: value, and whether nothing of it was changed."""
    yield "view", "view", lambda text: _one_of(text, VIEWS)
    yield "t", "time", _time
    yield "at", "camera", _camera
    yield "layers", "layers", lambda text: _parts(text, known.layers, _opacity)
    yield "order", "order", lambda text: _order(text, known.layers)
    yield "palette", "palettes", lambda text: _parts(text, known.layers, _ramp)
    yield "cells", "cells", lambda text: _one_of(text, known.variables)
    yield "columns", "columns", _yes
    yield "sigma", "doubtful", _yes
    yield "names", "named", _yes
    yield "pick", "pick", lambda text: _pick(text, known.layers)
    yield "notes", "notes", read_notes
    yield "tour", "stop", _stop
    yield "over", "limits", lambda text: _parts(text, known.variables, _limit)
    yield "speed", "speed", lambda text: _one_of(_number(text), SPEEDS)
    yield "play", "playing", _yes
    yield "kiosk", "kiosk", _yes
    yield "lang", "language", lambda text: _one_of(text, LANGUAGES)
    yield "theme", "theme", lambda text: _one_of(text, THEMES)


def _one_of(value: T, known: Collection[T]) -> tuple[T, bool]:
    if value not in known:
        raise _Refused
    return value, True


def _yes(text: str) -> tuple[bool, bool]:
    return text == "1", text in {"0", "1"}


def _time(text: str) -> tuple[str, bool]:
    if not _TIME.fullmatch(text):
        raise _Refused
    return text, True


def _camera(text: str) -> tuple[Camera, bool]:
    numbers = [_number(part) for part in text.split(",")]
    if len(numbers) != len(_CAMERA):
        raise _Refused
    kept = [min(max(value, low), high) for value, (low, high, _) in zip(numbers, _CAMERA, strict=True)]
    return (kept[0], kept[1], kept[2], kept[3], kept[4]), kept == numbers


def _pick(text: str, known: Collection[str]) -> tuple[tuple[str, str], bool]:
    layer, mark, owner = text.partition(":")
    layer, owner = unquote(layer), unquote(owner)
    if not mark or layer not in known or not re.fullmatch(r"[0-9a-f]{1,16}", owner):
        raise _Refused
    return (layer, owner), True


def _parts(text: str, known: Collection[str], read: Callable[[str], tuple[str, T]]) -> tuple[Mapping[str, T], bool]:
    """Read ``name:value,name:value``; what is not understood costs that part and not the others."""
    found: dict[str, T] = {}
    parts = text.split(",")
    for part in parts[:_MOST_PARTS]:
        try:
            name, value = read(part)
        except _Refused:
            continue
        if name in known:
            found[name] = value
    return MappingProxyType(found), len(found) == len(parts)


def _opacity(part: str) -> tuple[str, int]:
    if part.startswith(_HIDDEN):
        return unquote(part[len(_HIDDEN) :]), 0
    name, _, percent = part.partition(":")
    if not re.fullmatch(r"\d{1,3}", percent or "100", re.ASCII):
        raise _Refused
    return unquote(name), min(int(percent or 100), 100)


def _ramp(part: str) -> tuple[str, str]:
    name, _, ramp = part.partition(":")
    if ramp not in RAMPS:
        raise _Refused
    return unquote(name), ramp


def _order(text: str, known: Collection[str]) -> tuple[tuple[str, ...], bool]:
    """Read names, each once and only those that are there."""
    parts = text.split(",")
    names = [name for name in dict.fromkeys(map(unquote, parts[:_MOST_PARTS])) if name in known]
    return tuple(names), len(names) == len(parts)


def _stop(text: str) -> tuple[int, bool]:
    if not re.fullmatch(r"\d{1,3}", text, re.ASCII):
        raise _Refused
    return int(text), True


def _limit(part: str) -> tuple[str, float]:
    name, _, limit = part.partition(":")
    return unquote(name), _number(limit)


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise _Refused
    return float(text)


def _name(text: str) -> str:
    return quote(text, safe="")


def _rounded(camera: Camera) -> list[float]:
    return [round(value, decimals) for value, (_, _, decimals) in zip(camera, _CAMERA, strict=True)]


def _short(value: float) -> str:
    return f"{value:.0f}" if value == round(value) else format(Decimal(f"{value:.12g}"), "f")  # no exponents
