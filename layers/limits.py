"""How much of the machine the reading of one file may take."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a file may cost to read: a part that every file has, and a part in proportion to its size.

    The size is that of the file and its siblings, unpacked where it is gzip. The wall clock may show six times the
    seconds of processor time, because a busy machine is no fault of the file.

    Parameters
    ----------
    memory_mb : float
        Memory of any file, MiB.
    memory_per_byte : float
        Further bytes of memory for every byte of the file.
    seconds : float
        Processor time of any file, seconds.
    seconds_per_mb : float
        Further seconds for every MiB of the file.

    Examples
    --------
    >>> Limits().memory_bytes(10 << 20) >> 20, Limits().processor_s(10 << 20)
    (1088, 28.0)
    """

    memory_mb: float = 768.0
    memory_per_byte: float = 32.0
    seconds: float = 8.0
    seconds_per_mb: float = 2.0

    def memory_bytes(self, size: int) -> int:
        """Return the memory that a file may take.

        Parameters
        ----------
        size : int
            Bytes of the file.

        Returns
        -------
        int
            Bytes.
        """
        return int(self.memory_mb * (1 << 20) + self.memory_per_byte * size)

    def processor_s(self, size: int) -> float:
        """Return the processor time that a file may take.

        Parameters
        ----------
        size : int
            Bytes of the file.

        Returns
        -------
        float
            Seconds.
        """
        return self.seconds + self.seconds_per_mb * size / (1 << 20)
