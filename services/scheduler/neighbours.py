"""Neighbours: what a request says of other instances, as these live now: of its server group, and of those that it names."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.instance.instance import Instance
from domain.placement.affinity import Affinity
from domain.placement.rules import Rules
from domain.servergroup import ServerGroup, place_members
from journal.envelope import Author
from journal.errors import AggregateNotFound
from journal.repository import Repository


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of neighbours while choices are made; choices that were made count at once."""

    groups: Mapping[str, ServerGroup]
    members: Mapping[str, dict[str, str | None]]  # group → instance → host
    homes: Mapping[str, str | None]  # instance → host

    def rules_of(self, instance: Instance) -> Rules:
        """What binds the choice for an instance."""
        same, different = _named(instance, "same_host"), _named(instance, "different_host")
        return Rules(
            zone=instance.pinned_zone,
            host=instance.forced_host,
            same_host=frozenset(self._homes_of(same)) if same else None,
            different_host=frozenset(self._homes_of(different)),
            affinity=self._affinity(instance),
        )

    def take(self, instance: Instance, host: str) -> None:
        """Let an instance live on a host, for the choices that come after."""
        group = self.groups.get(instance.group or "")
        if group is not None and instance.id in self.members[group.id]:
            self.members[group.id][instance.id] = host

    def _affinity(self, instance: Instance) -> Affinity | None:
        group = self.groups.get(instance.group or "")
        if group is None or group.is_deleted:
            return None
        return Affinity.among(group.policy, group.rules, self.members[group.id], without=instance.id)

    def _homes_of(self, instance_ids: Iterable[str]) -> Iterable[str]:
        return [host for each in instance_ids if (host := self.homes.get(each)) is not None]


class Neighbours:
    """Asks the log for neighbours, and tells groups where their members live."""

    def __init__(self, repository: Repository, clock: Callable[[], datetime]) -> None:
        self._repository = repository
        self._clock = clock

    async def known_of(self, instances: Sequence[Instance]) -> Known:
        """What there is to know for choices for these."""
        groups: dict[str, ServerGroup] = {}
        homes: dict[str, str | None] = {}
        for instance in instances:
            if instance.group is not None and instance.group not in groups:
                groups[instance.group] = (await self._repository.load(ServerGroup, instance.group)).aggregate
            for named in (*_named(instance, "same_host"), *_named(instance, "different_host")):
                homes[named] = await self._home_of(named)
        return Known(groups, {group.id: dict(group.members) for group in groups.values()}, homes)

    async def place(self, group_id: str, hosts: Mapping[str, str | None], author: Author) -> frozenset[str]:
        """Note where members live; those whom the group does not allow it."""
        refused: frozenset[str] = frozenset()

        def decide(group: ServerGroup) -> None:
            nonlocal refused
            refused = place_members(group, hosts, at=self._clock())

        await self._repository.execute(ServerGroup, group_id, decide, author)
        return refused

    async def allow(self, instance: Instance, host: str, author: Author) -> bool:
        """Note in an instance's group, when it has one, that it goes to a host; whether the group allows it."""
        return instance.group is None or not await self.place(instance.group, {instance.id: host}, author)

    async def _home_of(self, instance_id: str) -> str | None:
        try:
            # Other services tell where it lives now: what is in memory here is of when it was placed.
            return (await self._repository.load(Instance, instance_id, fresh=True)).aggregate.host
        except AggregateNotFound:
            return None


def groups_of(instances: Iterable[Instance]) -> dict[str, list[str]]:
    """The ids of those instances that have a group, by it."""
    found: dict[str, list[str]] = defaultdict(list)
    for instance in instances:
        if instance.group is not None:
            found[instance.group].append(instance.id)
    return found


def _named(instance: Instance, hint: str) -> Sequence[str]:
    """The instances that a hint names: one, or a list."""
    named = instance.hints.get(hint, ())
    return [named] if isinstance(named, str) else named
