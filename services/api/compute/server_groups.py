"""Server groups. Source: compute API reference, "Server groups"."""

from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, RowMapping, select
from starlette.responses import Response

from domain.errors import QuotaExceeded
from domain.placement.affinity import Policy
from domain.project.usage import Ask
from domain.servergroup import ServerGroup, create_group, delete_group
from journal.errors import JournalError
from projections.tables import instances, server_groups
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.compute.microversions import Version, exists
from services.api.compute.paging import limit_of
from services.api.compute.quota_rows import default_limits
from services.api.errors import Refusal
from services.api.schema import BodySchema, QuerySchema

_PARAMETERS = {
    "all_projects": {"type": "string"},
    "limit": {"type": "string", "pattern": "^[0-9]*$"},
    "offset": {"type": "string", "pattern": "^[0-9]{0,9}$"},
}
_LENIENT, _STRICT = QuerySchema(_PARAMETERS), QuerySchema(_PARAMETERS, strict=True)


async def list_groups(call: Call) -> Response:
    """200: those of the project, or for administrators of all; 400."""
    schema = _STRICT if exists("server_groups.unknown parameters are refused", call.version) else _LENIENT
    schema.check({name: [value] for name, value in call.query.items()})
    wanted = select(server_groups).where(server_groups.c.deleted.is_(False)).order_by(server_groups.c.created_position)
    if "all_projects" not in call.query or not call.caller.is_admin:
        wanted = wanted.where(server_groups.c.project_id == call.project_id)
    wanted = wanted.limit(limit_of(call.query.get("limit"))).offset(int(call.query.get("offset") or 0))

    def ask(connection: Connection) -> list[dict[str, Any]]:
        rows = connection.execute(wanted).mappings().all()
        alive = _alive(connection, [member for row in rows for member in row["members"]])
        return [_body(row, alive, call.version) for row in rows]

    return answer({"server_groups": await call.dependencies.reads.query(ask)})


async def show_group(call: Call) -> Response:
    """200; 404."""
    row = await _visible(call)
    alive = await call.dependencies.reads.query(lambda connection: _alive(connection, row["members"]))
    return answer({"server_group": _body(row, alive, call.version)})


async def create(call: Call) -> Response:
    """200; 400; 403 when the project has as many as it may."""
    asked = _schema(call.version).check(await call.json())["server_group"]
    policy, rules = asked.get("policy") or asked["policies"][0], asked.get("rules", {})
    if rules and policy != Policy.ANTI_AFFINITY:
        raise Refusal(400, "Only anti-affinity policy supports rules.")
    group_id, at = call.dependencies.new_id(), call.dependencies.clock()
    group = create_group(
        group_id,
        project_id=call.project_id,
        user_id=call.caller.user_id,
        name=asked["name"],
        policy=Policy(policy),
        rules={name: int(value) for name, value in rules.items()},
        at=at,
    )
    defaults = await call.dependencies.reads.query(default_limits)
    commands = call.dependencies.commands
    try:
        await commands.reserve(call.project_id, Ask({group_id: {"server_groups": 1}}), defaults, at, call.author)
    except QuotaExceeded:
        raise Refusal(403, "Quota exceeded, too many server groups.") from None
    try:
        saved = await commands.create(group, call.author)
    except JournalError:
        await commands.unreserve(call.project_id, [group_id], at, call.author)
        raise
    return answer(
        {"server_group": _body({**vars(group), "id": group.id}, set(), call.version)}, position=saved.position
    )


async def delete(call: Call) -> Response:
    """204; 404. Its servers go on."""
    row, at = await _visible(call), call.dependencies.clock()
    saved = await call.dependencies.commands.execute(
        ServerGroup, row["id"], lambda group: delete_group(group, at=at), call.author
    )
    await call.dependencies.commands.unreserve(row["project_id"], [row["id"]], at, call.author)
    return empty(204, position=saved.position)


async def _visible(call: Call) -> RowMapping:
    one = select(server_groups).where(server_groups.c.id == call.path["id"], server_groups.c.deleted.is_(False))
    row = await call.dependencies.reads.query(lambda connection: connection.execute(one).mappings().first())
    if row is None or not (row["project_id"] == call.project_id or call.caller.is_admin):
        raise Refusal(404, f"Instance group {call.path['id']} could not be found.")
    return row


def _alive(connection: Connection, members: list[str]) -> set[str]:
    """Of members, those that are there."""
    living = select(instances.c.id).where(instances.c.id.in_(members), instances.c.deleted.is_(False))
    return set(connection.execute(living).scalars()) if members else set()


def _body(group: Any, alive: set[str], version: Version) -> dict[str, Any]:
    body = {
        "id": group["id"],
        "name": group["name"],
        "members": [member for member in group["members"] if member in alive],
    }
    if exists("server_group.policy", version):
        body |= {"policy": group["policy"], "rules": group["rules"]}
    else:
        body |= {"policies": [group["policy"]], "metadata": {}}
    if exists("server_group.project_id", version):
        body |= {"project_id": group["project_id"], "user_id": group["user_id"]}
    return body


@lru_cache(maxsize=128)
def _schema(version: Version) -> BodySchema:
    hard = [Policy.AFFINITY.value, Policy.ANTI_AFFINITY.value]
    soft = [Policy.SOFT_AFFINITY.value, Policy.SOFT_ANTI_AFFINITY.value]
    policy = {"type": "string", "enum": hard + soft if exists("server_group.soft policies", version) else hard}
    fields: dict[str, Any] = {"name": {"type": "string", "minLength": 1, "maxLength": 255, "format": "name"}}
    if exists("server_group.policy", version):
        positive = {"type": ["integer", "string"], "pattern": "^[0-9]{1,9}$", "minimum": 1}
        fields["policy"] = policy
        fields["rules"] = {
            "type": "object",
            "properties": {"max_server_per_host": positive},
            "additionalProperties": False,
        }
        required = ["name", "policy"]
    else:
        fields["policies"] = {"type": "array", "items": policy, "minItems": 1, "maxItems": 1}
        required = ["name", "policies"]
    return BodySchema(
        {
            "type": "object",
            "properties": {
                "server_group": {
                    "type": "object",
                    "properties": fields,
                    "required": required,
                    "additionalProperties": False,
                }
            },
            "required": ["server_group"],
            "additionalProperties": False,
        }
    )
