"""Who there is: projects, users, roles and domains. Source: identity API v3 reference."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, select
from starlette.responses import Response

from projections.tables import projects, role_grants, users
from services.api.answers import answer
from services.api.call import Call
from services.api.caller import IMPLIED_ROLES
from services.api.errors import NotAllowed, Refusal
from services.api.identity.bodies import (
    ROLES,
    catalog,
    domain_body,
    fixed_id,
    project_body,
    role_body,
    user_body,
)
from services.api.identity.grants import DOMAIN, project_by, projects_of, user_by
from services.api.schema import is_true


def listing(call: Call, key: str, found: Sequence[Mapping[str, Any]]) -> Response:
    """A list as Keystone wraps it."""
    links = {"self": str(call.request.url), "previous": None, "next": None}
    return answer({key: found, "links": links})


async def list_projects(call: Call) -> Response:
    """200. Filters: name, domain_id, enabled."""
    query = select(projects).order_by(projects.c.name)
    if "name" in call.query:
        query = query.where(projects.c.name == call.query["name"])
    rows = await call.dependencies.reads.query(lambda connection: connection.execute(query).mappings().all())
    return _projects(call, rows if _matches_all(call.query) else ())


async def list_own_projects(call: Call) -> Response:
    """200: the projects that the caller has a role in."""
    rows = await call.dependencies.reads.query(lambda connection: projects_of(connection, call.caller.user_id))
    return _projects(call, rows)


async def list_user_projects(call: Call) -> Response:
    """200: the projects that a user has a role in; 403 for another user's."""
    user_id = call.path["id"]
    if user_id != call.caller.user_id and not call.caller.is_admin:
        raise NotAllowed("identity:list_user_projects")
    rows = await call.dependencies.reads.query(lambda connection: projects_of(connection, user_id))
    return _projects(call, rows)


async def show_project(call: Call) -> Response:
    """200; 403 for a project that the caller has no role in; 404."""
    project_id = call.path["id"]

    def ask(connection: Connection) -> tuple[RowMapping | None, bool]:
        mine = any(row["id"] == project_id for row in projects_of(connection, call.caller.user_id))
        return project_by(connection, project_id=project_id), mine

    row, mine = await call.dependencies.reads.query(ask)
    if not mine and not call.caller.is_admin:
        raise NotAllowed("identity:get_project")
    if row is None:
        raise Refusal(404, f"Could not find project: {project_id}.")
    return answer({"project": project_body(row, call.dependencies.public_url)})


async def list_users(call: Call) -> Response:
    """200. Filters: name, domain_id, enabled."""
    query = select(users).order_by(users.c.name)
    if "name" in call.query:
        query = query.where(users.c.name == call.query["name"])
    rows = await call.dependencies.reads.query(lambda connection: connection.execute(query).mappings().all())
    base = call.dependencies.public_url
    return listing(call, "users", [user_body(row, base) for row in rows] if _matches_all(call.query) else [])


async def show_user(call: Call) -> Response:
    """200; 403 for another user; 404."""
    user_id = call.path["id"]
    if user_id != call.caller.user_id and not call.caller.is_admin:
        raise NotAllowed("identity:get_user")
    row = await call.dependencies.reads.query(lambda connection: user_by(connection, user_id=user_id))
    if row is None:
        raise Refusal(404, f"Could not find user: {user_id}.")
    return answer({"user": user_body(row, call.dependencies.public_url)})


async def list_roles(call: Call) -> Response:
    """200. Filter: name."""
    wanted = call.query.get("name")
    base = call.dependencies.public_url
    return listing(call, "roles", [role_body(name, base) for name in ROLES if wanted in (None, name)])


async def show_role(call: Call) -> Response:
    """200; 404."""
    for name in ROLES:
        if call.path["id"] == fixed_id(f"role {name}"):
            return answer({"role": role_body(name, call.dependencies.public_url)})
    raise Refusal(404, f"Could not find role: {call.path['id']}.")


