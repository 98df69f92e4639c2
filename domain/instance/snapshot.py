"""Snapshot: an image is made of the guest's disk. The agent uploads it; the image waits for its bytes until then."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from domain.instance.desired import STEADY, ErrandKind
from domain.instance.instance import Instance, InstanceEvent
from domain.instance.legality import Action, require_legal
from domain.instance.state import Task


class SnapshotRequested(InstanceEvent):
    """A user asked for an image of the disk. `backup` says which series of backups it is one of, and how many are kept."""

    TOPIC: ClassVar[str] = "chronova.instance.snapshot-requested.v1"

    image_id: str
    disk_format: str
    backup: dict[str, Any] | None  # type: daily, weekly …; keep: how many

    def apply(self, aggregate: Instance) -> None:
        """The agent has work."""
        aggregate.task = Task.IMAGE_SNAPSHOT_PENDING if self.backup is None else Task.IMAGE_BACKUP
        aggregate.wants(aggregate.want)
        aggregate.errand = {
            "kind": ErrandKind.SNAPSHOT.value,
            "image_id": self.image_id,
            "disk_format": self.disk_format,
            "backup": self.backup,
        }


class SnapshotTaken(InstanceEvent):
    """The image has its bytes."""

    TOPIC: ClassVar[str] = "chronova.instance.snapshot-taken.v1"

    image_id: str
    backup: dict[str, Any] | None

    def apply(self, aggregate: Instance) -> None:
        """It is as before."""
        aggregate.task, aggregate.errand = None, None


class SnapshotFailed(InstanceEvent):
    """Nothing came of the image; what waits for its bytes is discarded in answer to this event."""

    TOPIC: ClassVar[str] = "chronova.instance.snapshot-failed.v1"

    image_id: str
    reason: str

    def apply(self, aggregate: Instance) -> None:
        """It is as before, and the agent is told so: a guest that was shut down to be shelved is started again."""
        aggregate.task = None
        aggregate.wants(STEADY.get(aggregate.vm_state, aggregate.want))


def abandon_snapshot(instance: Instance, *, reason: str, at: datetime) -> bool:
    """Record that nothing comes of a snapshot that is under way; whether there was one."""
    errand = instance.errand
    if errand is None or errand["kind"] != ErrandKind.SNAPSHOT:
        return False
    instance.record(SnapshotFailed, image_id=errand["image_id"], reason=reason, at=at)
    return True


def snapshot(
    instance: Instance, *, image_id: str, disk_format: str, backup: Mapping[str, Any] | None = None, at: datetime
) -> None:
    """Ask for an image of the disk. Raises IllegalInState. Source: compute API reference, `createImage`, `createBackup`."""
    require_legal(instance, Action.CREATE_IMAGE if backup is None else Action.CREATE_BACKUP)
    kept = None if backup is None else dict(backup)
    instance.record(SnapshotRequested, image_id=image_id, disk_format=disk_format, backup=kept, at=at)
