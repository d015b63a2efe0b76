"""Name the definition of positions that came without one, or say that the data cannot tell.

`subject` draws the sample that is judged, `candidates` lists what the numbers may be, `evidence` measures how well each
reading agrees with a reference layer of the same kind of entity, `hints` adds soft evidence of other kinds (`words` and
digits, the smoothness of `trajectories`), `verdict` is what comes out: ranked candidates with probabilities, "none of
these" always among them, and what would settle the rest, a `sketch` for its picture included. `judge` puts them
together as `crs.detect`; streets with chainages and the ids of registers are recognised by `indirect`.

Where a file mixes definitions, `density` tells rows apart, `expectation` and `parts` find which definitions mix, and
`groups` says what each group and row is in, as a `mixture`: `crs.detect_groups`.
"""

from crs.detection.groups import detect_groups
from crs.detection.judge import detect
from crs.detection.mixture import Component, Mixture
from crs.detection.trajectories import stretches
from crs.detection.verdict import Ranked, Shift, Verdict

__all__ = ["Component", "Mixture", "Ranked", "Shift", "Verdict", "detect", "detect_groups", "stretches"]
