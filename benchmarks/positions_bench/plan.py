"""What a case is made of: its role, definition and factors, drawn by seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.positions_bench.frames import Name
from benchmarks.positions_bench.networks import CITIES, NETWORKS, City, network

#: A change of what seeds mean is a new benchmark.
VERSION = 1

#: In degrees, and one of them in metres: definitions of one range that lie up to 1.5 km apart.
_DEGREES = ("EPSG:4326", "EPSG:4490", "GCJ-02", "BD-09")
#: Ways of writing, each of which counts as a definition beside the frames.
WAYS = ("axes", "north first", "DMS", "packed", "NMEA", "scaled", "truncated", "millimetres")
_SCALED = ("1e-6 degree", "1e-7 degree", "1e-5 degree")
_PACKED = ("packed_dms", "packed_ddmmss")


@dataclass(kw_only=True)
class Plan:
    """The choices of a case, and the random numbers for the rest of it."""

    rng: np.random.Generator
    city: City
    pattern: str
    role: str
    kind: str
    name: Name
    n: int
    sigma_m: float
    noise: str
    window_m: float
    spread: str
    reference: str
    entity: str = "vehicles"
    mixed_share: float = 0.0
    dirt: str = "none"


def frames_of(city: City) -> dict[str, str]:
    """Return the frames in use in a city by what people call them."""
    gk3, gk3_prefix, gk6, gk6_prefix, utm = city.strips
    frames = {
        "WGS 84": "EPSG:4326",
        "CGCS2000": "EPSG:4490",
        "GCJ-02": "GCJ-02",
        "BD-09": "BD-09",
        "BD-09 Mercator": "BD-09MC",
        "GCJ-02 Web Mercator": "GCJ-02 Web Mercator",
        "Web Mercator": "EPSG:3857",
        "3-degree strip": gk3,
        "3-degree strip, zone": gk3_prefix,
        "6-degree strip": gk6,
        "6-degree strip, zone": gk6_prefix,
        "UTM": utm,
    }
    frames |= dict(zip(("Beijing 1954", "Beijing 1954 strip"), city.beijing, strict=False))
    return frames | dict(zip(("Xi'an 1980", "Xi'an 1980 strip"), city.xian, strict=False))


def _drawn_name(rng: np.random.Generator, city: City) -> tuple[str, Name]:
    """Draw one of the definitions: frames as they are, and ways of writing them."""
    frames = frames_of(city)
    kind = str(rng.choice([*frames, *WAYS]))
    if kind in frames:
        return kind, Name(frames[kind])
    base = str(rng.choice([*_DEGREES, *city.beijing[:1], *city.xian[:1]]))
    axes = str(rng.choice(["lon,lat", "lat,lon"]))
    strip = str(rng.choice([*city.strips, *city.beijing[1:], *city.xian[1:]]))
    written_so = {
        "axes": Name(base, "lat,lon"),
        "north first": Name(strip, "lat,lon"),
        "DMS": Name(base, axes, "dms"),
        "packed": Name(base, axes, str(rng.choice(_PACKED))),
        "NMEA": Name(base, axes, "nmea"),
        "scaled": Name(base, axes, unit=str(rng.choice(_SCALED))),
        "truncated": Name(base),
        "millimetres": Name(strip, unit="millimetre"),
    }
    return kind, written_so[kind]


def rivals(city: City, frame: str) -> tuple[str, ...]:
    """Return the frames of a city, this one too, that read each other's numbers into the same area; () if alone."""
    groups = (
        (*_DEGREES, *city.beijing[:1], *city.xian[:1]),
        ("EPSG:3857", "GCJ-02 Web Mercator"),
        (city.strips[0], *city.beijing[1:], *city.xian[1:]),
    )
    return next((group for group in groups if frame in group and len(group) > 1), ())


_ROLES = {
    "general": 0.54, "standard": 0.12, "mixed": 0.12, "unknown shift": 0.05, "local grid": 0.03, "relative": 0.04,
    "too few": 0.02, "no reference": 0.02, "wrong reference": 0.02, "off-road": 0.02, "shifted reference": 0.02,
}  # fmt: skip
#: The tenth that cannot be known.
CANNOT = ("too few", "no reference", "wrong reference", "off-road", "shifted reference")


def planned(seed: int) -> Plan:
    """Draw all that a case is made of."""
    rng = np.random.default_rng([VERSION, seed])
    city = CITIES[int(rng.integers(len(CITIES)))]
    pattern = str(rng.choice(NETWORKS))
    kind, name = _drawn_name(rng, city)
    plan = Plan(
        rng=rng,
        city=city,
        pattern=pattern,
        role=str(rng.choice(list(_ROLES), p=list(_ROLES.values()))),
        kind=kind,
        name=name,
        n=round(float(np.exp(rng.uniform(np.log(5), np.log(1000))))),
        sigma_m=float(np.exp(rng.uniform(0.0, np.log(40.0)))),
        noise=str(rng.choice(["normal", "heavy tails", "neighbours alike"], p=[0.6, 0.2, 0.2])),
        window_m=float(np.exp(rng.uniform(np.log(500), np.log(20_000)))),
        spread=str(rng.choice(["apart", "in runs"], p=[0.7, 0.3])),
        reference=str(rng.choice(["complete", "70 %"], p=[0.6, 0.4])),
        dirt=str(rng.choice(["none", "zeros", "empty", "texts"], p=[0.7, 0.05, 0.05, 0.2])),
    )
    plan.window_m = min(plan.window_m, network(pattern).extent_m)
    _bent(plan)
    return plan


def _bent(plan: Plan) -> None:
    """Make the plan one of its role."""
    rng, city = plan.rng, plan.city
    if plan.role in CANNOT and plan.role != "wrong reference":
        plan.reference = {"no reference": "none", "shifted reference": "shifted"}.get(plan.role, plan.reference)
    if plan.role in {*CANNOT, "mixed"} and not rivals(city, plan.name.frame):
        plan.kind, plan.name = "WGS 84", Name("EPSG:4326")
    if plan.role == "standard":
        plan.n, plan.sigma_m, plan.noise = 30, float(rng.uniform(1.0, 10.0)), "normal"
        plan.window_m, plan.spread, plan.dirt = network(plan.pattern).extent_m, "apart", "none"
    elif plan.role == "mixed":
        plan.n, plan.mixed_share = max(plan.n, 30), float(rng.choice([0.1, 0.2, 0.3, 0.4, 0.5]))
    elif plan.role == "relative":
        frame = str(rng.choice(["GCJ-02", "GCJ-02 Web Mercator"]))
        plan.kind, plan.name, plan.reference = frame, Name(frame), "in GCJ-02"
    elif plan.role == "too few":
        plan.n, plan.dirt = int(rng.integers(1, 3)), "none"
    elif plan.role == "wrong reference":
        plan.reference = "wrong"
    elif plan.role == "off-road":
        plan.entity = "buildings"
    elif plan.role == "general" and len(network(plan.pattern).buildings) and rng.random() < 0.15:
        plan.entity, plan.spread = "buildings", "apart"
