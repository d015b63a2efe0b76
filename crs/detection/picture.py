"""The picture of a verdict: the positions over the reference, under the first two candidates side by side."""

from __future__ import annotations

import hashlib
import html
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from crs.local import local_projection

if TYPE_CHECKING:
    from crs.coordinates import FloatArray, ObjectArray
    from crs.detection.sketch import Sketch

__all__ = ["draw"]

_PANEL, _GAP, _HEAD, _FOOT = 380.0, 20.0, 76.0, 44.0
_LINE, _CHARACTERS = 16.0, 118
#: Bends of the reference that are finer than this, in pixels, are not drawn.
_FINEST = 0.3
#: Okabe and Ito's blue and sky blue, which readers without full colour vision tell from grey.
_STYLE = """
.cv{font:13px system-ui,sans-serif}.cv-card{fill:#fff}.cv-map{fill:#f4f5f7}.cv-text{fill:#1b1f24}.cv-quiet{fill:#57606a}
.cv-line{fill:none;stroke:#8b949e;stroke-width:1.4}.cv-area{fill:#8b949e;fill-opacity:.16;stroke:#8b949e;stroke-width:1}
.cv-place{fill:none;stroke:#6e7781;stroke-width:1.3}.cv-dot{fill:#0072b2;stroke:#fff;stroke-width:.8}
.cv-bar{stroke:#1b1f24;stroke-width:2;fill:none}.cv-plate{fill:#fff;fill-opacity:.85}
@media (prefers-color-scheme:dark){.cv-card{fill:#14181d}.cv-map{fill:#1c2128}.cv-text{fill:#e6edf3}
.cv-quiet{fill:#9da7b1}.cv-line{stroke:#7d8894}.cv-area{fill:#7d8894;stroke:#7d8894}.cv-place{stroke:#9da7b1}
.cv-dot{fill:#56b4e9;stroke:#14181d}.cv-bar{stroke:#e6edf3}.cv-plate{fill:#14181d}}
"""


@dataclass(frozen=True, eq=False)
class _Window:
    """The piece of the city that is shown, in plane metres.

    Parameters
    ----------
    places : tuple of numpy.ndarray
        Positions of each candidate, shape (n, 2), x and y in metres.
    reference : numpy.ndarray
        Geometries in metres.
    west_m, south_m, wide_m : float
        The square.
    """

    places: tuple[FloatArray, ...]
    reference: ObjectArray
    west_m: float
    south_m: float
    wide_m: float


def draw(sketch: Sketch | None, *, title: str, shares: tuple[str, ...], notes: tuple[str, ...]) -> str:
    """Draw a verdict.

    Parameters
    ----------
    sketch : Sketch or None
        Positions and reference; None where no candidate reads the numbers.
    title : str
        What was found.
    shares : tuple of str
        Probability of each candidate, as text.
    notes : tuple of str
        Sentences below the maps.

    Returns
    -------
    str
        One SVG element without anything from elsewhere, legible on light and dark pages: it has its own ground.
    """
    lines = [part for note in notes for part in textwrap.wrap(note, _CHARACTERS)]
    wide = 2 * _PANEL + 3 * _GAP
    maps = [] if sketch is None else _maps(sketch, shares)
    top = _HEAD + (_PANEL + _FOOT if maps else 0.0)
    high = top + _LINE * len(lines) + 14
    texts = [
        f'<text class="cv-quiet" x="{_GAP:g}" y="{top + _LINE * n:g}">{_safe(t)}</text>' for n, t in enumerate(lines)
    ]
    body = "".join(
        [
            f'<rect class="cv-card" width="{wide:g}" height="{high:g}" rx="6"/>',
            f'<text class="cv-text" x="{_GAP:g}" y="30" font-size="16" font-weight="600">{_safe(title)}</text>',
            *maps,
            *texts,
        ]
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="cv" role="img" viewBox="0 0 {wide:g} {high:g}" '
        f'width="{wide:g}" height="{high:g}"><title>{_safe(title)}</title><style>{_STYLE}</style>{body}</svg>'
    )


def _safe(text: str) -> str:
    return html.escape(text)


def _maps(sketch: Sketch, shares: tuple[str, ...]) -> list[str]:
    """Draw a map a candidate and what their signs mean."""
    window = _window(sketch)
    if window is None:
        return []
    ground = _ground(window)
    name = "cv" + hashlib.sha256("".join([ground, *sketch.labels, *shares]).encode()).hexdigest()[:10]
    drawn = [
        f'<defs><clipPath id="{name}"><rect width="{_PANEL:g}" height="{_PANEL:g}"/></clipPath>',
        f'<g id="{name}g">{ground}</g></defs>',
    ]
    for number, (label, share) in enumerate(zip(sketch.labels, shares, strict=False)):
        left = _GAP + number * (_PANEL + _GAP)
        dots, inside = _dots(window, number)
        total = len(_known(window.places[number]))
        drawn.append(
            f'<text class="cv-text" x="{left:g}" y="{_HEAD - 12:g}"><tspan font-weight="600">{number + 1}. '
            f"{_safe(label)}</tspan> {_safe(share)}</text>"
            f'<g transform="translate({left:g} {_HEAD:g})">'
            f'<rect class="cv-map" width="{_PANEL:g}" height="{_PANEL:g}"/>'
            f'<g clip-path="url(#{name})"><use href="#{name}g"/>{dots}</g>{_scale_bar(window.wide_m)}</g>'
            f'<text class="cv-quiet" x="{left + _PANEL:g}" y="{_HEAD + _PANEL + 18:g}" text-anchor="end">'
            f"{inside} of {total} positions shown</text>"
        )
    if len(window.reference):
        drawn.append(_legend(window, sketch.reference_name))
    return drawn


