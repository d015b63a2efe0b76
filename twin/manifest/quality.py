"""The words of ``city.yaml`` for quality: what may be repaired, what is measured, and what is red, yellow or green."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from twin.manifest.words import Duration, LocalTime, Strict, Texts, remedy

MEASURES = ("completeness", "validity", "uniqueness", "consistency", "timeliness")
GREEN, YELLOW = 0.95, 0.80
"""Share of what was asked from which a measure is green, and yellow, where the manifest says nothing."""


class ThresholdSpec(Strict):
    """From which share on a measure is green, and yellow; below it is red."""

    green: float = Field(GREEN, ge=0, le=1)
    yellow: float = Field(YELLOW, ge=0, le=1)

    @model_validator(mode="after")
    def _in_order(self) -> ThresholdSpec:
        if self.yellow > self.green:
            raise remedy("write a yellow that is not above green, such as {green: 0.95, yellow: 0.8}")
        return self


class ThresholdsSpec(Strict):
    """Thresholds of the five measures; those of a dataset come before those of the city."""

    completeness: ThresholdSpec | None = None
    validity: ThresholdSpec | None = None
    uniqueness: ThresholdSpec | None = None
    consistency: ThresholdSpec | None = None
    timeliness: ThresholdSpec | None = None


class QualitySpec(ThresholdsSpec):
    """How the quality of a dataset is judged."""

    interval: Duration | None = Field(None, description="how often a new record is due; default: time.period")
    as_of: LocalTime | None = Field(
        None, description="local time at which age is counted; default: the end of the clock"
    )


class _ColumnRepair(Strict):
    column: str


class DeduplicateSpec(Strict):
    """Records that say what a record before them says."""

    key: Texts = Field((), description="columns that name one thing at one time; default: all columns")
    tolerance: float = Field(0.0, ge=0, description="by how much numbers of one key may differ")


class RescaleSpec(Strict):
    """A number, or the positions where no column is named, in another unit or of the other sign."""

    column: str | None = Field(None, description="which; left out: the positions")
    between: tuple[float, float] | None = Field(None, description="lowest and highest value, or ratio to `related`")
    related: str | None = Field(None, description="column that the value goes with, such as levels for a height")
    by: Texts = Field((), description="columns that make groups of nearly one value, such as a station")

    @model_validator(mode="after")
    def _can_tell(self) -> RescaleSpec:
        if self.related is not None and self.between is None:
            raise remedy("write between: [lowest, highest] too: the ratios to `related` that can be true")
        if self.between is not None and self.between[0] > self.between[1]:
            raise remedy("write between: [lowest, highest]")
        if self.column is None and (self.between is not None or self.related is not None or self.by):
            raise remedy("write column: … too; positions are held against the area of the city")
        return self


class FeetSpec(RescaleSpec):
    """Feet where metres are meant."""

    foot: Literal["international", "us_survey"] = "international"


class RespellSpec(_ColumnRepair):
    """A word that is nearly one of the ``allowed`` of its field."""


class WithholdSpec(_ColumnRepair):
    """An impossible value is emptied, and the record stays."""

    between: tuple[float, float] | None = Field(None, description="lowest and highest value; default: of the field")


class SwapAxesSpec(Strict):
    """Positions with x and y exchanged, record by record."""


def _one_word(value: object) -> object:
    """Take ``swap_axes`` and ``{swap_axes: null}`` as ``{swap_axes: {}}``."""
    if isinstance(value, str):
        return {value: {}}
    if isinstance(value, Mapping):
        return {key: {} if inner is None else inner for key, inner in value.items()}
    return value


class _RepairSpec(Strict):
    """One rule of repair: a mapping of one key."""

    deduplicate: DeduplicateSpec | None = None
    feet_to_metres: FeetSpec | None = None
    flip_sign: RescaleSpec | None = None
    respell: RespellSpec | None = None
    swap_axes: SwapAxesSpec | None = None
    withhold: WithholdSpec | None = None

    @model_validator(mode="after")
    def _is_one(self) -> _RepairSpec:
        if len(self.model_fields_set) != 1:
            raise remedy("write one rule an entry, such as - deduplicate: {key: [station, time]}")
        return self

    @property
    def rule(self) -> str:
        """Which rule it is."""
        return next(iter(self.model_fields_set))

    def told(self) -> dict[str, Any]:
        """Return what it says, in the words of `layers.Repair`.

        Returns
        -------
        dict
            Keywords.
        """
        inner: Strict = getattr(self, self.rule)
        return {"rule": self.rule, **inner.model_dump()}


RepairSpec = Annotated[_RepairSpec, BeforeValidator(_one_word)]
