"""In which order a list holds servers. Source: compute API reference, "List Servers", `sort_key` and `sort_dir`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, func

from projections.tables import instances
from services.api.compute.paging import Order
from services.api.compute.server_rows import ZONE

NULL_TEXT, NULL_TIME = "", datetime(1, 1, 1, tzinfo=UTC)


def _text(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(column, NULL_TEXT)


def _time(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(column, NULL_TIME, type_=column.type)


SORT_KEYS: Mapping[str, ColumnElement[Any] | None] = {
    "access_ip_v4": _text(instances.c.access_ipv4),
    "access_ip_v6": _text(instances.c.access_ipv6),
    "auto_disk_config": instances.c.disk_config,
    "availability_zone": ZONE,
    "config_drive": instances.c.config_drive,
    "created_at": instances.c.created_at,
    "display_description": _text(instances.c.description),
    "display_name": instances.c.name,
    "host": _text(instances.c.host),
    "hostname": instances.c.hostname,
    "image_ref": _text(instances.c.image_id),
    "instance_type_id": instances.c.flavor_id,
    "key_name": _text(instances.c.key["name"].as_string()),
    "launch_index": instances.c.launch_index,
    "launched_at": _time(instances.c.launched_at),
    "locked": instances.c.locked,
    "locked_by": _text(instances.c.locked_by),
    "node": _text(instances.c.host),
    "power_state": instances.c.power_state,
    "project_id": instances.c.project_id,
    "task_state": _text(instances.c.task_state),
    "terminated_at": _time(instances.c.terminated_at),
    "updated_at": instances.c.updated_at,
    "user_id": instances.c.user_id,
    "uuid": instances.c.id,
    "vm_state": instances.c.vm_state,
    # The same for all servers: they sort nothing.
    "kernel_id": None,
    "progress": None,
    "ramdisk_id": None,
    "root_device_name": None,
}
"""What a list can be sorted by; nulls are replaced, so that pages can go on from them."""

FOR_ADMINISTRATORS = frozenset({"host", "node"})
"""Where servers live is nobody else's business: others' wish is ignored."""

NOT_SORTED_BY = frozenset(
    {
        "architecture", "cell_name", "cleaned", "default_ephemeral_device", "default_swap_device", "deleted",
        "deleted_at", "disable_terminate", "ephemeral_gb", "ephemeral_key_uuid", "id", "key_data", "launched_on",
        "locked", "memory_mb", "os_type", "reservation_id", "root_gb", "shutdown_terminate", "user_data", "vcpus",
        "vm_mode",
    }
)  # fmt: skip
"""What early microversions take for a key, and ignore."""


def order_of(keys: Sequence[str], directions: Sequence[str], *, admin: bool) -> list[Order]:
    """How a list is sorted: newest first unless it says otherwise, and always the same for equal keys."""
    order = []
    for number, key in enumerate(keys or ["created_at"]):
        column = SORT_KEYS.get(key)
        if column is not None and (admin or key not in FOR_ADMINISTRATORS):
            order.append(
                Order(column, descending=(directions[number] if number < len(directions) else "desc") == "desc")
            )
    last_down = order[-1].descending if order else True
    return [*order, Order(instances.c.created_position, descending=last_down)]
