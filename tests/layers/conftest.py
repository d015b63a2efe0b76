"""Where the real files are; without them their tests are skipped, and say so."""

import os
from pathlib import Path

import pytest


def _folder(request: pytest.FixtureRequest, variable: str, what: str) -> Path:
    folder = os.environ.get(variable, "")
    if folder and Path(folder).is_dir():
        return Path(folder)
    reason = f"{what} not tested: {variable} names no folder ({folder or 'unset'})"
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(f"\n{reason}", yellow=True)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def nyc(request: pytest.FixtureRequest) -> Path:
    return _folder(request, "TWIN_NYC_DATA", "New York")


@pytest.fixture(scope="session")
def formats(request: pytest.FixtureRequest) -> Path:
    return _folder(request, "TWIN_FORMATS_DATA", "real files of further formats")
