"""Commands about the twin on disk: ``twin plan|log|diff|gc|backup|restore|export``."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Annotated

import typer

from twin.commands.frame import AsJson, TwinPath, app, console, default_place, examples, faults_told, write_json
from twin.commands.tables import history_table, plain, plan_table
from twin.exporting import export, export_catalogue
from twin.exporting.exports import ENDINGS
from twin.manifest.reading import read_manifest
from twin.model import open as open_twin
from twin.plan import make_plan
from twin.progress.forecast import forecast
from twin.storage.history import history
from twin.storage.keeping import backup, collect_garbage, restore

__all__: list[str] = []


@app.command("plan", epilog=examples("twin plan city.yaml", "twin plan city.yaml --out monaco.twin --json"))
def _plan(
    manifest: Annotated[Path, typer.Argument(help="The city.yaml")],
    *,
    out: Annotated[Path | None, typer.Option(help="Folder of the twin; default: <city>.twin here")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a build would do, what it would reuse and how long it would take; nothing is read or written."""
    with faults_told():
        expected = forecast(make_plan(read_manifest(manifest)), out or default_place(manifest))
        if as_json:
            names = ("name", "kind", "dataset", "variable", "key", "needs", "cost")
            write_json(
                [
                    {name: getattr(one.step, name) for name in names}
                    | {"parts": one.parts, "parts_reused": one.parts_reused, "estimated": one.estimated}
                    | {"reused": one.reused, "seconds": None if math.isnan(one.seconds) else one.seconds}
                    for one in expected
                ]
            )
        else:
            console.print(plan_table(expected))


@app.command("log", epilog=examples("twin log monaco.twin"))
def _log(path: TwinPath, *, as_json: AsJson = False) -> None:
    """Show the builds of a twin, the latest first."""
    with faults_told():
        runs = tuple(reversed(history(path)))
        if as_json:
            write_json([dataclasses.asdict(run) | {"recorded": run.recorded.isoformat()} for run in runs])
        else:
            console.print(history_table(runs, current=open_twin(path).snapshot))


@app.command("diff", epilog=examples("twin diff monaco.twin 50e2a0a1b2c3d4e5", "twin diff monaco.twin A B --json"))
def _diff(
    path: TwinPath,
    former: Annotated[str, typer.Argument(help="Id of a snapshot, as in twin log")],
    latter: Annotated[str | None, typer.Argument(help="Another one; default: the current one")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show what changed from one snapshot to another."""
    with faults_told():
        found = open_twin(path, snapshot=latter).changes_since(open_twin(path, snapshot=former))
        if as_json:
            write_json(dataclasses.asdict(found))
        else:
            console.print(plain(repr(found)), highlight=False, soft_wrap=True)


@app.command("gc", epilog=examples("twin gc monaco.twin", "twin gc monaco.twin --keep 1"))
def _gc(
    path: TwinPath,
    *,
    keep: Annotated[int, typer.Option(help="Snapshots to keep, the current one included")] = 3,
    as_json: AsJson = False,
) -> None:
    """Remove old snapshots, steps that none of the others was made of, and what stopped builds left."""
    with faults_told():
        gone = collect_garbage(path, keep=keep)
        if as_json:
            write_json(dataclasses.asdict(gone))
            return
        console.print(
            f"removed {len(gone.snapshots)} snapshots, {gone.steps} steps and {gone.leftovers} leftovers: "
            f"{gone.size / 1e6:,.1f} MB freed"
        )
        for snapshot in gone.in_use:
            console.print(f"snapshot {snapshot} is being read and stays", highlight=False)


@app.command("backup", epilog=examples("twin backup monaco.twin monaco-2026-11-22.tar"))
def _backup(
    path: TwinPath,
    archive: Annotated[Path, typer.Argument(help="File to write; it must not exist", metavar="FILE")],
    *,
    as_json: AsJson = False,
) -> None:
    """Check all snapshots and write them into one tar file."""
    with faults_told():
        snapshots = backup(path, archive)
        if as_json:
            write_json({"archive": str(archive), "snapshots": snapshots})
        else:
            console.print(f"[green]kept[/] {len(snapshots)} snapshots in {plain(str(archive))}", soft_wrap=True)


@app.command("restore", epilog=examples("twin restore monaco-2026-11-22.tar monaco.twin"))
def _restore(
    archive: Annotated[Path, typer.Argument(help="File that twin backup wrote", metavar="FILE")],
    path: TwinPath,
    *,
    as_json: AsJson = False,
) -> None:
    """Unpack a backup into a new folder, every byte compared with its hash."""
    with faults_told():
        snapshots = restore(archive, path)
        if as_json:
            write_json({"twin": str(path), "snapshots": snapshots})
        else:
            console.print(f"[green]whole[/] {len(snapshots)} snapshots in {plain(str(path))}", soft_wrap=True)


@app.command(
    "export",
    epilog=examples(
        "twin export monaco.twin buildings buildings.gpkg",
        "twin export monaco.twin no2 pm25 air.parquet --resolution 9 --time 2026-06-16T08:00",
        "twin export monaco.twin catalogue/",
    )
    + f"\n\n**Endings**: {', '.join(ENDINGS)}; a folder gets all of the twin with a STAC catalogue",
)
def _export(
    path: TwinPath,
    what: Annotated[list[str], typer.Argument(help="Layer or variables, then the file", metavar="NAME... FILE")],
    *,
    resolution: Annotated[int | None, typer.Option(help="H3 resolution of variables")] = None,
    time: Annotated[str | None, typer.Option(help="One step, UTC or time of day; default: all")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a layer, variables, or all of a twin for other programs."""
    with faults_told():
        city, *names, file = open_twin(path), *what
        if names:
            written = export(city, names[0] if len(names) == 1 else names, file, resolution=resolution, time=time)
        else:
            written = export_catalogue(city, file, resolution=resolution)
        if as_json:
            write_json({"written": str(written), "snapshot": city.snapshot})
        else:
            console.print(f"[green]written[/] {plain(str(written))} (snapshot {city.snapshot})", soft_wrap=True)
