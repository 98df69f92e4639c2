"""Host aggregates. Source: compute API reference, "Host aggregates". An aggregate is known by a number, and has a UUID too."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping, select
from starlette.responses import Response

from domain.hostaggregate import (
    ZONE_KEY,
    HostAggregate,
    change_metadata,
    create_host_aggregate,
    delete_host_aggregate,
    rename,
)
from projections.tables import host_aggregates
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.compute.links import micro
from services.api.compute.microversions import exists
from services.api.compute.zone_changes import require_no_instances
from services.api.errors import Refusal
from services.api.schema import BodySchema

_NAME = {"type": "string", "minLength": 1, "maxLength": 255, "format": "name"}
_ZONE = {"oneOf": [{**_NAME, "pattern": "^[^:]*$"}, {"type": "null"}]}


def _schema(*required: str, any_of: bool = False) -> BodySchema:
    aggregate: dict[str, Any] = {
        "type": "object",
        "properties": {"name": _NAME, ZONE_KEY: _ZONE},
        "additionalProperties": False,
    }
    aggregate |= {"anyOf": [{"required": [name]} for name in required]} if any_of else {"required": list(required)}
    return BodySchema(
        {
            "type": "object",
            "properties": {"aggregate": aggregate},
            "required": ["aggregate"],
            "additionalProperties": False,
        }
    )


_CREATE, _UPDATE = _schema("name"), _schema("name", ZONE_KEY, any_of=True)
ALIVE = select(host_aggregates).where(host_aggregates.c.deleted.is_(False)).order_by(host_aggregates.c.created_position)


async def list_aggregates(call: Call) -> Response:
    """200."""
    rows = await call.dependencies.reads.query(lambda connection: connection.execute(ALIVE).mappings().all())
    return answer({"aggregates": [aggregate_body(row, call) for row in rows]})


async def show_aggregate(call: Call) -> Response:
    """200; 400, 404."""
    return answer({"aggregate": aggregate_body(await aggregate_of(call), call)})


async def create_aggregate(call: Call) -> Response:
    """200, without its hosts and metadata; 400; 409 for a name that is taken."""
    asked = _CREATE.check(await call.json())["aggregate"]
    await _require_free(call, asked["name"])
    aggregate = create_host_aggregate(
        call.dependencies.new_id(), name=asked["name"], zone=asked.get(ZONE_KEY), at=call.dependencies.clock()
    )
    saved = await call.dependencies.commands.create(aggregate, call.author)
    body = _fields(aggregate, saved.position, call)
    return answer(
        {"aggregate": {name: value for name, value in body.items() if name not in ("hosts", "metadata")}},
        position=saved.position,
    )


async def update_aggregate(call: Call) -> Response:
    """200; 400 also while instances would change their zone; 404; 409 for a name that is taken."""
    asked = _UPDATE.check(await call.json())["aggregate"]
    row, at = await aggregate_of(call), call.dependencies.clock()
    if asked.get("name", row["name"]) != row["name"]:
        await _require_free(call, asked["name"])
    if asked.get(ZONE_KEY, row["metadata"].get(ZONE_KEY)) != row["metadata"].get(ZONE_KEY):
        await require_no_instances(call, row["hosts"], f"Cannot update aggregate {row['created_position']}")

    def decide(aggregate: HostAggregate) -> None:
        rename(aggregate, asked.get("name", aggregate.name), at=at)
        if ZONE_KEY in asked:
            change_metadata(aggregate, {ZONE_KEY: asked[ZONE_KEY]}, at=at)

    return await decide_aggregate(call, row, decide)


async def delete_aggregate(call: Call) -> Response:
    """200; 400 while it has hosts; 404."""
    row, at = await aggregate_of(call), call.dependencies.clock()
    saved = await call.dependencies.commands.execute(
        HostAggregate,
        row["id"],
        lambda aggregate: delete_host_aggregate(aggregate, number=row["created_position"], at=at),
        call.author,
    )
    return empty(200, position=saved.position)


async def aggregate_of(call: Call) -> RowMapping:
    """The aggregate that the path names. Raises Refusal 400, 404."""
    number = call.path["id"]
    if not number.isdecimal() or len(number) > 18:  # noqa: PLR2004 -- more is no position of any log
        raise Refusal(400, f"Invalid input received: id must be an integer, and {number} is none")
    one = ALIVE.where(host_aggregates.c.created_position == int(number))
    row = await call.dependencies.reads.query(lambda connection: connection.execute(one).mappings().first())
    if row is None:
        raise Refusal(404, f"Aggregate {number} could not be found.")
    return row


async def decide_aggregate(call: Call, row: RowMapping, decide: Callable[[HostAggregate], None]) -> Response:
    """Let an aggregate decide, and show it."""
    saved = await call.dependencies.commands.execute(HostAggregate, row["id"], decide, call.author)
    return answer({"aggregate": _fields(saved.aggregate, row["created_position"], call)}, position=saved.position)


def aggregate_body(row: RowMapping, call: Call) -> dict[str, Any]:
    """An aggregate in full."""
    return _body(row, row["created_position"], call)


def _fields(aggregate: HostAggregate, number: int, call: Call) -> dict[str, Any]:
    known = {
        "id": aggregate.id,
        "name": aggregate.name,
        "metadata": aggregate.metadata,
        "hosts": aggregate.hosts,
        "created_at": aggregate.created_on,
        "updated_at": aggregate.modified_on,
    }
    return _body(known, number, call)


def _body(known: Mapping[Any, Any], number: int, call: Call) -> dict[str, Any]:
    changed = known["updated_at"] != known["created_at"]
    body = {
        "id": number,
        "name": known["name"],
        ZONE_KEY: known["metadata"].get(ZONE_KEY),
        "hosts": known["hosts"],
        "metadata": known["metadata"],
        "created_at": micro(known["created_at"]),
        "updated_at": micro(known["updated_at"]) if changed else None,
        "deleted": False,
        "deleted_at": None,
    }
    if exists("aggregate.uuid", call.version):
        body["uuid"] = known["id"]
    return body


async def _require_free(call: Call, name: str) -> None:
    def taken(connection: Connection) -> bool:
        return connection.execute(ALIVE.where(host_aggregates.c.name == name)).first() is not None

    if await call.dependencies.reads.query(taken):
        raise Refusal(409, f"Aggregate {name} already exists.")
