"""Moves: an instance is to live on another host. What all kinds of them share.

While an instance moves, several hosts have a part in it, and a claim each: the one that it lives on, the one that it goes to, the
one where it stands off until a resize is confirmed, and those on which nothing of it may be left. A host gives its claim back
when it has reported that nothing is left, so none is forgotten, whatever fails on the way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from domain.instance.desired import Arrival, Want
from domain.instance.instance import Instance, InstanceEvent, MoveKind
from domain.instance.state import Task, VmState
from domain.resources import Resources


class DestinationChosen(InstanceEvent):
    """A host to go to was chosen and its capacity claimed; `explanation` says how it was chosen."""

    TOPIC: ClassVar[str] = "chronova.instance.destination-chosen.v1"

    host: str
    explanation: dict[str, Any]

    def apply(self, aggregate: Instance) -> None:
        """Hosts have work now."""
        move = aggregate.move
        if move is None:
            return
        aggregate.move = move.to(self.host)
        if move.kind in COLD:
            aggregate.task = Task.RESIZE_MIGRATING
            aggregate.wants(Want.PARKED)
        elif move.kind is MoveKind.LIVE:
            aggregate.wants(aggregate.want)
        else:
            if aggregate.host is not None:
                aggregate.leave(aggregate.host)
            aggregate.host, aggregate.arrival = self.host, Arrival.BUILT
            aggregate.wants(move.former)


class MoveFailed(InstanceEvent):
    """Nothing came of a move: no host could take the instance, or one of the two could not do its part."""

    TOPIC: ClassVar[str] = "chronova.instance.move-failed.v1"

    host: str | None  # where it was to go
    reason: str
    explanation: dict[str, Any]  # how the scheduler came to find no host; empty when it found one

    def apply(self, aggregate: Instance) -> None:
        """The instance is where and as it was before. Where it was to go nothing may be left."""
        move, aggregate.move, aggregate.task, aggregate.arrival = aggregate.move, None, None, None
        if move is None or move.target is None:
            return
        aggregate.leave(move.target)
        if aggregate.host == move.target:
            aggregate.host, aggregate.parked = aggregate.parked, None
        if move.old_flavor is not None:
            aggregate.flavor = move.old_flavor
        aggregate.wants(move.former if move.kind in COLD else aggregate.want)


class HostLeft(InstanceEvent):
    """Nothing of the instance is left on a host that it does not live on any more. Its claim is given back in answer."""

    TOPIC: ClassVar[str] = "chronova.instance.host-left.v1"

    host: str

    def apply(self, aggregate: Instance) -> None:
        """One host less has a part in it. A guest that was reverted may be started now that its other self is gone."""
        aggregate.leaving = [host for host in aggregate.leaving if host != self.host]
        if aggregate.host == self.host:
            aggregate.host = None
        if aggregate.task is Task.RESIZE_REVERTING and aggregate.move is not None and not aggregate.leaving:
            aggregate.wants(aggregate.move.former)


COLD = frozenset({MoveKind.RESIZE, MoveKind.MIGRATE})
"""Moves in which the guest is off on the way, and which are confirmed or reverted in the end."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one host's agent is told of an instance."""

    want: Want
    arrival: Arrival | None = None
    lives_here: bool = False  # errands and restarts are for this host


def part_of(instance: Instance, host: str) -> Part:
    """The part that a host has in an instance; nothing may be left on hosts that have none."""
    if host == instance.host:
        return Part(instance.want, instance.arrival, lives_here=True)
    move = instance.move
    if move is not None and move.kind is MoveKind.LIVE and host == move.target:
        return Part(instance.want, Arrival.MOVED)
    return Part(Want.SHUTDOWN if host == instance.parked else Want.ABSENT)


def former_want(instance: Instance) -> Want:
    """What is wanted of the guest again when the move is over."""
    return Want.SHUTDOWN if instance.vm_state is VmState.STOPPED else Want.RUNNING


def awaits_destination(instance: Instance) -> bool:
    """Whether the scheduler still has to choose where it goes."""
    return instance.move is not None and instance.move.target is None and not instance.is_deleted


def needed(instance: Instance) -> Resources:
    """What it takes from the host that it goes to."""
    flavor = instance.flavor
    if instance.move is not None and instance.move.new_flavor is not None:
        flavor = instance.move.new_flavor
    return Resources(vcpus=flavor["vcpus"], memory_mib=flavor["ram"], disk_gib=flavor["disk"])


def destination_chosen(instance: Instance, *, host: str, explanation: Mapping[str, Any], at: datetime) -> None:
    """Record where it goes; nothing when that is decided already, or it goes nowhere any more."""
    if awaits_destination(instance) and host not in instance.hosts:
        instance.record(DestinationChosen, host=host, explanation=dict(explanation), at=at)


def no_destination(instance: Instance, *, reason: str, explanation: Mapping[str, Any], at: datetime) -> None:
    """Record that no host can take it; nothing when a decision stands already."""
    if awaits_destination(instance):
        instance.record(MoveFailed, host=None, reason=reason, explanation=dict(explanation), at=at)


def abandon_move(instance: Instance, *, reason: str, at: datetime) -> bool:
    """Record that nothing comes of a move that is under way; whether there was one.

    An evacuation whose host was chosen cannot be undone: the guest of before is on a host that does not answer.
    """
    move = instance.move
    over = move is None or instance.vm_state is VmState.RESIZED
    if move is None or over or (move.kind is MoveKind.EVACUATE and move.target is not None):
        return False
    instance.record(MoveFailed, host=move.target, reason=reason, explanation={}, at=at)
    return True
