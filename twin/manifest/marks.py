"""Where in a YAML file an entry stands, and what it says without ruamel's marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel
from ruamel.yaml.comments import CommentedMap, CommentedSeq

_SHOWN_CHARACTERS = 80

Location = tuple[str | int, ...]


class Lines:
    """Finds the line on which an entry stands.

    Parameters
    ----------
    tree : CommentedMap
        The file as ruamel read it.
    """

    def __init__(self, tree: CommentedMap) -> None:
        self._tree = tree

    def of(self, location: Location) -> int:
        """Return the line of an entry, or of the nearest one above it that is there.

        Parameters
        ----------
        location : tuple of str or int
            Keys from the root of the file.

        Returns
        -------
        int
            Counted from 1.
        """
        node: object = self._tree
        line = 1
        for key in location:
            marks = node.lc.data if isinstance(node, (CommentedMap, CommentedSeq)) else None
            if (isinstance(node, CommentedMap) and key in node) or (
                isinstance(node, CommentedSeq) and isinstance(key, int) and key < len(node)
            ):
                node = node[key]
            else:
                break
            if marks and key in marks:  # a key merged in with << has no mark here: keep its parent's
                line = marks[key][0] + 1
        return int(line)


def plain(node: object) -> Any:  # noqa: ANN401 - whatever YAML can say
    """Turn ruamel's marked values into plain ones that pydantic and JSON know.

    Parameters
    ----------
    node : object
        A mapping, a sequence or a scalar.

    Returns
    -------
    object
        Dictionaries, lists, text, numbers, booleans and None; dates as ISO 8601 text.
    """
    if isinstance(node, Mapping):
        return {str(key): plain(value) for key, value in node.items()}
    if isinstance(node, Sequence) and not isinstance(node, str):
        return [plain(value) for value in node]
    if isinstance(node, (datetime, date)):
        return node.isoformat()
    if isinstance(node, bool) or node is None:
        return node
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return str(node)


def shown(value: object) -> str:
    """Return a value as an error message shows it.

    Parameters
    ----------
    value : object
        What was found.

    Returns
    -------
    str
        At most 80 characters.
    """
    text = repr(plain(value)) if not isinstance(value, BaseModel) else "this entry"
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
