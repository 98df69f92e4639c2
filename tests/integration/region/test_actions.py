"""Server actions through everything: HTTP, log, scheduler, desired state, agents with a simulated hypervisor, and back."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from journal.streams import last_position
from projections.tables import claims, hosts
from services.cli.agents import run_agent
from services.cli.clouds import ADMIN, DEMO, passwords
from services.cli.region import Region
from tests.integration.api.conftest import password_auth
from tests.integration.conftest import Running, eventually

LATEST = "2.96"


@dataclass
class Cloud:
    """A whole region with simulated hosts, as its users see it."""

    running: Running
    http: httpx.AsyncClient
    tokens: dict[str, str]
    agents: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def __call__(
        self, method: str, path: str, *, cloud: str = DEMO, version: str = LATEST, **options: Any
    ) -> httpx.Response:
        headers = {"X-Auth-Token": self.tokens[cloud], "OpenStack-API-Version": f"compute {version}"}
        return await self.http.request(method, path, headers=headers, **options)

    async def show(self, server_id: str, *, cloud: str = DEMO) -> dict[str, Any]:
        answer = await self("GET", f"/v2.1/servers/{server_id}", cloud=cloud)
        return dict(answer.json().get("server") or {"status": "GONE"})

    async def until(self, server_id: str, status: str) -> dict[str, Any]:
        async def met() -> dict[str, Any]:
            shown = await self.show(server_id, cloud=ADMIN)
            at_rest = shown["status"] == status and shown.get("OS-EXT-STS:task_state") is None
            return shown if at_rest else {}

        return dict(await eventually(met))

    async def image(self, image_id: str) -> dict[str, Any]:
        return dict((await self("GET", f"/image/v2/images/{image_id}")).json())

    async def boot(self, **fields: Any) -> str:
        images = (await self("GET", "/image/v2/images?name=tiny")).json()["images"]
        body = {"name": "vm", "flavorRef": "1", "imageRef": images[0]["id"], "networks": "auto", **fields}
        answer = await self("POST", "/v2.1/servers", json={"server": body})
        assert answer.status_code == 202, answer.text
        server_id = str(answer.json()["server"]["id"])
        await self.until(server_id, "ACTIVE")
        return server_id

    async def act(self, server_id: str, body: dict[str, Any], **options: Any) -> httpx.Response:
        return await self("POST", f"/v2.1/servers/{server_id}/action", json=body, **options)

    async def done(self, server_id: str, body: dict[str, Any], status: str, **options: Any) -> dict[str, Any]:
        """Act, and wait until the server is in a status and at rest."""
        answer = await self.act(server_id, body, **options)
        assert answer.status_code in {200, 202, 204}, answer.text
        return await self.until(server_id, status)

    async def start_agent(self, host: str) -> None:
        self.agents[host] = self.running.run(run_agent(self.running.plane.region, host))

    async def end_agent(self, host: str) -> None:
        """End a host's agent, and wait until its silence is noticed."""
        self.agents[host].cancel()
        up = select(hosts.c.up).where(hosts.c.name == host)

        async def down() -> bool:
            return not await self.running.plane.reads.query(lambda connection: connection.execute(up).scalar())

        await eventually(down, within=30)

    async def events(self, server_id: str, action: str) -> list[tuple[str, str]]:
        """(event, result) of the newest action of a name."""
        path = f"/v2.1/servers/{server_id}/os-instance-actions"
        actions = (await self("GET", path)).json()["instanceActions"]
        newest = next(each for each in actions if each["action"] == action)
        shown = (await self("GET", f"{path}/{newest['request_id']}")).json()["instanceAction"]
        return [(event["event"], event["result"]) for event in shown["events"]]


@pytest.fixture
async def cloud(region: Running, settings: Region) -> AsyncIterator[Cloud]:
    plane = region.plane
    for service in (plane.scheduler(), plane.conductor(), plane.api()):
        region.run(service)
    async with httpx.AsyncClient(base_url=settings.api_url, timeout=30) as http:

        async def answers() -> bool:
            try:
                return (await http.get("/v1/health")).json()["position"] >= await last_position(plane.client)
            except httpx.TransportError:
                return False

        await eventually(answers)
        tokens = {}
        for name, user in ((ADMIN, "admin"), (DEMO, "demo")):
            auth = password_auth(user, passwords(settings.clouds_yaml)[name], user)
            tokens[name] = (await http.post("/identity/v3/auth/tokens", json=auth)).headers["X-Subject-Token"]
        made = Cloud(region, http, tokens)
        for host in settings.hosts:
            await made.start_agent(host)
        yield made


