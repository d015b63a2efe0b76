"""What all commands share: the application, exit codes, and how faults are told."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from crs import CrsError
from layers import LayerError
from spatial_join import JoinError
from twin.commands.tables import plain
from twin.errors import ManifestError, StoreDamagedError, TwinError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Exit codes, so that scripts can tell what happened.
FAILED, USAGE, FAULTY_MANIFEST, DAMAGED, AMBIGUOUS, UNKNOWN = 1, 2, 3, 4, 5, 6

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

console = Console()
error_console = Console(stderr=True)


def examples(*lines: str) -> str:
    """Lay out examples for the help of a command.

    Parameters
    ----------
    *lines : str
        Commands.

    Returns
    -------
    str
        Markdown.
    """
    return "**Examples**\n\n" + "\n\n".join(f"`{line}`" for line in lines)


@contextmanager
def faults_told() -> Iterator[None]:
    """Turn what users can mend into a message and an exit code.

    Yields
    ------
    None
        While a command works.

    Raises
    ------
    typer.Exit
        With the code of what went wrong.
    """
    try:
        yield
    except ManifestError as error:
        fail(error, FAULTY_MANIFEST)
    except StoreDamagedError as error:
        fail(error, DAMAGED)
    except (TwinError, CrsError, LayerError, JoinError) as error:
        fail(error, FAILED)
    except KeyboardInterrupt:
        error_console.print("stopped; what was finished is kept, the same command goes on from there")
        raise typer.Exit(130) from None


def fail(error: Exception, code: int) -> None:
    """Tell an error and end.

    Parameters
    ----------
    error : Exception
        What users can mend.
    code : int
        Exit code.

    Raises
    ------
    typer.Exit
        Always.
    """
    error_console.print(f"[red]error:[/] {plain(str(error))}", highlight=False, soft_wrap=True)
    raise typer.Exit(code) from None


def write_json(tree: Any) -> None:  # noqa: ANN401 - JSON is of any type
    """Write JSON to standard output.

    Parameters
    ----------
    tree : object
        JSON types; others as text.
    """
    sys.stdout.write(json.dumps(tree, ensure_ascii=False, indent=2, default=str) + "\n")


@app.callback()
def _every_command(
    *,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what is done to standard error")] = False,
) -> None:
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(name)s: %(message)s")


def default_place(manifest: Path) -> Path:
    """Return the folder of a twin that nobody named.

    Parameters
    ----------
    manifest : Path
        Its ``city.yaml``.

    Returns
    -------
    Path
        ``<city>.twin`` here.
    """
    return Path(f"{manifest.stem if manifest.stem != 'city' else manifest.resolve().parent.name}.twin")
