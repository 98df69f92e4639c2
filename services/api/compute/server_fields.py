"""What a server shows: one table of its fields, in the order they are written. When each exists: `microversions.SPANS`."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import RowMapping

from domain.instance.interfaces import ATTACHING
from services.api.compute.links import bookmark, links, micro, second
from services.api.compute.microversions import Version, exists
from services.api.compute.status import status_of

Value: TypeAlias = Callable[[RowMapping, str], Any]

ABSENT = object()
"""The value of a field that this server does not have now."""

PROGRESSING = frozenset({"ACTIVE", "BUILD", "REBUILD", "RESIZE", "VERIFY_RESIZE", "MIGRATING"})
FAULTY = frozenset({"ERROR", "DELETED"})


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a server."""

    name: str
    value: Value  # of the server's row and the API's base URL
    admin: bool = False  # only administrators see it
    shown: bool = False  # only where one server is shown, not in lists
    span: str = ""  # its name in SPANS where that is not the field's own


def host_id(project_id: str, host: str | None) -> str:
    """A name for the host that tells a project which of its servers share one, and nothing else."""
    return "" if host is None else hashlib.sha224(f"{project_id}{host}".encode()).hexdigest()


def status(row: RowMapping) -> str:
    """The server's status."""
    return status_of(row["vm_state"], row["task_state"])


def addresses(row: RowMapping) -> dict[str, list[dict[str, Any]]]:
    """The server's addresses by the names of its networks."""
    found: dict[str, list[dict[str, Any]]] = {}
    for nic in row["nics"]:
        if nic.get("state") == ATTACHING:
            continue
        found.setdefault(nic["network_name"], []).append(
            {
                "version": 4,
                "addr": nic["address"],
                "OS-EXT-IPS:type": "fixed",
                "OS-EXT-IPS-MAC:mac_addr": nic["mac"],
            }
        )
    return found


def plain_addresses(row: RowMapping) -> dict[str, list[dict[str, Any]]]:
    """The same, and nothing else of them."""
    return {
        network: [{"version": each["version"], "addr": each["addr"]} for each in found]
        for network, found in addresses(row).items()
    }


def _image(row: RowMapping, base: str) -> Any:
    image_id = row["image_id"]
    return {"id": image_id, "links": bookmark(base, "images", image_id)} if image_id else ""


def _flavor_link(row: RowMapping, base: str) -> dict[str, Any]:
    return {"id": row["flavor_id"], "links": bookmark(base, "flavors", row["flavor_id"])}


def _flavor(row: RowMapping, _base: str) -> dict[str, Any]:
    flavor = row["flavor"]
    return {
        "vcpus": flavor["vcpus"],
        "ram": flavor["ram"],
        "disk": flavor["disk"],
        "ephemeral": flavor["ephemeral"],
        "swap": flavor["swap"],
        "original_name": flavor["name"],
        "extra_specs": flavor["extra_specs"],
    }


def _fault(row: RowMapping, _base: str) -> Any:
    fault = row["fault"]
    if fault is None or status(row) not in FAULTY:
        return ABSENT
    return {"code": fault["code"], "created": f"{fault['created'][:19]}Z", "message": fault["message"]}


def _security_groups(row: RowMapping, _base: str) -> Any:
    return [{"name": "default"}] if row["networks"] else ABSENT


def _host_status(row: RowMapping, _base: str) -> str:
    if row["host"] is None:
        return ""
    if not row["host_up"]:
        return "DOWN"
    return "UP" if row["host_enabled"] else "MAINTENANCE"


