"""Images in the read model: which of them a caller can see, and which are in its lists."""

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, String, and_, cast, false, func, or_, select

from domain.image.image import ImageStatus
from domain.image.sharing import MemberStatus
from projections.tables import images
from services.api.call import Call
from services.api.compute.paging import Order, after, page
from services.api.errors import Refusal
from services.api.image.visibility import COMMUNITY, PUBLIC, SHARED, can_change, can_see
from services.api.schema import is_true

LIVING: Select[Any] = select(images).where(images.c.status != ImageStatus.DELETED.value)

SORT_KEYS: dict[str, ColumnElement[Any]] = {
    "name": func.coalesce(images.c.name, ""),
    "status": images.c.status,
    "container_format": images.c.container_format,
    "disk_format": images.c.disk_format,
    "size": func.coalesce(images.c.size, 0),
    "id": images.c.id,
    "created_at": images.c.created_at,
    "updated_at": images.c.updated_at,
}

EQUAL = {
    "name": images.c.name,
    "status": images.c.status,
    "visibility": images.c.visibility,
    "owner": images.c.project_id,
    "disk_format": images.c.disk_format,
    "container_format": images.c.container_format,
    "checksum": images.c.checksum_md5,
    "os_hash_value": images.c.checksum,
    "id": images.c.id,
}
"""Filters on a column, by parameter; `in:a,b` stands for any of several."""

NOT_FILTERS = frozenset({"limit", "marker", "sort", "sort_key", "sort_dir", "os_hidden", "member_status"})


async def visible(call: Call) -> RowMapping:
    """The image of the path. Raises Refusal 404: what the caller cannot see is not there."""
    image_id = call.path["id"]
    row = await one(call)
    if row is None or not can_see(row, call.caller):
        raise Refusal(404, f"No image found with ID {image_id}")
    return row


async def one(call: Call) -> RowMapping | None:
    """The image of the path, whoever asks; None when there is none."""
    return await call.dependencies.reads.query(partial(_one, call.path["id"]))


async def changeable(call: Call) -> RowMapping:
    """The same, when the caller may change it. Raises Refusal 403, 404."""
    row = await visible(call)
    if not can_change(row, call.caller):
        raise Refusal(403, f"You are not permitted to change image {row['id']}: it belongs to another project.")
    return row


def _one(image_id: str, connection: Connection) -> RowMapping | None:
    return connection.execute(LIVING.where(images.c.id == image_id)).mappings().first()


async def listed(call: Call, limit: int) -> Sequence[RowMapping]:
    """One page of what the query asks for. Raises Refusal 400."""
    query, order = LIVING.where(*_seen(call), *_filters(call)), _order(call)
    marker = call.query.get("marker")

    def ask(connection: Connection) -> Sequence[RowMapping]:
        wanted = query
        if marker:
            this = and_(images.c.id == marker, *_seen(call))
            wanted = wanted.where(after(connection, order, this, f"Marker {marker} could not be found."))
        return connection.execute(page(wanted, order, limit)).mappings().all()

    return await call.dependencies.reads.query(ask)


def _seen(call: Call) -> list[ColumnElement[bool]]:
    """A list holds the project's own images, the public ones, and the shared ones that it has accepted.

    Community images are in it only where they are asked for, and so are those that wait for an answer, or were rejected.
    """
    asked, status = call.query.get("visibility"), call.query.get("member_status", MemberStatus.ACCEPTED)
    if status not in (*MemberStatus, "all"):
        raise Refusal(400, f"Invalid status: {status}")
    if asked == COMMUNITY:
        return [images.c.visibility == COMMUNITY]
    if call.caller.is_admin:
        return []
    as_member = images.c.members[call.project_id]["status"].as_string()
    member = as_member.is_not(None) if status == "all" else as_member == status
    seen = [
        images.c.project_id == call.project_id,
        images.c.visibility == PUBLIC,
        and_(images.c.visibility == SHARED, member),
    ]
    return [or_(*seen, images.c.visibility == COMMUNITY) if asked == "all" else or_(*seen)]


def _filters(call: Call) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [images.c.hidden.is_(is_true(call.query.get("os_hidden", "false")))]
    for name, value in call.request.query_params.multi_items():
        if name in NOT_FILTERS or (name == "visibility" and value == "all"):
            continue
        if name in EQUAL:
            column = EQUAL[name]
            several = value.removeprefix("in:").split(",") if value.startswith("in:") else [value]
            found.append(column.in_([each.strip('"') for each in several]))
        elif name in ("size_min", "size_max", "min_ram", "min_disk"):
            found.append(_number(name, value))
        elif name == "protected":
            found.append(images.c.protected.is_(is_true(value)))
        elif name in ("created_at", "updated_at"):
            found.append(_moment(images.c[name], name, value))
        elif name == "tag":
            # Tags are kept as a JSON list of texts; a tag with quotes in it cannot be asked for.
            found.append(
                cast(images.c.tags, String).contains(f'"{value}"', autoescape=True) if '"' not in value else false()
            )
        else:
            found.append(images.c.properties[name].as_string() == value)
    return found


def _number(name: str, value: str) -> ColumnElement[bool]:
    if not value.isdecimal() or len(value) > 18:  # noqa: PLR2004 -- more is no size of anything
        raise Refusal(400, f"{name} must be a number: {value} is none.")
    match name:
        case "size_min":
            return images.c.size >= int(value)
        case "size_max":
            return images.c.size <= int(value)
        case _:
            return images.c[name] == int(value)


COMPARISONS: Mapping[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "eq": operator.eq,
    "neq": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def _moment(column: ColumnElement[Any], name: str, value: str) -> ColumnElement[bool]:
    """`gte:2026-01-02T03:04:05Z`. Raises Refusal 400."""
    word, _, rest = value.partition(":")
    compare, text = (COMPARISONS[word], rest) if word in COMPARISONS else (operator.eq, value)
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Refusal(400, f"{name} must be a moment, as in gte:2026-01-02T03:04:05Z: {value} is none.") from None
    return compare(column, moment)


def _order(call: Call) -> list[Order]:
    """`sort=name:asc,size` or sort_key and sort_dir; newest first otherwise. Raises Refusal 400."""
    if "sort" in call.query:
        pairs = [part.partition(":")[::2] for part in call.query["sort"].split(",")]
    else:
        keys, directions = call.request.query_params.getlist("sort_key"), call.request.query_params.getlist("sort_dir")
        pairs = [(key, directions[number] if number < len(directions) else "desc") for number, key in enumerate(keys)]
    order = []
    for key, direction in pairs or [("created_at", "desc")]:
        if key not in SORT_KEYS or direction not in ("", "asc", "desc"):
            raise Refusal(400, f"Invalid sort: {key}:{direction}")
        order.append(Order(SORT_KEYS[key], descending=direction != "asc"))
    return [*order, Order(images.c.created_position, descending=order[-1].descending)]
