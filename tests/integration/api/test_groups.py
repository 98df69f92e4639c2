"""Server groups, host aggregates and zones, as the API shows and changes them."""

from datetime import timedelta
from typing import Any

from journal.secrets import Secrets
from services.cli.clouds import ADMIN
from services.conductor.repair import Repair
from tests.integration.api.conftest import Api
from tests.integration.conftest import eventually

FIRST = {"OpenStack-API-Version": "compute 2.1"}
BEFORE_POLICY = {"OpenStack-API-Version": "compute 2.15"}


async def make_group(api: Api, **fields: Any) -> Any:
    body = {"server_group": {"name": "g", "policy": "anti-affinity", **fields}}
    answer = await api("POST", "/v2.1/os-server-groups", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["server_group"]


async def test_a_group_is_made_shown_listed_and_deleted(api: Api) -> None:
    made = await make_group(api, rules={"max_server_per_host": "3"})
    assert set(made) == {"id", "name", "members", "policy", "rules", "project_id", "user_id"}
    assert (made["policy"], made["rules"], made["members"]) == ("anti-affinity", {"max_server_per_host": 3}, [])
    path = f"/v2.1/os-server-groups/{made['id']}"
    assert (await api.get(path))["server_group"] == made
    first = (await api.get(path, headers=FIRST))["server_group"]
    assert set(first) == {"id", "name", "members", "policies", "metadata"}
    assert first["policies"] == ["anti-affinity"]
    assert (await api.get("/v2.1/os-server-groups"))["server_groups"] == [made]
    assert (await api.get("/v2.1/os-server-groups", cloud=ADMIN))["server_groups"] == []
    assert (await api.get("/v2.1/os-server-groups?all_projects=1", cloud=ADMIN))["server_groups"] == [made]
    assert (await api.get("/v2.1/os-server-groups?offset=1"))["server_groups"] == []
    assert (await api.get("/v2.1/limits"))["limits"]["absolute"]["totalServerGroupsUsed"] == 1
    assert (await api("DELETE", path)).status_code == 204
    assert (await api("GET", path)).status_code == 404

    async def given_back() -> bool:
        return bool((await api.get("/v2.1/limits"))["limits"]["absolute"]["totalServerGroupsUsed"] == 0)

    await eventually(given_back)


async def test_wrong_groups_are_refused(api: Api) -> None:
    cases: list[tuple[dict[str, Any], dict[str, str], int]] = [
        ({"name": "g"}, {}, 400),
        ({"name": "g", "policy": "apart"}, {}, 400),
        ({"name": "g", "policies": ["affinity"]}, {}, 400),
        ({"name": "g", "policy": "affinity", "rules": {"max_server_per_host": 2}}, {}, 400),
        ({"name": "g", "policy": "anti-affinity", "rules": {"max_server_per_host": 0}}, {}, 400),
        ({"name": "g", "policies": ["soft-affinity"]}, FIRST, 400),
        ({"name": "g", "policies": ["affinity", "anti-affinity"]}, FIRST, 400),
        ({"name": "", "policies": ["affinity"]}, FIRST, 400),
        ({"name": "g", "policies": ["soft-affinity"]}, BEFORE_POLICY, 200),
    ]
    for group, headers, status in cases:
        answer = await api("POST", "/v2.1/os-server-groups", json={"server_group": group}, headers=headers)
        assert answer.status_code == status, group


async def test_groups_and_their_members_are_held_to_the_quota(api: Api) -> None:
    body = {"quota_class_set": {"server_groups": 1, "server_group_members": 1}}
    assert (await api("PUT", "/v2.1/os-quota-class-sets/default", json=body, cloud=ADMIN)).status_code == 200
    group = await make_group(api)
    refused = await api("POST", "/v2.1/os-server-groups", json={"server_group": {"name": "h", "policy": "affinity"}})
    assert refused.status_code == 403
    assert refused.json()["forbidden"]["message"] == "Quota exceeded, too many server groups."
    server = {**await api.server_body(), "os:scheduler_hints": {"group": group["id"]}}
    assert (await api("POST", "/v2.1/servers", json=server)).status_code == 202
    full = await api("POST", "/v2.1/servers", json=server)
    assert full.json()["forbidden"]["message"] == "Quota exceeded, too many servers in group"
    server["os:scheduler_hints"] = {"group": "8e5bb1c0-0000-4000-8000-000000000000"}
    missing = await api("POST", "/v2.1/servers", json=server)
    assert missing.status_code == 400

    async def one() -> bool:
        return bool((await api.get("/v2.1/limits"))["limits"]["absolute"]["totalInstancesUsed"] == 1)

    await eventually(one)


async def test_a_group_keeps_its_quota_and_members_that_are_there_when_the_conductor_looks(api: Api) -> None:
    group = await make_group(api)
    body = {**await api.server_body(), "os:scheduler_hints": {"group": group["id"]}}
    server_id = (await api("POST", "/v2.1/servers", json=body)).json()["server"]["id"]
    api.clock.ahead = timedelta(seconds=61)
    plane = api.running.plane
    before = await api.position()
    await Repair(plane.repository, plane.reads, Secrets(plane.client), api.clock).sweep()
    assert await api.position() == before
    assert (await api.get(f"/v2.1/os-server-groups/{group['id']}"))["server_group"]["members"] == [server_id]


async def make_aggregate(api: Api, name: str = "a", zone: str | None = None) -> Any:
    body = {"aggregate": {"name": name, "availability_zone": zone}}
    answer = await api("POST", "/v2.1/os-aggregates", json=body, cloud=ADMIN)
    assert answer.status_code == 200, answer.text
    return answer.json()["aggregate"]


async def act(api: Api, number: int, **body: Any) -> Any:
    return await api("POST", f"/v2.1/os-aggregates/{number}/action", json=body, cloud=ADMIN)


async def test_an_aggregate_is_made_changed_and_deleted(api: Api) -> None:
    await api.add_host()
    made = await make_aggregate(api, zone="east")
    assert not {"hosts", "metadata"} & set(made)
    number, path = made["id"], f"/v2.1/os-aggregates/{made['id']}"
    assert isinstance(number, int)
    added = (await act(api, number, add_host={"host": "host-1"})).json()["aggregate"]
    assert (added["hosts"], added["availability_zone"]) == (["host-1"], "east")
    changed = (await act(api, number, set_metadata={"metadata": {"ssd": "true"}})).json()["aggregate"]
    assert changed["metadata"] == {"availability_zone": "east", "ssd": "true"}
    changed = (await act(api, number, set_metadata={"metadata": {"ssd": None}})).json()["aggregate"]
    assert changed["metadata"] == {"availability_zone": "east"}
    renamed = await api("PUT", path, json={"aggregate": {"name": "b", "availability_zone": "west"}}, cloud=ADMIN)
    shown = (await api.get(path, cloud=ADMIN))["aggregate"]
    assert renamed.json()["aggregate"] == shown
    assert (shown["name"], shown["availability_zone"], shown["deleted"]) == ("b", "west", False)
    assert (await api.get("/v2.1/os-aggregates", cloud=ADMIN))["aggregates"] == [shown]
    assert "uuid" not in (await api.get(path, cloud=ADMIN, headers=FIRST))["aggregate"]
    assert (await api("DELETE", path, cloud=ADMIN)).status_code == 400
    assert (await act(api, number, remove_host={"host": "host-1"})).json()["aggregate"]["hosts"] == []
    assert (await api("DELETE", path, cloud=ADMIN)).status_code == 200
    assert (await api("GET", path, cloud=ADMIN)).status_code == 404


async def test_wrong_changes_of_aggregates_are_refused(api: Api) -> None:
    await api.add_host()
    first, second = await make_aggregate(api, "a", "east"), await make_aggregate(api, "b", "west")
    number = first["id"]
    assert (await act(api, number, add_host={"host": "host-1"})).status_code == 200
    cases: list[tuple[int, Any, int]] = [
        (number, {"add_host": {"host": "host-1"}}, 409),
        (number, {"add_host": {"host": "none"}}, 404),
        (number, {"remove_host": {"host": "none"}}, 404),
        (number, {"add_host": {}}, 400),
        (number, {"set_metadata": {"metadata": {"availability_zone": ""}}}, 400),
        (second["id"], {"add_host": {"host": "host-1"}}, 409),  # it is in another zone
        (99999, {"add_host": {"host": "host-1"}}, 404),
        (number, {"fly": {}}, 400),
    ]
    before = await api.position()
    for which, body, status in cases:
        assert (await act(api, which, **body)).status_code == status, body
    taken = {"aggregate": {"name": "b"}}
    assert (await api("POST", "/v2.1/os-aggregates", json=taken, cloud=ADMIN)).status_code == 409
    path = f"/v2.1/os-aggregates/{number}"
    assert (await api("PUT", path, json=taken, cloud=ADMIN)).status_code == 409
    assert (await api("PUT", path, json={"aggregate": {}}, cloud=ADMIN)).status_code == 400
    assert (await api("GET", "/v2.1/os-aggregates/x", cloud=ADMIN)).status_code == 400
    assert (await api("GET", "/v2.1/os-aggregates")).status_code == 403
    assert (await api("POST", f"{path}/action", json={"add_host": {"host": "host-1"}})).status_code == 403
    assert await api.position() == before


async def test_a_host_with_instances_keeps_its_zone(api: Api) -> None:
    await api.add_host()
    aggregate = await make_aggregate(api, zone="east")
    await api.active()
    refused = await act(api, aggregate["id"], add_host={"host": "host-1"})
    assert refused.status_code == 409
    assert "One or more hosts contain instances in this zone" in refused.json()["conflictingRequest"]["message"]


async def test_zones_are_those_of_aggregates_and_one_for_all_other_hosts(api: Api) -> None:
    for name in ("host-1", "host-2"):
        await api.add_host(name)
    aggregate = await make_aggregate(api, zone="east")
    await act(api, aggregate["id"], add_host={"host": "host-2"})
    listed = (await api.get("/v2.1/os-availability-zone"))["availabilityZoneInfo"]
    assert [(zone["zoneName"], zone["hosts"]) for zone in listed] == [("east", None), ("nova", None)]
    east, nova = (await api.get("/v2.1/os-availability-zone/detail", cloud=ADMIN))["availabilityZoneInfo"]
    assert (set(east["hosts"]), set(nova["hosts"])) == ({"host-2"}, {"host-1"})
    services = (await api.get("/v2.1/os-services", cloud=ADMIN))["services"]
    assert [service["zone"] for service in services] == ["nova", "east"]
    refused = await api("POST", "/v2.1/servers", json=await api.server_body(availability_zone="mars"))
    assert refused.json()["badRequest"]["message"] == "The requested availability zone is not available"


async def test_a_service_is_forced_down_and_lifted_again_and_cannot_be_deleted(api: Api) -> None:
    await api.add_host()
    (service,) = (await api.get("/v2.1/os-services", cloud=ADMIN))["services"]
    path = f"/v2.1/os-services/{service['id']}"
    forced = await api("PUT", path, json={"forced_down": True}, cloud=ADMIN)
    assert (forced.json()["service"]["forced_down"], forced.json()["service"]["state"]) == (True, "down")
    named = {"host": "host-1", "binary": "nova-compute", "forced_down": False}
    at_2_11 = {"OpenStack-API-Version": "compute 2.11"}
    lifted = await api("PUT", "/v2.1/os-services/force-down", json=named, cloud=ADMIN, headers=at_2_11)
    assert lifted.json() == {"service": named}
    (service,) = (await api.get("/v2.1/os-services", cloud=ADMIN))["services"]
    assert (service["forced_down"], service["state"]) == (False, "up")
    assert (await api("DELETE", path, cloud=ADMIN)).status_code == 409
    assert (await api("DELETE", "/v2.1/os-services/none", cloud=ADMIN)).status_code == 404
