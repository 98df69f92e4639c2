"""Golden files: what was made once and read by a person. To make them anew: CHRONOVA_GOLDEN=write pytest, then read the diff."""

import os
from pathlib import Path

DIRECTORY = Path(__file__).parent / "golden"


def assert_golden(name: str, made: str) -> None:
    path = DIRECTORY / name
    if os.environ.get("CHRONOVA_GOLDEN") == "write":
        path.write_text(made)
    assert made == path.read_text()
