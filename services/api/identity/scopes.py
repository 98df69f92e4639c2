"""Scopes: what a token is good for. Here that is one project, or none."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping

from domain.identity.role import effective_roles
from projections.read_model import position_of
from services.api.call import Call
from services.api.caller import Caller
from services.api.errors import Refusal, Unauthenticated
from services.api.identity.grants import is_default_domain, project_by, roles_of
from services.api.identity.methods import Proven


async def scoped(call: Call, proven: Proven, scope: Any) -> Caller:
    """The caller in the project that was asked for; without one when "unscoped" was, or nothing. Raises Unauthenticated."""
    asked = _project_asked_for(scope)
    if scope is None and proven.token is not None and proven.token.project_id is not None:
        asked = {"id": proven.token.project_id}
    if proven.credential is not None:
        if scope is not None and (asked is None or asked.get("id", "") != proven.credential["project_id"]):
            raise Unauthenticated("An application credential is good for its own project only: leave the scope out.")
        asked = {"id": proven.credential["project_id"]}
    project: RowMapping | None = None
    roles: tuple[str, ...] = ()
    position = proven.position
    if asked is not None:
        project, granted, position = await call.dependencies.reads.query(
            lambda connection: _project_and_roles(connection, proven.user["id"], asked)
        )
        roles = _roles(proven, effective_roles(granted))
        if project is None or not project["enabled"] or not roles:
            raise Unauthenticated
    now = call.dependencies.clock()
    ends = now + call.dependencies.token_lifetime
    credential = proven.credential or {"id": None, "name": None, "unrestricted": True}
    return Caller(
        user_id=proven.user["id"],
        user_name=proven.user["name"],
        project_id=None if project is None else project["id"],
        project_name=None if project is None else project["name"],
        roles=roles,
        methods=proven.methods,
        issued_at=now.replace(microsecond=0),
        expires_at=min(ends, proven.not_after or ends).replace(microsecond=0),
        audit_id=call.dependencies.new_id(),
        proven_at=proven.position,
        scoped_at=position,
        parent_audit_id=None if proven.token is None else proven.token.parent_audit_id or proven.token.audit_id,
        credential_id=credential["id"],
        credential_name=credential["name"],
        unrestricted=credential["unrestricted"],
    )


def _roles(proven: Proven, has: tuple[str, ...]) -> tuple[str, ...]:
    """All roles that the user has; those of the application credential where there is one, and none when one was taken away."""
    if proven.credential is None:
        return has
    asked = effective_roles(proven.credential["roles"])
    return asked if set(asked) <= set(has) else ()


def _project_asked_for(scope: Any) -> Mapping[str, Any] | None:
    if scope is None or scope == "unscoped" or (isinstance(scope, dict) and "unscoped" in scope):
        return None
    project = scope.get("project") if isinstance(scope, dict) else None
    if project is None:
        raise Unauthenticated("Only projects can be the scope of a token in this cloud.")
    if "id" not in project and "name" not in project:
        raise Refusal(400, "Expecting to find id or name in project. The server could not comply with the request.")
    found: Mapping[str, Any] = project
    return found


def _project_and_roles(
    connection: Connection, user_id: str, asked: Mapping[str, Any]
) -> tuple[RowMapping | None, tuple[str, ...], int]:
    position = position_of(connection)
    if "id" not in asked and not is_default_domain(asked.get("domain")):
        return None, (), position
    project = project_by(connection, project_id=asked.get("id"), name=asked.get("name"))
    return project, () if project is None else roles_of(connection, user_id, project["id"]), position
