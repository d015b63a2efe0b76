"""The words of ``city.yaml`` as pydantic models: one source for checking, resolving and the JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema, model_validator

from twin.manifest.corrections import CorrectionSpec
from twin.manifest.quality import QualitySpec, RepairSpec, ThresholdsSpec
from twin.manifest.tour import MOST_STOPS, StopSpec
from twin.manifest.words import Day, Duration, LocalTime, Names, Strict, Texts, Title, Zone, remedy

Level = Literal["public", "internal", "sensitive", "core"]
Domain = Literal["transport", "environment", "cim", "society", "zones"]
Kind = Literal["extensive", "intensive", "categorical"]
FieldKind = Literal["number", "integer", "text", "category", "boolean"]

DAY = pd.Timedelta(days=1)
DETECT, _SAID = "detect", "said"


_POSITION = {"anyOf": [{"type": "string"}, {"type": "object"}]}
_SAID_POSITION = {"anyOf": [{"type": "string"}, {"type": "object", "not": {"required": ["detect"]}}]}
# What a position may say is the business of `crs`; `manifest` asks it and reports its answer with the line.
Said = Annotated[Any, WithJsonSchema(_POSITION)]
Place = Annotated[str, BeforeValidator(lambda value: getattr(value, "isoformat", lambda: str(value))())]
Rows = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...],
    BeforeValidator(lambda value: [value] if isinstance(value, int) else value),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "array", "items": {"type": "integer"}}]}),
]


def _or_one_text(schema: dict[str, Any]) -> None:
    """Let the JSON Schema of an entry allow its short form."""
    whole = dict(schema)
    schema.clear()
    schema["anyOf"] = [{"type": "string"}, whole]


class DetectSpec(Strict):
    """How a definition that nobody knows is looked for."""

    reference: str | None = Field(None, description="dataset of the same kind of entity whose positions are right")
    columns: Texts = ()
    confidence: float = Field(0.99, ge=0.5, lt=1, description="probability below which the layer is set aside whole")
    candidates: tuple[Said, ...] = Field((), description="definitions to choose from; default: all that hold here")
    groups: str | None = Field(None, description="column whose values may each have a definition of their own")
    sigma_m: float = Field(0.0, ge=0, description="stated accuracy of the source, metres per axis")

    @model_validator(mode="after")
    def _two_columns(self) -> DetectSpec:
        if len(self.columns) not in {0, 2}:
            raise remedy("write the two columns that hold the numbers, in either order, such as columns: [x, y]")
        return self


class DetectPosition(Strict):
    """A position whose definition is to be found: ``detect``, or ``{detect: {reference: streets, …}}``."""

    detect: DetectSpec = Field(default_factory=lambda: DetectSpec.model_validate({}))

    @model_validator(mode="before")
    @classmethod
    def _in_one_word(cls, value: object) -> object:
        if value == DETECT:
            return {}
        return {} if value == {DETECT: None} else value


class EvidenceSpec(Strict):
    """Which dataset shows whether the declared position is right."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=_or_one_text)

    reference: str = Field(description="dataset of the same kind of entity whose positions are right")
    confidence: float = Field(0.99, ge=0.5, lt=1, description="probability from which a contradiction stops the build")

    @model_validator(mode="before")
    @classmethod
    def _in_one_word(cls, value: object) -> object:
        return {"reference": value} if isinstance(value, str) else value


class ProfileSpec(Strict):
    """What the standards say that a city follows, once for all datasets that do not say otherwise."""

    cites: Texts = Field((), description="the texts that this profile repeats: standard, edition, clause")
    definition: Said = Field(None, description="what positions mean where neither dataset nor file says it")
    notation: str | None = None
    axes: str | None = None
    unit: str | None = None
    sigma_m: float | None = Field(None, ge=0, description="accuracy, metres per axis; goes with the definition")
    vertical: Said = Field(None, description="height system, of every position that says none")
    epoch: float | None = Field(None, description="year with decimals, of every position that says none")


def _way_of(value: object) -> str:
    told = isinstance(value, Mapping) and "detect" in value
    return DETECT if told or value == DETECT or isinstance(value, DetectPosition) else _SAID


Position = Annotated[
    Annotated[DetectPosition, Tag(DETECT)] | Annotated[Said, WithJsonSchema(_SAID_POSITION), Tag(_SAID)],
    Discriminator(_way_of),
]


