"""The tables of what instances are made from: flavors, images, networks and their ports, key pairs."""

from typing import cast

from domain.flavor import FLAVOR_PARTS, Flavor
from domain.image import IMAGE_PARTS, Image
from domain.keypair import KeyPair
from domain.network import AddressesAllocated, AddressesReleased, Network
from journal.envelope import Recorded
from projections.fold import Folded
from projections.tables import flavors, images, keypairs, networks, ports
from projections.writes import Writes


def flavor_row(folded: Folded, _recorded: Recorded, writes: Writes) -> None:
    """One row a flavor, also the deleted ones."""
    flavor = cast("Flavor", folded.aggregate)
    writes.put(
        flavors,
        {
            "id": flavor.id,
            **{name: getattr(flavor, name) for name in FLAVOR_PARTS},
            "deleted": flavor.is_deleted,
            "created_at": flavor.created_on,
            "created_position": folded.created_position,
        },
    )


def image_row(folded: Folded, _recorded: Recorded, writes: Writes) -> None:
    """One row an image, also the deleted ones."""
    image = cast("Image", folded.aggregate)
    writes.put(
        images,
        {
            "id": image.id,
            **{name: getattr(image, name) for name in IMAGE_PARTS},
            "status": str(image.status),
            "size": image.size,
            "virtual_size": image.virtual_size,
            "checksum": image.checksum,
            "checksum_md5": image.checksum_md5,
            "created_at": image.created_on,
            "updated_at": image.modified_on,
            "created_position": folded.created_position,
        },
    )


def network_row(folded: Folded, recorded: Recorded, writes: Writes) -> None:
    """One row a network; allocations change only its ports."""
    if isinstance(recorded.event, AddressesAllocated | AddressesReleased):
        return
    network = cast("Network", folded.aggregate)
    first, last = network.allocation_pool()
    writes.put(
        networks,
        {
            "id": network.id,
            "project_id": network.project_id,
            "name": network.name,
            "subnet_id": network.subnet_id,
            "cidr": network.cidr,
            "gateway": network.gateway,
            "pool_start": str(first),
            "pool_end": str(last),
            "dns": network.dns,
            "shared": network.shared,
            "mtu": network.mtu,
            "deleted": network.is_deleted,
            "created_at": network.created_on,
            "updated_at": network.modified_on,
            "created_position": folded.created_position,
        },
    )


def port_rows(folded: Folded, recorded: Recorded, writes: Writes) -> None:
    """One row a port that has an address."""
    event = recorded.event
    if isinstance(event, AddressesAllocated):
        network = cast("Network", folded.aggregate)
        for port_id, held in event.ports.items():
            writes.put(
                ports,
                {
                    "id": port_id,
                    "network_id": network.id,
                    "subnet_id": network.subnet_id,
                    "instance_id": held["instance_id"],
                    "address": held["address"],
                    "mac": held["mac"],
                    "created_at": recorded.time,
                },
            )
    elif isinstance(event, AddressesReleased):
        for port_id in event.port_ids:
            writes.remove(ports, port_id)


def keypair_row(folded: Folded, _recorded: Recorded, writes: Writes) -> None:
    """One row a key pair, also the deleted ones."""
    pair = cast("KeyPair", folded.aggregate)
    writes.put(
        keypairs,
        {
            "id": pair.id,
            "user_id": pair.user_id,
            "name": pair.name,
            "type": pair.type,
            "public_key": pair.public_key,
            "fingerprint": pair.fingerprint,
            "deleted": pair.is_deleted,
            "created_at": pair.created_on,
            "created_position": folded.created_position,
        },
    )
