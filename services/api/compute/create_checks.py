"""What a new server needs must be there: flavor, image, networks, key pair, all looked up in one question to the read model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, or_, outerjoin, select

from domain.flavor import FLAVOR_PARTS
from domain.image.image import ImageStatus
from domain.network.addresses import can_give
from domain.placement.hosts import DEFAULT_ZONE
from domain.project.quota import UNLIMITED
from domain.project.usage import amounts_of
from projections.tables import (
    flavor_access,
    flavors,
    host_zones,
    hosts,
    images,
    keypairs,
    networks,
    ports,
    server_groups,
    subnets,
)
from services.api.call import Call
from services.api.compute.create_request import Wanted, WantedNetwork
from services.api.compute.quota_rows import quota_of
from services.api.errors import Refusal
from services.api.image.visibility import can_see

GIB = 1 << 30

FLAVOR = select(flavors).where(flavors.c.id == bindparam("flavor_id"), flavors.c.deleted.is_(False))
ACCESS = select(flavor_access.c.flavor_id).where(
    flavor_access.c.flavor_id == bindparam("flavor_id"), flavor_access.c.project_id == bindparam("project_id")
)
HOST = select(hosts.c.name).where(hosts.c.name == bindparam("host"))
ZONE = select(host_zones.c.zone).where(host_zones.c.zone == bindparam("zone")).limit(1)
GROUP = select(server_groups.c.id).where(
    server_groups.c.id == bindparam("group"),
    server_groups.c.project_id == bindparam("project_id"),
    server_groups.c.deleted.is_(False),
)
IMAGE = select(images).where(images.c.id == bindparam("image_id"), images.c.status != ImageStatus.DELETED.value)
KEY = select(keypairs.c.name, keypairs.c.type, keypairs.c.public_key).where(
    keypairs.c.user_id == bindparam("user_id"),
    keypairs.c.name == bindparam("key_name"),
    keypairs.c.deleted.is_(False),
)
SUBNETS = outerjoin(networks, subnets, subnets.c.network_id == networks.c.id)
WITH_SUBNET = select(networks, subnets.c.cidr, subnets.c.gateway).select_from(SUBNETS)
NETWORKS = WITH_SUBNET.where(
    networks.c.deleted.is_(False), or_(networks.c.shared.is_(True), networks.c.project_id == bindparam("project_id"))
)
NAMED_NETWORK = WITH_SUBNET.where(networks.c.id == bindparam("network_id"), networks.c.deleted.is_(False))
NAMED_PORT = select(ports).where(ports.c.id == bindparam("port_id"))
TAKEN = select(ports.c.id).where(ports.c.network_id == bindparam("network_id"), ports.c.address == bindparam("address"))


@dataclass(frozen=True, slots=True)
class Parts:
    """What the event holds of the things that the server is made from, as they are now."""

    flavor: dict[str, Any]
    image: dict[str, Any]
    networks: list[dict[str, Any]]
    key: dict[str, str] | None
    takes: Mapping[str, int]  # of the quota, each server
    quota_seems_enough: bool  # for one: the project's own stream decides
    most_members: int  # of the server group, when there is one
    default_limits: Mapping[str, int]  # of all projects that have none of their own


def usable_networks(project_id: str, connection: Connection) -> list[str]:
    """The ids of the networks that have addresses for a project."""
    rows = connection.execute(NETWORKS, {"project_id": project_id}).mappings()
    return [row["id"] for row in rows if row["cidr"] is not None]


async def parts(call: Call, wanted: Wanted) -> Parts:
    """Look everything up. Raises Refusal 400, 403, and 409 when it is not clear which network is meant."""
    return await call.dependencies.reads.query(partial(_parts, call, wanted))


def _parts(call: Call, wanted: Wanted, connection: Connection) -> Parts:
    flavor = connection.execute(FLAVOR, {"flavor_id": wanted.flavor_id}).mappings().first()
    if flavor is None or not may_use(call, flavor, connection):
        raise Refusal(400, f"Flavor {wanted.flavor_id} could not be found.")
    image = connection.execute(IMAGE, {"image_id": wanted.image_id}).mappings().first()
    if image is None or not can_see(image, call.caller):
        raise Refusal(400, "Can not find requested image")
    require_fit(flavor, image)
    _require_place(call, wanted, connection)
    quota = quota_of(connection, call.project_id)
    takes = amounts_of(flavor)
    require_few(wanted.metadata, quota.limits["metadata_items"])
    return Parts(
        flavor={"id": flavor["id"], **{name: flavor[name] for name in FLAVOR_PARTS}},
        image={name: image[name] for name in ("id", "name", "size", "checksum", "disk_format")},
        networks=_networks(call, wanted, connection),
        key=_key(call, wanted, connection),
        takes=takes,
        quota_seems_enough=quota.has_room(takes),
        most_members=quota.limits["server_group_members"],
        default_limits=quota.defaults,
    )


def _require_place(call: Call, wanted: Wanted, connection: Connection) -> None:
    """Pass when the zone, the host and the server group that were named are there. Raises Refusal 400, NotAllowed."""
    if wanted.host is not None:
        call.require("os_compute_api:servers:create:forced_host")
        if connection.execute(HOST, {"host": wanted.host}).first() is None:
            raise Refusal(400, f"Compute host {wanted.host} could not be found.")
    if wanted.zone not in (None, DEFAULT_ZONE) and connection.execute(ZONE, {"zone": wanted.zone}).first() is None:
        raise Refusal(400, "The requested availability zone is not available")
    if wanted.group is not None:
        found = connection.execute(GROUP, {"group": wanted.group, "project_id": call.project_id}).first()
        if found is None:
            raise Refusal(400, f"Instance group {wanted.group} could not be found.")


def may_use(call: Call, flavor: RowMapping, connection: Connection) -> bool:
    """Whether the flavor is public, or the caller's project was granted access to it."""
    if flavor["is_public"] or call.caller.is_admin:
        return True
    return connection.execute(ACCESS, {"flavor_id": flavor["id"], "project_id": call.project_id}).first() is not None


