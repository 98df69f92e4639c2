"""Upkeep of the streams that lie in memory: what servers have lost that were killed is made anew."""

import asyncio
import logging
import time

from sqlalchemy import select

from journal.bus import Bus
from journal.copies import Copies, copies
from journal.errors import JournalError, LogUnavailable
from journal.streams import IN_MEMORY, add_copies, missing_streams, prepare, prepare_conductor, prepare_host, remake
from projections.read_model import ReadModel
from projections.tables import hosts

log = logging.getLogger(__name__)

EVERY = 1.0  # seconds
LOST_AFTER = 20.0  # seconds without a leader: choosing one takes ten at most


class Upkeep:
    """Looks whether all streams are there. What was in them is brought again by heartbeats."""

    def __init__(self, client: Bus, reads: ReadModel, *, replicas: int, lost_after: float = LOST_AFTER) -> None:
        self._client = client
        self._reads = reads
        self._replicas = replicas
        self._lost_after = lost_after
        self._leaderless: dict[str, float] = {}  # stream → since when it has no leader

    async def run(self) -> None:
        """Look now and then, for ever."""
        while True:
            try:
                await self.look()
            except LogUnavailable as error:
                self._leaderless.clear()  # the whole cluster has no leader: one stream after the other will have one again
                log.debug("the streams cannot be looked at: %s", error)
            except JournalError as error:
                log.warning("the streams cannot be made: %s", error)
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Look once, and make what is missing. Raises JournalError, LogUnavailable."""
        if missing := await missing_streams(self._client):
            log.warning("made anew after a restart of the log's server: %s", ", ".join(missing))
            await prepare(self._client, replicas=self._replicas)
            await self._prepare_hosts()
        elif self._replicas > 1:
            await self._look_at_copies()

    async def _look_at_copies(self) -> None:
        """On a cluster: make anew what will never have a leader again, and have it kept by nodes that are back."""
        in_memory = await copies(self._client, IN_MEMORY)
        if lost := self._lost(in_memory):
            for stream in lost:
                log.warning("%s was lost with the nodes that kept it, and is made anew", stream)
                await remake(self._client, stream, replicas=self._replicas)
            await prepare_conductor(self._client)
            await self._prepare_hosts()
            return
        for each in in_memory:
            if each.leader is not None and len(each.lag) + 1 < self._replicas:
                await add_copies(self._client, each.stream, replicas=self._replicas)

    def _lost(self, in_memory: list[Copies]) -> list[str]:
        now = time.monotonic()
        without = [each.stream for each in in_memory if each.leader is None]
        self._leaderless = {stream: self._leaderless.get(stream, now) for stream in without}
        return [stream for stream, since in self._leaderless.items() if now - since > self._lost_after]

    async def _prepare_hosts(self) -> None:
        names = await self._reads.query(lambda connection: connection.execute(select(hosts.c.name)).scalars().all())
        for name in names:
            await prepare_host(self._client, name)
