"""The instances table: what `GET /servers` answers from. One row an instance, also the deleted ones."""

from typing import cast

from domain.instance.instance import Instance
from domain.instance.tags import TagsChanged
from journal.envelope import Recorded
from projections.fold import Folded
from projections.tables import instance_hosts, instance_tags, instances
from projections.writes import Writes

HOSTS = "hosts"

TAGS = "tags"
"""What is noted beside an instance: the tags that it has rows of."""


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
            "pinned_zone": instance.pinned_zone,
            "hints": instance.hints,
            "user_data_sha256": instance.user_data_sha256,
            "fault": None if fault is None else {**fault, "created": fault["created"].isoformat()},
            "shelved_image_id": instance.shelved_image_id,
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
            "access_ipv4": instance.access_ipv4,
            "access_ipv6": instance.access_ipv6,
            "disk_config": instance.disk_config,
            "tags": instance.tags,
            "version": instance.version,
            "created_position": folded.created_position,
            "position": recorded.position,
        },
    )


def instance_host_rows(folded: Folded, _recorded: Recorded, writes: Writes) -> None:
    """One row a host that has a part in an instance which is not deleted."""
    instance = cast("Instance", folded.aggregate)
    hosts = () if instance.is_deleted else instance.hosts
    before: tuple[str, ...] = folded.notes.get(HOSTS, ())
    for host in before:
        if host not in hosts:
            writes.remove(instance_hosts, instance.id, host)
    for host in hosts:
        if host not in before:
            writes.put(instance_hosts, {"instance_id": instance.id, "host": host})
    folded.notes[HOSTS] = hosts


def tag_rows(folded: Folded, recorded: Recorded, writes: Writes) -> None:
    """One row a tag, so that instances are found by it; a deleted instance keeps its own."""
    if not isinstance(recorded.event, TagsChanged):
        return
    before, after = folded.notes.get(TAGS, ()), recorded.event.tags
    folded.notes[TAGS] = after
    for tag in before:
        writes.remove(instance_tags, folded.aggregate.id, tag)
    for tag in after:
        writes.put(instance_tags, {"instance_id": folded.aggregate.id, "tag": tag})
