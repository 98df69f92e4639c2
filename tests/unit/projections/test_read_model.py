"""Opening the read model: several services do so at once, and each must find it whole."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import insert, inspect, update

from projections.read_model import CHECKPOINT, open_or_rebuild, position_of
from projections.tables import checkpoints, metadata

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


def test_all_questions_of_one_transaction_see_one_state(tmp_path: Path) -> None:
    engine = open_or_rebuild(tmp_path / "read-model.sqlite")
    with engine.begin() as writer:
        writer.execute(insert(checkpoints).values(name=CHECKPOINT, position=1))
    with engine.connect() as reader:
        assert position_of(reader) == 1
        with engine.begin() as writer:
            writer.execute(update(checkpoints).values(position=2))
        assert position_of(reader) == 1
    with engine.connect() as reader:
        assert position_of(reader) == 2
    engine.dispose()
