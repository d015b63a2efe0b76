"""What the words of ``city.yaml`` have in common: strictness, remedies, durations, zones, lists of names."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo

import pandas as pd
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError


class Strict(BaseModel):
    """Base of all entries: a key that is not known is a fault, and values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def remedy(text: str) -> PydanticCustomError:
    """Say what to write, in the words that reach the user unchanged.

    Parameters
    ----------
    text : str
        The whole remedy.

    Returns
    -------
    PydanticCustomError
        To raise.
    """
    return PydanticCustomError("remedy", "{remedy}", {"remedy": text})


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _as_title(value: object) -> object:
    return {"en": value, "zh": value} if isinstance(value, str) else value


def _duration(value: object) -> str:
    try:
        step = pd.Timedelta(str(value))
    except ValueError:
        step = pd.Timedelta(0)
    if not step > pd.Timedelta(0):
        raise remedy("write a duration such as 5min, 15min or 1h")
    return str(value)


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise remedy("write an IANA time zone such as Europe/Monaco or UTC") from None
    return value


def _instant(value: object) -> str:
    try:
        local = pd.Timestamp(str(value)).tzinfo is None
    except ValueError:
        local = False
    if not local:
        raise remedy("write a local date and time such as 2026-06-16T00:00 (its zone goes into `zone`)")
    return str(value)


_ONE_OR_MORE = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
_TEXTS = {"anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}]}
_DURATION = {"type": "string", "examples": ["15min", "1h"]}

Names = Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1), WithJsonSchema(_ONE_OR_MORE)]
Title = Annotated[dict[str, str], BeforeValidator(_as_title), WithJsonSchema(_TEXTS)]
Duration = Annotated[str, BeforeValidator(_duration), WithJsonSchema(_DURATION)]
Day = Annotated[str, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date"})]
Zone = Annotated[str, AfterValidator(_zone)]
LocalTime = Annotated[str, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
Texts = Annotated[tuple[str, ...], BeforeValidator(_as_list), WithJsonSchema(_ONE_OR_MORE)]
