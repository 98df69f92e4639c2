"""Upkeep of the streams that lie in memory: a server that was killed comes back without them, and so they are made anew."""

import asyncio
import logging

from sqlalchemy import select

from journal.bus import Bus
from journal.errors import JournalError, LogUnavailable
from journal.streams import missing_streams, prepare, prepare_host
from projections.read_model import ReadModel
from projections.tables import hosts

log = logging.getLogger(__name__)

EVERY = 1.0  # seconds


class Upkeep:
    """Looks whether all streams are there. What was in them is brought again by heartbeats."""

    def __init__(self, client: Bus, reads: ReadModel, *, replicas: int) -> None:
        self._client = client
        self._reads = reads
        self._replicas = replicas

    async def run(self) -> None:
        """Look now and then, for ever."""
        while True:
            try:
                await self.look()
            except LogUnavailable as error:
                log.debug("the streams cannot be looked at: %s", error)
            except JournalError as error:
                log.warning("the streams cannot be made: %s", error)
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Look once, and make what is missing. Raises JournalError, LogUnavailable."""
        missing = await missing_streams(self._client)
        if not missing:
            return
        log.warning("made anew after a restart of the log's server: %s", ", ".join(missing))
        await prepare(self._client, replicas=self._replicas)
        names = await self._reads.query(lambda connection: connection.execute(select(hosts.c.name)).scalars().all())
        for name in names:
            await prepare_host(self._client, name)
