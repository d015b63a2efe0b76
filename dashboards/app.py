"""Assembly: one FastAPI app that serves the page, its frames and the twin's own routes, on loopback by default."""

import errno
import logging
import os
import socket
import sys
import threading
import webbrowser
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import geopandas as gpd
import panel as pn
import panel.models.deckgl
import uvicorn
from fastapi import FastAPI
from panel.io.fastapi import add_applications

import twin
from dashboards.errors import AddressError
from dashboards.exploring.routes import to_router as to_explore_router
from dashboards.feed import to_router
from dashboards.frames import FrameSource
from dashboards.inbox import to_inbox
from dashboards.links import VIEWS
from dashboards.live import Edition, Live
from dashboards.notebook.frame_city import FrameCity
from dashboards.notebook.framed import LOOPBACK, FramedPage, frame_page
from dashboards.views.page import ExplorerPage
from twin.api import router, tile_router
from twin.storage.snapshot import current_snapshot
from twin.tiles import Budget
from twin.tiles.baked import FOLDER

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from twin import Twin

log = logging.getLogger(__name__)

_KEPT_EDITIONS = 4


def to_app(
    city: "Twin",
    *,
    budget: Budget | None = None,
    folder: Path | None = None,
    origins: tuple[str, ...] = ("*",),
    newest: "Callable[[str], Twin | None] | None" = None,
) -> FastAPI:
    """Assemble the web application of a city.

    Parameters
    ----------
    city : Twin
        The opened twin.
    budget : Budget, optional
        What one view may hold.
    folder : Path, optional
        Where tiles are kept between runs; only in memory if left out.
    origins : tuple of str, optional
        ``host:port`` of the pages that may open a websocket.
    newest : callable, optional
        Takes the id of a snapshot and gives the city if another is published now, else None: open pages take it up.

    Returns
    -------
    fastapi.FastAPI
        The page at ``/``, each view at its name, frames under ``/feed``, tiles under ``/tiles``, the open routes
        under ``/api``.
    """

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await live.close()

    app = FastAPI(title=f"City twin: {city.name}", docs_url=None, redoc_url=None, openapi_url=None, lifespan=running)

    published: deque[list[BaseRoute]] = deque()

    def publish(edition: Edition) -> None:
        """Give an edition its routes, before those of former ones; pages may still show the last few of these."""
        source, routes = edition.source, app.router.routes
        count = len(routes)
        app.include_router(to_router(source, snapshot=source.city.snapshot), prefix="/feed")
        app.include_router(tile_router(source.tiles))
        app.include_router(to_explore_router(source, snapshot=source.city.snapshot), prefix="/explore")
        app.include_router(router(source.city))
        published.append(routes[count:])
        former = published.popleft() if len(published) > _KEPT_EDITIONS else []
        routes[:] = [*routes[count:], *(route for route in routes[:count] if route not in former)]
        # Nobody sees it: it makes the frames that the first visitor will ask for.
        ExplorerPage(source, address=edition.address)
        # No daemon: a process that ends while a thread reads arrays is aborted. It looks itself whether it shall go on.
        threading.Thread(target=edition.desk.warm, name=f"warm-{source.city.snapshot}").start()

    live = Live(
        city,
        newest or (lambda _snapshot: None),
        make=lambda found: FrameSource(found, budget=budget, folder=folder),
        publish=publish,
    )

    app.include_router(to_inbox(lambda: live.edition.steward))

    def page_of(view: str) -> Callable[[], pn.Template]:
        def page() -> pn.Template:
            asked = {name: values for name, values in pn.state.session_args.items() if not name.startswith("bokeh-")}
            now = live.edition
            query = urlencode(asked, doseq=True)
            return ExplorerPage(now.source, address=now.address, view=view, query=query, live=live).template()

        return page  # Of its own: Panel shows a `partial` as a thing, and calls only functions.

    pages = {f"/{view}": page_of(view) for view in ("", *VIEWS)}
    add_applications(pages, app=app, title=city.name, websocket_origin=list(origins))
    return app


def serve(path: str | Path, *, port: int = 5006, address: str = LOOPBACK, open_browser: bool = False) -> None:
    """Serve a twin until interrupted.

    Parameters
    ----------
    path : str or Path
        Folder of the twin.
    port : int, optional
        TCP port.
    address : str, optional
        Address to listen on; loopback unless another is asked for.
    open_browser : bool, optional
        Whether to open the page in the user's browser.

    Raises
    ------
    AddressError
        If the port is in use, or the address is not one of this machine.
    """
    city = twin.open(path)
    listener = _listen(address, port)  # first of all: whoever asks early waits, and a port in use is said at once
    app = to_app(
        city,
        folder=Path(path) / FOLDER,
        origins=_origins(address, port),
        newest=lambda shown: _newer(Path(path), shown),
    )
    url = f"http://{address}:{port}/"
    log.info("serving %s", city.name)
    # Not a log line: whoever serves needs the address, however quiet the logs are.
    sys.stdout.write(f"{city.title.get('en', city.name)} is at {url} (stop with Ctrl+C)\n")
    sys.stdout.flush()
    if open_browser:
        threading.Timer(1.0, webbrowser.open, args=(url,)).start()
    with listener:
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


def explore(shown: "Twin | gpd.GeoDataFrame", *, height_px: int = 720, **options: Any) -> FramedPage:  # noqa: ANN401
    """Show a twin or a frame in a notebook: the same page, from this process on a free loopback port.

    Parameters
    ----------
    shown : Twin or geopandas.GeoDataFrame
        The opened twin, or records of any kind.
    height_px : int, optional
        Height of the frame below the cell.
    **options : Any
        Of a frame, as `dashboards.notebook.frame_city.FrameCity` takes them: ``column``, ``kind``, ``height``,
        ``position`` and ``name``.

    Returns
    -------
    FramedPage
        The page, which a notebook shows below the cell.

    Raises
    ------
    FrameRefusedError
        If a frame cannot be shown, such as one of which nobody says where it is.
    """
    city: Any = FrameCity(shown, **options) if isinstance(shown, gpd.GeoDataFrame) else shown
    listener = _listen(LOOPBACK, 0)
    port = listener.getsockname()[1]
    app = to_app(city, origins=_origins(LOOPBACK, port))
    return frame_page(app, listener, name=city.name, height_px=height_px)


def _newer(path: Path, shown: str) -> "Twin | None":
    """Open a twin again if another snapshot is published than the one that is shown."""
    return None if current_snapshot(path) == shown else twin.open(path)


def _listen(address: str, port: int) -> socket.socket:
    try:
        return socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
    except (OSError, OverflowError) as error:
        number = getattr(error, "errno", None) or 0
        reason = os.strerror(number) if number > 0 else error  # the socket's own text names the address once more
        if number == errno.EADDRINUSE:
            remedy = "stop what listens there, or give another --port"
        else:
            remedy = f"give an --address of this machine, such as {LOOPBACK}, and a --port that you may use"
        raise AddressError(f"cannot listen on {address}:{port} ({reason}): {remedy}") from None


def _origins(address: str, port: int) -> tuple[str, ...]:
    """Name the pages that may talk to the app: its own, under the names that this machine has for itself."""
    return tuple(dict.fromkeys(f"{host}:{port}" for host in (address, LOOPBACK, "localhost")))
