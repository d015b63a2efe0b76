"""Keeping house: remove what nobody needs, and take a twin to a safe place and back."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from twin.errors import StoreDamagedError, TwinError, TwinNotFoundError
from twin.steps.work import parts_of
from twin.storage.history import history
from twin.storage.leftovers import clear_leftovers
from twin.storage.links import size_on_disk
from twin.storage.locks import locked, try_exclusive
from twin.storage.snapshot import open_snapshot
from twin.store import CURRENT, RUNS, SNAPSHOTS, WORK, faults_of, new_folder, sync_tree
from twin.tiles.baked import FOLDER, faults_of_tiles, files_of_tiles, remove_unlisted

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Removed", "backup", "collect_garbage", "restore"]


@dataclass(frozen=True, kw_only=True)
class Removed:
    """What a clean-up removed.

    Parameters
    ----------
    snapshots : tuple of str
        Ids of the snapshots.
    steps : int
        Finished steps of former builds.
    leftovers : int
        Unfinished files and folders of builds that were stopped.
    size : int
        Bytes that were freed.
    in_use : tuple of str
        Ids of snapshots that would have gone, but are being read.
    """

    snapshots: tuple[str, ...]
    steps: int
    leftovers: int
    size: int
    in_use: tuple[str, ...]


def collect_garbage(twin: str | Path, *, keep: int = 3) -> Removed:
    """Remove old snapshots, steps that no kept snapshot was made of, and what stopped builds left.

    Parameters
    ----------
    twin : str or Path
        Folder of the twin.
    keep : int
        Snapshots to keep, the current one included: those that were recorded last.

    Returns
    -------
    Removed
        What is gone; a snapshot that a process holds open stays.

    Raises
    ------
    TwinNotFoundError
        If the folder is no twin.
    BusyError
        If a build is at work.
    TwinError
        If ``keep`` is below 1.
    """
    twin = Path(twin)
    if keep < 1:
        raise TwinError(f"keep={keep}: at least the current snapshot stays; write 1 or more")
    current = open_snapshot(twin).id
    runs = history(twin)
    latest = list(dict.fromkeys([current, *(run.snapshot for run in reversed(runs))]))[:keep]
    with locked(twin):
        before = _size(twin)
        gone: list[str] = []
        in_use: list[str] = []
        for folder in sorted((twin / SNAPSHOTS).iterdir()):
            if folder.name in latest or folder.name.startswith("."):
                continue
            (gone if _remove_unused(folder) else in_use).append(folder.name)
        leftovers = clear_leftovers(twin)
        for snapshot in gone:
            shutil.rmtree(twin / FOLDER / snapshot, ignore_errors=True)
        leftovers += remove_unlisted(twin)
        steps = _unneeded_steps(twin, {*latest, *in_use})
        for path in steps:
            shutil.rmtree(path)
        freed = before - _size(twin)
    return Removed(snapshots=tuple(gone), steps=len(steps), leftovers=leftovers, size=freed, in_use=tuple(in_use))


def _remove_unused(folder: Path) -> bool:
    """Remove a snapshot unless somebody reads it."""
    with try_exclusive(folder) as alone:
        if alone:
            # Out of readers' sight first: half a snapshot must never be found under its name.
            beside = folder.with_name(f".{folder.name}.{os.getpid()}.old")
            folder.replace(beside)
            shutil.rmtree(beside)
        return alone


def _unneeded_steps(twin: Path, kept: set[str]) -> list[Path]:
    """Return finished steps that no kept snapshot was made of."""
    needed: set[str] = set()
    for path in sorted((twin / RUNS).glob("*.json")):
        try:
            told = json.loads(path.read_bytes())
        except ValueError:
            continue
        if told.get("snapshot") in kept:
            needed |= {step["folder"] for step in told["steps"] if "folder" in step}
    needed |= {part for name in sorted(needed) for part in parts_of(twin / WORK / name)}
    return [path for path in (twin / WORK).iterdir() if path.name not in needed and not path.name.startswith(".")]


def _size(folder: Path) -> int:
    return size_on_disk(path for path in folder.rglob("*") if path.is_file())


def backup(twin: str | Path, archive: str | Path) -> tuple[str, ...]:
    """Write all snapshots, their baked tiles and the records of builds into one tar file.

    Parameters
    ----------
    twin : str or Path
        Folder of the twin.
    archive : str or Path
        The file; it must not exist.

    Returns
    -------
    tuple of str
        Ids of the snapshots in it.

    Raises
    ------
    TwinNotFoundError
        If the folder is no twin.
    StoreDamagedError
        If a snapshot is damaged: a backup of it would hide that.
    TwinError
        If the archive exists.
    """
    twin, archive = Path(twin), Path(archive)
    open_snapshot(twin)
    if archive.exists():
        raise TwinError(f"{archive} exists: give the backup another name, nothing is overwritten")
    snapshots = [path for path in sorted((twin / SNAPSHOTS).iterdir()) if not path.name.startswith(".")]
    _check_whole(snapshots)
    beside = archive.with_name(f".{archive.name}.{os.getpid()}.tmp")
    try:
        with tarfile.open(beside, "w", format=tarfile.PAX_FORMAT) as tar:
            tar.dereference = True  # a file that has two names is written under each: nothing is unpacked by link
            tiles = files_of_tiles(twin, (path.name for path in snapshots))
            for path in (twin / CURRENT, twin / RUNS, *snapshots, *tiles):
                if path.exists():
                    tar.add(path, path.relative_to(twin).as_posix(), filter=_anonymous)
        with beside.open("rb") as stream:
            os.fsync(stream.fileno())
        beside.replace(archive)
    finally:
        beside.unlink(missing_ok=True)
    return tuple(path.name for path in snapshots)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out who made the file."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def restore(archive: str | Path, twin: str | Path) -> tuple[str, ...]:
    """Unpack a backup into a new folder, and compare every byte with the hashes before it is shown.

    Parameters
    ----------
    archive : str or Path
        What `backup` wrote.
    twin : str or Path
        Folder that does not exist, or is empty.

    Returns
    -------
    tuple of str
        Ids of the snapshots, the same as at the backup.

    Raises
    ------
    TwinError
        If the folder is not empty, or the archive holds what no backup holds.
    StoreDamagedError
        If the archive is broken.
    """
    archive, twin = Path(archive), Path(twin)
    if twin.exists() and (not twin.is_dir() or any(twin.iterdir())):
        raise TwinError(f"{twin} is not empty: restore into a new folder, then put it in place of the old one")
    if twin.exists():
        twin.rmdir()
    try:
        with new_folder(twin) as folder:
            with tarfile.open(archive, "r:") as tar:
                tar.extractall(folder, members=_expected(tar, archive), filter="data")
            snapshots = sorted((folder / SNAPSHOTS).iterdir()) if (folder / SNAPSHOTS).is_dir() else []
            _check_whole(snapshots)
            open_snapshot(folder)
            sync_tree(folder)
    except (tarfile.TarError, EOFError) as error:
        raise StoreDamagedError(f"{archive} is no whole backup ({error}): take another one") from None
    except FileNotFoundError:
        raise TwinNotFoundError(f"{archive}: no such file; write one with twin backup") from None
    return tuple(path.name for path in snapshots)


def _expected(tar: tarfile.TarFile, archive: Path) -> Iterator[tarfile.TarInfo]:
    """Yield the members, each a plain file or folder where a twin has one."""
    for member in tar:
        top = PurePosixPath(member.name).parts[:1]
        if top not in {(CURRENT,), (RUNS,), (SNAPSHOTS,), (FOLDER,)} or not (member.isfile() or member.isdir()):
            raise TwinError(f"{archive} holds {member.name!r}, which no backup of a twin holds: it is not unpacked")
        yield member


def _check_whole(snapshots: list[Path]) -> None:
    for path in snapshots:
        faults = [*faults_of(path), *faults_of_tiles(path.parents[1], path.name)]
        if faults:
            raise StoreDamagedError(f"{path}: {faults[0]}" + (f" and {len(faults) - 1} more" if faults[1:] else ""))
