"""What shows a twin: other packages, which register themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spatial_join import NotRegisteredError
from spatial_join.registered import registered
from twin.errors import PluginMissingError

if TYPE_CHECKING:
    from collections.abc import Callable


def plugin(name: str) -> Callable[..., Any]:
    """Return what another package registered under a name.

    Parameters
    ----------
    name : str
        Such as ``serve``.

    Returns
    -------
    callable
        The registered function.

    Raises
    ------
    PluginMissingError
        If nothing is registered, or it cannot be imported.
    """
    try:
        return registered(name)
    except NotRegisteredError as error:
        raise PluginMissingError(str(error)) from error


class Shown:
    """A twin that can be looked at."""

    def explore(self, **options: Any) -> Any:  # noqa: ANN401 - of the dashboard
        """Show the city in a notebook: the dashboard's page, served by this process.

        Parameters
        ----------
        **options : Any
            As for `dashboards.explore`: ``height_px``.

        Returns
        -------
        dashboards.notebook.framed.FramedPage
            A notebook shows it below the cell; ``.address`` is where it is served and ``.stop()`` ends it.
        """
        return plugin("explore")(self, **options)
