"""Name the definition of positions that came without one, or say that the data cannot tell.

`candidates` lists what the numbers may be, `evidence` measures how well each reading agrees with a reference layer of
the same kind of entity, `verdict` is what comes out: ranked candidates with probabilities, "none of these" always
among them, and what would settle the rest. `judge` puts the three together as `crs.detect`.
"""

from crs.detection.judge import detect
from crs.detection.verdict import Ranked, Shift, Verdict

__all__ = ["Ranked", "Shift", "Verdict", "detect"]
