"""Simple tenant usage: for how long each project's servers were there, and what they had. One question to the read model.

Source: compute API reference, "Usage reports". A server counts from its launch to its end.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, RowMapping, or_, select
from starlette.responses import Response

from projections.tables import instances
from services.api.answers import answer
from services.api.call import Call
from services.api.compute.links import micro, next_link
from services.api.compute.microversions import exists
from services.api.compute.paging import Order, after, limit_of, page
from services.api.errors import Refusal
from services.api.schema import QuerySchema

FORMATS = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S.%f")
BY_AGE = [Order(instances.c.created_position)]
_PARAMETERS = {
    "start": {"type": "string"},
    "end": {"type": "string"},
    "detailed": {"type": "string"},
    "limit": {"type": "string", "pattern": "^[0-9]*$"},
    "marker": {"type": "string"},
}
_LENIENT, _STRICT = QuerySchema(_PARAMETERS), QuerySchema(_PARAMETERS, strict=True)


class Period(NamedTuple):
    """From one moment to another."""

    start: datetime
    stop: datetime


async def list_usage(call: Call) -> Response:
    """200: all projects; 400."""
    period, detailed = _asked(call), call.query.get("detailed") == "1"
    rows, more = await _servers(call, period)
    by_project: dict[str, list[RowMapping]] = {}
    for row in rows:
        by_project.setdefault(row["project_id"], []).append(row)
    usages = [_usage(call, found, period, detailed=detailed) for found in by_project.values()]
    return _answer(call, "tenant_usages", usages, "/v2.1/os-simple-tenant-usage", more)


async def show_usage(call: Call) -> Response:
    """200: one project; an empty one had no servers; 400, 403."""
    project_id = call.path["project"]
    if project_id != call.project_id:
        call.require("os_compute_api:os-simple-tenant-usage:other_project")
    period = _asked(call)
    rows, more = await _servers(call, period, project_id)
    usage = _usage(call, rows, period, detailed=True) if rows else {}
    return _answer(call, "tenant_usage", usage, f"/v2.1/os-simple-tenant-usage/{project_id}", more)


def _answer(call: Call, key: str, found: Any, path: str, more: str | None) -> Response:
    body = {key: found}
    if more is not None:
        body[f"{key}_links"] = next_link(call.dependencies.public_url, path, call.query, more)
    return answer(body)


def _asked(call: Call) -> Period:
    schema = _STRICT if exists("usage.unknown parameters are refused", call.version) else _LENIENT
    schema.check({name: [value] for name, value in call.query.items()})
    now = call.dependencies.clock()
    start, stop = _moment(call.query.get("start"), now), _moment(call.query.get("end"), now)
    if not start < stop:
        raise Refusal(400, "Invalid start time. The start time cannot occur after the end time.")
    return Period(start, min(stop, now))


def _moment(text: str | None, now: datetime) -> datetime:
    if not text:
        return now
    for form in FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise Refusal(400, "Invalid datetime string: Datetime is in invalid format")


async def _servers(
    call: Call, period: Period, project_id: str | None = None
) -> tuple[Sequence[RowMapping], str | None]:
    """Those that were there in the period, oldest first, and the marker of the next page when this one is full."""
    paged = exists("usage.paging", call.version)
    limit = limit_of(call.query.get("limit") if paged else None)
    marker = call.query.get("marker") if paged else None
    conditions: list[ColumnElement[bool]] = [
        instances.c.launched_at < period.stop,
        or_(instances.c.terminated_at.is_(None), instances.c.terminated_at > period.start),
    ]
    if project_id is not None:
        conditions.append(instances.c.project_id == project_id)
    wanted = select(
        instances.c.id,
        instances.c.name,
        instances.c.project_id,
        instances.c.flavor,
        instances.c.vm_state,
        instances.c.launched_at,
        instances.c.terminated_at,
    ).where(*conditions)

    def ask(connection: Connection) -> Sequence[RowMapping]:
        found = wanted
        if marker:
            found = found.where(
                after(connection, BY_AGE, instances.c.id == marker, f"Marker {marker} could not be found.")
            )
        return connection.execute(page(found, BY_AGE, limit)).mappings().all()

    rows = await call.dependencies.reads.query(ask)
    return rows, rows[-1]["id"] if paged and rows and len(rows) == limit else None


def _usage(call: Call, rows: Sequence[RowMapping], period: Period, *, detailed: bool) -> dict[str, Any]:
    """What servers of one project add up to."""
    now = call.dependencies.clock()
    servers = [_server(row, period, now) for row in rows]
    usage: dict[str, Any] = {
        "tenant_id": rows[0]["project_id"],
        "total_local_gb_usage": sum(server["local_gb"] * server["hours"] for server in servers),
        "total_vcpus_usage": sum(server["vcpus"] * server["hours"] for server in servers),
        "total_memory_mb_usage": sum(server["memory_mb"] * server["hours"] for server in servers),
        "total_hours": sum(server["hours"] for server in servers),
        "start": micro(period.start),
        "stop": micro(period.stop),
    }
    return {**usage, "server_usages": servers} if detailed else usage


def _server(row: RowMapping, period: Period, now: datetime) -> dict[str, Any]:
    launched, ended, flavor = row["launched_at"], row["terminated_at"], row["flavor"]
    counted = min(ended or period.stop, period.stop) - max(launched, period.start)
    return {
        "hours": counted.total_seconds() / 3600,
        "flavor": flavor["name"],
        "instance_id": row["id"],
        "name": row["name"],
        "tenant_id": row["project_id"],
        "memory_mb": flavor["ram"],
        "local_gb": flavor["disk"] + flavor.get("ephemeral", 0),
        "vcpus": flavor["vcpus"],
        "started_at": micro(launched),
        "ended_at": micro(ended),
        "state": "terminated" if ended else row["vm_state"],
        "uptime": int(((ended or now) - launched).total_seconds()),
    }
