"""What a detection says: ranked candidates, "none of these", and what would settle what is open."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from crs.detection.picture import draw

if TYPE_CHECKING:
    from crs.definition import PositionDefinition
    from crs.detection.candidates import Candidate
    from crs.detection.sketch import Sketch

__all__ = ["Ranked", "Shift", "Status", "Verdict"]

Status = Literal["named", "ambiguous", "unknown"]

_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """One class of candidates that no data can tell apart, and what speaks for it.

    Parameters
    ----------
    members : tuple of Candidate
        The class, the plainest first.
    probability : float
        Of the class, 0 to 1.
    evidence : tuple of str
        Lines for people.
    """

    members: tuple[Candidate, ...]
    probability: float
    evidence: tuple[str, ...]

    @property
    def label(self) -> str:
        """Name of the plainest member."""
        return self.members[0].label

    @property
    def position(self) -> PositionDefinition:
        """Definition of the plainest member, with status "detected"; its columns are still to be filled in."""
        return self.members[0].position

    @property
    def names(self) -> tuple[str, ...]:
        """Canonical names of the frames of the class."""
        return tuple(dict.fromkeys(member.position.name for member in self.members))


@dataclass(frozen=True, kw_only=True)
class Shift:
    """How far the records lie from the reference under a candidate.

    Parameters
    ----------
    source : str
        The candidate, the plainest one under which the records fit after a shift.
    east_m, north_m : float
        What must be added to the positions, metres.
    sigma_m : float
        Standard deviation per axis by block bootstrap, metres.
    """

    source: str
    east_m: float
    north_m: float
    sigma_m: float

    def __str__(self) -> str:
        return f"{self.east_m:+.0f} m east, {self.north_m:+.0f} m north (sigma {self.sigma_m:.0f} m) from {self.source}"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the definition of a file's positions is, as far as the data tell.

    Parameters
    ----------
    name : str
        Of the file.
    status : str
        "named" (one class, with at least the asked-for probability, from sufficient data), "ambiguous" (candidates
        fit, but the data do not decide) or "unknown" (nothing fits).
    candidates : tuple of Ranked
        The most probable first; empty where no candidate reads the numbers into the area.
    none_probability : float
        That it is none of these, 0 to 1; with the candidates' it sums to 1.
    settle : tuple of str
        What is missing or would settle it; empty where named.
    records : int
        How many distinct positions were judged.
    shift : Shift or None
        Where it is none of these, and yet the records fit after a shift.
    confidence : float
        Probability that a claim took.
    sketch : Sketch or None
        What a picture needs; not part of the JSON text.
    """

    name: str
    status: Status
    candidates: tuple[Ranked, ...]
    none_probability: float
    settle: tuple[str, ...]
    records: int
    shift: Shift | None = None
    confidence: float = 0.99
    sketch: Sketch | None = field(default=None, repr=False, compare=False)

    @property
    def position(self) -> PositionDefinition | None:
        """The definition that was named; None for any other status."""
        return self.candidates[0].position if self.status == "named" else None

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> list[str]:
        """Write the verdict for a terminal."""
        lines = [f"{self.name}: {self._headline()} ({self.records} distinct positions judged)"]
        for ranked in self.candidates[:_SHOWN]:
            others = [name for name in ranked.names if name != ranked.position.name]
            same = f"  (cannot be told from {', '.join(others)})" if others else ""
            lines.append(f"  {_percent(ranked.probability):>7}  {ranked.label}{same}")
            lines += [f"           {line}" for line in ranked.evidence]
        if len(self.candidates) > _SHOWN:
            lines.append(f"           and {len(self.candidates) - _SHOWN} less probable")
        lines.append(f"  {_percent(self.none_probability):>7}  none of these")
        if self.shift is not None:
            lines.append(f"           fits after a shift of {self.shift}")
        return [*lines, *(f"  would settle it: {text}" for text in self.settle)]

    def _headline(self) -> str:
        if self.status == "named":
            return f"named {self.candidates[0].label}"
        return "ambiguous" if self.status == "ambiguous" else "unknown"

    def picture(self, *, notes: bool = True) -> str:
        """Draw the positions over the reference, under the first two candidates side by side.

        Parameters
        ----------
        notes : bool, optional
            Whether what would settle an open case stands below the maps; without them a page says it in its own way.

        Returns
        -------
        str
            An SVG of its own, without anything from elsewhere, for light and dark pages.

        Examples
        --------
        >>> from crs.detection import detect
        >>> verdict = detect(([114.06, 114.07], [22.54, 22.55]), area=(113.7, 22.4, 114.7, 22.9))
        >>> verdict.picture().startswith("<svg")
        True
        """
        if not notes:
            return self._drawn(())
        shift = () if self.shift is None else (f"Fits after a shift of {self.shift}",)
        return self._drawn((*shift, *(f"Would settle it: {text}" for text in self.settle)))

    def _drawn(self, notes: tuple[str, ...]) -> str:
        shares = tuple(_percent(ranked.probability) for ranked in self.candidates[:2])
        return draw(self.sketch, title=f"{self.name}: {self._headline()}", shares=shares, notes=notes)

    def _repr_html_(self) -> str:
        """Write the verdict for a notebook."""
        rows = [
            f"<tr><td>{_percent(ranked.probability)}</td><td>{html.escape(ranked.label)}</td>"
            f"<td>{html.escape(', '.join(ranked.names))}</td>"
            f"<td>{'<br>'.join(html.escape(line) for line in ranked.evidence)}</td></tr>"
            for ranked in self.candidates[:_SHOWN]
        ]
        shift = "" if self.shift is None else html.escape(f"fits after a shift of {self.shift}")
        rows.append(
            f"<tr><td>{_percent(self.none_probability)}</td><td>none of these</td><td></td><td>{shift}</td></tr>"
        )
        settle = "".join(f"<li>{html.escape(text)}</li>" for text in self.settle)
        return (
            f"<p><b>{html.escape(self.name)}</b>: {html.escape(self._headline())} "
            f"({self.records} distinct positions judged)</p>"
            "<table><thead><tr><th>probability</th><th>candidate</th><th>frames</th><th>evidence</th></tr></thead>"
            f"<tbody>{''.join(rows)}</tbody></table>{self._drawn(())}"
            + (f"<p>Would settle it:</p><ul>{settle}</ul>" if settle else "")
        )

    def to_json(self) -> str:
        """Write the verdict as JSON text.

        Returns
        -------
        str
            Status, all candidates with probability, frames, axes, notation, unit and evidence; what would settle it.
        """
        content = {
            "name": self.name,
            "status": self.status,
            "confidence": self.confidence,
            "records": self.records,
            "candidates": [
                {
                    "label": ranked.label,
                    "probability": ranked.probability,
                    "definitions": [
                        {
                            "definition": member.position.name,
                            "crs": member.position.crs,
                            "axes": member.position.axes,
                            "notation": member.position.notation,
                            "unit": member.position.unit,
                        }
                        for member in ranked.members
                    ],
                    "evidence": list(ranked.evidence),
                }
                for ranked in self.candidates
            ],
            "none_of_these": self.none_probability,
            "shift": None
            if self.shift is None
            else {
                "source": self.shift.source,
                "east_m": self.shift.east_m,
                "north_m": self.shift.north_m,
                "sigma_m": self.shift.sigma_m,
            },
            "settle": list(self.settle),
        }
        return json.dumps(content, ensure_ascii=False, indent=2)


def _percent(probability: float) -> str:
    """Write a probability so that only certainty reads as certainty."""
    if 0.9995 <= probability < 1:
        return ">99.9 %"
    return f"{100 * probability:.1f} %"
