"""`crs.detect`: candidates, their evidence against a reference, and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs.coordinates import Fields, Lattice, Shapes
from crs.definition import definition
from crs.detection.candidates import MIN_SHARE, Reading, readings
from crs.detection.evidence import Fit, Reference, Scan, block_weights, fit, scan
from crs.detection.verdict import Ranked, Shift, Status, Verdict
from crs.entries import Area
from crs.equivalence import equivalent
from crs.errors import DefinitionError, ReferenceNotHarmonisedError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from crs.coordinates import Coordinates, FloatArray, Positioned

__all__ = ["detect"]

#: So many distinct positions are judged at most: more of them tell nothing new about one definition of all.
_MOST_RECORDS = 400
#: With fewer distinct positions nothing is claimed.
_MIN_RECORDS = 8
#: What is claimed at least: probability, log-likelihood above chance, share of records on the reference.
_CLAIM, _MIN_EVIDENCE, _MIN_ON_SHARE = 0.99, 10.0, 0.5
#: Definitions of one place differ by 33 m and more (old datums): the data must pin them closer.
_PINNED_M = 30.0
#: A claim stands if the best shift is no farther than this (the public formula of GCJ-02 is 10 m off in places), or
#: than three of its sigmas; "none of these" are shifts farther than the second, which old datums exceed.
_NO_SHIFT_M, _SHIFT_M = 16.0, 20.0
#: Probability before the evidence that it is none of the candidates; half of it for a shift, half for anything.
_NONE = 0.05
#: The area about a reference, wider than the greatest shift of a map (BD-09, 1.5 km).
_MARGIN_DEG = 0.03


def detect(
    frame: Positioned | Coordinates | tuple[ArrayLike, ArrayLike],
    *,
    reference: Positioned | None = None,
    area: tuple[float, float, float, float] | None = None,
) -> Verdict:
    """Name the definition of positions that came without one, or say why the data cannot tell.

    Parameters
    ----------
    frame : Positioned, Fields, Shapes or tuple of array_like
        The positions: a layer (what it declares is not believed, only compared), its coordinates, or two columns of
        numbers or texts as written, in either order.
    reference : Positioned, optional
        A layer in WGS 84 longitude and latitude of the same kind of entity, whose positions are right: streets for
        vehicles, stations for stations, buildings for buildings. Without one nothing is ever named, since shifted maps
        and old datums all lie in the city.
    area : tuple of float, optional
        West, south, east, north in degrees: where the records should be. The surroundings of the reference if left out.

    Returns
    -------
    Verdict
        "named" with a probability of at least 0.99 from sufficient data; else "ambiguous" or "unknown", and what would
        settle it.

    Raises
    ------
    DefinitionError
        If the positions are not two columns or geometries, or there is neither reference nor area.
    ReferenceNotHarmonisedError
        If the reference is not in longitude and latitude, or is empty.

    Examples
    --------
    >>> verdict = detect(([114.06, 114.07], [22.54, 22.55]), area=(113.7, 22.4, 114.7, 22.9))
    >>> verdict.status, verdict.position
    ('ambiguous', None)
    >>> [ranked.label for ranked in verdict.candidates[:2]]
    ['OGC:CRS84', 'GCJ-02']
    """
    name, fields, declared = _taken(frame)
    known = None if reference is None else _reference(reference)
    box = _box(known, area)
    sample = _sampled(fields)
    if not len(sample):
        return _open(name, (), 0, ("the file holds no positions",))
    found = readings(sample, box)
    if not found:
        settle = (
            f"no known definition puts {MIN_SHARE:.0%} of the records into {box}: check the area, or give the shift"
        )
        return _open(name, (), len(sample), (f"{settle} or local grid in which they are written",))
    if known is None:
        return _without_reference(name, found, len(sample))
    return _judged(name, found, known, declared)


def _taken(
    frame: Positioned | Coordinates | tuple[ArrayLike, ArrayLike],
) -> tuple[str, Fields, str | None]:
    """Return name, two columns, and what was declared."""
    if isinstance(frame, tuple):
        if len(frame) != 2:
            raise DefinitionError(f"positions are two columns (x, y), found {len(frame)}")
        return "positions", Fields((np.asarray(frame[0]), np.asarray(frame[1]))), None
    if isinstance(frame, Fields | Shapes | Lattice):
        name, coordinates, declared = "positions", frame, None
    else:
        name, coordinates = frame.name, frame.coordinates
        position = getattr(frame, "position", None)
        declared = None if position is None else position.crs
    if isinstance(coordinates, Shapes):
        numbers = shapely.get_coordinates(coordinates.geometry)
        return name, Fields((numbers[:, 0], numbers[:, 1])), declared
    if isinstance(coordinates, Lattice) or len(coordinates.columns) != 2:
        raise DefinitionError(
            f"{name}: only positions in two columns, or geometries, can be judged; pass (x, y) as they are written"
        )
    return name, coordinates, declared


def _reference(layer: Positioned) -> Reference:
    """Take the geometries of a reference that is in longitude and latitude."""
    if not isinstance(layer.coordinates, Shapes) or not equivalent(layer.position, "OGC:CRS84"):
        raise ReferenceNotHarmonisedError(
            f"reference {layer.name!r} is in {layer.position.name}; pass crs.harmonise({layer.name}), "
            "whose geometries are in longitude and latitude"
        )
    return Reference(layer.coordinates.geometry, layer.name)


def _box(known: Reference | None, area: tuple[float, float, float, float] | None) -> Area:
    """Return where the records should be."""
    if area is not None:
        return Area(*map(float, area))
    if known is None:
        raise DefinitionError(
            "numbers alone do not say where they are: pass reference= (a layer of the same kind of entity) or "
            "area=(west, south, east, north)"
        )
    west, south, east, north = known.bounds
    wider = _MARGIN_DEG / max(0.1, float(np.cos(np.radians((south + north) / 2.0))))
    return Area(west - wider, south - _MARGIN_DEG, east + wider, north + _MARGIN_DEG)


def _sampled(fields: Fields) -> Fields:
    """Return distinct records, evenly drawn from all: a feed repeats the position of a station with every reading."""
    draw = np.random.default_rng(0)
    size = len(fields)
    rows = draw.permutation(size) if size < 50 * _MOST_RECORDS else draw.integers(0, size, 50 * _MOST_RECORDS)
    first, second = (column[rows].tolist() for column in fields.columns)
    pairs = list(dict.fromkeys(zip(map(_plain, first), map(_plain, second), strict=True)))
    pairs = [pair for pair in pairs if None not in pair][:_MOST_RECORDS]
    columns = np.array(pairs, dtype=object).reshape(len(pairs), 2)
    return Fields((columns[:, 0], columns[:, 1]))


def _plain(value: object) -> object:
    """Return a value, None for one that is missing."""
    return None if value is None or value != value else value  # noqa: PLR0124 (NaN alone differs from itself)


def _open(name: str, ranked: tuple[Ranked, ...], records: int, settle: tuple[str, ...]) -> Verdict:
    """Make a verdict that names nothing."""
    status: Status = "ambiguous" if ranked else "unknown"
    none = _NONE if ranked else 1.0
    return Verdict(name=name, status=status, candidates=ranked, none_probability=none, settle=settle, records=records)


def _without_reference(name: str, found: tuple[Reading, ...], records: int) -> Verdict:
    """List what fits the area, all alike."""
    ranked = tuple(
        Ranked(members=one.members, probability=(1.0 - _NONE) / len(found), evidence=(_placed_line(one),))
        for one in found
    )
    return _open(name, ranked, records, ("a reference layer of the same kind of entity, harmonised to OGC:CRS84",))


def _placed_line(reading: Reading) -> str:
    return f"{int(np.isfinite(reading.lon).sum())} of {len(reading.lon)} records land in the area"


def _probabilities(fits: list[Fit], weights: FloatArray, shifted: Scan) -> tuple[NDArray[np.float64], float]:
    """Average the probability of each candidate, and of none of them, over the resamplings."""
    totals = np.stack([np.max([noise @ weights.T for noise in one.scores], axis=0) for one in fits])
    none = np.logaddexp(np.zeros(len(weights)), shifted.log_likelihood) + np.log(_NONE / 2.0)
    logs = np.vstack([totals + np.log((1.0 - _NONE) / len(fits)), none])
    shares = np.exp(logs - np.logaddexp.reduce(logs, axis=0)).mean(axis=1)
    return shares[:-1] / shares.sum(), float(shares[-1] / shares.sum())


def _judged(name: str, found: tuple[Reading, ...], known: Reference, declared: str | None) -> Verdict:
    """Weigh all readings against the reference."""
    fits = [fit(known, one.lon, one.lat) for one in found]
    best = int(np.argmax([one.total for one in fits]))
    weights = block_weights(fits[best].x_m, fits[best].y_m)
    shifted = scan(known, fits[best], weights, tolerance_m=_SHIFT_M)
    shares, none = _probabilities(fits, weights, shifted)
    records = len(found[0].lon)
    ranked = tuple(
        Ranked(
            members=found[place].members,
            probability=float(shares[place]),
            evidence=_lines(found[place], fits[place], known, declared),
        )
        for place in np.argsort(-shares, kind="stable")
    )
    wanting = _wanting(found[best], fits[best], shifted, known)
    status: Status = "ambiguous"
    if none > max(0.5, float(shares.max())):
        status = "unknown"
    elif not wanting and shares[best] >= _CLAIM:
        status = "named"
    return Verdict(
        name=name,
        status=status,
        candidates=ranked,
        none_probability=none,
        settle=() if status == "named" else _settle(wanting, ranked, none),
        records=records,
        shift=_shift(found, fits, weights, known) if status == "unknown" else None,
    )


def _shift(found: tuple[Reading, ...], fits: list[Fit], weights: FloatArray, known: Reference) -> Shift | None:
    """Find the plainest candidate under which the records fit after a shift, None if there is none."""
    scans = [scan(known, one, weights, tolerance_m=_SHIFT_M) for one in fits]
    totals = [one.total + shifted.gain for one, shifted in zip(fits, scans, strict=True)]
    for reading, shifted, total in zip(found, scans, totals, strict=True):
        # Within 3 of the best: as good as it, by the usual two log-likelihood units and one for the grid.
        if total >= max(_MIN_EVIDENCE, max(totals) - 3.0) and shifted.extent_m <= _PINNED_M:
            return _shift_of(reading, shifted)
    return None


def _shift_of(reading: Reading, shifted: Scan) -> Shift:
    return Shift(
        source=reading.members[0].label,
        east_m=shifted.east_m,
        north_m=shifted.north_m,
        sigma_m=shifted.sigma_m,
    )


def _lines(reading: Reading, found: Fit, known: Reference, declared: str | None) -> tuple[str, ...]:
    """Write the evidence of a reading."""
    what = "line" if known.is_lines else "entity"
    lines = [
        _placed_line(reading),
        f"median {found.median_m:.0f} m to the nearest {what} of {known.name}, by chance {found.chance_median_m:.0f} m",
        f"log-likelihood {found.total:+.1f} against chance, {found.on_share:.0%} of the records on the reference",
    ]
    if declared is not None:
        same = any(equivalent(member.position, definition(declared)) for member in reading.members)
        lines.append("declared so" if same else f"contradicts the declared {definition(declared).name}")
    return tuple(lines)


def _wanting(reading: Reading, found: Fit, shifted: Scan, known: Reference) -> tuple[str, ...]:
    """Say what the data lack for any claim: a test of sufficiency, whatever the probabilities."""
    wanting = []
    records, total = len(reading.lon), found.total
    if records < _MIN_RECORDS:
        wanting.append(f"at least {_MIN_RECORDS} distinct positions, found {records}")
    if total < _MIN_EVIDENCE or found.on_share < _MIN_ON_SHARE:
        wanting.append(
            f"a reference of the same kind of entity: {found.on_share:.0%} of the records lie on {known.name}, "
            f"log-likelihood {total:+.1f} against chance"
        )
    if shifted.extent_m > _PINNED_M:
        across = "on streets of other directions" if known.is_lines else "of other places"
        wanting.append(
            f"records {across} or from farther away: shifts up to {shifted.extent_m:.0f} m fit as well as the best"
        )
    far = float(np.hypot(shifted.east_m, shifted.north_m))
    if far > max(_NO_SHIFT_M, 3.0 * shifted.sigma_m):
        wanting.append(f"why the records fit {known.name} better after a shift of {_shift_of(reading, shifted)}")
    return tuple(wanting)


def _settle(wanting: tuple[str, ...], ranked: tuple[Ranked, ...], none: float) -> tuple[str, ...]:
    """Say what would settle an open case."""
    if wanting:
        return wanting
    if none > ranked[0].probability:
        return ("the parameters of a shift or a local grid, or a definition that is not among the candidates",)
    rival = ranked[1].label if len(ranked) > 1 and ranked[1].probability > none else "none of these"
    return (f"more records, spread over the city, to tell {ranked[0].label} from {rival}",)
