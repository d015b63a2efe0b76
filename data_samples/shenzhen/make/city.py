"""Makes the whole city: every raw file, where each of its records truly is, and the list of digests."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from data_samples.monaco.make import write
from data_samples.shenzhen.make import streets

if TYPE_CHECKING:
    from pathlib import Path


def make_city(wheel: Path | None, out: Path) -> None:
    """Make every raw file, the true positions and the list of digests.

    Parameters
    ----------
    wheel : Path or None
        The wheel of aequilibrae that carries the streets; the installed package if None.
    out : Path
        Folder that gets ``raw/``, ``truth/`` and ``SHA256SUMS``.
    """
    raw, truth = out / "raw", out / "truth"
    for folder in (raw, truth):
        folder.mkdir(parents=True, exist_ok=True)
    links = streets.read(wheel)
    write.geoparquet(links, raw / "streets.parquet")
    write.truth(*write.centres(links), truth / "streets.parquet")
    write_digests(out)


def write_digests(out: Path) -> None:
    """Write ``SHA256SUMS`` over all raw files and truths, in the form that sha256sum reads."""
    files = sorted(path for folder in ("raw", "truth") for path in (out / folder).iterdir())
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(out).as_posix()}\n" for path in files]
    (out / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")
