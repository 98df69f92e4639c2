"""The scheduler's service: follows the log, and decides for every request that is still open."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from domain.host.host import Host
from domain.hostaggregate import HostAggregate
from domain.instance.evacuation import EvacuationRequested
from domain.instance.live_migration import LiveMigrationRequested
from domain.instance.request import InstanceRequested
from domain.instance.resize import MigrationRequested, ResizeRequested
from domain.instance.shelve import UnshelveRequested
from journal.authority import Source
from journal.bus import Bus
from journal.envelope import Author, Recorded
from journal.errors import AppendConflict, LogUnavailable
from journal.follower import Follower
from journal.positions import Positions
from journal.repository import Repository
from journal.streams import last_position, subjects
from services.scheduler.destination import Destinations
from services.scheduler.hosts import KnownHosts
from services.scheduler.place import Placement

log = logging.getLogger(__name__)

NAME = "scheduler"
PLACED = (
    InstanceRequested,
    ResizeRequested,
    MigrationRequested,
    LiveMigrationRequested,
    EvacuationRequested,
    UnshelveRequested,
)
"""What a host is chosen for."""
AUTHOR = Author(actor="service:scheduler", source=Source.SCHEDULER)
SAVE_EVERY = 1.0  # seconds
TOGETHER = 64  # instances that are placed at the same time
PAUSE_FIRST, PAUSE_MOST = 0.1, 5.0  # seconds before it is tried again


class Scheduler:
    """One scheduler. Its position never passes a request that it has not decided, so a crash loses none."""

    def __init__(self, client: Bus, repository: Repository, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._repository = repository
        self._hosts = KnownHosts(repository)
        self._placement = Placement(repository, self._hosts, clock)
        self._destinations = Destinations(repository, self._hosts, clock)
        self._positions = Positions(client)
        self._waiting: dict[int, Recorded] = {}  # requests that are not decided, by position
        self._woken = asyncio.Event()
        self._followed = 0

    async def run(self) -> None:
        """Follow the log and place, for ever."""
        self._followed = await self._positions.get(NAME)
        await self._learn_all_hosts()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow(), name="follow")
            group.create_task(self._place(), name="place")
            group.create_task(self._save_position(), name="save position")

    async def _learn_all_hosts(self) -> None:
        """Hosts that registered before the position we go on from."""
        if await last_position(self._client) == 0:
            return
        for subject in await subjects(self._client, "EVENTS", f"evt.{Host.KIND}.>"):
            saved = await self._repository.load(Host, subject.split(".", 2)[2], fresh=True)
            self._hosts.learn(saved.aggregate)
        for subject in await subjects(self._client, "EVENTS", f"evt.{HostAggregate.KIND}.>"):
            known = await self._repository.load(HostAggregate, subject.split(".", 2)[2], fresh=True)
            self._hosts.learn_aggregate(known.aggregate)

    async def _follow(self) -> None:
        async for batch in Follower(self._client, after=self._followed).batches():
            for recorded in batch:
                if recorded.kind in (Host.KIND, HostAggregate.KIND):
                    await self._learn(recorded)
                elif isinstance(recorded.event, PLACED):
                    self._waiting[recorded.position] = recorded
                    self._woken.set()
                self._followed = recorded.position

    async def _learn(self, recorded: Recorded) -> None:
        """Take over what an event of a host, or of hosts, says, as soon as the log can be read."""
        while True:
            try:
                await self._hosts.follow(recorded)
            except LogUnavailable as error:
                log.warning("learning of %s %s again: %s", recorded.kind, recorded.aggregate_id, error)
                await asyncio.sleep(PAUSE_FIRST)
            else:
                return

    async def _place(self) -> None:
        """Place whatever waits, together; while that is being done, more comes to wait."""
        pause = PAUSE_FIRST
        while True:
            await self._woken.wait()
            together = list(self._waiting.values())[:TOGETHER]
            try:
                await self._place_together(together)
            except (LogUnavailable, AppendConflict) as error:
                log.warning("placing %d instances again: %s", len(together), error)
                await asyncio.sleep(pause)
                pause = min(PAUSE_MOST, pause * 2)
                continue
            pause = PAUSE_FIRST
            for recorded in together:
                del self._waiting[recorded.position]
            if not self._waiting:
                self._woken.clear()

    async def _place_together(self, requests: Sequence[Recorded]) -> None:
        new = [request for request in requests if isinstance(request.event, InstanceRequested)]
        try:
            for request in requests:
                if request not in new:
                    await self._destinations.choose(request.aggregate_id, AUTHOR.because_of(request))
            if new:
                await self._placement.place([(request, AUTHOR.because_of(request)) for request in new])
        except (LogUnavailable, AppendConflict):
            raise
        except Exception:
            # One request that cannot be placed for a reason nobody thought of must not keep the others waiting.
            if len(requests) == 1:
                log.exception("placing %s failed; it is left as it is", requests[0].aggregate_id)
                return
            for request in requests:
                await self._place_together([request])

    async def _save_position(self) -> None:
        saved = self._followed
        while True:
            await asyncio.sleep(SAVE_EVERY)
            decided = min(self._waiting, default=self._followed + 1) - 1
            if decided != saved and await self._positions.put(NAME, decided):
                saved = decided
