"""Commands that give account of records: ``twin ledger|quality|replay``."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

import layers
from twin.build import build as build_twin
from twin.commands.frame import AsJson, TwinPath, app, console, error_console, examples, faults_told, write_json
from twin.commands.tables import ledger_table, plain, positions_told
from twin.daily import DAILY
from twin.manifest.reading import read_manifest
from twin.model import Twin
from twin.model import open as open_twin
from twin.progress.bar import Bar
from twin.progress.pace import Pace
from twin.replay import replay

if TYPE_CHECKING:
    from twin.replay import Replay

_KEYS = ("row", "fate", "source", "reason")
_SHOWN = 20

Dataset = Annotated[str | None, typer.Option(help="Only this layer, file by file and record by record")]
Code = Annotated[str | None, typer.Option(help="Only records with this reason code, such as out_of_range")]


@app.command(
    "ledger",
    epilog=examples(
        "twin ledger monaco.twin",
        "twin ledger monaco.twin --dataset probes --reason out_of_range",
        "twin ledger monaco.twin --json",
    ),
)
def _ledger(path: TwinPath, *, dataset: Dataset = None, reason: Code = None, as_json: AsJson = False) -> None:
    """Show what became of every record: in = placed + quarantined + rejected."""
    with faults_told():
        city = open_twin(path)
        if dataset is None and reason is None:
            if as_json:
                write_json(ledger_rows(city))
            else:
                console.print(ledger_table(city))
                tell_positions(city)
            return
        accounts = [_account(city, name, reason) for name in (city.layers if dataset is None else [dataset])]
        if as_json:
            write_json(accounts if dataset is None else accounts[0])
            return
        for account in accounts:
            if dataset is not None or account["records"]:
                _print_account(account)


def ledger_rows(city: Twin) -> list[dict[str, Any]]:
    """Return the ledger as JSON can say it.

    Parameters
    ----------
    city : Twin
        Built.

    Returns
    -------
    list of dict
        One a layer.
    """
    rows: list[dict[str, Any]] = json.loads(city.ledger().reset_index().to_json(orient="records"))
    return rows


def tell_positions(city: Twin) -> None:
    """Print what was found of positions.

    Parameters
    ----------
    city : Twin
        Built.
    """
    for line in positions_told(city):
        console.print(line, highlight=False, soft_wrap=True)


def _account(city: Twin, name: str, reason: str | None) -> dict[str, Any]:
    """Gather what is known of the records of a layer."""
    aside = city.quarantine(name)
    if reason is not None:
        codes = aside["reason"].str.split("; ").map(lambda parts: {part.split(":")[0] for part in parts})
        aside = aside[codes.map(lambda found: reason in found).astype(bool)]
    info = city.layers[name]
    original = aside.drop(columns=list(_KEYS)).astype(object)
    records = [
        {
            **dict(zip(_KEYS, keys, strict=True)),
            "original": {column: value for column, value in values.items() if not pd.isna(value)},
        }
        for keys, values in zip(
            aside[list(_KEYS)].astype(object).to_numpy().tolist(), original.to_dict(orient="records"), strict=True
        )
    ]
    return {
        "layer": name,
        "files": {source: dict(told) for source, told in info.sources.items()},
        "reasons": dict(info.reasons),
        "repairs": dict(info.repairs),
        "records": records,
    }


def _print_account(account: dict[str, Any]) -> None:
    table = Table(title=f"{account['layer']}: file by file", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("file", overflow="fold")
    heads = ("records_in", "placed", "quarantined", "rejected")
    for head in heads:
        table.add_column(head.removeprefix("records_"), justify="right")
    for source, told in account["files"].items():
        table.add_row(plain(source), *(f"{told[head]:,}" for head in heads))
    console.print(table)
    for rule, count in account["repairs"].items():
        console.print(f"repaired by {rule}: {count:,} records (each cell: Twin.repairs)", highlight=False)
    records = account["records"]
    for record in records[:_SHOWN]:
        console.print(
            plain(f"row {record['row']} {record['fate']}: {record['reason']}"), highlight=False, soft_wrap=True
        )
    if len(records) > _SHOWN:
        console.print(f"… and {len(records) - _SHOWN:,} more; --json writes all of them as they came", highlight=False)


@app.command(
    "quality",
    epilog=examples("twin quality monaco.twin", "twin quality monaco.twin --by-day", "twin quality monaco.twin --json"),
)
def _quality(
    path: TwinPath,
    *,
    by_day: Annotated[bool, typer.Option("--by-day", help="A line for each local day of layers with times")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how good the records of each layer are: red, yellow or green by the thresholds of the manifest."""
    with faults_told():
        city = open_twin(path)
        if by_day:
            _by_day(city.daily_quality().reset_index(), as_json=as_json)
            return
        if as_json:
            write_json([{"layer": name, **info.quality} for name, info in city.layers.items()])
            return
        console.print(quality_table(city))


