"""Routes that read one twin: bounded answers, JSON, no writing."""

# No `from __future__ import annotations` here: FastAPI reads the annotations of the routes at run time.
import json
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, HTTPException, Query

from twin.catalogue import to_json
from twin.errors import SeriesError, UnknownNameError
from twin.model import Twin

MOST_CELLS = 50_000
"""More cells than this are refused, with the resolution to ask for instead: a browser would freeze."""


def router(city: Twin) -> APIRouter:
    """Return routes under ``/api`` that read a twin.

    Parameters
    ----------
    city : Twin
        What is read.

    Returns
    -------
    fastapi.APIRouter
        To be mounted with ``application.include_router``.
    """
    routes = APIRouter(prefix="/api", tags=["twin"])

    @routes.get("/health", name="health")
    def _health() -> dict[str, Any]:
        """Say that the twin is there, and which state of it."""
        return {"status": "ok", "city": city.name, "snapshot": city.snapshot, "resolution": city.resolution}

    @routes.get("/variables", name="variables")
    def _variables() -> list[dict[str, Any]]:
        """List the variables with unit, title, origin and method."""
        return [to_json(variable) for variable in city.variables.values()]

    @routes.get("/cells", name="cells")
    def _cells(
        variable: Annotated[str, Query(description="Name of a variable")],
        resolution: Annotated[int | None, Query(ge=0, le=15, description="H3 resolution; default: 3 coarser")] = None,
        time: Annotated[str | None, Query(description="Local time, or time of day; default: first step")] = None,
    ) -> dict[str, Any]:
        """Give the cells of a variable at one time that have a value."""
        found: dict[str, Any] = _told(lambda: _values(city, variable, resolution, time))
        return found

    @routes.get("/explain", name="explain")
    def _explain(
        cell: Annotated[str, Query(description="H3 cell, hexadecimal")],
        variable: Annotated[str, Query(description="Name of a variable")],
        time: Annotated[str | None, Query(description="Local time, or time of day")] = None,
    ) -> dict[str, Any]:
        """Say where the value of a cell comes from."""
        found = _told(lambda: city.explain(cell, variable, time))
        head = {key: getattr(found, key) for key in ("variable", "time", "value", "unit", "steps")}
        sources = json.loads(found.sources.to_json(orient="records", date_format="iso"))
        return {"cell": f"{found.cell:x}", **head, "sources": sources}

    return routes


def _told(question: Any) -> Any:  # noqa: ANN401 - passes on whatever is asked
    """Answer, or say in HTTP's words that there is no such thing."""
    try:
        return question()
    except (UnknownNameError, SeriesError) as error:
        raise HTTPException(status_code=404, detail=str(error)) from None


def _values(city: Twin, variable: str, resolution: int | None, time: str | None) -> dict[str, Any]:
    level = max(city.resolution - 3, 0) if resolution is None else resolution
    values = city.cube([variable], resolution=level)[variable]
    if "time" in values.dims:
        step = 0 if time is None else city.clock.step_of(time)
        values = values.isel(time=step)
    known = np.flatnonzero(np.isfinite(values.to_numpy()))
    if known.size > MOST_CELLS:
        raise HTTPException(
            status_code=413,
            detail=f"{known.size} cells at resolution {level} are more than {MOST_CELLS}: ask for a coarser resolution",
        )
    found = values.isel(cell=known)
    return {
        "variable": variable,
        "unit": city.variables[variable].unit,
        "resolution": level,
        "cell": [f"{cell:x}" for cell in found["cell"].to_numpy().tolist()],
        "value": found.to_numpy().tolist(),
    }
