"""Heartbeats: who is alive, and whether each host's agent knows what it should (anti-entropy)."""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import orjson
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from sqlalchemy import Connection, select

from domain.host.host import Host
from domain.host.service import came_up, went_down
from domain.instance.digest import digest_of
from domain.instance.instance import Instance
from journal.bus import Bus
from journal.errors import AggregateNotFound, AppendConflict, LogUnavailable
from journal.repository import Repository
from projections.desired import DesiredStates
from projections.read_model import ReadModel
from projections.tables import hosts, instance_hosts, instances
from services.conductor.author import AUTHOR

log = logging.getLogger(__name__)

AWAITED_FOR = timedelta(seconds=5)
MOST_WANTED = 500  # instances that one heartbeat may ask to be told of again


class Heartbeats:
    """Answers `hb.<host>`, and records hosts that fall silent or are heard from again."""

    def __init__(
        self,
        client: Bus,
        repository: Repository,
        reads: ReadModel,
        states: DesiredStates,
        clock: Callable[[], datetime],
        *,
        down_after: float = 10.0,
    ) -> None:
        self._client = client
        self._repository = repository
        self._reads = reads
        self._states = states
        self._clock = clock
        self._down_after = down_after
        self._heard: dict[str, float] = {}
        self._began = time.monotonic()

    async def run(self) -> None:
        """Answer and watch for ever."""
        await self._client.subscribe("hb.*", queue="conductor", cb=self._beat)
        while True:
            await asyncio.sleep(1.0)
            try:
                await self._watch()
            except (LogUnavailable, AppendConflict) as error:
                log.warning("hosts cannot be watched for now: %s", error)

    async def _watch(self) -> None:
        now = time.monotonic()
        for name in await self._reads.query(_up_hosts):
            # A conductor that has just begun gives every host the whole time to be heard.
            if now - self._heard.get(name, self._began) > self._down_after:
                log.warning("host %s is not heard from", name)
                await self._repository.execute(Host, name, lambda host: went_down(host, at=self._clock()), AUTHOR)

    async def _beat(self, message: Msg) -> None:
        host = message.subject.split(".", 1)[1]
        self._heard[host] = time.monotonic()
        try:
            answer = await self._answer(host, message.data)
            await message.respond(orjson.dumps(answer))
        except (KeyError, TypeError, ValueError) as error:
            log.warning("host %s sent a heartbeat that makes no sense: %r", host, error)
        except (LogUnavailable, AppendConflict, NatsError) as error:
            log.warning("the heartbeat of %s stays unanswered: %r", host, error)

    async def _answer(self, host: str, body: bytes) -> dict[str, object]:
        beat = orjson.loads(body)
        try:
            state = (await self._repository.load(Host, host)).aggregate
        except AggregateNotFound:
            return {"registered": False, "waiting": []}
        if not state.up:
            await self._repository.execute(Host, host, lambda it: came_up(it, at=self._clock()), AUTHOR)
        wanted = [str(instance_id) for instance_id in beat["missing"][:MOST_WANTED]]
        if wanted:
            try:
                await self._send_again(host, wanted)
            except LogUnavailable as error:
                log.warning("host %s must ask again for what it misses: %s", host, error)
        known, waiting = await self._reads.query(lambda connection: _held(connection, host, self._clock()))
        if digest_of(known) == beat["digest"]:
            return {"registered": True, "waiting": waiting}
        return {"registered": True, "waiting": waiting, "instances": known}

    async def _send_again(self, host: str, wanted: list[str]) -> None:
        for instance_id in wanted:
            try:
                # Other processes may have appended since: what is sent replaces what is under way.
                instance = (await self._repository.load(Instance, instance_id, fresh=True)).aggregate
            except AggregateNotFound:
                continue
            # Its desired state holds the instance's secrets: only hosts that have a part in it are told.
            if host in instance.hosts and not instance.is_deleted:
                await self._states.send_to(host, instance)


def _up_hosts(connection: Connection) -> list[str]:
    return list(connection.execute(select(hosts.c.name).where(hosts.c.up)).scalars())


def _held(connection: Connection, host: str, now: datetime) -> tuple[dict[str, int], list[str]]:
    """What the host should hold (instance → generation), and of which of these a report has been awaited for long."""
    rows = connection.execute(
        select(instances.c.id, instances.c.generation, instances.c.task_state, instances.c.updated_at)
        .join(instance_hosts, instance_hosts.c.instance_id == instances.c.id)
        .where(instance_hosts.c.host == host, ~instances.c.deleted)
    ).all()
    awaited = [row.id for row in rows if row.task_state is not None and now - row.updated_at > AWAITED_FOR]
    return {row.id: row.generation for row in rows}, awaited
