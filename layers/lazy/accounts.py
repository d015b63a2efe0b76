"""What became of the records of a part, without the records."""

from __future__ import annotations

from dataclasses import dataclass, field

from layers.errors import LedgerError

__all__ = ["Account"]


@dataclass(frozen=True, kw_only=True)
class Account:
    """What became of the records of some partitions.

    Parameters
    ----------
    records_in, placed, quarantined, rejected : int
        Records.
    reasons : dict of str to int
        Records by "fate: code".
    partitions : int
        How many.
    """

    records_in: int = 0
    placed: int = 0
    quarantined: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    partitions: int = 0

    def __post_init__(self) -> None:
        if self.records_in != self.placed + self.quarantined + self.rejected:
            raise LedgerError(f"an account does not close: {self}.")

    def __add__(self, other: Account) -> Account:
        names = {**self.reasons, **other.reasons}
        return Account(
            records_in=self.records_in + other.records_in,
            placed=self.placed + other.placed,
            quarantined=self.quarantined + other.quarantined,
            rejected=self.rejected + other.rejected,
            reasons={name: self.reasons.get(name, 0) + other.reasons.get(name, 0) for name in names},
            partitions=self.partitions + other.partitions,
        )
