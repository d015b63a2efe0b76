"""What a file that mixes definitions holds: its parts, and to which of them each group and each row belongs."""

from __future__ import annotations

import dataclasses
import html
import json
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crs.coordinates import FloatArray, ObjectArray
    from crs.definition import PositionDefinition
    from crs.detection.candidates import Candidate
    from crs.detection.verdict import Verdict

__all__ = ["Component", "GroupStatus", "Mixture"]

GroupStatus = Literal["named", "mixed", "ambiguous", "unknown"]

_SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class Component:
    """One definition in a mixture.

    Parameters
    ----------
    members : tuple of Candidate
        The class of candidates that no data can tell apart, the plainest first.
    weight : float
        Share of the rows that are in it, 0 to 1, ambiguous ones by their probability.
    verdict : Verdict
        What `crs.detect` says of its rows alone.
    """

    members: tuple[Candidate, ...]
    weight: float
    verdict: Verdict

    @property
    def label(self) -> str:
        """Name of the plainest member."""
        return self.members[0].label

    @property
    def is_named(self) -> bool:
        """True where its own rows suffice to name it."""
        said = self.verdict.position
        return said is not None and any(member.position.crs == said.crs for member in self.members)

    @property
    def position(self) -> PositionDefinition | None:
        """Definition of the plainest member; None where it is not named."""
        return self.members[0].position if self.is_named else None


