"""The first instance: `hello` is booted before the user's eyes, as any user would boot it, while the log tells its story."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from domain.instance.build import BuildFailed, InstanceActivated
from domain.instance.scheduling import InstanceScheduled, SchedulingFailed
from journal.connection import connect, disconnect
from journal.envelope import Recorded
from journal.follower import Follower
from journal.streams import last_position
from services.cli.clouds import DEMO, USERS, passwords
from services.cli.log.set_aside import SetAside
from services.cli.region import Region
from services.cli.terminal import heading, say

NAME = "hello"
BUILD_PATIENCE = 300.0  # seconds
BOOT_PATIENCE = 180.0  # seconds
SHOWN_LINES = 12  # of the guest's console
ENDS = (InstanceActivated, BuildFailed, SchedulingFailed)


class FirstInstanceFailed(Exception):
    """The first instance did not come up. The message says why."""


@dataclass
class Story:
    """What the log said of one instance, and when. `names` gives actors (`user:<id>`) the names that people know."""

    names: Mapping[str, str]
    times: dict[str, datetime] = field(default_factory=dict)

    def tell(self, recorded: Recorded) -> None:
        """Print one event: time, who, what."""
        word = recorded.type.removeprefix("chronova.").rpartition(".v")[0]
        self.times[word] = recorded.time
        event = recorded.event
        detail = ""
        if isinstance(event, InstanceScheduled):
            detail = f"on {event.host}, {', '.join(nic['address'] for nic in event.nics)}"
        elif isinstance(event, BuildFailed | SchedulingFailed):
            detail = event.reason
        clock = recorded.time.astimezone().strftime("%H:%M:%S.%f")[:-3]
        say(f"  {clock}  {self.names.get(recorded.actor, recorded.actor)[:20]:<20}  {word:<28}  {detail}".rstrip())

    def stages(self, login: float | None) -> list[tuple[str, float]]:
        """How long each stage took, in seconds."""
        points = ("instance.requested", "instance.scheduled", "instance.build-started", "instance.activated")
        names = ("choose a host, claim it, take an address", "tell the host's agent", "build the guest and power it on")
        found = [
            (name, (self.times[end] - self.times[begin]).total_seconds())
            for name, begin, end in zip(names, points[:-1], points[1:], strict=True)
            if begin in self.times and end in self.times
        ]
        return found if login is None else [*found, ("the guest boots to its login prompt", login)]


async def show_first_instance(region: Region) -> None:
    """Boot `hello` and show it; say so when it is there already. Raises FirstInstanceFailed, httpx.HTTPError, LogUnavailable."""
    async with httpx.AsyncClient(base_url=region.api_url, timeout=30) as http:
        http.headers["X-Auth-Token"], user_id = await _log_in(http, region)
        found = (await _get(http, f"/v2.1/servers/detail?name=^{NAME}$"))["servers"]
        if found:
            heading(
                f"The instance {NAME} is already there: {found[0]['status']}, on {_addresses(found[0]) or 'no network'}."
            )
            return
        heading(f"Booting a first instance, {NAME}, and reading what the log says of it:")
        story = Story({f"user:{user_id}": f"user:{USERS[DEMO][0]}"})
        server_id = await _create(http, region, story)
        server = (await _get(http, f"/v2.1/servers/{server_id}"))["server"]
        if server["status"] != "ACTIVE":
            raise FirstInstanceFailed(server.get("fault", {}).get("message", f"{NAME} is {server['status']}."))
        login = None if region.is_simulated else await _show_console(http, server_id)
        heading("How long each stage took:")
        for name, seconds in story.stages(login):
            say(f"  {seconds:8.3f} s  {name}")


async def _log_in(http: httpx.AsyncClient, region: Region) -> tuple[str, str]:
    user, project = USERS[DEMO]
    password = passwords(region.clouds_yaml)[DEMO]
    domain = {"id": "default"}
    answer = await http.post(
        "/identity/v3/auth/tokens",
        json={
            "auth": {
                "identity": {
                    "methods": ["password"],
                    "password": {"user": {"name": user, "domain": domain, "password": password}},
                },
                "scope": {"project": {"name": project, "domain": domain}},
            }
        },
    )
    answer.raise_for_status()
    return answer.headers["X-Subject-Token"], answer.json()["token"]["user"]["id"]


async def _get(http: httpx.AsyncClient, path: str) -> Any:
    answer = await http.get(path)
    answer.raise_for_status()
    return answer.json()


async def _named(http: httpx.AsyncClient, path: str, key: str, name: str) -> str:
    found = [item["id"] for item in (await _get(http, path))[key] if item["name"] == name]
    if not found:
        raise FirstInstanceFailed(f"There is no {name} among the {key}.")
    return str(found[0])


async def _create(http: httpx.AsyncClient, region: Region, story: Story) -> str:
    """Ask for the instance, and tell its story from the log until it runs or has failed."""
    body = {
        "name": NAME,
        "flavorRef": await _named(http, "/v2.1/flavors", "flavors", "tiny"),
        "imageRef": await _named(http, "/image/v2/images", "images", "tiny"),
        "networks": [{"uuid": await _named(http, "/network/v2.0/networks", "networks", "private")}],
    }
    client = await connect(region.log.urls, region.log.control_seed, name="first-instance")
    try:
        follower = Follower(client, after=await last_position(client))
        answer = await http.post("/v2.1/servers", json={"server": body})
        if answer.is_error:
            raise FirstInstanceFailed(answer.text)
        server_id = str(answer.json()["server"]["id"])
        try:
            async with asyncio.timeout(BUILD_PATIENCE):
                async for batch in follower.batches():
                    for recorded in batch:
                        if concerns(recorded, server_id):
                            story.tell(recorded)
                        if recorded.aggregate_id == server_id and isinstance(recorded.event, ENDS):
                            http.headers["X-Min-Position"] = str(recorded.position)
                            return server_id
        except TimeoutError:
            raise FirstInstanceFailed(f"{NAME} is not built after {BUILD_PATIENCE:.0f} s: see {region.logs}.") from None
    finally:
        await disconnect(client)
    raise FirstInstanceFailed("The log ended.")


async def _show_console(http: httpx.AsyncClient, server_id: str) -> float | None:
    """Wait for the guest's login prompt and show the end of its console; the seconds it took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() - began < BOOT_PATIENCE:
        answer = await http.post(f"/v2.1/servers/{server_id}/action", json={"os-getConsoleOutput": {"length": 60}})
        output = answer.json().get("output", "") if answer.is_success else ""
        if "login:" in output:
            seconds = loop.time() - began
            heading(f"The guest's own console, after {seconds:.1f} s:")
            for line in [line for line in output.splitlines() if line.strip()][-SHOWN_LINES:]:
                say(f"  | {line.rstrip()}")
            return seconds
        await asyncio.sleep(0.25)
    say(f"  the guest has not shown a login prompt within {BOOT_PATIENCE:.0f} s: openstack console log show {NAME}")
    return None


def concerns(recorded: Recorded, instance_id: str) -> bool:
    """Whether an event is about an instance: its own, or one that sets something aside for it."""
    return recorded.aggregate_id == instance_id or instance_id in SetAside().instances_of(recorded.event)


def _addresses(server: dict[str, Any]) -> str:
    return ", ".join(address["addr"] for network in server["addresses"].values() for address in network)
