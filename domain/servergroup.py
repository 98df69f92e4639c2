"""The server group: instances of a project that are to live together, or apart. Source: compute API reference, "Server groups".

The group's own stream says which member lives where. A placement is appended to it before the instance is told: so no two
schedulers can put members where the policy does not allow them.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar

from domain.aggregate import Aggregate, Created, Event
from domain.errors import NotFound, QuotaExceeded
from domain.placement.affinity import Affinity, Policy
from domain.project.quota import UNLIMITED


class ServerGroup(Aggregate):
    """A group and its members."""

    TOPIC: ClassVar[str] = "chronova.servergroup"
    KIND: ClassVar[str] = "servergroup"

    project_id: str
    user_id: str
    name: str
    policy: str
    rules: dict[str, int]  # max_server_per_host, of anti-affinity

    def __init__(self) -> None:
        self.members: dict[str, str | None] = {}  # instance → host, once it has one
        self.is_deleted = False

    def affinity(self, instance_id: str) -> Affinity:
        """What the policy asks of a member, as the others live now."""
        return Affinity.among(self.policy, self.rules, self.members, without=instance_id)


class ServerGroupCreated(Created):
    """A user made a group."""

    TOPIC: ClassVar[str] = "chronova.servergroup.created.v1"

    project_id: str
    user_id: str
    name: str
    policy: str
    rules: dict[str, int]

    def apply(self, aggregate: ServerGroup) -> None:
        """Instances can join it."""
        aggregate.project_id, aggregate.user_id, aggregate.name = self.project_id, self.user_id, self.name
        aggregate.policy, aggregate.rules = self.policy, self.rules


class MembersJoined(Event):
    """Instances that are about to be made belong to the group."""

    TOPIC: ClassVar[str] = "chronova.servergroup.members-joined.v1"

    instance_ids: list[str]

    def apply(self, aggregate: ServerGroup) -> None:
        """They live nowhere yet."""
        aggregate.members |= dict.fromkeys(self.instance_ids)


class MembersPlaced(Event):
    """Members live on a host now, or (None) on none any more."""

    TOPIC: ClassVar[str] = "chronova.servergroup.members-placed.v1"

    hosts: dict[str, str | None]

    def apply(self, aggregate: ServerGroup) -> None:
        """The others are placed by it."""
        aggregate.members |= self.hosts


class MembersLeft(Event):
    """Instances are deleted, or never came."""

    TOPIC: ClassVar[str] = "chronova.servergroup.members-left.v1"

    instance_ids: list[str]

    def apply(self, aggregate: ServerGroup) -> None:
        """They count no more."""
        for instance_id in self.instance_ids:
            del aggregate.members[instance_id]


class ServerGroupDeleted(Event):
    """A user deleted it; its instances go on, and nothing binds them any more."""

    TOPIC: ClassVar[str] = "chronova.servergroup.deleted.v1"

    def apply(self, aggregate: ServerGroup) -> None:
        """It is gone."""
        aggregate.is_deleted = True


def create_group(
    group_id: str,
    *,
    project_id: str,
    user_id: str,
    name: str,
    policy: Policy,
    rules: Mapping[str, int] | None = None,
    at: datetime,
) -> ServerGroup:
    """A new group, without members."""
    return ServerGroup.begin(
        ServerGroupCreated,
        aggregate_id=group_id,
        project_id=project_id,
        user_id=user_id,
        name=name,
        policy=str(policy),
        rules=dict(rules or {}),
        at=at,
    )


def join(group: ServerGroup, instance_ids: Iterable[str], *, most: int, at: datetime) -> None:
    """Take instances in; nothing for members. Raises NotFound when it is deleted, QuotaExceeded when they are too many."""
    if group.is_deleted:
        raise NotFound(f"Instance group {group.id} could not be found.")
    new = [instance_id for instance_id in dict.fromkeys(instance_ids) if instance_id not in group.members]
    if most != UNLIMITED and len(group.members) + len(new) > most:
        raise QuotaExceeded("Quota exceeded, too many servers in group")
    if new:
        group.record(MembersJoined, instance_ids=new, at=at)


def place_members(group: ServerGroup, wanted: Mapping[str, str | None], *, at: datetime) -> frozenset[str]:
    """Note where members live, in the order given, as far as the policy allows; None: nowhere any more.

    Returns those that may not live there. A deleted group binds nobody, and one that is no member is bound by none.
    """
    refused: set[str] = set()
    members, placed = dict(group.members), {}
    for instance_id, host in wanted.items():
        if group.is_deleted or instance_id not in members or members[instance_id] == host:
            continue
        affinity = Affinity.among(group.policy, group.rules, members, without=instance_id)
        if host is not None and affinity.forbids(host):
            refused.add(instance_id)
        else:
            members[instance_id] = placed[instance_id] = host
    if placed:
        group.record(MembersPlaced, hosts=placed, at=at)
    return frozenset(refused)


def settle_member(group: ServerGroup, instance_id: str, host: str | None, *, at: datetime) -> None:
    """Note where a member is in the end, whatever the policy: it is a fact. Nothing when that is known, or it is no member."""
    if instance_id in group.members and group.members[instance_id] != host:
        group.record(MembersPlaced, hosts={instance_id: host}, at=at)


def leave(group: ServerGroup, instance_ids: Iterable[str], *, at: datetime) -> None:
    """Let instances go; nothing for those that are no members."""
    gone = [instance_id for instance_id in dict.fromkeys(instance_ids) if instance_id in group.members]
    if gone:
        group.record(MembersLeft, instance_ids=gone, at=at)


def delete_group(group: ServerGroup, *, at: datetime) -> None:
    """Delete it; nothing when it is gone."""
    if not group.is_deleted:
        group.record(ServerGroupDeleted, at=at)
