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
    chosen = found[0]
    if source.packed and not chosen.packed:
        raise FileRefusedError(f"{source.label}: {chosen.name} is not read from .gz; unpack it.")
    head = source.head()
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if chosen.starts and not (text if chosen.starts[0] == b"{" else head).startswith(chosen.starts):
        raise FileRefusedError(
            f"{source.label}: is not {chosen.name} (it begins with {head[:24]!r}); "
            "give the real file, or name it as what it is."
        )
    if not chosen.starts and text.startswith(_NO_TEXT):
        raise FileRefusedError(
            f"{source.label}: is no text table (it begins with {head[:24]!r}); "
            "give the real file, or name it as what it is."
        )
    return chosen
