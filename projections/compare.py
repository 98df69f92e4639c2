"""Comparing two read models: where the live one is not what a replay of the log makes."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, select

from projections.tables import checkpoints, metadata


def differences(live: Connection, replayed: Connection) -> Iterator[str]:
    """Sentences about the rows in which they differ, table by table in order of their keys; none when they are equal."""
    for table in metadata.sorted_tables:
        if table is not checkpoints:
            yield from _in_table(table, live, replayed)


def _in_table(table: Table, live: Connection, replayed: Connection) -> Iterator[str]:
    ours, theirs = _rows(table, live), _rows(table, replayed)
    # Both in order of the key: where keys differ, the lower one is missing on the other side, and only that side moves on.
    mine, other = next(ours, None), next(theirs, None)
    while mine is not None or other is not None:
        if other is None or (mine is not None and _key(table, mine) < _key(table, other)):
            yield f"{_named(table, mine)} is in the read model, and no event says so"
            mine = next(ours, None)
        elif mine is None or _key(table, other) < _key(table, mine):
            yield f"{_named(table, other)} is missing in the read model"
            other = next(theirs, None)
        else:
            yield from _in_row(table, mine, other)
            mine, other = next(ours, None), next(theirs, None)


def _in_row(table: Table, live: RowMapping, replayed: RowMapping) -> Iterator[str]:
    for column in table.columns:
        if live[column.name] != replayed[column.name]:
            yield (
                f"{_named(table, live)}: its {column.name} is {live[column.name]!r} in the read model, "
                f"and {replayed[column.name]!r} by the log"
            )


def _rows(table: Table, connection: Connection) -> Iterator[RowMapping]:
    return iter(connection.execute(select(table).order_by(*table.primary_key)).mappings().yield_per(1000))


def _key(table: Table, row: RowMapping) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.primary_key)


def _named(table: Table, row: RowMapping | None) -> str:
    return f"{table.name} {'/'.join(str(part) for part in _key(table, row))}" if row is not None else table.name
