"""Who may act where, in the read model: users, projects, and the roles that one has in the other."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from projections.tables import projects, role_grants, users

DOMAIN: Mapping[str, str] = {"id": "default", "name": "Default"}
"""The only domain."""


def user_by(connection: Connection, *, user_id: str | None = None, name: str | None = None) -> RowMapping | None:
    """A user, by id or by name."""
    condition = users.c.id == user_id if user_id is not None else users.c.name == name
    return connection.execute(select(users).where(condition)).mappings().first()


def project_by(connection: Connection, *, project_id: str | None = None, name: str | None = None) -> RowMapping | None:
    """A project, by id or by name."""
    condition = projects.c.id == project_id if project_id is not None else projects.c.name == name
    return connection.execute(select(projects).where(condition)).mappings().first()


def roles_of(connection: Connection, user_id: str, project_id: str) -> tuple[str, ...]:
    """The roles that a user was granted in a project."""
    query = select(role_grants.c.role).where(role_grants.c.user_id == user_id, role_grants.c.project_id == project_id)
    return tuple(connection.execute(query).scalars())


def projects_of(connection: Connection, user_id: str) -> Sequence[RowMapping]:
    """The projects that a user has a role in."""
    mine = select(role_grants.c.project_id).where(role_grants.c.user_id == user_id)
    return (
        connection.execute(select(projects).where(projects.c.id.in_(mine)).order_by(projects.c.name)).mappings().all()
    )


def is_default_domain(reference: Any) -> bool:
    """Whether a client means the one domain there is; it may also say nothing."""
    if reference is None:
        return True
    return isinstance(reference, dict) and (
        reference.get("id") == DOMAIN["id"] or reference.get("name") == DOMAIN["name"]
    )
