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
from domain.instance.deletion import InstanceDeleted, finish_unplaced_deletion
from domain.instance.desired import Want
from domain.instance.evacuation import InstanceEvacuated
from domain.instance.instance import Instance, InstanceEvent
from domain.instance.interfaces import cards_reported
from domain.instance.legality import Action
from domain.instance.live_migration import InstanceMigrated
from domain.instance.move import HostLeft, abandon_move
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
from domain.instance.resize import GuestParked, InstanceResized, ResizeReverted
from domain.instance.shelve import InstanceOffloaded, InstanceShelved, InstanceUnshelved, offload
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
    Task.UPDATING_PASSWORD: Ends(PasswordChanged, lambda _: True),
    Task.IMAGE_SNAPSHOT_PENDING: Ends(SnapshotTaken, lambda _: True, _image_of),
    Task.IMAGE_BACKUP: Ends(SnapshotTaken, lambda _: True, _image_of),
}
"""Tasks that one report of the host's agent ends."""


def observe(instance: Instance, seen: Observation, *, at: datetime, host: str | None = None) -> None:
    """Record what follows from a report of a host (None: of the one that it lives on).

    Nothing follows from a report that is stale or says nothing new, or of a host that has no part in the instance.
    """
    if instance.is_deleted or seen.generation != instance.generation:
        return
    host = host or instance.host
    if host == instance.host:
        _lives_here(instance, seen, at)
    elif host in instance.leaving:
        _leaves(instance, seen, str(host), at)
    elif instance.task is Task.MIGRATING and instance.move is not None and host == instance.move.target:
        _comes(instance, seen, str(host), at)


def _leaves(instance: Instance, seen: Observation, host: str, at: datetime) -> None:
    """A host on which nothing may be left."""
    if not seen.settled or seen.exists:
        return
    instance.record(HostLeft, host=host, at=at)
    finish_unplaced_deletion(instance, at=at)


def _comes(instance: Instance, seen: Observation, host: str, at: datetime) -> None:
    """A host that a running guest goes to."""
    if not seen.settled:
        return
    if seen.error is not None or not seen.exists:
        abandon_move(instance, reason=seen.error or GONE, at=at)
    else:
        instance.record(InstanceMigrated, host=host, at=at)


def _lives_here(instance: Instance, seen: Observation, at: datetime) -> None:
    if not seen.settled:
        if instance.task is Task.SPAWNING and not instance.building:
            instance.record(BuildStarted, at=at)
        return
    _interrupted(instance, seen, at)
    task = instance.task
    if task is None:
        _changed_by_itself(instance, seen, at)
    elif task in ENDS:
        _ended(instance, seen, ENDS[task], at)
    elif task in OTHERWISE:
        OTHERWISE[task](instance, seen, at)
    if seen.exists and instance.want is not Want.ABSENT:
        cards_reported(instance, error=seen.error, at=at)


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
    if seen.exists:
        return
    if instance.leaving:
        instance.record(HostLeft, host=instance.host, at=at)
    else:
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


def _rebuilt(instance: Instance, seen: Observation, at: datetime) -> None:
    """Rebuilt where it is; or, where its host was given up, on another one."""
    move = instance.move
    if move is None:
        parts = {"stages": dict(seen.stages)}
        _ended(instance, seen, Ends(InstanceRebuilt, lambda _: True, lambda _instance, _seen: parts), at)
    elif move.target is None:
        return  # its host is not heard from; should it be, nothing is asked of it any more
    elif seen.error is not None:
        _failed(instance, seen, str(instance.task), seen.error, at)
    elif not seen.exists:
        _lost(instance, at)
    else:
        instance.record(InstanceEvacuated, at=at)
        _changed_by_itself(instance, seen, at)


def _parked(instance: Instance, seen: Observation, at: datetime) -> None:
    """The old host has shut the guest down, for another one to take it over."""
    if seen.error is not None or (seen.exists and seen.power not in OFF):
        abandon_move(instance, reason=seen.error or "The guest could not be shut down.", at=at)
    elif not seen.exists:
        _lost(instance, at)
    else:
        instance.record(GuestParked, host=instance.host, at=at)


def _arrived(instance: Instance, seen: Observation, at: datetime) -> None:
    """The new host has taken the guest over."""
    if seen.error is not None or not seen.exists:
        abandon_move(instance, reason=seen.error or GONE, at=at)
    else:
        instance.record(InstanceResized, at=at)


