"""Power: stop, start, reboot. A decision only says what is wanted; the agent makes it so and reports the fact."""

from datetime import datetime
from typing import ClassVar

from domain.instance.desired import STEADY, Restarts, Want
from domain.instance.instance import Instance, InstanceEvent
from domain.instance.legality import Action, require_legal
from domain.instance.state import PowerState, StopReason, Task, VmState


class StopRequested(InstanceEvent):
    """A user asked for the guest to be shut down."""

    TOPIC: ClassVar[str] = "chronova.instance.stop-requested.v1"

    def apply(self, aggregate: Instance) -> None:
        """The agent has work."""
        aggregate.task = Task.POWERING_OFF
        aggregate.wants(Want.SHUTDOWN)


class InstanceStopped(InstanceEvent):
    """The guest no longer runs; `reason` (a StopReason) tells whose doing it was."""

    TOPIC: ClassVar[str] = "chronova.instance.stopped.v1"

    reason: str

    def apply(self, aggregate: Instance) -> None:
        """A guest that stopped by itself is left off: what is wanted follows what happened."""
        aggregate.vm_state, aggregate.task, aggregate.power = VmState.STOPPED, None, PowerState.SHUTDOWN
        aggregate.fault = None
        if aggregate.want is not Want.SHUTDOWN:
            aggregate.wants(Want.SHUTDOWN)


class StartRequested(InstanceEvent):
    """A user asked for the guest to be powered on."""

    TOPIC: ClassVar[str] = "chronova.instance.start-requested.v1"

    def apply(self, aggregate: Instance) -> None:
        """The agent has work."""
        aggregate.task = Task.POWERING_ON
        aggregate.wants(Want.RUNNING)


class InstanceStarted(InstanceEvent):
    """The guest runs again."""

    TOPIC: ClassVar[str] = "chronova.instance.started.v1"

    def apply(self, aggregate: Instance) -> None:
        """It is active."""
        aggregate.vm_state, aggregate.task, aggregate.power = VmState.ACTIVE, None, PowerState.RUNNING
        aggregate.fault = None


class RebootRequested(InstanceEvent):
    """A user asked for a restart: soft (the guest shuts down by itself) or hard (power cycle)."""

    TOPIC: ClassVar[str] = "chronova.instance.reboot-requested.v1"

    hard: bool

    def apply(self, aggregate: Instance) -> None:
        """The agent has work: it reboots when it has seen fewer restarts than are wanted."""
        aggregate.task = Task.REBOOTING_HARD if self.hard else Task.REBOOTING
        aggregate.restarts = Restarts(aggregate.restarts.count + 1, self.hard)
        aggregate.wants(Want.RUNNING)


class InstanceRebooted(InstanceEvent):
    """The guest was restarted and runs."""

    TOPIC: ClassVar[str] = "chronova.instance.rebooted.v1"

    def apply(self, aggregate: Instance) -> None:
        """It is active."""
        aggregate.vm_state, aggregate.task, aggregate.power = VmState.ACTIVE, None, PowerState.RUNNING
        aggregate.fault = None


class OperationFailed(InstanceEvent):
    """The agent could not do what was asked. What is wanted goes back to what is."""

    TOPIC: ClassVar[str] = "chronova.instance.operation-failed.v1"

    operation: str  # the task that failed
    reason: str
    power: int  # what the hypervisor showed after it failed

    def apply(self, aggregate: Instance) -> None:
        """The user sees the fault and may try again."""
        aggregate.task, aggregate.power, aggregate.dump_pending = None, PowerState(self.power), False
        aggregate.fault = {"code": 500, "message": self.reason, "created": self.timestamp}
        if self.operation == Action.CRASH_DUMP:
            aggregate.wants(aggregate.want)
            return
        if self.operation in HARMLESS and aggregate.vm_state in STEADY:
            aggregate.wants(STEADY[aggregate.vm_state])
            return
        aggregate.settle_move()
        running = aggregate.power is PowerState.RUNNING
        aggregate.vm_state = VmState.ACTIVE if running else VmState.ERROR
        aggregate.wants(Want.RUNNING if running else Want.SHUTDOWN)


HARMLESS = frozenset(
    {
        Task.PAUSING.value,
        Task.UNPAUSING.value,
        Task.SUSPENDING.value,
        Task.RESUMING.value,
        Task.UPDATING_PASSWORD.value,
        Task.IMAGE_SNAPSHOT_PENDING.value,
        Task.IMAGE_BACKUP.value,
        Task.RESCUING.value,
        Task.UNRESCUING.value,
    }
)
"""Operations that leave an instance as it was when they fail. After others the power that is seen decides."""


class InstanceLost(InstanceEvent):
    """The guest is gone from its host though nobody asked for that."""

    TOPIC: ClassVar[str] = "chronova.instance.lost.v1"

    reason: str

    def apply(self, aggregate: Instance) -> None:
        """It ends in error; its claim stays until it is deleted."""
        aggregate.vm_state, aggregate.task, aggregate.power = VmState.ERROR, None, PowerState.NOSTATE
        aggregate.errand, aggregate.dump_pending = None, False
        aggregate.settle_move()
        aggregate.fault = {"code": 500, "message": self.reason, "created": self.timestamp}


def stop(instance: Instance, *, at: datetime) -> None:
    """Ask for the guest to be shut down.

    Raises IllegalInState unless it is active or in error and no task is under way. Source: compute API reference, `os-stop`.
    """
    require_legal(instance, Action.STOP)
    instance.record(StopRequested, at=at)


def start(instance: Instance, *, at: datetime) -> None:
    """Ask for the guest to be powered on. Raises IllegalInState. Source: compute API reference, `os-start`."""
    require_legal(instance, Action.START)
    instance.record(StartRequested, at=at)


def reboot(instance: Instance, *, hard: bool, at: datetime) -> None:
    """Ask for a restart. Raises IllegalInState. Source: compute API reference, `reboot`."""
    require_legal(instance, Action.REBOOT_HARD if hard else Action.REBOOT)
    instance.record(RebootRequested, hard=hard, at=at)


def stopped(instance: Instance, *, reason: StopReason, at: datetime) -> None:
    """Record that the guest no longer runs."""
    instance.record(InstanceStopped, reason=reason.value, at=at)
