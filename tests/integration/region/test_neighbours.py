"""Server groups, zones and hints, from the request to the host, with the real scheduler; and two schedulers that race."""

import asyncio
from typing import Any

from domain.instance.instance import Instance
from domain.servergroup import ServerGroup
from journal.connection import connect, disconnect
from journal.repository import Repository
from services.cli.agents import run_agents
from services.cli.clouds import ADMIN
from services.scheduler.service import Scheduler
from tests.integration.api.conftest import Api, api
from tests.integration.conftest import eventually

__all__ = ["api"]


async def hosts_of(api: Api, *server_ids: str) -> list[str | None]:
    """Where servers were placed; None for one that fits nowhere."""

    async def decided() -> Any:
        loaded = [
            (await api.running.plane.repository.load(Instance, each, fresh=True)).aggregate for each in server_ids
        ]
        return [each.host for each in loaded] if all(each.task != "scheduling" for each in loaded) else None

    return list(await eventually(decided))


async def make_group(api: Api, policy: str, **rules: int) -> str:
    body = {"server_group": {"name": policy, "policy": policy, **({"rules": rules} if rules else {})}}
    answer = await api("POST", "/v2.1/os-server-groups", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["server_group"]["id"])


async def create(api: Api, group: str | None = None, hints: Any = None, **fields: Any) -> str:
    cloud = fields.pop("cloud", "chronova")
    body = await api.server_body(**fields)
    body["os:scheduler_hints"] = {**({"group": group} if group else {}), **(hints or {})}
    answer = await api("POST", "/v2.1/servers", json=body, cloud=cloud)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["server"]["id"])


async def schedule(api: Api) -> None:
    for name in ("host-1", "host-2"):
        await api.add_host(name)
    api.running.run(api.running.plane.scheduler())


async def test_members_of_a_group_live_apart_or_together_as_its_policy_says(api: Api) -> None:
    await schedule(api)
    apart, together = await make_group(api, "anti-affinity"), await make_group(api, "affinity")
    first, second, third = [await create(api, apart) for _ in range(3)]
    beside, beside_too = [await create(api, together) for _ in range(2)]
    hosts = await hosts_of(api, first, second, third)
    assert {*hosts[:2]} == {"host-1", "host-2"}
    assert hosts[2] is None
    fault = (await api.get(f"/v2.1/servers/{third}"))["server"]["fault"]["message"]
    assert "group_policy removed 2 (for example host-1: 1 of its group live there already)" in fault
    assert len(set(await hosts_of(api, beside, beside_too))) == 1
    shown = (await api.get(f"/v2.1/servers/{first}"))["server"]
    assert shown["server_groups"] == [apart]
    members = (await api.get(f"/v2.1/os-server-groups/{apart}"))["server_group"]["members"]
    assert members == [first, second, third]


async def test_servers_live_beside_or_apart_from_those_that_hints_name(api: Api) -> None:
    await schedule(api)
    first = await create(api)
    (home,) = await hosts_of(api, first)
    beside = await create(api, hints={"same_host": first})
    apart = await create(api, hints={"different_host": [first]})
    hosts = await hosts_of(api, beside, apart)
    assert hosts[0] == home != hosts[1]


async def test_a_server_lives_in_the_zone_or_on_the_host_that_was_asked_for(api: Api) -> None:
    await schedule(api)
    made = await api(
        "POST", "/v2.1/os-aggregates", json={"aggregate": {"name": "e", "availability_zone": "east"}}, cloud=ADMIN
    )
    path = f"/v2.1/os-aggregates/{made.json()['aggregate']['id']}/action"
    assert (await api("POST", path, json={"add_host": {"host": "host-2"}}, cloud=ADMIN)).status_code == 200
    east = [await create(api, availability_zone="east") for _ in range(2)]
    west = await create(api, availability_zone="nova")
    named = await create(api, cloud=ADMIN, availability_zone="east:host-2")
    nowhere = await create(api, cloud=ADMIN, availability_zone="nova:host-2")
    assert await hosts_of(api, *east, west, named, nowhere) == ["host-2", "host-2", "host-1", "host-2", None]
    shown = (await api.get(f"/v2.1/servers/{east[0]}"))["server"]
    assert (shown["OS-EXT-AZ:availability_zone"], shown["pinned_availability_zone"]) == ("east", "east")
    found = (await api.get("/v2.1/servers?availability_zone=east", cloud=ADMIN))["servers"]
    assert [each["id"] for each in found] == [named]
    assert (await api("POST", "/v2.1/servers", json=await api.server_body(host="host-1"))).status_code == 403


