"""What a killed command has left running ends with its test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli.processes import end_by_pid


@pytest.fixture(autouse=True)
def _nothing_is_left_running(tmp_path: Path) -> Iterator[None]:
    yield
    for pid in tmp_path.rglob("nats-server.pid"):
        end_by_pid(pid)
