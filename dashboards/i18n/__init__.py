"""Texts in every language: one TOML catalogue a language, the same keys in each (a test holds them equal)."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from dashboards.errors import LanguageMissingError

_MODELLED = re.compile("\\s*[(\N{FULLWIDTH LEFT PARENTHESIS}](modelled|模拟)[)\N{FULLWIDTH RIGHT PARENTHESIS}]$")
_DASH = "\N{EN DASH}"
_UNITS = {"ug/m3": "µg/m³", "mg/m3": "mg/m³", "m3": "m³", "m2": "m²", "degree": "°", "1": ""}


@cache
def texts(language: str) -> Mapping[str, str]:
    """Give the catalogue of a language.

    Parameters
    ----------
    language : str
        Code of the language, such as ``"en"`` or ``"zh"``.

    Returns
    -------
    Mapping of str to str
        Text by key.

    Raises
    ------
    LanguageMissingError
        If there is no catalogue of that language.

    Examples
    --------
    >>> texts("zh")["layers"]
    '图层'
    """
    catalogue = files(__name__) / f"{language}.toml"
    if not catalogue.is_file():
        raise LanguageMissingError(f"no catalogue for language {language!r}: write dashboards/i18n/{language}.toml")
    return MappingProxyType(tomllib.loads(catalogue.read_text(encoding="utf-8")))


def title_of(titles: Mapping[str, str] | str | None, language: str, fallback: str) -> str:
    """Pick the title in a language, else in English, else the bare name.

    Parameters
    ----------
    titles : Mapping or str or None
        Title by language code as written in ``city.yaml``.
    language : str
        Language wanted.
    fallback : str
        Name used where nothing else is written.

    Returns
    -------
    str
        The title.

    Examples
    --------
    >>> title_of({"en": "Streets"}, "zh", "streets_2026")
    'Streets'
    """
    if isinstance(titles, str):
        return titles
    return (titles or {}).get(language) or (titles or {}).get("en") or fallback.replace("_", " ")


def plain_title(title: str) -> str:
    """Take "(modelled)" off a title, where a mark beside it says so anyway.

    Parameters
    ----------
    title : str
        Title as written in ``city.yaml``.

    Returns
    -------
    str
        The title without it.

    Examples
    --------
    >>> plain_title("NO₂ (modelled)")
    'NO₂'
    """
    return _MODELLED.sub("", title)


def unit_of(unit: str | None) -> str:
    """Write a unit as people do.

    Parameters
    ----------
    unit : str or None
        Unit as stored, such as ``"ug/m3"``; ``"1"`` is a bare ratio.

    Returns
    -------
    str
        Unit for display, empty for a ratio.
    """
    return _UNITS.get(unit or "", unit or "")


def number(value: float) -> str:
    """Write a value with the digits that a reader needs.

    Parameters
    ----------
    value : float
        Any number; NaN becomes a dash.

    Returns
    -------
    str
        At most three significant digits below a hundred, thousands grouped above.

    Examples
    --------
    >>> number(41.26), number(0.7312), number(114421)
    ('41.3', '0.731', '114,421')
    """
    if value != value:  # noqa: PLR0124 - the one test of NaN that needs no import
        return _DASH
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
