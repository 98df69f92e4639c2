"""Observation: what a host's agent saw of an instance, and which fact follows from it.

Level-triggered: a report carries all that is known at one generation. Reports of another generation, and repeats, change
nothing; the agent reports again whenever it has caught up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from domain.instance.build import BuildFailed, BuildStarted, InstanceActivated
from domain.instance.deletion import InstanceDeleted
from domain.instance.instance import Instance
from domain.instance.power import (
    InstanceLost,
    InstanceRebooted,
    InstanceStarted,
    InstanceStopped,
    OperationFailed,
)
from domain.instance.state import PowerState, StopReason, Task, VmState

OFF = frozenset({PowerState.SHUTDOWN, PowerState.CRASHED})


@dataclass(frozen=True, slots=True)
class Observation:
    """What the agent saw of one instance."""

    instance_id: str
    generation: int
    exists: bool
    power: PowerState = PowerState.NOSTATE
    settled: bool = True  # False: the agent is still at work on this generation
    stop_reason: StopReason | None = None
    error: str | None = None  # why the agent gave up on this generation
    stages: Mapping[str, float] = field(default_factory=dict)  # of a build: stage → seconds

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what `orjson` made of it. Raises KeyError, TypeError or ValueError when it is not an observation."""
        reason, error = document["stop_reason"], document["error"]
        return cls(
            instance_id=str(document["instance_id"]),
            generation=int(document["generation"]),
            exists=bool(document["exists"]),
            power=PowerState(document["power"]),
            settled=bool(document["settled"]),
            stop_reason=None if reason is None else StopReason(reason),
            error=None if error is None else str(error)[:2000],
            stages={str(name): float(seconds) for name, seconds in document["stages"].items()},
        )


def observe(instance: Instance, seen: Observation, *, at: datetime) -> None:
    """Record what follows from a report; nothing when it is stale or says nothing new."""
    if instance.is_deleted or seen.generation != instance.generation:
        return
    if not seen.settled:
        if instance.task is Task.SPAWNING and not instance.building:
            instance.record(BuildStarted, at=at)
        return
    match instance.task:
        case Task.SPAWNING:
            _built(instance, seen, at)
        case Task.DELETING:
            _deleted(instance, seen, at)
        case Task.POWERING_OFF | Task.POWERING_ON | Task.REBOOTING | Task.REBOOTING_HARD:
            _power_changed(instance, seen, at)
        case None:
            _changed_by_itself(instance, seen, at)
        case _:
            pass  # nothing is under way on a host


def _built(instance: Instance, seen: Observation, at: datetime) -> None:
    if seen.error is not None:
        instance.record(BuildFailed, host=instance.host, reason=seen.error, at=at)
    elif seen.exists:
        instance.record(InstanceActivated, stages=dict(seen.stages), at=at)
        _changed_by_itself(instance, seen, at)


def _deleted(instance: Instance, seen: Observation, at: datetime) -> None:
    # An agent that cannot remove a guest keeps trying: a deletion never fails, it only takes longer.
    if not seen.exists:
        instance.record(InstanceDeleted, at=at)


def _power_changed(instance: Instance, seen: Observation, at: datetime) -> None:
    if not seen.exists:
        instance.record(InstanceLost, reason="The guest is gone from its host.", at=at)
    elif seen.error is not None:
        instance.record(OperationFailed, operation=str(instance.task), reason=seen.error, power=int(seen.power), at=at)
    elif instance.task is Task.POWERING_OFF:
        if seen.power in OFF:
            instance.record(InstanceStopped, reason=StopReason.REQUESTED.value, at=at)
    elif seen.power is PowerState.RUNNING:
        instance.record(InstanceStarted if instance.task is Task.POWERING_ON else InstanceRebooted, at=at)
    elif seen.power in OFF:
        # It came up and went down again before the agent could look: the request was met, and then the guest stopped.
        instance.record(InstanceStarted if instance.task is Task.POWERING_ON else InstanceRebooted, at=at)
        _changed_by_itself(instance, seen, at)


def _changed_by_itself(instance: Instance, seen: Observation, at: datetime) -> None:
    if instance.vm_state is VmState.ACTIVE:
        if not seen.exists:
            instance.record(InstanceLost, reason="The guest is gone from its host.", at=at)
        elif seen.power in OFF:
            default = StopReason.CRASHED if seen.power is PowerState.CRASHED else StopReason.HOST
            instance.record(InstanceStopped, reason=(seen.stop_reason or default).value, at=at)
