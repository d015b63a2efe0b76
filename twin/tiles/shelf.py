"""Packed tiles that were made before: the latest in memory, all others in a folder beside the snapshot."""

import gzip
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from twin.tiles.baked import BakedTiles

log = logging.getLogger(__name__)

_LEVEL = 5  # Beyond it gzip takes twice the time for 2 % fewer bytes of tiles.
_MOST_BYTES = 256 * 2**20


def pack(body: bytes) -> bytes:
    """Pack a tile as it is kept and sent.

    Parameters
    ----------
    body : bytes
        The tile.

    Returns
    -------
    bytes
        Packed with gzip, the same at any time.
    """
    return gzip.compress(body, _LEVEL, mtime=0)


class Shelf:
    """Packed tiles by address.

    Parameters
    ----------
    folder : Path, optional
        Where they are kept between runs; only in memory if left out or not writable.
    baked : BakedTiles, optional
        Those that were made with the twin.
    most_bytes : int, optional
        How much memory they may take.
    """

    def __init__(
        self, folder: Path | None = None, *, baked: BakedTiles | None = None, most_bytes: int = _MOST_BYTES
    ) -> None:
        self.folder, self.baked = folder, baked
        self._most = most_bytes
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def held(self, address: str) -> bytes | None:
        """Give a tile from memory.

        Parameters
        ----------
        address : str
            Its address.

        Returns
        -------
        bytes or None
            Packed with gzip; None if it is not in memory.
        """
        return self._held.get(address)

    def get(self, address: str, make: Callable[[], bytes]) -> bytes:
        """Give a tile, making it if nobody asked for it before.

        Parameters
        ----------
        address : str
            Its address, whose parts are names and numbers that were checked: it becomes a path.
        make : callable
            Gives the tile's bytes.

        Returns
        -------
        bytes
            Packed with gzip.
        """
        found = self._held.get(address) or (self.baked and self.baked.get(address)) or self._stored(address)
        if not found:
            found = pack(make())
            self._store(address, found)
        with self._lock:
            if address not in self._held:
                self._bytes += len(found)
            self._held[address] = found
            while self._bytes > self._most and len(self._held) > 1:
                self._bytes -= len(self._held.popitem(last=False)[1])
        return found

    def _stored(self, address: str) -> bytes | None:
        if self.folder is None:
            return None
        try:
            found = (self.folder / f"{address}.gz").read_bytes()
            gzip.decompress(found)  # Its checksum: half a file must not reach a browser.
        except (OSError, EOFError):
            return None
        return found

    def _store(self, address: str, packed: bytes) -> None:
        if self.folder is None:
            return
        path = self.folder / f"{address}.gz"
        beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(packed)
            beside.replace(path)
        except OSError as error:
            log.info("tiles are kept in memory only: %s (%s)", error.filename, error.strerror)
            self.folder = None
