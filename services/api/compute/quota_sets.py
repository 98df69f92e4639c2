"""Quota sets: a project's limits, shown and changed. Source: compute API reference, "Quota sets"."""

from sqlalchemy import select
from starlette.responses import Response

from domain.identity.project import Project
from domain.project.quota import change_quota, limits_of, reset_quota
from projections.tables import projects
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.compute.quota_fields import limits_in, shown, update_schema
from services.api.compute.quota_rows import default_limits, quota_of
from services.api.errors import Refusal
from services.api.schema import is_true


async def show_quotas(call: Call) -> Response:
    """200; 400 for a project that there is not. A user's quotas are those of the project. Source: "Show A Quota"."""
    project_id = await _project(call)
    quota = await call.dependencies.reads.query(lambda connection: quota_of(connection, project_id))
    return answer({"quota_set": {"id": project_id, **shown(quota.limits, call.version)}})


async def show_quotas_detailed(call: Call) -> Response:
    """200 with what is in use; 400. Source: "Show The Detail of Quota"."""
    project_id = await _project(call)
    quota = await call.dependencies.reads.query(lambda connection: quota_of(connection, project_id))
    details = {
        name: {"in_use": quota.used(name), "limit": limit, "reserved": 0}
        for name, limit in shown(quota.limits, call.version).items()
    }
    return answer({"quota_set": {"id": project_id, **details}})


async def show_default_quotas(call: Call) -> Response:
    """200: the limits of a project that has none of its own; 400. Source: "List Default Quotas For Tenant"."""
    project_id = await _project(call)
    defaults = await call.dependencies.reads.query(default_limits)
    return answer({"quota_set": {"id": project_id, **shown(limits_of({}, defaults), call.version)}})


async def update_quotas(call: Call) -> Response:
    """200; 400 for a project that there is not, and for less than is in use unless it is forced. Source: "Update Quotas"."""
    asked = update_schema(call.version, of_class=False).check(await call.json())["quota_set"]
    _refuse_user(call)
    project_id = await _project(call)
    limits, force, at = limits_in(asked), is_true(asked.get("force", False)), call.dependencies.clock()
    saved = await call.dependencies.commands.execute(
        Project, project_id, lambda project: change_quota(project, limits, force=force, at=at), call.author
    )
    defaults = await call.dependencies.reads.query(default_limits)
    now = limits_of(saved.aggregate.limits, defaults)
    return answer({"quota_set": shown(now, call.version)}, position=saved.position)


async def delete_quotas(call: Call) -> Response:
    """202: the project has the default limits again; 400. Source: "Revert Quotas To Defaults"."""
    _refuse_user(call)
    project_id, at = await _project(call), call.dependencies.clock()
    saved = await call.dependencies.commands.execute(
        Project, project_id, lambda project: reset_quota(project, at=at), call.author
    )
    return empty(202, position=saved.position)


def _refuse_user(call: Call) -> None:
    if "user_id" in call.query:
        raise Refusal(501, "This cloud has quotas of projects, not of single users in them: leave out 'user_id'.")


async def _project(call: Call) -> str:
    project_id = call.path["project"]
    if project_id == call.project_id:
        return project_id
    call.require("os_compute_api:os-quota-sets:other_project")
    one = select(projects.c.id).where(projects.c.id == project_id)
    if await call.dependencies.reads.query(lambda connection: connection.execute(one).first()) is None:
        raise Refusal(400, f"Project ID {project_id} is not a valid project.")
    return project_id
