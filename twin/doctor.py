"""Look at an installation and say what is wrong with it."""

from __future__ import annotations

import importlib.util
import platform
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from time import perf_counter
from typing import Literal

from spatial_join import JoinError
from spatial_join.self_test import self_test

ROOMS = ("crs", "layers", "spatial_join", "twin", "dashboards")
DISTRIBUTION = "city-twin"
PLUGINS = "twin.plugins"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Parameters
    ----------
    level : str
        ``ok``, ``warning`` or ``error``.
    subject : str
        What was looked at.
    text : str
        What was found, and what to do.
    """

    level: Literal["ok", "warning", "error"]
    subject: str
    text: str


def findings() -> list[Finding]:
    """Look at this installation.

    Returns
    -------
    list of Finding
        What is well and what is not.
    """
    version = platform.python_version()
    python = Finding(level="ok", subject="python", text=f"{version} at {sys.executable}")
    return [python, *(_room(name) for name in ROOMS), _requirements(), *_plugins(), _kernels()]


def _room(name: str) -> Finding:
    """Say whether the name of a room leads to our own code."""
    home = Path(__file__).resolve().parent.parent
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return Finding(level="error", subject=name, text=f"cannot be imported: install {DISTRIBUTION} again")
    found = Path(spec.origin).resolve().parent
    if found != home / name:
        text = f"comes from {found}, not from {home / name}: another package shadows it; remove that one, or its path"
        return Finding(level="warning", subject=name, text=text)
    others = sorted(owner for owner in metadata.packages_distributions().get(name, ()) if owner != DISTRIBUTION)
    if others:
        text = f"is also installed by {', '.join(others)}: use an environment of its own for {DISTRIBUTION}"
        return Finding(level="warning", subject=name, text=text)
    return Finding(level="ok", subject=name, text=str(found))


def _requirements() -> Finding:
    try:
        needed = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        text = f"{DISTRIBUTION} runs from its folder and is not installed: pip install -e ."
        return Finding(level="warning", subject="libraries", text=text)
    names = [line.split(";")[0] for line in needed if "extra ==" not in line]
    absent = []
    for line in names:
        name = line.split("[")[0]
        for sign in "<>=!~ ":
            name = name.split(sign)[0]
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            absent.append(name)
    if absent:
        return Finding(
            level="error", subject="libraries", text=f"missing: {', '.join(absent)}: install {DISTRIBUTION} again"
        )
    return Finding(level="ok", subject="libraries", text=f"all {len(names)} are there")


def _plugins() -> list[Finding]:
    found = []
    for name in ("serve", "explore"):
        points = metadata.entry_points(group=PLUGINS, name=name)
        if points:
            found.append(Finding(level="ok", subject=f"plugin {name}", text=next(iter(points)).value))
        else:
            text = f"`twin {name}` has nobody who does it: install {DISTRIBUTION} again"
            found.append(Finding(level="warning", subject=f"plugin {name}", text=text))
    return found


def _kernels() -> Finding:
    """Use the compiled kernels; the first time this compiles them, so that the first build need not."""
    begin = perf_counter()
    try:
        pieces = self_test()
    except JoinError as error:
        return Finding(level="error", subject="kernels", text=str(error))
    return Finding(level="ok", subject="kernels", text=f"cut {pieces} pieces right in {perf_counter() - begin:.1f} s")
