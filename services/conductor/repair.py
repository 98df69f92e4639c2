"""Repair: what a crash between two appends can leave behind is found in the read model, and undone by events."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import ColumnElement, Connection, Text, and_, cast, or_, select

from domain.host.claims import release
from domain.host.host import Host
from domain.identity.project import Project
from domain.instance.instance import Instance
from domain.instance.move import awaits_destination
from domain.instance.scheduling import awaits_scheduling
from domain.instance.state import Task
from domain.network.addresses import release_addresses, release_ports
from domain.network.network import Network
from domain.project.usage import amounts_of, note_usage, release_usage
from domain.servergroup import ServerGroup, leave
from journal.errors import AggregateNotFound, JournalError
from journal.repository import Repository
from journal.secrets import Secrets
from projections.read_model import ReadModel
from projections.tables import claims, instance_hosts, instances, ports, projects, reservations, server_groups
from services.conductor.author import AUTHOR

log = logging.getLogger(__name__)

EVERY = 30.0  # seconds
SETTLED_AFTER = timedelta(seconds=60)  # what is younger may still be under way


class Repair:
    """Gives back claims, addresses and quota that no instance holds, and forgets secrets of instances that never were."""

    def __init__(
        self, repository: Repository, reads: ReadModel, secrets: Secrets, clock: Callable[[], datetime]
    ) -> None:
        self._repository = repository
        self._secrets = secrets
        self._reads = reads
        self._clock = clock

    async def run(self) -> None:
        """Look now and then, for ever."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.sweep()
            except JournalError as error:
                log.warning("repair is put off: %s", error)

    async def sweep(self) -> None:
        """Look once. The read model only names suspects: the log itself is asked before anything is undone."""
        before = self._clock() - SETTLED_AFTER
        for host, instance_id in await self._reads.query(lambda connection: _stray_claims(connection, before)):
            if not await self._holds(instance_id, host):
                log.warning("the claim of instance %s on host %s is given back", instance_id, host)
                decide = partial(release, instance_ids=[instance_id], at=self._clock())
                await self._repository.execute(Host, host, decide, AUTHOR)
        for network_id, instance_id in await self._reads.query(lambda connection: _stray_ports(connection, before)):
            if not await self._has_addresses(instance_id):
                log.warning("the addresses of instance %s on network %s are given back", instance_id, network_id)
                give_back = partial(release_addresses, instance_ids=[instance_id], at=self._clock())
                await self._repository.execute(Network, network_id, give_back, AUTHOR)

        await self._count_usage_anew(before)
        await self._empty_groups()
        for network_id, port, instance_id in await self._reads.query(
            lambda connection: _stray_cards(connection, before)
        ):
            if not await self._has_card(instance_id, port):
                log.warning("the address of port %s, which instance %s does not have, is given back", port, instance_id)
                unplug = partial(release_ports, port_ids=[port], at=self._clock())
                await self._repository.execute(Network, network_id, unplug, AUTHOR)
        await self._forget_strays(before)

    async def _empty_groups(self) -> None:
        """Members that never came, or were deleted, leave their groups."""
        for group_id, strays in (await self._reads.query(_stray_members)).items():
            gone = [instance_id for instance_id in strays if not await self._exists(instance_id)]
            if gone:
                log.warning("%s, which do not exist, leave the server group %s", ", ".join(gone), group_id)
                leaves = partial(leave, instance_ids=gone, at=self._clock())
                await self._repository.execute(ServerGroup, group_id, leaves, AUTHOR)

    async def _is_group(self, holder: str) -> bool:
        try:
            return not (await self._repository.load(ServerGroup, holder, fresh=True)).aggregate.is_deleted
        except AggregateNotFound:
            return False

    async def _count_usage_anew(self, before: datetime) -> None:
        """Quota is given back where no instance came of a reservation, and taken where an instance has none."""
        for project_id, holder in await self._reads.query(lambda connection: _stray_reservations(connection, before)):
            if not await self._exists(holder) and not await self._is_group(holder):
                log.warning("the quota of %s, which does not exist, is given back", holder)
                give_back = partial(release_usage, holders=[holder], at=self._clock())
                await self._repository.execute(Project, project_id, give_back, AUTHOR)
        for project_id, instance_id in await self._reads.query(lambda connection: _uncounted(connection, before)):
            await self._count(project_id, instance_id)

    async def _count(self, project_id: str, instance_id: str) -> None:
        """Count an instance from before there were quotas, or one that was recorded after its reservation was given back."""
        instance = (await self._repository.load(Instance, instance_id, fresh=True)).aggregate
        if instance.is_deleted:
            return
        log.warning("the quota of instance %s is counted", instance_id)
        note = partial(note_usage, taken={instance_id: amounts_of(instance.flavor)}, at=self._clock())
        await self._repository.execute(Project, project_id, note, AUTHOR)

    async def _forget_strays(self, before: datetime) -> None:
        """Secrets are kept before their instance is recorded: where it never was, or they outlived it, they go."""
        kept = await self._secrets.kept_since("instance.>")
        old = {key.split(".")[1] for key, since in kept.items() if since < before}
        alive = await self._reads.query(_alive)
        for instance_id in sorted(old - alive):
            if not await self._exists(instance_id):
                log.warning("the secrets of instance %s, which does not exist, are forgotten", instance_id)
                await self._secrets.forget_instance(instance_id)

    async def _exists(self, instance_id: str) -> bool:
        return await self._alive(instance_id) is not None

    async def _holds(self, instance_id: str, host: str) -> bool:
        """Whether an instance may hold a claim of a host: it has a part in it, or one is being chosen."""
        instance = await self._alive(instance_id)
        return instance is not None and (host in instance.hosts or _is_being_placed(instance))

    async def _has_addresses(self, instance_id: str) -> bool:
        """Whether an instance may hold addresses; one that lies on the shelf does."""
        instance = await self._alive(instance_id)
        return instance is not None and (bool(instance.nics) or _is_being_placed(instance))

    async def _has_card(self, instance_id: str, port: str) -> bool:
        """Whether an instance has a port, or may be given it yet."""
        instance = await self._alive(instance_id)
        return instance is not None and (
            _is_being_placed(instance) or any(nic["port_id"] == port for nic in instance.nics)
        )

    async def _alive(self, instance_id: str) -> Instance | None:
        try:
            instance = (await self._repository.load(Instance, instance_id, fresh=True)).aggregate
        except AggregateNotFound:
            return None
        return None if instance.is_deleted else instance


