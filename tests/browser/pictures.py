"""What browser tests look at: counts of drawn rows and pixels of the map."""

import io

import numpy as np
from PIL import Image

CLIP = {"x": 340, "y": 90, "width": 640, "height": 600}  # Map that no panel covers.
COUNTS = "Object.fromEntries(cityTwin.layers().map((l) => [l.id, cityTwin.count(l.id)]))"
# Two frames after the layers say that they are loaded, their pixels are on the screen.
DRAWN = """() => cityTwin.ready() && new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() =>
    setTimeout(() => done(true), 150))))"""


def picture(page):
    """Give the map as RGB once it is drawn."""
    page.wait_for_function(DRAWN)
    png = page.screenshot(clip=CLIP)
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=int)


def changed(before, after):
    """Share of pixels that differ visibly."""
    return float((np.abs(before - after).max(axis=2) > 12).mean())
