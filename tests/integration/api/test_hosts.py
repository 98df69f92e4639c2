"""Hypervisors, compute services, zones, limits and quotas."""

from datetime import timedelta

from domain.host.host import register
from services.cli.clouds import ADMIN
from services.conductor.author import AUTHOR as CONDUCTOR
from tests.integration.api.conftest import INVENTORY, Api

HYPERVISOR = {
    "id",
    "hypervisor_hostname",
    "state",
    "status",
    "hypervisor_type",
    "hypervisor_version",
    "host_ip",
    "service",
    "uptime",
    "servers",
}
LIMITS = {
    "maxTotalCores",
    "maxTotalInstances",
    "maxTotalKeypairs",
    "maxServerMeta",
    "maxTotalRAMSize",
    "maxServerGroups",
    "maxServerGroupMembers",
    "totalRAMUsed",
    "totalCoresUsed",
    "totalInstancesUsed",
    "totalServerGroupsUsed",
}
FIRST = {"OpenStack-API-Version": "compute 2.1"}


async def test_hypervisors_are_hosts_in_the_shape_of_the_version(api: Api) -> None:
    await api.add_host()
    server_id = await api.active()
    (newest,) = (await api.get("/v2.1/os-hypervisors/detail?with_servers=true", cloud=ADMIN))["hypervisors"]
    assert set(newest) == HYPERVISOR
    assert newest["servers"] == [{"uuid": server_id, "name": "vm"}]
    assert (await api.get(f"/v2.1/os-hypervisors/{newest['id']}", cloud=ADMIN))["hypervisor"]["state"] == "up"
    (oldest,) = (await api.get("/v2.1/os-hypervisors/detail", cloud=ADMIN, headers=FIRST))["hypervisors"]
    assert isinstance(oldest["id"], int)
    assert (oldest["vcpus"], oldest["memory_mb"], oldest["local_gb"]) == (8, 16384, 100)
    assert isinstance(oldest["cpu_info"], str)
    shown = await api.get(f"/v2.1/os-hypervisors/{oldest['id']}", cloud=ADMIN, headers=FIRST)
    assert shown["hypervisor"] == oldest
    assert (await api("GET", "/v2.1/os-hypervisors/none", cloud=ADMIN)).status_code == 404
    totals = await api.get("/v2.1/os-hypervisors/statistics", cloud=ADMIN, headers=FIRST)
    assert (totals["hypervisor_statistics"]["count"], totals["hypervisor_statistics"]["vcpus"]) == (1, 8)
    assert (await api("GET", "/v2.1/os-hypervisors")).status_code == 403


async def test_a_service_is_disabled_with_a_reason_and_enabled_again(api: Api) -> None:
    await api.add_host()
    (service,) = (await api.get("/v2.1/os-services", cloud=ADMIN))["services"]
    assert (service["binary"], service["host"], service["status"], service["state"]) == (
        "nova-compute", "host-1", "enabled", "up",
    )  # fmt: skip
    path = f"/v2.1/os-services/{service['id']}"
    body = {"status": "disabled", "disabled_reason": "a new disk"}
    done = await api("PUT", path, json=body, cloud=ADMIN)
    assert (done.status_code, done.json()["service"]["disabled_reason"]) == (200, "a new disk")
    (service,) = (await api.get("/v2.1/os-services?host=host-1", cloud=ADMIN))["services"]
    assert (service["status"], service["disabled_reason"]) == ("disabled", "a new disk")
    zones = (await api.get("/v2.1/os-availability-zone"))["availabilityZoneInfo"]
    assert zones == [{"zoneName": "nova", "zoneState": {"available": False}, "hosts": None}]
    by_name = {"host": "host-1", "binary": "nova-compute"}
    done = await api("PUT", "/v2.1/os-services/enable", json=by_name, cloud=ADMIN, headers=FIRST)
    assert done.json() == {"service": {**by_name, "status": "enabled"}}
    assert (await api.get("/v2.1/os-services", cloud=ADMIN))["services"][0]["status"] == "enabled"


