"""Reports: what agents say, checked, and turned into facts.

A report counts only for what its host has a part in: the bus lets a host publish below its own name alone, and here that is
compared with the instance's hosts. A broken-into host can lie about its own instances, and about nothing else.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from domain.errors import Conflict, DomainError
from domain.host.host import Host, change_inventory, register
from domain.instance.instance import Instance
from domain.instance.observation import Observation, observe
from journal.authority import Source
from journal.bus import Bus
from journal.envelope import Author
from journal.errors import AggregateNotFound, AppendConflict, LogUnavailable
from journal.pull import Pull
from journal.repository import Repository
from journal.streams import REPORTS_CONSUMER, prepare_host

log = logging.getLogger(__name__)

BATCH = 256


class Reports:
    """Works the REPORTS stream. Several conductors may share it."""

    def __init__(self, client: Bus, repository: Repository, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._repository = repository
        self._clock = clock
        self._queues: dict[str, asyncio.Queue[Msg]] = {}

    async def run(self) -> None:
        """Take reports for ever; those of one instance in the order they came, those of different ones at once."""
        await Pull(self._client, "REPORTS", REPORTS_CONSUMER, batch=BATCH).run(self._enqueue)

    async def _enqueue(self, message: Msg) -> None:
        key = message.subject
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = asyncio.Queue()
            asyncio.create_task(self._work(key, queue), name=f"report {key}").add_done_callback(_noticed)
        queue.put_nowait(message)

    async def _work(self, key: str, queue: asyncio.Queue[Msg]) -> None:
        while not queue.empty():
            message = queue.get_nowait()
            try:
                await self._take(message)
                await message.ack()
            except (LogUnavailable, AppendConflict, NatsError) as error:
                log.warning("the report %s stays unanswered for now: %r", key, error)  # the server brings it again
            except Exception:
                log.exception("the report %s cannot be taken and is dropped", key)
                await message.ack()
        del self._queues[key]

    async def _take(self, message: Msg) -> None:
        _, host, kind, subject_id = message.subject.split(".", 3)
        author = Author(actor=f"host:{host}", source=Source.CONDUCTOR, causation_id=message.reply)
        try:
            document = orjson.loads(message.data)
            await TAKES[kind](self, host, subject_id, document, author)
        except (KeyError, TypeError, ValueError, DomainError) as error:
            log.warning("host %s sent a report that makes no sense (%s): %r", host, message.subject, error)

    async def _state(self, host: str, instance_id: str, document: Mapping[str, Any], author: Author) -> None:
        seen = Observation.from_document(document)
        if seen.instance_id != instance_id:
            raise ValueError("the report is about another instance than its subject")
        author = Author(author.actor, author.source, causation_id=f"report:{host}/{instance_id}/{seen.generation}")

        def decide(instance: Instance) -> None:
            if host not in instance.hosts and not instance.is_deleted:
                raise Conflict(f"it lives on {instance.host}")
            observe(instance, seen, host=host, at=self._clock())

        try:
            await self._repository.execute(Instance, instance_id, decide, author)
        except (AggregateNotFound, Conflict) as error:
            log.warning("host %s reported instance %s: %s", host, instance_id, error)

    async def _inventory(self, host: str, subject_id: str, document: Mapping[str, Any], author: Author) -> None:
        if subject_id != host:
            raise ValueError("a host reports its own inventory only")
        inventory = dict(document)
        author = Author(author.actor, author.source, causation_id=f"report:{host}/inventory")
        try:
            await self._repository.execute(
                Host, host, lambda it: change_inventory(it, inventory, at=self._clock()), author
            )
        except AggregateNotFound:
            await self._repository.create(register(host, inventory, at=self._clock()), author)
        await prepare_host(self._client, host)


TAKES: Mapping[str, Callable[[Reports, str, str, Mapping[str, Any], Author], Any]] = {
    "state": Reports._state,  # noqa: SLF001 -- the table of this class's own methods
    "inventory": Reports._inventory,  # noqa: SLF001
}
"""What is done with each kind of report."""


def _noticed(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("a report's worker ended: %r", error)
