"""Take a corrected definition without starting over: write it into the ``city.yaml``, and build what it touches."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from twin.build import build
from twin.corrections.correction import Correction
from twin.errors import TwinError, UnknownNameError
from twin.manifest.marks import plain
from twin.manifest.reading import read_manifest
from twin.model import enter_correct
from twin.store import write_bytes

if TYPE_CHECKING:
    from twin.model import Twin
    from twin.progress.protocol import Watcher

__all__ = ["Correction", "correct", "with_correction"]

_INDENT = 2


def correct(
    manifest: str | Path,
    correction: Correction,
    *,
    out: str | Path,
    workers: int = 2,
    watcher: Watcher | None = None,
) -> Twin:
    """Correct a definition, and build only what it touches.

    Parameters
    ----------
    manifest : str or Path
        The ``city.yaml``; the correction is written into it under ``corrections:``, and nothing else of it changes.
    correction : Correction
        What was found out.
    out : str or Path
        Folder of the twin.
    workers : int, optional
        Worker processes; 0 works in this process.
    watcher : Watcher, optional
        Is told how the build goes on.

    Returns
    -------
    Twin
        The same, to the byte, as a build from scratch with the corrected file makes.

    Raises
    ------
    ManifestError
        If the correction is none: an unknown file, a definition that cannot be read. The file is as it was.
    BuildError
        If it cannot be carried out: no such column, no operation. The file is as it was.
    UnknownNameError
        If there is no such dataset.
    """
    path = Path(manifest)
    read_manifest(path)
    before = path.read_bytes()
    mode = path.stat().st_mode
    write_bytes(path, with_correction(before.decode("utf-8"), correction).encode())
    path.chmod(mode)
    try:
        return build(path, out=out, workers=workers, watcher=watcher)
    except TwinError:
        write_bytes(path, before)
        path.chmod(mode)
        raise


def with_correction(text: str, correction: Correction) -> str:
    """Write a correction into the text of a ``city.yaml``, the newest first.

    Parameters
    ----------
    text : str
        The file.
    correction : Correction
        What was found out.

    Returns
    -------
    str
        The same lines and some more; only a dataset that is written in braces is written anew.

    Raises
    ------
    UnknownNameError
        If there is no such dataset.
    """
    tree = YAML(typ="rt", pure=True).load(text)
    datasets = tree.get("datasets", {}) if isinstance(tree, CommentedMap) else {}
    if correction.dataset not in datasets:
        known = ", ".join(map(str, datasets)) or "none"
        raise UnknownNameError(f"there is no dataset {correction.dataset!r} to correct; there is: {known}")
    entry = datasets[correction.dataset]
    wanted = plain(tree)
    inner = wanted["datasets"][correction.dataset]
    inner["corrections"] = [correction.to_json(), *inner.get("corrections", [])]
    for written in (_inserted(text, entry, correction), _written_anew(tree, correction)):
        if written is not None and _says(written) == wanted:
            return written
    raise TwinError(f"the correction cannot be written into this file: write corrections: under {correction.dataset}")


def _says(text: str) -> object:
    return plain(YAML(typ="rt", pure=True).load(text))


def _item(correction: Correction, indent: int) -> list[str]:
    """Return the lines of one correction; JSON is YAML, and every text in it is quoted as it must be."""
    told = {word: json.dumps(value, ensure_ascii=False) for word, value in correction.to_json().items()}
    return [
        f"{' ' * indent}{'- ' if place == 0 else '  '}{word}: {value}"
        for place, (word, value) in enumerate(told.items())
    ]


def _inserted(text: str, entry: object, correction: Correction) -> str | None:
    """Insert a correction as lines; None if the dataset is not written line by line."""
    if not isinstance(entry, CommentedMap) or entry.fa.flow_style() or not entry.lc.data:
        return None
    lines = text.splitlines(keepends=True)
    column = int(entry.lc.col)
    former = entry.get("corrections")
    if isinstance(former, CommentedSeq) and former and not former.fa.flow_style():
        place = int(former.lc.data[0][0])
        indent = len(lines[place]) - len(lines[place].lstrip())
        new = _item(correction, indent)
    elif former is None and "corrections" not in entry:
        place = int(entry.lc.data[next(iter(entry))][0])
        new = [f"{' ' * column}corrections:", *_item(correction, column + _INDENT)]
    else:
        return None
    lines[place:place] = [f"{line}\n" for line in new]
    return "".join(lines)


def _written_anew(tree: CommentedMap, correction: Correction) -> str:
    """Write the whole file with the correction in it; comments stay, spacing may change."""
    entry = tree["datasets"][correction.dataset]
    entry["corrections"] = [correction.to_json(), *(entry.get("corrections") or [])]
    writer = YAML(typ="rt", pure=True)
    writer.preserve_quotes = True
    writer.width = 4096
    stream = io.StringIO()
    writer.dump(tree, stream)
    return stream.getvalue()


enter_correct(correct)