def require_few(metadata: Mapping[str, str], most: int) -> None:
    """Pass when a server may have so many metadata. Raises Refusal 403."""
    if most != UNLIMITED and len(metadata) > most:
        raise Refusal(403, f"Maximum number of metadata items exceeds {most}")


def require_fit(flavor: RowMapping, image: RowMapping) -> None:
    """Pass when the image can be booted in this flavor. Raises Refusal 400."""
    if image["status"] != ImageStatus.ACTIVE:
        raise Refusal(400, f"Image {image['id']} is not active.")
    if flavor["ram"] < image["min_ram"]:
        raise Refusal(400, "Flavor's memory is too small for requested image.")
    disk = flavor["disk"] * GIB
    if disk == 0:  # as large as the image
        return
    if image["min_disk"] * GIB > disk:
        raise Refusal(
            400,
            "Flavor's disk is smaller than the minimum size specified in image metadata. "
            f"Flavor disk is {disk} bytes, minimum size is {image['min_disk'] * GIB} bytes.",
        )
    if image["virtual_size"] > disk:
        raise Refusal(
            400,
            "Flavor's disk is too small for requested image. "
            f"Flavor disk is {disk} bytes, image is {image['virtual_size']} bytes.",
        )


def _key(call: Call, wanted: Wanted, connection: Connection) -> dict[str, str] | None:
    if wanted.key_name is None:
        return None
    found = connection.execute(KEY, {"user_id": call.caller.user_id, "key_name": wanted.key_name}).mappings().first()
    if found is None:
        raise Refusal(400, "Invalid key_name provided.")
    if found["type"] != "ssh":
        raise Refusal(501, "This cloud cannot give certificates to guests yet: name a key pair of type ssh.")
    return {"name": found["name"], "public_key": found["public_key"]}


def _networks(call: Call, wanted: Wanted, connection: Connection) -> list[dict[str, Any]]:
    if wanted.networks is not None:
        return [_named(call, network, connection) for network in wanted.networks]
    usable: Sequence[RowMapping] = (
        connection.execute(NETWORKS.limit(2), {"project_id": call.project_id}).mappings().all()
    )
    if len(usable) > 1:
        raise Refusal(
            409, "More than one possible network found. Specify network ID(s) to select which one(s) to connect to."
        )
    if not usable and wanted.networks_must_exist:
        raise Refusal(400, f"Unable to automatically allocate a network for project {call.project_id}")
    return [{"network_id": _with_addresses(network)["id"]} for network in usable]


def _named(call: Call, wanted: WantedNetwork, connection: Connection) -> dict[str, Any]:
    if wanted.port_id is not None:
        return _port(call, wanted.port_id, connection)
    network = connection.execute(NAMED_NETWORK, {"network_id": wanted.network_id}).mappings().first()
    if network is None or not (network["shared"] or network["project_id"] == call.project_id or call.caller.is_admin):
        raise Refusal(400, f"Network {wanted.network_id} could not be found.")
    _with_addresses(network)
    if wanted.fixed_ip is None:
        return {"network_id": network["id"]}
    _require_free(network, wanted.fixed_ip, connection)
    return {"network_id": network["id"], "fixed_ip": wanted.fixed_ip}


def _with_addresses(network: RowMapping) -> RowMapping:
    if network["cidr"] is None:
        raise Refusal(400, f"Network {network['id']} requires a subnet in order to boot instances on.")
    return network


def _port(call: Call, port_id: str, connection: Connection) -> dict[str, Any]:
    """A port that was made before: it brings its network and its address."""
    port = connection.execute(NAMED_PORT, {"port_id": port_id}).mappings().first()
    if port is None or not (port["project_id"] == call.project_id or call.caller.is_admin):
        raise Refusal(400, f"Port id {port_id} could not be found.")
    if port["device_id"]:
        raise Refusal(409, f"Port {port_id} is still in use.")
    if port["address"] is None:
        raise Refusal(400, f"Port {port_id} requires a FixedIP in order to be used.")
    return {"network_id": port["network_id"], "port_id": port_id}


def _require_free(network: RowMapping, address: str, connection: Connection) -> None:
    """The address can be given as far as the read model knows; the network itself decides when it is allocated."""
    if not can_give(network["cidr"], network["gateway"], address):
        raise Refusal(400, f"Fixed IP address {address} is not a valid address of network {network['id']}.")
    if connection.execute(TAKEN, {"network_id": network["id"], "address": address}).first() is not None:
        raise Refusal(400, f"Fixed IP address {address} is already in use on network {network['id']}.")
