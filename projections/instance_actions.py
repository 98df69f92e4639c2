"""The instance actions table: who asked for what, and what became of it (API: `os-instance-actions`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from domain.aggregate import Event
from domain.instance.build import BuildFailed, BuildStarted, InstanceActivated
from domain.instance.crash_dump import CrashDumpRequested, CrashDumpTriggered
from domain.instance.deletion import DeletionRequested, InstanceDeleted
from domain.instance.evacuation import EvacuationRequested, InstanceEvacuated
from domain.instance.instance import Instance
from domain.instance.interfaces import (
    InterfaceAttached,
    InterfaceAttachFailed,
    InterfaceAttachRequested,
    InterfaceDetached,
    InterfaceDetachFailed,
    InterfaceDetachRequested,
)
from domain.instance.live_migration import InstanceMigrated, LiveMigrationRequested
from domain.instance.lock import InstanceLocked, InstanceUnlocked
from domain.instance.move import DestinationChosen, MoveFailed
from domain.instance.password import PasswordChanged, PasswordChangeRequested
from domain.instance.pause import InstancePaused, InstanceUnpaused, PauseRequested, UnpauseRequested
from domain.instance.power import (
    InstanceLost,
    InstanceRebooted,
    InstanceStarted,
    InstanceStopped,
    OperationFailed,
    RebootRequested,
    StartRequested,
    StopRequested,
)
from domain.instance.rebuild import InstanceRebuilt, RebuildRequested
from domain.instance.request import InstanceRequested
from domain.instance.rescue import InstanceRescued, InstanceUnrescued, RescueRequested, UnrescueRequested
from domain.instance.reset import StateReset
from domain.instance.resize import (
    InstanceResized,
    MigrationRequested,
    ResizeConfirmed,
    ResizeRequested,
    ResizeReverted,
    ResizeRevertRequested,
)
from domain.instance.scheduling import InstanceScheduled, SchedulingFailed
from domain.instance.shelve import (
    InstanceOffloaded,
    InstanceShelved,
    InstanceUnshelved,
    OffloadRequested,
    ShelveRequested,
    UnshelveRequested,
)
from domain.instance.snapshot import SnapshotFailed, SnapshotRequested, SnapshotTaken
from domain.instance.suspend import InstanceResumed, InstanceSuspended, ResumeRequested, SuspendRequested
from journal.envelope import Recorded
from projections.fold import Folded
from projections.tables import instance_actions
from projections.writes import Writes

OPEN = "open_actions"


@dataclass(frozen=True, slots=True)
class Begins:
    """An event that begins an action; `event` is Nova's name for what the host does."""

    action: str
    event: str


BEGINS: Mapping[type[Event], Begins] = {
    InstanceRequested: Begins("create", "compute__do_build_and_run_instance"),
    DeletionRequested: Begins("delete", "compute_terminate_instance"),
    StopRequested: Begins("stop", "compute_stop_instance"),
    StartRequested: Begins("start", "compute_start_instance"),
    RebootRequested: Begins("reboot", "compute_reboot_instance"),
    PauseRequested: Begins("pause", "compute_pause_instance"),
    UnpauseRequested: Begins("unpause", "compute_unpause_instance"),
    SuspendRequested: Begins("suspend", "compute_suspend_instance"),
    ResumeRequested: Begins("resume", "compute_resume_instance"),
    RescueRequested: Begins("rescue", "compute_rescue_instance"),
    UnrescueRequested: Begins("unrescue", "compute_unrescue_instance"),
    RebuildRequested: Begins("rebuild", "compute_rebuild_instance"),
    PasswordChangeRequested: Begins("changePassword", "compute_set_admin_password"),
    CrashDumpRequested: Begins("trigger_crash_dump", "compute_trigger_crash_dump"),
    SnapshotRequested: Begins("createImage", "compute_snapshot_instance"),
    ResizeRequested: Begins("resize", "compute_resize_instance"),
    MigrationRequested: Begins("migrate", "compute_resize_instance"),
    ResizeRevertRequested: Begins("revertResize", "compute_revert_resize"),
    LiveMigrationRequested: Begins("live-migration", "compute_live_migration"),
    EvacuationRequested: Begins("evacuate", "compute_rebuild_instance"),
    ShelveRequested: Begins("shelve", "compute_shelve_instance"),
    OffloadRequested: Begins("shelveOffload", "compute_shelve_offload_instance"),
    UnshelveRequested: Begins("unshelve", "compute_unshelve_instance"),
    ResizeConfirmed: Begins("confirmResize", "compute_confirm_resize"),
    InterfaceAttachRequested: Begins("attach_interface", "compute_attach_interface"),
    InterfaceDetachRequested: Begins("detach_interface", "compute_detach_interface"),
    InstanceLocked: Begins("lock", ""),
    InstanceUnlocked: Begins("unlock", ""),
    StateReset: Begins("resetState", ""),
}

