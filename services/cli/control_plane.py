"""The control plane's services with their real surroundings: the one place where they are put together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
import uvicorn
from nats.errors import Error as NatsError
from sqlalchemy import Engine

from journal.bus import Bus
from journal.connection import connect, disconnect
from journal.repository import Repository
from journal.secrets import Secrets
from journal.streams import prepare, prepare_host
from projections.desired import DesiredStateProjection, DesiredStates
from projections.projector import Projector
from projections.read_model import ReadModel, open_or_rebuild
from services.api.commands import AppliedPosition, Commands
from services.api.dependencies import Dependencies
from services.api.endings import Endings
from services.api.keystone import Keystone, introducer
from services.cli.ports import listening
from services.cli.region import Region, RegionError
from services.cli.seed import Seed
from services.conductor.service import Conductor
from services.scheduler.service import Scheduler


def clock() -> datetime:
    """The time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """What the control plane's services share when they run in one process."""

    region: Region
    client: Bus
    repository: Repository
    engine: Engine
    reads: ReadModel

    @classmethod
    @asynccontextmanager
    async def open(cls, region: Region, name: str) -> AsyncIterator["ControlPlane"]:
        """Connect. Raises LogUnavailable."""
        client = await connect(region.log.urls, region.log.control_seed, name=name)
        engine = open_or_rebuild(region.read_model)
        reads = ReadModel(engine)
        try:
            yield cls(region, client, Repository(client), engine, reads)
        finally:
            await disconnect(client)
            reads.close()

    def desired_states(self) -> DesiredStates:
        """What makes desired states of this region's instances."""
        return DesiredStates(self.client, image_base=self.region.api_url, url_key=self.region.key("image-urls"))

    async def projector(self) -> None:
        """The read model and the desired states."""
        async with asyncio.TaskGroup() as group:
            group.create_task(Projector(self.client, self.engine).run(), name="read model")
            group.create_task(DesiredStateProjection(self.client, self.desired_states()).run(), name="desired states")

    async def scheduler(self) -> None:
        """One scheduler."""
        await Scheduler(self.client, self.repository, clock).run()

    async def conductor(self) -> None:
        """One conductor."""
        states, replicas = self.desired_states(), self.region.log.replicas
        await Conductor(self.client, self.repository, self.reads, states, clock, replicas=replicas).run()

    async def api(self) -> None:
        """The API, until it is cancelled: then it finishes what it has begun to answer."""
        # The other services start faster without these.
        from services.api.app import create_app  # noqa: PLC0415
        from services.api.image.sweep import sweep  # noqa: PLC0415

        applied = AppliedPosition(self.client, self.reads)
        await applied.start()
        endings = Endings(self.client, self.reads, clock)
        await endings.start()
        await sweep(self.region.images, self.repository)
        commands = Commands(self.repository, applied, endings)
        app = create_app(
            Dependencies(
                commands=commands,
                applied=applied,
                reads=self.reads,
                secrets=Secrets(self.client),
                clock=clock,
                new_id=lambda: str(uuid4()),
                console_output=self._console_output,
                diagnostics=self.diagnostics,
                image_store=self.region.images,
                public_url=self.region.api_url,
                token_key=self.region.key("tokens"),
                url_key=self.region.key("image-urls"),
                endings=endings,
                token_lifetime=self.region.token_lifetime,
                keystone=await asyncio.to_thread(self._keystone, commands),
                keystone_url=self.region.keystone_url,
            )
        )
        config = uvicorn.Config(
            app,
            host="127.0.0.1",
            port=self.region.api_port,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_graceful_shutdown=5,
        )
        await serve(config)

    def _keystone(self, commands: Commands) -> Keystone | None:
        """The Keystone that knows users and tokens; None where identity is ours. Raises OSError."""
        if not self.region.keystone_url:
            return None
        login = orjson.loads(self.region.keystone_login.read_bytes())
        http = httpx.AsyncClient(base_url=self.region.keystone_url, timeout=10)
        return Keystone(http, login, clock, introducer(commands, clock))

    async def _console_output(self, host: str, instance_id: str, lines: int | None) -> str:
        return str(await self._ask(host, "console", "output", instance_id=instance_id, lines=lines))

    async def diagnostics(self, host: str, instance_id: str) -> Mapping[str, Any]:
        """A guest's figures, from its host. Raises TimeoutError."""
        figures: Mapping[str, Any] = await self._ask(host, "diagnostics", "diagnostics", instance_id=instance_id)
        return figures

    async def _ask(self, host: str, question: str, answer: str, **about: Any) -> Any:
        """A host's answer to a question. Raises TimeoutError when it has none."""
        try:
            message = await self.client.request(f"ask.{host}.{question}", orjson.dumps(about), timeout=5)
        except NatsError as error:
            raise TimeoutError(f"Host {host} does not answer.") from error
        document = orjson.loads(message.data)
        if answer not in document:
            raise TimeoutError(document.get("error", "The host has no answer."))
        return document[answer]


class Server(uvicorn.Server):
    """A uvicorn server that leaves signals to whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


async def serve(config: uvicorn.Config) -> None:
    """Serve until cancelled. Raises RegionError when the port cannot be used, or the server ends by itself."""
    with listening(config.host, config.port) as socket:
        server = Server(config)
        serving = asyncio.create_task(server.serve(sockets=[socket]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            server.should_exit = True
            await serving
            raise
    raise RegionError("The API has ended by itself.")


async def prepare_region(region: Region, guest_image: Path | None) -> None:
    """Make the streams, and what a region has from its first start on. Raises JournalError, OSError."""
    client = await connect(region.log.urls, region.log.control_seed, name="first-start")
    try:
        await prepare(client, replicas=region.log.replicas)
        for host in region.hosts:
            await prepare_host(client, host)
        await Seed(region, client, Repository(client), guest_image).sow()
    finally:
        await disconnect(client)


async def run_control_plane(region: Region) -> None:
    """All services of the control plane in one process."""
    async with ControlPlane.open(region, "control-plane") as plane, asyncio.TaskGroup() as group:
        for service in (plane.projector, plane.scheduler, plane.conductor, plane.api):
            group.create_task(service(), name=service.__name__)


def one_service(name: str) -> Callable[[Region], Awaitable[None]]:
    """A single service of the control plane: api, scheduler, conductor or projector."""

    async def run(region: Region) -> None:
        async with ControlPlane.open(region, name) as plane:
            await getattr(plane, name)()

    return run
