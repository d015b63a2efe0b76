"""Hashes that were taken once: a file that is linked into a snapshot is the one that a step wrote, and hashed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Known"]

_KEPT = 100_000  # some 30 MB


class Known:
    """Size and hash of files by what the disk calls them, so that a hard link is known by its other name.

    Only a file of the same size that nobody wrote to since counts: the time of writing, not that of linking, is looked
    at.
    """

    def __init__(self) -> None:
        self._told: dict[tuple[int, int], tuple[int, dict[str, Any]]] = {}

    def of(self, path: Path) -> dict[str, Any] | None:
        """Return what is known of a file.

        Parameters
        ----------
        path : Path
            Any of its names.

        Returns
        -------
        dict or None
            ``bytes`` and ``sha256``; None if nothing is known, or it was written to since.
        """
        at = path.stat()
        written, told = self._told.get((at.st_dev, at.st_ino), (0, {"bytes": -1}))
        return told if written == at.st_mtime_ns and told["bytes"] == at.st_size else None

    def vouch(self, path: Path, told: Mapping[str, Any]) -> None:
        """Remember the hash of a file as it is now.

        Parameters
        ----------
        path : Path
            Any of its names.
        told : mapping
            ``bytes`` and ``sha256``.
        """
        at = path.stat()
        while len(self._told) >= _KEPT:
            self._told.pop(next(iter(self._told)), None)
        self._told[at.st_dev, at.st_ino] = at.st_mtime_ns, dict(told)
