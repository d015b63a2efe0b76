"""The parent's side: one zygote a process, a child a file, and what came of it."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import crs
from layers import errors
from layers.errors import FileRefusedError, FileUnreadableError, LayerError
from layers.jail.transfer import dump, load
from layers.registry import resolve_format
from layers.sources import companions

if TYPE_CHECKING:
    from layers.options import ReadOptions
    from layers.readers.raster import Pixels
    from layers.readers.records import Records
    from layers.sources import Source

__all__ = ["read_file"]

logger = logging.getLogger(__name__)

#: Set to "1", files are read in the calling process: for debuggers only.
_IN_PROCESS = "LAYERS_IN_PROCESS"
_WALL_PER_PROCESSOR = 6
#: What a zygote and a loaded machine may take on top before the parent gives up on an answer.
_GRACE_S = 60.0
_MAX_REPLY = 1 << 16
_SEALS = 0x1 | 0x2 | 0x4 | 0x8  # of fcntl.h: no more seals, no shrinking, no growing, no writing
_ADD_SEALS = 1033
#: These name other files or reach a network; what is left is chosen by name, and the kernel holds all to one file.
_SKIPPED = (
    "ADBC AmigoCloud CSW Carto DAAS DERIVED EEDA EEDAI Elasticsearch GDALG GPSBabel GTI HTTP NGW OAPIF OGCAPI OGR_VRT "
    "PLMOSAIC PLSCENES STACIT STACTA VRT WCS WFS WMS WMTS"
)
_ENVIRONMENT = {
    "GDAL_SKIP": _SKIPPED,
    "OGR_SKIP": _SKIPPED,
    "GDAL_DISABLE_READDIR_ON_OPEN": "TRUE",
    "GDAL_HTTP_PROXY": "",
    "GDAL_VRT_ENABLE_PYTHON": "NO",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "{none}",
    "CPL_CURL_ENABLE_VSIMEM": "NO",
    "OGR_SQLITE_LOAD_EXTENSIONS": "",
    "PROJ_NETWORK": "OFF",
    # A child is forked of one thread, and Arrow's own allocator would reserve a gigabyte of its limit.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "268435456",
    "MALLOC_TRIM_THRESHOLD_": "1073741824",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
_DROPPED = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ftp_proxy")
_START = """
import json, sys
sys.path[:] = json.loads(sys.argv.pop())
from layers.jail.zygote import main
main()
"""
_KNOWN: dict[str, type[Exception]] = {
    name: kind
    for room in (crs, errors)
    for name, kind in vars(room).items()
    if isinstance(kind, type) and issubclass(kind, LayerError | crs.CrsError)
}


class _Line:
    """The connection of this process to its zygote, made when it is first needed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.control: socket.socket | None = None
        self.scratch = ""

    def send(self, request_fd: int, reply: socket.socket, wall_s: float) -> None:
        """Hand a request over; a zygote that is gone is replaced once."""
        message = int(wall_s * 1000).to_bytes(8, "little")
        with self.lock:
            try:
                socket.send_fds(self.control or self._start(), [message], [request_fd, reply.fileno()])
            except OSError:
                self.close()
                socket.send_fds(self._start(), [message], [request_fd, reply.fileno()])

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.scratch = tempfile.mkdtemp(prefix="layers-")
        environment = {name: value for name, value in os.environ.items() if name.lower() not in _DROPPED}
        with theirs, (Path(self.scratch) / "log").open("wb") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own code in our own interpreter
                [sys.executable, "-I", "-c", _START, str(theirs.fileno()), self.scratch, json.dumps(_search_path())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
                env={**environment, **_ENVIRONMENT},
            )
        self.control = ours
        return ours

    def last_words(self) -> str:
        """Return what the zygote said on its way out, if it is gone."""
        with contextlib.suppress(OSError):
            return (Path(self.scratch) / "log").read_text(encoding="utf-8", errors="replace")[-2000:]
        return ""

    def close(self) -> None:
        """Let the zygote end, and wait for it; it takes its children and its scratch folder with it."""
        if self.control is not None:
            self.control.close()
            self.control = None
        if self.process is not None:
            try:
                self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
            shutil.rmtree(self.scratch, ignore_errors=True)

    def forget(self) -> None:
        """After a fork: the zygote is the parent's."""
        if self.control is not None:
            self.control.close()
        if self.process is not None:
            self.process.returncode = 0  # not ours to wait for
        self.__init__()  # type: ignore[misc]


def _search_path() -> list[str]:
    """Where this process finds its modules; never the folder that it was started in, which may hold anything."""
    own = str(Path(errors.__file__).resolve().parents[1])
    return [own, *(path for path in sys.path if path and Path(path).is_absolute() and path != own)]


_LINE = _Line()
atexit.register(_LINE.close)
os.register_at_fork(after_in_child=_LINE.forget)