async def test_a_guest_stands_still_and_goes_on(cloud: Cloud) -> None:
    server_id = await cloud.boot()
    steps = [
        ({"pause": None}, "PAUSED", 3, "compute_pause_instance"),
        ({"unpause": None}, "ACTIVE", 1, "compute_unpause_instance"),
        ({"suspend": None}, "SUSPENDED", 7, "compute_suspend_instance"),
        ({"resume": None}, "ACTIVE", 1, "compute_resume_instance"),
        ({"pause": None}, "PAUSED", 3, "compute_pause_instance"),
        ({"reboot": {"type": "HARD"}}, "ACTIVE", 1, "compute_reboot_instance"),
    ]
    for body, status, power, event in steps:
        shown = await cloud.done(server_id, body, status)
        assert shown["OS-EXT-STS:power_state"] == power
        assert await cloud.events(server_id, next(iter(body))) == [(event, "Success")]
    refused = await cloud.act(server_id, {"unpause": None})
    message = f"Cannot 'unpause' instance {server_id} while it is in vm_state active"
    assert refused.json() == {"conflictingRequest": {"code": 409, "message": message}}


async def test_a_lock_refuses_all_but_administrators(cloud: Cloud) -> None:
    server_id = await cloud.boot()
    assert (await cloud.act(server_id, {"lock": {"locked_reason": "in use"}})).status_code == 202
    shown = await cloud.show(server_id)
    assert (shown["locked"], shown["locked_reason"]) == (True, "in use")
    for method, path, body in (("DELETE", "", None), ("POST", "/action", {"os-stop": None})):
        refused = await cloud(method, f"/v2.1/servers/{server_id}{path}", json=body)
        assert refused.json()["conflictingRequest"] == {"code": 409, "message": f"Instance {server_id} is locked"}
    await cloud.done(server_id, {"os-stop": None}, "SHUTOFF", cloud=ADMIN)
    assert (await cloud.act(server_id, {"unlock": None})).status_code == 202
    assert (await cloud.act(server_id, {"lock": {"locked_reason": "x"}}, version="2.72")).status_code == 202
    assert (await cloud.show(server_id))["locked_reason"] is None
    assert (await cloud.act(server_id, {"lock": {"why": "x"}})).status_code == 400
    assert (await cloud.act(server_id, {"unlock": None})).status_code == 202
    await cloud.act(server_id, {"lock": None}, cloud=ADMIN)
    theirs = await cloud.act(server_id, {"unlock": None})
    assert theirs.status_code == 403
    assert "os-lock-server:unlock:unlock_override" in theirs.json()["forbidden"]["message"]
    assert (await cloud.act(server_id, {"unlock": None}, cloud=ADMIN)).status_code == 202
    await cloud.done(server_id, {"os-start": None}, "ACTIVE")


async def test_a_server_is_rescued_and_comes_back_from_its_own_disk(cloud: Cloud) -> None:
    server_id = await cloud.boot()
    rescued = await cloud.act(server_id, {"rescue": {"adminPass": "secret-rescue"}})
    assert (rescued.status_code, rescued.json()) == (200, {"adminPass": "secret-rescue"})
    await cloud.until(server_id, "RESCUE")
    assert (await cloud.act(server_id, {"os-stop": None})).status_code == 409
    await cloud.done(server_id, {"unrescue": None}, "ACTIVE")
    assert await cloud.events(server_id, "rescue") == [("compute_rescue_instance", "Success")]
    assert await cloud.events(server_id, "unrescue") == [("compute_unrescue_instance", "Success")]
    missing = {"rescue": {"rescue_image_ref": "00000000-0000-4000-8000-000000000000"}}
    assert (await cloud.act(server_id, missing)).status_code == 400