async def list_role_assignments(call: Call) -> Response:
    """200. Filters: user.id, scope.project.id, role.id, effective, include_names."""
    query = (
        select(role_grants, users.c.name.label("user_name"), projects.c.name.label("project_name"))
        .join(users, users.c.id == role_grants.c.user_id)
        .join(projects, projects.c.id == role_grants.c.project_id)
        .order_by(users.c.name, projects.c.name, role_grants.c.role)
    )
    if "user.id" in call.query:
        query = query.where(role_grants.c.user_id == call.query["user.id"])
    if "scope.project.id" in call.query:
        query = query.where(role_grants.c.project_id == call.query["scope.project.id"])
    rows = await call.dependencies.reads.query(lambda connection: connection.execute(query).mappings().all())
    effective = _flag(call.query, "effective")
    found = [
        _assignment(row, role, call)
        for row in rows
        for role in (IMPLIED_ROLES.get(row["role"], (row["role"],)) if effective else (row["role"],))
        if call.query.get("role.id") in (None, fixed_id(f"role {role}"))
    ]
    return listing(call, "role_assignments", found)


def _assignment(row: RowMapping, role: str, call: Call) -> dict[str, Any]:
    names = _flag(call.query, "include_names")
    project: dict[str, Any] = {"id": row["project_id"]}
    user: dict[str, Any] = {"id": row["user_id"]}
    role_part: dict[str, Any] = {"id": fixed_id(f"role {role}")}
    if names:
        project |= {"name": row["project_name"], "domain": dict(DOMAIN)}
        user |= {"name": row["user_name"], "domain": dict(DOMAIN)}
        role_part |= {"name": role}
    base = f"{call.dependencies.public_url}/identity/v3"
    link = f"{base}/projects/{row['project_id']}/users/{row['user_id']}/roles/{role_part['id']}"
    return {"scope": {"project": project}, "user": user, "role": role_part, "links": {"assignment": link}}


async def list_domains(call: Call) -> Response:
    """200. Filter: name."""
    wanted = call.query.get("name")
    base = call.dependencies.public_url
    return listing(call, "domains", [domain_body(base)] if wanted in (None, DOMAIN["name"]) else [])


async def show_domain(call: Call) -> Response:
    """200; 404."""
    if call.path["id"] != DOMAIN["id"]:
        raise Refusal(404, f"Could not find domain: {call.path['id']}.")
    return answer({"domain": domain_body(call.dependencies.public_url)})


def _services(call: Call) -> list[dict[str, Any]]:
    return [
        {"id": entry["id"], "type": entry["type"], "name": entry["name"], "enabled": True, "description": ""}
        for entry in catalog(call.dependencies)
    ]


async def show_service(call: Call) -> Response:
    """200; 404."""
    for entry in _services(call):
        if entry["id"] == call.path["id"]:
            return answer({"service": entry})
    raise Refusal(404, f"Could not find service: {call.path['id']}.")


async def list_services(call: Call) -> Response:
    """200. Filters: type, name."""
    found = [
        entry
        for entry in _services(call)
        if call.query.get("type") in (None, entry["type"]) and call.query.get("name") in (None, entry["name"])
    ]
    return listing(call, "services", found)


async def list_endpoints(call: Call) -> Response:
    """200. Filters: service_id, interface."""
    found = [
        {**endpoint, "service_id": entry["id"], "enabled": True}
        for entry in catalog(call.dependencies)
        for endpoint in entry["endpoints"]
        if call.query.get("service_id") in (None, entry["id"])
        and call.query.get("interface") in (None, endpoint["interface"])
    ]
    return listing(call, "endpoints", found)


async def list_regions(call: Call) -> Response:
    """200."""
    return listing(call, "regions", [{"id": call.dependencies.region, "description": "", "parent_region_id": None}])


async def not_built(call: Call) -> Response:  # noqa: ARG001 -- a handler
    """501: users and projects are made at a region's first start."""
    raise Refusal(501, "Users, projects and roles cannot be changed through the API yet.")


def _projects(call: Call, rows: Sequence[RowMapping]) -> Response:
    return listing(call, "projects", [project_body(row, call.dependencies.public_url) for row in rows])


def _matches_all(query: Mapping[str, str]) -> bool:
    """Whether filters on what is the same for all let them through: the domain, and being enabled."""
    return query.get("domain_id") in (None, DOMAIN["id"]) and is_true(query.get("enabled", "true"))


def _flag(query: Mapping[str, str], name: str) -> bool:
    """Whether a flag is set: by its mere presence, unless it says no."""
    return name in query and query[name].lower() not in ("0", "false")
