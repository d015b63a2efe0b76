"""Read one snapshot: no byte is trusted before it was compared with the manifest."""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING, Any, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import zarr
import zarr.errors
from zarr.abc.store import ByteRequest, OffsetByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.storage import LocalStore, WrapperStore

from layers.surfaces import COLUMN
from twin.errors import StoreDamagedError, TwinNotFoundError
from twin.storage.locks import hold
from twin.store import CURRENT, FORMAT, MANIFEST, SNAPSHOTS, faults_of

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    from zarr.core.buffer import Buffer, BufferPrototype

    Places: TypeAlias = npt.NDArray[np.int64]

_ID_DIGITS = 16
_KEPT_FILES = 16  # Zarr reads ten shards at a time


def _frame(content: bytes, *, surfaces: bool) -> gpd.GeoDataFrame:
    """Read the features of one file; surfaces, which are most of its bytes, only if they are asked for."""
    schema = pq.read_schema(io.BytesIO(content))
    drawn = COLUMN in schema.names and pa.types.is_binary(schema.field(COLUMN).type)
    wanted = [name for name in schema.names if surfaces or not (drawn and name == COLUMN)]
    return gpd.read_parquet(io.BytesIO(content), columns=None if len(wanted) == len(schema.names) else wanted)


class Snapshot:
    """One immutable state of a twin.

    Parameters
    ----------
    folder : Path
        ``<twin>/snapshots/<id>``.

    Raises
    ------
    TwinNotFoundError
        If there is no manifest.
    StoreDamagedError
        If the manifest's bytes are not those that gave the snapshot its name.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = folder.name
        try:
            content = (folder / MANIFEST).read_bytes()
        except OSError:
            raise TwinNotFoundError(f"{folder} holds no {MANIFEST}: run `twin build` again") from None
        if hashlib.sha256(content).hexdigest()[:_ID_DIGITS] != folder.name:
            raise StoreDamagedError(f"{folder / MANIFEST} was changed after it was written: run `twin build` again")
        self.manifest: dict[str, Any] = json.loads(content)
        if self.manifest.get("format") != FORMAT:
            found = self.manifest.get("format")
            raise TwinNotFoundError(f"{folder} has format {found!r}, this program reads {FORMAT!r}: build it again")
        self._files: dict[str, dict[str, Any]] = self.manifest["files"]
        hold(folder, self)

    def __contains__(self, name: object) -> bool:
        return name in self._files or (isinstance(name, str) and self._parts(name) != [name])

    def checked(self, name: str) -> bytes:
        """Return the bytes of a file after comparing them with the manifest.

        Parameters
        ----------
        name : str
            Path inside the snapshot.

        Returns
        -------
        bytes
            The whole file.

        Raises
        ------
        StoreDamagedError
            If the file is missing or one bit of it differs.
        """
        known = self._files.get(name)
        if known is None:
            raise StoreDamagedError(f"{name} is not listed in {self.folder / MANIFEST}")
        try:
            content = (self.folder / name).read_bytes()
        except OSError as error:
            message = f"{self.folder / name} cannot be read ({error.strerror}): run `twin verify`, then `twin build`"
            raise StoreDamagedError(message) from None
        if len(content) != known["bytes"] or hashlib.sha256(content).hexdigest() != known["sha256"]:
            raise StoreDamagedError(f"{self.folder / name} was changed after it was written: run `twin build` again")
        return content

    def table(self, name: str, *, columns: list[str] | None = None) -> pa.Table:
        """Read a Parquet file.

        Parameters
        ----------
        name : str
            Path inside the snapshot.
        columns : list of str, optional
            Columns to read; all if left out.

        Returns
        -------
        pyarrow.Table
            Its rows.
        """
        parts = [
            pq.read_table(io.BytesIO(self.checked(part)), columns=columns, page_checksum_verification=True)
            for part in self._parts(name)
        ]
        return parts[0] if len(parts) == 1 else pa.concat_tables(parts, promote_options="permissive")

    def features(self, layer: str, *, surfaces: bool = False) -> gpd.GeoDataFrame:
        """Read the features of a layer.

        Parameters
        ----------
        layer : str
            Name of the layer.
        surfaces : bool, optional
            With the surfaces of a city model, where the layer has them.

        Returns
        -------
        geopandas.GeoDataFrame
            Longitude and latitude, one row a feature.
        """
        parts = self._parts(f"layers/{layer}.parquet")
        frames = [_frame(self.checked(part), surfaces=surfaces) for part in parts]
        if len(frames) == 1:
            return frames[0]
        for name in ("ambiguous", "unresolved_height"):  # where nobody had to say it, it is not so
            if any(name in frame and frame[name].dtype == bool for frame in frames):
                frames = [frame if name in frame else frame.assign(**{name: False}) for frame in frames]
        return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=frames[0].crs)

    def _parts(self, name: str) -> list[str]:
        """Return the files of a table: itself, or one for each partition of a large dataset."""
        folder = f"{name.removesuffix('.parquet')}/"
        parts = [] if name in self._files else sorted(part for part in self._files if part.startswith(folder))
        return parts or [name]

    def arrays(
        self, variable: str, names: tuple[str, ...], *, rows: Places | None = None, steps: Places | None = None
    ) -> dict[str, np.ndarray[Any, Any]]:
        """Read arrays of a variable in the cube; only the chunks that hold what is asked for are read.

        Parameters
        ----------
        variable : str
            Name of the variable.
        names : tuple of str
            Which of ``cell``, ``value``, ``support``, ``sigma``, ``sigma_m``, ``classes``; absent ones are left out.
        rows : ndarray of int64, optional
            Numbers of the cells, ascending; all if left out.
        steps : ndarray of int64, optional
            Numbers of the steps, ascending; all if left out.

        Returns
        -------
        dict
            Arrays by name, (cell,) or (cell, time).
        """
        prefix = f"cube.zarr/{variable}"
        group = zarr.open_group(_CheckedStore(self, prefix), mode="r", zarr_format=3)
        found = {}
        for name in names:
            if f"{prefix}/{name}/zarr.json" in self:
                found[name] = _part(group, name, rows, None if name == "classes" else steps)
        return found

    def faults(self) -> list[str]:
        """Compare every file with the manifest.

        Returns
        -------
        list of str
            One line a fault; empty if the snapshot is whole.
        """
        return faults_of(self.folder)


def _part(group: zarr.Group, name: str, rows: Places | None, steps: Places | None) -> np.ndarray[Any, Any]:
    array = group[name]
    if not isinstance(array, zarr.Array):
        raise StoreDamagedError(f"{name} is a group where an array was written: run `twin build` again")
    places = (rows, steps)[: array.ndim]
    if any(wanted is not None and wanted.size == 0 for wanted in places):
        shape = (size if wanted is None else wanted.size for wanted, size in zip(places, array.shape, strict=True))
        return np.empty(tuple(shape), dtype=array.dtype)
    others = tuple(slice(None) if wanted is None else _run(wanted) for wanted in places[1:])
    if rows is None:
        return np.asarray(array.oindex[slice(None), *others])
    # Runs of chunks that touch are cut by NumPy: Zarr takes longer to pick rows than to read those between them.
    runs = np.split(rows, np.flatnonzero(np.diff(rows // array.chunks[0]) > 1) + 1)
    found = [np.asarray(array.oindex[slice(run[0], run[-1] + 1), *others])[run - run[0]] for run in runs]
    return found[0] if len(found) == 1 else np.concatenate(found)


def _run(places: Places) -> slice | Places:
    """Return ascending numbers as a slice if none is left out between them: Zarr cuts slices faster."""
    first, last = int(places[0]), int(places[-1])
    return slice(first, last + 1) if last - first == places.size - 1 else places


class _CheckedStore(WrapperStore[LocalStore]):
    """Gives Zarr only objects whose whole bytes agree with the manifest."""

    def __init__(self, snapshot: Snapshot, prefix: str) -> None:
        super().__init__(LocalStore(snapshot.folder / prefix, read_only=True))
        self._snapshot = snapshot
        self._prefix = prefix
        self._lately: dict[str, bytes] = {}

    def _with_store(self, store: LocalStore) -> _CheckedStore:
        del store  # the place is the snapshot's
        return type(self)(self._snapshot, self._prefix)

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        name = f"{self._prefix}/{key}"
        if name not in self._snapshot:
            return None  # an empty chunk is not written, and so not listed
        content = self._lately.get(name)
        if content is None:  # a shard is asked for its index and then for its chunks: hash it once
            content = self._snapshot.checked(name)
            while len(self._lately) >= _KEPT_FILES:
                self._lately.pop(next(iter(self._lately)))
            self._lately[name] = content
        match byte_range:
            case RangeByteRequest(start=start, end=end):
                content = content[start:end]
            case OffsetByteRequest(offset=offset):
                content = content[offset:]
            case SuffixByteRequest(suffix=suffix):
                content = content[-suffix:]
            case None:
                pass
        return prototype.buffer.from_bytes(content)


def current_snapshot(twin: Path) -> str:
    """Say which snapshot of a twin is published.

    Parameters
    ----------
    twin : Path
        Folder of the twin.

    Returns
    -------
    str
        Its id.

    Raises
    ------
    TwinNotFoundError
        If the folder is no twin.
    StoreDamagedError
        If the pointer of the twin names none that is there.
    """
    try:
        snapshot = (twin / CURRENT).read_bytes().decode("ascii").removesuffix("\n")
    except OSError:
        raise TwinNotFoundError(f"{twin} is no twin: run `twin build city.yaml --out {twin}` first") from None
    except UnicodeDecodeError:
        snapshot = ""
    if not snapshot or "/" in snapshot or not (twin / SNAPSHOTS / snapshot).is_dir():
        raise StoreDamagedError(
            f"{twin / CURRENT} names the snapshot {snapshot!r}, which is not there: run `twin build` again"
        )
    return snapshot


def open_snapshot(twin: Path, *, snapshot: str | None = None) -> Snapshot:
    """Open a snapshot of a twin.

    Parameters
    ----------
    twin : Path
        Folder of the twin.
    snapshot : str, optional
        Its id; the current one if left out.

    Returns
    -------
    Snapshot
        It stays what it is while newer ones are built.

    Raises
    ------
    TwinNotFoundError
        If the folder is no twin or has no such snapshot.
    StoreDamagedError
        If the pointer of the twin names none that is there.
    """
    if snapshot is None:
        snapshot = current_snapshot(twin)
    if not snapshot or not (twin / SNAPSHOTS / snapshot).is_dir() or "/" in snapshot:
        raise TwinNotFoundError(f"{twin} has no snapshot {snapshot!r}: run `twin build` again")
    return Snapshot(twin / SNAPSHOTS / snapshot)
