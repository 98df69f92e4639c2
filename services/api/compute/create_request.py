"""What a body of `POST /servers` asks for, once its form is right: everything that can be judged without looking anything up."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.api.errors import Refusal
from services.api.schema import is_true, is_uuid

AT_ONCE = 1000
"""How many instances one request may ask for: each is an event of its own."""


@dataclass(frozen=True, slots=True)
class WantedNetwork:
    """A network that was named, and the address on it where that was named too; or a port, which brings both."""

    network_id: str | None
    fixed_ip: str | None = None
    port_id: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request for one or more servers."""

    name: str
    flavor_id: str
    image_id: str
    networks: tuple[WantedNetwork, ...] | None  # None: whichever there is
    networks_must_exist: bool  # "auto" was said: without any network there is no server
    least: int  # so many must be made, or none
    count: int  # so many, when the quota allows
    metadata: Mapping[str, str]
    key_name: str | None
    user_data: str | None
    admin_password: str | None
    config_drive: bool
    description: str | None
    hostname: str | None
    return_reservation_id: bool
    zone: str | None
    host: str | None  # that an administrator wants
    hints: Mapping[str, Any]
    details: Mapping[str, str | None]  # those that the request has no part for
    tags: tuple[str, ...]

    @property
    def group(self) -> str | None:
        """The server group that they are to be members of."""
        return self.hints.get("group")

    @property
    def user_data_sha256(self) -> str | None:
        """What the log holds of the user data."""
        return None if self.user_data is None else hashlib.sha256(self.user_data.encode()).hexdigest()

    def name_of(self, index: int) -> str:
        """The nth server's name."""
        return self.name if self.count == 1 else f"{self.name}-{index + 1}"

    def hostname_of(self, index: int, instance_id: str) -> str:
        """The nth server's host name."""
        if self.hostname is not None:
            return self.hostname
        return hostname_from(self.name_of(index)) or f"server-{instance_id}"


def hostname_from(name: str) -> str:
    """A host name made of a server's name: lower case letters, digits and hyphens; empty when nothing is left."""
    words = re.sub(r"[ _.]", "-", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-zA-Z0-9-]", "", words).lower()[:63].strip("-")


def _image_id(server: Mapping[str, Any]) -> str:
    """The image of the root disk. Block devices may say no more than that, as some clients do. Raises Refusal 400."""
    named: str = server.get("imageRef") or ""
    if server.get("block_device_mapping"):
        raise Refusal(
            400, "Block Device Mapping is Invalid: this cloud has no volumes. Leave out 'block_device_mapping'."
        )
    for device in server.get("block_device_mapping_v2", ()):
        image_id = device.get("uuid")
        if (
            device.get("source_type") != "image"
            or device.get("destination_type", "local") != "local"
            or device.get("boot_index") not in (0, "0")
            or not isinstance(image_id, str)
            or named not in ("", image_id)
        ):
            raise Refusal(
                400,
                "Block Device Mapping is Invalid: this cloud has no volumes and no disks but the root disk. The only device "
                "that can be asked for is the image as a local disk with boot_index 0.",
            )
        named = image_id
    if not named:
        raise Refusal(400, "Missing imageRef attribute")
    return named


HINTS = frozenset({"group", "same_host", "different_host"})
"""The scheduler hints that are gone by."""

NOT_BUILT: Mapping[str, tuple[Callable[[Mapping[str, Any]], bool], str]] = {
    "personality": (lambda server: bool(server["personality"]), "injected files"),
    "os:scheduler_hints": (lambda server: bool(set(server["os:scheduler_hints"]) - HINTS), "other scheduler hints"),
    "OS-SCH-HNT:scheduler_hints": (
        lambda server: bool(set(server["OS-SCH-HNT:scheduler_hints"]) - HINTS),
        "other scheduler hints",
    ),
    "trusted_image_certificates": (lambda server: bool(server["trusted_image_certificates"]), "trusted certificates"),
}
"""What may be asked for in Nova and is not built: when it matters, and what it is called. Better refused than ignored."""


