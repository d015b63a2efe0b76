"""Dropped files over HTTP: written to a private folder, looked at in the reading jail, told, and deleted."""

import asyncio
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException, Query, Request

from dashboards.links import LANGUAGES
from dashboards.trust import Steward
from dashboards.verdicts import to_report

LARGEST_BYTES = 50 * 1024 * 1024
HEADER = "diagnose"
_AT_ONCE = 2
_SAFE = re.compile(r"[^A-Za-z0-9_.\-\u4e00-\u9fff]+")


def to_inbox(steward: Callable[[], Steward]) -> APIRouter:
    """Make the route that takes a file to look at.

    Parameters
    ----------
    steward : callable
        Gives the steward of the newest snapshot.

    Returns
    -------
    fastapi.APIRouter
        ``POST /trust/diagnose``, the bytes of one file as its body.
    """
    router = APIRouter()
    seats = asyncio.Semaphore(_AT_ONCE)

    @router.post("/trust/diagnose")
    async def diagnosed(
        request: Request,
        name: Annotated[str, Query(max_length=300)],
        x_city_twin: Annotated[str | None, Header()] = None,
    ) -> dict[str, Any]:
        # Another site's page can post to a machine of its visitor, but not with a header of its own.
        if x_city_twin != HEADER:
            raise HTTPException(status_code=403, detail="only a page of this twin may send files")
        if seats.locked():
            raise HTTPException(status_code=429, detail="two files are being looked at: try again in a moment")
        async with seats:
            with tempfile.TemporaryDirectory(prefix="city-twin-") as folder:  # Of this user alone, mode 0700.
                path = Path(folder) / safe_name(name)
                await _save(request, path)
                found = await asyncio.to_thread(steward().diagnose, path)
        # In every language: the visitor may change it while the report is on the page.
        return {language: to_report(found, name, language) for language in LANGUAGES}

    return router


def safe_name(name: str) -> str:
    """Turn the name of a dropped file into one that may be written: its ending decides the reader.

    Parameters
    ----------
    name : str
        As the visitor's machine has it.

    Returns
    -------
    str
        Without folders, spaces and whatever else is no letter, digit, point, hyphen or underscore.

    Examples
    --------
    >>> safe_name("../../etc/pass wd.csv.gz"), safe_name("..")
    ('pass_wd.csv.gz', 'file')
    """
    last = re.split(r"[\\/]", name)[-1]
    return _SAFE.sub("_", last).lstrip(".")[-120:] or "file"


async def _save(request: Request, path: Path) -> None:
    """Write the body to a file, and stop where it is too large, whatever its header says."""
    size = 0
    with path.open("xb") as file:
        async for part in request.stream():
            size += len(part)
            if size > LARGEST_BYTES:
                raise HTTPException(status_code=413, detail=f"larger than {LARGEST_BYTES // 2**20} MB")
            await asyncio.to_thread(file.write, part)
