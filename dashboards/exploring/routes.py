"""The planner's questions over HTTP beside the app, so that no answer waits for a websocket."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from dashboards.exploring.answers import answered, read_question, to_json
from dashboards.exploring.attributes import describe_columns
from dashboards.exploring.measuring import measure
from dashboards.exploring.questions import Drawing, Question
from dashboards.exploring.search import LONGEST_QUERY, SearchIndex
from dashboards.exploring.selecting import Selector
from dashboards.exploring.studies import study_router
from dashboards.exploring.summaries import summarise, to_geojson, to_records
from dashboards.frames import FrameSource

MOST_DRAWN = 16_000
_MOST_RECORDS = 200


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
        ``search``, ``columns``, ``ask``, ``found.geojson``, ``measure`` and those of `study_router`.
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

    router.include_router(study_router(source, selector))
    return router