async def test_a_rebuilt_server_keeps_id_host_and_addresses_and_its_power(cloud: Cloud) -> None:
    server_id = await cloud.boot(metadata={"old": "1"})
    before = await cloud.show(server_id, cloud=ADMIN)
    image_id = before["image"]["id"]
    asked = {"imageRef": image_id, "name": "again", "metadata": {"new": "2"}, "adminPass": "chosen", "key_name": None}
    answer = await cloud.act(server_id, {"rebuild": asked})
    assert answer.status_code == 202, answer.text
    shown = answer.json()["server"]
    assert (shown["adminPass"], shown["name"], shown["status"]) == ("chosen", "again", "REBUILD")
    assert answer.headers["Location"].endswith(f"/v2.1/servers/{server_id}")
    after = await cloud.until(server_id, "ACTIVE")
    for name in ("OS-EXT-SRV-ATTR:host", "addresses", "flavor", "id"):
        assert after[name] == before[name]
    assert after["metadata"] == {"new": "2"}
    await cloud.done(server_id, {"os-stop": None}, "SHUTOFF")
    await cloud.done(server_id, {"rebuild": {"imageRef": image_id}}, "SHUTOFF")
    assert await cloud.events(server_id, "rebuild") == [("compute_rebuild_instance", "Success")]
    older = await cloud.act(server_id, {"rebuild": {"imageRef": image_id}}, version="2.1")
    assert "OS-EXT-STS:vm_state" not in older.json()["server"]
    missing = await cloud.act(server_id, {"rebuild": {"imageRef": "00000000-0000-4000-8000-000000000000"}})
    assert missing.status_code in {400, 409}


async def test_a_password_is_changed_and_nothing_of_it_is_in_the_log(cloud: Cloud) -> None:
    server_id = await cloud.boot()
    await cloud.done(server_id, {"changePassword": {"adminPass": "hunter-2-secret"}}, "ACTIVE")
    assert await cloud.events(server_id, "changePassword") == [("compute_set_admin_password", "Success")]
    for number in range(1, await last_position(cloud.running.plane.client) + 1):
        message = await cloud.running.plane.client.jetstream().get_msg("EVENTS", number)
        assert b"hunter-2" not in (message.data or b"")


async def test_a_crash_dump_is_triggered_from_2_17_on(cloud: Cloud) -> None:
    server_id = await cloud.boot()
    assert (await cloud.act(server_id, {"trigger_crash_dump": None}, version="2.16")).status_code == 404
    assert (await cloud.act(server_id, {"trigger_crash_dump": None})).status_code == 202

    async def triggered() -> bool:
        return await cloud.events(server_id, "trigger_crash_dump") == [("compute_trigger_crash_dump", "Success")]

    await eventually(triggered)


async def test_an_image_is_made_of_a_server_and_a_server_of_that_image(cloud: Cloud) -> None:
    server_id = await cloud.boot()
    answer = await cloud.act(server_id, {"createImage": {"name": "mine", "metadata": {"colour": "red"}}})
    assert answer.status_code == 202, answer.text
    image_id = answer.json()["image_id"]
    assert (await cloud.act(server_id, {"createImage": {"name": "other"}})).status_code in {202, 409}
    await cloud.until(server_id, "ACTIVE")
    image = await cloud.image(image_id)
    assert (image["status"], image["name"], image["colour"]) == ("active", "mine", "red")
    assert (image["image_type"], image["instance_uuid"]) == ("snapshot", server_id)
    assert image["size"] > 0
    assert await cloud.events(server_id, "createImage") == [("compute_snapshot_instance", "Success")]
    await cloud.boot(imageRef=image_id)
    older = await cloud.act(server_id, {"createImage": {"name": "older"}}, version="2.44")
    assert (older.status_code, older.content) == (202, b"")
    older_id = older.headers["Location"].rpartition("/")[2]
    await cloud.until(server_id, "ACTIVE")
    assert (await cloud.image(older_id))["status"] == "active"


async def test_of_backups_the_newest_are_kept(cloud: Cloud) -> None:
    server_id = await cloud.boot()
    made = []
    for name in ("one", "two", "three"):
        body = {"createBackup": {"name": name, "backup_type": "daily", "rotation": 2}}
        made.append((await cloud.act(server_id, body)).json()["image_id"])
        await cloud.until(server_id, "ACTIVE")
    statuses = [(await cloud("GET", f"/image/v2/images/{image_id}")).status_code for image_id in made]
    assert statuses == [404, 200, 200]
    assert await cloud.events(server_id, "createBackup") == [("compute_backup_instance", "Success")]


async def test_an_administrator_resets_a_state_and_the_guest_is_taken_up_again(cloud: Cloud) -> None:
    server_id = await cloud.boot()
    assert (await cloud.act(server_id, {"os-resetState": {"state": "error"}})).status_code == 403
    assert (await cloud.act(server_id, {"os-resetState": {"state": "stopped"}}, cloud=ADMIN)).status_code == 400
    await cloud.done(server_id, {"os-resetState": {"state": "error"}}, "ERROR", cloud=ADMIN)
    await cloud.done(server_id, {"os-resetState": {"state": "active"}}, "ACTIVE", cloud=ADMIN)
    await cloud.done(server_id, {"os-stop": None}, "SHUTOFF")