async def test_wrong_changes_of_a_service_are_refused(api: Api) -> None:
    await api.add_host()
    (service,) = (await api.get("/v2.1/os-services", cloud=ADMIN))["services"]
    path = f"/v2.1/os-services/{service['id']}"
    cases = [
        (path, {}, 400),
        (path, {"status": "gone"}, 400),
        (path, {"status": "enabled", "disabled_reason": "x"}, 400),
        (path, {"forced_down": "perhaps"}, 400),
        ("/v2.1/os-services/none", {"status": "enabled"}, 404),
    ]
    before = await api.position()
    for where, body, status in cases:
        assert (await api("PUT", where, json=body, cloud=ADMIN)).status_code == status, body
    assert (await api("PUT", path, json={"status": "disabled"})).status_code == 403
    assert await api.position() == before


async def test_a_zone_in_detail_names_its_hosts(api: Api) -> None:
    await api.add_host()
    (zone,) = (await api.get("/v2.1/os-availability-zone/detail", cloud=ADMIN))["availabilityZoneInfo"]
    assert zone["zoneState"] == {"available": True}
    assert zone["hosts"]["host-1"]["nova-compute"]["available"] is True


async def test_limits_count_what_the_project_uses(api: Api) -> None:
    await api.create(flavorRef="2")
    await api.create(flavorRef="3", cloud=ADMIN)
    limits = (await api.get("/v2.1/limits"))["limits"]
    assert limits["rate"] == []
    assert set(limits["absolute"]) == LIMITS
    used = (limits["absolute"]["totalInstancesUsed"], limits["absolute"]["totalCoresUsed"])
    assert (*used, limits["absolute"]["totalRAMUsed"]) == (1, 1, 512)
    first = (await api.get("/v2.1/limits", headers=FIRST))["limits"]["absolute"]
    assert {"maxImageMeta", "maxPersonality", "maxTotalFloatingIps"} <= set(first)
    assert (await api("GET", "/v2.1/limits?tenant_id=other")).status_code == 403


async def test_quotas_are_shown_for_projects_that_there_are(api: Api) -> None:
    projects = {each["name"]: each["id"] for each in (await api.get("/identity/v3/projects", cloud=ADMIN))["projects"]}
    own = (await api.get(f"/v2.1/os-quota-sets/{projects['demo']}"))["quota_set"]
    assert (own["id"], own["instances"]) == (projects["demo"], 10)
    assert (await api("GET", f"/v2.1/os-quota-sets/{projects['admin']}")).status_code == 403
    wrong = await api("GET", "/v2.1/os-quota-sets/x", cloud=ADMIN)
    assert wrong.json()["badRequest"]["message"] == "Project ID x is not a valid project."


async def test_hypervisors_are_searched_by_name_with_their_servers_until_2_52(api: Api) -> None:
    await api.add_host()
    server_id = await api.active()
    (found,) = (await api.get("/v2.1/os-hypervisors/host/search", cloud=ADMIN, headers=FIRST))["hypervisors"]
    assert found["hypervisor_hostname"] == "host-1"
    (found,) = (await api.get("/v2.1/os-hypervisors/host-1/servers", cloud=ADMIN, headers=FIRST))["hypervisors"]
    assert found["servers"] == [{"uuid": server_id, "name": "vm"}]
    missing = await api("GET", "/v2.1/os-hypervisors/mars/search", cloud=ADMIN, headers=FIRST)
    assert missing.json()["itemNotFound"]["message"] == "No hypervisor matching 'mars' could be found."
    assert (await api("GET", "/v2.1/os-hypervisors/host/search", cloud=ADMIN)).status_code == 404


async def test_a_host_that_says_when_it_was_started_has_an_uptime(api: Api) -> None:
    await api.add_host("silent")
    since = (api.clock() - timedelta(days=1, hours=2, minutes=3, seconds=10)).isoformat()
    host = register("host-1", {**INVENTORY, "booted_at": since}, at=api.clock())
    assert await api.applied.wait((await api.running.plane.repository.create(host, CONDUCTOR)).position)
    silent, other = (await api.get("/v2.1/os-hypervisors/detail", cloud=ADMIN))["hypervisors"]
    assert silent["uptime"] is None
    assert other["uptime"].endswith(" up 1 day,  2:03")
    older = (await api.get("/v2.1/os-hypervisors", cloud=ADMIN, headers=FIRST))["hypervisors"]
    paths = [f"/v2.1/os-hypervisors/{each['id']}/uptime" for each in older]
    assert (await api("GET", paths[0], cloud=ADMIN, headers=FIRST)).status_code == 400
    shown = await api.get(paths[1], cloud=ADMIN, headers=FIRST)
    assert shown["hypervisor"]["uptime"].endswith(" up 1 day,  2:03")
