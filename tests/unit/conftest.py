from collections.abc import Iterator

import pytest

from tests.unit.passing import passing_events


@pytest.fixture
def passing() -> Iterator[None]:
    """The test may declare events: they are forgotten after it."""
    with passing_events():
        yield
