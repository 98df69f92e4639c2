"""Evacuation: the host is down, and the guest is made anew from its image on another one."""

from datetime import datetime
from typing import ClassVar

from domain.errors import IllegalInState
from domain.instance.desired import STEADY, Want
from domain.instance.instance import Instance, InstanceEvent, Move, MoveKind
from domain.instance.legality import Action, require_legal
from domain.instance.move import abandon_move, former_want
from domain.instance.snapshot import abandon_snapshot
from domain.instance.state import PowerState, Task, VmState


class EvacuationRequested(InstanceEvent):
    """An administrator gave the instance's host up."""

    TOPIC: ClassVar[str] = "chronova.instance.evacuation-requested.v1"

    host: str | None  # None: any other
    stopped: bool  # whether it ends stopped whatever it was before

    def apply(self, aggregate: Instance) -> None:
        """The scheduler has work. Whatever was under way is over: should no host be found, the guest is as it was before that."""
        aggregate.task = Task.REBUILDING
        former = Want.SHUTDOWN if self.stopped else former_want(aggregate)
        aggregate.move = Move(MoveKind.EVACUATE, former, asked=self.host)
        aggregate.wants(STEADY.get(aggregate.vm_state, aggregate.want))


class InstanceEvacuated(InstanceEvent):
    """The guest is on its new host, with a new disk."""

    TOPIC: ClassVar[str] = "chronova.instance.evacuated.v1"

    def apply(self, aggregate: Instance) -> None:
        """It lives there."""
        off = aggregate.want is Want.SHUTDOWN
        aggregate.settle_move()
        aggregate.vm_state, aggregate.task = (VmState.STOPPED if off else VmState.ACTIVE), None
        aggregate.power = PowerState.SHUTDOWN if off else PowerState.RUNNING
        aggregate.launched_at, aggregate.fault = self.timestamp, None


def evacuate(instance: Instance, *, host: str | None, stopped: bool, at: datetime) -> None:
    """Give its host up; whether that is down, the caller has looked. Raises IllegalInState.

    Source: compute API reference, `evacuate`.
    """
    require_legal(instance, Action.EVACUATE)
    if instance.task is Task.DELETING:
        raise IllegalInState(Action.EVACUATE.value, instance.id, "task_state", instance.task)
    reason = "The instance is evacuated."
    abandon_snapshot(instance, reason=reason, at=at)
    abandon_move(instance, reason=reason, at=at)
    instance.record(EvacuationRequested, host=host, stopped=stopped, at=at)
