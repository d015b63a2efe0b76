"""Open interfaces to a twin over HTTP, as routers that any application can mount.

``router(city)`` answers health, variables, cells of a variable, and where a number comes from; ``tile_router(source)``
hands out a whole city as vector tiles. There is no word of a dashboard in here; `dashboards.app` mounts them beside its
own pages.
"""

from __future__ import annotations

from twin.api.routes import router
from twin.api.tiles import tile_router

__all__ = ["router", "tile_router"]
