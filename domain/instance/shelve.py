"""Shelve: the guest becomes an image, and its host's capacity is given back until somebody wants it again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from domain.instance.desired import ErrandKind, Want
from domain.instance.instance import Instance, InstanceEvent, Move, MoveKind
from domain.instance.legality import Action, require_legal
from domain.instance.state import PowerState, Task, VmState


class ShelveRequested(InstanceEvent):
    """A user asked for the instance to be put on the shelf. The image waits for the bytes of its disk."""

    TOPIC: ClassVar[str] = "chronova.instance.shelve-requested.v1"

    image_id: str
    disk_format: str

    def apply(self, aggregate: Instance) -> None:
        """The agent has work: the guest is shut down, and its disk uploaded."""
        aggregate.task = Task.SHELVING
        aggregate.wants(Want.SHUTDOWN)
        aggregate.errand = {
            "kind": ErrandKind.SNAPSHOT.value,
            "image_id": self.image_id,
            "disk_format": self.disk_format,
            "backup": None,
        }


class InstanceShelved(InstanceEvent):
    """The guest is off, and its disk is an image."""

    TOPIC: ClassVar[str] = "chronova.instance.shelved.v1"

    image_id: str

    def apply(self, aggregate: Instance) -> None:
        """It is shelved."""
        aggregate.vm_state, aggregate.task, aggregate.power = VmState.SHELVED, None, PowerState.SHUTDOWN
        aggregate.errand, aggregate.fault, aggregate.shelved_image_id = None, None, self.image_id


class OffloadRequested(InstanceEvent):
    """The guest is to be removed from its host: right after it was shelved, or when an administrator asks for it."""

    TOPIC: ClassVar[str] = "chronova.instance.offload-requested.v1"

    def apply(self, aggregate: Instance) -> None:
        """The agent has work."""
        aggregate.task = Task.SHELVING_OFFLOADING
        aggregate.wants(Want.ABSENT)


class InstanceOffloaded(InstanceEvent):
    """Nothing of the guest is left on its host. The claim is given back in answer; addresses are kept."""

    TOPIC: ClassVar[str] = "chronova.instance.offloaded.v1"

    host: str

    def apply(self, aggregate: Instance) -> None:
        """It lives nowhere."""
        aggregate.vm_state, aggregate.task, aggregate.power = VmState.SHELVED_OFFLOADED, None, PowerState.NOSTATE
        aggregate.host = None


class UnshelveRequested(InstanceEvent):
    """A user wants the instance back."""

    TOPIC: ClassVar[str] = "chronova.instance.unshelve-requested.v1"

    image: dict[str, Any]  # of its disk: id, name, size (bytes), checksum (SHA-512), disk_format
    host: str | None  # None: any

    def apply(self, aggregate: Instance) -> None:
        """The scheduler has work; where the guest is still on its host, the agent."""
        aggregate.task, aggregate.shelved_image = Task.UNSHELVING, self.image
        if aggregate.host is None:
            aggregate.move = Move(MoveKind.UNSHELVE, Want.RUNNING, asked=self.host)
        else:
            aggregate.wants(Want.RUNNING)


class InstanceUnshelved(InstanceEvent):
    """The guest runs again. The image of its disk is deleted in answer."""

    TOPIC: ClassVar[str] = "chronova.instance.unshelved.v1"

    image_id: str

    def apply(self, aggregate: Instance) -> None:
        """It is active."""
        aggregate.settle_move()
        aggregate.vm_state, aggregate.task, aggregate.power = VmState.ACTIVE, None, PowerState.RUNNING
        aggregate.shelved_image, aggregate.shelved_image_id, aggregate.fault = None, None, None


def shelve(instance: Instance, *, image_id: str, disk_format: str, at: datetime) -> None:
    """Ask for the instance to be put on the shelf. Raises IllegalInState. Source: compute API reference, `shelve`."""
    require_legal(instance, Action.SHELVE)
    instance.record(ShelveRequested, image_id=image_id, disk_format=disk_format, at=at)


def offload(instance: Instance, *, at: datetime) -> None:
    """Ask for the guest to be removed. Raises IllegalInState. Source: compute API reference, `shelveOffload`."""
    require_legal(instance, Action.SHELVE_OFFLOAD)
    instance.record(OffloadRequested, at=at)


def unshelve(instance: Instance, *, image: Mapping[str, Any], host: str | None, at: datetime) -> None:
    """Ask for the instance back. Raises IllegalInState. Source: compute API reference, `unshelve`."""
    require_legal(instance, Action.UNSHELVE)
    instance.record(UnshelveRequested, image=dict(image), host=host, at=at)