@dataclass(frozen=True, kw_only=True, eq=False)
class Mixture:
    """Which definition each group and each row of a file is in, as far as the data tell.

    Parameters
    ----------
    name : str
        Of the file.
    components : tuple of Component
        The definitions that mix, the greatest first; one where the file is of one, none where nothing fits.
    labels : tuple of object
        The groups, in the order in which they come; empty where every row is its own.
    group_of_row : numpy.ndarray of int
        Place of each row's group in `labels`, shape (n,).
    group_probabilities : numpy.ndarray
        Shape (groups, components + 1), the last column for none of them; rows sum to 1.
    group_status : numpy.ndarray
        "named", "mixed" (its rows are in several definitions), "ambiguous" or "unknown" (none of them), (groups,).
    row_probabilities : numpy.ndarray
        Shape (n, components + 1), the last column for none of them; NaN for rows without a position.
    row_component : numpy.ndarray of int
        Place of the component of each row, -1 where it is ambiguous, shape (n,).
    columns : tuple of str
        Names of the two columns, as far as known.
    confidence : float
        Probability that naming a group took.
    row_confidence : float
        Probability that choosing a component for a row took.
    settle : tuple of str
        What would settle what is open.
    """

    name: str
    components: tuple[Component, ...]
    labels: tuple[object, ...]
    group_of_row: NDArray[np.int64]
    group_probabilities: FloatArray
    group_status: ObjectArray
    row_probabilities: FloatArray
    row_component: NDArray[np.int64]
    columns: tuple[str, ...] = ()
    confidence: float = 0.99
    row_confidence: float = 0.95
    settle: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.row_component)

    @cached_property
    def share_ambiguous(self) -> float:
        """Share of the rows that are in no named component; 0 for a file without rows."""
        return float((self.row_component < 0).mean()) if len(self) else 0.0

    def position_of(self, row: int) -> PositionDefinition | None:
        """Return the definition of a row.

        Parameters
        ----------
        row : int
            From 0.

        Returns
        -------
        PositionDefinition or None
            With status "detected" and the names of the columns; None where the row is ambiguous.
        """
        component = int(self.row_component[row])
        position = self.components[component].position if component >= 0 else None
        return None if position is None else dataclasses.replace(position, columns=self.columns)

    def rows_of(self, component: int) -> NDArray[np.bool_]:
        """Mark the rows of a component, to take them out of the file.

        Parameters
        ----------
        component : int
            Its place, from 0; -1 for the ambiguous rows.

        Returns
        -------
        numpy.ndarray of bool
            Shape (n,).
        """
        return np.asarray(self.row_component == component)

    def status_of(self, label: object) -> GroupStatus:
        """Return what is said of a group.

        Parameters
        ----------
        label : object
            As it was passed.

        Returns
        -------
        str
            "named", "mixed", "ambiguous" or "unknown".
        """
        status: GroupStatus = self.group_status[self.labels.index(label)]
        return status

    def __repr__(self) -> str:
        lines = [f"{self.name}: {self._headline()}"]
        for place, one in enumerate(self.components):
            same = "" if one.is_named else "  (not named by its own rows)"
            lines.append(f"  {one.weight:7.1%}  {one.label}, {int(self.rows_of(place).sum())} rows{same}")
        lines += [f"           {label}: {status}, {told}" for label, status, told in self._told()]
        if len(self.labels) > _SHOWN:
            lines.append(f"           and {len(self.labels) - _SHOWN} groups more")
        lines.append(f"  {self.share_ambiguous:7.1%}  ambiguous")
        return "\n".join([*lines, *(f"  would settle it: {text}" for text in self.settle)])

    def _headline(self) -> str:
        kinds = {0: "nothing fits", 1: "one definition"}
        what = kinds.get(len(self.components), f"{len(self.components)} definitions mix")
        if not self.labels:
            return f"{what} in {len(self)} rows"
        counts = Counter(self.group_status.tolist())
        shown = ", ".join(f"{counts[status]} {status}" for status in sorted(counts))
        return f"{what} in {len(self)} rows of {len(self.labels)} groups ({shown})"

    def _told(self) -> list[tuple[str, str, str]]:
        """Write the first groups."""
        names = [*(one.label for one in self.components), "none of these"]
        told = []
        for label, status, shares in zip(
            self.labels[:_SHOWN], self.group_status[:_SHOWN], self.group_probabilities[:_SHOWN], strict=True
        ):
            best = int(shares.argmax())
            told.append((str(label), str(status), f"{names[best]} {shares[best]:.1%}"))
        return told

    def _repr_html_(self) -> str:
        """Write the mixture for a notebook."""
        parts = "".join(
            f"<tr><td>{one.weight:.1%}</td><td>{html.escape(one.label)}</td>"
            f"<td>{'named' if one.is_named else 'not named'}</td><td>{int(self.rows_of(place).sum())}</td></tr>"
            for place, one in enumerate(self.components)
        )
        groups = "".join(
            f"<tr><td>{html.escape(label)}</td><td>{html.escape(status)}</td><td>{html.escape(told)}</td></tr>"
            for label, status, told in self._told()
        )
        settle = "".join(f"<li>{html.escape(text)}</li>" for text in self.settle)
        return (
            f"<p><b>{html.escape(self.name)}</b>: {html.escape(self._headline())}, "
            f"{self.share_ambiguous:.1%} of the rows ambiguous</p>"
            "<table><thead><tr><th>share</th><th>definition</th><th>by its own rows</th><th>rows</th></tr></thead>"
            f"<tbody>{parts}</tbody></table>"
            + (
                f"<table><thead><tr><th>group</th><th>status</th><th>most probable</th></tr></thead><tbody>{groups}"
                "</tbody></table>"
                if groups
                else ""
            )
            + (f"<p>Would settle it:</p><ul>{settle}</ul>" if settle else "")
        )

    def to_json(self) -> str:
        """Write the mixture as JSON text.

        Returns
        -------
        str
            Components with their verdicts, groups with status and probabilities, and of the rows the counts.
        """
        content = {
            "name": self.name,
            "rows": len(self),
            "confidence": self.confidence,
            "row_confidence": self.row_confidence,
            "components": [
                {
                    "label": one.label,
                    "definitions": [member.position.name for member in one.members],
                    "crs": one.members[0].position.crs,
                    "weight": one.weight,
                    "named": one.is_named,
                    "rows": int(self.rows_of(place).sum()),
                    "verdict": json.loads(one.verdict.to_json()),
                }
                for place, one in enumerate(self.components)
            ],
            "groups": [
                {"label": str(label), "status": status, "probabilities": shares.tolist()}
                for label, status, shares in zip(self.labels, self.group_status, self.group_probabilities, strict=True)
            ],
            "share_ambiguous": self.share_ambiguous,
            "settle": list(self.settle),
        }
        return json.dumps(content, ensure_ascii=False, indent=2)
