"""The planner's questions over HTTP beside the app, so that no answer waits for a websocket."""

import json
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dashboards.errors import DashboardError
from dashboards.exploring.attributes import describe_columns
from dashboards.exploring.measuring import measure
from dashboards.exploring.questions import Drawing, Question
from dashboards.exploring.search import LONGEST_QUERY, SearchIndex
from dashboards.exploring.selecting import Selector
from dashboards.exploring.summaries import summarise, to_geojson, to_records
from dashboards.frames import FrameSource
from twin.errors import TwinError

T = TypeVar("T")

MOST_DRAWN = 16_000
_MOST_RECORDS = 200
_CACHE = {"Cache-Control": "public, max-age=3600"}  # The snapshot is part of the address.


class Asked(BaseModel):
    """A question, and which part of the table is wanted.

    Parameters
    ----------
    question : Question
        Which features.
    columns : tuple of str, optional
        Attributes of the table; all if left out.
    first, most : int, optional
        Rows of the table.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    question: Question
    columns: Annotated[tuple[str, ...], Field(max_length=60)] = ()
    first: Annotated[int, Field(ge=0)] = 0
    most: Annotated[int, Field(ge=0, le=_MOST_RECORDS)] = 50


def to_router(source: FrameSource, *, snapshot: str) -> APIRouter:
    """Make the routes that answer a planner's questions about one city.

    Parameters
    ----------
    source : FrameSource
        Frames of the city.
    snapshot : str
        First part of the address below the root.

    Returns
    -------
    fastapi.APIRouter
        ``search``, ``columns``, ``ask``, ``found.geojson`` and ``measure`` under the snapshot.
    """
    router = APIRouter(prefix=f"/{snapshot}")
    index, selector = SearchIndex(source.readings), Selector(source)

    @router.get("/search")
    def search(q: Annotated[str, Query(max_length=LONGEST_QUERY)] = "") -> Response:
        return to_json([hit.to_json() for hit in answered(lambda: index.find(q))])

    @router.get("/columns")
    def columns(q: str) -> Response:
        return to_json(answered(lambda: describe_columns(selector.table(read_question(q)))), cached=True)

    @router.post("/ask")
    def ask(asked: Asked) -> Response:
        def answer() -> dict[str, Any]:
            selection = selector.select(asked.question)
            records = to_records(selection, columns=asked.columns, first=asked.first, most=asked.most)
            return {"summary": summarise(selection), "records": records}

        return to_json(answered(answer))

    @router.get("/found.geojson")
    def found(q: str) -> Response:
        return to_json(answered(lambda: to_geojson(selector.select(read_question(q)), most=MOST_DRAWN)), cached=True)

    @router.post("/measure")
    def measured(drawing: Drawing) -> Response:
        return to_json(vars(measure(drawing)))

    return router


def read_question(text: str) -> Question:
    """Read a question from an address.

    Parameters
    ----------
    text : str
        JSON.

    Returns
    -------
    Question
        Checked.

    Raises
    ------
    HTTPException
        400 if it is none.
    """
    try:
        return Question.model_validate_json(text)
    except ValidationError as error:
        raise HTTPException(status_code=400, detail=str(error)[:500]) from None


def answered(answer: Callable[[], T]) -> T:
    """Answer, or say what was wrong with the question.

    Parameters
    ----------
    answer : callable
        Makes the answer.

    Returns
    -------
    object
        What it made.

    Raises
    ------
    HTTPException
        400 with the reason, where the city does not have what was asked for.
    """
    try:
        return answer()
    except (DashboardError, TwinError) as error:
        raise HTTPException(status_code=400, detail=str(error)[:500]) from error


def to_json(answer: Any, *, cached: bool = False) -> Response:  # noqa: ANN401 - any JSON
    """Write an answer, numbers that are not finite as null.

    Parameters
    ----------
    answer : object
        Plain JSON values.
    cached : bool, optional
        Whether browsers may keep it.

    Returns
    -------
    fastapi.responses.Response
        JSON.
    """
    body = json.dumps(_finite(answer), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Response(body, media_type="application/json", headers=_CACHE if cached else {"Cache-Control": "no-store"})


def _finite(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None  # noqa: PLR0124 - NaN
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return value
