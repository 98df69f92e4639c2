"""The tables of who may act where: projects, users, the roles they were granted, and application credentials."""

from datetime import datetime
from typing import cast

from domain.identity.credential import Credential
from domain.identity.project import Project
from domain.identity.role import RoleGranted, RoleRevoked
from domain.identity.user import DETAILS, User
from domain.project.usage import UsageReleased, UsageReserved
from journal.envelope import Recorded
from projections.fold import Folded
from projections.tables import credentials, projects, role_grants, users
from projections.writes import Writes


def project_row(folded: Folded, recorded: Recorded, writes: Writes) -> None:
    """One row a project, also the deleted ones; what it uses is in other tables."""
    if isinstance(recorded.event, UsageReserved | UsageReleased):
        return
    project = cast("Project", folded.aggregate)
    writes.put(
        projects,
        {
            "id": project.id,
            "name": project.name,
            "description": project.description,
            "enabled": project.enabled,
            "deleted": project.is_deleted,
            "created_at": project.created_on,
        },
    )


def user_rows(folded: Folded, recorded: Recorded, writes: Writes) -> None:
    """One row a user, also the deleted ones, and one for each role in a project."""
    user = cast("User", folded.aggregate)
    event = recorded.event
    if isinstance(event, RoleGranted):
        writes.put(role_grants, {"user_id": user.id, "project_id": event.project_id, "role": event.role})
    elif isinstance(event, RoleRevoked):
        writes.remove(role_grants, user.id, event.project_id, event.role)
    else:
        writes.put(
            users,
            {
                "id": user.id,
                **{detail: getattr(user, detail) for detail in DETAILS},
                "enabled": user.enabled,
                "deleted": user.is_deleted,
                "created_at": user.created_on,
            },
        )


def credential_row(folded: Folded, _recorded: Recorded, writes: Writes) -> None:
    """One row an application credential, also the deleted ones."""
    credential = cast("Credential", folded.aggregate)
    ends = credential.expires_at
    writes.put(
        credentials,
        {
            "id": credential.id,
            "user_id": credential.user_id,
            "project_id": credential.project_id,
            "name": credential.name,
            "description": credential.description,
            "roles": credential.roles,
            "expires_at": None if ends is None else datetime.fromisoformat(ends),
            "unrestricted": credential.unrestricted,
            "deleted": credential.is_deleted,
            "created_at": credential.created_on,
        },
    )
