"""What the engine says in English, in the visitor's language: reasons by their code, sentences by their form."""

import html
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_WRITTEN = re.compile(r"(<(?:text|tspan|title)\b[^>]*>)([^<]+)")
_PLACE = re.compile(r"\{(\w+)\}")
_SPOKEN = "en"  # By the engine.
_NUMBERS = frozenset({"share", "count", "metres", "number"})  # Places that hold no space.
_SHARE = r">?[\d.]+ ?%"
_COMMA = "\N{IDEOGRAPHIC COMMA}"
_APART = "; "  # Between sentences: only a place for sentences may hold it.


@dataclass(frozen=True)
class Said:
    """A sentence of the engine for a visitor.

    Parameters
    ----------
    text : str
        In the visitor's language if there is a translation, else as the engine wrote it.
    language : str
        Of the text.
    """

    text: str
    language: str

    def to_json(self) -> dict[str, str]:
        """Give it as plain JSON values.

        Returns
        -------
        dict
            ``text`` and ``lang``.
        """
        return {"text": self.text, "lang": self.language}


@cache
def reasons() -> Mapping[str, Mapping[str, str]]:
    """Give what every reason code means.

    Returns
    -------
    Mapping
        Text by language, by code.
    """
    table: dict[str, dict[str, str]] = tomllib.loads(_read("reasons.toml"))
    return table


@cache
def sentences(language: str) -> tuple[tuple[str, str], ...]:
    """Give the forms of the engine's sentences in a language.

    Parameters
    ----------
    language : str
        Language wanted.

    Returns
    -------
    tuple of (str, str)
        As the engine writes it and in that language, values as ``{places}``; of two that hold, the first counts.
    """
    table: list[list[str]] = tomllib.loads(_read("sentences.toml")).get(language, [])
    return tuple((english, told) for english, told in table)


def reason_of(code: str, language: str) -> str:
    """Say what a reason code means.

    Parameters
    ----------
    code : str
        As it stands in a ledger.
    language : str
        Language wanted.

    Returns
    -------
    str
        The text; the code itself where it is not known, so that nobody takes it for explained.

    Examples
    --------
    >>> reason_of("sentinel", "zh"), reason_of("of_another_day", "zh")
    ('以特殊数值表示缺失', 'of_another_day')
    """
    return reasons().get(code, {}).get(language, code)


def said_in(text: str, language: str) -> Said:
    """Say a sentence of the engine in a language.

    Parameters
    ----------
    text : str
        As the engine wrote it, or several of its sentences with "; " between them.
    language : str
        Language wanted.

    Returns
    -------
    Said
        In that language; as it came, and marked as English, where a part of it has no translation.

    Examples
    --------
    >>> said_in("readings are instants", "zh")
    Said(text='读数为瞬时值', language='zh')
    >>> said_in("the moon is in the way", "zh")
    Said(text='the moon is in the way', language='en')
    """
    found = None if language == _SPOKEN else _translated(text, language)
    return Said(text, _SPOKEN) if found is None else Said(found, language)


def picture_in(svg: str, language: str) -> str:
    """Say the texts of a picture of the engine in a language.

    Parameters
    ----------
    svg : str
        As the engine drew it.
    language : str
        Language wanted.

    Returns
    -------
    str
        The picture, its texts in that language where they have a translation.

    Examples
    --------
    >>> picture_in('<svg><text x="1">positions</text></svg>', "zh")
    '<svg><text x="1">位置</text></svg>'
    """
    if language == _SPOKEN:
        return svg

    def said(match: re.Match[str]) -> str:
        text = html.unescape(match[2])
        return match[1] + html.escape(said_in(text.strip(), language).text) + text[len(text.rstrip()) :]

    return _WRITTEN.sub(said, svg)


@cache
def _forms(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(_to_pattern(english), re.DOTALL), told) for english, told in sentences(language))


def _to_pattern(english: str) -> str:
    parts = _PLACE.split(english)
    return "".join(_to_group(part) if at % 2 else re.escape(part) for at, part in enumerate(parts))


def _to_group(name: str) -> str:
    if name.startswith(("said", "lines")):
        return f"(?P<{name}>.+?)"
    if name == "probability":
        return f"(?P<{name}>{_SHARE})"
    return f"(?P<{name}>\\S+)" if name in _NUMBERS else f"(?P<{name}>(?:(?!{_APART}).)+?)"


def _translated(text: str, language: str) -> str | None:
    for pattern, told in _forms(language):
        match = pattern.fullmatch(text)
        if match is None:
            continue
        values = {name: _value(name, value, language) for name, value in match.groupdict().items()}
        known = {name: value for name, value in values.items() if value is not None}
        if len(known) == len(values):
            return _filled(told, known)
    return _listed(text, _APART, language) if _APART in text else None


def _filled(told: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: values[place[1]], told)  # What else stands in braces is meant so.


def _value(name: str, value: str, language: str) -> str | None:
    if name.startswith("said_each"):
        return _listed(value, ", ", language)
    if name.startswith("lines"):
        return _listed(value, _APART, language)
    if name == "reason":
        return reason_of(value, language)
    if name == "names":
        return _COMMA.join(_translated(part, language) or part for part in value.split(" and "))
    if name.startswith("said_lines"):
        return _listed(value, _APART, language) or value
    # What is no word of the table is a name.
    return (_translated(value, language) or value) if name.startswith("said") else value


def _listed(text: str, mark: str, language: str) -> str | None:
    parts = [_translated(part, language) for part in text.split(mark)]
    known = [part for part in parts if part is not None]
    return "\N{FULLWIDTH SEMICOLON}".join(known) if len(known) == len(parts) else None


def _read(name: str) -> str:
    return (files("dashboards.i18n") / name).read_text(encoding="utf-8")
