"""What can go wrong while a twin is described, built, kept or asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class TwinError(Exception):
    """Base of every error that this package raises on purpose."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that is wrong in a ``city.yaml``.

    Parameters
    ----------
    line : int
        Line of the file, counted from 1.
    where : str
        Dotted path of the entry, such as ``datasets.air.level``.
    found : str
        What stands there now.
    remedy : str
        What to write instead.
    """

    line: int
    where: str
    found: str
    remedy: str


class ManifestError(TwinError):
    """A ``city.yaml`` cannot be used; all of its faults are listed at once.

    Parameters
    ----------
    path : Path
        The file.
    faults : tuple of Fault
        Every fault that was found, in line order.
    """

    def __init__(self, path: Path, faults: tuple[Fault, ...]) -> None:
        self.path = path
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.line, fault.where)))
        count = f"{len(faults)} fault" + ("" if len(faults) == 1 else "s")
        lines = [f"{path.name} has {count}:"]
        lines += [f"  {path.name}:{f.line}: {f.where}: found {f.found}; {f.remedy}" for f in self.faults]
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[type[ManifestError], tuple[Path, tuple[Fault, ...]]]:
        """Cross a process border whole.

        Returns
        -------
        tuple
            The class and the arguments that remake this error.
        """
        return type(self), (self.path, self.faults)


class TwinNotFoundError(TwinError):
    """The folder is no twin, or holds no finished snapshot."""


class StoreDamagedError(TwinError):
    """A stored file is missing or its bytes are not those that were written."""


class UnknownNameError(TwinError):
    """A variable, layer or cell was asked for that this twin does not hold."""


class BuildError(TwinError):
    """A step of a build could not be carried out."""


class WorkerDiedError(BuildError):
    """A worker process ended each time that it was given a task."""


class BusyError(TwinError):
    """Another process writes to the twin."""


class ExportError(TwinError):
    """What is asked for cannot be written in this format, or stands there already."""


class TruthError(TwinError):
    """What is said about where records truly are does not fit them."""


class SeriesError(TwinError):
    """Times of a dataset cannot be laid on the city's clock."""


class MeasureError(TwinError):
    """A measure was asked of what does not hold what its formula needs."""


class PluginMissingError(TwinError):
    """A command needs a package that has not registered itself."""


class TileNotFoundError(TwinError):
    """An address names no tile of this twin."""
