"""The newest snapshot of a twin: taken up while the page stands open, as soon as a build publishes it."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from dashboards.desk import Desk
from dashboards.frames import FrameSource
from dashboards.trust import Steward
from twin.errors import TwinError

if TYPE_CHECKING:
    from twin import Twin

log = logging.getLogger(__name__)

INTERVAL_S = 3.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Edition:
    """One snapshot as all visitors see it.

    Parameters
    ----------
    source : FrameSource
        Its frames.
    desk : Desk
        What operators watch of it.
    steward : Steward
        What stewards judge of it.
    address : str
        Where the feed of its frames is.
    """

    source: FrameSource
    desk: Desk
    steward: Steward
    address: str


class Live:
    """The newest edition of a city.

    Parameters
    ----------
    city : Twin
        The twin as it is now.
    newest : callable
        Takes the id of a snapshot and gives the city if another is published now, else None.
    make : callable, optional
        Makes the frames of a city.
    publish : callable
        Told of every edition before any visitor sees it, so that its frames have an address.
    """

    def __init__(
        self,
        city: "Twin",
        newest: "Callable[[str], Twin | None]",
        *,
        make: "Callable[[Twin], FrameSource]" = FrameSource,
        publish: Callable[[Edition], None],
    ) -> None:
        self._newest, self._make, self._publish = newest, make, publish
        self._lock = Lock()
        self._looked_s = time.monotonic()
        self._lookers, self._closed = 0, False
        self._nobody_looks = asyncio.Event()
        self._nobody_looks.set()
        self.edition = self._edition(city)

    @contextmanager
    def open(self) -> Iterator[bool]:
        """Let a page look for as long as the server runs, on its event loop.

        Yields
        ------
        bool
            False if the server stops: threads are no longer to be had.
        """
        self._lookers += 1
        self._nobody_looks.clear()
        try:
            yield not self._closed
        finally:
            self._lookers -= 1
            if not self._lookers:
                self._nobody_looks.set()

    async def close(self) -> None:
        """Let no page look any more, and wait for those that do: the event loop ends after it, and its threads."""
        self._closed = True
        await self._nobody_looks.wait()

    def look(self) -> Edition:
        """Look whether something was published since; at most once in a few seconds, however many visitors ask.

        Returns
        -------
        Edition
            The newest; the former one if the new one cannot be read.
        """
        with self._lock:
            if time.monotonic() - self._looked_s >= INTERVAL_S:
                try:
                    city = self._newest(self.edition.source.city.snapshot)
                    if city is not None:
                        self.edition = self._edition(city)
                        log.info("taken up: snapshot %s", city.snapshot)
                except TwinError as error:
                    # What is shown stays right, and the next look may find it whole.
                    log.warning("the newest snapshot cannot be shown: %s", error)
                self._looked_s = time.monotonic()
            return self.edition

    def _edition(self, city: "Twin") -> Edition:
        source = self._make(city)
        edition = Edition(source=source, desk=Desk(source), steward=Steward(source), address=f"feed/{city.snapshot}")
        self._publish(edition)
        return edition
