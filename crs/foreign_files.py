"""Texts of frames that lead to files: grids, catalogues, pipelines. What a stranger's file says opens none of ours."""

from __future__ import annotations

import re

from crs.errors import DefinitionError

__all__ = ["refuse_foreign_files"]

#: Words of PROJ whose value is a file, or a list of files.
_FILES = re.compile(
    r"\b(nadgrids|geoidgrids|xy_grids|z_grids|grids|file|catalog|velocity_grid|init)\s*=\s*([^\s\"'\]\[]*)",
    re.IGNORECASE,
)
_PIPELINE = re.compile(r"\bproj\s*=\s*(pipeline)\b", re.IGNORECASE)
#: A parameter of WKT 2 and of PROJJSON whose value is a file, and one of WKT 1 that is no plain name.
_PARAMETERS = (
    re.compile(r"\bPARAMETERFILE\s*\[\s*\"[^\"]*\"\s*,\s*\"([^\"]*)", re.IGNORECASE),
    re.compile(r"\"value\"\s*:\s*\"([^\"]*)"),
    re.compile(r"\"PROJ4_GRIDS\"\s*,\s*\"([^\"]*[/\\:][^\"]*)", re.IGNORECASE),
)
#: What names no file: no shift at all, and lists that are part of PROJ.
_HARMLESS = re.compile(r"@?null|epsg:\d+", re.IGNORECASE)
_SHOWN = 80


def refuse_foreign_files(text: str) -> None:
    """Refuse the text of a frame that names a file or a pipeline.

    Parameters
    ----------
    text : str
        A code, WKT, PROJ's own text or PROJJSON.

    Raises
    ------
    DefinitionError
        If it does: what it names, and what to write.

    Examples
    --------
    >>> refuse_foreign_files("+proj=merc +nadgrids=@null")
    >>> refuse_foreign_files("+proj=longlat +nadgrids=/etc/hostname")
    Traceback (most recent call last):
        ...
    crs.errors.DefinitionError: the frame names a file (nadgrids: '/etc/hostname'), and none is opened that a text \
leads to; write an authority code such as 'EPSG:2263', or the frame without it and a shift: with the parameters
    """
    found = [(match[1], part) for match in _FILES.finditer(text) for part in match[2].split(",")]
    found = [(word, name) for word, name in found if not _HARMLESS.fullmatch(name)]
    found += [("proj", match[1]) for match in _PIPELINE.finditer(text)]
    found += [("parameter", match[1]) for pattern in _PARAMETERS for match in pattern.finditer(text)]
    if found:
        word, name = found[0]
        raise DefinitionError(
            f"the frame names a file ({word}: {name[:_SHOWN]!r}), and none is opened that a text leads to; write an "
            "authority code such as 'EPSG:2263', or the frame without it and a shift: with the parameters"
        )
