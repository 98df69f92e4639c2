"""The instance actions table: who asked for what, and what became of it (API: `os-instance-actions`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from domain.aggregate import Event
from domain.instance.build import BuildFailed, BuildStarted, InstanceActivated
from domain.instance.crash_dump import CrashDumpRequested, CrashDumpTriggered
from domain.instance.deletion import DeletionRequested, InstanceDeleted
from domain.instance.instance import Instance
from domain.instance.lock import InstanceLocked, InstanceUnlocked
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
from domain.instance.scheduling import InstanceScheduled, SchedulingFailed
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
    InstanceLocked: Begins("lock", ""),
    InstanceUnlocked: Begins("unlock", ""),
    StateReset: Begins("resetState", ""),
}

SUCCEEDS: Mapping[type[Event], str] = {
    InstanceActivated: "create",
    InstanceDeleted: "delete",
    InstanceStopped: "stop",
    InstanceStarted: "start",
    InstanceRebooted: "reboot",
    InstancePaused: "pause",
    InstanceUnpaused: "unpause",
    InstanceSuspended: "suspend",
    InstanceResumed: "resume",
    InstanceRescued: "rescue",
    InstanceUnrescued: "unrescue",
    InstanceRebuilt: "rebuild",
    PasswordChanged: "changePassword",
    CrashDumpTriggered: "trigger_crash_dump",
}

AT_ONCE = (InstanceLocked, InstanceUnlocked, StateReset)
"""Events that are an action from its beginning to its end: no host has a part in it."""

OVERTAKES: Mapping[type[Event], str] = {
    InstanceDeleted: "The instance was deleted first.",
    InstanceStopped: "The guest stopped first.",
}
"""What becomes of all other actions when this happens."""

IMAGING = ("createImage", "createBackup")
FAILS_ALL = (BuildFailed, SchedulingFailed, OperationFailed, InstanceLost)
UNDER_WAY = (InstanceScheduled, BuildStarted)


def action_rows(folded: Folded, recorded: Recorded, writes: Writes) -> None:
    """One row an action: begun by a request, ended by the fact that meets it or by a failure."""
    event, kind = recorded.event, type(recorded.event)
    under_way: list[dict[str, Any]] = folded.notes.setdefault(OPEN, [])
    changed: list[dict[str, Any]] = []
    if kind in AT_ONCE:
        changed = [_begin(BEGINS[kind], folded, recorded)]
        if kind is StateReset:
            changed += [_end(row, recorded, "Error", "The instance's state was reset.") for row in under_way]
    elif kind in BEGINS:
        begins = BEGINS[kind]
        if isinstance(event, SnapshotRequested) and event.backup is not None:
            begins = Begins("createBackup", "compute_backup_instance")
        changed = [_begin(begins, folded, recorded)]
        under_way += changed
    elif kind in SUCCEEDS or kind is SnapshotTaken:
        action = IMAGING if kind is SnapshotTaken else (SUCCEEDS[kind],)
        ended = [row for row in under_way if row["action"] in action]
        changed = [_end(row, recorded, "Success", None) for row in ended]
        if kind in OVERTAKES:
            overtaken = [row for row in under_way if row["action"] != SUCCEEDS[kind]]
            changed += [_end(row, recorded, "Error", OVERTAKES[kind]) for row in overtaken]
    elif kind in FAILS_ALL or kind is SnapshotFailed:
        failed = under_way if kind in FAILS_ALL else [row for row in under_way if row["action"] in IMAGING]
        changed = [_end(row, recorded, "Error", getattr(event, "reason", None)) for row in failed]
    elif kind in UNDER_WAY:
        host = cast("Instance", folded.aggregate).host
        changed = [{**row, "host": host, "event_start_time": recorded.time} for row in under_way]
    by_id = {row["request_id"]: row for row in changed}
    under_way = [by_id.get(row["request_id"], row) for row in under_way]
    folded.notes[OPEN] = [row for row in under_way if row["result"] is None]
    for row in changed:
        writes.put(instance_actions, row)


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
