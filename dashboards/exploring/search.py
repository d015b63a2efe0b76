"""Search by street, address, id, keyword and coordinate; the index is made once a snapshot and asked by everybody."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from rapidfuzz import fuzz, process

from dashboards.exploring.places import Place, read_places
from twin.tiles.attributes import names_of

if TYPE_CHECKING:
    import geopandas as gpd

    from twin.tiles.readings import Readings

MOST_HITS = 12
LONGEST_QUERY = 200

_ID_COLUMN = re.compile(r"(^|_)(id|ref|code|key|bin|bbl|uuid|number)$", re.IGNORECASE)
_ADDRESS_COLUMN = re.compile(r"addr|housenumber|house_number|postcode|postal", re.IGNORECASE)
_COORDINATE_COLUMN = re.compile(r"(^|_)(lat|lon|lng|latitude|longitude|x|y|ns|ew)(_|$)", re.IGNORECASE)
_RECORD = re.compile(r"(?:(?P<layer>[\w-]+)\s*)?#\s*(?P<row>\d{1,12})")
_MOST_CLASSES = 64
_MOST_ROWS = 2_000
_LEAST_LIKENESS = 80.0
_LEAST_LENGTH = 0.5  # A text far shorter than what is wanted resembles anything.
_RECORD_SCORE = 99.0
_PREFIX, _INSIDE, _WORD = 96.0, 90.0, 93.0
_KINDS = ("place", "record", "id", "name", "address", "keyword")


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One thing that was found.

    Parameters
    ----------
    kind : {"place", "record", "id", "name", "address", "keyword"}
        What of it fits the text.
    layer : str
        Layer it belongs to; empty for a coordinate.
    rows : tuple of int
        Positions of its features in the table of the layer.
    title : str
        As people know it.
    detail : str
        Column that fits, or how a coordinate was read.
    bounds : tuple of float
        min_lon, min_lat, max_lon, max_lat in degrees.
    score : float
        Likeness, 0 to 100.
    """

    kind: str
    layer: str
    rows: tuple[int, ...]
    title: str
    detail: str
    bounds: tuple[float, float, float, float]
    score: float

    def to_json(self) -> dict[str, Any]:
        """Return it in JSON types.

        Returns
        -------
        dict
            By field, with ``lon_deg`` and ``lat_deg`` of the middle.
        """
        west, south, east, north = self.bounds
        middle = {"lon_deg": round((west + east) / 2, 7), "lat_deg": round((south + north) / 2, 7)}
        return {**vars(self), "rows": list(self.rows), "bounds": [round(side, 7) for side in self.bounds], **middle}


@dataclass(frozen=True, kw_only=True)
class _Texts:
    """Distinct texts of one column of one layer, folded, and the features that carry each."""

    layer: str
    kind: str
    column: str
    folded: tuple[str, ...]
    shown: tuple[str, ...]
    rows: tuple["np.ndarray[Any, np.dtype[np.int64]]", ...]


def fold(text: str) -> str:
    """Write a text so that accents, case, width and signs no longer matter; Chinese stays.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        Words with single blanks between them.

    Examples
    --------
    >>> fold("Boulevard  d'Italie"), fold("Église Sainte-Dévote"), fold("深南大道１０号")
    ('boulevard d italie', 'eglise sainte devote', '深南大道10号')
    """
    taken_apart = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(letter for letter in taken_apart if not unicodedata.combining(letter))
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", letters.casefold())))


