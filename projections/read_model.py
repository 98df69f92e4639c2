"""The read model: one SQL database, written by the projector and read by everybody else."""

import asyncio
import fcntl
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import orjson
from sqlalchemy import Connection, Engine, create_engine, event, select
from sqlalchemy.exc import DatabaseError, OperationalError

from projections.layout import make_tables
from projections.tables import checkpoints

log = logging.getLogger(__name__)

T = TypeVar("T")

CHECKPOINT = "read-model"
POSITION_SUBJECT = "pos.read-model"
"""Core NATS: where the projector announces how far it has come, as a decimal number."""


def sqlite_url(path: Path) -> str:
    """The address of a read model that is a file."""
    return f"sqlite:///{path}"


def open_engine(url: str) -> Engine:
    """An engine for the read model, with JSON by orjson, and WAL where it is SQLite: readers never wait for the writer."""
    engine = create_engine(
        url,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
        hide_parameters=True,  # an error in the log of a service shows the statement, not whose data it was
    )
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _tune_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _tune_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    # The log is the truth: a read model that loses its last transactions in a power cut follows it again from its checkpoint.
    for pragma in ("busy_timeout=10000", "journal_mode=WAL", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    connection.isolation_level = None  # the driver begins a transaction only before a write: see below


def _begin_sqlite(connection: Connection) -> None:
    # So that all questions of one transaction see one state, whatever the projector writes meanwhile.
    connection.exec_driver_sql("BEGIN")


def open_or_rebuild(path: Path) -> Engine:
    """The read model in a file, with all tables.

    A file that is damaged is put aside, and one whose tables have the layout of another version is emptied: the log has all
    that it takes to build it again, and the projector does. Services open it at the same moment, so one at a time: two
    that make a table, or switch to WAL, would fail each other.
    """
    with path.with_name(f"{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _open_or_rebuild(path)


def _open_or_rebuild(path: Path) -> Engine:
    engine = open_engine(sqlite_url(path))
    try:
        make_tables(engine)
        with engine.connect() as connection:
            position_of(connection)
    except OperationalError:
        raise
    except DatabaseError as error:
        engine.dispose()
        log.warning("%s is damaged (%s) and is built again from the log", path, error.orig)
        path.rename(path.with_name(f"{path.name}.damaged"))
        for rest in ("-wal", "-shm"):
            path.with_name(path.name + rest).unlink(missing_ok=True)
        engine = open_engine(sqlite_url(path))
        make_tables(engine)
    return engine


def position_of(connection: Connection) -> int:
    """The position of the newest event that the rows contain."""
    found = connection.execute(select(checkpoints.c.position).where(checkpoints.c.name == CHECKPOINT)).scalar()
    return 0 if found is None else int(found)


class ReadModel:
    """Questions to the read model, off the event loop's thread."""

    def __init__(self, engine: Engine, *, threads: int = 2) -> None:
        self.engine = engine
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="read-model")

    async def query(self, question: Callable[[Connection], T]) -> T:
        """Run a question in one read transaction and return its answer."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._ask, question)

    def _ask(self, question: Callable[[Connection], T]) -> T:
        with self.engine.connect() as connection:
            return question(connection)

    def close(self) -> None:
        """Close all connections."""
        self._pool.shutdown(wait=True)
        self.engine.dispose()
