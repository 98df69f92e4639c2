"""What a batch of events changes in the tables: whole rows by primary key, the last word wins."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Delete

Row = Mapping[str, Any]


class Writes:
    """Rows to be written and removed, a table at a time."""

    def __init__(self) -> None:
        self._rows: dict[Table, dict[tuple[Any, ...], Row | None]] = {}

    def put(self, table: Table, row: Row) -> None:
        """Write a row: insert it, or replace the one with its key."""
        self._rows.setdefault(table, {})[tuple(row[column.name] for column in table.primary_key)] = row

    def remove(self, table: Table, *key: Any) -> None:
        """Remove the row with a key, if it is there."""
        self._rows.setdefault(table, {})[key] = None

    def execute(self, connection: Connection) -> None:
        """Write everything, in one statement a table and kind."""
        for table, rows in self._rows.items():
            put = [row for row in rows.values() if row is not None]
            gone = [key for key, row in rows.items() if row is None]
            if put:
                connection.execute(_upsert(table, connection.dialect.name), put)
            if gone:
                names = [f"key_{column.name}" for column in table.primary_key]
                connection.execute(_delete(table), [dict(zip(names, key, strict=True)) for key in gone])


@cache
def _upsert(table: Table, dialect: str) -> Any:
    statement = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    keys = [column.name for column in table.primary_key]
    others = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
    if not others:
        return statement.on_conflict_do_nothing(index_elements=keys)
    return statement.on_conflict_do_update(index_elements=keys, set_=others)


@cache
def _delete(table: Table) -> Delete:
    return delete(table).where(*(column == bindparam(f"key_{column.name}") for column in table.primary_key))