def _is_being_placed(instance: Instance) -> bool:
    return awaits_scheduling(instance) or awaits_destination(instance)


def _alive(connection: Connection) -> set[str]:
    return set(connection.execute(select(instances.c.id).where(~instances.c.deleted)).scalars())


def _stray_claims(connection: Connection, before: datetime) -> list[tuple[str, str]]:
    here = and_(instance_hosts.c.instance_id == claims.c.instance_id, instance_hosts.c.host == claims.c.host)
    stray = (
        select(claims.c.host, claims.c.instance_id)
        .outerjoin(instance_hosts, here)
        .where(claims.c.granted_at < before, instance_hosts.c.host.is_(None))
    )
    return [(row.host, row.instance_id) for row in connection.execute(stray)]


def _stray_ports(connection: Connection, before: datetime) -> list[tuple[str, str]]:
    stray = (
        select(ports.c.network_id, ports.c.instance_id)
        .distinct()
        .outerjoin(instances, instances.c.id == ports.c.instance_id)
        .where(ports.c.instance_id.is_not(None), ports.c.updated_at < before, _gone())
    )
    return [(row.network_id, row.instance_id) for row in connection.execute(stray)]


def _stray_reservations(connection: Connection, before: datetime) -> list[tuple[str, str]]:
    stray = (
        select(reservations.c.project_id, reservations.c.holder)
        .outerjoin(instances, instances.c.id == reservations.c.holder)
        .outerjoin(server_groups, server_groups.c.id == reservations.c.holder)
        .where(
            reservations.c.reserved_at < before,
            or_(instances.c.id.is_(None), instances.c.deleted),
            or_(server_groups.c.id.is_(None), server_groups.c.deleted),
        )
    )
    return [(row.project_id, row.holder) for row in connection.execute(stray)]


def _uncounted(connection: Connection, before: datetime) -> list[tuple[str, str]]:
    uncounted = (
        select(instances.c.project_id, instances.c.id)
        .join(projects, projects.c.id == instances.c.project_id)
        .outerjoin(reservations, reservations.c.holder == instances.c.id)
        .where(~instances.c.deleted, instances.c.created_at < before, reservations.c.holder.is_(None))
    )
    return [(row.project_id, row.id) for row in connection.execute(uncounted)]


def _stray_members(connection: Connection) -> dict[str, list[str]]:
    """Members without an instance, by group; one that is about to be made still has its reservation."""
    expected = set(connection.execute(select(reservations.c.holder)).scalars()) | _alive(connection)
    groups = connection.execute(select(server_groups.c.id, server_groups.c.members).where(~server_groups.c.deleted))
    found = {row.id: [member for member in row.members if member not in expected] for row in groups}
    return {group_id: strays for group_id, strays in found.items() if strays}


def _stray_cards(connection: Connection, before: datetime) -> list[tuple[str, str, str]]:
    """Addresses that were taken for cards of living instances, which then were not asked for after all."""
    stray = (
        select(ports.c.network_id, ports.c.id, ports.c.instance_id)
        .join(instances, instances.c.id == ports.c.instance_id)
        .where(ports.c.updated_at < before, ~_gone(), _decided())
        .where(~cast(instances.c.nics, Text).contains(ports.c.id))
    )
    return [(row.network_id, row.id, row.instance_id) for row in connection.execute(stray)]


def _gone() -> ColumnElement[bool]:
    return or_(instances.c.id.is_(None), instances.c.deleted, and_(instances.c.host.is_(None), _decided()))


def _decided() -> ColumnElement[bool]:
    return or_(instances.c.task_state.is_(None), instances.c.task_state != Task.SCHEDULING.value)
