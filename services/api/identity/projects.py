"""Projects. Source: identity API v3 reference, "Projects"."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, select
from starlette.responses import Response

from domain.errors import Conflict
from domain.identity.project import Project, change_project, create_project, delete_project
from journal.errors import JournalError, OutcomeUnknown
from projections.tables import projects
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.errors import NotAllowed, Refusal
from services.api.identity import names
from services.api.identity.bodies import project_body
from services.api.identity.grants import DOMAIN, project_by, projects_of, require_default_domain, the_project
from services.api.identity.listing import filtered, listing
from services.api.schema import BodySchema

SCOPE = "project"
"""Among all projects a name is unique."""

_FIELDS: dict[str, Any] = {
    "name": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": r"\S"},
    "description": {"type": ["string", "null"], "maxLength": 4096},
    "enabled": {"type": "boolean"},
    "domain_id": {"type": ["string", "null"]},
    "parent_id": {"type": ["string", "null"]},
    "is_domain": {"enum": [False]},
    "tags": {"type": "array", "maxItems": 0},
    "options": {"type": "object", "maxProperties": 0},
}


def _schema(*required: str) -> BodySchema:
    project = {"type": "object", "properties": _FIELDS, "required": list(required)}
    return BodySchema({"type": "object", "properties": {"project": project}, "required": ["project"]})


_CREATE, _UPDATE = _schema("name"), _schema()


async def list_projects(call: Call) -> Response:
    """200. Filters: name, domain_id, enabled."""
    query = filtered(select(projects), projects, call.query)
    rows = await call.dependencies.reads.query(lambda connection: connection.execute(query).mappings().all())
    return _projects(call, rows)


async def list_own_projects(call: Call) -> Response:
    """200: the projects that the caller has a role in, and may use."""
    rows = await call.dependencies.reads.query(lambda connection: projects_of(connection, call.caller.user_id))
    return _projects(call, [row for row in rows if row["enabled"]])


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


async def create(call: Call) -> Response:
    """201; 400; 409 when the name is in use."""
    asked = _CREATE.check(await call.json())["project"]
    require_default_domain(asked.get("domain_id"))
    _require_top_level(asked.get("parent_id"))
    project_id, at = call.dependencies.new_id().replace("-", ""), call.dependencies.clock()
    project = create_project(project_id, name=asked["name"], description=asked.get("description") or "", at=at)
    change_project(project, enabled=asked.get("enabled"), at=at)
    await _take(call, asked["name"], project_id)
    try:
        saved = await call.dependencies.commands.create(project, call.author)
    except OutcomeUnknown:
        raise
    except JournalError:
        await names.release(call, SCOPE, asked["name"], project_id)
        raise
    return answer({"project": _body(call, saved.aggregate)}, 201, position=saved.position)


async def update(call: Call) -> Response:
    """200; 400; 404; 409 when the name is in use. A project that is disabled has no good token from then on."""
    asked = _UPDATE.check(await call.json())["project"]
    before = await the_project(call, call.path["id"])
    require_default_domain(asked.get("domain_id"))
    name = asked.get("name", before["name"])
    description = (asked["description"] or "") if "description" in asked else None
    at = call.dependencies.clock()
    if name != before["name"]:
        await _take(call, name, before["id"])
    saved = await call.dependencies.commands.execute(
        Project,
        before["id"],
        lambda it: change_project(it, name=name, description=description, enabled=asked.get("enabled"), at=at),
        call.author,
    )
    if name != before["name"]:
        await names.release(call, SCOPE, before["name"], before["id"])
    return answer({"project": _body(call, saved.aggregate)}, position=saved.position)


async def delete(call: Call) -> Response:
    """204; 404. What it owns stays, for administrators to deal with."""
    before, at = await the_project(call, call.path["id"]), call.dependencies.clock()
    saved = await call.dependencies.commands.execute(
        Project, before["id"], lambda it: delete_project(it, at=at), call.author
    )
    await names.release(call, SCOPE, saved.aggregate.name, before["id"])
    return empty(204, position=saved.position)


async def _take(call: Call, name: str, project_id: str) -> None:
    try:
        await names.take(call, Project, SCOPE, name, project_id)
    except Conflict:
        raise Refusal(
            409,
            "Conflict occurred attempting to store project - it is not permitted to have two projects with the same "
            f"name in the same domain: {name}.",
        ) from None


def _require_top_level(parent_id: str | None) -> None:
    if parent_id not in (None, DOMAIN["id"]):
        raise Refusal(400, "Projects cannot lie within other projects in this cloud: leave parent_id out.")


def _body(call: Call, project: Project) -> dict[str, Any]:
    parts = {name: getattr(project, name) for name in ("id", "name", "description", "enabled")}
    return project_body(parts, call.dependencies.public_url)


def _projects(call: Call, rows: Sequence[RowMapping]) -> Response:
    return listing(call, "projects", [project_body(row, call.dependencies.public_url) for row in rows])
