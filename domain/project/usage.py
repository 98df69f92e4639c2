"""Usage: what a project's instances and groups take of its quota, reserved before they are made.

The append of a reservation to the project's own stream, at the position that it was decided on, is the one point that makes it
impossible to overrun a quota, with any number of APIs. One event may hold the reservations of many requests.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, TypeAlias

from domain.aggregate import Event
from domain.errors import QuotaExceeded
from domain.identity.project import Project
from domain.project.quota import UNLIMITED, limits_of

Amounts: TypeAlias = Mapping[str, int]
"""How much of each resource: instances, cores, ram (MiB), server_groups."""


class UsageReserved(Event):
    """Parts of the quota are taken by things that exist, or are about to (id → amounts; the newest amounts of an id count)."""

    TOPIC: ClassVar[str] = "chronova.project.usage-reserved.v1"

    reservations: dict[str, dict[str, int]]
    limits: dict[
        str, int
    ]  # that it was held to: those of all resources of which it takes more; none where it was only noted

    def apply(self, aggregate: Project) -> None:
        """They are no longer free."""
        for holder, amounts in self.reservations.items():
            _add(aggregate.usage, aggregate.reservations.get(holder, {}), -1)
            _add(aggregate.usage, amounts, 1)
            aggregate.reservations[holder] = amounts


class UsageReleased(Event):
    """What took parts of the quota is gone, or never came."""

    TOPIC: ClassVar[str] = "chronova.project.usage-released.v1"

    holders: list[str]

    def apply(self, aggregate: Project) -> None:
        """They are free again."""
        for holder in self.holders:
            _add(aggregate.usage, aggregate.reservations.pop(holder), -1)


def _add(usage: dict[str, int], amounts: Amounts, sign: int) -> None:
    for resource, amount in amounts.items():
        usage[resource] = usage.get(resource, 0) + sign * amount


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: for each thing that is to be made, by its id, what it takes. `least` of them will do, in their order."""

    wanted: Mapping[str, Amounts]
    least: int = 0  # 0: all or none

    @property
    def enough(self) -> int:
        """How many must be granted."""
        return self.least or len(self.wanted)


def reserve(
    project: Project, asks: Sequence[Ask], *, defaults: Amounts, at: datetime
) -> list[tuple[str, ...] | QuotaExceeded]:
    """Reserve for requests in their order, each as far as it fits into what those before it leave, or not at all.

    `defaults` are the limits of the class. Returns for each request the ids that were granted, or why it was refused.
    An id that holds amounts already is asked to hold others: only what it takes more is held to the limits.
    """
    limits = limits_of(project.limits, defaults)
    usage = dict(project.usage)
    granted: dict[str, dict[str, int]] = {}
    bound: dict[str, int] = {}
    outcomes: list[tuple[str, ...] | QuotaExceeded] = []
    for ask in asks:
        count = len(ask.wanted)
        while (short := _short(project, ask, count, usage, limits)) and count > ask.enough:
            count -= 1
        if short:
            outcomes.append(_exceeded(project, ask, short, usage, limits))
            continue
        ids = tuple(ask.wanted)[:count]
        for holder in ids:
            held = project.reservations.get(holder, {})
            if held != ask.wanted[holder]:
                granted[holder] = dict(ask.wanted[holder])
        more = _more(project, ask, count)
        _add(usage, more, 1)
        bound |= {resource: limits[resource] for resource, amount in more.items() if amount > 0}
        outcomes.append(ids)
    if granted:
        project.record(UsageReserved, reservations=granted, limits=bound, at=at)
    return outcomes


def amounts_of(flavor: Mapping[Any, Any]) -> dict[str, int]:
    """What an instance of a flavor takes."""
    return {"instances": 1, "cores": flavor["vcpus"], "ram": flavor["ram"]}


def settle_usage(project: Project, holder: str, amounts: Amounts, *, at: datetime) -> None:
    """Count what it takes in the end, whatever the limits; nothing when it is counted so, or holds nothing."""
    if project.reservations.get(holder, amounts) != amounts:
        project.record(UsageReserved, reservations={holder: dict(amounts)}, limits={}, at=at)


def note_usage(project: Project, taken: Mapping[str, Amounts], *, at: datetime) -> None:
    """Count what exists without a reservation, whatever the limits; nothing for what holds one."""
    missing = {holder: dict(amounts) for holder, amounts in taken.items() if holder not in project.reservations}
    if missing:
        project.record(UsageReserved, reservations=missing, limits={}, at=at)


def release_usage(project: Project, holders: Iterable[str], *, at: datetime) -> None:
    """Give back what these hold; nothing for those that hold nothing."""
    held = [holder for holder in dict.fromkeys(holders) if holder in project.reservations]
    if held:
        project.record(UsageReleased, holders=held, at=at)


def overrun(project: Project, limits: Amounts) -> tuple[str, ...]:
    """Of which of these resources more is taken than the limits allow."""
    return tuple(
        resource for resource, limit in limits.items() if limit != UNLIMITED and project.usage.get(resource, 0) > limit
    )


def _more(project: Project, ask: Ask, count: int) -> dict[str, int]:
    """How much more than now the first ones of a request would take."""
    more: dict[str, int] = {}
    for holder in tuple(ask.wanted)[:count]:
        _add(more, project.reservations.get(holder, {}), -1)
        _add(more, ask.wanted[holder], 1)
    return more


def _short(project: Project, ask: Ask, count: int, usage: Amounts, limits: Amounts) -> tuple[str, ...]:
    """The resources that the first ones of a request would overrun, sorted."""
    return tuple(
        sorted(
            resource
            for resource, amount in _more(project, ask, count).items()
            if amount > 0 and limits[resource] != UNLIMITED and usage.get(resource, 0) + amount > limits[resource]
        )
    )


def _exceeded(project: Project, ask: Ask, short: Sequence[str], usage: Amounts, limits: Amounts) -> QuotaExceeded:
    """In Nova's words; the amounts are those of the whole request."""
    requests = {resource: str(amount) for resource, amount in _more(project, ask, len(ask.wanted)).items()}
    if ask.enough < len(ask.wanted):
        requests["instances"] = f"{ask.enough}-{len(ask.wanted)}"
    names = ", ".join(short)
    requested = ", ".join(requests[each] for each in short)
    used = ", ".join(str(usage.get(each, 0)) for each in short)
    allowed = ", ".join(str(limits[each]) for each in short)
    return QuotaExceeded(
        f"Quota exceeded for {names}: Requested {requested}, but already used {used} of {allowed} {names}"
    )
