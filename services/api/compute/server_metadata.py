"""`/servers/{id}/metadata`: words by name. Source: compute API reference, "Server metadata"."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from starlette.responses import Response

from domain.instance.instance import Instance
from domain.instance.legality import Action
from domain.instance.metadata import delete_metadata, update_metadata
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.compute.action import decide
from services.api.compute.create_schema import METADATA
from services.api.compute.quota_rows import quota_of
from services.api.compute.server_rows import visible
from services.api.errors import Refusal
from services.api.schema import BodySchema


def _body(name: str, schema: Mapping[str, Any]) -> BodySchema:
    return BodySchema(
        {"type": "object", "properties": {name: schema}, "required": [name], "additionalProperties": False}
    )


MANY, ONE = _body("metadata", METADATA), _body("meta", {**METADATA, "minProperties": 1, "maxProperties": 1})
NOT_THERE = "Metadata item was not found"


async def list_metadata(call: Call) -> Response:
    """200; 404."""
    return answer({"metadata": (await visible(call, call.path["id"]))["metadata"]})


async def show_metadata(call: Call) -> Response:
    """200 with one item; 404."""
    key, kept = call.path["key"], (await visible(call, call.path["id"]))["metadata"]
    if key not in kept:
        raise Refusal(404, NOT_THERE)
    return answer({"meta": {key: kept[key]}})


async def add_metadata(call: Call) -> Response:
    """200 with all items, the new ones among them; 400, 403 for too many, 404, 409."""
    return await _update(call, replace=False)


async def replace_metadata(call: Call) -> Response:
    """200 with the items, and no others are left; 400, 403, 404, 409."""
    return await _update(call, replace=True)


async def set_metadata(call: Call) -> Response:
    """200 with one item; 400 when the body has another, 403, 404, 409."""
    item, at = ONE.check(await call.json())["meta"], call.dependencies.clock()
    if call.path["key"] not in item:
        raise Refusal(400, "Request body and URI mismatch")
    update = partial(update_metadata, items=item, limit=await _limit(call), at=at)
    position, _ = await _decide(call, Action.UPDATE_METADATA, update)
    return answer({"meta": item}, position=position)


async def remove_metadata(call: Call) -> Response:
    """204; 404, 409."""
    key, at = call.path["key"], call.dependencies.clock()
    position, _ = await _decide(call, Action.DELETE_METADATA, partial(delete_metadata, key=key, at=at))
    return empty(204, position=position)


async def _update(call: Call, *, replace: bool) -> Response:
    items, at = MANY.check(await call.json())["metadata"], call.dependencies.clock()
    update = partial(update_metadata, items=items, replace=replace, limit=await _limit(call), at=at)
    position, metadata = await _decide(call, Action.UPDATE_METADATA, update)
    return answer({"metadata": metadata}, position=position)


async def _limit(call: Call) -> int:
    """How many items a server of the caller's project may have."""
    quota = await call.dependencies.reads.query(lambda connection: quota_of(connection, call.project_id))
    return quota.limits["metadata_items"]


async def _decide(call: Call, action: Action, change: Callable[[Instance], None]) -> tuple[int, Mapping[str, str]]:
    """Let it change; the event's position, and the metadata as it is then."""
    row, metadata = await visible(call, call.path["id"]), dict[str, str]()

    def decision(instance: Instance) -> None:
        nonlocal metadata
        change(instance)
        metadata = instance.metadata

    position = await decide(call, row, action, decision)
    return position, metadata
