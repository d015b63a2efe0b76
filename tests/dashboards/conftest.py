import pytest

from dashboards.frames import FrameSource
from tests.dashboards.fake_city import FakeCity
from twin.tiles import Budget


@pytest.fixture(scope="session")
def city():
    return FakeCity(blocks=6)


@pytest.fixture(scope="session")
def source(city):
    return FrameSource(city)


@pytest.fixture
def frugal(city):
    """A source whose budget is far below what the city holds."""
    return FrameSource(city, budget=Budget(features=50, cells=40, codes=40 * 96))
