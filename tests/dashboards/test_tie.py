"""A component and the state stay equal, whichever changes, one parameter or several at once."""

from dashboards.state import ExplorerState
from dashboards.views.components import TopBar, tie


def test_two_parameters_that_change_at_once_both_arrive():
    state, bar = ExplorerState(), TopBar()
    tie(bar, state, "language", "theme")
    bar.param.update(language="zh", theme="dark")
    assert (state.language, state.theme) == ("zh", "dark")
    state.param.update(language="en", theme="light")
    assert (bar.language, bar.theme) == ("en", "light")
