"""Security groups and their rules. They are kept and shown; hosts do not filter by them yet.

Source: networking API reference v2.0, "Security groups" and "Security group rules".
"""

from functools import partial

from starlette.responses import Response

from domain.security_group.group import (
    CHANGEABLE,
    DEFAULT,
    SecurityGroup,
    change_group,
    create_group,
    default_group_id,
    delete_group,
)
from domain.security_group.rule import outgoing
from domain.security_group.rules import add_rule, remove_rule
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.errors import Refusal
from services.api.network import rows
from services.api.network.asked import OWNED, Resource, only, project_of
from services.api.network.default_group import ensure_default_group
from services.api.network.lists import listing, one
from services.api.network.resources import rule_body, security_group_body
from services.api.network.rules import RULE, rule_of

GROUP = Resource("security_group", {**OWNED, "stateful": only(True)}, update=("name", "description", "stateful"))


async def list_groups(call: Call) -> Response:
    """200: those of the caller's project, of which one is its default group."""
    await ensure_default_group(call, call.project_id)
    found = await rows.rows_of(call, rows.seen_groups(call))
    rules = await rows.rules_by_group(call, [row["id"] for row in found])
    return listing(call, "security_groups", [security_group_body(row, rules[row["id"]]) for row in found])


async def show_group(call: Call) -> Response:
    """200; 404."""
    if call.path["id"] == default_group_id(call.project_id):
        await ensure_default_group(call, call.project_id)
    row = await rows.group(call, call.path["id"])
    rules = await rows.rules_by_group(call, [row["id"]])
    return one(call, "security_group", security_group_body(row, rules[row["id"]]))


async def create(call: Call) -> Response:
    """201; 400; 409 for a second default group."""
    asked = await GROUP.new(call)
    project_id = project_of(call, asked)
    await ensure_default_group(call, project_id)
    if asked.get("name") == DEFAULT:
        raise Refusal(409, "Default security group already exists.", kind="SecurityGroupDefaultAlreadyExists")
    new_id = call.dependencies.new_id
    group = create_group(
        new_id(),
        project_id=project_id,
        name=asked.get("name", ""),
        description=asked.get("description", ""),
        rules=outgoing([new_id(), new_id()]),
        at=call.dependencies.clock(),
    )
    saved = await call.dependencies.commands.create(group, call.author)
    return await _answer(call, group.id, 201, saved.position)


async def update(call: Call) -> Response:
    """200; 400; 404; 409 for the default group's name."""
    row = await rows.group(call, call.path["id"])
    asked = await GROUP.changes(call)
    changes = {name: value for name, value in asked.items() if name in CHANGEABLE}
    decide = partial(change_group, changes=changes, at=call.dependencies.clock())
    saved = await call.dependencies.commands.execute(SecurityGroup, row["id"], decide, call.author)
    return await _answer(call, row["id"], 200, saved.position)


async def delete(call: Call) -> Response:
    """204; 404; 409 while a port is in it, and for a default group unless an administrator asks."""
    row = await rows.group(call, call.path["id"])
    if row["id"] == default_group_id(row["project_id"]) and not call.caller.is_admin:
        sentence = "Insufficient rights for removing default security group."
        raise Refusal(409, sentence, kind="SecurityGroupCannotRemoveDefault")
    if await rows.group_is_used(call, row):
        raise Refusal(409, f"Security Group {row['id']} in use.", kind="SecurityGroupInUse")
    decide = partial(delete_group, at=call.dependencies.clock())
    saved = await call.dependencies.commands.execute(SecurityGroup, row["id"], decide, call.author)
    return empty(204, position=saved.position)


async def list_rules(call: Call) -> Response:
    """200: those of the groups that the caller sees."""
    await ensure_default_group(call, call.project_id)
    found = await rows.rows_of(call, rows.seen_rules(call))
    return listing(call, "security_group_rules", [rule_body(row) for row in found])


async def show_rule(call: Call) -> Response:
    """200; 404."""
    return one(call, "security_group_rule", rule_body(await rows.rule(call, call.path["id"])))


async def create_rule(call: Call) -> Response:
    """201; 400; 404 without its group; 409 when the group has such a rule."""
    asked = await RULE.new(call)
    project_of(call, asked)
    row = await rows.group(call, asked["security_group_id"])
    rule = rule_of(call.dependencies.new_id(), asked)
    if rule.remote_group is not None:
        await rows.group(call, rule.remote_group)
    decide = partial(add_rule, rule=rule, at=call.dependencies.clock())
    saved = await call.dependencies.commands.execute(SecurityGroup, row["id"], decide, call.author)
    shown = rule_body(await rows.rule(call, rule.id))
    return answer({"security_group_rule": shown}, 201, position=saved.position)


async def delete_rule(call: Call) -> Response:
    """204; 404."""
    row = await rows.rule(call, call.path["id"])
    decide = partial(remove_rule, rule_id=row["id"], at=call.dependencies.clock())
    saved = await call.dependencies.commands.execute(SecurityGroup, row["group_id"], decide, call.author)
    return empty(204, position=saved.position)


async def _answer(call: Call, group_id: str, status: int, position: int) -> Response:
    row = await rows.group(call, group_id)
    rules = await rows.rules_by_group(call, [group_id])
    return answer({"security_group": security_group_body(row, rules[group_id])}, status, position=position)
