"""What all server actions share: their form in the table, and the way of a decision into the log."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import RowMapping
from starlette.responses import Response

from domain.instance.instance import Instance
from domain.instance.legality import Action, require_legal, require_unlocked
from services.api.answers import empty
from services.api.call import Call
from services.api.compute.microversions import Version
from services.api.schema import BodySchema

Perform: TypeAlias = Callable[[Call, RowMapping, Any], Awaitable[Response]]
Schema: TypeAlias = Callable[[Version], BodySchema]

ANYTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class ServerAction:
    """One action: who may, what its body looks like in a microversion, and what it does."""

    policy: str
    schema: Schema
    perform: Perform


def body(name: str, options: Mapping[str, Any] = ANYTHING) -> Schema:
    """The schema of a body that is the same in every microversion."""
    schema = body_schema(name, options)
    return lambda _version: schema


def body_schema(name: str, options: Mapping[str, Any]) -> BodySchema:
    """The schema of a body with the action as its only key."""
    return BodySchema(
        {"type": "object", "properties": {name: dict(options)}, "required": [name], "additionalProperties": False}
    )


async def decide(call: Call, row: RowMapping, action: Action, decision: Callable[[Instance], None]) -> int:
    """Let a server decide, and return the position of what it decided.

    Raises Locked when it is locked and the caller is no administrator, and what the decision raises.
    """

    def unlocked(instance: Instance) -> None:
        if not call.caller.is_admin:
            require_unlocked(instance, action)
        decision(instance)

    return (await call.dependencies.commands.execute(Instance, row["id"], unlocked, call.author)).position


async def require_possible(call: Call, row: RowMapping, action: Action) -> None:
    """Pass when the action is legal now, before anything else is made for it. Raises what `decide` raises."""
    await decide(call, row, action, lambda instance: require_legal(instance, action))


def simple(action: Action, decision: Callable[..., None], **parts: Any) -> Perform:
    """An action without options of its own: 202; 404; 409."""

    async def perform(call: Call, row: RowMapping, _options: Any) -> Response:
        at = call.dependencies.clock()
        position = await decide(call, row, action, lambda instance: decision(instance, at=at, **parts))
        return empty(202, position=position)

    return perform
