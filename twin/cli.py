"""The command line: building, serving, judging and asking a twin; the other commands register themselves."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twin.build import build as build_twin
from twin.commands import correct as correcting
from twin.commands import store as keeping
from twin.commands import tiles as baking
from twin.commands.frame import (
    AMBIGUOUS,
    DAMAGED,
    FAILED,
    UNKNOWN,
    AsJson,
    TwinPath,
    app,
    console,
    default_place,
    error_console,
    examples,
    faults_told,
    write_json,
)
from twin.commands.records import ledger_rows, tell_positions
from twin.commands.tables import doubts_told, fusion_places_table, fusion_table, ledger_table, plain
from twin.detection.one_file import Question, judge_file, status_of, write_picture
from twin.doctor import findings
from twin.errors import TwinError
from twin.fusion.report import POOLED
from twin.lineage.replay_value import replay_value
from twin.manifest.reading import json_schema, read_manifest
from twin.model import open as open_twin
from twin.progress.bar import Bar
from twin.progress.pace import Pace
from twin.showing import plugin

if TYPE_CHECKING:
    from twin.lineage.explaining import Explanation
    from twin.lineage.whereabouts import Whereabouts

__all__ = ["app", "baking", "correcting", "keeping", "main"]


@app.command("build", epilog=examples("twin build city.yaml", "twin build city.yaml --out monaco.twin --workers 2"))
def _build(
    manifest: Annotated[Path, typer.Argument(help="The city.yaml")],
    *,
    out: Annotated[Path | None, typer.Option(help="Folder of the twin; default: <city>.twin here")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Worker processes on this machine; 0: none, in this one")] = 2,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask cluster, such as tcp://10.0.0.5:8786")
    ] = None,
    tiles_mb: Annotated[
        int, typer.Option(min=0, help="Map tiles to make with it, the farthest zooms first, in MB; 0: none")
    ] = 16,
    as_json: AsJson = False,
) -> None:
    """Build a twin from a city.yaml; a second build reuses what did not change."""
    with faults_told():
        place = out or default_place(manifest)
        with nullcontext(Pace()) if as_json else Bar(error_console) as watcher:
            city = build_twin(manifest, out=place, workers=workers, scheduler=scheduler, watcher=watcher)
        if tiles_mb:
            with nullcontext() if as_json else error_console.status("making tiles of the far zooms"):
                baking.bake(place, most_bytes=tiles_mb * 10**6)
        if as_json:
            tree: dict[str, Any] = {"twin": str(place), "snapshot": city.snapshot, "ledger": ledger_rows(city)}
            write_json(tree | ({"fusion": city.fusion_error().to_json()} if city.states_truth else {}))
        else:
            console.print(ledger_table(city))
            if city.states_truth:
                console.print(fusion_table(city.fusion_error(), layers=[POOLED]))
            tell_positions(city)
            for doubt in doubts_told(city):
                error_console.print(f"[yellow]warning:[/] {plain(doubt)}", highlight=False, soft_wrap=True)
            told = f"[green]built[/] {plain(str(place))} (snapshot {city.snapshot}); look at it: twin serve {place}"
            console.print(told, soft_wrap=True)


@app.command("serve", epilog=examples("twin serve monaco.twin", "twin serve monaco.twin --port 8080 --open"))
def _serve(
    path: TwinPath,
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on")] = 5006,
    address: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    open_browser: Annotated[bool, typer.Option("--open", help="Open a browser at it")] = False,
) -> None:
    """Show a twin in the browser, on this machine only unless another address is given."""
    with faults_told():
        open_twin(path)  # a wrong path is said here, not in the browser
        plugin("serve")(path, port=port, address=address, open_browser=open_browser)


@app.command(
    "detect",
    epilog=examples(
        "twin detect taxis.csv --columns x,y --reference streets.geojson",
        "twin detect wells.csv --columns e,n --reference stations.geojson --picture wells.svg --json",
        "twin detect parcels.geojson --area 113.7,22.4,114.7,22.9",
    )
    + f"\n\n**Exit codes**: 0 named, {AMBIGUOUS} ambiguous, {UNKNOWN} unknown, {FAILED} cannot be judged",
)
def _detect(  # noqa: PLR0913 - every option is a parameter
    file: Annotated[Path, typer.Argument(help="Table or geometry file whose positions are not known", metavar="FILE")],
    *,
    reference: Annotated[
        Path | None, typer.Option(help="File of the same kind of entity whose positions are right", metavar="FILE")
    ] = None,
    reference_position: Annotated[str | None, typer.Option(help="Its definition, where it does not say it")] = None,
    reference_columns: Annotated[str | None, typer.Option(help="Its columns, if a table", metavar="X,Y")] = None,
    area: Annotated[str | None, typer.Option(help="Where the records should be, degrees", metavar="W,S,E,N")] = None,
    columns: Annotated[
        str | None, typer.Option(help="The two columns of a table, in either order", metavar="X,Y")
    ] = None,
    groups: Annotated[str | None, typer.Option(help="Column whose values may differ in definition")] = None,
    candidate: Annotated[list[str] | None, typer.Option(help="Definition to try beside those that hold there")] = None,
    confidence: Annotated[float, typer.Option(help="Probability that a claim takes")] = 0.99,
    encoding: Annotated[str, typer.Option(help="Of a text table")] = "utf-8",
    delimiter: Annotated[str, typer.Option(help="Of a text table")] = ",",
    picture: Annotated[Path | None, typer.Option(help="Draw the first two candidates into this SVG file")] = None,
    as_json: AsJson = False,
) -> None:
    """Name the definition of a file's positions from evidence, or say why the data cannot tell."""
    with faults_told():
        question = Question(
            file=file,
            columns=columns,
            reference=reference,
            reference_position=reference_position,
            reference_columns=reference_columns,
            area=area,
            groups=groups,
            candidates=tuple(candidate or ()),
            confidence=confidence,
            encoding=encoding,
            delimiter=delimiter,
        )
        answer = judge_file(question)
        if picture is not None:
            write_picture(answer, picture)
        if as_json:
            sys.stdout.write(answer.to_json() + "\n")
        else:
            console.print(plain(repr(answer)), highlight=False, soft_wrap=True)
    code = {"named": 0, "ambiguous": AMBIGUOUS, "unknown": UNKNOWN}[status_of(answer)]
    if code:
        raise typer.Exit(code)


