"""The exact predicate against fractions, where rounding decides and where it does not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial_join.kernels.orientation import side_of_line
from tests.reference import kernels_exact as reference

metres = st.floats(-4e6, 4e6).map(lambda v: v if abs(v) > 1e-100 else 0.0)
point = st.tuples(metres, metres)


@given(point, point, point)
@settings(max_examples=300, deadline=None)
def test_any_three_points(a, b, p):
    assert side_of_line(*a, *b, *p) == reference.side_of_line(a, b, p)


@given(point, point, st.floats(0, 1), st.tuples(st.integers(-3, 3), st.integers(-3, 3)))
@settings(max_examples=500, deadline=None)
def test_points_that_are_on_the_line_but_for_rounding(a, b, share, ulps):
    p = [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])]
    p = tuple(v + n * np.spacing(max(abs(v), 1e-6)) for v, n in zip(p, ulps, strict=True))
    assert side_of_line(*a, *b, *p) == reference.side_of_line(a, b, p)


@pytest.mark.parametrize("step", range(64))
def test_where_plain_arithmetic_fails(step):
    # Kettner et al. (2008), "Classroom examples of robustness problems": neighbouring doubles around 0.5
    p = (0.5 + (step % 8) * 2.0**-53, 0.5 + (step // 8) * 2.0**-53)
    a, b = (12.0, 12.0), (24.0, 24.0)
    assert side_of_line(*a, *b, *p) == reference.side_of_line(a, b, p)