def _by_day(days: pd.DataFrame, *, as_json: bool) -> None:
    plain_days = days.astype(object).where(days.notna(), None).to_dict(orient="records")
    if as_json:
        write_json(plain_days)
        return
    table = Table(title="Quality of records by day, %", box=SIMPLE_HEAD, pad_edge=False)
    for head in ("layer", "day", "", *DAILY):
        table.add_column(head, no_wrap=True)
    for told in plain_days:
        cells = [_percent({"score": told[name], "colour": told[f"{name}_colour"]}) for name in DAILY]
        table.add_row(plain(told["layer"]), told["day"], _painted(told["colour"], told["colour"]), *cells)
    console.print(table)


def quality_table(city: Twin) -> Table:
    """Lay the quality of the layers of a twin out.

    Parameters
    ----------
    city : Twin
        Built.

    Returns
    -------
    rich.table.Table
        A line a layer: per cent and colour of each measure.
    """
    title = "Quality of records, %: worst measure first"
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, padding=0, collapse_padding=True)
    table.add_column("layer", no_wrap=True)
    table.add_column("", no_wrap=True)
    for measure in layers.MEASURES:
        table.add_column(measure.removesuffix("ness"), justify="right", no_wrap=True)
    for name, info in city.layers.items():
        told = info.quality
        cells = [_percent(told[measure]) for measure in layers.MEASURES] if told else []
        table.add_row(name, _painted(told.get("colour", ""), told.get("colour", "")), *cells)
    return table


def _percent(measure: dict[str, Any]) -> str:
    return "" if measure["score"] is None else _painted(f"{100 * measure['score']:.1f}", measure["colour"])


def _painted(text: str, colour: str) -> str:
    return f"[{colour}]{text}[/]" if colour else text


@app.command(
    "replay",
    epilog=examples(
        "twin replay monaco.twin probes --manifest city.yaml --dry-run",
        "twin replay monaco.twin probes --manifest city.yaml --reason out_of_range",
    ),
)
def _replay(  # noqa: PLR0913 - every option is a parameter
    path: TwinPath,
    dataset: Annotated[str, typer.Argument(help="Layer whose quarantine is read again")],
    *,
    manifest: Annotated[Path, typer.Option(help="The city.yaml, mended")],
    reason: Code = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be placed")] = False,
    workers: Annotated[int, typer.Option(min=0, help="Worker processes of the build")] = 2,
    as_json: AsJson = False,
) -> None:
    """Read quarantined records once more, as they came, under a mended manifest, and build the twin with it."""
    with faults_told():
        found = replay(open_twin(path), dataset, read_manifest(manifest), reason=reason)
        tree = found.to_json()
        if not as_json:
            _print_replay(found)
        if not dry_run:
            with nullcontext(Pace()) if as_json else Bar(error_console) as watcher:
                city = build_twin(manifest, out=path, workers=workers, watcher=watcher)
            tree |= {"snapshot": city.snapshot, "built": {k: getattr(city.layers[dataset], k) for k in tree["after"]}}
            if not as_json:
                console.print(ledger_table(city))
        if as_json:
            write_json(tree)


def _print_replay(found: Replay) -> None:
    tree = found.to_json()
    still = ", ".join(f"{code} {count:,}" for code, count in tree["still"].items())
    console.print(
        f"{found.dataset}: {tree['replayed']:,} read again, {tree['placed']:,} can be placed"
        + (f"; still set aside: {still}" if still else ""),
        highlight=False,
        soft_wrap=True,
    )
    console.print(f"before {found.before.summary()}", highlight=False, soft_wrap=True)
    console.print(f"after  {found.after.summary()}", highlight=False, soft_wrap=True)
