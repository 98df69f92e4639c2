"""The tables of groups: of servers that are to live together or apart, and of hosts that are spoken of together."""

from typing import cast

from domain.hostaggregate import HostAggregate
from domain.servergroup import MembersPlaced, ServerGroup
from journal.envelope import Recorded
from projections.fold import Folded
from projections.tables import host_aggregates, host_zones, server_groups
from projections.writes import Writes


def server_group_row(folded: Folded, recorded: Recorded, writes: Writes) -> None:
    """One row a server group, also the deleted ones; where its members live, they say themselves."""
    if isinstance(recorded.event, MembersPlaced):
        return
    group = cast("ServerGroup", folded.aggregate)
    writes.put(
        server_groups,
        {
            "id": group.id,
            "project_id": group.project_id,
            "user_id": group.user_id,
            "name": group.name,
            "policy": group.policy,
            "rules": group.rules,
            "members": list(group.members),
            "deleted": group.is_deleted,
            "created_at": group.created_on,
            "created_position": folded.created_position,
        },
    )


ZONED = "zoned_hosts"


def host_aggregate_rows(folded: Folded, _recorded: Recorded, writes: Writes) -> None:
    """One row a host aggregate, also the deleted ones, and one for each host that it puts into a zone."""
    aggregate = cast("HostAggregate", folded.aggregate)
    writes.put(
        host_aggregates,
        {
            "id": aggregate.id,
            "name": aggregate.name,
            "metadata": aggregate.metadata,
            "hosts": aggregate.hosts,
            "deleted": aggregate.is_deleted,
            "created_at": aggregate.created_on,
            "updated_at": aggregate.modified_on,
            "created_position": folded.created_position,
        },
    )
    zone = None if aggregate.is_deleted else aggregate.zone
    zoned = aggregate.hosts if zone is not None else []
    for host in folded.notes.get(ZONED, ()):
        if host not in zoned:
            writes.remove(host_zones, aggregate.id, host)
    for host in zoned:
        writes.put(host_zones, {"aggregate_id": aggregate.id, "host": host, "zone": zone})
    folded.notes[ZONED] = tuple(zoned)
