"""Pause: the guest's processors stand still, its memory stays on the host."""

from datetime import datetime
from typing import ClassVar

from domain.instance.desired import Want
from domain.instance.instance import Instance, InstanceEvent
from domain.instance.legality import Action, require_legal
from domain.instance.state import PowerState, Task, VmState


class PauseRequested(InstanceEvent):
    """A user asked for the guest to stand still."""

    TOPIC: ClassVar[str] = "chronova.instance.pause-requested.v1"

    def apply(self, aggregate: Instance) -> None:
        """The agent has work."""
        aggregate.task = Task.PAUSING
        aggregate.wants(Want.PAUSED)


class InstancePaused(InstanceEvent):
    """The guest stands still."""

    TOPIC: ClassVar[str] = "chronova.instance.paused.v1"

    def apply(self, aggregate: Instance) -> None:
        """It is paused."""
        aggregate.vm_state, aggregate.task, aggregate.power = VmState.PAUSED, None, PowerState.PAUSED
        aggregate.fault = None
        if aggregate.want is not Want.PAUSED:  # it was declared active, and is not
            aggregate.wants(Want.PAUSED)


class UnpauseRequested(InstanceEvent):
    """A user asked for the guest to go on."""

    TOPIC: ClassVar[str] = "chronova.instance.unpause-requested.v1"

    def apply(self, aggregate: Instance) -> None:
        """The agent has work."""
        aggregate.task = Task.UNPAUSING
        aggregate.wants(Want.RUNNING)


class InstanceUnpaused(InstanceEvent):
    """The guest goes on."""

    TOPIC: ClassVar[str] = "chronova.instance.unpaused.v1"

    def apply(self, aggregate: Instance) -> None:
        """It is active."""
        aggregate.vm_state, aggregate.task, aggregate.power = VmState.ACTIVE, None, PowerState.RUNNING
        aggregate.fault = None


def pause(instance: Instance, *, at: datetime) -> None:
    """Ask for the guest to stand still. Raises IllegalInState. Source: compute API reference, `pause`."""
    require_legal(instance, Action.PAUSE)
    instance.record(PauseRequested, at=at)


def unpause(instance: Instance, *, at: datetime) -> None:
    """Ask for the guest to go on. Raises IllegalInState. Source: compute API reference, `unpause`."""
    require_legal(instance, Action.UNPAUSE)
    instance.record(UnpauseRequested, at=at)
