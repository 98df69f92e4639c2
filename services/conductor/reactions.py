"""Reactions: the second half of what spans two aggregates. Each answers an event, and can be repeated."""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime

from nats.aio.client import Client

from domain.host.claims import release
from domain.host.host import Host
from domain.instance.build import BuildFailed
from domain.instance.deletion import DeletionRequested, InstanceDeleted, finish_unplaced_deletion
from domain.instance.instance import Instance
from domain.network import Network, release_addresses
from journal.envelope import Author, Recorded
from journal.errors import AggregateNotFound, AppendConflict, LogUnavailable
from journal.follower import Follower
from journal.positions import Positions
from journal.repository import Repository
from journal.secrets import Secrets

log = logging.getLogger(__name__)

NAME = "conductor"
AUTHOR = Author(actor="service:conductor", source="chronova/conductor")
SAVE_EVERY = 1.0  # seconds
ANSWERED = (DeletionRequested, InstanceDeleted, BuildFailed)
SECRETS_OF_AN_INSTANCE = ("user_data", "admin_password")


class Reactions:
    """Follows the log and finishes what an event begins elsewhere."""

    def __init__(self, client: Client, repository: Repository, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._repository = repository
        self._clock = clock
        self._secrets = Secrets(client)
        self._positions = Positions(client)

    async def run(self) -> None:
        """Follow the log for ever."""
        position = await self._positions.get(NAME)
        saved_at = time.monotonic()
        async for batch in Follower(self._client, after=position).batches():
            await asyncio.gather(*(self._react(recorded) for recorded in batch if isinstance(recorded.event, ANSWERED)))
            if time.monotonic() - saved_at >= SAVE_EVERY and await self._positions.put(NAME, batch[-1].position):
                saved_at = time.monotonic()

    async def _react(self, recorded: Recorded) -> None:
        """Answer one event, until it is answered: the position may not pass an event that was not."""
        pause = 0.1
        while True:
            try:
                await self._answer(recorded)
            except (LogUnavailable, AppendConflict) as error:
                log.warning("answering event %d again: %s", recorded.position, error)
            else:
                return
            await asyncio.sleep(pause)
            pause = min(5.0, pause * 2)

    async def _answer(self, recorded: Recorded) -> None:
        event, author = recorded.event, AUTHOR.because_of(recorded)
        if isinstance(event, DeletionRequested):
            await self._repository.execute(
                Instance,
                recorded.aggregate_id,
                lambda instance: finish_unplaced_deletion(instance, at=self._clock()),
                author,
            )
        elif isinstance(event, InstanceDeleted | BuildFailed):
            await self._give_back(recorded, author)
        if isinstance(event, InstanceDeleted):
            for what in SECRETS_OF_AN_INSTANCE:
                await self._secrets.forget(f"instance.{recorded.aggregate_id}.{what}")

    async def _give_back(self, recorded: Recorded, author: Author) -> None:
        instance_id = recorded.aggregate_id
        instance = (await self._repository.load(Instance, instance_id)).aggregate
        host = recorded.event.host if isinstance(recorded.event, BuildFailed) else instance.host
        if host is not None:
            await self._repository.execute(Host, host, lambda it: release(it, instance_id, at=self._clock()), author)
        for network_id in {wanted["network_id"] for wanted in instance.networks}:
            try:
                await self._repository.execute(
                    Network, network_id, lambda net: release_addresses(net, instance_id, at=self._clock()), author
                )
            except AggregateNotFound:
                continue
