"""Observation: what a host's agent saw of an instance, and which fact follows from it.

Level-triggered: a report carries all that is known at one generation. Reports of another generation, and repeats, change
nothing; the agent reports again whenever it has caught up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from domain.instance.build import BuildFailed, BuildStarted, InstanceActivated
from domain.instance.crash_dump import CrashDumpTriggered
from domain.instance.deletion import InstanceDeleted
from domain.instance.instance import Instance, InstanceEvent
from domain.instance.legality import Action
from domain.instance.password import PasswordChanged
from domain.instance.pause import InstancePaused, InstanceUnpaused
from domain.instance.power import (
    InstanceLost,
    InstanceRebooted,
    InstanceStarted,
    InstanceStopped,
    OperationFailed,
)
from domain.instance.rebuild import InstanceRebuilt
from domain.instance.rescue import InstanceRescued, InstanceUnrescued
from domain.instance.snapshot import SnapshotTaken, abandon_snapshot
from domain.instance.state import PowerState, StopReason, Task, VmState
from domain.instance.suspend import InstanceResumed, InstanceSuspended

GONE = "The guest is gone from its host."
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
    rescued: bool = False  # it was booted from its rescue image

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
            rescued=bool(document["rescued"]),
        )


@dataclass(frozen=True, slots=True)
class Ends:
    """How a task ends: what must be seen, the event that then follows, and its parts."""

    event: type[InstanceEvent]
    met: Callable[[Observation], bool]
    parts: Callable[[Instance, Observation], Mapping[str, Any]] = lambda _instance, _seen: {}


def _power_is(*powers: PowerState) -> Callable[[Observation], bool]:
    return lambda seen: seen.power in powers


def _image_of(instance: Instance, _seen: Observation) -> Mapping[str, Any]:
    errand = instance.errand or {}
    return {"image_id": errand["image_id"], "backup": errand["backup"]}


ENDS: Mapping[Task, Ends] = {
    Task.PAUSING: Ends(InstancePaused, _power_is(PowerState.PAUSED)),
    Task.UNPAUSING: Ends(InstanceUnpaused, _power_is(PowerState.RUNNING)),
    Task.SUSPENDING: Ends(InstanceSuspended, _power_is(PowerState.SUSPENDED)),
    Task.RESUMING: Ends(InstanceResumed, _power_is(PowerState.RUNNING)),
    Task.RESCUING: Ends(InstanceRescued, lambda seen: seen.rescued),
    Task.UNRESCUING: Ends(InstanceUnrescued, lambda seen: not seen.rescued),
    Task.REBUILDING: Ends(InstanceRebuilt, lambda _: True, lambda _, seen: {"stages": dict(seen.stages)}),
    Task.UPDATING_PASSWORD: Ends(PasswordChanged, lambda _: True),
    Task.IMAGE_SNAPSHOT_PENDING: Ends(SnapshotTaken, lambda _: True, _image_of),
    Task.IMAGE_BACKUP: Ends(SnapshotTaken, lambda _: True, _image_of),
}
"""Tasks that one report of the host's agent ends."""


def observe(instance: Instance, seen: Observation, *, at: datetime) -> None:
    """Record what follows from a report; nothing when it is stale or says nothing new."""
    if instance.is_deleted or seen.generation != instance.generation:
        return
    if not seen.settled:
        if instance.task is Task.SPAWNING and not instance.building:
            instance.record(BuildStarted, at=at)
        return
    _interrupted(instance, seen, at)
    match instance.task:
        case Task.SPAWNING:
            _built(instance, seen, at)
        case Task.DELETING:
            _deleted(instance, seen, at)
        case Task.POWERING_OFF | Task.POWERING_ON | Task.REBOOTING | Task.REBOOTING_HARD:
            _power_changed(instance, seen, at)
        case None:
            _changed_by_itself(instance, seen, at)
        case task if task in ENDS:
            _ended(instance, seen, ENDS[task], at)
        case _:
            pass  # nothing is under way on a host


