"""The instances table: what `GET /servers` answers from. One row an instance, also the deleted ones."""

from typing import cast

from domain.instance.instance import Instance
from journal.envelope import Recorded
from projections.fold import Folded
from projections.tables import instances
from projections.writes import Writes


def instance_row(folded: Folded, recorded: Recorded, writes: Writes) -> None:
    """The row is the folded instance, so that no rule of the domain exists twice."""
    instance = cast("Instance", folded.aggregate)
    fault = instance.fault
    writes.put(
        instances,
        {
            "id": instance.id,
            "project_id": instance.project_id,
            "user_id": instance.user_id,
            "name": instance.name,
            "hostname": instance.hostname,
            "description": instance.description,
            "vm_state": str(instance.vm_state),
            "task_state": None if instance.task is None else str(instance.task),
            "power_state": int(instance.power),
            "want": str(instance.want),
            "generation": instance.generation,
            "host": instance.host,
            "flavor": instance.flavor,
            "flavor_id": instance.flavor["id"],
            "image": instance.image,
            "image_id": instance.image.get("id"),
            "networks": instance.networks,
            "nics": instance.nics,
            "key": instance.key,
            "metadata": instance.metadata,
            "config_drive": instance.config_drive,
            "user_data_sha256": instance.user_data_sha256,
            "fault": None if fault is None else {**fault, "created": fault["created"].isoformat()},
            "locked": instance.locked,
            "locked_by": instance.locked_by,
            "locked_reason": instance.locked_reason,
            "reservation_id": instance.reservation_id,
            "launch_index": instance.launch_index,
            "created_at": instance.created_on,
            "updated_at": instance.modified_on,
            "launched_at": instance.launched_at,
            "terminated_at": instance.terminated_at,
            "deleted": instance.is_deleted,
            "version": instance.version,
            "created_position": folded.created_position,
            "position": recorded.position,
        },
    )
