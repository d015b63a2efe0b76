"""The command line: ``twin build|serve|explain|ledger|fusion-error|verify|schema|doctor|info``."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import contextmanager, nullcontext
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from crs import CrsError
from layers import LayerError
from spatial_join import JoinError
from twin.build import build as build_twin
from twin.doctor import findings
from twin.errors import ManifestError, PluginMissingError, StoreDamagedError, TwinError
from twin.fusion import POOLED
from twin.manifest import json_schema
from twin.model import Twin
from twin.model import open as open_twin
from twin.progress import Bar, Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from twin.fusion import FusionReport

PLUGINS = "twin.plugins"

# Exit codes, so that scripts can tell what happened.
FAILED, USAGE, FAULTY_MANIFEST, DAMAGED = 1, 2, 3, 4

app = typer.Typer(
    name="twin",
    help="A city's digital twin: from raw files in conflicting positions to a 3D city.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)

TwinPath = Annotated[Path, typer.Argument(help="Folder of the twin, such as monaco.twin", metavar="TWIN")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON to standard output")]

_out = Console()
_err = Console(stderr=True)


def _examples(*lines: str) -> str:
    return "**Examples**\n\n" + "\n\n".join(f"`{line}`" for line in lines)


@contextmanager
def _faults_told() -> Iterator[None]:
    """Turn what users can mend into a message and an exit code."""
    try:
        yield
    except ManifestError as error:
        _fail(error, FAULTY_MANIFEST)
    except StoreDamagedError as error:
        _fail(error, DAMAGED)
    except (TwinError, CrsError, LayerError, JoinError) as error:
        _fail(error, FAILED)
    except KeyboardInterrupt:
        _err.print("stopped; what was finished is kept, the same command goes on from there")
        raise typer.Exit(130) from None


def _fail(error: Exception, code: int) -> None:
    _err.print(f"[red]error:[/] {_plain(str(error))}", highlight=False, soft_wrap=True)
    raise typer.Exit(code) from None


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


def _write_json(tree: Any) -> None:  # noqa: ANN401 - JSON is of any type
    sys.stdout.write(json.dumps(tree, ensure_ascii=False, indent=2, default=str) + "\n")


@app.callback()
def _every_command(
    *,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what is done to standard error")] = False,
) -> None:
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(name)s: %(message)s")


@app.command("build", epilog=_examples("twin build city.yaml", "twin build city.yaml --out monaco.twin --workers 2"))
def _build(
    manifest: Annotated[Path, typer.Argument(help="The city.yaml")],
    *,
    out: Annotated[Path | None, typer.Option(help="Folder of the twin; default: <city>.twin here")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Worker processes on this machine; 0: none, in this one")] = 2,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask cluster, such as tcp://10.0.0.5:8786")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Build a twin from a city.yaml; a second build reuses what did not change."""
    with _faults_told():
        place = out or Path(f"{manifest.stem if manifest.stem != 'city' else manifest.resolve().parent.name}.twin")
        with nullcontext(Silent()) if as_json else Bar(_err) as watcher:
            city = build_twin(manifest, out=place, workers=workers, scheduler=scheduler, watcher=watcher)
        if as_json:
            tree: dict[str, Any] = {"twin": str(place), "snapshot": city.snapshot, "ledger": _ledger_rows(city)}
            _write_json(tree | ({"fusion": city.fusion_error().to_json()} if city.states_truth else {}))
        else:
            _print_ledger(city)
            if city.states_truth:
                _print_fusion(city.fusion_error(), layers=[POOLED])
            _tell_doubts(city)
            told = f"[green]built[/] {_plain(str(place))} (snapshot {city.snapshot}); look at it: twin serve {place}"
            _out.print(told, soft_wrap=True)


@app.command("serve", epilog=_examples("twin serve monaco.twin", "twin serve monaco.twin --port 8080 --open"))
def _serve(
    path: TwinPath,
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on")] = 5006,
    address: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    open_browser: Annotated[bool, typer.Option("--open", help="Open a browser at it")] = False,
) -> None:
    """Show a twin in the browser, on this machine only unless another address is given."""
    with _faults_told():
        open_twin(path)  # a wrong path is said here, not in the browser
        plugin("serve")(path, port=port, address=address, open_browser=open_browser)


