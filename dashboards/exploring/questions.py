"""What the browser may ask: bounded, checked values, so that no question is larger than its answer may be."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Position = tuple[Longitude, Latitude]
Name = Annotated[str, Field(min_length=1, max_length=120)]
Row = Annotated[int, Field(ge=0, lt=2**40)]
Finite = Annotated[float, Field(allow_inf_nan=False)]

_STRICT = ConfigDict(frozen=True, extra="forbid")


class Polygon(BaseModel):
    """Inside a ring that was drawn.

    Parameters
    ----------
    kind : {"polygon"}
        Which region this is.
    ring : tuple of positions
        Longitude and latitude in degrees, open or closed.
    """

    model_config = _STRICT
    kind: Literal["polygon"] = "polygon"
    ring: Annotated[tuple[Position, ...], Field(min_length=3, max_length=2_000)]


class Circle(BaseModel):
    """Within a distance of a place.

    Parameters
    ----------
    kind : {"circle"}
        Which region this is.
    centre : position
        Longitude and latitude in degrees.
    radius_m : float
        Metres on the ground.
    """

    model_config = _STRICT
    kind: Literal["circle"] = "circle"
    centre: Position
    radius_m: Annotated[float, Field(gt=0, le=50_000)]


class Near(BaseModel):
    """Within a distance of features.

    Parameters
    ----------
    kind : {"near"}
        Which region this is.
    layer : str
        Layer of these features.
    rows : tuple of int
        Their positions in its table.
    distance_m : float
        Metres on the ground.
    """

    model_config = _STRICT
    kind: Literal["near"] = "near"
    layer: Name
    rows: Annotated[tuple[Row, ...], Field(min_length=1, max_length=2_000)]
    distance_m: Annotated[float, Field(ge=0, le=50_000)]


class Condition(BaseModel):
    """What an attribute must be; all that is stated holds at once.

    Parameters
    ----------
    column : str
        Attribute, or a variable that was joined.
    at_least, at_most : float, optional
        Ends of a range, both included.
    one_of : tuple of str, optional
        Classes, written as in the table.
    contains : str, optional
        Part of the text, accents and case aside.
    """

    model_config = _STRICT
    column: Name
    at_least: Finite | None = None
    at_most: Finite | None = None
    one_of: Annotated[tuple[str, ...], Field(max_length=100)] | None = None
    contains: Annotated[str, Field(max_length=100)] | None = None


class Question(BaseModel):
    """Which features of a layer are meant.

    Parameters
    ----------
    layer : str
        A layer of the twin, or ``cells``.
    region : Polygon, Circle or Near, optional
        Where; anywhere if left out.
    where : tuple of Condition, optional
        What they must be, all of it.
    rows : tuple of int, optional
        Only these positions of the table.
    variables : tuple of str, optional
        Variables of the cube that are joined to the features as columns; of cells the first is shown.
    step : int, optional
        Index of the clock's step that variables are read at.
    resolution : int, optional
        H3 resolution of cells.
    """

    model_config = _STRICT
    layer: Name
    region: Annotated[Polygon | Circle | Near, Field(discriminator="kind")] | None = None
    where: Annotated[tuple[Condition, ...], Field(max_length=20)] = ()
    rows: Annotated[tuple[Row, ...], Field(max_length=20_000)] | None = None
    variables: Annotated[tuple[Name, ...], Field(max_length=6)] = ()
    step: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    resolution: Annotated[int, Field(ge=0, le=15)] | None = None


class Drawing(BaseModel):
    """What is measured.

    Parameters
    ----------
    positions : tuple of positions
        Vertices in degrees.
    closed : bool, optional
        Whether they are the ring of an area.
    """

    model_config = _STRICT
    positions: Annotated[tuple[Position, ...], Field(min_length=1, max_length=2_000)]
    closed: bool = False
