"""Every public name is documented in numpydoc's form, and its parameters are those that it really has."""

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from functools import reduce

import pytest
from numpydoc.validate import validate
from param import Parameterized
from pydantic import BaseModel

ROOMS = ["crs", "layers", "spatial_join", "twin", "dashboards"]
# no docstring; no blank lines where none belong; wrong order; no full stop; third person; parameters missing, invented
# or in another order
CHECKS = {"GL03", "GL05", "GL07", "GL08", "SS03", "SS05", "PR01", "PR02", "PR03", "RT03", "YD01"}
NOUNS = {"is", "this", "its", "axis", "class", "canvas", "radius", "chas", "minus", "plus", "pass"}
# A command's options and a route's query document themselves (`--help`, OpenAPI); nobody reads theirs elsewhere.
SELF_DOCUMENTED = ("twin.cli", "twin.api")


def public_modules() -> Iterator[str]:
    for room in ROOMS:
        yield room
        package = importlib.import_module(room)
        for found in pkgutil.walk_packages(package.__path__, f"{room}."):
            if not any(part.startswith("_") for part in found.name.split(".")):
                yield found.name


def public_names(module: str) -> Iterator[str]:
    here = importlib.import_module(module)
    for name, value in vars(here).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module:
            continue
        if inspect.isclass(value):
            yield f"{module}.{name}"
            yield from (
                f"{module}.{name}.{member}"
                for member, what in vars(value).items()
                if not member.startswith("_") and (inspect.isfunction(what) or isinstance(what, property | classmethod))
            )
        elif inspect.isfunction(value):
            yield f"{module}.{name}"


def resolved(name: str) -> object:
    """Return what a dotted name means."""
    module = next(m for m in (name.rsplit(".", n)[0] for n in range(3)) if m in sys.modules)
    return reduce(getattr, name[len(module) + 1 :].split("."), sys.modules[module]) if name != module else None


def documents_itself(name: str) -> bool:
    """Say whether the parameters have another documentation: fields of pydantic and param, attributes, protocols."""
    what, owner = resolved(name), resolved(name.rsplit(".", 1)[0])
    if name.startswith(SELF_DOCUMENTED) or getattr(what, "_is_protocol", getattr(owner, "_is_protocol", False)):
        return True
    if not inspect.isclass(what):
        return False
    named_tuple = issubclass(what, tuple) and "Attributes\n" in (inspect.getdoc(what) or "")
    return named_tuple or issubclass(what, BaseModel | Parameterized)


def faults(name: str) -> list[str]:
    found = validate(name)
    wanted = CHECKS - ({"PR01"} if documents_itself(name) else set())
    first = (found["docstring"] or " ").strip().split(" ")[0].lower()
    if first in NOUNS or first.endswith("ss"):
        wanted = wanted - {"SS05"}
    starred = re.compile(r"Parameters \{('\*+\w+'(, )?)+\} not documented")  # what an event hands over is not used
    return [f"{name}: {code} {text}" for code, text in found["errors"] if code in wanted and not starred.match(text)]


@pytest.mark.parametrize("module", list(public_modules()))
def test_docstrings_are_complete(module):
    assert importlib.import_module(module).__doc__ or module.endswith("__main__"), f"{module} says nothing of itself"
    found = [fault for name in public_names(module) for fault in faults(name)]
    assert not found, "\n".join(found)