@app.command("explain", epilog=_examples("twin explain monaco.twin 8c3969a4e1acdff no2 --time 2026-06-16T08:00"))
def _explain(
    path: TwinPath,
    cell: Annotated[str, typer.Argument(help="H3 cell, hexadecimal")],
    variable: Annotated[str, typer.Argument(help="Variable of the cube")],
    *,
    time: Annotated[str | None, typer.Option(help="Local time, or time of day; default: first with a value")] = None,
    as_json: AsJson = False,
) -> None:
    """Say where the value of a cell comes from."""
    with _faults_told():
        found = open_twin(path).explain(cell, variable, time)
        if as_json:
            sources = json.loads(found.sources.to_json(orient="records", date_format="iso"))
            head = {key: getattr(found, key) for key in ("variable", "time", "value", "unit", "steps")}
            _write_json({"cell": f"{found.cell:x}", **head, "sources": sources})
        else:
            _out.print(_plain(repr(found)), highlight=False, soft_wrap=True)


@app.command("ledger", epilog=_examples("twin ledger monaco.twin", "twin ledger monaco.twin --json"))
def _ledger(path: TwinPath, *, as_json: AsJson = False) -> None:
    """Show what became of every record: in = placed + quarantined + rejected."""
    with _faults_told():
        city = open_twin(path)
        if as_json:
            _write_json(_ledger_rows(city))
        else:
            _print_ledger(city)


@app.command("fusion-error", epilog=_examples("twin fusion-error monaco.twin", "twin fusion-error monaco.twin --json"))
def _fusion_error(path: TwinPath, *, as_json: AsJson = False) -> None:
    """Show how many records stand in another cell than they should, read naively and by this twin."""
    with _faults_told():
        report = open_twin(path).fusion_error()
        if as_json:
            _write_json(report.to_json())
        else:
            _print_fusion(report, layers=report.layers)
            for note in report.notes:
                _out.print(_plain(note), highlight=False, soft_wrap=True)


@app.command("verify", epilog=_examples("twin verify monaco.twin"))
def _verify(path: TwinPath, *, as_json: AsJson = False) -> None:
    """Compare every stored file with the hash that was kept when it was written."""
    with _faults_told():
        city = open_twin(path)
        faults = city.verify()
        count = f"{len(faults)} fault" + ("" if len(faults) == 1 else "s")
        if as_json:
            _write_json({"snapshot": city.snapshot, "faults": faults})
        else:
            for fault in faults:
                _err.print(f"[red]damaged:[/] {_plain(fault)}", highlight=False, soft_wrap=True)
            whole = "[green]whole[/]" if not faults else f"[red]{count}[/], run twin build again"
            _out.print(f"snapshot {city.snapshot}: {whole}")
        if faults:
            raise typer.Exit(DAMAGED)


@app.command("info", epilog=_examples("twin info monaco.twin"))
def _info(path: TwinPath, *, as_json: AsJson = False) -> None:
    """Show the layers, variables and clock of a twin."""
    with _faults_told():
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
            _write_json({**head, "snapshot": city.snapshot, **tail})
        else:
            _out.print(_plain(repr(city)), highlight=False, soft_wrap=True)


@app.command("schema", epilog=_examples("twin schema > city.schema.json"))
def _schema() -> None:
    """Write the JSON Schema of city.yaml, for editors that complete and check while you type."""
    _write_json(json_schema())


@app.command("doctor", epilog=_examples("twin doctor"))
def _doctor(*, as_json: AsJson = False) -> None:
    """Look at this installation: shadowed packages, missing libraries, missing plugins."""
    found = findings()
    if as_json:
        _write_json([{"level": f.level, "subject": f.subject, "text": f.text} for f in found])
    for finding in () if as_json else found:
        colour = {"ok": "green", "warning": "yellow", "error": "red"}[finding.level]
        _out.print(f"[{colour}]{finding.level}[/] {_plain(finding.subject)}: {_plain(finding.text)}", soft_wrap=True)
    if any(finding.level == "error" for finding in found):
        raise typer.Exit(FAILED)


