"""A build that goes on beside the page: one line that says how far it is."""

from typing import TYPE_CHECKING

import numpy as np

from dashboards.desk import to_duration
from dashboards.i18n import texts
from twin.progress.under_way import standing_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["to_building"]


def to_building(twin: "Path | None", language: str) -> str:
    """Say how far the build of a twin is that goes on.

    Parameters
    ----------
    twin : Path or None
        Its folder; None of a city that is only in memory, which nobody builds.
    language : str
        Of the page.

    Returns
    -------
    str
        Such as ``"A build goes on: 40 %, 2 min left."``; empty while nobody builds.
    """
    standing = None if twin is None else standing_of(twin)
    if standing is None:
        return ""
    words = texts(language)
    share = f"{100 * standing.done:.0f}"
    if not np.isfinite(standing.left_s):
        return words["build_goes_on"].format(share=share)
    return words["build_left"].format(share=share, left=to_duration(standing.left_s, words))
