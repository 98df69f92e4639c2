"""Who may act where, in the read model: users, projects, and the roles that one has in the other. Deleted ones are not found."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from projections.tables import projects, role_grants, users
from services.api.call import Call
from services.api.errors import Refusal

DOMAIN: Mapping[str, str] = {"id": "default", "name": "Default"}
"""The only domain."""


def user_by(connection: Connection, *, user_id: str | None = None, name: str | None = None) -> RowMapping | None:
    """A user, by id or by name."""
    condition = users.c.id == user_id if user_id is not None else users.c.name == name
    return connection.execute(select(users).where(condition, users.c.deleted.is_(False))).mappings().first()


def project_by(connection: Connection, *, project_id: str | None = None, name: str | None = None) -> RowMapping | None:
    """A project, by id or by name."""
    condition = projects.c.id == project_id if project_id is not None else projects.c.name == name
    return connection.execute(select(projects).where(condition, projects.c.deleted.is_(False))).mappings().first()


def roles_of(connection: Connection, user_id: str, project_id: str) -> tuple[str, ...]:
    """The roles that a user was granted in a project."""
    query = select(role_grants.c.role).where(role_grants.c.user_id == user_id, role_grants.c.project_id == project_id)
    return tuple(connection.execute(query).scalars())


def projects_of(connection: Connection, user_id: str) -> Sequence[RowMapping]:
    """The projects that a user has a role in, by name."""
    mine = select(role_grants.c.project_id).where(role_grants.c.user_id == user_id)
    query = select(projects).where(projects.c.id.in_(mine), projects.c.deleted.is_(False)).order_by(projects.c.name)
    return connection.execute(query).mappings().all()


async def the_user(call: Call, user_id: str) -> RowMapping:
    """A user. Raises Refusal 404."""
    row = await call.dependencies.reads.query(lambda connection: user_by(connection, user_id=user_id))
    if row is None:
        raise Refusal(404, f"Could not find user: {user_id}.")
    return row


async def the_project(call: Call, project_id: str) -> RowMapping:
    """A project. Raises Refusal 404."""
    row = await call.dependencies.reads.query(lambda connection: project_by(connection, project_id=project_id))
    if row is None:
        raise Refusal(404, f"Could not find project: {project_id}.")
    return row


def is_default_domain(reference: Any) -> bool:
    """Whether a client means the one domain there is; it may also say nothing."""
    if reference is None:
        return True
    return isinstance(reference, dict) and (
        reference.get("id") == DOMAIN["id"] or reference.get("name") == DOMAIN["name"]
    )


def require_default_domain(domain_id: str | None) -> None:
    """Pass the one domain there is, and nothing. Raises Refusal 404."""
    if domain_id not in (None, DOMAIN["id"]):
        raise Refusal(404, f"Could not find domain: {domain_id}.")