def read_file(source: Source, options: ReadOptions) -> Records | Pixels:
    """Read one file, in a child process unless that is switched off.

    Parameters
    ----------
    source : Source
        The file.
    options : ReadOptions
        ``limits`` says what the child may take; None reads here, as does the environment variable
        LAYERS_IN_PROCESS=1, and as does a system without ``fork``.

    Returns
    -------
    Records or Pixels
        The same either way.

    Raises
    ------
    LayerError
        As the reader raised it; also if the file takes more than it may, or its reader dies of it.
    """
    limits = options.limits
    if limits is None or os.environ.get(_IN_PROCESS) == "1" or not hasattr(os, "fork"):
        return resolve_format(source).read(source, options)
    size, files = _weigh(source, options.root)
    request = {
        "source": source,
        # What is done with records once they are read is no business of the child.
        "options": replace(options, default_position=None, where={}),
        "readable": files,
        "memory_bytes": limits.memory_bytes(size),
        "processor_s": limits.processor_s(size),
        "log_level": logging.getLogger("layers").getEffectiveLevel(),
    }
    answer, end = _ask(request, source, limits.processor_s(size) * _WALL_PER_PROCESSOR)
    return _take(answer, end, source, request)


def _weigh(source: Source, root: Path | None) -> tuple[int, list[str]]:
    """Find the file and those that belong to it, which must lie where it may; returns their size, unpacked."""
    path = source.path
    if path.is_dir():
        inner = [place.stat().st_size for place in path.rglob("*") if place.is_file()]
        return sum(inner), [str(path)]
    files = companions(path, root=root)
    size = source.unpacked_size() + sum(place.stat().st_size for place in files)
    return size, [str(place) for place in (path, *files)]


def _ask(request: dict[str, Any], source: Source, wall_s: float) -> tuple[int | None, dict[str, Any]]:
    """Send a request and wait; returns the descriptor of the answer, if there is one, and how the child ended."""
    ours, theirs = socket.socketpair()
    descriptors: list[int] = []
    with ours, tempfile.TemporaryFile() as held:
        with theirs:
            dump(request, held.fileno())
            try:
                _LINE.send(held.fileno(), theirs, wall_s)
            except OSError as error:
                raise FileUnreadableError(f"{source.label}: no process to read it in ({error}).") from error
        ours.settimeout(wall_s + _GRACE_S)
        said = b""
        try:
            while len(said) < _MAX_REPLY:
                part, given, _, _ = socket.recv_fds(ours, 4096, 4)
                descriptors += given
                if not part:
                    break
                said += part
        except TimeoutError:
            said = b""
        for extra in descriptors[1:]:
            os.close(extra)
    try:
        end = json.loads(said.rpartition(b"\n")[2])
    except ValueError:
        end = {"code": None, "last_words": _LINE.last_words()}
    return (descriptors[0] if descriptors else None), end


def _take(answer: int | None, end: dict[str, Any], source: Source, request: dict[str, Any]) -> Records | Pixels:
    """Turn an answer into records, or into the error that it is."""
    if answer is None or end["code"] != 0:
        if answer is not None:
            os.close(answer)
        raise _death(end, source, request)
    try:
        with contextlib.suppress(OSError):
            fcntl.fcntl(answer, _ADD_SEALS, _SEALS)
        told: Any = load(answer)
        said, held = told["said"], told["held"]
        fault = told.get("error")
    except (errors.TransferError, ValueError, KeyError, TypeError, IndexError, AttributeError, OSError) as error:
        raise FileUnreadableError(f"{source.label}: its reader gave a broken answer ({error!r}).") from error
    finally:
        os.close(answer)
    for name, level, text in said:
        logging.getLogger(str(name)).log(int(level), "%s", text)
    logger.debug(
        "%s: read in a child under %s, %.0f MB at most, %.2f s", source.label, held, end["peak_mb"], end["processor_s"]
    )
    if fault is not None:
        raise _fault(fault, source, request, told.get("trace"))
    result: Records | Pixels = told["result"]
    return result


def _fault(fault: tuple[list[str], str], source: Source, request: dict[str, Any], trace: str | None) -> Exception:
    """Make the error that the reader raised."""
    names, text = fault
    if "MemoryError" in names:
        return _too_much(source, request)
    kind = next((_KNOWN[name] for name in names if name in _KNOWN), None)
    if kind is not None:
        return kind(text)
    logger.error("%s: the reader failed:\n%s", source.label, trace)
    return errors.ReaderFailedError(f"{source.label}: the reader failed on it ({text}); please report the file.")


def _too_much(source: Source, request: dict[str, Any]) -> FileRefusedError:
    allowed = request["memory_bytes"] >> 20
    return FileRefusedError(
        f"{source.label}: reading it takes more than the {allowed:,} MB that a file of its size may; if it is meant, "
        f"write read: {{limits: {{memory_mb: {2 * allowed}}}}}."
    )


def _death(end: dict[str, Any], source: Source, request: dict[str, Any]) -> LayerError:
    """Say why a child gave no answer."""
    code = end["code"]
    if code is None:
        words = end.get("last_words", "").strip().rpartition("\n")[2]
        return FileUnreadableError(f"{source.label}: the process that reads files ended ({words or 'no word'}).")
    if end["late"] or code in {-signal.SIGXCPU, -signal.SIGKILL}:
        allowed = request["processor_s"]
        return FileRefusedError(
            f"{source.label}: reading it takes more than the {allowed:.0f} s that a file of its size may; if it is "
            f"meant, write read: {{limits: {{seconds: {2 * allowed:.0f}}}}}."
        )
    if end["peak_mb"] * (1 << 20) > request["memory_bytes"] / 2:
        return _too_much(source, request)
    name = signal.Signals(-code).name if code < 0 else f"code {code}"
    return FileUnreadableError(
        f"{source.label}: its reader died of it ({name}); the file is broken: fetch it again, or report it."
    )
