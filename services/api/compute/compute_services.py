"""Compute services: whether each host is heard from, and may be used. Source: compute API reference, "Compute services"."""

from typing import Any

from sqlalchemy import RowMapping
from starlette.responses import Response

from domain.host.host import Host
from domain.host.service import disable, enable
from services.api.answers import answer
from services.api.call import Call
from services.api.compute.host_rows import all_hosts, host_by_id, id_of
from services.api.compute.links import micro
from services.api.compute.microversions import exists
from services.api.compute.server_fields import ZONE
from services.api.errors import Refusal
from services.api.schema import BodySchema

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
    if "forced_down" in body:
        raise Refusal(501, FORCED_DOWN)
    reason = body.get("disabled_reason")
    if "status" not in body:
        raise Refusal(400, "No updates were requested. Fields 'status' or 'forced_down' should be specified.")
    if reason is not None and body["status"] == "enabled":
        raise Refusal(400, "Specifying 'disabled_reason' when status is 'enabled' is invalid.")
    row = await host_by_id(call, call.path["id"])
    if row is None:
        raise Refusal(404, f"Service {call.path['id']} could not be found.")
    position = await _decide(call, row["name"], status=body["status"], reason=reason)
    row = await host_by_id(call, call.path["id"]) or row
    shown = {**_service(row, call), "status": body["status"], "disabled_reason": reason}
    return answer({"service": shown}, position=position)


FORCED_DOWN = "This cloud cannot force a service down yet: it is down when its host is silent."
BEFORE_2_53 = {"enable": "enabled", "disable": "disabled", "disable-log-reason": "disabled"}


async def _update_by_name(call: Call) -> Response:
    body, verb = _BY_NAME.check(await call.json()), call.path["id"]
    if verb == "force-down":
        raise Refusal(501, FORCED_DOWN)
    status = BEFORE_2_53.get(verb)
    if status is None:
        raise Refusal(404, "Unknown action")
    if verb == "disable-log-reason" and "disabled_reason" not in body:
        raise Refusal(400, "Missing disabled reason field")
    names = {row["name"] for row in await all_hosts(call)}
    if body["host"] not in names or body["binary"] != BINARY:
        raise Refusal(404, f"Could not find binary {body['binary']} on host {body['host']}.")
    reason = body.get("disabled_reason") if verb == "disable-log-reason" else None
    position = await _decide(call, body["host"], status=status, reason=reason)
    shown = {"host": body["host"], "binary": BINARY, "status": status}
    if reason is not None:
        shown["disabled_reason"] = reason
    return answer({"service": shown}, position=position)


async def _decide(call: Call, host: str, *, status: str, reason: str | None) -> int:
    at = call.dependencies.clock()

    def decide(it: Host) -> None:
        if status == "enabled":
            enable(it, at=at)
        else:
            disable(it, reason=reason, at=at)

    return (await call.dependencies.commands.execute(Host, host, decide, call.author)).position


def _service(row: RowMapping, call: Call) -> dict[str, Any]:
    body = {
        "binary": BINARY,
        "host": row["name"],
        "id": id_of(row, call),
        "zone": ZONE,
        "status": "enabled" if row["enabled"] else "disabled",
        "state": "up" if row["up"] else "down",
        "updated_at": micro(row["updated_at"]),
        "disabled_reason": row["disabled_reason"],
    }
    if exists("service.forced_down", call.version):
        body["forced_down"] = False
    return body