async def test_a_server_is_deleted_by_force_and_none_is_restored(cloud: Cloud) -> None:
    server_id = await cloud.boot()
    refused = await cloud.act(server_id, {"restore": None})
    message = f"Cannot 'restore' instance {server_id} while it is in vm_state active"
    assert refused.json()["conflictingRequest"]["message"] == message
    assert (await cloud.act(server_id, {"forceDelete": None})).status_code == 202

    async def gone() -> bool:
        return (await cloud.show(server_id))["status"] == "GONE"

    await eventually(gone)


async def held(cloud: Cloud, server_id: str) -> set[str]:
    """The hosts that hold a claim for a server."""
    found = select(claims.c.host).where(claims.c.instance_id == server_id)
    return set(await cloud.running.plane.reads.query(lambda connection: connection.execute(found).scalars().all()))


async def until_held(cloud: Cloud, server_id: str, hosts: set[str]) -> None:
    async def met() -> bool:
        return await held(cloud, server_id) == hosts

    await eventually(met)


async def test_a_server_is_resized_with_a_claim_on_both_hosts_until_that_is_confirmed_or_reverted(cloud: Cloud) -> None:
    server_id = await cloud.boot()
    old = (await cloud.show(server_id, cloud=ADMIN))["OS-EXT-SRV-ATTR:host"]
    (new,) = {"host-1", "host-2"} - {old}
    same = await cloud.act(server_id, {"resize": {"flavorRef": "1"}})
    assert same.json()["badRequest"]["message"] == "When resizing, instances must change flavor!"
    assert (await cloud.act(server_id, {"resize": {"flavorRef": "none"}})).status_code == 400

    resized = await cloud.done(server_id, {"resize": {"flavorRef": "2"}}, "VERIFY_RESIZE")
    assert (resized["OS-EXT-SRV-ATTR:host"], resized["flavor"]["original_name"]) == (new, "small")
    await until_held(cloud, server_id, {old, new})
    reverted = await cloud.done(server_id, {"revertResize": None}, "ACTIVE")
    assert (reverted["OS-EXT-SRV-ATTR:host"], reverted["flavor"]["original_name"]) == (old, "tiny")
    await until_held(cloud, server_id, {old})

    await cloud.done(server_id, {"resize": {"flavorRef": "2"}}, "VERIFY_RESIZE")
    confirmed = await cloud.act(server_id, {"confirmResize": None})
    assert (confirmed.status_code, confirmed.content) == (204, b"")
    active = await cloud.until(server_id, "ACTIVE")
    assert (active["OS-EXT-SRV-ATTR:host"], active["flavor"]["original_name"]) == (new, "small")
    await until_held(cloud, server_id, {new})
    assert await cloud.events(server_id, "resize") == [("compute_resize_instance", "Success")]
    await cloud.done(server_id, {"os-stop": None}, "SHUTOFF")
    stopped = await cloud.done(server_id, {"migrate": None}, "VERIFY_RESIZE", cloud=ADMIN)
    assert stopped["OS-EXT-STS:power_state"] == 4
    assert (await cloud.act(server_id, {"confirmResize": None})).status_code == 204
    await cloud.until(server_id, "SHUTOFF")
    await until_held(cloud, server_id, {old})


async def test_a_resize_for_which_there_is_no_host_leaves_the_server_as_it_was(cloud: Cloud) -> None:
    unlimited = {"quota_class_set": {"cores": -1}}
    path = "/v2.1/os-quota-class-sets/default"
    assert (await cloud("PUT", path, json=unlimited, cloud=ADMIN)).status_code == 200
    server_id = await cloud.boot()
    huge = {"name": "huge", "vcpus": 100_000, "ram": 1024, "disk": 1, "id": "huge"}
    assert (await cloud("POST", "/v2.1/flavors", cloud=ADMIN, json={"flavor": huge})).status_code == 200
    shown = await cloud.done(server_id, {"resize": {"flavorRef": "huge"}}, "ACTIVE")
    assert shown["flavor"]["original_name"] == "tiny"
    path = f"/v2.1/servers/{server_id}/os-instance-actions"
    newest = (await cloud("GET", path)).json()["instanceActions"][0]
    assert (newest["action"], newest["message"]) == ("resize", "Error")
    assert len(await held(cloud, server_id)) == 1


