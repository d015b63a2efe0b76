"""Judge one file on its own, without a city: what ``twin detect`` does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import crs
import layers
from twin.errors import TwinError
from twin.steps.mixed import labels_of

if TYPE_CHECKING:
    from pathlib import Path

    Answer = crs.Verdict | crs.Mixture


class DetectError(TwinError):
    """A file cannot be judged as asked."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of a file, as texts of a command line.

    Parameters
    ----------
    file : Path
        Whose positions are not known.
    columns : str or None
        Two columns, with a comma between them; None for geometries.
    reference : Path or None
        File of the same kind of entity whose positions are right.
    reference_position : str or None
        Its definition where it does not say it.
    reference_columns : str or None
        Its two columns if it is a table, in the order of that definition.
    area : str or None
        West, south, east, north in degrees, with commas between them.
    groups : str or None
        Column whose values may each have a definition of their own.
    candidates : tuple of str
        Definitions to try beside those that hold in the area.
    confidence : float
        Probability that a claim takes.
    encoding, delimiter : str
        Of text tables.
    """

    file: Path
    columns: str | None = None
    reference: Path | None = None
    reference_position: str | None = None
    reference_columns: str | None = None
    area: str | None = None
    groups: str | None = None
    candidates: tuple[str, ...] = ()
    confidence: float = 0.99
    encoding: str = "utf-8"
    delimiter: str = ","


def judge_file(question: Question) -> Answer:
    """Judge a file.

    Parameters
    ----------
    question : Question
        What is asked.

    Returns
    -------
    crs.Verdict or crs.Mixture
        What was found.

    Raises
    ------
    DetectError
        If the question lacks something.
    LayerError, CrsError
        If a file cannot be read or used.
    """
    if not question.file.is_file():
        raise DetectError(f"{question.file}: no such file")
    if question.reference is None and question.area is None:
        raise DetectError(
            "nothing to judge by: give --reference with a file of the same kind of entity whose positions are right, "
            "or at least --area W,S,E,N in degrees"
        )
    area = None if question.area is None else _area(question.area)
    reference = None if question.reference is None else _reference(question, question.reference)
    subject, tried = _subject(question), question.candidates or None
    if question.groups is None:
        return crs.detect(subject, reference=reference, area=area, candidates=tried, confidence=question.confidence)
    if reference is None:
        raise DetectError("--groups needs --reference: an area alone tells no two definitions apart")
    labels = labels_of(subject, question.groups)
    return crs.detect_groups(
        subject, labels, reference=reference, area=area, candidates=tried, confidence=question.confidence
    )


def _area(text: str) -> tuple[float, float, float, float]:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        west = south = east = north = float("nan")
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise DetectError(
            f"--area {text!r} is no box: write west,south,east,north in degrees, such as 113.7,22.4,114.7,22.9"
        )
    return west, south, east, north


def _reference(question: Question, path: Path) -> layers.Layer:
    said, columns = question.reference_position, _columns(question.reference_columns)
    position = {"definition": said, "columns": columns} if said is not None and columns else said
    try:
        layer = layers.read(path, position=position, options=_options(question))
    except (layers.PositionMissingError, layers.SchemaError) as error:
        found = str(error).split(" Write position")[0]
        raise DetectError(f"{found} Give --reference-position, and --reference-columns of a table") from None
    if isinstance(layer, layers.RasterLayer):
        raise DetectError(f"{path.name} is a raster: give streets, stations, buildings")
    placed = crs.harmonise(layer)
    if not len(placed):
        raise DetectError(f"{path.name}: none of its records can be placed, {placed.ledger!r}")
    return placed


def _columns(text: str | None) -> tuple[str, ...]:
    columns = () if text is None else tuple(part.strip() for part in text.split(","))
    if len(columns) not in {0, 2}:
        raise DetectError(f"columns {text!r}: write the names of two columns, such as --columns x,y")
    return columns


def _options(question: Question) -> layers.ReadOptions:
    return layers.ReadOptions(encoding=question.encoding, delimiter=question.delimiter)


def _subject(question: Question) -> layers.Layer:
    columns = _columns(question.columns)
    try:
        layer = layers.read(question.file, position=layers.undeclared(columns), options=_options(question))
    except layers.SchemaError as error:
        if columns:
            raise
        found = str(error).split(" Write position")[0]
        raise DetectError(f"{found} Give two of them, in either order, such as --columns x,y") from None
    if isinstance(layer, layers.RasterLayer):
        raise DetectError(f"{question.file.name} is a raster: its position cannot be judged by evidence")
    return layer


def status_of(answer: Answer) -> Literal["named", "ambiguous", "unknown"]:
    """Return how an answer ends.

    Parameters
    ----------
    answer : crs.Verdict or crs.Mixture
        What was found.

    Returns
    -------
    str
        "named", "ambiguous" or "unknown"; of a mixture "named" only if no record is left open.
    """
    if isinstance(answer, crs.Verdict):
        return answer.status
    if not answer.components:
        return "unknown"
    return "ambiguous" if answer.share_ambiguous else "named"


def write_picture(answer: Answer, path: Path) -> None:
    """Draw an answer into a file.

    Parameters
    ----------
    answer : crs.Verdict or crs.Mixture
        What was found.
    path : Path
        Ends in ``.svg``.

    Raises
    ------
    DetectError
        If the file cannot be written.
    """
    if not isinstance(answer, crs.Verdict):
        raise DetectError("--picture shows one verdict: leave --groups out, or draw the groups one by one")
    if path.suffix != ".svg":
        raise DetectError(f"--picture {path.name!r}: pictures are SVG; write a name that ends in .svg")
    try:
        path.write_text(answer.picture(), encoding="utf-8")
    except OSError as error:
        raise DetectError(f"cannot write {path} ({error.strerror}): give another --picture") from None
