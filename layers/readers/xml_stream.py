"""XML, element by element: nothing is fetched, no entity is expanded, and what was read is let go."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lxml import etree

from layers.errors import FileRefusedError, FileUnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from layers.sources import Source

__all__ = ["has_root", "local_name", "root_name", "stream_elements", "text_of"]

_CHUNK = 1 << 12
#: What stands before the root: a declaration, comments, a DOCTYPE. SUMO writes its whole configuration there.
_MAX_PROLOG = 1 << 20
#: libxml2 then refuses more than 256 levels and texts of more than 10 MB.
_SAFE: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "huge_tree": False,
    "load_dtd": False,
    "dtd_validation": False,
    "attribute_defaults": False,
}


def local_name(element: etree._Element) -> str:
    """Return the name of an element or comment without its namespace.

    Parameters
    ----------
    element : lxml.etree.Element
        From any document.

    Returns
    -------
    str
        "" for comments and processing instructions.

    Examples
    --------
    >>> local_name(etree.fromstring('<gml:Point xmlns:gml="http://www.opengis.net/gml"/>'))
    'Point'
    """
    # A prefix that is declared nowhere stays in the name, and QName would refuse it.
    return element.tag.rpartition("}")[2].rpartition(":")[2] if isinstance(element.tag, str) else ""


def text_of(element: etree._Element | None) -> str:
    """Return the text that stands directly in an element.

    Parameters
    ----------
    element : lxml.etree.Element or None
        From any document.

    Returns
    -------
    str
        Without blanks around it; "" where there is none.
    """
    return "" if element is None else (element.text or "").strip()


@contextmanager
def _opened(source: Source) -> Iterator[BinaryIO]:
    """Open the file; a packed one is unpacked within the limits of `Source.read`."""
    with io.BytesIO(source.read()) if source.packed else source.path.open("rb") as file:
        yield file


def _unreadable(source: Source, error: etree.XMLSyntaxError) -> FileRefusedError | FileUnreadableError:
    if "entity amplification" in str(error) or "entity reference loop" in str(error).lower():
        return FileRefusedError(f"{source.label}: an entity bomb ({error}); nothing of it is read.")
    return FileUnreadableError(f"{source.label}: broken XML ({error}); it may be cut off: fetch it again.")


def _refuse_entities(source: Source, root: etree._Element) -> None:
    """Refuse what defines entities: they stand for text elsewhere, in the file or on this machine."""
    dtd = root.getroottree().docinfo.internalDTD
    named = [] if dtd is None else [str(entity.name) for entity in dtd.iterentities()]
    if named:
        raise FileRefusedError(
            f"{source.label}: its DOCTYPE defines {len(named)} entities ({named[0]!r}, ...), which are never expanded; "
            "export it without them."
        )


def _root(source: Source) -> etree._Element:
    """Read as far as the root element, which has nothing in it yet."""
    parser = etree.XMLPullParser(events=("start",), **_SAFE)
    try:
        with _opened(source) as file:
            while (chunk := file.read(_CHUNK)) and file.tell() <= _MAX_PROLOG:
                parser.feed(chunk)
                for _, element in parser.read_events():
                    _refuse_entities(source, element)
                    return element
    except etree.XMLSyntaxError as error:
        raise _unreadable(source, error) from error
    raise FileUnreadableError(f"{source.label}: has no XML element in its first MiB; it may be empty or cut off.")


def root_name(source: Source) -> str:
    """Read the name of the root element.

    Parameters
    ----------
    source : Source
        An XML file; no more than its beginning is read.

    Returns
    -------
    str
        Its name without namespace.

    Raises
    ------
    FileRefusedError
        If entities are defined before it.
    FileUnreadableError
        If there is none within the first MiB, or the XML is broken before it.
    """
    return local_name(_root(source))


def prolog_comments(source: Source) -> str:
    """Read the comments before the root element, where programs write how a file was made.

    Parameters
    ----------
    source : Source
        An XML file.

    Returns
    -------
    str
        One after the other; errors as of :func:`root_name`.
    """
    before = _root(source).itersiblings(preceding=True)
    return "\n".join(str(node.text) for node in before if node.tag is etree.Comment)


def has_root(*names: str) -> Callable[[Source], bool]:
    """Make a test that tells documents of one kind from other XML.

    Parameters
    ----------
    *names : str
        Names of the root element, without namespace.

    Returns
    -------
    callable
        True for a file whose root has one of these names.
    """
    return lambda source: root_name(source) in names


def _let_go(element: etree._Element) -> None:
    """Free what was read; libxml2 still needs the place of the last element itself."""
    element.clear(keep_tail=False)
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def stream_elements(source: Source, *, wanted: Callable[[tuple[str, ...]], bool]) -> Iterator[etree._Element]:
    """Give the wanted elements one after the other; an element is gone once the next one is asked for.

    Parameters
    ----------
    source : Source
        An XML file of any size.
    wanted : callable
        Decides by the names from the root to the element, such as ("gpx", "trk"); what lies in a wanted element is
        not asked about.

    Yields
    ------
    lxml.etree.Element
        Whole, with all that lies in it.

    Raises
    ------
    FileRefusedError
        If it defines entities.
    FileUnreadableError
        If the XML is broken, or nested more than 256 deep.
    """
    path: list[str] = []
    within = 0  # depth of the wanted element that is being read
    try:
        with _opened(source) as file:
            for event, element in etree.iterparse(file, events=("start", "end"), **_SAFE):
                if event == "start":
                    if not path:
                        _refuse_entities(source, element)
                    path.append(local_name(element))
                    within = within or (len(path) if wanted(tuple(path)) else 0)
                    continue
                if within == len(path):
                    yield element
                    within = 0
                if not within:
                    _let_go(element)
                path.pop()
    except etree.XMLSyntaxError as error:
        raise _unreadable(source, error) from error