class SearchIndex:
    """What of a city can be found by text.

    Parameters
    ----------
    readings : Readings
        The city as views read it.
    """

    def __init__(self, readings: "Readings") -> None:
        self.readings, self.city = readings, readings.city

    def find(self, text: str, *, most: int = MOST_HITS) -> list[Hit]:
        """Find what fits a text.

        Parameters
        ----------
        text : str
            A name, an address, an id, a keyword, ``layer #record``, or a coordinate.
        most : int, optional
            How many hits are given.

        Returns
        -------
        list of Hit
            The likest first; misspelt names are found too.
        """
        text = text[:LONGEST_QUERY].strip()
        if not text:
            return []
        hits = [*self._places(text), *self._records(text)]
        wanted = fold(text)
        if wanted and not hits:
            hits.extend(hit for words in self._texts for hit in self._within(words, wanted, most))
        hits.sort(key=lambda hit: (-hit.score, _KINDS.index(hit.kind), len(hit.title)))
        return hits[:most]

    @cached_property
    def _texts(self) -> tuple[_Texts, ...]:
        return tuple(words for name in self._layers for words in _columns(name, self.readings.table(name)))

    @cached_property
    def _layers(self) -> tuple[str, ...]:
        return tuple(name for name, info in self.city.layers.items() if info.features and self.city.has_features(name))

    def _places(self, text: str) -> Iterator[Hit]:
        hints = [str(info.position) for info in self.city.layers.values()]
        for place in read_places(text, area=self.city.area, hints=hints):
            yield Hit(
                kind="place",
                layer="",
                rows=(),
                title=f"{place.lat_deg:.6f}, {place.lon_deg:.6f}",
                detail=place.definition,
                bounds=_bounds_of(place),
                score=100.0 if place.inside else 99.0,
            )

    def _records(self, text: str) -> Iterator[Hit]:
        match = _RECORD.fullmatch(text)
        if match is None:
            return
        for name in self._layers:
            if match["layer"] in {None, name}:
                index = self.readings.table(name).index
                found = np.flatnonzero(index.to_numpy() == int(match["row"]))
                if len(found):
                    title = f"{name} #{match['row']}"
                    record = _Texts(
                        layer=name, kind="record", column="row", folded=(title,), shown=(title,), rows=(found[:1],)
                    )
                    yield self._hit(record, 0, _RECORD_SCORE)

    def _within(self, words: _Texts, wanted: str, most: int) -> Iterator[Hit]:
        """Find texts that begin with, contain or resemble what is wanted."""
        scores: dict[int, float] = {}
        for place, text in enumerate(words.folded):
            if wanted in text:
                scores[place] = _how_well(wanted, text)
        if words.kind != "id" and len(scores) < most:
            for _, score, place in process.extract(
                wanted, words.folded, scorer=fuzz.WRatio, limit=most, score_cutoff=_LEAST_LIKENESS
            ):
                if len(words.folded[place]) >= _LEAST_LENGTH * len(wanted):
                    scores.setdefault(place, float(score) * _INSIDE / 100.0)
        best = sorted(scores, key=lambda place: (-scores[place], len(words.folded[place])))[:most]
        for place in best:
            yield self._hit(words, place, scores[place])

    def _hit(self, words: _Texts, place: int, score: float) -> Hit:
        rows = words.rows[place]
        shapes = self.readings.table(words.layer).geometry.to_numpy()[rows]
        west, south, east, north = (float(side) for side in shapely.total_bounds(shapes))
        return Hit(
            kind=words.kind,
            layer=words.layer,
            rows=tuple(rows[:_MOST_ROWS].tolist()),
            title=words.shown[place],
            detail=words.column,
            bounds=(west, south, east, north),
            score=round(score, 1),
        )


def _how_well(wanted: str, text: str) -> float:
    if wanted == text:
        return 100.0
    if text.startswith(wanted):
        return _PREFIX
    return _WORD if f" {wanted}" in text else _INSIDE


def _columns(name: str, table: "gpd.GeoDataFrame") -> Iterator[_Texts]:
    """Give the columns of a layer that one may look for: names, addresses, ids and words of few kinds."""
    named = pd.Series(names_of(table), dtype=object)
    yield from _grouped(name, "name", "name", named)
    plain = pd.DataFrame(table.drop(columns=table.geometry.name))
    address = [str(column) for column in plain.columns if _ADDRESS_COLUMN.search(str(column))]
    if address:
        parts = plain[address].astype(object).where(plain[address].notna(), "").astype(str)
        yield from _grouped(name, "address", ", ".join(address), parts.agg(" ".join, axis=1))
    for column in plain.columns:
        values = plain[column]
        if str(column) in address or not _is_text(values) or _COORDINATE_COLUMN.search(str(column)):
            continue
        if _ID_COLUMN.search(str(column)):
            yield from _grouped(name, "id", str(column), values)
        elif values.nunique() <= _MOST_CLASSES and not _written(values).equals(_written(named)):
            yield from _grouped(name, "keyword", str(column), values)


def _is_text(values: "pd.Series[Any]") -> bool:
    return isinstance(values.dtype, pd.CategoricalDtype) or pd.api.types.is_string_dtype(values.dtype)


def _grouped(layer: str, kind: str, column: str, values: "pd.Series[Any]") -> Iterator[_Texts]:
    """Bring equal texts together: a street of many pieces is one thing to find."""
    written = _written(values)
    groups = written[written != ""].groupby(written, sort=True).indices
    present = written[written != ""].index.to_numpy()
    kept = [(str(text), fold(str(text)), present[np.asarray(rows)]) for text, rows in groups.items()]
    kept = [each for each in kept if each[1]]
    if kept:
        shown, folded, rows = zip(*kept, strict=True)
        yield _Texts(layer=layer, kind=kind, column=column, folded=folded, shown=shown, rows=rows)


def _written(values: "pd.Series[Any]") -> "pd.Series[str]":
    plain = values.reset_index(drop=True).astype(object)
    return plain.where(plain.notna(), "").astype(str).str.strip().astype(object)


def _bounds_of(place: Place) -> tuple[float, float, float, float]:
    if place.outline is not None:
        west, south, east, north = (float(side) for side in shapely.bounds(place.outline))
        return west, south, east, north
    return place.lon_deg, place.lat_deg, place.lon_deg, place.lat_deg
