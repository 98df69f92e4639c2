"""`GET /servers` and `/servers/detail`, and one server."""

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, Select, or_
from starlette.responses import Response

from projections.tables import instances
from services.api.answers import answer
from services.api.call import Call
from services.api.compute.links import next_link
from services.api.compute.microversions import exists
from services.api.compute.paging import after, limit_of, page
from services.api.compute.server_fields import brief, plain_addresses, server
from services.api.compute.server_filters import Condition, conditions, has_status, moment
from services.api.compute.server_order import order_of
from services.api.compute.server_queries import check_query
from services.api.compute.server_rows import SERVERS, visible
from services.api.compute.status import states_of
from services.api.errors import Refusal
from services.api.schema import is_true


async def show_server(call: Call) -> Response:
    """200; 404 unknown, deleted or another project's. Source: compute API reference, "Show Server Details"."""
    row = await visible(call, call.path["id"])
    shown = server(row, call.dependencies.public_url, call.version, admin=call.caller.is_admin, shown=True)
    return answer({"server": shown})


async def show_addresses(call: Call) -> Response:
    """200; 404. Source: compute API reference, "List Ips"."""
    return answer({"addresses": plain_addresses(await visible(call, call.path["id"]))})


async def show_network_addresses(call: Call) -> Response:
    """200 with the addresses on one network; 404. Source: compute API reference, "Show Ip Details"."""
    network, found = call.path["network"], plain_addresses(await visible(call, call.path["id"]))
    if network not in found:
        raise Refusal(404, "Instance is not a member of specified network")
    return answer({network: found[network]})


async def list_servers(call: Call) -> Response:
    """200; 400 for a wrong query; 403 for another tenant's. Source: compute API reference, "List Servers"."""
    rows, more = await _listed(call, "index")
    return _listing(call, [brief(row, call.dependencies.public_url) for row in rows], "/v2.1/servers", more)


async def list_servers_detailed(call: Call) -> Response:
    """The same, each in full. Source: compute API reference, "List Servers Detailed"."""
    rows, more = await _listed(call, "detail")
    base, admin = call.dependencies.public_url, call.caller.is_admin
    shown = [server(row, base, call.version, admin=admin) for row in rows]
    return _listing(call, shown, "/v2.1/servers/detail", more)


def _listing(call: Call, servers: list[dict[str, object]], path: str, more: str | None) -> Response:
    listing: dict[str, object] = {"servers": servers}
    if more is not None:
        listing["servers_links"] = next_link(call.dependencies.public_url, path, call.query, more)
    return answer(listing)


async def _listed(call: Call, kind: str) -> tuple[Sequence[RowMapping], str | None]:
    """The rows of one page, and the marker of the next when this one is full."""
    query: dict[str, list[str]] = {}
    for name, value in call.request.query_params.multi_items():
        query.setdefault(name, []).append(value)
    admin = call.caller.is_admin
    check_query(query, call.version, admin=admin)
    limit = limit_of(call.query.get("limit"))
    order = order_of(query.get("sort_key", []), query.get("sort_dir", []), admin=admin)
    wanted = [*_tenants(call, query, kind), *_life(call, query), *conditions(query, call.version, admin=admin)]
    marker = call.query.get("marker")

    def ask(connection: Connection) -> Sequence[RowMapping]:
        servers: Select[tuple[object, ...]] = SERVERS.where(*wanted)
        if marker:
            mine = instances.c.id == marker
            if not call.caller.is_admin:
                mine &= instances.c.project_id == call.project_id
            servers = servers.where(after(connection, order, mine, f"marker [{marker}] not found"))
        return connection.execute(page(servers, order, limit)).mappings().all()

    rows = await call.dependencies.reads.query(ask)
    return rows, rows[-1]["id"] if rows and len(rows) == limit else None


def _tenants(call: Call, query: dict[str, list[str]], kind: str) -> list[Condition]:
    """Whose servers: the caller's project's, or all. Raises NotAllowed."""
    asked = query.get("all_tenants")
    if asked is None or not (asked[-1] == "" or is_true(asked[-1])):
        return [instances.c.project_id == call.project_id]
    call.require(f"os_compute_api:servers:{kind}:get_all_tenants")
    project = query.get("project_id") or query.get("tenant_id")
    return [instances.c.project_id == project[-1]] if project else []


def _life(call: Call, query: dict[str, list[str]]) -> list[Condition]:
    """In which status, alive or deleted. Raises Refusal 400, 403."""
    admin, found = call.caller.is_admin, list[Condition]()
    statuses = [status.upper() for status in query.get("status", [])]
    if "DELETED" in statuses and not admin:
        raise Refusal(403, "Only administrators may list deleted instances")
    if statuses:
        if exists("servers.invalid status is refused", call.version) and not any(map(states_of, statuses)):
            raise Refusal(400, "Invalid status value")
        found.append(or_(*map(has_status, statuses)))
    if admin and ("DELETED" in statuses or is_true(query.get("deleted", ["false"])[-1])):
        found.append(instances.c.deleted.is_(True))
    elif not _asks_for_changes(call, query):
        found.append(instances.c.deleted.is_(False))
    return found


def _asks_for_changes(call: Call, query: dict[str, list[str]]) -> bool:
    """Whether it is asked what has changed: a deletion is a change. Raises Refusal 400."""
    bounds = {
        name: moment(name, query[name][-1])
        for name in ("changes-since", "changes-before")
        if name in query and exists(f"servers?{name}", call.version)
    }
    if len(bounds) > 1 and bounds["changes-since"] > bounds["changes-before"]:
        raise Refusal(400, "The value of changes-since must be less than or equal to changes-before.")
    return bool(bounds)
