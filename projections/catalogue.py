"""The tables of what instances are made from: flavors, images, key pairs."""

from typing import cast

from domain.flavor import FLAVOR_PARTS, Flavor, FlavorDeleted
from domain.flavor_changes import FlavorAccessGranted, FlavorAccessRevoked
from domain.image.image import IMAGE_PARTS, Image
from domain.keypair import KeyPair
from journal.envelope import Recorded
from projections.fold import Folded
from projections.tables import flavor_access, flavors, images, keypairs
from projections.writes import Writes


def flavor_row(folded: Folded, _recorded: Recorded, writes: Writes) -> None:
    """One row a flavor, also the deleted ones."""
    flavor = cast("Flavor", folded.aggregate)
    writes.put(
        flavors,
        {
            "id": flavor.flavor_id,
            **{name: getattr(flavor, name) for name in FLAVOR_PARTS},
            "rxtx_factor": flavor.rxtx_factor,
            "deleted": flavor.is_deleted,
            "created_at": flavor.created_on,
            "created_position": folded.created_position,
        },
    )


def flavor_access_rows(folded: Folded, recorded: Recorded, writes: Writes) -> None:
    """One row a project that may use a flavor."""
    flavor, event = cast("Flavor", folded.aggregate), recorded.event
    if isinstance(event, FlavorAccessGranted):
        writes.put(flavor_access, {"flavor_id": flavor.flavor_id, "project_id": event.project_id})
    elif isinstance(event, FlavorAccessRevoked):
        writes.remove(flavor_access, flavor.flavor_id, event.project_id)
    elif isinstance(event, FlavorDeleted):
        for project_id in flavor.projects:
            writes.remove(flavor_access, flavor.flavor_id, project_id)


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
            "hidden": image.hidden,
            "members": image.members,
            "created_at": image.created_on,
            "updated_at": image.modified_on,
            "created_position": folded.created_position,
        },
    )


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
