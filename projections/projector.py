"""The projector: follows the log and writes the read model. Rows and position in one transaction, so each event counts once."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Engine, insert, update
from sqlalchemy.exc import SQLAlchemyError

from journal.bus import Bus
from journal.envelope import Recorded
from journal.errors import LogUnavailable
from journal.follower import Follower
from journal.repository import Repository
from projections.catalogue import flavor_access_rows, flavor_row, image_row, keypair_row
from projections.endings import ending_rows
from projections.fold import Folded, Folder
from projections.groups import host_aggregate_rows, server_group_row
from projections.hosts import claim_rows, host_row
from projections.identity import credential_row, project_row, user_rows
from projections.instance_actions import action_rows
from projections.instances import instance_host_rows, instance_row, tag_rows
from projections.layout import make_tables
from projections.networks import network_row, port_rows, security_group_rows, subnet_row
from projections.quotas import quota_class_row, quota_row, reservation_rows
from projections.read_model import CHECKPOINT, POSITION_SUBJECT, position_of
from projections.tables import checkpoints
from projections.writes import Writes

log = logging.getLogger(__name__)

T = TypeVar("T")

RowWriter = Callable[[Folded, Recorded, Writes], None]

WRITERS: Mapping[str, tuple[RowWriter, ...]] = {
    "credential": (credential_row, ending_rows),
    "flavor": (flavor_row, flavor_access_rows),
    "host": (host_row, claim_rows),
    "image": (image_row,),
    "instance": (instance_row, instance_host_rows, tag_rows, action_rows),
    "keypair": (keypair_row,),
    "name": (),  # what has it says so itself
    "network": (network_row, subnet_row, port_rows),
    "securitygroup": (security_group_rows,),
    "project": (project_row, quota_row, reservation_rows, ending_rows),
    "quotaclass": (quota_class_row,),
    "servergroup": (server_group_row,),
    "hostaggregate": (host_aggregate_rows,),
    "token": (ending_rows,),
    "user": (user_rows, ending_rows),
}
"""Which functions write what follows from an event of an aggregate."""


def write_rows(folded: Folded, recorded: Recorded, writes: Writes) -> None:
    """Write what follows from one event."""
    for write in WRITERS[recorded.kind]:
        write(folded, recorded, writes)


class Projector:
    """Keeps one read model up to date. One runs at a time; a second one notices by the checkpoint and starts over."""

    def __init__(self, client: Bus, engine: Engine) -> None:
        self._client = client
        self._engine = engine
        self._writes = Writes()
        self._folder = Folder(Repository(client, cache_size=0), self._step)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="projector")

    async def run(self) -> None:
        """Follow the log for ever."""
        await self._call(make_tables, self._engine)
        while True:
            position = await self._call(self._position)
            await self._announce(position)
            follower = Follower(self._client, after=position, batch=1000)
            try:
                async for batch in follower.batches():
                    await self._apply(batch, position)
                    position = batch[-1].position
                    await self._announce(position)
            except (SQLAlchemyError, LogUnavailable, Overtaken) as error:
                log.warning("the read model stays at %d for now: %s", position, error)
                self._folder.forget()
                await asyncio.sleep(0.5)

    async def _apply(self, batch: list[Recorded], before: int) -> None:
        self._writes = Writes()
        for recorded in batch:
            await self._folder.advance(recorded)
        await self._call(self._commit, self._writes, before, batch[-1].position)

    def _step(self, folded: Folded, recorded: Recorded) -> None:
        write_rows(folded, recorded, self._writes)

    def _commit(self, writes: Writes, before: int, after: int) -> None:
        with self._engine.begin() as connection:
            writes.execute(connection)
            if before == 0 and position_of(connection) == 0:
                connection.execute(insert(checkpoints).values(name=CHECKPOINT, position=after))
                return
            moved = connection.execute(
                update(checkpoints)
                .where(checkpoints.c.name == CHECKPOINT, checkpoints.c.position == before)
                .values(position=after)
            )
            if moved.rowcount != 1:
                raise Overtaken(f"another projector has moved the checkpoint from {before}")

    def _position(self) -> int:
        with self._engine.connect() as connection:
            return position_of(connection)

    async def _announce(self, position: int) -> None:
        await self._client.publish(POSITION_SUBJECT, str(position).encode())

    async def _call(self, function: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)


class Overtaken(Exception):
    """Another projector writes to the same read model."""
