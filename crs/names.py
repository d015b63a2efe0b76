"""Names and house numbers, written in many ways and meant as one."""

from __future__ import annotations

import re
import unicodedata

from crs.decode import is_missing

__all__ = ["plain_name", "plain_number"]

_SPACES = re.compile(r"[\s.,;·]+")
_NUMBER_WORDS = re.compile(r"^(?:no|nr|num|n°|#|№)[\s.:]*(?=\d)|[号號]$")


def plain_name(value: object) -> str:
    """Write a name in the form in which names are compared.

    Parameters
    ----------
    value : object
        As a reader gave it.

    Returns
    -------
    str
        Without regard to width, case, blanks and full stops; "" where nothing is given.

    Examples
    --------
    >>> plain_name("  Bd.  Albert I ") == plain_name("bd albert i")
    True
    """
    if is_missing(value):
        return ""
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def plain_number(value: object) -> str:
    """Write a house number in the form in which numbers are compared.

    Parameters
    ----------
    value : object
        As a reader gave it.

    Returns
    -------
    str
        Without blanks and words for number; "" where nothing is given.

    Examples
    --------
    >>> plain_number("No. 12 A"), plain_number(12.0), plain_number("１２号")
    ('12a', '12', '12')
    """
    return _NUMBER_WORDS.sub("", plain_name(value)).replace(" ", "")
