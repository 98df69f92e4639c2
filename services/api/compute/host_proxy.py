"""`/os-hosts`, from before there were hypervisors, until 2.42. Source: compute API reference, "Hosts (DEPRECATED)"."""

from typing import Any

from sqlalchemy import Connection, RowMapping, select
from starlette.responses import Response

from projections.tables import hosts, instances
from services.api.answers import answer
from services.api.call import Call
from services.api.compute.host_rows import ZONED, zone_of_host
from services.api.errors import Refusal


async def list_hosts(call: Call) -> Response:
    """200. Filter: zone."""
    rows = await call.dependencies.reads.query(lambda connection: connection.execute(ZONED).mappings().all())
    found = [
        {"host_name": row["name"], "service": "compute", "zone": zone_of_host(row)}
        for row in rows
        if row["enabled"] and call.query.get("zone") in (None, zone_of_host(row))
    ]
    return answer({"hosts": found})


async def show_host(call: Call) -> Response:
    """200: what there is, what is claimed, and what each project has of it; 404."""
    name = call.path["name"]
    living = select(instances.c.project_id, instances.c.flavor).where(
        instances.c.host == name, instances.c.deleted.is_(False)
    )

    def ask(connection: Connection) -> tuple[RowMapping | None, list[tuple[str, dict[str, Any]]]]:
        row = connection.execute(select(hosts).where(hosts.c.name == name)).mappings().first()
        return row, [(each.project_id, each.flavor) for each in connection.execute(living)]

    row, servers = await call.dependencies.reads.query(ask)
    if row is None:
        raise Refusal(404, f"Compute host {name} could not be found.")
    by_project: dict[str, list[int]] = {}
    for project_id, flavor in servers:
        sums = by_project.setdefault(project_id, [0, 0, 0])
        for index, part in enumerate(("vcpus", "ram", "disk")):
            sums[index] += flavor[part]
    inventory, used = row["inventory"], row["used"]
    rows = {
        "(total)": [inventory["vcpus"], inventory["memory_mib"], inventory["disk_gib"]],
        "(used_now)": [used["vcpus"], used["memory_mib"], used["disk_gib"]],
        "(used_max)": [sum(each[index] for each in by_project.values()) for index in range(3)],
        **by_project,
    }
    shown = [
        {"resource": {"host": name, "project": project, "cpu": cpu, "memory_mb": memory, "disk_gb": disk}}
        for project, (cpu, memory, disk) in rows.items()
    ]
    return answer({"host": shown})
