"""Where the real files are; without them their tests are skipped, and the end of the run says so."""

import os
from pathlib import Path

import pytest

_MISSED = pytest.StashKey[list[str]]()


def _folder(config: pytest.Config, variable: str, what: str) -> Path:
    folder = os.environ.get(variable, "")
    if folder and Path(folder).is_dir():
        return Path(folder)
    reason = f"{what} not tested: {variable} names no folder ({folder or 'unset'})"
    config.stash.setdefault(_MISSED, []).append(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def nyc(request: pytest.FixtureRequest) -> Path:
    return _folder(request.config, "TWIN_NYC_DATA", "New York")


@pytest.fixture(scope="session")
def formats(request: pytest.FixtureRequest) -> Path:
    return _folder(request.config, "TWIN_FORMATS_DATA", "Real files of further formats")


def pytest_terminal_summary(terminalreporter) -> None:
    for reason in dict.fromkeys(terminalreporter.config.stash.get(_MISSED, [])):
        terminalreporter.write_line(reason, yellow=True)
