"""Deletion: asked for at any time, done when its host has nothing left of it."""

from datetime import datetime
from typing import ClassVar

from domain.instance.desired import Want
from domain.instance.instance import Instance, InstanceEvent
from domain.instance.legality import Action, require_legal
from domain.instance.snapshot import abandon_snapshot
from domain.instance.state import PowerState, Task, VmState


class DeletionRequested(InstanceEvent):
    """A user asked for the instance to be deleted. Wins over whatever is under way."""

    TOPIC: ClassVar[str] = "chronova.instance.deletion-requested.v1"

    def apply(self, aggregate: Instance) -> None:
        """Every host that has a part in it must remove it."""
        for host in aggregate.hosts:
            if host != aggregate.host:
                aggregate.leave(host)
        aggregate.settle_move()
        aggregate.task = Task.DELETING
        aggregate.wants(Want.ABSENT)


class InstanceDeleted(InstanceEvent):
    """Nothing of the instance is left. Its claim, its addresses and its quota are given back in answer to it."""

    TOPIC: ClassVar[str] = "chronova.instance.deleted.v1"

    def apply(self, aggregate: Instance) -> None:
        """Its life is over."""
        aggregate.vm_state, aggregate.task, aggregate.power = VmState.DELETED, None, PowerState.NOSTATE
        aggregate.terminated_at = self.timestamp


def delete(instance: Instance, *, at: datetime) -> None:
    """Ask for the instance to be deleted; nothing when that was asked before.

    Raises NotFound when it is deleted. Source: compute API reference, "Delete server".
    """
    require_legal(instance, Action.DELETE)
    if instance.task is not Task.DELETING:
        abandon_snapshot(instance, reason="The instance is deleted.", at=at)
        instance.record(DeletionRequested, at=at)


def finish_unplaced_deletion(instance: Instance, *, at: datetime) -> None:
    """End an instance that is to be deleted and is on no host; nothing otherwise."""
    if instance.task is Task.DELETING and not instance.hosts:
        instance.record(InstanceDeleted, at=at)
