"""Reset: an administrator says what an instance is, when Chronova is wrong about it or something is stuck."""

from datetime import datetime
from typing import ClassVar

from domain.instance.desired import Want
from domain.instance.instance import Instance, InstanceEvent
from domain.instance.legality import Action, require_legal
from domain.instance.move import abandon_move
from domain.instance.snapshot import abandon_snapshot
from domain.instance.state import VmState


class StateReset(InstanceEvent):
    """An administrator declared the instance active, or in error. What was under way counts no more."""

    TOPIC: ClassVar[str] = "chronova.instance.state-reset.v1"

    state: str  # active | error

    def apply(self, aggregate: Instance) -> None:
        """The agent is told anew, so that reports on what was asked before say nothing any more."""
        active = self.state == VmState.ACTIVE.value
        for host in aggregate.hosts:
            if host != aggregate.host:
                aggregate.leave(host)
        aggregate.settle_move()
        aggregate.vm_state, aggregate.task = VmState(self.state), None
        aggregate.dump_pending, aggregate.fault = False, None
        aggregate.wants(Want.RUNNING if active or aggregate.want is Want.ABSENT else aggregate.want)


def reset_state(instance: Instance, *, state: VmState, at: datetime) -> None:
    """Declare the instance active or in error. Raises NotFound. Source: compute API reference, `os-resetState`."""
    require_legal(instance, Action.RESET_STATE)
    reason = "The instance's state was reset."
    abandon_snapshot(instance, reason=reason, at=at)
    abandon_move(instance, reason=reason, at=at)
    instance.record(StateReset, state=state.value, at=at)
