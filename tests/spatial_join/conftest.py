"""Where the New York data are, and small cities to join."""

import os
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def nyc():
    """The folder of the New York data; without it the test is skipped, loudly."""
    root = os.environ.get("TWIN_NYC_DATA")
    if not root or not Path(root).is_dir():
        pytest.skip("New York not tested: TWIN_NYC_DATA does not name a folder")
    return Path(root)


@pytest.fixture
def rng():
    return np.random.default_rng(20261122)
