"""What stands above this package and is reached by name only, so that no import points upward."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Any

from spatial_join.errors import NotRegisteredError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["registered"]

_GROUP = "twin.plugins"


def registered(name: str) -> Callable[..., Any]:
    """Give what another package registered under a name.

    Parameters
    ----------
    name : str
        Such as ``explore``.

    Returns
    -------
    callable
        The registered function.

    Raises
    ------
    NotRegisteredError
        If nothing is registered, or it cannot be imported.
    """
    found = list(metadata.entry_points(group=_GROUP, name=name))
    if not found:
        raise NotRegisteredError(
            f"nothing is registered as {name!r}: install the whole distribution, `pip install city-twin`"
        )
    try:
        loaded: Callable[..., Any] = found[0].load()
    except (ImportError, AttributeError) as error:
        raise NotRegisteredError(
            f"{found[0].value} is registered as {name!r} but cannot be loaded ({error})"
        ) from error
    return loaded