def _interrupted(instance: Instance, seen: Observation, at: datetime) -> None:
    """Whether a crash dump that was asked for was triggered; where a task is under way, it says why that failed too."""
    if instance.dump_pending and seen.error is None:
        instance.record(CrashDumpTriggered, at=at)
    elif instance.dump_pending and instance.task is None:
        _failed(instance, seen, Action.CRASH_DUMP.value, str(seen.error), at)


def _built(instance: Instance, seen: Observation, at: datetime) -> None:
    if seen.error is not None:
        instance.record(BuildFailed, host=instance.host, reason=seen.error, at=at)
    elif not seen.exists:
        # It was made, and went before the region had heard of it.
        instance.record(BuildFailed, host=instance.host, reason=GONE, at=at)
    else:
        instance.record(InstanceActivated, stages=dict(seen.stages), at=at)
        _changed_by_itself(instance, seen, at)


def _deleted(instance: Instance, seen: Observation, at: datetime) -> None:
    # An agent that cannot remove a guest keeps trying: a deletion never fails, it only takes longer.
    if not seen.exists:
        instance.record(InstanceDeleted, at=at)


def _power_changed(instance: Instance, seen: Observation, at: datetime) -> None:
    if not seen.exists:
        _lost(instance, at)
    elif seen.error is not None:
        _failed(instance, seen, str(instance.task), seen.error, at)
    elif instance.task is Task.POWERING_OFF:
        if seen.power in OFF:
            instance.record(InstanceStopped, reason=StopReason.REQUESTED.value, at=at)
    elif seen.power is PowerState.RUNNING:
        instance.record(InstanceStarted if instance.task is Task.POWERING_ON else InstanceRebooted, at=at)
    elif seen.power in OFF:
        # It came up and went down again before the agent could look: the request was met, and then the guest stopped.
        instance.record(InstanceStarted if instance.task is Task.POWERING_ON else InstanceRebooted, at=at)
        _changed_by_itself(instance, seen, at)


def _ended(instance: Instance, seen: Observation, ends: Ends, at: datetime) -> None:
    task = str(instance.task)
    if seen.error is not None:
        _failed(instance, seen, task, seen.error, at)
    elif not seen.exists:
        _lost(instance, at)
        return
    elif ends.met(seen):
        instance.record(ends.event, **ends.parts(instance, seen), at=at)
    elif seen.power not in OFF or instance.vm_state not in STOPS_BY_ITSELF:
        # The agent has done what it can, and it is not enough: better a fault than a task that never ends.
        state = seen.power.name.lower()
        _failed(instance, seen, task, f"The host could not bring that about: the guest's power state is {state}.", at)
    _changed_by_itself(instance, seen, at)


def _failed(instance: Instance, seen: Observation, operation: str, reason: str, at: datetime) -> None:
    if abandon_snapshot(instance, reason=reason, at=at):
        return
    instance.record(OperationFailed, operation=operation, reason=reason, power=int(seen.power), at=at)


def _lost(instance: Instance, at: datetime) -> None:
    abandon_snapshot(instance, reason=GONE, at=at)
    instance.record(InstanceLost, reason=GONE, at=at)


STOPS_BY_ITSELF = frozenset({VmState.ACTIVE, VmState.PAUSED, VmState.SUSPENDED})
"""States in which a guest that is found off, or not at all, has changed by itself."""


def _changed_by_itself(instance: Instance, seen: Observation, at: datetime) -> None:
    if instance.vm_state in STOPS_BY_ITSELF:
        if not seen.exists:
            _lost(instance, at)
        elif seen.power in OFF:
            default = StopReason.CRASHED if seen.power is PowerState.CRASHED else StopReason.HOST
            instance.record(InstanceStopped, reason=(seen.stop_reason or default).value, at=at)
