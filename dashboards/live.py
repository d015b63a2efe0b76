"""The newest snapshot of a twin: taken up while the page stands open, as soon as a build publishes it."""

import logging
import time
from collections.abc import Callable
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
        self.edition = self._edition(city)

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
