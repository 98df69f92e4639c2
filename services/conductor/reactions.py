"""Reactions: the second half of what spans two aggregates. Each answers an event, and can be repeated."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import cast

from domain.errors import DomainError
from domain.host.claims import release
from domain.host.host import Host
from domain.identity.project import Project
from domain.image.image import Image, delete_image, discard_image
from domain.instance.build import BuildFailed
from domain.instance.deletion import DeletionRequested, InstanceDeleted, finish_unplaced_deletion
from domain.instance.instance import Instance
from domain.instance.interfaces import InterfaceAttachFailed, InterfaceDetached
from domain.instance.move import HostLeft, MoveFailed
from domain.instance.resize import ResizeConfirmed, ResizeReverted
from domain.instance.shelve import InstanceOffloaded, InstanceUnshelved
from domain.instance.snapshot import SnapshotFailed
from domain.network.addresses import release_addresses, release_ports
from domain.network.network import Network
from domain.project.usage import amounts_of, release_usage, settle_usage
from domain.servergroup import ServerGroup, leave, settle_member
from journal.bus import Bus
from journal.envelope import Author, Recorded
from journal.errors import AggregateNotFound, AppendConflict, LogUnavailable
from journal.follower import Follower
from journal.positions import Positions
from journal.repository import Repository
from journal.secrets import Secrets
from services.conductor.author import AUTHOR

log = logging.getLogger(__name__)

NAME = "conductor"
SAVE_EVERY = 1.0  # seconds
LEFT = (HostLeft, InstanceOffloaded)
RESIZED = (ResizeConfirmed, ResizeReverted, MoveFailed)
SETTLED = (InstanceDeleted, BuildFailed, InstanceOffloaded, *RESIZED)
UNPLUGGED = (InterfaceDetached, InterfaceAttachFailed)
ANSWERED = (DeletionRequested, SnapshotFailed, InstanceUnshelved, *LEFT, *SETTLED, *UNPLUGGED)


class Reactions:
    """Follows the log and finishes what an event begins elsewhere."""

    def __init__(self, client: Bus, repository: Repository, clock: Callable[[], datetime]) -> None:
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
            await self._until_answered([recorded for recorded in batch if isinstance(recorded.event, ANSWERED)])
            if time.monotonic() - saved_at >= SAVE_EVERY and await self._positions.put(NAME, batch[-1].position):
                saved_at = time.monotonic()

    async def _until_answered(self, batch: Sequence[Recorded]) -> None:
        """Answer events, until they are answered: the position may not pass one that was not."""
        pause = 0.1
        while batch:
            try:
                await self._answer(batch)
            except (LogUnavailable, AppendConflict) as error:
                log.warning("answering %d events again: %s", len(batch), error)
                await asyncio.sleep(pause)
                pause = min(5.0, pause * 2)
            else:
                return

    async def _answer(self, batch: Sequence[Recorded]) -> None:
        asked = [recorded for recorded in batch if isinstance(recorded.event, DeletionRequested)]
        over = [recorded for recorded in batch if isinstance(recorded.event, InstanceDeleted | BuildFailed)]
        gone = [recorded for recorded in over if isinstance(recorded.event, InstanceDeleted)]
        await asyncio.gather(
            *(self._finish_deletion(recorded) for recorded in asked),
            self._give_back(over),
            self._release_usage(gone),
            *(self._settle_in_group(recorded) for recorded in batch if isinstance(recorded.event, SETTLED)),
            *(self._settle_usage(recorded) for recorded in batch if isinstance(recorded.event, RESIZED)),
            *(self._unplugged(recorded) for recorded in batch if isinstance(recorded.event, UNPLUGGED)),
            *(self._secrets.forget_instance(recorded.aggregate_id) for recorded in gone),
            *(self._discard_image(recorded) for recorded in batch if isinstance(recorded.event, SnapshotFailed)),
            *(self._delete_image(recorded) for recorded in batch if isinstance(recorded.event, InstanceUnshelved)),
            *(self._release(recorded) for recorded in batch if isinstance(recorded.event, LEFT)),
        )

    async def _release(self, recorded: Recorded) -> None:
        """Give back what an instance held of one host that it has left."""
        event = recorded.event
        assert isinstance(event, LEFT)  # noqa: S101 -- for the type checker
        decide = partial(release, instance_ids=[recorded.aggregate_id], at=self._clock())
        await self._repository.execute(Host, event.host, decide, AUTHOR.because_of(recorded))

    async def _delete_image(self, recorded: Recorded) -> None:
        """The image of a shelved disk has done its service."""
        event = recorded.event
        assert isinstance(event, InstanceUnshelved)  # noqa: S101 -- for the type checker
        decide = partial(delete_image, at=self._clock())
        try:
            await self._repository.execute(Image, event.image_id, decide, AUTHOR.because_of(recorded))
        except (AggregateNotFound, DomainError) as error:
            log.warning("the image of the shelved instance %s is kept: %s", recorded.aggregate_id, error)

    async def _discard_image(self, recorded: Recorded) -> None:
        event = recorded.event
        assert isinstance(event, SnapshotFailed)  # noqa: S101 -- for the type checker
        decide = partial(discard_image, at=self._clock())
        try:
            await self._repository.execute(Image, event.image_id, decide, AUTHOR.because_of(recorded))
        except AggregateNotFound:
            log.warning("the image %s, which was to be made of an instance, is not known", event.image_id)

    async def _finish_deletion(self, recorded: Recorded) -> None:
        decide = partial(finish_unplaced_deletion, at=self._clock())
        await self._repository.execute(Instance, recorded.aggregate_id, decide, AUTHOR.because_of(recorded))

    async def _give_back(self, over: Sequence[Recorded]) -> None:
        """Give back what instances held: one append a host and one a network, however many they are."""
        by_host: dict[str, list[str]] = defaultdict(list)
        by_network: dict[str, list[str]] = defaultdict(list)
        for recorded in over:
            saved = await self._repository.load(Instance, recorded.aggregate_id, at_least=recorded.position)
            instance = saved.aggregate
            host = recorded.event.host if isinstance(recorded.event, BuildFailed) else instance.host
            if host is not None:
                by_host[host].append(instance.id)
            for network_id in {each["network_id"] for each in [*instance.networks, *instance.nics]}:
                by_network[network_id].append(instance.id)
        author = AUTHOR.because_of(over[0]) if len(over) == 1 else AUTHOR
        at = self._clock()
        await asyncio.gather(
            *(
                self._repository.execute(Host, host, partial(release, instance_ids=ids, at=at), author)
                for host, ids in by_host.items()
            ),
            *(self._release_addresses(network_id, ids, author) for network_id, ids in by_network.items()),
        )

    async def _settle_in_group(self, recorded: Recorded) -> None:
        """A member that is deleted leaves its group; any other is noted where it is now."""
        saved = await self._repository.load(Instance, recorded.aggregate_id, at_least=recorded.position)
        instance = saved.aggregate
        if instance.group is None:
            return

        def decide(group: ServerGroup) -> None:
            if instance.is_deleted:
                leave(group, [instance.id], at=self._clock())
            else:
                settle_member(group, instance.id, instance.host, at=self._clock())

        await self._repository.execute(ServerGroup, instance.group, decide, AUTHOR.because_of(recorded))

    async def _settle_usage(self, recorded: Recorded) -> None:
        """After a resize an instance takes what its flavor says, unless another one has begun."""
        instance = (await self._repository.load(Instance, recorded.aggregate_id, fresh=True)).aggregate
        if instance.is_deleted or instance.move is not None:
            return

        def decide(project: Project) -> None:
            settle_usage(project, instance.id, amounts_of(instance.flavor), at=self._clock())

        try:
            await self._repository.execute(Project, instance.project_id, decide, AUTHOR.because_of(recorded))
        except AggregateNotFound:
            log.debug("the project %s is not known", instance.project_id)

    async def _release_usage(self, gone: Sequence[Recorded]) -> None:
        """Give back the quota of instances that are deleted: one append a project, however many they are."""
        by_project: dict[str, list[str]] = defaultdict(list)
        for recorded in gone:
            saved = await self._repository.load(Instance, recorded.aggregate_id, at_least=recorded.position)
            by_project[saved.aggregate.project_id].append(recorded.aggregate_id)
        author = AUTHOR.because_of(gone[0]) if len(gone) == 1 else AUTHOR
        await asyncio.gather(
            *(self._release_usage_of(project_id, ids, author) for project_id, ids in by_project.items())
        )

    async def _release_usage_of(self, project_id: str, instance_ids: Sequence[str], author: Author) -> None:
        decide = partial(release_usage, holders=instance_ids, at=self._clock())
        try:
            await self._repository.execute(Project, project_id, decide, author)
        except AggregateNotFound:
            log.debug("the project %s is not known", project_id)

    async def _unplugged(self, recorded: Recorded) -> None:
        """Give back the address of a card that is gone."""
        event = cast("InterfaceDetached | InterfaceAttachFailed", recorded.event)
        decide = partial(release_ports, port_ids=[event.port_id], at=self._clock())
        try:
            await self._repository.execute(Network, event.network_id, decide, AUTHOR.because_of(recorded))
        except AggregateNotFound:
            log.debug("the network %s is not known", event.network_id)

    async def _release_addresses(self, network_id: str, instance_ids: Sequence[str], author: Author) -> None:
        decide = partial(release_addresses, instance_ids=instance_ids, at=self._clock())
        try:
            await self._repository.execute(Network, network_id, decide, author)
        except AggregateNotFound:
            log.debug("the network %s is not known", network_id)
