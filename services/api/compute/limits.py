"""Limits and quotas: what a project may use and what it uses. There are no quotas yet: everything is unlimited (-1)."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, select
from starlette.responses import Response

from projections.tables import instances, projects
from services.api.answers import answer
from services.api.call import Call
from services.api.compute.create_request import METADATA_LIMIT
from services.api.compute.microversions import exists
from services.api.errors import Refusal

UNLIMITED = -1

MAXIMA: Mapping[str, tuple[int, str]] = {
    "maxTotalCores": (UNLIMITED, ""),
    "maxTotalInstances": (UNLIMITED, ""),
    "maxTotalRAMSize": (UNLIMITED, ""),
    "maxTotalKeypairs": (UNLIMITED, ""),
    "maxServerMeta": (METADATA_LIMIT, ""),
    "maxServerGroups": (0, ""),
    "maxServerGroupMembers": (0, ""),
    "maxImageMeta": (METADATA_LIMIT, "limit.maxImageMeta"),
    "maxPersonality": (0, "limit.personality"),
    "maxPersonalitySize": (0, "limit.personality"),
    "maxTotalFloatingIps": (0, "limit.network"),
    "maxSecurityGroups": (1, "limit.network"),
    "maxSecurityGroupRules": (0, "limit.network"),
    "totalFloatingIpsUsed": (0, "limit.network"),
    "totalSecurityGroupsUsed": (1, "limit.network"),
}
"""Name → (value, its name in SPANS where it is not always there)."""

QUOTAS: Mapping[str, tuple[int, str]] = {
    "instances": (UNLIMITED, ""),
    "cores": (UNLIMITED, ""),
    "ram": (UNLIMITED, ""),
    "key_pairs": (UNLIMITED, ""),
    "metadata_items": (METADATA_LIMIT, ""),
    "server_groups": (0, ""),
    "server_group_members": (0, ""),
    "injected_files": (0, "limit.personality"),
    "injected_file_content_bytes": (0, "limit.personality"),
    "injected_file_path_bytes": (0, "limit.personality"),
    "floating_ips": (0, "limit.network"),
    "fixed_ips": (UNLIMITED, "limit.network"),
    "security_groups": (1, "limit.network"),
    "security_group_rules": (0, "limit.network"),
}


async def show_limits(call: Call) -> Response:
    """200. Source: compute API reference, "Show Rate And Absolute Limits"."""
    project_id = call.query.get("tenant_id") or call.project_id
    if project_id != call.project_id:
        call.require("os_compute_api:limits:other_project")
    used = await call.dependencies.reads.query(lambda connection: usage(connection, project_id))
    return answer({"limits": {"rate": [], "absolute": {**_of(MAXIMA, call), **used}}})


async def show_quotas(call: Call) -> Response:
    """200; 400 for a project that there is not. Source: compute API reference, "Show A Quota"."""
    return answer({"quota_set": {"id": await _project(call), **_of(QUOTAS, call)}})


async def show_quotas_detailed(call: Call) -> Response:
    """200 with what is in use; 400. Source: compute API reference, "Show The Detail of Quota"."""
    project_id = await _project(call)
    used = await call.dependencies.reads.query(lambda connection: usage(connection, project_id))
    in_use = {
        "instances": used["totalInstancesUsed"],
        "cores": used["totalCoresUsed"],
        "ram": used["totalRAMUsed"],
    }
    details = {
        name: {"in_use": in_use.get(name, 0), "limit": limit, "reserved": 0}
        for name, limit in _of(QUOTAS, call).items()
    }
    return answer({"quota_set": {"id": project_id, **details}})


def usage(connection: Connection, project_id: str) -> dict[str, int]:
    """What the living instances of a project take."""
    row = connection.execute(
        select(
            func.count().label("servers"),
            func.coalesce(func.sum(instances.c.flavor["vcpus"].as_integer()), 0).label("vcpus"),
            func.coalesce(func.sum(instances.c.flavor["ram"].as_integer()), 0).label("ram"),
        ).where(instances.c.project_id == project_id, instances.c.deleted.is_(False))
    ).one()
    return {
        "totalRAMUsed": int(row.ram),
        "totalCoresUsed": int(row.vcpus),
        "totalInstancesUsed": int(row.servers),
        "totalServerGroupsUsed": 0,
    }


async def _project(call: Call) -> str:
    project_id = call.path["project"]
    if project_id == call.project_id:
        return project_id
    call.require("os_compute_api:os-quota-sets:other_project")
    one = select(projects.c.id).where(projects.c.id == project_id)
    if await call.dependencies.reads.query(lambda connection: connection.execute(one).first()) is None:
        raise Refusal(400, f"Project ID {project_id} is not a valid project.")
    return project_id


def _of(table: Mapping[str, tuple[int, str]], call: Call) -> dict[str, Any]:
    return {name: value for name, (value, span) in table.items() if exists(span, call.version)}
