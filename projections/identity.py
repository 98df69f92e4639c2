"""The tables of who may act where: projects, users and the roles they were granted."""

from typing import cast

from domain.identity import Project, RoleGranted, User
from domain.project.usage import UsageReleased, UsageReserved
from journal.envelope import Recorded
from projections.fold import Folded
from projections.tables import projects, role_grants, users
from projections.writes import Writes


def project_row(folded: Folded, recorded: Recorded, writes: Writes) -> None:
    """One row a project; what it uses is in other tables."""
    if isinstance(recorded.event, UsageReserved | UsageReleased):
        return
    project = cast("Project", folded.aggregate)
    writes.put(
        projects,
        {
            "id": project.id,
            "name": project.name,
            "description": project.description,
            "created_at": project.created_on,
        },
    )


def user_rows(folded: Folded, recorded: Recorded, writes: Writes) -> None:
    """One row a user, and one for each role in a project."""
    user = cast("User", folded.aggregate)
    event = recorded.event
    if isinstance(event, RoleGranted):
        writes.put(role_grants, {"user_id": user.id, "project_id": event.project_id, "role": event.role})
    else:
        writes.put(users, {"id": user.id, "name": user.name, "created_at": user.created_on})
