"""Rebuild: the guest's disk is made anew from an image. Id, host, addresses and claim stay."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from domain.instance.desired import ErrandKind, Want
from domain.instance.instance import Instance, InstanceEvent
from domain.instance.legality import Action, require_legal
from domain.instance.state import PowerState, Task, VmState

MAY_CHANGE = ("image", "name", "hostname", "description", "metadata", "key", "user_data_sha256")


class RebuildRequested(InstanceEvent):
    """A user asked for the guest to be made anew. The parts are what holds from now on, changed or not."""

    TOPIC: ClassVar[str] = "chronova.instance.rebuild-requested.v1"

    image: dict[str, Any]
    name: str
    hostname: str
    description: str | None
    metadata: dict[str, str]
    key: dict[str, str] | None
    user_data_sha256: str | None

    def apply(self, aggregate: Instance) -> None:
        """The agent has work. A guest that was off is off again afterwards."""
        for name in MAY_CHANGE:
            setattr(aggregate, name, getattr(self, name))
        aggregate.task = Task.REBUILDING
        aggregate.wants(Want.SHUTDOWN if aggregate.vm_state is VmState.STOPPED else Want.RUNNING)
        aggregate.errand = {"kind": ErrandKind.REBUILD.value}


class InstanceRebuilt(InstanceEvent):
    """The guest has a new disk. `stages` tells how long each part took, in seconds."""

    TOPIC: ClassVar[str] = "chronova.instance.rebuilt.v1"

    stages: dict[str, float]

    def apply(self, aggregate: Instance) -> None:
        """It is as it was before, on or off; launched anew."""
        off = aggregate.want is Want.SHUTDOWN
        aggregate.vm_state = VmState.STOPPED if off else VmState.ACTIVE
        aggregate.power = PowerState.SHUTDOWN if off else PowerState.RUNNING
        aggregate.task, aggregate.errand, aggregate.fault = None, None, None
        aggregate.launched_at = self.timestamp


def rebuild(instance: Instance, *, changes: Mapping[str, Any], at: datetime) -> None:
    """Ask for the guest to be made anew, with some of `MAY_CHANGE` changed.

    Raises IllegalInState. Source: compute API reference, `rebuild`.
    """
    require_legal(instance, Action.REBUILD)
    kept = {name: getattr(instance, name) for name in MAY_CHANGE}
    instance.record(RebuildRequested, **{**kept, **changes}, at=at)
