"""Suspend: the guest's memory is written to the host's disk, and the guest takes no processor and no memory meanwhile."""

from datetime import datetime
from typing import ClassVar

from domain.instance.desired import Want
from domain.instance.instance import Instance, InstanceEvent
from domain.instance.legality import Action, require_legal
from domain.instance.state import PowerState, Task, VmState


class SuspendRequested(InstanceEvent):
    """A user asked for the guest to be put to disk."""

    TOPIC: ClassVar[str] = "chronova.instance.suspend-requested.v1"

    def apply(self, aggregate: Instance) -> None:
        """The agent has work."""
        aggregate.task = Task.SUSPENDING
        aggregate.wants(Want.SUSPENDED)


class InstanceSuspended(InstanceEvent):
    """The guest lies on disk, with its memory."""

    TOPIC: ClassVar[str] = "chronova.instance.suspended.v1"

    def apply(self, aggregate: Instance) -> None:
        """It is suspended; its claim stays, so that it can go on."""
        aggregate.vm_state, aggregate.task, aggregate.power = VmState.SUSPENDED, None, PowerState.SUSPENDED
        aggregate.fault = None
        if aggregate.want is not Want.SUSPENDED:  # it was declared active, and is not
            aggregate.wants(Want.SUSPENDED)


class ResumeRequested(InstanceEvent):
    """A user asked for the guest to go on from where it was."""

    TOPIC: ClassVar[str] = "chronova.instance.resume-requested.v1"

    def apply(self, aggregate: Instance) -> None:
        """The agent has work."""
        aggregate.task = Task.RESUMING
        aggregate.wants(Want.RUNNING)


class InstanceResumed(InstanceEvent):
    """The guest runs again, from where it was."""

    TOPIC: ClassVar[str] = "chronova.instance.resumed.v1"

    def apply(self, aggregate: Instance) -> None:
        """It is active."""
        aggregate.vm_state, aggregate.task, aggregate.power = VmState.ACTIVE, None, PowerState.RUNNING
        aggregate.fault = None


def suspend(instance: Instance, *, at: datetime) -> None:
    """Ask for the guest to be put to disk. Raises IllegalInState. Source: compute API reference, `suspend`."""
    require_legal(instance, Action.SUSPEND)
    instance.record(SuspendRequested, at=at)


def resume(instance: Instance, *, at: datetime) -> None:
    """Ask for the guest to go on. Raises IllegalInState. Source: compute API reference, `resume`."""
    require_legal(instance, Action.RESUME)
    instance.record(ResumeRequested, at=at)
