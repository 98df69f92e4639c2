"""The tables of quotas: each project's own limits, what it uses, and what uses it; and the limits of the classes."""

from typing import cast

from domain.identity.project import Project
from domain.project.quota import QuotaClass
from domain.project.usage import UsageReleased, UsageReserved
from journal.envelope import Recorded
from projections.fold import Folded
from projections.tables import quota_classes, quotas, reservations
from projections.writes import Writes


def quota_row(folded: Folded, _recorded: Recorded, writes: Writes) -> None:
    """One row a project."""
    project = cast("Project", folded.aggregate)
    # In copies: an aggregate goes on changing while what is written waits for its transaction.
    writes.put(quotas, {"project_id": project.id, "limits": dict(project.limits), "usage": dict(project.usage)})


def reservation_rows(_folded: Folded, recorded: Recorded, writes: Writes) -> None:
    """One row a reservation that stands."""
    event = recorded.event
    if isinstance(event, UsageReserved):
        for holder, amounts in event.reservations.items():
            writes.put(
                reservations,
                {
                    "project_id": recorded.aggregate_id,
                    "holder": holder,
                    "amounts": amounts,
                    "reserved_at": recorded.time,
                },
            )
    elif isinstance(event, UsageReleased):
        for holder in event.holders:
            writes.remove(reservations, recorded.aggregate_id, holder)


def quota_class_row(folded: Folded, _recorded: Recorded, writes: Writes) -> None:
    """One row a class."""
    quota_class = cast("QuotaClass", folded.aggregate)
    writes.put(quota_classes, {"name": quota_class.id, "limits": dict(quota_class.limits)})
