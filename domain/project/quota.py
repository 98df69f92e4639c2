"""Quota: how much a project may use of each resource. What is not said of a project is said by the class of defaults.

Source: compute API reference, "Quota sets" and "Quota class sets". A limit of -1 is none.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from domain.aggregate import Aggregate, Created, Event
from domain.errors import Invalid
from domain.identity.project import Project

UNLIMITED = -1

DEFAULTS: Mapping[str, int] = {
    "instances": 10,
    "cores": 20,
    "ram": 50 * 1024,  # MiB
    "key_pairs": 100,  # of a user
    "metadata_items": 128,  # of a server
    "server_groups": 10,
    "server_group_members": 10,  # of a group
    "injected_files": 5,
    "injected_file_content_bytes": 10 * 1024,
    "injected_file_path_bytes": 255,
    "floating_ips": UNLIMITED,
    "fixed_ips": UNLIMITED,
    "security_groups": UNLIMITED,
    "security_group_rules": UNLIMITED,
}
"""Where neither the project nor the class says anything. Those of the network are kept for old clients, and bind nobody."""

DEFAULT_CLASS = "default"
"""The one class whose limits count; others can be written down, as in Nova."""


def limits_of(project: Mapping[str, int], defaults: Mapping[str, int]) -> dict[str, int]:
    """The limits that bind: the project's own, else those of the class, else what there is from the first start on."""
    return {**DEFAULTS, **defaults, **project}


class QuotaChanged(Event):
    """An operator gave the project limits of its own."""

    TOPIC: ClassVar[str] = "chronova.project.quota-changed.v1"

    limits: dict[str, int]  # those that were named; others stay

    def apply(self, aggregate: Project) -> None:
        """They bind from now on."""
        aggregate.limits |= self.limits


class QuotaReset(Event):
    """The project has the limits of its class again."""

    TOPIC: ClassVar[str] = "chronova.project.quota-reset.v1"

    def apply(self, aggregate: Project) -> None:
        """Nothing is its own."""
        aggregate.limits.clear()


class QuotaClass(Aggregate):
    """Limits for all projects that have none of their own. Its id is its name."""

    TOPIC: ClassVar[str] = "chronova.quotaclass"
    KIND: ClassVar[str] = "quotaclass"

    limits: dict[str, int]


class QuotaClassCreated(Created):
    """An operator set limits of a class for the first time."""

    TOPIC: ClassVar[str] = "chronova.quotaclass.created.v1"

    limits: dict[str, int]

    def apply(self, aggregate: QuotaClass) -> None:
        """They bind."""
        aggregate.limits = dict(self.limits)


class QuotaClassChanged(Event):
    """An operator set others."""

    TOPIC: ClassVar[str] = "chronova.quotaclass.changed.v1"

    limits: dict[str, int]  # those that were named; others stay

    def apply(self, aggregate: QuotaClass) -> None:
        """They bind from now on."""
        aggregate.limits |= self.limits


def change_quota(project: Project, limits: Mapping[str, int], *, force: bool = False, at: datetime) -> None:
    """Give the project limits; nothing when it has them. Raises Invalid for one below what is taken, unless it is forced."""
    _require_limits(limits)
    for resource, limit in limits.items():
        taken = project.usage.get(resource, 0)
        if not force and limit != UNLIMITED and limit < taken:
            raise Invalid(
                f"Quota limit {limit} for {resource} must be greater than or equal to already used and reserved {taken}."
            )
    if {**project.limits, **limits} != project.limits:
        project.record(QuotaChanged, limits=dict(limits), at=at)


def reset_quota(project: Project, *, at: datetime) -> None:
    """Take the project's own limits away; nothing when it has none."""
    if project.limits:
        project.record(QuotaReset, at=at)


def create_quota_class(name: str, limits: Mapping[str, int], *, at: datetime) -> QuotaClass:
    """A class with its first limits."""
    _require_limits(limits)
    return QuotaClass.begin(QuotaClassCreated, aggregate_id=name, limits=dict(limits), at=at)


def change_quota_class(quota_class: QuotaClass, limits: Mapping[str, int], *, at: datetime) -> None:
    """Give it others; nothing when it has them."""
    _require_limits(limits)
    if {**quota_class.limits, **limits} != quota_class.limits:
        quota_class.record(QuotaClassChanged, limits=dict(limits), at=at)


def _require_limits(limits: Mapping[str, int]) -> None:
    for resource, limit in limits.items():
        if resource not in DEFAULTS:
            raise Invalid(f"There is no quota of {resource}.")
        if limit < UNLIMITED:
            raise Invalid(f"Quota limit {limit} for {resource} must be -1 or greater.")
