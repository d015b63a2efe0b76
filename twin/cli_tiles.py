"""The command that bakes tiles: ``twin tiles``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from twin.cli_frame import AsJson, TwinPath, app, console, examples, faults_told, write_json
from twin.model import open as open_twin
from twin.tiles import TileSource
from twin.tiles.shelf import FOLDER

__all__: list[str] = []


@app.command("tiles", epilog=examples("twin tiles monaco.twin", "twin tiles monaco.twin --out elsewhere --json"))
def _tiles(
    path: TwinPath,
    *,
    out: Annotated[Path | None, typer.Option(help="Folder of the tiles; default: tiles/ in the twin")] = None,
    as_json: AsJson = False,
) -> None:
    """Make all tiles of the city now, so that nobody who opens it waits for one."""
    with faults_told():
        source = TileSource(open_twin(path), folder=out or path / FOLDER)
        found = list(source.addresses())
        sizes = [len(source.answer(one)) for one in track(found, "Tiles", console=console, disable=as_json)]
        told = {"tiles": len(found), "bytes": sum(sizes), "largest": max(sizes, default=0)}
        if as_json:
            write_json(told)
            return
        total = f"{len(found):,} tiles and runs of values, {sum(sizes) / 1e6:,.1f} MB"
        console.print(f"{total}, in {source.shelf.folder or 'memory only'}", highlight=False)
