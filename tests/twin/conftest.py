"""One tiny city for the tests that only read it."""

import pytest

import twin
from tests.reference.twin_cities import write_city


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    return twin.build(write_city(folder), out=folder / "tiny.twin", workers=0)
