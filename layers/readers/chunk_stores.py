"""HDF5 and Zarr before they are opened: no data in other files, no codec that runs code."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import h5py  # type: ignore[import-untyped]
from zarr.storage import LocalStore, ZipStore

from layers.archives import open_archive
from layers.errors import FileRefusedError, FileUnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zarr.abc.store import Store

    from layers.sources import Source

__all__ = ["check_hdf", "open_store"]

#: Codecs that turn bytes into numbers and nothing else; "pickle" would run what a file says.
_CODECS = {
    "astype", "bitround", "blosc", "bytes", "bz2", "crc32", "crc32c", "delta", "endian", "fixedscaleoffset", "gzip",
    "lz4", "lzma", "packbits", "quantize", "sharding_indexed", "shuffle", "transpose", "vlen-utf8", "zlib", "zstd",
}  # fmt: skip
_METADATA = ("zarr.json", ".zarray", ".zgroup", ".zmetadata")
_MAX_METADATA = 16 << 20


def check_hdf(source: Source) -> None:
    """Refuse HDF5 whose data lie in other files.

    Parameters
    ----------
    source : Source
        The file.

    Raises
    ------
    FileRefusedError
        If a part of it is an external or a virtual dataset, or a link into another file.
    FileUnreadableError
        If it is broken.
    """

    def _visit(name: str, item: h5py.Dataset | h5py.Group) -> str | None:
        return name if isinstance(item, h5py.Dataset) and (item.external or item.is_virtual) else None

    try:
        with h5py.File(source.path, "r") as file:
            found = file.visititems(_visit) or _external_link(file)
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise FileUnreadableError(f"{source.label}: broken NetCDF-4 ({error}); fetch it again.") from error
    if found:
        raise FileRefusedError(f"{source.label}: {found!r} takes its data from another file; export it in one piece.")


def _external_link(group: h5py.Group) -> str | None:
    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            return str(name)
        if isinstance(link, h5py.HardLink) and isinstance(group[name], h5py.Group):
            inner = _external_link(group[name])
            if inner:
                return f"{name}/{inner}"
    return None


@contextmanager
def open_store(source: Source) -> Iterator[Store]:
    """Open a Zarr store after all of its metadata were looked at.

    Parameters
    ----------
    source : Source
        A folder, or a zip archive.

    Yields
    ------
    zarr.abc.store.Store
        To read from only.

    Raises
    ------
    FileRefusedError
        If a codec is unknown, an array holds objects, or a file of the folder lies elsewhere.
    FileUnreadableError
        If its metadata are broken.
    """
    for name, text in _metadata(source):
        _check_metadata(name, text, source.label)
    store = LocalStore(source.path, read_only=True) if source.path.is_dir() else ZipStore(source.path, mode="r")
    try:
        yield store
    finally:
        with suppress(AttributeError):  # a zip archive that was never opened cannot be closed
            store.close()


def _metadata(source: Source) -> Iterator[tuple[str, bytes]]:
    if not source.path.is_dir():
        archive = open_archive(source)
        for name in archive.names:
            if name.rpartition("/")[2] in _METADATA:
                yield name, archive.read(name)
        return
    for path in sorted(source.path.rglob("*")):
        name = path.relative_to(source.path).as_posix()
        if not path.resolve().is_relative_to(source.path):
            raise FileRefusedError(f"{source.label}: {name!r} leads out of the store; copy the data into it.")
        if path.name in _METADATA and path.is_file():
            if path.stat().st_size > _MAX_METADATA:
                raise FileRefusedError(f"{source.label}: {name!r} is larger than {_MAX_METADATA:,} bytes.")
            yield name, path.read_bytes()


def _check_metadata(name: str, text: bytes, label: str) -> None:
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileUnreadableError(f"{label}: {name!r} is no JSON ({error}); fetch it again.") from error
    unknown = sorted(set(_codecs(tree)) - _CODECS)
    if unknown:
        raise FileRefusedError(
            f"{label}: {name!r} asks for the codec {unknown[0]!r}; store it with blosc, zlib or zstd."
        )


def _codecs(tree: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Find all codecs, however deep: of format 2 by "id", of format 3 by "name"."""
    if isinstance(tree, list):
        for item in tree:
            yield from _codecs(item)
    if not isinstance(tree, dict):
        return
    for key, value in tree.items():
        if key in {"compressor", "filters", "codecs", "index_codecs"}:
            for codec in value if isinstance(value, list) else [value]:
                if isinstance(codec, dict):
                    yield re.sub(r"^(numcodecs\.|https://.*/)", "", str(codec.get("id", codec.get("name"))))
        if key == "dtype" and isinstance(value, str) and value.lstrip("|<>=") == "O":
            yield "object"
        if key != "attributes":
            yield from _codecs(value)
