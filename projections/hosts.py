"""The hosts and claims tables: what there is, and who holds what of it."""

from typing import cast
from uuid import UUID, uuid5

from domain.host.claims import ClaimsGranted, ClaimsReleased
from domain.host.host import Host
from journal.envelope import Recorded
from projections.fold import Folded
from projections.tables import claims, hosts
from projections.writes import Writes

HOSTS = UUID("c4be4c0b-2d8c-4f86-9d1e-0a5f2f2f6b11")


def host_id(name: str) -> str:
    """The id that the API gives a host (hypervisor and service): always the same for a name."""
    return str(uuid5(HOSTS, name))


def host_row(folded: Folded, recorded: Recorded, writes: Writes) -> None:
    """One row a host."""
    host = cast("Host", folded.aggregate)
    writes.put(
        hosts,
        {
            "name": host.id,
            "id": host_id(host.id),
            "up": host.up,
            "forced_down": host.forced_down,
            "enabled": host.enabled,
            "disabled_reason": host.disabled_reason,
            "inventory": host.inventory,
            "capacity": host.capacity.document(),
            "used": host.claimed.document(),
            "claims": len(host.claims),
            "registered_at": host.created_on,
            "updated_at": host.modified_on,
            "created_position": folded.created_position,
            "version": host.version,
            "position": recorded.position,
        },
    )


def claim_rows(_folded: Folded, recorded: Recorded, writes: Writes) -> None:
    """One row a claim that stands."""
    event = recorded.event
    if isinstance(event, ClaimsGranted):
        for instance_id, resources in event.claims.items():
            writes.put(
                claims,
                {
                    "host": recorded.aggregate_id,
                    "instance_id": instance_id,
                    "resources": resources,
                    "granted_at": recorded.time,
                },
            )
    elif isinstance(event, ClaimsReleased):
        for instance_id in event.instance_ids:
            writes.remove(claims, recorded.aggregate_id, instance_id)
