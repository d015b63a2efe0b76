"""What a child process gives up before it opens a file: memory, time, other files, the network."""

from __future__ import annotations

import ctypes
import math
import os
import platform
import resource
import signal
import socket
import struct
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["confine"]

# Numbers of the kernel's interface (linux/landlock.h, linux/prctl.h, linux/seccomp.h): they never change.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_SET_DEATH_SIGNAL, _SET_SECCOMP, _SET_NO_NEW_PRIVILEGES = 1, 22, 38
_FILTER = 2
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_TRUNCATE = 1 << 14
#: Rights over files that each version of Landlock knows, from 1.
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_TCP, _SCOPES = 3, 3
#: System calls by machine: socket, connect, ptrace, process_vm_readv, process_vm_writev, bpf, io_uring_setup.
_DENIED = {
    "x86_64": (0xC000003E, (41, 42, 101, 310, 311, 321, 425)),
    "aarch64": (0xC00000B7, (198, 203, 117, 270, 271, 280, 425)),
}
_X32 = 0x40000000
_PERMISSION = 1
_OPEN_FILES = 128
_SIZES = Path("/proc/self/statm")

#: What programs need to run at all; nothing of a city lies there.
_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/dev/urandom", "/dev/zero")


def _program_folders() -> list[str]:
    """Where Python and what is installed for it lie; not the folder that a program was started in."""
    own = [str(Path(__file__).resolve().parents[1]), str(Path(sys.modules["crs"].__file__ or "").resolve().parent)]
    installed = [path for path in sys.path if Path(path).name in {"site-packages", "dist-packages"}]
    return [*own, *installed, sys.prefix, sys.base_prefix, *sysconfig.get_paths().values()]


def _limit(memory_bytes: int, processor_s: float) -> None:
    seconds = max(1, math.ceil(processor_s))
    if _SIZES.exists():
        used = int(_SIZES.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + memory_bytes, used + memory_bytes))
    for which, most in (
        (resource.RLIMIT_FSIZE, memory_bytes),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(which, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def _landlock(libc: ctypes.CDLL, readable: Iterable[str], writable: Iterable[str]) -> str | None:
    """Let the kernel refuse every file but these; None where it cannot."""
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return None
    rights = _RIGHTS.get(version, _RIGHTS[5])
    plan = struct.pack("QQQ", rights, _TCP if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = libc.syscall(_CREATE_RULESET, plan, ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return None
    look = _READ_FILE | _READ_DIR
    wanted = [(path, look | _EXECUTE) for path in (*_SYSTEM, *_program_folders())]
    wanted += [(path, look) for path in readable]
    wanted += [(path, rights & ~_EXECUTE) for path in writable] + [("/dev/null", _READ_FILE | _WRITE_FILE)]
    for path, given in dict(wanted).items():
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue  # not on this system
        of_files = given if Path(path).is_dir() else given & (_EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE)
        libc.syscall(_ADD_RULE, ruleset, 1, struct.pack("=Qi", of_files & rights, descriptor), 0)
        os.close(descriptor)
    failed = libc.syscall(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    return None if failed else f"landlock {version}"


def _seccomp(libc: ctypes.CDLL) -> str | None:
    """Let the kernel refuse the calls that reach a network or another process; None where it cannot."""
    if platform.machine() not in _DENIED:
        return None
    machine, calls = _DENIED[platform.machine()]
    load, equal, above, give = 0x20, 0x15, 0x35, 0x06
    denied, killed, allowed = 0x00050000 | _PERMISSION, 0x80000000, 0x7FFF0000
    # (code, steps if true, steps if false, value); the last three lines are allowed, denied, killed.
    tests = (
        [(equal, call) for call in calls]
        if machine != _DENIED["x86_64"][0]
        else [
            (above, _X32),
            *((equal, call) for call in calls),
        ]
    )
    program = [(load, 0, 0, 4), (equal, 0, len(tests) + 3, machine), (load, 0, 0, 0)]
    program += [(code, len(tests) - i, 0, value) for i, (code, value) in enumerate(tests)]
    program += [(give, 0, 0, allowed), (give, 0, 0, denied), (give, 0, 0, killed)]
    lines = b"".join(struct.pack("HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(lines)
    described = struct.pack("HxxxxxxP", len(program), ctypes.addressof(buffer))
    return None if libc.prctl(_SET_SECCOMP, _FILTER, described, 0, 0) else "seccomp"


class _Guard:
    """Refuses Python's own opening of files and sockets, where the kernel does not do it."""

    def __init__(self, readable: Iterable[str], writable: Iterable[str]) -> None:
        self.readable = tuple(str(Path(path)) for path in readable)
        self.writable = tuple(str(Path(path)) for path in writable)

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        # A pair of sockets within the process is how asyncio (Zarr) wakes its own loop; it reaches nobody.
        if event == "socket.__new__" and arguments[1] == socket.AF_UNIX:
            return
        if event.startswith("socket.") and event != "socket.sendmsg":
            raise PermissionError("no network while a file is read")
        if event not in {"open", "os.listdir", "os.scandir"} or not isinstance(arguments[0], str | bytes):
            return
        path = os.path.realpath(os.fsdecode(arguments[0]))
        flags = arguments[2] if event == "open" else 0
        writes = isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC))
        folders = self.writable if writes else (*self.readable, *self.writable)
        if path != os.devnull and not any(path == folder or path.startswith(folder + os.sep) for folder in folders):
            raise PermissionError(f"{path} is none of the files that are being read")


def confine(
    readable: Iterable[str], scratch: str, *, memory_bytes: int, processor_s: float, die_with: int
) -> tuple[str, ...]:
    """Give up, for good, everything that reading these files does not need.

    Parameters
    ----------
    readable : iterable of str
        Files (or folders) that may be read beside Python's own and the system's.
    scratch : str
        The one folder that may be written.
    memory_bytes : int
        Memory beyond what the process has already.
    processor_s : float
        Processor time, seconds.
    die_with : int
        Process id of the parent: when that is gone, so is this one.

    Returns
    -------
    tuple of str
        What the kernel enforces ("landlock 7", "seccomp"); limits of memory and time always hold.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        libc.prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != die_with:
            os._exit(1)
    _limit(memory_bytes, processor_s)
    allowed = [os.path.realpath(path) for path in readable]
    held: list[str | None] = []
    if sys.platform == "linux":
        libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        held = [_landlock(libc, allowed, [scratch]), _seccomp(libc)]
    programs = [os.path.realpath(path) for path in (*_SYSTEM, *_program_folders())]
    sys.addaudithook(_Guard([*allowed, *programs], [os.path.realpath(scratch)]))
    return tuple(part for part in held if part)
