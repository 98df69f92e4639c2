"""Rescue: the guest is booted from another image, with its own disk as a second one, so that its owner can mend it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from domain.instance.desired import Want
from domain.instance.instance import Instance, InstanceEvent
from domain.instance.legality import Action, require_legal
from domain.instance.state import PowerState, Task, VmState


class RescueRequested(InstanceEvent):
    """A user asked for the guest to be booted from a rescue image. The password that goes with it is kept in SECRETS."""

    TOPIC: ClassVar[str] = "chronova.instance.rescue-requested.v1"

    image: dict[str, Any]  # id, name, size (bytes), checksum (SHA-512), disk_format

    def apply(self, aggregate: Instance) -> None:
        """The agent has work."""
        aggregate.task, aggregate.rescue_image = Task.RESCUING, self.image
        aggregate.wants(Want.RESCUED)


class InstanceRescued(InstanceEvent):
    """The guest runs from the rescue image."""

    TOPIC: ClassVar[str] = "chronova.instance.rescued.v1"

    def apply(self, aggregate: Instance) -> None:
        """It is rescued."""
        aggregate.vm_state, aggregate.task, aggregate.power = VmState.RESCUED, None, PowerState.RUNNING
        aggregate.fault = None
        if aggregate.want is not Want.RESCUED:  # it was declared active, and is not
            aggregate.wants(Want.RESCUED)


class UnrescueRequested(InstanceEvent):
    """A user asked for the guest to be booted from its own disk again."""

    TOPIC: ClassVar[str] = "chronova.instance.unrescue-requested.v1"

    def apply(self, aggregate: Instance) -> None:
        """The agent has work."""
        aggregate.task = Task.UNRESCUING
        aggregate.wants(Want.RUNNING)


class InstanceUnrescued(InstanceEvent):
    """The guest runs from its own disk again."""

    TOPIC: ClassVar[str] = "chronova.instance.unrescued.v1"

    def apply(self, aggregate: Instance) -> None:
        """It is active."""
        aggregate.vm_state, aggregate.task, aggregate.power = VmState.ACTIVE, None, PowerState.RUNNING
        aggregate.fault, aggregate.rescue_image = None, None


def rescue(instance: Instance, *, image: Mapping[str, Any], at: datetime) -> None:
    """Ask for the guest to be booted from a rescue image. Raises IllegalInState. Source: compute API reference, `rescue`."""
    require_legal(instance, Action.RESCUE)
    instance.record(RescueRequested, image=dict(image), at=at)


def unrescue(instance: Instance, *, at: datetime) -> None:
    """Ask for the guest to be booted from its own disk. Raises IllegalInState. Source: compute API reference, `unrescue`."""
    require_legal(instance, Action.UNRESCUE)
    instance.record(UnrescueRequested, at=at)
