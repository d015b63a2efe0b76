"""What browser tests look at: counts of drawn rows and pixels of the map."""

import contextlib
import io
import time

import numpy as np
from PIL import Image

from tests.browser.conftest import WAIT_MS

CLIP = {"x": 340, "y": 90, "width": 640, "height": 600}  # Map that no panel covers.
COUNTS = "Object.fromEntries(cityTwin.layers().map((l) => [l.id, cityTwin.count(l.id)]))"
CAMERA = """(({longitude, latitude, zoom, pitch, bearing}) => [longitude, latitude, zoom, pitch, bearing])(
    cityTwin.deck().getViewports()[0])"""
# No flight goes on.
RESTS = """() => Object.values(cityTwin.deck().viewManager.controllers)
    .every((controller) => !controller.transitionManager.transition.inProgress)"""
# Two frames after the layers say that they are loaded, their pixels are on the screen; names come at rest.
DRAWN = """() => cityTwin.ready() && new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() =>
    setTimeout(() => done(cityTwin.namesRest()), 150))))"""


def picture(page):
    """Give the map as RGB once it is drawn: twice the same, as a slow machine shows frames later than it says.

    What plays never is, and is given as it looks after a few tries.
    """
    page.wait_for_function(DRAWN)
    seen = shot(page)
    for _ in range(6):
        before, seen = seen, shot(page)
        if not changed(before, seen):
            break
    return seen


def shot(page):
    """Give the map as it is on the screen now."""
    png = page.screenshot(clip=CLIP)
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=int)


def picture_when(page, holds):
    """Give the first picture of which something holds."""
    until = time.monotonic() + WAIT_MS / 1000
    while not holds(seen := picture(page)):
        assert time.monotonic() < until, "the map never came to look as it should"
    return seen


def zoomed(page, delta):
    """Turn the wheel over the map, and wait until the camera has followed; it goes no nearer than zoom 20."""
    was = page.evaluate(CAMERA)[2]
    page.mouse.wheel(0, delta)
    page.wait_for_function(f"Math.abs({CAMERA}[2] - {was}) > 1e-3 || {CAMERA}[2] > 19.99")
    page.wait_for_function(RESTS)


@contextlib.contextmanager
def flight(page):
    """Wait until the camera is where the server sends it to: each time it says so in other words than before."""
    told = "JSON.stringify(cityTwin.deck().props.initialViewState)"
    before = page.evaluate(told)
    yield
    page.wait_for_function(f"(before) => {told} !== before", arg=before)
    page.wait_for_function(RESTS)


def changed(before, after):
    """Share of pixels that differ visibly."""
    return float((np.abs(before - after).max(axis=2) > 12).mean())