def plugin(name: str) -> Callable[..., Any]:
    """Return what another package registered under a name.

    Parameters
    ----------
    name : str
        Such as ``serve``.

    Returns
    -------
    callable
        The registered function.

    Raises
    ------
    PluginMissingError
        If nothing is registered, or it cannot be imported.
    """
    found = list(metadata.entry_points(group=PLUGINS, name=name))
    if not found:
        raise PluginMissingError(
            f"nothing is registered as {name!r}: install the whole distribution, `pip install city-twin`"
        )
    try:
        loaded: Callable[..., Any] = found[0].load()
    except (ImportError, AttributeError) as error:
        raise PluginMissingError(
            f"{found[0].value} is registered as {name!r} but cannot be loaded ({error})"
        ) from error
    return loaded


def _ledger_rows(city: Twin) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(city.ledger().reset_index().to_json(orient="records"))
    return rows


def _print_ledger(city: Twin) -> None:
    title = f"Ledger of {city.title.get('en', city.name)}: in = placed + set aside + rejected"
    table = Table(title=title, show_footer=True, box=SIMPLE_HEAD, pad_edge=False, padding=0, collapse_padding=True)
    columns = ("records_in", "placed", "quarantined", "rejected")
    layers = list(city.layers.values())
    table.add_column("layer", "all", no_wrap=True)
    for column, head in zip(columns, ("in", "placed", "set aside", "rejected"), strict=True):
        table.add_column(head, f"{sum(getattr(layer, column) for layer in layers):,}", justify="right", no_wrap=True)
    table.add_column("sigma m", justify="right", no_wrap=True)
    table.add_column("why", min_width=18, overflow="fold")
    for layer in layers:
        counts = (f"{getattr(layer, column):,}" for column in columns)
        # the fate before the colon is told by the column that counts it
        reasons = "\n".join(f"{code.split(':', 1)[-1]} {count:,}" for code, count in layer.reasons.items())
        if (layer.vertical or "").startswith("unresolved"):
            reasons += "\nheights unresolved"
        table.add_row(layer.name, *counts, f"{layer.sigma_m:.1f}", _plain(reasons.strip()))
    _out.print(table)


def _print_fusion(report: FusionReport, *, layers: Sequence[str]) -> None:
    """Show D and F in percent, before and after."""
    title = "Fusion error: % of records in another cell than the oracle's (D) or the true one (F), read naively → here"
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, padding=0, collapse_padding=True)
    table.add_column("layer", no_wrap=True)
    for head in ("", "D", "→", "F", "→", "floor", "mass", "link", "placed"):
        table.add_column(head, justify="right", no_wrap=True)
    naive, ours = report.table.loc["naive"], report.table.loc["ours"]
    levels = sorted({level for _, level in ours.index})
    for layer, level in ((layer, level) for layer in layers for level in levels):
        before, after = naive.loc[(layer, level)], ours.loc[(layer, level)]
        values = [before["d"], after["d"], before["f"], after["f"]]
        values += [after[column] for column in ("floor", "moved_mass", "wrong_link", "coverage")]
        shown = ("" if pd.isna(value) else f"{100 * value:.1f}" for value in values)
        table.add_row(layer if level == levels[0] else "", f"r{level}", *shown)
    _out.print(table)


def _tell_doubts(city: Twin) -> None:
    """Say what a build without an error may still not have been meant to give."""
    doubts = [
        f"{layer.name}: none of its {layer.records_in:,} records was placed; are `position:` with its order of axes "
        "and `area:` (min_lon, min_lat, max_lon, max_lat) right?"
        for layer in city.layers.values()
        if layer.records_in and not layer.placed
    ]
    doubts += [f"{v.name}: {v.method}" for v in city.variables.values() if v.method.startswith("no field")]
    for doubt in doubts:
        _err.print(f"[yellow]warning:[/] {_plain(doubt)}", highlight=False, soft_wrap=True)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