async def test_two_schedulers_cannot_put_members_together_that_are_to_live_apart(api: Api) -> None:
    await schedule(api)
    bus = await connect(api.settings.log.url, api.settings.log.control_seed, name="second-scheduler")
    api.running.run(Scheduler(bus, Repository(bus), api.clock).run())
    group = await make_group(api, "anti-affinity", max_server_per_host=2)
    server_ids = await asyncio.gather(*(create(api, group) for _ in range(5)))
    hosts = await hosts_of(api, *server_ids)
    assert sorted(str(host) for host in hosts) == ["None", "host-1", "host-1", "host-2", "host-2"]
    saved = await api.running.plane.repository.load(ServerGroup, group, fresh=True)
    assert [saved.aggregate.members[each] for each in server_ids] == hosts
    await api.running.stop()
    await disconnect(bus)


async def quota_of(api: Api) -> dict[str, int]:
    absolute = (await api.get("/v2.1/limits"))["limits"]["absolute"]
    return {name: absolute[f"total{name}Used"] for name in ("Instances", "Cores", "RAM")}


async def until(api: Api, server_id: str, status: str) -> None:
    async def reached() -> bool:
        return bool((await api.get(f"/v2.1/servers/{server_id}"))["server"]["status"] == status)

    await eventually(reached, within=40)


async def test_a_resize_takes_the_larger_of_both_flavors_until_it_is_confirmed_or_reverted(api: Api) -> None:
    plane = api.running.plane
    for service in (plane.scheduler(), plane.conductor(), run_agents(plane.region)):
        api.running.run(service)
    server_id = await create(api, flavorRef="3")
    await until(api, server_id, "ACTIVE")
    own = (await api.get(f"/v2.1/servers/{server_id}"))["server"]["tenant_id"]
    limits = {"quota_set": {"cores": 2}}
    assert (await api("PUT", f"/v2.1/os-quota-sets/{own}", json=limits, cloud=ADMIN)).status_code == 200
    assert (await api.act(server_id, {"resize": {"flavorRef": "1"}})).status_code == 202
    await until(api, server_id, "VERIFY_RESIZE")
    assert await quota_of(api) == {"Instances": 1, "Cores": 2, "RAM": 2048}
    assert (await api.act(server_id, {"confirmResize": None})).status_code == 204

    async def smaller() -> bool:
        return await quota_of(api) == {"Instances": 1, "Cores": 1, "RAM": 128}

    await eventually(smaller)
    await until(api, server_id, "ACTIVE")
    limits = {"quota_set": {"cores": 1}}
    assert (await api("PUT", f"/v2.1/os-quota-sets/{own}", json=limits, cloud=ADMIN)).status_code == 200
    refused = await api.act(server_id, {"resize": {"flavorRef": "3"}})
    assert refused.status_code == 403
    assert refused.json()["forbidden"]["message"] == (
        "Quota exceeded for cores: Requested 1, but already used 1 of 1 cores"
    )
    assert await quota_of(api) == {"Instances": 1, "Cores": 1, "RAM": 128}


async def test_a_member_that_is_to_move_goes_nowhere_where_its_group_does_not_allow_it(api: Api) -> None:
    plane = api.running.plane
    for service in (plane.scheduler(), plane.conductor(), run_agents(plane.region)):
        api.running.run(service)
    group = await make_group(api, "anti-affinity")
    first, second = await create(api, group), await create(api, group)
    for server_id in (first, second):
        await until(api, server_id, "ACTIVE")
    homes = await hosts_of(api, first, second)
    assert (await api.act(first, {"migrate": None}, cloud=ADMIN)).status_code == 202

    async def failed() -> bool:
        found = await api.get(f"/v2.1/servers/{first}/os-instance-actions")
        return any(each["action"] == "migrate" and each["message"] for each in found["instanceActions"])

    await eventually(failed)
    assert await hosts_of(api, first, second) == homes
    saved = await plane.repository.load(ServerGroup, group, fresh=True)
    assert [saved.aggregate.members[each] for each in (first, second)] == homes
