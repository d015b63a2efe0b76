"""What judges answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

NONE = "none of these"
#: What is a claim.
CLAIM = 0.99


@dataclass(frozen=True)
class Answer:
    """Probabilities by name.

    Parameters
    ----------
    probabilities : mapping of str to float
        By name of a definition, and of `NONE`.
    abstains : bool
        True for no claim, however probable the first is.
    """

    probabilities: Mapping[str, float]
    abstains: bool = False

    @property
    def top(self) -> tuple[str, float]:
        """The most probable definition, "none of these" apart, and its probability; "" and 0 without any."""
        names = [(share, name) for name, share in self.probabilities.items() if name != NONE]
        share, name = max(names, key=lambda one: one[0], default=(0.0, ""))
        return name, share

    @property
    def none(self) -> float:
        """Probability that it is none of these."""
        return self.probabilities.get(NONE, 0.0)

    @property
    def claim(self) -> str:
        """Name of what is claimed, or "" for none."""
        name, share = self.top
        return name if share >= CLAIM and not self.abstains else ""
