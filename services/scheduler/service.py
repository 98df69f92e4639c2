"""The scheduler's service: follows the log, and decides for every request that is still open."""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime

from nats.aio.client import Client

from domain.host.host import Host
from domain.instance.request import InstanceRequested
from journal.envelope import Author, Recorded
from journal.errors import AppendConflict, LogUnavailable
from journal.follower import Follower
from journal.positions import Positions
from journal.repository import Repository
from journal.streams import last_position, subjects
from services.scheduler.hosts import KnownHosts
from services.scheduler.place import Placement

log = logging.getLogger(__name__)

NAME = "scheduler"
AUTHOR = Author(actor="service:scheduler", source="chronova/scheduler")
SAVE_EVERY = 1.0  # seconds
AT_ONCE = 32  # instances that are being placed at the same time


class Scheduler:
    """One scheduler. Its position never passes a request that it has not decided, so a crash loses none."""

    def __init__(self, client: Client, repository: Repository, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._repository = repository
        self._hosts = KnownHosts(repository)
        self._placement = Placement(repository, self._hosts, clock)
        self._positions = Positions(client)
        self._places = asyncio.Semaphore(AT_ONCE)
        self._under_way: dict[int, asyncio.Task[None]] = {}  # by the position of the request

    async def run(self) -> None:
        """Follow the log for ever."""
        position = await self._positions.get(NAME)
        await self._learn_all_hosts()
        follower = Follower(self._client, after=position)
        saved_at = time.monotonic()
        try:
            async for batch in follower.batches():
                for recorded in batch:
                    await self._follow(recorded)
                position = batch[-1].position
                if time.monotonic() - saved_at >= SAVE_EVERY:
                    decided = min(self._under_way, default=position + 1) - 1
                    if await self._positions.put(NAME, decided):
                        saved_at = time.monotonic()
        finally:
            for task in self._under_way.values():
                task.cancel()

    async def _learn_all_hosts(self) -> None:
        """Hosts that registered before the position we go on from."""
        if await last_position(self._client) == 0:
            return
        for subject in await subjects(self._client, "EVENTS", f"evt.{Host.KIND}.>"):
            saved = await self._repository.load(Host, subject.split(".", 2)[2], fresh=True)
            self._hosts.learn(saved.aggregate)

    async def _follow(self, recorded: Recorded) -> None:
        if recorded.kind == Host.KIND:
            await self._hosts.follow(recorded)
        elif isinstance(recorded.event, InstanceRequested):
            await self._places.acquire()
            task = asyncio.create_task(self._place(recorded), name=f"place {recorded.aggregate_id}")
            self._under_way[recorded.position] = task

    async def _place(self, recorded: Recorded) -> None:
        pause = 0.1
        try:
            while True:
                try:
                    await self._placement.place(recorded.aggregate_id, AUTHOR.because_of(recorded))
                except (LogUnavailable, AppendConflict) as error:
                    log.warning("placing %s again: %s", recorded.aggregate_id, error)
                except Exception:
                    # One request that cannot be placed for a reason nobody thought of must not keep the others waiting.
                    log.exception("placing %s failed", recorded.aggregate_id)
                else:
                    return
                await asyncio.sleep(pause)
                pause = min(10.0, pause * 2)
        finally:
            self._under_way.pop(recorded.position, None)
            self._places.release()
