"""Roles, and who has been granted which in which project. Source: identity API v3 reference, "Roles"."""

from typing import Any

from sqlalchemy import RowMapping, select
from starlette.responses import Response

from domain.identity.role import IMPLIED_ROLES, grant, revoke
from domain.identity.user import User
from projections.tables import projects, role_grants, users
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.errors import Refusal
from services.api.identity.bodies import fixed_id, role_body
from services.api.identity.grants import DOMAIN, roles_of, the_project, the_user
from services.api.identity.listing import is_set, listing

ROLES = tuple(IMPLIED_ROLES)
ROLE_OF_ID = {fixed_id(f"role {name}"): name for name in ROLES}


def the_role(role_id: str) -> str:
    """A role's name. Raises Refusal 404."""
    if role_id not in ROLE_OF_ID:
        raise Refusal(404, f"Could not find role: {role_id}.")
    return ROLE_OF_ID[role_id]


async def list_roles(call: Call) -> Response:
    """200. Filters: name, domain_id."""
    wanted = call.query.get("name")
    # Roles belong to no domain.
    found = [name for name in ROLES if wanted in (None, name)] if not call.query.get("domain_id") else []
    return listing(call, "roles", [role_body(name, call.dependencies.public_url) for name in found])


async def show_role(call: Call) -> Response:
    """200; 404."""
    return answer({"role": role_body(the_role(call.path["id"]), call.dependencies.public_url)})


async def list_grants(call: Call) -> Response:
    """200: the roles that a user was granted in a project; 404."""
    user_id, project_id = await _both(call)
    granted = await call.dependencies.reads.query(lambda connection: roles_of(connection, user_id, project_id))
    return listing(call, "roles", [role_body(name, call.dependencies.public_url) for name in sorted(granted)])


async def check_grant(call: Call) -> Response:
    """204; 404 when the user has not been granted the role itself."""
    role = the_role(call.path["role"])
    user_id, project_id = await _both(call)
    granted = await call.dependencies.reads.query(lambda connection: roles_of(connection, user_id, project_id))
    if role not in granted:
        raise Refusal(404, f"Could not find role assignment with role: {role}, user: {user_id}, project: {project_id}.")
    return empty(204)


async def create_grant(call: Call) -> Response:
    """204, also when the user has been granted it before; 404."""
    role, at = the_role(call.path["role"]), call.dependencies.clock()
    user_id, project_id = await _both(call)
    saved = await call.dependencies.commands.execute(
        User, user_id, lambda user: grant(user, project_id=project_id, role=role, at=at), call.author
    )
    return empty(204, position=saved.position)


async def revoke_grant(call: Call) -> Response:
    """204; 404. It ends all tokens of the user for the project."""
    role, at = the_role(call.path["role"]), call.dependencies.clock()
    user_id, project_id = await _both(call)
    saved = await call.dependencies.commands.execute(
        User, user_id, lambda user: revoke(user, project_id=project_id, role=role, at=at), call.author
    )
    return empty(204, position=saved.position)


async def _both(call: Call) -> tuple[str, str]:
    """The user and the project in the path, which there are. Raises Refusal 404."""
    project = await the_project(call, call.path["id"])
    user = await the_user(call, call.path["user"])
    return user["id"], project["id"]


async def list_role_assignments(call: Call) -> Response:
    """200. Filters: user.id, scope.project.id, role.id, effective, include_names."""
    query = (
        select(role_grants, users.c.name.label("user_name"), projects.c.name.label("project_name"))
        .join(users, users.c.id == role_grants.c.user_id)
        .join(projects, projects.c.id == role_grants.c.project_id)
        .where(users.c.deleted.is_(False), projects.c.deleted.is_(False))
        .order_by(users.c.name, projects.c.name, role_grants.c.role)
    )
    if "user.id" in call.query:
        query = query.where(role_grants.c.user_id == call.query["user.id"])
    if "scope.project.id" in call.query:
        query = query.where(role_grants.c.project_id == call.query["scope.project.id"])
    rows = await call.dependencies.reads.query(lambda connection: connection.execute(query).mappings().all())
    effective = is_set(call.query, "effective")
    found = [
        _assignment(row, role, call)
        for row in rows
        for role in (IMPLIED_ROLES.get(row["role"], (row["role"],)) if effective else (row["role"],))
        if call.query.get("role.id") in (None, fixed_id(f"role {role}"))
    ]
    # Every assignment is in a project here, and a user's own.
    elsewhere = {"scope.system", "scope.domain.id", "group.id"} & call.query.keys()
    return listing(call, "role_assignments", [] if elsewhere else found)


def _assignment(row: RowMapping, role: str, call: Call) -> dict[str, Any]:
    project: dict[str, Any] = {"id": row["project_id"]}
    user: dict[str, Any] = {"id": row["user_id"]}
    role_part: dict[str, Any] = {"id": fixed_id(f"role {role}")}
    if is_set(call.query, "include_names"):
        project |= {"name": row["project_name"], "domain": dict(DOMAIN)}
        user |= {"name": row["user_name"], "domain": dict(DOMAIN)}
        role_part |= {"name": role}
    base = f"{call.dependencies.public_url}/identity/v3"
    link = f"{base}/projects/{row['project_id']}/users/{row['user_id']}/roles/{role_part['id']}"
    return {"scope": {"project": project}, "user": user, "role": role_part, "links": {"assignment": link}}
