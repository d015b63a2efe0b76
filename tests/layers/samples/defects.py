"""What happens to files on the way: ways to break one, and what a reader may make of it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import crs
import layers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.layers.samples.model import Sample

__all__ = ["CANARY", "DEFECTS", "Outcome", "judge"]

#: Stands in files outside the root; must never stand in what is read.
CANARY = "canary-4f1d"
_VRT = (
    '<VRTDataset rasterXSize="9" rasterYSize="9"><VRTRasterBand dataType="Byte" band="1" subClass="VRTRawRasterBand">'
    '<SourceFilename relativetoVRT="0">{path}</SourceFilename></VRTRasterBand></VRTDataset>'
)


def _cut(data: bytes) -> bytes:
    return data[: len(data) * 6 // 10]


def _garbage(data: bytes) -> bytes:
    size = max(16, len(data) // 50)
    middle = len(data) // 2
    return data[:middle] + np.random.default_rng(len(data)).bytes(size) + data[middle + size :]


#: Each takes the content of a sound file and the path of one outside the root.
DEFECTS: Mapping[str, Callable[[bytes, str], bytes]] = {
    "empty": lambda _data, _path: b"",
    "first twentieth": lambda data, _path: data[: max(1, len(data) // 20)],
    "cut to 60 %": lambda data, _path: _cut(data),
    "garbage within": lambda data, _path: _garbage(data),
    "wrong magic": lambda data, _path: b"\xde\xad\xbe\xef" * 2 + data[8:],
    "names another file": lambda _data, path: _VRT.format(path=path).encode(),
}


@dataclass(frozen=True)
class Outcome:
    """What came of reading one file.

    Parameters
    ----------
    refusal : str or None
        The message, if it was refused.
    records : int
        Records that were accounted for.
    fault : str or None
        What must not be: a message without the file's name, a sum that does not close, another file's content.
    """

    refusal: str | None
    records: int = 0
    fault: str | None = None


def judge(path: Path, sample: Sample) -> Outcome:
    """Read a file that may be broken, and hold what comes of it against the rules."""
    options = sample.options
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            layer = layers.read(path, position=sample.position, options=options)
    except layers.ReaderFailedError as error:
        return Outcome(str(error), fault=f"the reader failed: {error}")
    except (layers.LayerError, crs.CrsError) as error:
        said = str(error)
        unnamed = path.name not in said and not said.startswith(path.name.split(".")[0])
        fault = f"the file is not named: {said}" if unnamed else None
        return Outcome(said, fault=_betrayed(said) or fault)
    ledger = layer.ledger.balance()
    held = (
        [*map(str, layer.column(layer.variable)[:1])]
        if isinstance(layer, layers.RasterLayer)
        else [
            layer.table.to_string(max_rows=200),
            ledger.quarantined.to_string(max_rows=200),
            ledger.rejected.to_string(max_rows=200),
        ]
    )
    placed = len(layer) if isinstance(layer, layers.RasterLayer) else len(layer.table)
    fault = f"{placed} rows, but {ledger.placed} placed" if placed != ledger.placed else None
    return Outcome(None, ledger.records_in, _betrayed(" ".join(held)) or fault)


def _betrayed(text: str) -> str | None:
    return f"holds what stands outside the root: {text[:200]}" if CANARY in text else None
