"""Hypervisors: the compute hosts, with what they have and what of it is claimed. Source: compute API reference, "Hypervisors"."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import RowMapping, select
from starlette.responses import Response

from projections.tables import instances
from services.api.answers import answer
from services.api.call import Call
from services.api.compute.host_rows import all_hosts, host_by_id, id_of, state_of
from services.api.compute.links import next_link
from services.api.compute.microversions import exists
from services.api.compute.paging import limit_of
from services.api.errors import Refusal
from services.api.schema import is_true


async def list_hypervisors(call: Call) -> Response:
    """200; 404 when a name pattern finds none."""
    rows, more = _paged(call, _named(call, await all_hosts(call)))
    servers = await _servers(call)
    return _listing(call, [_brief(row, call, servers) for row in rows], "/v2.1/os-hypervisors", more)


async def list_hypervisors_detailed(call: Call) -> Response:
    """The same, in full."""
    rows, more = _paged(call, _named(call, await all_hosts(call)))
    servers = await _servers(call)
    return _listing(call, [_full(row, call, servers) for row in rows], "/v2.1/os-hypervisors/detail", more)


async def show_hypervisor(call: Call) -> Response:
    """200; 404."""
    row = await _host(call)
    return answer({"hypervisor": _full(row, call, await _servers(call))})


async def show_uptime(call: Call) -> Response:
    """200; 400 for a host that does not say when it was started; 404."""
    row = await _host(call)
    uptime = _uptime(row, call)
    if uptime is None:
        raise Refusal(400, f"Host {row['name']} does not say when it was started, or is not heard from.")
    return answer({"hypervisor": {**_brief(row, call, None), "uptime": uptime}})


async def search_hypervisors(call: Call) -> Response:
    """200: those whose names have the text in them; 404 for none."""
    rows = _matching(await all_hosts(call), call.path["id"])
    return answer({"hypervisors": [_brief(row, call, None) for row in rows]})


async def list_servers_of_hypervisors(call: Call) -> Response:
    """200: the same, with their servers; 404 for none."""
    rows, servers = _matching(await all_hosts(call), call.path["id"]), await _all_servers(call)
    return answer({"hypervisors": [_brief(row, call, servers) for row in rows]})


async def show_statistics(call: Call) -> Response:
    """200: all hosts together."""
    rows = [row for row in await all_hosts(call) if row["enabled"] and state_of(row) == "up"]
    capacities = [_capacity(row) for row in rows]
    totals = {name: sum(each[name] for each in capacities) for name in SUMMED}
    return answer({"hypervisor_statistics": {"count": len(rows), **totals}})


SUMMED = (
    "vcpus", "vcpus_used", "memory_mb", "memory_mb_used", "local_gb", "local_gb_used", "free_ram_mb", "free_disk_gb",
    "current_workload", "running_vms", "disk_available_least",
)  # fmt: skip


async def _host(call: Call) -> RowMapping:
    row = await host_by_id(call, call.path["id"])
    if row is None:
        raise Refusal(404, f"Compute host {call.path['id']} could not be found.")
    return row


def _named(call: Call, rows: Iterable[RowMapping]) -> list[RowMapping]:
    pattern = call.query.get("hypervisor_hostname_pattern")
    if pattern is None or not exists("hypervisor.id is a uuid", call.version):
        return list(rows)
    return _matching(rows, pattern)


def _matching(rows: Iterable[RowMapping], pattern: str) -> list[RowMapping]:
    found = [row for row in rows if pattern.strip("%") in row["name"]]
    if not found:
        raise Refusal(404, f"No hypervisor matching '{pattern}' could be found.")
    return found


def _paged(call: Call, rows: Sequence[RowMapping]) -> tuple[Sequence[RowMapping], str | None]:
    if not exists("hypervisor.paging", call.version):
        return rows, None
    marker, limit = call.query.get("marker"), limit_of(call.query.get("limit"))
    if marker is not None:
        known = [str(id_of(row, call)) for row in rows]
        if marker not in known:
            raise Refusal(400, f"marker [{marker}] not found")
        rows = rows[known.index(marker) + 1 :]
    more = "limit" in call.query and len(rows) > limit > 0
    return rows[:limit], str(id_of(rows[limit - 1], call)) if more else None


def _listing(call: Call, found: list[dict[str, Any]], path: str, more: str | None) -> Response:
    listing: dict[str, Any] = {"hypervisors": found}
    if more is not None:
        listing["hypervisors_links"] = next_link(call.dependencies.public_url, path, call.query, more)
    return answer(listing)


async def _servers(call: Call) -> Mapping[str, list[dict[str, str]]] | None:
    """The servers on each host; None when nobody asked."""
    if not is_true(call.query.get("with_servers", "false")) or not exists("hypervisor.id is a uuid", call.version):
        return None
    return await _all_servers(call)


async def _all_servers(call: Call) -> Mapping[str, list[dict[str, str]]]:
    living = select(instances.c.id, instances.c.name, instances.c.host).where(
        instances.c.deleted.is_(False), instances.c.host.is_not(None)
    )
    found: dict[str, list[dict[str, str]]] = {}
    for row in await call.dependencies.reads.query(lambda connection: connection.execute(living).all()):
        found.setdefault(row.host, []).append({"uuid": row.id, "name": row.name})
    return found


def _brief(row: RowMapping, call: Call, servers: Mapping[str, list[dict[str, str]]] | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": id_of(row, call),
        "hypervisor_hostname": row["name"],
        "state": state_of(row),
        "status": "enabled" if row["enabled"] else "disabled",
    }
    if servers is not None:
        here = servers.get(row["name"], [])
        if here or exists("hypervisor.servers are always there", call.version):
            body["servers"] = here
    return body


def _full(row: RowMapping, call: Call, servers: Mapping[str, list[dict[str, str]]] | None) -> dict[str, Any]:
    inventory = row["inventory"]
    body = {
        **_brief(row, call, servers),
        "hypervisor_type": inventory.get("hypervisor_type"),
        "hypervisor_version": inventory.get("hypervisor_version"),
        "host_ip": inventory.get("host_ip"),
        "service": {"id": id_of(row, call), "host": row["name"], "disabled_reason": row["disabled_reason"]},
    }
    if exists("hypervisor.uptime", call.version):
        body["uptime"] = _uptime(row, call)
    if exists("hypervisor.capacity", call.version):
        processor = {"arch": inventory.get("cpu_arch"), "model": inventory.get("cpu_model")}
        as_object = exists("hypervisor.cpu_info is an object", call.version)
        body |= {**_capacity(row), "cpu_info": processor if as_object else orjson.dumps(processor).decode()}
    return body


def _uptime(row: RowMapping, call: Call) -> str | None:
    """For how long the machine has been up, as `uptime` begins; None for one that does not say, or is not heard from."""
    since = row["inventory"].get("booted_at")
    if since is None or state_of(row) != "up":
        return None
    now = call.dependencies.clock()
    minutes = max(0, int((now - datetime.fromisoformat(since)).total_seconds())) // 60
    days, minutes = divmod(minutes, 24 * 60)
    long = f"{days} day{'s' if days != 1 else ''}, " if days else ""
    return f" {now:%H:%M:%S} up {long}{minutes // 60:2d}:{minutes % 60:02d}"


def _capacity(row: RowMapping) -> dict[str, int]:
    inventory, used = row["inventory"], row["used"]
    free_disk = inventory["disk_gib"] - used["disk_gib"]
    return {
        "vcpus": inventory["vcpus"],
        "vcpus_used": used["vcpus"],
        "memory_mb": inventory["memory_mib"],
        "memory_mb_used": used["memory_mib"],
        "local_gb": inventory["disk_gib"],
        "local_gb_used": used["disk_gib"],
        "free_ram_mb": inventory["memory_mib"] - used["memory_mib"],
        "free_disk_gb": free_disk,
        "current_workload": 0,
        "running_vms": row["claims"],
        "disk_available_least": free_disk,
    }
