"""Routes that serve the tiles of one twin: packed, tagged, and kept by browsers for good."""

import hashlib
from functools import lru_cache

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from twin.errors import TileNotFoundError
from twin.tiles import TileSource

_CACHE = "public, max-age=31536000, immutable"  # The snapshot is part of the address, and snapshots do not change.
_LONGEST = 400
_TYPES = {
    "mvt": "application/vnd.mapbox-vector-tile",
    "bin": "application/octet-stream",
    "json": "application/json",
    "glb": "model/gltf-binary",
}


def tile_router(source: TileSource) -> APIRouter:
    """Make the routes that hand out the tiles of one city.

    Parameters
    ----------
    source : TileSource
        Tiles of the city.

    Returns
    -------
    fastapi.APIRouter
        ``GET /tiles/{snapshot}/layers/{name}/{z}/{x}/{y}.mvt``, ``.../cells/{variable}/{z}/{x}/{y}.mvt``, the same with
        ``/{chunk}.bin`` for the codes of values there or ``.glb`` for the surfaces of buildings, and with ``.json``
        after the name for what the tiles are (after ``NAME/tileset`` for 3D Tiles). An address that names nothing is
        answered with 404 and what there is instead.
    """
    router = APIRouter()

    async def tile(request: Request) -> Response:
        address = request.path_params["address"]
        packed = source.shelf.held(address)
        try:
            if packed is None:  # Made or read beside the event loop: a tile takes some milliseconds.
                packed = await run_in_threadpool(source.answer, address[:_LONGEST])
        except TileNotFoundError as error:
            return JSONResponse({"detail": str(error)}, status_code=404)
        tag = _tag(packed)
        headers = {"ETag": tag, "Cache-Control": _CACHE}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        headers["Content-Encoding"] = "gzip"
        return Response(packed, media_type=_TYPES[address[-3:]], headers=headers)

    async def description(request: Request) -> Response:
        try:
            told = await run_in_threadpool(source.describe, request.path_params["address"][:_LONGEST])
        except TileNotFoundError as error:
            return JSONResponse({"detail": str(error)}, status_code=404)
        return Response(told, media_type=_TYPES["json"], headers={"Cache-Control": _CACHE})

    # Starlette's own routes: what FastAPI does to the arguments of each request would take longer than the answer.
    router.add_route(f"/tiles/{source.city.snapshot}/{{address:path}}.json", description, methods=["GET"])
    router.add_route(f"/tiles/{source.city.snapshot}/{{address:path}}", tile, methods=["GET"])
    return router


@lru_cache(maxsize=4096)
def _tag(packed: bytes) -> str:
    return f'"{hashlib.sha256(packed).hexdigest()[:24]}"'
