"""Answers over HTTP: questions read and checked, refusals told with their reason, numbers that JSON can hold."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import HTTPException
from fastapi.responses import Response
from pydantic import ValidationError

from dashboards.errors import DashboardError
from dashboards.exploring.questions import Question
from dashboards.i18n import texts
from dashboards.i18n.engine import said_in
from dashboards.links import LANGUAGES
from twin.errors import TwinError

T = TypeVar("T")

_CACHE = {"Cache-Control": "public, max-age=3600"}  # The snapshot is part of the address.


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
        raise HTTPException(status_code=400, detail=refusal(str(error)[:500])) from None


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
        raise HTTPException(status_code=400, detail=refusal(str(error)[:500])) from error


def refusal(text: str) -> dict[str, str]:
    """Say in every language why a question is refused: the route does not know which one the visitor reads.

    Parameters
    ----------
    text : str
        As the city says it, in English.

    Returns
    -------
    dict of str to str
        Text by language; where there is no translation, that it is refused, with the English words behind.
    """
    found = {language: said_in(text, language) for language in LANGUAGES}
    return {
        language: said.text if said.language == language else f"{texts(language)['question_refused']} ({said.text})"
        for language, said in found.items()
    }


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
