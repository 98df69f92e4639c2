"""`POST /os-aggregates/{id}/action`: hosts in and out, and metadata. Source: compute API reference, "Host aggregates"."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import RowMapping
from starlette.responses import Response

from domain.hostaggregate import ZONE_KEY, add_host, change_metadata, remove_host
from domain.placement.hosts import DEFAULT_ZONE
from services.api.call import Call
from services.api.compute.aggregates import aggregate_of, decide_aggregate
from services.api.compute.host_rows import all_hosts
from services.api.compute.zone_changes import require_no_instances, zone_of
from services.api.errors import Refusal
from services.api.schema import BodySchema


async def act(call: Call) -> Response:
    """200 with the aggregate; 400, 404, 409."""
    body = await call.json()
    name = next(iter(body), "") if isinstance(body, dict) and len(body) == 1 else ""
    known = ACTIONS.get(name)
    if known is None:
        raise Refusal(400, f"There is no such action: {name}" if name else "Malformed request body")
    call.require(known.policy)
    options = known.schema.check(body)[name]
    return await known.perform(call, await aggregate_of(call), options)


async def _add_host(call: Call, row: RowMapping, options: Mapping[str, Any]) -> Response:
    host, at, number = options["host"], call.dependencies.clock(), row["created_position"]
    if host not in {each["name"] for each in await all_hosts(call)}:
        raise Refusal(404, f"Compute host {host} could not be found.")
    zone, own = row["metadata"].get(ZONE_KEY), await zone_of(call, host)
    if host not in row["hosts"] and zone is not None and zone != own:
        what = f"Cannot add host to aggregate {number}"
        if own is not None:
            raise Refusal(
                409, f"{what}. Reason: One or more hosts already in different availability zone(s) ['{own}']."
            )
        if zone != DEFAULT_ZONE:
            await require_no_instances(call, [host], what, status=409)
    return await decide_aggregate(call, row, lambda aggregate: add_host(aggregate, host, number=number, at=at))


async def _remove_host(call: Call, row: RowMapping, options: Mapping[str, Any]) -> Response:
    host, at, number = options["host"], call.dependencies.clock(), row["created_position"]
    if host in row["hosts"] and row["metadata"].get(ZONE_KEY) not in (None, DEFAULT_ZONE):
        await require_no_instances(call, [host], f"Cannot remove host from aggregate {number}", status=409)
    return await decide_aggregate(call, row, lambda aggregate: remove_host(aggregate, host, number=number, at=at))


async def _set_metadata(call: Call, row: RowMapping, options: Mapping[str, Any]) -> Response:
    metadata, at, number = options["metadata"], call.dependencies.clock(), row["created_position"]
    if metadata.get(ZONE_KEY, row["metadata"].get(ZONE_KEY)) != row["metadata"].get(ZONE_KEY):
        await require_no_instances(call, row["hosts"], f"Cannot update metadata of aggregate {number}")
    return await decide_aggregate(call, row, lambda aggregate: change_metadata(aggregate, metadata, at=at))


class _Action(NamedTuple):
    policy: str
    schema: BodySchema
    perform: Callable[[Call, RowMapping, Mapping[str, Any]], Awaitable[Response]]


def _body(name: str, part: str, schema: Mapping[str, Any]) -> BodySchema:
    options = {"type": "object", "properties": {part: schema}, "required": [part], "additionalProperties": False}
    return BodySchema(
        {"type": "object", "properties": {name: options}, "required": [name], "additionalProperties": False}
    )


_HOST = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[a-zA-Z0-9-._]*$"}
_METADATA = {
    "type": "object",
    "patternProperties": {"^[a-zA-Z0-9-_:. ]{1,255}$": {"type": ["string", "null"], "maxLength": 255}},
    "additionalProperties": False,
}

ACTIONS: Mapping[str, _Action] = {
    "add_host": _Action("os_compute_api:os-aggregates:add_host", _body("add_host", "host", _HOST), _add_host),
    "remove_host": _Action(
        "os_compute_api:os-aggregates:remove_host", _body("remove_host", "host", _HOST), _remove_host
    ),
    "set_metadata": _Action(
        "os_compute_api:os-aggregates:set_metadata", _body("set_metadata", "metadata", _METADATA), _set_metadata
    ),
}
"""By the key of the body."""
