"""Which reader a file gets: by its ending, and only if its first bytes agree. GDAL is never asked to guess."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layers.errors import FileRefusedError
from layers.formats import cim, environment, json, tables, transport, zones

if TYPE_CHECKING:
    from layers.formats.model import Format
    from layers.sources import Source

__all__ = ["FORMATS", "resolve_format"]

#: Text never starts with these: XML (an OGR or GDAL VRT names other files to read), archives, binaries.
_NO_TEXT = (
    b"<",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"\x89",
    b"SQLite format 3",
    b"PAR1",
    b"%PDF",
    b"\xd0\xcf\x11\xe0",
    b"II*\0",
    b"MM\0*",
)

#: Before these there may be spaces and a byte order mark.
_MARKUP = (b"{", b"<")

FORMATS: tuple[Format, ...] = (
    *tables.FORMATS,
    *zones.FORMATS,
    *json.FORMATS,
    *transport.FORMATS,
    *environment.FORMATS,
    *cim.FORMATS,
)


def resolve_format(source: Source) -> Format:
    """Choose the reader of a file.

    Parameters
    ----------
    source : Source
        The file.

    Returns
    -------
    Format
        The one whose ending it has.

    Raises
    ------
    FileRefusedError
        If no format has this ending, or the content is not what the ending says.
    """
    found = [known for known in FORMATS if source.suffix in known.suffixes]
    if not found:
        endings = ", ".join(suffix for known in FORMATS for suffix in known.suffixes)
        raise FileRefusedError(
            f"{source.label}: no reader for {source.suffix or 'a name without ending'}; known endings are {endings}."
        )
    if source.packed and not any(known.packed for known in found):
        raise FileRefusedError(f"{source.label}: {found[0].name} is not read from .gz; unpack it.")
    head = source.head()
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    begun = [
        known
        for known in found
        if not known.starts or (text if known.starts[0] in _MARKUP else head).startswith(known.starts)
    ]
    if not begun:
        raise FileRefusedError(
            f"{source.label}: is not {found[0].name} (it begins with {head[:24]!r}); "
            "give the real file, or name it as what it is."
        )
    chosen = _recognised(source, begun)
    if not chosen.starts and text.startswith(_NO_TEXT):
        raise FileRefusedError(
            f"{source.label}: is no text table (it begins with {head[:24]!r}); "
            "give the real file, or name it as what it is."
        )
    return chosen


def _recognised(source: Source, formats: list[Format]) -> Format:
    """Choose by content where several formats share an ending; one that takes anything comes last."""
    for known in formats:
        if known.recognise is not None and known.recognise(source):
            return known
    anything = [known for known in formats if known.recognise is None]
    if anything:
        return anything[0]
    names = ", ".join(known.name for known in formats)
    raise FileRefusedError(f"{source.label}: its content is none of the formats with this ending ({names}).")
