"""The layout of the read model's tables: it is kept in the read model, so that one of another layout is known and built again."""

import hashlib
import logging

from sqlalchemy import Connection, Engine, MetaData, insert, inspect, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from projections.tables import checkpoints, metadata

log = logging.getLogger(__name__)

NAME = "layout"
"""Its row in the checkpoints, whose number is the fingerprint."""

REVISION = 1
"""To be raised when the same tables are to hold something else than before."""


def fingerprint(tables: MetaData, revision: int = REVISION) -> int:
    """A number that differs whenever tables, columns, keys or indexes do. 63 bits, as databases can keep them."""
    dialect = sqlite.dialect()
    lines = [f"revision {revision}"]
    for table in tables.sorted_tables:
        lines.append(str(CreateTable(table).compile(dialect=dialect)))
        lines += sorted(str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes)
    return int.from_bytes(hashlib.sha256("\n".join(lines).encode()).digest()[:8], "big") >> 1


def make_tables(engine: Engine, *, layout: int | None = None) -> None:
    """Make the tables. Those that another version of Chronova made in another layout go, with all their rows.

    Nothing is lost: the checkpoint goes with them, so the projector begins at the log's first event. It is one
    transaction, so a reader sees the old tables or the new ones.
    """
    wanted = fingerprint(metadata) if layout is None else layout
    with engine.begin() as connection:
        if _kept(connection) == wanted:
            return
        present = MetaData()
        present.reflect(connection)
        if present.tables:
            log.warning("the read model has the table layout of another version and is built again from the log")
            present.drop_all(connection)
        metadata.create_all(connection)
        connection.execute(insert(checkpoints).values(name=NAME, position=wanted))


def is_current(engine: Engine) -> bool:
    """Whether a read model has the tables that this version reads."""
    with engine.connect() as connection:
        return _kept(connection) == fingerprint(metadata)


def _kept(connection: Connection) -> int | None:
    """The fingerprint that was kept; None where there is none."""
    if not inspect(connection).has_table(checkpoints.name):
        return None
    return connection.execute(select(checkpoints.c.position).where(checkpoints.c.name == NAME)).scalar()