async def test_a_running_server_is_migrated(cloud: Cloud) -> None:
    server_id = await cloud.boot()
    old = (await cloud.show(server_id, cloud=ADMIN))["OS-EXT-SRV-ATTR:host"]
    (new,) = {"host-1", "host-2"} - {old}
    body = {"os-migrateLive": {"host": new, "block_migration": "auto"}}
    assert (await cloud.act(server_id, body)).status_code == 403
    for host in ("nowhere", old):
        wrong = {"os-migrateLive": {"host": host, "block_migration": "auto"}}
        assert (await cloud.act(server_id, wrong, cloud=ADMIN)).status_code == 400
    shown = await cloud.done(server_id, body, "ACTIVE", cloud=ADMIN)
    assert (shown["OS-EXT-SRV-ATTR:host"], shown["OS-EXT-STS:power_state"]) == (new, 1)
    await until_held(cloud, server_id, {new})
    await cloud.done(server_id, {"pause": None}, "PAUSED")
    anywhere = {"os-migrateLive": {"host": None, "block_migration": False}}
    paused = await cloud.done(server_id, anywhere, "PAUSED", cloud=ADMIN)
    assert paused["OS-EXT-SRV-ATTR:host"] == old
    await cloud.done(server_id, {"unpause": None}, "ACTIVE")
    assert await cloud.events(server_id, "live-migration") == [("compute_live_migration", "Success")]


async def test_a_shelved_server_holds_no_claim_and_comes_back_with_its_addresses(cloud: Cloud) -> None:
    server_id = await cloud.boot()
    before = await cloud.show(server_id)
    shelved = await cloud.done(server_id, {"shelve": None}, "SHELVED_OFFLOADED")
    assert shelved["OS-EXT-SRV-ATTR:host"] is None
    await until_held(cloud, server_id, set())
    images = (await cloud("GET", "/image/v2/images?name=vm-shelved")).json()["images"]
    assert [image["status"] for image in images] == ["active"]
    assert (await cloud.act(server_id, {"os-start": None})).status_code == 409
    active = await cloud.done(server_id, {"unshelve": None}, "ACTIVE")
    assert active["addresses"] == before["addresses"]
    assert active["image"] == before["image"]
    assert len(await held(cloud, server_id)) == 1

    async def forgotten() -> bool:
        return not (await cloud("GET", "/image/v2/images?name=vm-shelved")).json()["images"]

    await eventually(forgotten)
    await cloud.done(server_id, {"shelve": None}, "SHELVED_OFFLOADED")
    assert (await cloud("DELETE", f"/v2.1/servers/{server_id}")).status_code == 204

    async def gone() -> bool:
        return (await cloud.show(server_id))["status"] == "GONE"

    await eventually(gone)


async def test_a_server_is_deleted_while_it_waits_to_be_confirmed(cloud: Cloud) -> None:
    server_id = await cloud.boot()
    await cloud.done(server_id, {"resize": {"flavorRef": "2"}}, "VERIFY_RESIZE")
    assert (await cloud("DELETE", f"/v2.1/servers/{server_id}")).status_code == 204
    await until_held(cloud, server_id, set())


async def test_a_server_is_evacuated_when_its_host_is_down(cloud: Cloud) -> None:
    server_id = await cloud.boot()
    old = (await cloud.show(server_id, cloud=ADMIN))["OS-EXT-SRV-ATTR:host"]
    (new,) = {"host-1", "host-2"} - {old}
    in_use = await cloud.act(server_id, {"evacuate": {}}, cloud=ADMIN)
    assert in_use.json()["badRequest"]["message"] == f"Compute service of {old} is still in use."
    missing = await cloud.act(server_id, {"evacuate": {"host": "nowhere"}}, cloud=ADMIN)
    assert missing.json()["itemNotFound"]["message"] == "Compute host nowhere not found."
    await cloud.end_agent(old)
    answer = await cloud.act(server_id, {"evacuate": {}}, cloud=ADMIN)
    assert (answer.status_code, answer.content) == (200, b"")
    shown = await cloud.until(server_id, "SHUTOFF")  # as of 2.95
    assert shown["OS-EXT-SRV-ATTR:host"] == new
    await until_held(cloud, server_id, {old, new})  # the old host has still to say that nothing is left there
    await cloud.start_agent(old)
    await until_held(cloud, server_id, {new})
