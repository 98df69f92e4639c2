"""The security group: a project's rules on which traffic its ports may have. What is not allowed by a rule is not allowed."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID, uuid5

from domain.aggregate import Aggregate, Created, Event
from domain.errors import Conflict, Invalid, NotFound
from domain.security_group.rule import Rule, default_rules

GROUPS = UUID("b2f6f3c4-0d8b-4d70-8f6e-6a4cf7f0a1de")
DEFAULT = "default"
"""The name of the group that every project has, and that ports are in for which no other is named."""


def default_group_id(project_id: str) -> str:
    """The id of a project's default group: the same whenever it is asked for, so that it is made once."""
    return str(uuid5(GROUPS, project_id))


class SecurityGroup(Aggregate):
    """Rules under a name."""

    TOPIC: ClassVar[str] = "chronova.securitygroup"
    KIND: ClassVar[str] = "securitygroup"

    project_id: str
    name: str
    description: str

    def __init__(self) -> None:
        self.is_deleted = False
        self.rules: dict[str, Rule] = {}  # by id
        self.tags: list[str] = []

    @property
    def is_default(self) -> bool:
        """Whether it is its project's default group."""
        return self.id == default_group_id(self.project_id)


class SecurityGroupCreated(Created):
    """A group was made, with its first rules."""

    TOPIC: ClassVar[str] = "chronova.securitygroup.created.v1"

    project_id: str
    name: str
    description: str
    rules: list[dict[str, Any]]

    def apply(self, aggregate: SecurityGroup) -> None:
        """It can be used."""
        aggregate.project_id, aggregate.name, aggregate.description = self.project_id, self.name, self.description
        aggregate.rules = {rule["id"]: Rule(**rule) for rule in self.rules}


class SecurityGroupChanged(Event):
    """Some of what is known of the group is different now; `changes` has the new values of those parts alone."""

    TOPIC: ClassVar[str] = "chronova.securitygroup.changed.v1"

    changes: dict[str, Any]

    def apply(self, aggregate: SecurityGroup) -> None:
        """It is as it was changed."""
        for name, value in self.changes.items():
            setattr(aggregate, name, value)


class SecurityGroupDeleted(Event):
    """The group is gone."""

    TOPIC: ClassVar[str] = "chronova.securitygroup.deleted.v1"

    def apply(self, aggregate: SecurityGroup) -> None:
        """It is gone."""
        aggregate.is_deleted = True


class SecurityGroupRestored(Event):
    """A project's default group, which was deleted, is there again as it was at first."""

    TOPIC: ClassVar[str] = "chronova.securitygroup.restored.v1"

    rules: list[dict[str, Any]]

    def apply(self, aggregate: SecurityGroup) -> None:
        """It can be used."""
        aggregate.is_deleted = False
        aggregate.rules = {rule["id"]: Rule(**rule) for rule in self.rules}


def create_group(
    group_id: str, *, project_id: str, name: str, rules: Iterable[Rule], at: datetime, description: str = ""
) -> SecurityGroup:
    """A new group."""
    return SecurityGroup.begin(
        SecurityGroupCreated,
        aggregate_id=group_id,
        at=at,
        project_id=project_id,
        name=name,
        description=description,
        rules=[asdict(rule) for rule in rules],
    )


def create_default_group(project_id: str, *, at: datetime) -> SecurityGroup:
    """A project's default group."""
    group_id = default_group_id(project_id)
    rules, description = default_rules(group_id), "Default security group"
    return create_group(group_id, project_id=project_id, name=DEFAULT, rules=rules, description=description, at=at)


CHANGEABLE = frozenset({"name", "description", "tags"})


def change_group(group: SecurityGroup, changes: Mapping[str, Any], *, at: datetime) -> None:
    """Give parts of it other values; nothing when they have them. Raises NotFound, Conflict for the default group's name."""
    require_living(group)
    if unknown := sorted(changes.keys() - CHANGEABLE):
        raise Invalid(f"Attribute '{unknown[0]}' of a security group cannot be changed.")
    differing = {name: value for name, value in changes.items() if getattr(group, name) != value}
    if group.is_default and "name" in differing:
        raise Conflict("Updating default security group not allowed.")
    if differing:
        group.record(SecurityGroupChanged, changes=differing, at=at)


def delete_group(group: SecurityGroup, *, at: datetime) -> None:
    """Delete it; nothing when it is gone."""
    if not group.is_deleted:
        group.record(SecurityGroupDeleted, at=at)


def restore_default_group(group: SecurityGroup, *, at: datetime) -> None:
    """Have a project's default group again; nothing while it is there."""
    if group.is_deleted:
        group.record(SecurityGroupRestored, rules=[asdict(rule) for rule in default_rules(group.id)], at=at)


def require_living(group: SecurityGroup) -> None:
    """Pass unless it is deleted. Raises NotFound."""
    if group.is_deleted:
        raise NotFound(f"Security group {group.id} does not exist")
