"""Between a visitor's state and a link: what is as it was at first is not written."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from dashboards.clock import to_step, to_text
from dashboards.frame import CELLS
from dashboards.frames import FrameSource
from dashboards.legends import first_settings
from dashboards.links import Camera, Known, Link
from dashboards.notes import carried
from dashboards.opening import first_cell_variable
from dashboards.selections import find_row
from dashboards.state import ExplorerState
from dashboards.tour import at_stop

_CAMERA = ("longitude", "latitude", "zoom", "pitch", "bearing")
_STILL = 1e-4  # A camera that differs from the first by less was not moved by anybody.


def known_to(source: FrameSource) -> Known:
    """List the names that a link may use.

    Parameters
    ----------
    source : FrameSource
        Frames of the city.

    Returns
    -------
    Known
        Rows of the layer panel, map layers and variables.
    """
    layers = {*first_settings(source), *(layer.id for layer in source.layers)}
    return Known(layers=frozenset(layers), variables=frozenset(source.city.variables))


def link_of(state: ExplorerState, source: FrameSource, *, first_camera: Mapping[str, Any], first_step: int) -> Link:
    """Give the link to what a visitor sees.

    Parameters
    ----------
    state : ExplorerState
        What is seen.
    source : FrameSource
        Frames of the city.
    first_camera : Mapping
        View state that the page opens on without a link.
    first_step : int
        Step that it opens on.

    Returns
    -------
    Link
        The link.
    """
    times, zone = source.readings.times, source.city.clock.zone
    cells = "" if state.cell_variable == first_cell_variable(source) else state.cell_variable
    selection = state.selection
    return Link(
        view=state.view,
        time="" if state.step == first_step else to_text(times, zone, min(state.step, len(times) - 1)),
        camera=_moved_camera(state.camera, first_camera),
        layers=MappingProxyType(_changed(state.settings, first_settings(source))),
        order=tuple(state.order),
        palettes=MappingProxyType(dict(state.palettes)),
        cells=cells,
        columns=state.extruded,
        doubtful=state.doubtful,
        named=state.named,
        pick=(selection["layer"], selection["row"]) if selection else None,
        notes=carried(state.notes),
        stop=state.stop,
        limits=MappingProxyType(dict(state.limits)),
        speed=state.speed,
        playing=state.playing,
        kiosk=state.kiosk,
        language=state.language,
        theme=state.theme,
    )


def take(
    link: Link, state: ExplorerState, source: FrameSource, *, first_camera: Mapping[str, Any], first_step: int
) -> tuple[str, ...]:
    """Bring a state to what a link says.

    Parameters
    ----------
    link : Link
        What is to be seen.
    state : ExplorerState
        Changed at once, as one event.
    source : FrameSource
        Frames of the city.
    first_camera : Mapping
        View state that holds where the link names none.
    first_step : int
        Step that holds where it names none.

    Returns
    -------
    tuple of str
        Keys of the link that mean nothing in this city, such as a time outside the clock.
    """
    notes = [] if 0 <= link.stop <= len(source.city.tour) else ["tour"]
    link = at_stop(link, source)
    step = first_step
    if link.time:
        found = to_step(source.readings.times, source.city.clock.zone, link.time)
        step = first_step if found is None else found
        notes += ["t"] if found is None else []
    said = link.camera or tuple(first_camera[key] for key in _CAMERA)
    camera = {key: float(value) for key, value in zip(_CAMERA, said, strict=True)}
    size = {key: state.camera[key] for key in ("width", "height") if key in state.camera}
    cells = link.cells if link.cells in source.readings.cell_variables else ""
    notes += ["cells"] if link.cells != cells else []
    selection = None
    if link.pick:
        selection = find_row(source, *link.pick, resolution=_shown_resolution(source, cells, camera["zoom"]))
        notes += ["pick"] if selection is None else []
    state.param.update(
        view=link.view,
        step=step,
        camera=camera | size,
        settings=_settings(link.layers, first_settings(source)),
        order=[name for name in link.order if name in first_settings(source)],
        palettes={name: ramp for name, ramp in link.palettes.items() if name in first_settings(source)},
        cell_variable=cells or first_cell_variable(source),
        extruded=link.columns,
        doubtful=link.doubtful,
        named=link.named,
        selection=selection,
        notes=[{"at": [note.lon_deg, note.lat_deg], "text": note.text} for note in link.notes],
        stop=link.stop,
        limits=dict(link.limits),
        speed=link.speed,
        playing=link.playing or link.kiosk,
        kiosk=link.kiosk,
        language=link.language,
        theme=link.theme,
    )
    return tuple(notes)


def _moved_camera(camera: Mapping[str, float], first: Mapping[str, Any]) -> Camera | None:
    if not camera or all(abs(camera[key] - first[key]) < _STILL for key in _CAMERA):
        return None
    lon, lat, zoom, pitch, bearing = (camera[key] for key in _CAMERA)
    return (lon, lat, zoom, pitch, (bearing + 180.0) % 360.0 - 180.0)


def _changed(settings: Mapping[str, Any], first: Mapping[str, Any]) -> dict[str, int]:
    return {
        name: round(100 * setting["opacity"]) if setting["visible"] else 0
        for name, setting in settings.items()
        if name in first and setting != first[name]
    }


def _settings(said: Mapping[str, int], first: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    changed = {
        name: {"visible": percent > 0, "opacity": percent / 100 if percent else first[name]["opacity"]}
        for name, percent in said.items()
        if name in first
    }
    return dict(first) | changed


def _shown_resolution(source: FrameSource, cells: str, zoom: float) -> int | None:
    variable = cells or first_cell_variable(source)
    return (
        source.cells(variable, zoom=zoom).resolution if variable and any(m.id == CELLS for m in source.layers) else None
    )
