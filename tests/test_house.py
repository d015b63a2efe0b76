"""What holds of the distribution as a whole: dependencies for pip and for conda, security floors, the wheel."""

import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version
from setuptools import find_packages

from conftest import LONGEST

HOUSE = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))

# conda-forge knows these under other names than PyPI does
CONDA_NAME = {"h3": "h3-py", "dask": "dask-core", "tzdata": "python-tzdata"}
# and these not at all (looked up in the feedstock list): the environment installs them by pip
ONLY_ON_PYPI = {"access-parser", "bokeh-fastapi", "exactextract", "openlocationcode", "pygeohash", "types-shapely"}
# and of these nobody has looked it up: pip has them for certain
ONLY_ON_PYPI |= {
    "axe-playwright-python",
    "gtfs-kit",
    "gtfs-realtime-bindings",
    "mapbox-vector-tile",
    "osmium",
    "sumolib",
}

# Releases below these have a published vulnerability that concerns us
SECURITY_FLOORS = {"bokeh": "3.8.2", "tornado": "6.5.5", "starlette": "0.49.1"}


def requirements(key: str | None = None) -> dict[str, Requirement]:
    project = PROJECT["project"]
    listed = project["dependencies"] if key is None else project["optional-dependencies"][key]
    return {r.name: r for r in map(Requirement, listed)}


@pytest.fixture(scope="module")
def environment() -> dict:
    return yaml.safe_load((HOUSE / "environment.yml").read_text(encoding="utf-8"))


def test_conda_users_get_the_same_dependencies(environment):
    conda = {str(d) for d in environment["dependencies"] if isinstance(d, str)}
    pip = {d for entry in environment["dependencies"] if isinstance(entry, dict) for d in entry["pip"]}
    expected_conda = {"python>=3.11", "pip"}
    expected_pip = {"--editable ."}
    for name, requirement in {**requirements(), **requirements("dev")}.items():
        if name in ONLY_ON_PYPI:
            expected_pip.add(f"{name}{requirement.specifier}")
        else:
            expected_conda.add(f"{CONDA_NAME.get(name, name).lower()}{requirement.specifier}")
    assert conda == expected_conda
    assert pip == expected_pip


@pytest.mark.parametrize(("name", "floor"), SECURITY_FLOORS.items())
def test_no_release_below_a_security_floor_is_allowed(name, floor):
    requirement = requirements()[name]
    lower = [Version(s.version) for s in requirement.specifier if s.operator in {">=", "=="}]
    assert lower, f"{name} has no lower bound"
    assert max(lower) >= Version(floor)


def test_pyarrow_is_above_its_vulnerable_release():
    assert not requirements()["pyarrow"].specifier.contains("23.0.0")


def test_tests_and_benchmarks_never_enter_the_wheel():
    wheel = find_packages(str(HOUSE), include=PROJECT["tool"]["setuptools"]["packages"]["find"]["include"])
    rooms = {name.split(".")[0] for name in wheel}
    assert rooms == {"crs", "layers", "spatial_join", "twin", "dashboards"}


def test_changelog_names_the_version():
    version = PROJECT["project"]["version"]
    assert f"## {version}" in (HOUSE / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_files_of_tests_that_are_begun_first_are_there():
    assert [path for path in LONGEST if not (HOUSE / path).is_file()] == []