class ClockSpec(Strict):
    """The city's time axis: a calendar period, or one typical day."""

    start: LocalTime | None = Field(None, description="first local time, such as 2026-06-16T00:00")
    end: LocalTime | None = Field(None, description="local time after the last step")
    step: Duration = Field(description="length of one step, such as 15min")
    zone: Zone = Field(description="IANA time zone of the city")
    typical_day: bool = Field(default=False, description="fold all days of every source onto one local day")

    @model_validator(mode="after")
    def _whole(self) -> ClockSpec:
        step = pd.Timedelta(self.step)
        if self.typical_day:
            if self.start is not None or self.end is not None:
                raise remedy("a typical day has no start and end: remove them, or remove typical_day")
            if DAY % step != pd.Timedelta(0):
                raise remedy(f"a step of {self.step} does not divide a day: write one that does, such as 15min or 1h")
            return self
        if self.start is None or self.end is None:
            raise remedy("write both start and end, or typical_day: true")
        span = pd.Timestamp(self.end) - pd.Timestamp(self.start)
        if not span > pd.Timedelta(0):
            raise remedy(f"end {self.end} is not after start {self.start}: write a later end")
        return self


class GasSpec(Strict):
    """What turns parts of air into mass in a volume of it."""

    molar_mass: float = Field(gt=0, description="g/mol")
    temperature_c: float = Field(gt=-273.15, description="that the concentration refers to: 20 in the EU, 25 in China")
    pressure_hpa: float = Field(gt=0, description="that it refers to, mostly 1013.25")


class FlagsSpec(Strict):
    """Which records of a column its publisher vouches for; the others are quarantined."""

    column: str
    good: Names


class FieldSpec(Strict):
    """What is known of one column: its unit and the values that can be true."""

    unit: str = ""
    min: float | None = None
    max: float | None = None
    required: bool = False
    kind: FieldKind | None = None
    missing: Names | None = Field(None, description='texts that stand for "no value", such as "-999"')
    unique: bool = Field(default=False, description="no two records have the same value")
    pattern: str | None = Field(None, description="regular expression that the whole text matches")
    allowed: tuple[str | float, ...] = Field((), description="the values that it can have")
    references: str | None = Field(None, description="dataset.column in which the value stands")
    to: str = Field("", description="unit that the values are converted to once they are checked")
    gas: GasSpec | None = Field(None, description="what is measured, between ppb and ug/m3")
    flags: FlagsSpec | None = None


class TimeSpec(Strict):
    """Which column says when, and how."""

    column: str
    zone: Zone = "UTC"
    format: str | None = Field(None, description="strptime format, unix_s or unix_ms; ISO 8601 if left out")
    date: str | None = Field(None, description="date of a file that holds only times of day")
    ambiguous: Literal["quarantine", "first", "second"] = "quarantine"
    nonexistent: Literal["quarantine", "shift_forward"] = "quarantine"
    offset: Literal["use", "ignore"] = "use"
    end: str | None = Field(None, description="column with the end of each interval; instants, or `period`, without")
    period: Duration | None = Field(None, description="how long a reading holds from its time on; default: spacing")


class DeriveSpec(Strict):
    """A value made from another variable of the same dataset: value over the site's own quantile."""

    ratio: str = Field(description="variable or column of this dataset that is divided")
    quantile: float = Field(gt=0, lt=1, description="by this quantile of the same site's values")


class VariableSpec(Strict):
    """One quantity that the cube shall hold."""

    kind: Kind
    unit: str
    by: Literal["area", "length", "count"] | None = None
    title: Title = Field(default_factory=dict)
    column: str | None = Field(None, description="column of the file; default: the variable's own name")
    sigma: str | None = Field(None, description="column with each reading's own standard deviation, in that unit")
    same_as: str | None = Field(None, description="variable of another dataset that measures the same")
    derive: DeriveSpec | None = None
    field: Literal["kriging"] | None = Field(None, description="spread station values over the area, with variance")


class ShowSpec(Strict):
    """How the layer is drawn."""

    as_: Literal["buildings", "lines", "points", "none"] = Field("none", alias="as")
    height: str | None = Field(None, description="column with the height of a building, m")
    colour: str | None = Field(None, description="variable whose colours the layer takes at the time shown")
    roofs: bool | None = Field(None, description="near by, with the surfaces of its city model (CityJSON, CityGML)")

    @model_validator(mode="after")
    def _of_buildings(self) -> ShowSpec:
        if self.as_ != "buildings" and (self.height is not None or self.roofs is not None):
            raise remedy("height and roofs are of buildings: write as: buildings, or remove them")
        return self


