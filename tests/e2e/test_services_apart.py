"""Every service as a process of its own, with simulated guests: they meet in the log, and each may be killed at any time."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.cli.clouds import ADMIN, USERS, passwords
from services.cli.control_plane import prepare_region
from services.cli.region import Region
from tests.e2e.conftest import chronova, until
from tests.integration.conftest import LogServer, free_port, until_connected

SERVICES = ("api", "scheduler", "conductor", "projector", "agent")


class Services:
    """The processes, each started by its own command."""

    def __init__(self, settings: Region, output: Path) -> None:
        self.settings = settings
        self.output = output
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        command = [sys.executable, "-m", "services.cli.main", name, "--data", str(self.settings.data)]
        with self.output.open("ab") as file:
            self.running[name] = subprocess.Popen(command, stdout=file, stderr=file)

    def kill(self, name: str) -> None:
        self.running[name].kill()
        self.running[name].wait()

    def stop(self, name: str) -> int:
        self.running[name].send_signal(signal.SIGTERM)
        return self.running[name].wait(timeout=20)


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    settings = Region(
        data=tmp_path / "region",
        api_port=free_port(),
        nats_port=free_port(),
        hypervisor="simulated",
        hosts=("sim-1", "sim-2"),
        session="test",
    )
    settings.save()
    settings.log.configure(settings.hosts)
    server = LogServer(settings.log)
    server.start()
    apart = Services(settings, tmp_path / "output.log")
    try:
        asyncio.run(until_connected(settings.log))
        asyncio.run(prepare_region(settings, None))
        for name in SERVICES:
            apart.start(name)
        yield apart
    finally:
        for process in apart.running.values():
            process.kill()
            process.wait()
        server.kill()
        if apart.output.exists():
            print(apart.output.read_text()[-8000:])  # noqa: T201 -- shown when the test has failed


class User:
    """A user of the API."""

    def __init__(self, settings: Region) -> None:
        self.http = httpx.Client(base_url=settings.api_url, timeout=30)
        until(self.answers)
        user, project = USERS[ADMIN]
        domain = {"id": "default"}
        identity: dict[str, Any] = {"methods": ["password"]}
        identity["password"] = {
            "user": {"name": user, "domain": domain, "password": passwords(settings.clouds_yaml)[ADMIN]}
        }
        body = {"auth": {"identity": identity, "scope": {"project": {"name": project, "domain": domain}}}}
        self.http.headers["X-Auth-Token"] = until(lambda: self.token(body))
        project_id = until(lambda: self.http.get("/identity/v3/auth/projects").json()["projects"])[0]["id"]
        unlimited = {"quota_set": {"instances": -1, "cores": -1, "ram": -1}}
        assert self.http.put(f"/v2.1/os-quota-sets/{project_id}", json=unlimited).is_success

    def answers(self) -> bool:
        try:
            return self.http.get("/v1/health").is_success
        except httpx.HTTPError:
            return False

    def token(self, body: dict[str, Any]) -> str:
        return str(self.http.post("/identity/v3/auth/tokens", json=body).headers.get("X-Subject-Token", ""))

    def create(self, count: int) -> list[str]:
        answers = [self.try_to_create() for _ in range(count)]
        assert [answer.status_code for answer in answers] == [202] * count
        return [answer.json()["server"]["id"] for answer in answers]

    def try_to_create(self) -> httpx.Response:
        image = until(lambda: self.http.get("/image/v2/images").json()["images"])[0]["id"]
        network = until(lambda: self.http.get("/network/v2.0/networks").json()["networks"])[0]["id"]
        flavor = until(lambda: self.http.get("/v2.1/flavors").json()["flavors"])[0]["id"]
        server = {"name": "vm", "imageRef": image, "flavorRef": flavor, "networks": [{"uuid": network}]}
        return self.http.post("/v2.1/servers", json={"server": server})

    def states(self) -> dict[str, str]:
        return {server["id"]: server["status"] for server in self.http.get("/v2.1/servers/detail").json()["servers"]}


def all_active(user: User, made: list[str]) -> bool:
    states = user.states()
    return all(states.get(server_id) == "ACTIVE" for server_id in made)


def hosts_are_up(user: User) -> bool:
    services = user.http.get("/v2.1/os-services").json()["services"]
    return sum(service["binary"] == "nova-compute" and service["state"] == "up" for service in services) == 2


@pytest.mark.timeout(300)
def test_each_service_may_be_killed_and_nothing_is_lost_or_stuck(
    services: Services, request: pytest.FixtureRequest
) -> None:
    user = User(services.settings)
    request.addfinalizer(user.http.close)
    until(lambda: hosts_are_up(user))
    made: list[str] = []
    for victim in ("scheduler", "conductor", "projector", "agent"):
        made += user.create(5)
        services.kill(victim)
        made += user.create(5)
        services.start(victim)
        until(partial(all_active, user, made))
    addresses = [port["fixed_ips"][0]["ip_address"] for port in user.http.get("/network/v2.0/ports").json()["ports"]]
    assert len(addresses) == len(set(addresses)) == len(made)

    for server_id in made:
        assert user.http.delete(f"/v2.1/servers/{server_id}").status_code == 204
    until(lambda: user.states() == {})
    until(lambda: user.http.get("/network/v2.0/ports").json()["ports"] == [])
    until(lambda: user.http.get("/v2.1/os-hypervisors/statistics").json()["hypervisor_statistics"]["vcpus_used"] == 0)

    audited = chronova("audit", "verify", "--data", str(services.settings.data))
    assert audited.code == 0, audited.errors
    assert "The log is whole" in audited.output
    assert "is what a replay of the log makes" in audited.output

    assert {name: services.stop(name) for name in SERVICES} == dict.fromkeys(SERVICES, 0)
