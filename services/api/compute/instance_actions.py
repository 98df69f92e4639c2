"""What was done to a server, by whom, and what became of it. Source: compute API reference, "Servers actions history"."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select
from starlette.responses import Response

from projections.tables import instance_actions
from services.api.answers import answer
from services.api.call import Call
from services.api.compute.links import micro, next_link
from services.api.compute.microversions import exists
from services.api.compute.paging import Order, after, limit_of, page
from services.api.compute.server_fields import host_id
from services.api.compute.server_filters import moment
from services.api.compute.server_rows import visible
from services.api.errors import Refusal
from services.api.schema import QuerySchema

_PAGED = {"limit": {"type": "string", "pattern": "^[0-9]*$"}, "marker": {}, "changes-since": {}}
QUERIES = (QuerySchema(_PAGED, strict=True), QuerySchema({**_PAGED, "changes-before": {}}, strict=True))
"""What a list may be asked with since 2.58, and since 2.66."""
NEWEST_FIRST = [Order(instance_actions.c.position, descending=True)]


async def list_actions(call: Call) -> Response:
    """200, newest first; 400 for a wrong query; 404 (for deleted servers before 2.21)."""
    paged = exists("action.paging", call.version)
    if paged:
        QUERIES[exists("action.changes-before", call.version)].check(_asked(call))
    server = await _server(call)
    marker = call.query.get("marker") if paged else None
    limit = limit_of(call.query.get("limit") if paged else None)
    actions = select(instance_actions).where(instance_actions.c.instance_id == server["id"])
    since, before = (_bound(call, name) if paged else None for name in ("changes-since", "changes-before"))
    if since is not None and before is not None and since > before:
        raise Refusal(400, "The value of changes-since must be less than or equal to changes-before.")
    if since is not None:
        actions = actions.where(instance_actions.c.updated_at >= since)
    if before is not None:
        actions = actions.where(instance_actions.c.updated_at <= before)

    def ask(connection: Connection) -> Sequence[RowMapping]:
        wanted = actions
        if marker:
            this = (instance_actions.c.instance_id == server["id"]) & (instance_actions.c.request_id == marker)
            wanted = wanted.where(after(connection, NEWEST_FIRST, this, f"marker [{marker}] not found"))
        return connection.execute(page(wanted, NEWEST_FIRST, limit)).mappings().all()

    rows = await call.dependencies.reads.query(ask)
    listing: dict[str, Any] = {"instanceActions": [_action(row, call) for row in rows]}
    if paged and "limit" in call.query and rows and len(rows) == limit:
        path = f"/v2.1/servers/{server['id']}/os-instance-actions"
        listing["links"] = next_link(call.dependencies.public_url, path, call.query, rows[-1]["request_id"])
    return answer(listing)


async def show_action(call: Call) -> Response:
    """200 with the action's events, where the caller may see them; 404."""
    server = await _server(call)
    request_id = call.path["request_id"]
    one = select(instance_actions).where(
        instance_actions.c.instance_id == server["id"], instance_actions.c.request_id == request_id
    )
    row = await call.dependencies.reads.query(lambda connection: connection.execute(one).mappings().first())
    if row is None:
        raise Refusal(404, f"Action {request_id} not found")
    action = _action(row, call)
    if call.caller.is_admin or exists("action.events for the owner", call.version):
        action["events"] = [_event(row, call)] if row["event_start_time"] else []
    return answer({"instanceAction": action})


def _asked(call: Call) -> dict[str, list[str]]:
    return {name: call.request.query_params.getlist(name) for name in call.query}


def _bound(call: Call, name: str) -> datetime | None:
    asked = call.query.get(name)
    return None if asked is None else moment(name, asked)


async def _server(call: Call) -> RowMapping:
    return await visible(call, call.path["id"], also_deleted=exists("action.visible for deleted servers", call.version))


def _action(row: RowMapping, call: Call) -> dict[str, Any]:
    action = {
        "action": row["action"],
        "instance_uuid": row["instance_id"],
        "request_id": row["request_id"],
        "user_id": row["user_id"],
        "project_id": row["project_id"],
        "start_time": micro(row["start_time"]),
        "message": row["message"],
    }
    if exists("action.updated_at", call.version):
        action["updated_at"] = micro(row["updated_at"])
    return action


def _event(row: RowMapping, call: Call) -> dict[str, Any]:
    event: dict[str, Any] = {
        "event": row["event"],
        "start_time": micro(row["event_start_time"]),
        "finish_time": micro(row["finish_time"]),
        "result": row["result"],
    }
    admin = call.caller.is_admin
    if admin:
        event["traceback"] = None
    if exists("action.host", call.version):
        if admin:
            event["host"] = row["host"]
        event["hostId"] = host_id(row["project_id"], row["host"])
    if admin and exists("action.details", call.version):
        event["details"] = row["details"]
    return event
