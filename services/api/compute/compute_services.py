"""Compute services: whether each host is heard from, and may be used. Source: compute API reference, "Compute services"."""

from typing import Any

from sqlalchemy import RowMapping
from starlette.responses import Response

from domain.host.host import Host
from domain.host.service import disable, enable, force_down
from services.api.answers import answer
from services.api.call import Call
from services.api.compute.host_rows import all_hosts, host_by_id, id_of, state_of, zone_of_host
from services.api.compute.links import micro
from services.api.compute.microversions import exists
from services.api.errors import Refusal
from services.api.schema import BodySchema, is_true

BINARY = "nova-compute"

_REASON = {"type": "string", "minLength": 1, "maxLength": 255, "format": "name"}
_BY_ID = BodySchema(
    {
        "type": "object",
        "properties": {
            "status": {"type": "string", "enum": ["enabled", "disabled"]},
            "disabled_reason": _REASON,
            "forced_down": {"type": ["boolean", "string"], "format": "boolean"},
        },
        "additionalProperties": False,
    }
)
_BY_NAME = BodySchema(
    {
        "type": "object",
        "properties": {
            "host": {"type": "string"},
            "binary": {"type": "string"},
            "disabled_reason": _REASON,
            "forced_down": {"type": ["boolean", "string"], "format": "boolean"},
        },
        "required": ["host", "binary"],
        "additionalProperties": False,
    }
)


async def list_services(call: Call) -> Response:
    """200. Filters: host, binary."""
    host, binary = call.query.get("host"), call.query.get("binary")
    rows = [row for row in await all_hosts(call) if host in (None, row["name"])]
    return answer({"services": [_service(row, call) for row in rows] if binary in (None, BINARY) else []})


async def update_service(call: Call) -> Response:
    """200; 400; 404. From 2.53 the last segment is the service's id, before that what to do with the one named in the body."""
    if exists("service.id is a uuid", call.version):
        return await _update_by_id(call)
    return await _update_by_name(call)


async def _update_by_id(call: Call) -> Response:
    body = _BY_ID.check(await call.json())
    reason, status = body.get("disabled_reason"), body.get("status")
    if status is None and "forced_down" not in body:
        raise Refusal(400, "No updates were requested. Fields 'status' or 'forced_down' should be specified.")
    if reason is not None and status != "disabled":
        raise Refusal(400, "Specifying 'disabled_reason' when status is 'enabled' is invalid.")
    row = await host_by_id(call, call.path["id"])
    if row is None:
        raise Refusal(404, f"Service {call.path['id']} could not be found.")
    forced = is_true(body["forced_down"]) if "forced_down" in body else None
    saved = await _decide(call, row["name"], status=status, reason=reason, forced=forced)
    row = await host_by_id(call, call.path["id"]) or row
    return answer({"service": _service(row, call)}, position=saved)


BEFORE_2_53 = {"enable": "enabled", "disable": "disabled", "disable-log-reason": "disabled"}


async def _update_by_name(call: Call) -> Response:
    body, verb = _BY_NAME.check(await call.json()), call.path["id"]
    status = BEFORE_2_53.get(verb)
    forcing = verb == "force-down" and exists("service.forced_down", call.version)
    if status is None and not forcing:
        raise Refusal(404, "Unknown action")
    if verb == "disable-log-reason" and "disabled_reason" not in body:
        raise Refusal(400, "Missing disabled reason field")
    if forcing and "forced_down" not in body:
        raise Refusal(400, "Missing forced_down field")
    names = {row["name"] for row in await all_hosts(call)}
    if body["host"] not in names or body["binary"] != BINARY:
        raise Refusal(404, f"Could not find binary {body['binary']} on host {body['host']}.")
    shown: dict[str, Any] = {"host": body["host"], "binary": BINARY}
    if forcing:
        forced = is_true(body["forced_down"])
        position = await _decide(call, body["host"], status=None, reason=None, forced=forced)
        return answer({"service": {**shown, "forced_down": forced}}, position=position)
    reason = body.get("disabled_reason") if verb == "disable-log-reason" else None
    position = await _decide(call, body["host"], status=status, reason=reason, forced=None)
    shown["status"] = status
    if reason is not None:
        shown["disabled_reason"] = reason
    return answer({"service": shown}, position=position)


async def delete_service(call: Call) -> Response:
    """404; 409 while its host is heard from or has instances; else 501: what a host was is in the log for ever."""
    row = await host_by_id(call, call.path["id"])
    if row is None:
        raise Refusal(404, f"Service {call.path['id']} could not be found.")
    if row["claims"]:
        raise Refusal(
            409,
            "Unable to delete compute service that is hosting instances. Migrate or delete the instances first.",
        )
    if row["up"]:
        raise Refusal(409, f"Host {row['name']} is heard from: it would register again. Stop its agent first.")
    raise Refusal(501, "This cloud cannot forget a host yet: disable its service instead, and nothing is placed on it.")


async def _decide(call: Call, host: str, *, status: str | None, reason: str | None, forced: bool | None) -> int:
    at = call.dependencies.clock()

    def decide(it: Host) -> None:
        if forced is not None:
            force_down(it, forced=forced, at=at)
        if status == "enabled":
            enable(it, at=at)
        elif status == "disabled":
            disable(it, reason=reason, at=at)

    return (await call.dependencies.commands.execute(Host, host, decide, call.author)).position


def _service(row: RowMapping, call: Call) -> dict[str, Any]:
    body = {
        "binary": BINARY,
        "host": row["name"],
        "id": id_of(row, call),
        "zone": zone_of_host(row),
        "status": "enabled" if row["enabled"] else "disabled",
        "state": state_of(row),
        "updated_at": micro(row["updated_at"]),
        "disabled_reason": row["disabled_reason"],
    }
    if exists("service.forced_down", call.version):
        body["forced_down"] = row["forced_down"]
    return body