class LimitsSpec(Strict):
    """What reading one file may take; the words are those of `layers.Limits`."""

    memory_mb: float = Field(768.0, gt=0, description="memory of any file, MiB")
    memory_per_byte: float = Field(32.0, ge=0, description="further bytes for every byte of the file")
    seconds: float = Field(8.0, gt=0, description="processor time of any file, s")
    seconds_per_mb: float = Field(2.0, ge=0, description="further seconds for every MiB of the file")


class WideSpec(Strict):
    """How a table with a column for each hour, lane or site becomes one with a record for each value."""

    variable: str = Field(min_length=1, description="name of the column that gets the values")
    columns: str = Field(min_length=1, description="regular expression that finds the columns, such as ^h(\\d\\d)$")
    into: str = Field("column", description="column that says which of them a value comes from: the first group")
    stamp: str | None = Field(None, description='becomes the column stamp, such as "{date} {hour}:00"')


class ValidSpec(Strict):
    """Which rows of a file that has dates hold."""

    start: str = Field("valid_from", description="column with the first day of a row; empty: always")
    end: str = Field("valid_to", description="column with its last day, counted in full; empty: still")
    on: str = Field(description="the day that is asked for: 2026-01-31")


class XmlSpec(Strict):
    """Which elements of an XML file that no reader knows are records, and which of their parts are columns."""

    records: str = Field(min_length=1, description="names without namespaces, such as siteMeasurements/measuredValue")
    fields: dict[str, str] = Field(min_length=1, description="path by column: speed, location/latitude, @id, ../@id")


class ReadSpec(Strict):
    """What a reader needs to be told about this file; the words are those of `layers.ReadOptions`."""

    layer: str | None = Field(None, description="table of a container, or variable of a NetCDF file")
    rename: dict[str, str] = Field(default_factory=dict)
    where: dict[str, Any] = Field(default_factory=dict, description="keep records whose column has this value")
    encoding: str | None = Field(None, description="of its text; UTF-8, or what a .cpg beside it says, if left out")
    delimiter: str = ","
    header: Rows = Field(
        (), description="rows (from 1) of a sheet that name its columns; the first that is filled, if left out"
    )
    geometry: str | None = Field(None, description="column of a text table that holds well-known text")
    band: int | None = None
    at: dict[str, Place] = Field(default_factory=dict, description="along further axes: {time: 2026-06-16T08:00}")
    no_data: float | None = None
    vertical: str | None = None
    tags: dict[str, Texts] = Field(default_factory=dict, description="tags that make a record of OpenStreetMap")
    day: Day | None = Field(None, description="service day of a timetable")
    wide: WideSpec | None = Field(None, description="a column for each hour, lane or site: one record for each value")
    xml: XmlSpec | None = Field(None, description="records of an XML file that no reader knows, such as DATEX II")
    valid: ValidSpec | None = Field(None, description="keep the rows that hold on a day: {on: 2026-01-31}")
    lod: str | None = None
    limits: LimitsSpec = Field(default_factory=lambda: LimitsSpec.model_validate({}))


class TruthSpec(Strict):
    """Where the records of a dataset truly are: all of them by number, or some by name (check points)."""

    path: str = Field(description="CSV or Parquet table, relative to root; true places in WGS 84")
    row: str = Field("row", description="its column with the number of the record in the dataset, from 0")
    key: str | None = Field(None, description="instead of row: column, of both, that names records (check points)")
    lon: str = Field("lon", description="its column of true longitudes, degrees")
    lat: str = Field("lat", description="its column of true latitudes, degrees")
    position: Any = Field(None, description="the true definition, where it is not the declared one")
    definitions: str | None = Field(None, description="its column with each record's own, of a file that mixes them")

    @model_validator(mode="before")
    @classmethod
    def _in_one_word(cls, value: object) -> object:
        return {"path": value} if isinstance(value, str) else value


class FusionSpec(Strict):
    """How fusion error is measured."""

    plane: str | None = Field(None, description="plane in which a naive reader takes metres; default: the UTM strip")
    links: str | None = Field(None, description="dataset of lines whose nearest one is a record's link")
    buildings: str | None = Field(None, description="dataset of areas that hold records")
    resolutions: tuple[int, ...] = Field((8, 9, 10, 11), min_length=1, description="H3 resolutions to report")