@app.command(
    "explain",
    epilog=examples(
        "twin explain monaco.twin 8c3969a4e1acdff no2 --time 2026-06-16T08:00",
        "twin explain monaco.twin --layer buildings --row 12",
        "twin explain monaco.twin 8c3969a4e1acdff no2 --replay city.yaml",
    ),
)
def _explain(  # noqa: PLR0913 - a cell and a variable, or a layer and a row
    path: TwinPath,
    cell: Annotated[str | None, typer.Argument(help="H3 cell, hexadecimal")] = None,
    variable: Annotated[str | None, typer.Argument(help="Variable of the cube")] = None,
    *,
    time: Annotated[str | None, typer.Option(help="Local time, or time of day; default: first with a value")] = None,
    layer: Annotated[str | None, typer.Option(help="Layer of a feature, instead of cell and variable")] = None,
    row: Annotated[int, typer.Option(help="Number of the feature in its layer")] = 0,
    replay: Annotated[Path | None, typer.Option(help="The city.yaml: compute the value again from raw files")] = None,
    as_json: AsJson = False,
) -> None:
    """Say where the value of a cell comes from, or why a feature is where it is."""
    with faults_told():
        city = open_twin(path)
        found: Explanation | Whereabouts
        if layer is not None:
            found = city.explain_feature(layer, row)
        elif cell is not None and variable is not None:
            found = city.explain(cell, variable, time)
            if replay is not None:
                kept = found.value
                found = replay_value(city, cell, variable, manifest=read_manifest(replay), time=time)
                error_console.print(
                    f"computed again from the raw files: {found.value!r}, kept: {kept!r}", highlight=False
                )
                if found.value != kept:
                    raise TwinError("what is computed now is another value: a file, the manifest or the code changed")
        else:
            raise typer.BadParameter("write a cell and a variable, or --layer and --row")
        if as_json:
            write_json(found.to_json())
        else:
            console.print(plain(repr(found)), highlight=False, soft_wrap=True)


@app.command("fusion-error", epilog=examples("twin fusion-error monaco.twin", "twin fusion-error monaco.twin --json"))
def _fusion_error(path: TwinPath, *, as_json: AsJson = False) -> None:
    """Show how many records stand in another cell than they should, read naively and by this twin."""
    with faults_told():
        report = open_twin(path).fusion_error()
        if as_json:
            write_json(report.to_json())
        else:
            console.print(fusion_table(report, layers=report.layers))
            console.print(fusion_places_table(report))
            for note in report.notes:
                console.print(plain(note), highlight=False, soft_wrap=True)


@app.command("verify", epilog=examples("twin verify monaco.twin"))
def _verify(path: TwinPath, *, as_json: AsJson = False) -> None:
    """Compare every stored file with the hash that was kept when it was written."""
    with faults_told():
        city = open_twin(path)
        faults = city.verify()
        count = f"{len(faults)} fault" + ("" if len(faults) == 1 else "s")
        if as_json:
            write_json({"snapshot": city.snapshot, "faults": faults})
        else:
            for fault in faults:
                error_console.print(f"[red]damaged:[/] {plain(fault)}", highlight=False, soft_wrap=True)
            whole = "[green]whole[/]" if not faults else f"[red]{count}[/], run twin build again"
            console.print(f"snapshot {city.snapshot}: {whole}")
        if faults:
            raise typer.Exit(DAMAGED)


@app.command("info", epilog=examples("twin info monaco.twin"))
def _info(path: TwinPath, *, as_json: AsJson = False) -> None:
    """Show the layers, variables and clock of a twin."""
    with faults_told():
        city = open_twin(path)
        variables = [
            {
                "name": v.name,
                "unit": v.unit,
                "kind": v.kind,
                "layer": v.layer,
                "method": v.method,
                "modelled": v.modelled,
            }
            for v in city.variables.values()
        ]
        if as_json:
            head = {"city": city.name, "title": city.title, "area": city.area, "resolution": city.resolution}
            tail = {"clock": city.clock.to_json(), "layers": list(city.layers), "variables": variables}
            write_json({**head, "snapshot": city.snapshot, **tail})
        else:
            console.print(plain(repr(city)), highlight=False, soft_wrap=True)


@app.command("schema", epilog=examples("twin schema > city.schema.json"))
def _schema() -> None:
    """Write the JSON Schema of city.yaml, for editors that complete and check while you type."""
    write_json(json_schema())


@app.command("doctor", epilog=examples("twin doctor"))
def _doctor(*, as_json: AsJson = False) -> None:
    """Look at this installation: shadowed packages, missing libraries, missing plugins."""
    found = findings()
    if as_json:
        write_json([{"level": f.level, "subject": f.subject, "text": f.text} for f in found])
    for finding in () if as_json else found:
        colour = {"ok": "green", "warning": "yellow", "error": "red"}[finding.level]
        console.print(f"[{colour}]{finding.level}[/] {plain(finding.subject)}: {plain(finding.text)}", soft_wrap=True)
    if any(finding.level == "error" for finding in found):
        raise typer.Exit(FAILED)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
