"""Notes that travel in a link: a place and a few words each, bounded, whoever wrote the link."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

MOST_NOTES, MOST_LETTERS = 20, 120
_MOST_CHARACTERS = 1800  # Of all notes in the query: beyond two thousand, some mail programs cut an address.
_DIGITS = 5  # About a metre.
_WEST, _SOUTH, _EAST, _NORTH = -180.0, -85.0, 180.0, 85.0
_NUMBER = re.compile(r"[+-]?\d{1,3}(\.\d{1,9})?", re.ASCII)
_BETWEEN, _ESCAPED = "|", "\N{BROKEN BAR}"
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True, kw_only=True)
class Note:
    """Words at a place.

    Parameters
    ----------
    lon_deg, lat_deg : float
        Where, in degrees.
    text : str
        What.
    """

    lon_deg: float
    lat_deg: float
    text: str


def carried(notes: Sequence[Mapping[str, Any]]) -> tuple[Note, ...]:
    """Choose the notes that a link can carry.

    Parameters
    ----------
    notes : sequence of Mapping
        ``at``, longitude and latitude in degrees, and ``text``, as the page holds them.

    Returns
    -------
    tuple of Note
        The first of them, as many as fit.
    """
    found: list[Note] = []
    for each in notes[:MOST_NOTES]:
        lon_deg, lat_deg = each["at"]
        note = note_of(lon_deg, lat_deg, each["text"])
        if len(quote(write_notes([*found, note]))) > _MOST_CHARACTERS:
            break
        found.append(note)
    return tuple(found)


def note_of(lon_deg: float, lat_deg: float, text: str) -> Note:
    """Make a note of what anybody may have written.

    Parameters
    ----------
    lon_deg, lat_deg : float
        Brought to their limits.
    text : str
        Cut to `MOST_LETTERS`; what cannot be seen, or turns the direction of writing, is left out.

    Returns
    -------
    Note
        The note.
    """
    return Note(
        lon_deg=round(min(max(float(lon_deg), _WEST), _EAST), _DIGITS),
        lat_deg=round(min(max(float(lat_deg), _SOUTH), _NORTH), _DIGITS),
        text=_UNSEEN.sub("", str(text).replace(_BETWEEN, _ESCAPED))[:MOST_LETTERS],
    )


def write_notes(notes: Iterable[Note]) -> str:
    """Write notes for a link.

    Parameters
    ----------
    notes : iterable of Note
        The notes.

    Returns
    -------
    str
        To be quoted.

    Examples
    --------
    >>> write_notes([Note(lon_deg=7.42, lat_deg=43.73, text="New school"), Note(lon_deg=7, lat_deg=43, text="Gate")])
    '7.42,43.73,New school|7,43,Gate'
    """
    return _BETWEEN.join(f"{_plain(note.lon_deg)},{_plain(note.lat_deg)},{note.text}" for note in notes)


def read_notes(text: str) -> tuple[tuple[Note, ...], bool]:
    """Read the notes of a link.

    Parameters
    ----------
    text : str
        As anybody may have written it.

    Returns
    -------
    notes : tuple of Note
        Those that could be read, at most `MOST_NOTES`.
    exact : bool
        Whether nothing was left out or changed.

    Examples
    --------
    >>> read_notes("7.42,43.73,New school|somewhere,0,x")
    ((Note(lon_deg=7.42, lat_deg=43.73, text='New school'),), False)
    """
    parts = text.split(_BETWEEN)
    found = []
    for part in parts[:MOST_NOTES]:
        lon, _, rest = part.partition(",")
        lat, _, words = rest.partition(",")
        if _NUMBER.fullmatch(lon) and _NUMBER.fullmatch(lat) and words.strip():
            found.append(note_of(float(lon), float(lat), words))
    return tuple(found), write_notes(found) == text


def _plain(degrees: float) -> str:
    """Write a number without an exponent, which a link cannot read."""
    return f"{degrees:.{_DIGITS}f}".rstrip("0").rstrip(".")