FIELDS: tuple[Field, ...] = (
    Field("id", lambda row, _: row["id"]),
    Field("name", lambda row, _: row["name"]),
    Field("status", lambda row, _: status(row)),
    Field("tenant_id", lambda row, _: row["project_id"]),
    Field("user_id", lambda row, _: row["user_id"]),
    Field("metadata", lambda row, _: row["metadata"]),
    Field("hostId", lambda row, _: host_id(row["project_id"], row["host"])),
    Field("image", _image),
    Field("flavor", _flavor_link, span="flavor as a link"),
    Field("flavor", _flavor, span="flavor embedded"),
    Field("created", lambda row, _: second(row["created_at"])),
    Field("updated", lambda row, _: second(row["updated_at"])),
    Field("addresses", lambda row, _: addresses(row)),
    Field("accessIPv4", lambda row, _: row["access_ipv4"] or ""),
    Field("accessIPv6", lambda row, _: row["access_ipv6"] or ""),
    Field("links", lambda row, base: links(base, "servers", row["id"])),
    Field("OS-DCF:diskConfig", lambda row, _: row["disk_config"]),
    Field("progress", lambda row, _: 0 if status(row) in PROGRESSING else ABSENT),
    Field("fault", _fault),
    Field("OS-EXT-AZ:availability_zone", lambda row, _: row["zone"]),
    Field("config_drive", lambda row, _: "True" if row["config_drive"] else ""),
    Field("key_name", lambda row, _: (row["key"] or {}).get("name")),
    Field("OS-SRV-USG:launched_at", lambda row, _: micro(row["launched_at"])),
    Field("OS-SRV-USG:terminated_at", lambda row, _: micro(row["terminated_at"])),
    Field("OS-EXT-SRV-ATTR:host", lambda row, _: row["host"], admin=True),
    Field("OS-EXT-SRV-ATTR:instance_name", lambda row, _: f"instance-{row['created_position']:08x}", admin=True),
    Field("OS-EXT-SRV-ATTR:hypervisor_hostname", lambda row, _: row["host"], admin=True),
    Field(
        "OS-EXT-SRV-ATTR:hostname",
        lambda row, _: row["hostname"],
        admin=True,
        span="OS-EXT-SRV-ATTR:hostname for admins",
    ),
    Field("OS-EXT-SRV-ATTR:hostname", lambda row, _: row["hostname"]),
    Field("OS-EXT-SRV-ATTR:kernel_id", lambda _row, _: "", admin=True),
    Field("OS-EXT-SRV-ATTR:launch_index", lambda row, _: row["launch_index"], admin=True),
    Field("OS-EXT-SRV-ATTR:ramdisk_id", lambda _row, _: "", admin=True),
    Field("OS-EXT-SRV-ATTR:reservation_id", lambda row, _: row["reservation_id"], admin=True),
    Field("OS-EXT-SRV-ATTR:root_device_name", lambda _row, _: "/dev/vda", admin=True),
    # User data may hold passwords: nobody is shown another's, whatever the role.
    Field("OS-EXT-SRV-ATTR:user_data", lambda _row, _: None, admin=True),
    Field("OS-EXT-STS:task_state", lambda row, _: row["task_state"]),
    Field("OS-EXT-STS:vm_state", lambda row, _: row["vm_state"]),
    Field("OS-EXT-STS:power_state", lambda row, _: row["power_state"]),
    Field("os-extended-volumes:volumes_attached", lambda _row, _: []),
    Field("security_groups", _security_groups),
    Field("locked", lambda row, _: row["locked"]),
    Field("host_status", _host_status, admin=True),
    Field("description", lambda row, _: row["description"]),
    Field("tags", lambda row, _: row["tags"]),
    Field("trusted_image_certificates", lambda _row, _: None),
    Field("server_groups", lambda row, _: [row["hints"]["group"]] if "group" in row["hints"] else [], shown=True),
    Field("locked_reason", lambda row, _: row["locked_reason"]),
    Field("pinned_availability_zone", lambda row, _: row["pinned_zone"]),
)


@lru_cache(maxsize=1024)
def fields_of(version: Version, *, admin: bool, shown: bool) -> tuple[tuple[str, Value], ...]:
    """The fields that a server has in a microversion, for administrators or not, alone or in a list."""
    return tuple(
        (field.name, field.value)
        for field in FIELDS
        if (admin or not field.admin)
        and (shown or not field.shown)
        and exists(f"server.{field.span or field.name}", version)
    )


def server(row: RowMapping, base: str, version: Version, *, admin: bool, shown: bool = False) -> dict[str, Any]:
    """A server in full."""
    return {
        name: value
        for name, of in fields_of(version, admin=admin, shown=shown)
        if (value := of(row, base)) is not ABSENT
    }


def brief(row: RowMapping, base: str) -> dict[str, Any]:
    """A server in a short list."""
    return {"id": row["id"], "name": row["name"], "links": links(base, "servers", row["id"])}
