"""A page in a notebook: served by the notebook's own process on loopback, shown in a frame."""

import socket
import threading
from html import escape
from typing import TYPE_CHECKING

import uvicorn

from dashboards.errors import AddressError

if TYPE_CHECKING:
    from fastapi import FastAPI

LOOPBACK = "127.0.0.1"

_PATIENCE_S = 30.0


class FramedPage:
    """A page that is being served; a notebook shows it where it is the value of a cell.

    Parameters
    ----------
    name : str
        Of the city or frame.
    address : str
        Of the page.
    server : uvicorn.Server
        Serves it from a thread of this process.
    height_px : int
        Height of the frame.
    """

    def __init__(self, name: str, address: str, server: uvicorn.Server, *, height_px: int) -> None:
        self.name, self.address, self.height_px = name, address, height_px
        self._server = server

    def stop(self) -> None:
        """Stop serving; it ends by itself with the notebook's kernel."""
        self._server.should_exit = True

    def __repr__(self) -> str:
        return f"<{self.name} at {self.address}>"

    def _repr_html_(self) -> str:
        style = f"width:100%;height:{self.height_px}px;border:0"
        return f'<iframe src="{self.address}" style="{style}" title="{escape(self.name, quote=True)}"></iframe>'


def frame_page(app: "FastAPI", listener: socket.socket, *, name: str, height_px: int) -> FramedPage:
    """Serve an application from a thread of this process.

    Parameters
    ----------
    app : fastapi.FastAPI
        The application.
    listener : socket.socket
        Where it listens.
    name : str
        Of the city or frame.
    height_px : int
        Height of the frame.

    Returns
    -------
    FramedPage
        The page, which answers.

    Raises
    ------
    AddressError
        If it does not begin to answer within half a minute.
    """
    server = _Ready(uvicorn.Config(app, log_level="warning"))
    # A daemon: a kernel that is shut down does not wait for whoever looks at the page.
    threading.Thread(target=server.run, args=([listener],), name=f"explore-{name}", daemon=True).start()
    host, port = listener.getsockname()[:2]
    if not server.answering.wait(_PATIENCE_S):
        server.should_exit = True
        raise AddressError(f"the page of {name} did not begin to answer on {host}:{port}: restart the kernel")
    return FramedPage(name, f"http://{host}:{port}/", server, height_px=height_px)


class _Ready(uvicorn.Server):
    """A server that tells when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answering = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answering.set()