SUCCEEDS: Mapping[type[Event], tuple[str, ...]] = {
    InstanceActivated: ("create",),
    InstanceDeleted: ("delete",),
    InstanceStopped: ("stop",),
    InstanceStarted: ("start",),
    InstanceRebooted: ("reboot",),
    InstancePaused: ("pause",),
    InstanceUnpaused: ("unpause",),
    InstanceSuspended: ("suspend",),
    InstanceResumed: ("resume",),
    InstanceRescued: ("rescue",),
    InstanceUnrescued: ("unrescue",),
    InstanceRebuilt: ("rebuild",),
    PasswordChanged: ("changePassword",),
    CrashDumpTriggered: ("trigger_crash_dump",),
    SnapshotTaken: ("createImage", "createBackup"),
    InstanceResized: ("resize", "migrate"),
    ResizeReverted: ("revertResize",),
    InstanceMigrated: ("live-migration",),
    InstanceEvacuated: ("evacuate",),
    InstanceShelved: ("shelve",),
    InstanceOffloaded: ("shelveOffload",),
    InstanceUnshelved: ("unshelve",),
    InterfaceAttached: ("attach_interface",),
    InterfaceDetached: ("detach_interface",),
}
"""Which of the actions that are under way it is that an event meets."""

AT_ONCE = (InstanceLocked, InstanceUnlocked, StateReset, ResizeConfirmed)
"""Events that are an action from its beginning to its end: it waits for no host."""

OVERTAKES: Mapping[type[Event], str] = {
    InstanceDeleted: "The instance was deleted first.",
    InstanceStopped: "The guest stopped first.",
    StateReset: "The instance's state was reset.",
}
"""What becomes of all other actions when this happens."""

FAILS: Mapping[type[Event], tuple[str, ...]] = {
    InterfaceAttachFailed: ("attach_interface",),
    InterfaceDetachFailed: ("detach_interface",),
    SnapshotFailed: ("createImage", "createBackup", "shelve"),
    MoveFailed: ("resize", "migrate", "live-migration", "evacuate", "unshelve"),
}
"""Which of the actions that are under way it is that an event ends without success."""

FAILS_ALL = (BuildFailed, SchedulingFailed, OperationFailed, InstanceLost)
UNDER_WAY = (InstanceScheduled, DestinationChosen, BuildStarted)


def action_rows(folded: Folded, recorded: Recorded, writes: Writes) -> None:
    """One row an action: begun by a request, ended by the fact that meets it or by a failure."""
    kind = type(recorded.event)
    under_way: list[dict[str, Any]] = folded.notes.setdefault(OPEN, [])
    changed = [
        ended
        for row in under_way
        if (ended := _met(row, recorded, cast("Instance", folded.aggregate).host)) is not None
    ]
    by_id = {row["request_id"]: row for row in changed}
    still = [row for row in under_way if by_id.get(row["request_id"], row)["result"] is None]
    folded.notes[OPEN] = [by_id.get(row["request_id"], row) for row in still]
    if kind in BEGINS and (recorded.request_id or kind is not OffloadRequested):  # else part of being shelved
        row = _begin(_begins(recorded.event), folded, recorded)
        if kind is ResizeConfirmed:
            row = _end(row, recorded, "Success", None)
        changed.append(row)
        if kind not in AT_ONCE:
            folded.notes[OPEN].append(row)
    for row in changed:
        writes.put(instance_actions, row)


def _met(row: dict[str, Any], recorded: Recorded, host: str | None) -> dict[str, Any] | None:
    """An action after an event; None when the event does not concern it."""
    kind, action = type(recorded.event), row["action"]
    if action in SUCCEEDS.get(kind, ()):
        return _end(row, recorded, "Success", None)
    if kind in OVERTAKES:
        return _end(row, recorded, "Error", OVERTAKES[kind])
    if kind in FAILS_ALL or action in FAILS.get(kind, ()):
        return _end(row, recorded, "Error", getattr(recorded.event, "reason", None))
    if kind in UNDER_WAY:
        return {**row, "host": host, "event_start_time": recorded.time}
    return None


def _begins(event: Event) -> Begins:
    if isinstance(event, SnapshotRequested) and event.backup is not None:
        return Begins("createBackup", "compute_backup_instance")
    return BEGINS[type(event)]


def _begin(begins: Begins, folded: Folded, recorded: Recorded) -> dict[str, Any]:
    instance = cast("Instance", folded.aggregate)
    return {
        "instance_id": instance.id,
        "request_id": recorded.request_id or recorded.id,
        "action": begins.action,
        "user_id": recorded.actor.removeprefix("user:"),
        "project_id": instance.project_id,
        "start_time": recorded.time,
        "updated_at": recorded.time,
        "message": None,
        "event": begins.event,
        "event_start_time": recorded.time if instance.host and begins.event else None,
        "finish_time": None,
        "result": None,
        "details": None,
        "host": instance.host,
        "position": recorded.position,
    }


def _end(row: dict[str, Any], recorded: Recorded, result: str, details: str | None) -> dict[str, Any]:
    return {
        **row,
        "updated_at": recorded.time,
        "event_start_time": row["event_start_time"] or recorded.time,
        "finish_time": recorded.time,
        "result": result,
        "message": "Error" if result == "Error" else None,
        "details": details,
    }
