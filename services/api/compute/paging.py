"""Pages of a list: limit and marker, in any order that rows can be sorted by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, false, or_, select

from services.api.errors import Refusal

MAX_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Order:
    """One thing to sort by; nulls must have been replaced in the expression."""

    by: ColumnElement[Any]
    descending: bool = False


def limit_of(asked: str | None) -> int:
    """How many rows a page may have: what was asked for, at most MAX_LIMIT. Raises Refusal 400."""
    if not asked:
        return MAX_LIMIT
    if not asked.isdecimal() or len(asked) > 9:  # noqa: PLR2004 -- more is no sensible limit
        raise Refusal(
            400, f"Invalid input for query parameters limit. Value: {asked}. '{asked}' does not match '^[0-9]*$'"
        )
    return min(int(asked), MAX_LIMIT)


def page(query: Select[Any], order: Sequence[Order], limit: int) -> Select[Any]:
    """The query, sorted and cut."""
    return query.order_by(*(each.by.desc() if each.descending else each.by.asc() for each in order)).limit(limit)


def after(
    connection: Connection, order: Sequence[Order], marker: ColumnElement[bool], sentence: str, status: int = 400
) -> ColumnElement[bool]:
    """The condition that a row comes after the marker's row. Raises Refusal when there is no such row."""
    row = connection.execute(select(*(each.by for each in order)).where(marker)).first()
    if row is None:
        raise Refusal(status, sentence)
    cases: list[ColumnElement[bool]] = []
    for depth, (each, value) in enumerate(zip(order, row, strict=True)):
        same = [earlier.by == known for earlier, known in zip(order[:depth], row[:depth], strict=True)]
        further = each.by < value if each.descending else each.by > value
        cases.append(and_(*same, further))
    return or_(false(), *cases)
