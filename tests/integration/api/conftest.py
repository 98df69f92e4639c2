"""The API over a real log and a real read model, called without a socket."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from domain.host.host import register
from domain.instance.desired import Want
from domain.instance.instance import Instance
from domain.instance.observation import Observation, observe
from domain.instance.scheduling import scheduled
from domain.instance.state import PowerState
from domain.network.addresses import Wanted, allocate
from domain.network.network import Network
from domain.network.nic import nic_of, port_id
from journal.envelope import Author
from journal.secrets import Secrets
from journal.streams import last_position
from services.api.app import create_app
from services.api.commands import AppliedPosition, Commands
from services.api.dependencies import Dependencies
from services.api.endings import Endings
from services.cli.clouds import ADMIN, DEMO, passwords
from services.cli.region import Region
from services.compute.diagnostics import CpuFigures, Diagnostics, DiskFigures, NicFigures
from services.conductor.author import AUTHOR as CONDUCTOR
from services.scheduler.service import AUTHOR as SCHEDULER
from tests.integration.conftest import Running

BASE = "http://api.test"
INVENTORY = {
    "vcpus": 8,
    "memory_mib": 16384,
    "disk_gib": 100,
    "hypervisor_type": "simulated",
    "hypervisor_version": 1000000,
    "cpu_arch": "x86_64",
    "cpu_model": "simulated",
    "allocation_ratios": {"vcpus": 4.0, "memory_mib": 1.0, "disk_gib": 1.0},
    "reserved": {"vcpus": 0, "memory_mib": 512, "disk_gib": 0},
}


@dataclass
class Console:
    """What hosts answer when they are asked for a console."""

    output: str | None = "login:"
    asked: list[tuple[str, str, int | None]] = field(default_factory=list)

    async def __call__(self, host: str, instance_id: str, lines: int | None) -> str:
        self.asked.append((host, instance_id, lines))
        if self.output is None:
            raise TimeoutError
        return self.output


class Clock:
    """The real time, and what a test adds to it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Api:
    """The API of a region, and the rest of the region as the tests move it."""

    def __init__(self, running: Running, settings: Region, clock: Clock | None = None) -> None:
        self.running = running
        self.settings = settings
        self.console = Console()
        self.clock = clock or Clock()
        self.hosts_are_silent = False
        self.applied = AppliedPosition(running.plane.client, running.plane.reads)
        endings = Endings(running.plane.client, running.plane.reads, self.clock)
        self.dependencies = Dependencies(
            commands=Commands(running.plane.repository, self.applied, endings),
            applied=self.applied,
            reads=running.plane.reads,
            secrets=Secrets(running.plane.client),
            clock=self.clock,
            new_id=lambda: str(uuid4()),
            console_output=self.console,
            diagnostics=self._figures,
            image_store=settings.images,
            public_url=BASE,
            token_key=settings.key("tokens"),
            url_key=settings.key("image-urls"),
            endings=endings,
        )
        app = create_app(self.dependencies)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url=BASE, headers={"OpenStack-API-Version": "compute 2.96"}
        )
        self.tokens: dict[str, str] = {}

    async def _figures(self, _host: str, _instance_id: str) -> Mapping[str, Any]:
        """What hosts answer when they are asked for a guest's figures."""
        if self.hosts_are_silent:
            raise TimeoutError
        disk, card = DiskFigures("vda", 4096, 1, 8192, 2), NicFigures("52:54:00:00:00:01", 1, 2, 3, 4, 5, 6, 7, 8)
        return asdict(Diagnostics("simulated", 128, 0, (CpuFigures(7_000_000_000),), (disk,), (card,)))

    def password(self, cloud: str) -> str:
        return passwords(self.settings.clouds_yaml)[cloud]

    async def log_in(self, cloud: str) -> None:
        user = {ADMIN: "admin", DEMO: "demo"}[cloud]
        answer = await self.http.post("/identity/v3/auth/tokens", json=password_auth(user, self.password(cloud), user))
        assert answer.status_code == 201, answer.text
        self.tokens[cloud] = answer.headers["X-Subject-Token"]

    async def __call__(self, method: str, path: str, *, cloud: str = DEMO, **options: Any) -> httpx.Response:
        """A request of the demo user, or of another cloud's."""
        headers = {"X-Auth-Token": self.tokens[cloud], **options.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **options)

    async def log_in_as(self, name: str, *, user: str, password: str, project: str | None) -> httpx.Response:
        """Log in as somebody else: from then on `cloud=name` is its token, when it got one."""
        answer = await self.http.post("/identity/v3/auth/tokens", json=password_auth(user, password, project))
        if answer.status_code == 201:
            self.tokens[name] = answer.headers["X-Subject-Token"]
        return answer

    async def get(self, path: str, *, cloud: str = DEMO, **options: Any) -> Any:
        """The JSON of a GET that must be met."""
        answer = await self("GET", path, cloud=cloud, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def position(self) -> int:
        """How many events the log has."""
        return await last_position(self.running.plane.client)

    async def image_id(self) -> str:
        return str((await self.get("/image/v2/images?name=tiny"))["images"][0]["id"])

    async def network_id(self) -> str:
        return str((await self.get("/network/v2.0/networks?name=private"))["networks"][0]["id"])

    async def server_body(self, **fields: Any) -> dict[str, Any]:
        """A body of POST /servers that is right."""
        body = {"name": "vm", "flavorRef": "1", "imageRef": await self.image_id(), "networks": "auto", **fields}
        return {"server": body}

    async def create(self, *, cloud: str = DEMO, **fields: Any) -> str:
        """A new server's id."""
        answer = await self("POST", "/v2.1/servers", cloud=cloud, json=await self.server_body(**fields))
        assert answer.status_code == 202, answer.text
        return str(answer.json()["server"]["id"])

    async def add_host(self, name: str = "host-1") -> None:
        saved = await self.running.plane.repository.create(register(name, INVENTORY, at=self.clock()), CONDUCTOR)
        assert await self.applied.wait(saved.position)

    async def schedule(self, server_id: str, host: str = "host-1") -> None:
        """What the scheduler does."""
        repository, at = self.running.plane.repository, self.clock()
        network_id, port = await self.network_id(), port_id(server_id, 0)
        network = await repository.execute(
            Network, network_id, lambda it: require_given(allocate(it, [Wanted(port, server_id)], at=at)), SCHEDULER
        )
        nics = [nic_of(network.aggregate, port)]
        await self.decide(server_id, lambda it: scheduled(it, host=host, nics=nics, explanation={}, at=at), SCHEDULER)

    async def settle(self, server_id: str) -> None:
        """What the host's agent does: whatever is wanted."""

        def seen(instance: Instance) -> None:
            exists = instance.want is not Want.ABSENT
            power = PowerState.RUNNING if instance.want is Want.RUNNING else PowerState.SHUTDOWN
            report = Observation(instance.id, instance.generation, exists, power if exists else PowerState.NOSTATE)
            observe(instance, report, at=self.clock())

        await self.decide(server_id, seen)

    async def decide(self, server_id: str, decide: Any, author: Author = CONDUCTOR) -> int:
        saved = await self.running.plane.repository.execute(Instance, server_id, decide, author)
        assert await self.applied.wait(saved.position)
        return saved.position

    async def active(self, **fields: Any) -> str:
        """The id of a server that runs."""
        server_id = await self.create(**fields)
        await self.schedule(server_id)
        await self.settle(server_id)
        return server_id

    async def act(self, server_id: str, body: Any, **options: Any) -> httpx.Response:
        return await self("POST", f"/v2.1/servers/{server_id}/action", json=body, **options)


def require_given(refused: object) -> None:
    """That nothing was refused."""
    assert not refused


def password_auth(user: str, password: str, project: str | None) -> dict[str, Any]:
    """The body of POST /v3/auth/tokens."""
    domain = {"id": "default"}
    auth: dict[str, Any] = {
        "identity": {
            "methods": ["password"],
            "password": {"user": {"name": user, "domain": domain, "password": password}},
        }
    }
    if project is not None:
        auth["scope"] = {"project": {"name": project, "domain": domain}}
    return {"auth": auth}


@pytest.fixture
async def api(region: Running, settings: Region) -> AsyncIterator[Api]:
    made = Api(region, settings)
    await made.applied.start()
    await made.dependencies.endings.start()
    assert await made.applied.wait(await made.position())
    async with made.http:
        await made.log_in(DEMO)
        await made.log_in(ADMIN)
        yield made
