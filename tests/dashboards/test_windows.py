import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.errors import FrameNotFoundError
from dashboards.windows import EVERYWHERE, horizon_of, window_from_key, window_of

cameras = st.fixed_dictionaries(
    {
        "longitude": st.floats(-170, 170),
        "latitude": st.floats(-70, 70),
        "zoom": st.floats(10, 19),
        "width": st.floats(300, 3000),
        "height": st.floats(300, 2000),
    }
)


@given(cameras)
def test_a_window_holds_its_middle_and_comes_back_from_its_key(camera):
    window = window_of(camera)
    assert window_from_key(window.key) == window
    assert window.holds(np.array([camera["longitude"]]), np.array([camera["latitude"]])).all()


@given(cameras)
def test_a_window_holds_what_lies_straight_below_the_whole_screen(camera):
    metres_per_pixel = 78271.517 * np.cos(np.radians(camera["latitude"])) / 2 ** camera["zoom"]
    reach_deg = metres_per_pixel * max(camera["width"], camera["height"]) / 2 / 111_195
    lat = np.array([camera["latitude"] - reach_deg, camera["latitude"] + reach_deg])
    assert window_of(camera).holds(np.full(2, camera["longitude"]), lat).all()


def test_without_a_camera_one_looks_everywhere():
    assert window_of({}) == EVERYWHERE


@pytest.mark.parametrize("key", ["", "1,2,3", "a,b,c,d", "3,2,1,4", "1,4,3,2", "1,2,3,4,5"])
def test_a_broken_key_is_refused(key):
    with pytest.raises(FrameNotFoundError):
        window_from_key(key)


@given(cameras, st.sampled_from([0.0, 30.0, 60.0]), st.floats(-180, 180))
def test_a_slanted_camera_sees_no_farther_than_its_horizon(camera, pitch, bearing):
    camera = camera | {"pitch": pitch, "bearing": bearing}
    # Twice the screen's height ahead is inside the picture at a slant of 60 degrees, near the upper edge.
    ahead_px = 2.3 * camera["height"] if pitch == 60.0 else 0.0
    metres = ahead_px * 78271.517 * np.cos(np.radians(camera["latitude"])) / 2 ** camera["zoom"]
    lat = camera["latitude"] + metres * np.cos(np.radians(bearing)) / 111_195
    shrunk = np.cos(np.radians(camera["latitude"]))
    lon = camera["longitude"] + metres * np.sin(np.radians(bearing)) / 111_195 / shrunk
    far = horizon_of(camera)
    assert far.holds(np.array([lon]), np.array([lat])).all()
    assert far.holds(np.array([camera["longitude"]]), np.array([camera["latitude"]])).all()
