"""The command that takes a corrected definition: ``twin correct``."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from twin.commands.frame import AsJson, app, console, default_place, error_console, examples, faults_told, write_json
from twin.commands.tables import ledger_table, plain
from twin.corrections.correction import Correction
from twin.corrections.writing import correct
from twin.errors import TwinError
from twin.manifest.marks import plain as without_marks
from twin.progress.bar import Bar
from twin.progress.pace import Pace
from twin.storage.history import history

__all__: list[str] = []


@app.command(
    "correct",
    epilog=examples(
        "twin correct city.yaml parcels --position GCJ-02 --file parcels_b.csv",
        "twin correct city.yaml wells --position EPSG:4547 --where district=Nanshan --why 'as the survey office says'",
        "twin correct city.yaml taxis --position '{definition: EPSG:4326, axes: lat,lon}' --out monaco.twin",
    ),
)
def _correct(  # noqa: PLR0913 - every option is a parameter
    manifest: Annotated[Path, typer.Argument(help="The city.yaml; the correction is written into it")],
    layer: Annotated[str, typer.Argument(help="Layer whose definition was wrong")],
    *,
    position: Annotated[str, typer.Option(help="What its positions mean: a name, code or mapping")],
    file: Annotated[str | None, typer.Option(help="For the records of this file alone")] = None,
    where: Annotated[
        list[str] | None, typer.Option(help="For the records with this value alone", metavar="COLUMN=VALUE")
    ] = None,
    why: Annotated[str, typer.Option(help="For those who read the city.yaml later")] = "",
    by: Annotated[str, typer.Option(help="Who says so")] = "",
    date: Annotated[str, typer.Option(help="When that was found out: 2026-11-22")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder of the twin; default: <city>.twin here")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Worker processes on this machine; 0: none, in this one")] = 2,
    as_json: AsJson = False,
) -> None:
    """Correct the definition of a layer, of one of its files or of some rows; only what that touches is done again."""
    with faults_told():
        correction = Correction(
            dataset=layer,
            position=_said(position),
            file=file,
            where=dict(map(_pair, where or [])),
            why=why,
            by=by,
            date=date,
        )
        place = out or default_place(manifest)
        with nullcontext(Pace()) if as_json else Bar(error_console) as watcher:
            city = correct(manifest, correction, out=place, workers=workers, watcher=watcher)
        done, reused = history(place)[-1].parts
        if as_json:
            write_json({"twin": str(place), "snapshot": city.snapshot, "parts": {"done": done, "reused": reused}})
            return
        console.print(ledger_table(city))
        console.print(
            f"[green]corrected[/] {plain(str(place))} (snapshot {city.snapshot}): "
            f"{done} partitions done, {reused} reused",
            soft_wrap=True,
        )


def _said(text: str) -> Any:  # noqa: ANN401 - whatever a position may be
    """Read a definition as the city.yaml has it."""
    try:
        return without_marks(YAML(typ="rt", pure=True).load(text)) if text.lstrip().startswith("{") else text
    except YAMLError:
        raise TwinError(f"--position {text!r} is no YAML; write a name, a code, or {{definition: …}}") from None


def _pair(text: str) -> tuple[str, str]:
    column, sign, value = text.partition("=")
    if not sign or not column:
        raise TwinError(f"--where {text!r}: write COLUMN=VALUE, such as district=Nanshan")
    return column, value