Corrections = tuple[CorrectionSpec, ...]


class DatasetSpec(Strict):
    """One dataset: where it is, whose it is, what its positions mean, what it measures."""

    path: Names = Field(description="file, or list of files of one schema, relative to root")
    title: Title = Field(default_factory=dict)
    domain: Domain
    owner: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    level: Level
    attribution: str = ""
    source: str = ""
    modelled: bool = False
    position: Position = None
    corrections: Corrections = Field(
        (), description="what was found out later of the positions of some records; the newest first"
    )
    evidence: EvidenceSpec | None = Field(None, description="dataset that the declared position is checked against")
    trust: Literal["declared"] | None = Field(
        None, description="declared: the position holds against the file's own label and against the evidence"
    )
    fields: dict[str, FieldSpec] = Field(default_factory=dict)
    unique: tuple[Names, ...] = Field((), description="lists of columns that together are unique")
    rules: Texts = Field((), description='what holds in every record, such as "min_kmh <= max_kmh"')
    repairs: tuple[RepairSpec, ...] = Field((), description="what may be mended, and from what it is known")
    quality: QualitySpec = Field(default_factory=lambda: QualitySpec.model_validate({}))
    read: ReadSpec = Field(default_factory=lambda: ReadSpec.model_validate({}))
    time: TimeSpec | None = None
    site: Texts = ()
    support: Literal["own", "reference"] = "own"
    uncertain: bool = Field(default=False, description="points go to all cells that they may be in, by probability")
    variables: dict[str, VariableSpec] = Field(default_factory=dict)
    height_unit: str | None = Field(None, description="unit of the heights, where it is not that of x and y")
    period: tuple[Day, Day] | None = Field(None, description="when a source without a time column holds: [from, to)")
    show: ShowSpec = Field(default_factory=lambda: ShowSpec.model_validate({"as": "none"}))
    truth: TruthSpec | None = Field(None, description="where its records truly are; only measured, never used")


class ViewSpec(Strict):
    """How the city is first looked at."""

    centre: tuple[float, float] | None = Field(None, description="lon, lat in degrees of the middle of the map")
    zoom: float | None = Field(None, ge=5, le=20, description="web map zoom: 11 a large city, 14 a quarter")
    pitch: float | None = Field(None, ge=0, le=60, description="degrees from straight down; default 50")
    bearing: float | None = Field(None, ge=-180, le=180, description="compass direction that is up; default -18")
    cells: str | None = Field(None, description="variable that colours the cells at first")

    @model_validator(mode="after")
    def _place_is_whole(self) -> ViewSpec:
        if (self.centre is None) != (self.zoom is None):
            raise remedy("write both centre and zoom, or neither: then the view fits the city")
        if self.centre is None and not (self.pitch is None and self.bearing is None):
            raise remedy("pitch and bearing need a place: write centre and zoom too")
        return self


class CitySpec(Strict):
    """A whole city as one file describes it."""

    city: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", description="short name, lower case")
    title: Title = Field(default_factory=dict)
    resolution: int = Field(ge=5, le=13, description="H3 storage resolution")
    area: tuple[float, float, float, float] = Field(description="min_lon, min_lat, max_lon, max_lat in degrees")
    clock: ClockSpec
    root: str = "."
    profile: ProfileSpec = Field(default_factory=lambda: ProfileSpec.model_validate({}))
    view: ViewSpec | None = Field(None, description="first view of the dashboard; left out, it fits the city")
    tour: tuple[StopSpec, ...] = Field((), max_length=MOST_STOPS, description="stops of a guided tour, in their order")
    alerts: dict[str, Annotated[float, Field(allow_inf_nan=False)]] = Field(
        default_factory=dict,
        description="threshold by variable, in its unit: an alert is below it for a speed ratio, above it for the air",
    )
    datasets: dict[str, DatasetSpec] = Field(min_length=1)
    fusion: FusionSpec = Field(default_factory=lambda: FusionSpec.model_validate({}))
    quality: ThresholdsSpec = Field(default_factory=lambda: ThresholdsSpec.model_validate({}))

    @model_validator(mode="after")
    def _area_is_a_box(self) -> CitySpec:
        west, south, east, north = self.area
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise remedy(
                f"area {list(self.area)} is no box: write [min_lon, min_lat, max_lon, max_lat], longitude first"
            )
        return self
