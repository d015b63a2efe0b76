"""Open interfaces to a twin over HTTP, as routers that any application can mount.

``router(city)`` answers health, variables, cells of a variable, and where a number comes from. There is no word of a
dashboard in here; `dashboards.app` mounts it beside its own pages.
"""

from __future__ import annotations

from twin.api.routes import router

__all__ = ["router"]