def _window(sketch: Sketch) -> _Window | None:
    """Lay the square of a sketch out in metres."""
    west, south, east, north = sketch.window
    if not np.isfinite(sketch.window).all():
        return None
    plane = local_projection([west, east], [south, north])
    places = tuple(np.column_stack(plane.forward(one[:, 0], one[:, 1])) for one in sketch.positions)
    x, y = plane.forward(np.array([west, east]), np.array([south, north]))
    wide = float(x[1] - x[0])
    rim = 0.05 * wide  # so that the cut itself stays out of sight
    clipped = shapely.clip_by_rect(plane.project(sketch.reference), x[0] - rim, y[0] - rim, x[1] + rim, y[1] + rim)
    shown = shapely.simplify(clipped[~shapely.is_empty(clipped)], _FINEST * wide / _PANEL)
    return _Window(places, shown, float(x[0]), float(y[0]), wide)


def _known(places: FloatArray) -> FloatArray:
    known: FloatArray = places[np.isfinite(places).all(axis=1)]
    return known


def _to_panel(window: _Window, places: FloatArray) -> FloatArray:
    scale = _PANEL / window.wide_m
    x, y = (places[:, 0] - window.west_m) * scale, _PANEL - (places[:, 1] - window.south_m) * scale
    return np.column_stack([x, y])


def _dots(window: _Window, number: int) -> tuple[str, int]:
    at = _to_panel(window, window.places[number])
    at = at[(np.isfinite(at) & (at >= 0) & (at <= _PANEL)).all(axis=1)]
    return "".join(f'<circle class="cv-dot" cx="{x:.1f}" cy="{y:.1f}" r="3.2"/>' for x, y in at), len(at)


def _ground(window: _Window) -> str:
    """Draw the reference: lines, areas, or places."""
    parts = shapely.get_parts(window.reference)
    dimension = shapely.get_dimensions(parts)
    drawn = [
        f'<rect class="cv-place" x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7"/>'
        for x, y in _to_panel(window, shapely.get_coordinates(parts[dimension == 0]))
    ]
    for number, sign in ((2, "cv-area"), (1, "cv-line")):
        strands = parts[dimension == number] if number == 1 else shapely.get_rings(parts[dimension == number])
        path = "".join(_path(_to_panel(window, shapely.get_coordinates(strand))) for strand in strands)
        drawn += [f'<path class="{sign}" d="{path}"/>'] if path else []
    return "".join(drawn)


def _path(at: FloatArray) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in at)


def _scale_bar(wide_m: float) -> str:
    """Draw a round length of about a quarter of the map."""
    power = 10.0 ** np.floor(np.log10(wide_m / 4.0))
    length_m = max(step * power for step in (1.0, 2.0, 5.0) if step * power <= wide_m / 4.0)
    told = f"{length_m / 1000:g} km" if length_m >= 1000 else f"{length_m:g} m"
    pixels = length_m / wide_m * _PANEL
    y = _PANEL - 14
    return (
        f'<rect class="cv-plate" x="6" y="{y - 22:g}" width="{pixels + 14:.1f}" height="32" rx="3"/>'
        f'<path class="cv-bar" d="M13 {y - 4:g}v4h{pixels:.1f}v-4"/>'
        f'<text class="cv-text" x="13" y="{y - 8:g}" font-size="12">{told}</text>'
    )


def _legend(window: _Window, name: str) -> str:
    """Tell the signs apart."""
    kind = int(shapely.get_dimensions(window.reference).max())
    y = _HEAD + _PANEL + 14
    signs = {
        0: f'<rect class="cv-place" x="{_GAP + 92:g}" y="{y - 4:g}" width="7" height="7"/>',
        1: f'<path class="cv-line" d="M{_GAP + 86:g} {y:g}h20"/>',
        2: f'<rect class="cv-area" x="{_GAP + 88:g}" y="{y - 5:g}" width="16" height="10"/>',
    }
    return (
        f'<circle class="cv-dot" cx="{_GAP + 5:g}" cy="{y:g}" r="3.2"/>'
        f'<text class="cv-quiet" x="{_GAP + 14:g}" y="{y + 4:g}">positions</text>{signs[kind]}'
        f'<text class="cv-quiet" x="{_GAP + 112:g}" y="{y + 4:g}">{_safe(name)}</text>'
    )
