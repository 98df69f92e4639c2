"""Opening the read model: several services do so at once, and each must find it whole."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import inspect

from projections.read_model import open_or_rebuild
from projections.tables import metadata

OPENERS = 8


def open_at_once(path: Path) -> list[set[str]]:
    """The tables that each of several openers finds, when all begin at the same moment."""
    together = threading.Barrier(OPENERS)

    def open_one() -> set[str]:
        together.wait()
        engine = open_or_rebuild(path)
        try:
            return set(inspect(engine).get_table_names())
        finally:
            engine.dispose()

    with ThreadPoolExecutor(OPENERS) as threads:
        return [opened.result() for opened in [threads.submit(open_one) for _ in range(OPENERS)]]


def test_services_that_open_a_new_read_model_at_once_all_find_its_tables(tmp_path: Path) -> None:
    for attempt in range(5):
        assert open_at_once(tmp_path / f"{attempt}.sqlite") == [set(metadata.tables)] * OPENERS


def test_services_that_open_a_damaged_read_model_at_once_put_it_aside_once(tmp_path: Path) -> None:
    path = tmp_path / "read-model.sqlite"
    path.write_bytes(b"this is no database, and never was one" * 100)

    assert open_at_once(path) == [set(metadata.tables)] * OPENERS
    assert (tmp_path / "read-model.sqlite.damaged").read_bytes().startswith(b"this is no database")
