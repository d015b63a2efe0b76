"""What several rooms' tests share: the sample city, built once a run, and the folders of real data."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import settings

# A loaded machine is no defect, and a landing must not hang on a lucky draw; at the desk each run draws anew.
settings.register_profile("desk", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("long", deadline=None, max_examples=10_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "desk"))

HOUSE = Path(__file__).parent
MONACO = HOUSE / "data_samples" / "monaco" / "city.yaml"
SHENZHEN = HOUSE / "data_samples" / "shenzhen" / "city.yaml"

# Of the files of tests those that take longest, the longest first: a worker takes a file at a time, so that what its
# tests share is made once, and what is long must not come last.
LONGEST = (
    "tests/integration/test_new_york.py",
    "tests/spatial_join/test_lazy_spill.py",
    "tests/integration/test_monaco.py",
    "tests/spatial_join/test_new_york.py",
    "tests/data_samples/test_shenzhen_built.py",
    "tests/twin/test_plugs.py",
    "tests/spatial_join/test_probability.py",
    "tests/crs/test_precision.py",
    "tests/twin/test_build.py",
    "tests/integration/test_cluster_of_processes.py",
    "tests/twin/test_cli.py",
    "tests/data_samples/test_shenzhen.py",
    "tests/layers/test_jail.py",
    "tests/layers/test_real_files.py",
    "tests/layers/test_lazy_osm.py",
    "tests/benchmarks/test_positions_bench.py",
    "tests/test_architecture.py",
    "tests/crs/test_detect_mixture.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files."""
    order = {HOUSE / path: place for place, path in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path, len(order)))


def build_once(city: Path, out: Path, *options: str) -> Path:
    """Build a twin in another process; when tests run side by side the first one builds and the others wait."""
    done, claim = out.with_suffix(".done"), out.with_suffix(".claim")
    try:
        claim.touch(exist_ok=False)
    except FileExistsError:
        while not done.exists():
            if claim.with_suffix(".failed").exists():
                pytest.fail(f"another test could not build {city.name}")
            time.sleep(0.2)
        return out
    command = [sys.executable, "-m", "twin.cli", "build", str(city), "--out", str(out), *options]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=HOUSE, check=False)  # noqa: S603 — our own command
    if ran.returncode != 0:
        claim.with_suffix(".failed").touch()
        pytest.fail(f"twin build {city.name} ended with {ran.returncode}:\n{ran.stdout}\n{ran.stderr}")
    done.write_text(ran.stdout, encoding="utf-8")
    return out


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all processes of this test run share; those of `make test`, one after the other, too."""
    if given := os.environ.get("TWIN_BUILT_FOR_TESTS"):
        return Path(given)
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def monaco_path(shared_folder: Path) -> Path:
    """Return the sample city, built."""
    return build_once(MONACO, shared_folder / "monaco.twin")


@pytest.fixture(scope="session")
def shenzhen_path(shared_folder: Path) -> Path:
    """Return the city of moved shapes, built."""
    return build_once(SHENZHEN, shared_folder / "shenzhen.twin")


def real_data(variable: str) -> Path:
    """Return the folder that an environment variable names, or skip and say so."""
    folder = os.environ.get(variable)
    if not folder:
        pytest.skip(f"{variable} is not set: not tested")
    return Path(folder)


@pytest.fixture(scope="session")
def nyc_data() -> Path:
    """Return the folder of New York's open data."""
    return real_data("TWIN_NYC_DATA")


@pytest.fixture(scope="session")
def new_york_path(nyc_data: Path, shared_folder: Path) -> Path:  # noqa: ARG001 — asked for so that it may skip
    """Return New York, built."""
    return build_once(HOUSE / "data_samples" / "nyc.yaml", shared_folder / "nyc.twin")
