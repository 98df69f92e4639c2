"""Which projects may use a flavor that is not public. Source: compute API reference, "Flavors access"."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, RowMapping, select
from starlette.responses import Response

from domain.flavor import Flavor, token_of
from domain.flavor_changes import grant_access, revoke_access
from projections.tables import flavor_access, projects
from services.api.answers import answer
from services.api.call import Call
from services.api.compute.flavors import visible_flavor
from services.api.compute.microversions import exists
from services.api.errors import Refusal
from services.api.schema import BodySchema


async def list_access(call: Call) -> Response:
    """200; 404, also for a flavor that all may use."""
    row = await visible_flavor(call)
    if row["is_public"]:
        raise Refusal(404, "Access list not available for public flavors.")
    granted = (
        select(flavor_access.c.project_id)
        .where(flavor_access.c.flavor_id == row["id"])
        .order_by(flavor_access.c.project_id)
    )
    found = await call.dependencies.reads.query(lambda connection: connection.execute(granted).scalars().all())
    return answer(_body(row["id"], found))


async def act(call: Call) -> Response:
    """200 with who may use it; 400, 404, 409."""
    body = await call.json()
    name = next(iter(body), "") if isinstance(body, dict) and len(body) == 1 else ""
    known = ACTIONS.get(name)
    if known is None:
        raise Refusal(400, f"There is no such action: {name}" if name else "Malformed request body")
    call.require(known.policy)
    project_id = known.schema.check(body)[name]["tenant"]
    row = await visible_flavor(call)
    await known.check(call, row, project_id)
    at = call.dependencies.clock()
    saved = await call.dependencies.commands.execute(
        Flavor, token_of(row["id"]), lambda flavor: known.decide(flavor, project_id, at=at), call.author
    )
    return answer(_body(row["id"], saved.aggregate.projects), position=saved.position)


def _body(flavor_id: str, project_ids: Iterable[str]) -> dict[str, Any]:
    return {"flavor_access": [{"flavor_id": flavor_id, "tenant_id": project_id} for project_id in project_ids]}


async def _may_be_granted(call: Call, row: RowMapping, project_id: str) -> None:
    def known(connection: Connection) -> bool:
        return connection.execute(select(projects.c.id).where(projects.c.id == project_id)).first() is not None

    if not await call.dependencies.reads.query(known):
        raise Refusal(400, f"Project ID {project_id} is not a valid project.")
    if row["is_public"] and exists("flavor.access to public ones is refused", call.version):
        raise Refusal(409, "Can not add access to a public flavor.")


async def _may_be_revoked(call: Call, row: RowMapping, project_id: str) -> None:
    """Also from a project that is gone."""


def _schema(name: str) -> BodySchema:
    tenant = {
        "type": "object",
        "properties": {"tenant": {"type": "string", "minLength": 1, "maxLength": 255}},
        "required": ["tenant"],
        "additionalProperties": False,
    }
    return BodySchema(
        {"type": "object", "properties": {name: tenant}, "required": [name], "additionalProperties": False}
    )


class _Decide(Protocol):
    def __call__(self, flavor: Flavor, project_id: str, *, at: datetime) -> None: ...


class _Action(NamedTuple):
    policy: str
    schema: BodySchema
    check: Callable[[Call, RowMapping, str], Any]
    decide: _Decide


ACTIONS: Mapping[str, _Action] = {
    "addTenantAccess": _Action(
        "os_compute_api:os-flavor-access:add_tenant_access", _schema("addTenantAccess"), _may_be_granted, grant_access
    ),
    "removeTenantAccess": _Action(
        "os_compute_api:os-flavor-access:remove_tenant_access",
        _schema("removeTenantAccess"),
        _may_be_revoked,
        revoke_access,
    ),
}
"""By the key of the body."""