def wanted(body: Mapping[str, Any]) -> Wanted:
    """Read a body whose form is right. Raises Refusal 400, 403, 501."""
    server = {**body["server"], **{name: hints for name, hints in body.items() if name != "server"}}
    _refuse_what_is_not_built(server)
    for group in server.get("security_groups", ()):
        if group.get("name") != "default":
            raise Refusal(400, f"Security group {group.get('name')} not found for project.")
    least, count = _counts(server)
    zone, host = _place(server)
    networks = _networks(server.get("networks"))
    if count > 1 and server.get("hostname") is not None:
        raise Refusal(400, "Unable to allocate a single hostname to multiple instances")
    if count > 1 and any(network.fixed_ip for network in networks or ()):
        raise Refusal(
            400,
            "Failed to launch instances: max_count cannot be greater than 1 if an fixed_ip is specified.",
        )
    if count > 1 and any(network.port_id for network in networks or ()):
        raise Refusal(
            400,
            "Failed to launch multiple instances with a single configured port ID. Please launch your instance one by "
            "one with different ports.",
        )
    return Wanted(
        name=server["name"],
        flavor_id=_flavor_id(server["flavorRef"]),
        image_id=_image_id(server),
        networks=networks,
        networks_must_exist=server.get("networks") == "auto",
        least=least,
        count=count,
        metadata=server.get("metadata", {}),
        key_name=server.get("key_name"),
        user_data=server.get("user_data"),
        admin_password=server.get("adminPass"),
        config_drive=is_true(server.get("config_drive", True)),
        description=server.get("description"),
        hostname=server.get("hostname"),
        return_reservation_id=is_true(server.get("return_reservation_id", False)),
        zone=zone,
        host=host,
        hints=server.get("os:scheduler_hints") or server.get("OS-SCH-HNT:scheduler_hints") or {},
        details={name: server[field] for field, name in DETAILS.items() if server.get(field)},
        tags=tuple(server.get("tags", ())),
    )


DETAILS: Mapping[str, str] = {
    "accessIPv4": "access_ipv4",
    "accessIPv6": "access_ipv6",
    "OS-DCF:diskConfig": "disk_config",
}
"""Details of a server that its request has no part for, and what the domain calls them."""


def _place(server: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The zone and the host that were asked for. Administrators may write `zone:host` or `zone:host:node`. Raises Refusal 400."""
    zone, *rest = server.get("availability_zone", "").split(":")
    named = {host for host in (*rest, server.get("host"), server.get("hypervisor_hostname")) if host}
    if len(rest) > MOST_PARTS or len(named) > 1:
        raise Refusal(400, "Unable to parse availability_zone: it is ZONE, or ZONE:HOST, and a host has one name here.")
    return zone or None, named.pop() if named else None


MOST_PARTS = 2  # host and node, behind the zone


def _refuse_what_is_not_built(server: Mapping[str, Any]) -> None:
    for name, (matters, what) in NOT_BUILT.items():
        if name in server and matters(server):
            raise Refusal(501, f"This cloud cannot do {what} yet: leave out '{name}'.")


def _flavor_id(ref: str | int) -> str:
    """The id; clients may send the flavor's URL."""
    return str(ref).rstrip("/").rpartition("/")[2]


def _counts(server: Mapping[str, Any]) -> tuple[int, int]:
    least = int(server.get("min_count", 1))
    most = int(server.get("max_count", least))
    if least < 1 or most < 1:
        raise Refusal(400, "min_count and max_count must be at least 1")
    if least > most:
        raise Refusal(400, "min_count must be <= max_count")
    if most > AT_ONCE:
        raise Refusal(
            403, f"Quota exceeded for instances: Requested {most}, but at most {AT_ONCE} can be asked for at once"
        )
    return least, most


def _networks(asked: Any) -> tuple[WantedNetwork, ...] | None:
    if asked is None or asked in ("auto", []):
        return None
    if asked == "none":
        return ()
    found: list[WantedNetwork] = []
    for network in asked:
        if network.get("tag") is not None:
            raise Refusal(501, "This cloud cannot tag devices yet: leave out 'tag'.")
        network_id, port_id, fixed_ip = network.get("uuid"), network.get("port"), network.get("fixed_ip")
        if port_id is not None:
            if fixed_ip is not None:
                raise Refusal(
                    400,
                    f"Specified Fixed IP '{fixed_ip}' cannot be used with port '{port_id}': the two cannot be "
                    "specified together.",
                )
            if any(other.port_id == port_id for other in found):
                raise Refusal(400, f"Port {port_id} is named more than once.")
            found.append(WantedNetwork(None, port_id=port_id))
            continue
        if network_id is None:
            raise Refusal(400, "Bad network format: missing uuid")
        if not is_uuid(network_id):
            raise Refusal(400, f"Bad networks format: network uuid is not in proper format ({network_id})")
        found.append(WantedNetwork(network_id, fixed_ip))
    return tuple(found)
