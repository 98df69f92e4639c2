"""Usage: for how long servers were there, by project."""

from datetime import timedelta
from typing import Any

import pytest

from services.cli.clouds import ADMIN
from tests.integration.api.conftest import Api

FIRST = {"OpenStack-API-Version": "compute 2.1"}
SERVER = {
    "hours", "flavor", "instance_id", "name", "tenant_id", "memory_mb", "local_gb", "vcpus", "started_at", "ended_at",
    "state", "uptime",
}  # fmt: skip


async def two_hours(api: Api) -> tuple[str, str, str]:
    """Two servers of the demo project, the first deleted after an hour; their ids and the project's."""
    await api.add_host()
    first, second = await api.active(flavorRef="1"), await api.active(flavorRef="3")
    api.clock.ahead = timedelta(hours=1)
    await api("DELETE", f"/v2.1/servers/{first}")
    await api.settle(first)
    api.clock.ahead = timedelta(hours=2)
    shown = (await api.get(f"/v2.1/servers/{second}"))["server"]
    return first, second, shown["tenant_id"]


def during(api: Api, begin: float, end: float) -> str:
    """A query for a period, in hours from now."""
    start, stop = (api.clock() + timedelta(hours=hours) for hours in (begin, end))
    return f"start={start:%Y-%m-%dT%H:%M:%S}&end={stop:%Y-%m-%dT%H:%M:%S}"


async def test_servers_count_from_their_launch_to_their_end(api: Api) -> None:
    first, second, project_id = await two_hours(api)
    path = f"/v2.1/os-simple-tenant-usage/{project_id}?{during(api, -24, 24)}"
    usage = (await api.get(path))["tenant_usage"]
    assert usage["total_hours"] == pytest.approx(3, abs=0.1)
    assert usage["total_memory_mb_usage"] == pytest.approx(128 + 2 * 2048, rel=0.05)
    assert usage["total_vcpus_usage"] == pytest.approx(1 + 2 * 2, rel=0.05)
    ended, running = usage["server_usages"]
    assert set(ended) == set(running) == SERVER
    assert (ended["instance_id"], ended["state"], ended["flavor"]) == (first, "terminated", "tiny")
    assert (running["instance_id"], running["state"], running["ended_at"]) == (second, "active", None)
    part = (await api.get(f"/v2.1/os-simple-tenant-usage/{project_id}?{during(api, -0.5, 0)}"))["tenant_usage"]
    assert part["total_hours"] == pytest.approx(0.5, abs=0.01)
    assert [server["instance_id"] for server in part["server_usages"]] == [second]


async def test_administrators_see_all_projects_with_servers_when_they_ask_for_detail(api: Api) -> None:
    _, _, project_id = await two_hours(api)
    path = f"/v2.1/os-simple-tenant-usage?{during(api, -24, 24)}"
    (usage,) = (await api.get(path, cloud=ADMIN))["tenant_usages"]
    assert usage["tenant_id"] == project_id
    assert "server_usages" not in usage
    (detailed,) = (await api.get(f"{path}&detailed=1", cloud=ADMIN))["tenant_usages"]
    assert len(detailed["server_usages"]) == 2
    assert (await api("GET", path)).status_code == 403
    other = f"/v2.1/os-simple-tenant-usage/{'0' * 32}?{during(api, -24, 24)}"
    assert (await api("GET", other)).status_code == 403
    assert (await api.get(other, cloud=ADMIN))["tenant_usage"] == {}


async def test_usage_is_cut_into_pages_of_servers_from_2_40_on(api: Api) -> None:
    first, second, project_id = await two_hours(api)
    path = f"/v2.1/os-simple-tenant-usage/{project_id}?{during(api, -24, 24)}&limit=1"
    page = await api.get(path)
    assert [server["instance_id"] for server in page["tenant_usage"]["server_usages"]] == [first]
    following = page["tenant_usage_links"][0]["href"]
    page = await api.get(following)
    assert [server["instance_id"] for server in page["tenant_usage"]["server_usages"]] == [second]
    assert len((await api.get(path, headers=FIRST))["tenant_usage"]["server_usages"]) == 2
    assert (await api("GET", f"{path}&marker=none")).status_code == 400


async def test_wrong_periods_are_refused(api: Api) -> None:
    wrong: list[Any] = ["start=yesterday", during(api, 1, 0), "start=2026-01-01T00:00:00&end=x", "color=red"]
    for query in wrong:
        assert (await api("GET", f"/v2.1/os-simple-tenant-usage?{query}", cloud=ADMIN)).status_code == 400, query


async def test_no_usage_audit_ever_ran(api: Api) -> None:
    await api.add_host()
    log = (await api.get("/v2.1/os-instance_usage_audit_log", cloud=ADMIN))["instance_usage_audit_logs"]
    assert (log["num_hosts"], log["hosts_not_run"]) == (1, ["host-1"])
    path = "/v2.1/os-instance_usage_audit_log/2026-01-15 10:00:00"
    log = (await api.get(path, cloud=ADMIN))["instance_usage_audit_log"]
    assert (log["period_beginning"], log["period_ending"]) == ("2025-12-01 00:00:00", "2026-01-01 00:00:00")
    assert (await api("GET", "/v2.1/os-instance_usage_audit_log/then", cloud=ADMIN)).status_code == 400
