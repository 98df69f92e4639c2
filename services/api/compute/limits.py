"""Limits: what a project may use, and what it uses. Source: compute API reference, "Limits"."""

from collections.abc import Mapping

from starlette.responses import Response

from services.api.answers import answer
from services.api.call import Call
from services.api.compute.microversions import exists
from services.api.compute.quota_rows import quota_of

MAXIMA: Mapping[str, tuple[str, str]] = {
    "maxTotalCores": ("cores", ""),
    "maxTotalInstances": ("instances", ""),
    "maxTotalRAMSize": ("ram", ""),
    "maxTotalKeypairs": ("key_pairs", ""),
    "maxServerMeta": ("metadata_items", ""),
    "maxServerGroups": ("server_groups", ""),
    "maxServerGroupMembers": ("server_group_members", ""),
    "maxImageMeta": ("metadata_items", "limit.maxImageMeta"),
    "maxPersonality": ("injected_files", "limit.personality"),
    "maxPersonalitySize": ("injected_file_content_bytes", "limit.personality"),
    "maxTotalFloatingIps": ("floating_ips", "limit.network"),
    "maxSecurityGroups": ("security_groups", "limit.network"),
    "maxSecurityGroupRules": ("security_group_rules", "limit.network"),
}
"""Name → (resource whose limit it is, its name in SPANS where it is not always there)."""

USED: Mapping[str, tuple[str, str]] = {
    "totalRAMUsed": ("ram", ""),
    "totalCoresUsed": ("cores", ""),
    "totalInstancesUsed": ("instances", ""),
    "totalServerGroupsUsed": ("server_groups", ""),
    "totalFloatingIpsUsed": ("floating_ips", "limit.network"),
    "totalSecurityGroupsUsed": ("security_groups", "limit.network"),
}
"""The same of what is taken."""


async def show_limits(call: Call) -> Response:
    """200. Source: "Show Rate And Absolute Limits"."""
    project_id = call.query.get("tenant_id") or call.project_id
    if project_id != call.project_id:
        call.require("os_compute_api:limits:other_project")
    quota = await call.dependencies.reads.query(lambda connection: quota_of(connection, project_id))
    limits = quota.limits
    absolute = {name: limits[of] for name, (of, span) in MAXIMA.items() if exists(span, call.version)}
    absolute |= {name: quota.used(of) for name, (of, span) in USED.items() if exists(span, call.version)}
    return answer({"limits": {"rate": [], "absolute": absolute}})
