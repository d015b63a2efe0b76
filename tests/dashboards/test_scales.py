import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dashboards.scales import congestion, continuous
from twin.tiles.breaks import LEVELS

finite = st.floats(-1e6, 1e6)


@given(st.lists(st.one_of(finite, st.just(float("nan"))), min_size=1, max_size=60))
def test_codes_rise_with_values_and_leave_out_what_is_unknown(values):
    array = np.array(values)
    scale = continuous(array)
    codes = scale.encode(array)
    assert ((codes == 0) == np.isnan(array)).all()
    known = np.flatnonzero(~np.isnan(array))
    order = known[np.argsort(array[known], kind="stable")]
    assert (np.diff(codes[order].astype(int)) >= 0).all()
    assert codes.max(initial=0) <= LEVELS


def test_congestion_classes_follow_the_manual():
    ratios = np.array([0.2, 0.399, 0.40, 0.5, 0.67, 0.85, 1.2])
    assert congestion().encode(ratios).tolist() == [1, 1, 2, 3, 4, 5, 5]
    assert len(congestion().labels) == len(congestion().palette) == 5


def luminance(colour):
    """Relative luminance of WCAG 2."""
    linear = [c / 12.92 if (c := v / 255) <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for v in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_what_is_high_stands_out_on_either_ground():
    scale = continuous(np.linspace(0, 50, 200), ramp="acton")
    light, dark = scale.colours("light"), scale.colours("dark")
    assert luminance(light[0]) > luminance(light[-1]) + 0.3, "on a light ground high values are dark"
    assert luminance(dark[-1]) > luminance(dark[0]) + 0.3, "on a dark ground high values shine"


def test_classes_look_the_same_on_both_grounds():
    assert congestion().colours("light") == congestion().colours("dark")


def test_warm_classes_cannot_be_taken_for_cold_ones_without_red_green_vision():
    # Deuteranopia after Vienot, Brettel and Mollon (1999), on linear RGB.
    simulate = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])
    seen = (np.array(congestion().palette) / 255) ** 2.2 @ simulate.T
    blueness = seen[:, 2] - seen[:, 0]
    assert blueness[:3].max() < blueness[3:].min()
