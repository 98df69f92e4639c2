"""Images in the read model: which of them a caller can see, and which are in its lists."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, String, and_, cast, false, func, or_, select

from domain.image import ImageStatus
from projections.tables import images
from services.api.call import Call
from services.api.compute.paging import Order, after, page
from services.api.errors import Refusal
from services.api.image.visibility import COMMUNITY, PUBLIC, can_change, can_see

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
    row = await call.dependencies.reads.query(partial(_one, image_id))
    if row is None or not can_see(row, call.caller):
        raise Refusal(404, f"No image found with ID {image_id}")
    return row


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
    """A list holds the project's own images and the public ones; community ones only where they are asked for."""
    mine = images.c.project_id == call.project_id
    if call.query.get("visibility") == COMMUNITY:
        return [images.c.visibility == COMMUNITY]
    if call.caller.is_admin:
        return []
    return [or_(mine, images.c.visibility == PUBLIC)]


def _filters(call: Call) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
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
            found.append(images.c.protected.is_(value.lower() == "true"))
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
