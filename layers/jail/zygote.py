"""A warm process that forks a child for each file: imports are paid once, and no thread of the parent is forked."""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import selectors
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
import xarray
from numba.core import caching

from crs import CrsError
from layers.errors import LayerError
from layers.jail.confine import confine
from layers.jail.transfer import dump, load
from layers.options import ReadOptions
from layers.readers.binary import decode_binary
from layers.registry import resolve_format
from layers.sources import Source

__all__ = ["main"]


@dataclass(frozen=True)
class _Child:
    """One file being read."""

    reply: socket.socket
    deadline: float
    scratch: str


class _Heard(logging.Handler):
    """Keeps what readers log, for the parent to say."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append((record.name, record.levelno, record.getMessage()))


def _read(request: dict[str, Any]) -> dict[str, Any]:
    """Read the file; every fault becomes a name and a sentence."""
    heard = _Heard()
    room = logging.getLogger("layers")
    room.handlers, room.propagate = [heard], False
    room.setLevel(request["log_level"])
    logging.captureWarnings(capture=True)
    logging.getLogger("py.warnings").handlers = [heard]
    source: Source = request["source"]
    options: ReadOptions = request["options"]
    reply: dict[str, Any] = {"said": heard.said}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            reply["result"] = resolve_format(source).read(source, options)
    except (LayerError, CrsError) as error:
        reply["error"] = ([kind.__name__ for kind in type(error).__mro__], str(error))
    except MemoryError:
        reply["error"] = (["MemoryError"], "")
    except Exception as error:  # noqa: BLE001 - whatever a library does with a broken file, its parent lives on
        reply["error"] = ([], f"{type(error).__name__}: {error}")
        reply["trace"] = traceback.format_exc()
    return reply


def _live(request_fd: int, reply: socket.socket, scratch: str, zygote: int) -> None:
    """Be the child: give up what is not needed, read, answer."""
    request: Any = load(request_fd)
    os.makedirs(scratch, mode=0o700)  # noqa: PTH103 - before anything may be written elsewhere
    tempfile.tempdir = scratch
    answer = _memory_file()
    held = confine(
        request["readable"],
        scratch,
        memory_bytes=request["memory_bytes"],
        processor_s=request["processor_s"],
        die_with=zygote,
    )
    # What is compiled here stays here: the folder of compiled code is not for children to write.
    caching.Cache.save_overload = lambda *_: None
    told = _read(request)
    try:
        dump({**told, "held": held}, answer)
    except (MemoryError, OSError):
        os.ftruncate(answer, 0)
        os.lseek(answer, 0, os.SEEK_SET)
        dump({"said": told["said"], "error": (["MemoryError"], ""), "held": held}, answer)
    except LayerError as error:
        os.ftruncate(answer, 0)
        os.lseek(answer, 0, os.SEEK_SET)
        dump({"said": told["said"], "error": ([], str(error)), "held": held}, answer)
    socket.send_fds(reply, [b"a"], [answer])


def _memory_file() -> int:
    """Open a file without a name; it is gone with the last process that holds it."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("layers", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class _Zygote:
    """Forks, watches and buries."""

    def __init__(self, control: socket.socket, scratch: str) -> None:
        self.control = control
        self.scratch = scratch
        self.children: dict[int, _Child] = {}
        self.number = 0
        self.wake, self.woken = socket.socketpair()
        for end in (self.wake, self.woken):
            end.settimeout(0)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.woken.fileno())
        self.selector = selectors.DefaultSelector()
        self.selector.register(control, selectors.EVENT_READ)
        self.selector.register(self.wake, selectors.EVENT_READ)

    def serve(self) -> None:
        """Go on until the parent is gone."""
        while True:
            next_one = min((child.deadline for child in self.children.values()), default=None)
            for key, _ in self.selector.select(None if next_one is None else max(0.0, next_one - time.monotonic())):
                if key.fileobj is self.wake:
                    with contextlib.suppress(BlockingIOError):
                        self.wake.recv(4096)
                elif not self._start():
                    return
            self._bury()
            for pid, child in self.children.items():
                if child.deadline <= time.monotonic():
                    _kill(pid)

    def _start(self) -> bool:
        """Fork a child for one request; False once nobody asks any more."""
        message, descriptors, _, _ = socket.recv_fds(self.control, 8, 2)
        if len(descriptors) < 2:
            return False
        request_fd, reply_fd = descriptors
        self.number += 1
        scratch = f"{self.scratch}/{self.number}"
        reply = socket.socket(fileno=reply_fd)
        zygote = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._be_child(request_fd, reply, scratch, zygote)
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        os.close(request_fd)
        deadline = time.monotonic() + int.from_bytes(message, "little") / 1000
        self.children[pid] = _Child(reply, deadline, scratch)
        return True

    def _be_child(self, request_fd: int, reply: socket.socket, scratch: str, zygote: int) -> None:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setpgid(0, 0)
            self.selector.close()
            for other in (self.control, self.wake, self.woken, *(child.reply for child in self.children.values())):
                other.close()
            _live(request_fd, reply, scratch, zygote)
            code = 0
        except BaseException:  # noqa: BLE001 - a forked child must never return into the zygote's loop
            traceback.print_exc()
        finally:
            os._exit(code)

    def _bury(self) -> None:
        """Tell the parent how each child that ended did so."""
        while self.children:
            pid, status, used = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return
            child = self.children.pop(pid, None)
            if child is None:
                continue
            _kill(pid)  # what it may have started
            shutil.rmtree(child.scratch, ignore_errors=True)
            end = {
                "code": os.waitstatus_to_exitcode(status),
                "late": child.deadline <= time.monotonic(),
                "peak_mb": used.ru_maxrss / 1024,
                "processor_s": used.ru_utime + used.ru_stime,
            }
            with contextlib.suppress(OSError):
                child.reply.sendall(b"\n" + json.dumps(end).encode())
            child.reply.close()

    def close(self) -> None:
        """Leave nothing behind."""
        for pid in self.children:
            _kill(pid)
        shutil.rmtree(self.scratch, ignore_errors=True)


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _warm(folder: str) -> None:
    """Do once, before any fork, what libraries put off until they are first used."""
    with rasterio.Env():  # registers GDAL's drivers
        pass
    xarray.backends.list_engines()
    table = Path(folder) / "warm.csv"
    table.write_text("name,x\na,1\n", encoding="utf-8")
    shapes = Path(folder) / "warm.geojson"
    feature = {
        "type": "Feature",
        "properties": {"name": "a", "n": 1},
        "geometry": {"type": "Point", "coordinates": [0, 0]},
    }
    shapes.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    # Children may not keep what they compile: loops are compiled here.
    area = np.array([shapely.box(0, 0, 1, 1).wkb], dtype=object)
    decode_binary(area, unreadable="")
    for path in (table, shapes):
        source = Source(path, path.name)
        answer = _memory_file()
        dump(resolve_format(source).read(source, ReadOptions()), answer)
        load(answer)
        os.close(answer)
        path.unlink()


def main() -> None:
    """Serve the parent at the other end of the socket that is this program's first argument."""
    control = socket.socket(fileno=int(sys.argv[1]))
    scratch = sys.argv[2]
    _warm(scratch)
    gc.collect()
    gc.freeze()
    gc.disable()  # children live for one file; looking for circles among a million geometries takes half their time
    zygote = _Zygote(control, scratch)
    try:
        zygote.serve()
    finally:
        zygote.close()
