"""The command that bakes tiles: ``twin tiles``."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.commands.frame import AsJson, TwinPath, app, console, examples, faults_told, write_json
from twin.model import open as open_twin
from twin.storage.disk import disk_told
from twin.storage.locks import locked
from twin.tiles import TileSource
from twin.tiles.baked import FOLDER

if TYPE_CHECKING:
    from twin.tiles.source import Baked

__all__ = ["bake"]


def bake(path: Path, *, out: Path | None = None, most_bytes: int | None = None) -> Baked:
    """Make tiles of the current snapshot.

    Parameters
    ----------
    path : Path
        Folder of the twin.
    out : Path, optional
        Folder of the tiles; that of the twin's own if left out.
    most_bytes : int, optional
        How much they may take; all tiles if left out.

    Returns
    -------
    Baked
        What there is now.

    Raises
    ------
    BuildError
        If the disk refuses.
    BusyError
        If a build or a clean-up of this twin is at work.
    """
    folder = out or path / FOLDER
    with disk_told(folder), locked(path) if out is None else nullcontext():
        return TileSource(open_twin(path), folder=folder).bake(most_bytes=most_bytes)


@app.command("tiles", epilog=examples("twin tiles monaco.twin", "twin tiles monaco.twin --out elsewhere --json"))
def _tiles(
    path: TwinPath,
    *,
    out: Annotated[Path | None, typer.Option(help="Folder of the tiles; default: tiles/ in the twin")] = None,
    as_json: AsJson = False,
) -> None:
    """Make all tiles of the city now, so that nobody who opens it waits for one."""
    with faults_told():
        with nullcontext() if as_json else console.status("making tiles"):
            baked = bake(path, out=out)
        if as_json:
            write_json({"tiles": baked.tiles, "made": baked.made, "bytes": baked.size, "largest": baked.largest})
            return
        total = f"{baked.tiles:,} tiles and runs of values, {baked.size / 1e6:,.1f} MB"
        console.print(f"{total}, in {out or path / FOLDER}; {baked.made:,} of them made now", highlight=False)