def _reverted(instance: Instance, seen: Observation, at: datetime) -> None:
    """The old host has the guest as it was."""
    if instance.want is Want.PARKED and instance.leaving and seen.exists:
        return  # its other self is still there
    if seen.error is not None:
        _failed(instance, seen, str(instance.task), seen.error, at)
    elif not seen.exists:
        _lost(instance, at)
    else:
        instance.record(ResizeReverted, at=at)
        _changed_by_itself(instance, seen, at)


def _migrating(instance: Instance, seen: Observation, at: datetime) -> None:
    """The host that a running guest goes away from. As long as the guest is well there, the other host's word counts."""
    if not seen.exists or seen.power in OFF:
        abandon_move(instance, reason="The guest stopped on its way.", at=at)
        _changed_by_itself(instance, seen, at)


def _shelved(instance: Instance, seen: Observation, at: datetime) -> None:
    if seen.error is not None:
        abandon_snapshot(instance, reason=seen.error, at=at)
    elif not seen.exists:
        _lost(instance, at)
    elif seen.power not in OFF:
        abandon_snapshot(instance, reason="The guest could not be shut down.", at=at)
    else:
        instance.record(InstanceShelved, image_id=(instance.errand or {})["image_id"], at=at)
        offload(instance, at=at)  # nobody gains by a guest that is off and takes a host's capacity


def _offloaded(instance: Instance, seen: Observation, at: datetime) -> None:
    if not seen.exists:
        instance.record(InstanceOffloaded, host=instance.host, at=at)


def _unshelved(instance: Instance, seen: Observation, at: datetime) -> None:
    if seen.error is None and seen.exists:
        instance.record(InstanceUnshelved, image_id=instance.shelved_image_id or "", at=at)
        _changed_by_itself(instance, seen, at)
    elif not abandon_move(instance, reason=seen.error or GONE, at=at):  # it was still on its host
        _failed(instance, seen, str(instance.task), seen.error or GONE, at)


OTHERWISE: Mapping[Task, Callable[[Instance, Observation, datetime], None]] = {
    Task.SPAWNING: _built,
    Task.DELETING: _deleted,
    Task.POWERING_OFF: _power_changed,
    Task.POWERING_ON: _power_changed,
    Task.REBOOTING: _power_changed,
    Task.REBOOTING_HARD: _power_changed,
    Task.REBUILDING: _rebuilt,
    Task.RESIZE_MIGRATING: _parked,
    Task.RESIZE_FINISH: _arrived,
    Task.RESIZE_REVERTING: _reverted,
    Task.MIGRATING: _migrating,
    Task.SHELVING: _shelved,
    Task.SHELVING_OFFLOADING: _offloaded,
    Task.UNSHELVING: _unshelved,
}
"""What is made of a report while a task is under way that does not end in one way only."""


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
    abandon_move(instance, reason=GONE, at=at)
    instance.record(InstanceLost, reason=GONE, at=at)


def _found(seen: Observation) -> type[InstanceEvent] | None:
    """What a guest that should run is instead, if it is off in no way."""
    return InstanceRescued if seen.rescued else STANDS_STILL.get(seen.power)


STANDS_STILL: Mapping[PowerState, type[InstanceEvent]] = {
    PowerState.PAUSED: InstancePaused,
    PowerState.SUSPENDED: InstanceSuspended,
}

STOPS_BY_ITSELF = frozenset({VmState.ACTIVE, VmState.PAUSED, VmState.SUSPENDED})
"""States in which a guest that is found off, or not at all, has changed by itself."""


def _changed_by_itself(instance: Instance, seen: Observation, at: datetime) -> None:
    """What is seen though nobody asked for it."""
    if instance.vm_state is VmState.ACTIVE and seen.exists and seen.error is not None and (fact := _found(seen)):
        instance.record(fact, at=at)  # it was declared active, and its host could not make it so
    elif instance.vm_state in STOPS_BY_ITSELF:
        if not seen.exists:
            _lost(instance, at)
        elif seen.power in OFF:
            default = StopReason.CRASHED if seen.power is PowerState.CRASHED else StopReason.HOST
            instance.record(InstanceStopped, reason=(seen.stop_reason or default).value, at=at)
