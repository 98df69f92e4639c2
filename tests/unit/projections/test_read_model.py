"""Opening the read model: several services do so at once, and each must find it whole."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from sqlalchemy import Column, Index, Integer, MetaData, String, Table, insert, inspect, update

from projections.layout import fingerprint, is_current, make_tables
from projections.read_model import CHECKPOINT, open_engine, open_or_rebuild, position_of, sqlite_url
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


def made_by_another_version(path: Path) -> None:
    """A read model whose tables were other ones, with rows up to event 7."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE checkpoints (name VARCHAR(64) PRIMARY KEY, position BIGINT NOT NULL)")
        connection.execute("INSERT INTO checkpoints VALUES (?, 7), ('layout', 1)", (CHECKPOINT,))
        connection.execute("CREATE TABLE instances (id VARCHAR(36) PRIMARY KEY, colour TEXT)")
        connection.execute("CREATE INDEX instances_by_host ON instances (colour)")
        connection.execute("CREATE TABLE what_is_no_more (id INTEGER PRIMARY KEY)")


def test_services_that_open_a_read_model_of_another_layout_at_once_all_find_todays_tables_and_begin_anew(
    tmp_path: Path,
) -> None:
    for attempt in range(5):
        path = tmp_path / f"{attempt}.sqlite"
        made_by_another_version(path)

        assert open_at_once(path) == [set(metadata.tables)] * OPENERS
        engine = open_or_rebuild(path)
        with engine.connect() as connection:
            assert position_of(connection) == 0
        assert {column["name"] for column in inspect(engine).get_columns("instances")} == set(
            metadata.tables["instances"].columns.keys()
        )
        engine.dispose()


def test_a_read_model_from_before_layouts_were_kept_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "read-model.sqlite"
    made_by_another_version(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM checkpoints WHERE name = 'layout'")

    assert open_at_once(path) == [set(metadata.tables)] * OPENERS


def test_a_read_model_of_todays_layout_keeps_its_rows(tmp_path: Path) -> None:
    engine = open_or_rebuild(tmp_path / "read-model.sqlite")
    with engine.begin() as writer:
        writer.execute(insert(checkpoints).values(name=CHECKPOINT, position=7))
    engine.dispose()
    engine = open_or_rebuild(tmp_path / "read-model.sqlite")
    with engine.connect() as reader:
        assert position_of(reader) == 7
    engine.dispose()


def test_whoever_reads_while_the_layout_changes_sees_the_old_tables_or_the_new_ones(tmp_path: Path) -> None:
    engine = open_engine(sqlite_url(tmp_path / "read-model.sqlite"))
    make_tables(engine)
    with engine.begin() as writer:
        writer.execute(insert(checkpoints).values(name=CHECKPOINT, position=7))
    with engine.connect() as reader:
        assert position_of(reader) == 7
        assert is_current(engine)
        make_tables(engine, layout=1)
        assert position_of(reader) == 7
    with engine.connect() as reader:
        assert position_of(reader) == 0
    assert not is_current(engine)
    engine.dispose()


def test_every_change_of_a_table_changes_the_fingerprint() -> None:
    def of(*parts: Column[object] | Index, name: str = "t", revision: int = 1) -> int:
        tables = MetaData()
        Table(name, tables, Column("id", Integer, primary_key=True), *parts)
        return fingerprint(tables, revision)

    layouts = [
        of(),
        of(name="u"),
        of(revision=2),
        of(Column("a", Integer)),
        of(Column("a", String(3))),
        of(Column("a", Integer, nullable=False)),
        of(Column("a", Integer, unique=True)),
        of(Column("a", Integer), Index("t_by_a", "a")),
    ]
    assert len(set(layouts)) == len(layouts)
    assert of() == of()
    assert all(0 < layout < 2**63 for layout in layouts)
