"""Programs of others that read what no library does: found by name, run without a shell, within time and size."""

from __future__ import annotations

import os
import selectors
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from layers.errors import FileRefusedError, FileUnreadableError, ProgramMissingError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Program"]

_CHUNK = 1 << 20
#: Nothing of the caller's environment reaches a program: neither its paths nor its language change what is read.
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "TZ": "UTC"}


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program that may be asked several times about one file, within one stretch of time.

    Parameters
    ----------
    package : str
        Debian package that holds it, for the message where it is missing.
    label : str
        The file that it reads; for messages.
    deadline : float
        Value of ``time.monotonic()`` after which it is stopped.
    max_bytes : int
        Most bytes that one answer may have.
    environment : Mapping of str to str
        What it is told beside a fixed locale and time zone.
    """

    package: str
    label: str
    deadline: float
    max_bytes: int
    environment: Mapping[str, str] = field(default_factory=dict)

    def ask(self, name: str, *arguments: str) -> bytes:
        """Run it and take what it writes; what it says on standard error is dropped, that may be endless.

        Parameters
        ----------
        name : str
            Name of the program.
        *arguments : str
            Its arguments.

        Returns
        -------
        bytes
            Its standard output.

        Raises
        ------
        ProgramMissingError
            If it is not installed.
        FileUnreadableError
            If it fails, crashes or does not end in time.
        FileRefusedError
            If it writes more than is allowed.
        """
        path = shutil.which(name)
        if path is None:
            raise ProgramMissingError(
                f"{self.label}: {name} is needed to read it and is not installed; "
                f"install the package {self.package} (Debian, Ubuntu: apt-get install {self.package})."
            )
        with subprocess.Popen(  # noqa: S603 - no shell; the path is absolute, the file's name follows "--"
            [path, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**_ENVIRONMENT, **self.environment},
            cwd="/",
        ) as process:
            try:
                return self._collect(process, name)
            finally:
                process.kill()

    def _collect(self, process: subprocess.Popen[bytes], name: str) -> bytes:
        parts: list[bytes] = []
        total = 0
        with selectors.DefaultSelector() as waiting:
            if process.stdout is None:  # it is a pipe, always
                raise FileUnreadableError(f"{self.label}: {name} gave no answer.")
            waiting.register(process.stdout, selectors.EVENT_READ)
            while True:
                left = self.deadline - time.monotonic()
                if left <= 0 or not waiting.select(left):
                    raise FileUnreadableError(f"{self.label}: {name} does not end; the file is cut or broken.")
                part = os.read(process.stdout.fileno(), _CHUNK)
                if not part:
                    break
                parts.append(part)
                total += len(part)
                if total > self.max_bytes:
                    raise FileRefusedError(
                        f"{self.label}: {name} makes more than {self.max_bytes:,} bytes of it; "
                        "the file is broken, or a bomb."
                    )
        try:
            code = process.wait(max(0.1, self.deadline - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise FileUnreadableError(f"{self.label}: {name} does not end; the file is cut or broken.") from error
        if code != 0:
            how = f"was stopped by signal {-code}" if code < 0 else f"failed with code {code}"
            raise FileUnreadableError(f"{self.label}: {name} {how}; the file is cut or broken.")
        return b"".join(parts)
