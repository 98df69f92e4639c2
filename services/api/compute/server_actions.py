"""What can be done to a server: `DELETE /servers/{id}` and `POST /servers/{id}/action`."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import RowMapping
from starlette.responses import Response

from domain.errors import IllegalInState
from domain.instance import power
from domain.instance.deletion import delete
from domain.instance.instance import Instance
from domain.instance.legality import LEGAL, Action
from domain.instance.state import VmState
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.compute.server_rows import visible
from services.api.errors import Refusal
from services.api.schema import BodySchema

Perform: TypeAlias = Callable[[Call, RowMapping, Any], Awaitable[Response]]


async def delete_server(call: Call) -> Response:
    """204; 404. Legal at any time. Source: compute API reference, "Delete Server"."""
    row = await visible(call, call.path["id"])
    at = call.dependencies.clock()
    saved = await call.dependencies.commands.execute(
        Instance, row["id"], lambda instance: delete(instance, at=at), call.author
    )
    return empty(204, position=saved.position)


async def act(call: Call) -> Response:
    """What the action answers; 400 for a body that names none, 404, 409 when it is not legal now, 501 when it is not built."""
    body = await call.json()
    if not isinstance(body, dict) or len(body) != 1:
        raise Refusal(400, "Malformed request body")
    name = next(iter(body))
    known = ACTIONS.get(name)
    if known is None:
        if name in NOT_BUILT:
            raise Refusal(501, f"This cloud cannot do '{name}' yet.")
        raise Refusal(400, f"There is no such action: {name}")
    call.require(known.policy)
    known.schema.check(body)
    return await known.perform(call, await visible(call, call.path["id"]), body[name])


async def _decide(call: Call, row: RowMapping, decide: Callable[[Instance], None]) -> Response:
    saved = await call.dependencies.commands.execute(Instance, row["id"], decide, call.author)
    return empty(202, position=saved.position)


async def _start(call: Call, row: RowMapping, _options: Any) -> Response:
    at = call.dependencies.clock()
    return await _decide(call, row, lambda instance: power.start(instance, at=at))


async def _stop(call: Call, row: RowMapping, _options: Any) -> Response:
    at = call.dependencies.clock()
    return await _decide(call, row, lambda instance: power.stop(instance, at=at))


async def _reboot(call: Call, row: RowMapping, options: Any) -> Response:
    at, hard = call.dependencies.clock(), options["type"].upper() == "HARD"
    return await _decide(call, row, lambda instance: power.reboot(instance, hard=hard, at=at))


async def _console_output(call: Call, row: RowMapping, options: Any) -> Response:
    state = row["vm_state"]
    if VmState(state) not in LEGAL[Action.CONSOLE_OUTPUT].states:
        raise IllegalInState(Action.CONSOLE_OUTPUT.value, row["id"], "vm_state", state)
    if row["host"] is None:
        raise Refusal(409, f"Instance {row['id']} is not ready")
    length = (options or {}).get("length")
    lines = None if length is None or int(length) < 0 else int(length)
    if lines == 0:
        return answer({"output": ""})
    try:
        output = await call.dependencies.console_output(row["host"], row["id"], lines)
    except TimeoutError:
        raise Refusal(
            503,
            f"The host of instance {row['id']} does not answer, so its console cannot be read now. Try again later.",
        ) from None
    return answer({"output": output})


@dataclass(frozen=True, slots=True)
class ServerAction:
    """One action: who may, what its body looks like, and what it does."""

    policy: str
    schema: BodySchema
    perform: Perform


def _body(name: str, options: Mapping[str, Any]) -> BodySchema:
    return BodySchema(
        {"type": "object", "properties": {name: options}, "required": [name], "additionalProperties": False}
    )


_ANYTHING: Mapping[str, Any] = {}
_REBOOT = {
    "type": "object",
    "properties": {"type": {"type": "string", "enum": ["HARD", "Hard", "hard", "SOFT", "Soft", "soft"]}},
    "required": ["type"],
    "additionalProperties": False,
}
_CONSOLE = {
    "type": ["object", "null"],
    "properties": {
        "length": {"type": ["integer", "string", "null"], "pattern": "^-?[0-9]{1,9}$", "minimum": -1, "maximum": 10**9}
    },
    "additionalProperties": False,
}

ACTIONS: Mapping[str, ServerAction] = {
    "os-start": ServerAction("os_compute_api:servers:start", _body("os-start", _ANYTHING), _start),
    "os-stop": ServerAction("os_compute_api:servers:stop", _body("os-stop", _ANYTHING), _stop),
    "reboot": ServerAction("os_compute_api:servers:reboot", _body("reboot", _REBOOT), _reboot),
    "os-getConsoleOutput": ServerAction(
        "os_compute_api:os-console-output", _body("os-getConsoleOutput", _CONSOLE), _console_output
    ),
}
"""The actions that are built, by the key of their body."""

NOT_BUILT = frozenset(
    {
        "addFixedIp", "addFloatingIp", "addSecurityGroup", "changePassword", "confirmResize", "createBackup",
        "createImage", "evacuate", "forceDelete", "injectNetworkInfo", "lock", "migrate", "os-getRDPConsole",
        "os-getSPICEConsole", "os-getSerialConsole", "os-getVNCConsole", "os-migrateLive", "os-resetState", "pause",
        "rebuild", "removeFixedIp", "removeFloatingIp", "removeSecurityGroup", "rescue", "resetNetwork", "resize",
        "restore", "resume", "revertResize", "shelve", "shelveOffload", "suspend", "trigger_crash_dump", "unlock",
        "unpause", "unrescue", "unshelve",
    }
)  # fmt: skip
"""Nova's other actions."""
