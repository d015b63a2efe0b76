"""Studies of the city over HTTP: before and after harmonisation, sections, sun and shadow, and files to take along."""

from datetime import datetime
from typing import Annotated

import pandas as pd
from fastapi import APIRouter, Query
from fastapi.responses import Response

from dashboards.exploring.answers import answered, read_question, to_json
from dashboards.exploring.downloads import to_file
from dashboards.exploring.misplaced import displacements, layers_with_truth, to_answer
from dashboards.exploring.questions import Drawing
from dashboards.exploring.sections import section
from dashboards.exploring.selecting import Selector
from dashboards.exploring.sunlight import shadows, sun_at
from dashboards.frames import FrameSource
from twin.tiles.readings import Kept

_Longitude = Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False)]
_Latitude = Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False)]


def study_router(source: FrameSource, selector: Selector) -> APIRouter:
    """Make the routes of studies of one city.

    Parameters
    ----------
    source : FrameSource
        Frames of the city.
    selector : Selector
        Answers questions about it.

    Returns
    -------
    fastapi.APIRouter
        ``displaced``, ``displaced/{layer}``, ``section``, ``sun``, ``shadows.geojson`` and ``export/{format}``.
    """
    router, kept = APIRouter(), Kept(24)

    def local(moment: datetime) -> pd.Timestamp:
        """Read a time of the city's clock; one with a zone of its own keeps it."""
        stamp = pd.Timestamp(moment)
        return (
            stamp
            if stamp.tzinfo
            else stamp.tz_localize(source.city.clock.zone, ambiguous=True, nonexistent="shift_forward")
        )

    @router.get("/displaced")
    def with_truth() -> Response:
        return to_json(layers_with_truth(source), cached=True)

    @router.get("/displaced/{layer}")
    def displaced(layer: str) -> Response:
        def made() -> Response:
            return to_json(to_answer(displacements(source, layer)), cached=True)

        return answered(lambda: kept.get(("displaced", layer), made))

    @router.post("/section")
    def cut(drawing: Drawing) -> Response:
        return to_json(answered(lambda: section(source, drawing)))

    @router.get("/sun")
    def sun(time: datetime, lon: _Longitude, lat: _Latitude) -> Response:
        return to_json(vars(sun_at(local(time), lon_deg=lon, lat_deg=lat)), cached=True)

    @router.get("/shadows.geojson")
    def shade(time: datetime, lon: _Longitude, lat: _Latitude) -> Response:
        def made() -> Response:
            found = shadows(source, sun_at(local(time), lon_deg=lon, lat_deg=lat), lon_deg=lon, lat_deg=lat)
            return to_json(found, cached=True)

        # A step of some 100 m: who looks around a little sees the same shadows.
        return kept.get(("shadows", time, round(lon, 3), round(lat, 3)), made)

    @router.get("/export/{ending}")
    def export(ending: str, q: str) -> Response:
        question = read_question(q)
        body, name, media = answered(lambda: to_file(selector.select(question), source, ending))
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return Response(body, media_type=media, headers=headers)

    return router
