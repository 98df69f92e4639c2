"""What can be done to a server: `DELETE /servers/{id}` and `POST /servers/{id}/action`."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping
from starlette.responses import Response

from domain.errors import IllegalInState
from domain.instance import crash_dump, lock, pause, power, rescue, reset, resize, suspend
from domain.instance.deletion import delete
from domain.instance.legality import LEGAL, Action
from domain.instance.shelve import offload
from domain.instance.state import VmState
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.compute.action import ServerAction, body, body_schema, decide, require_possible, simple
from services.api.compute.microversions import Version, exists, text
from services.api.compute.server_images import BACKUP, IMAGE, create_backup, create_image
from services.api.compute.server_moves import (
    RESIZE,
    confirm,
    evacuate_schema,
    evacuate_server,
    live_migrate_server,
    live_schema,
    migrate_schema,
    migrate_server,
    resize_server,
)
from services.api.compute.server_rebuild import (
    PASSWORD,
    RESCUE,
    change_password,
    rebuild_schema,
    rebuild_server,
    rescue_server,
)
from services.api.compute.server_rows import visible
from services.api.compute.server_shelf import shelve_server, unshelve_schema, unshelve_server
from services.api.errors import Refusal
from services.api.schema import BodySchema

_P = "os_compute_api"


async def delete_server(call: Call) -> Response:
    """204; 404; 409 when it is locked. Legal at any time. Source: compute API reference, "Delete Server"."""
    row = await visible(call, call.path["id"])
    at = call.dependencies.clock()
    position = await decide(call, row, Action.DELETE, lambda instance: delete(instance, at=at))
    return empty(204, position=position)


async def act(call: Call) -> Response:
    """What the action answers; 400 for a body that names none, 404, 409 when it is not legal now, 501 when it is not built."""
    asked = await call.json()
    if not isinstance(asked, dict) or len(asked) != 1:
        raise Refusal(400, "Malformed request body")
    name = next(iter(asked))
    known = ACTIONS.get(name)
    if known is None:
        if name in NOT_BUILT:
            raise Refusal(501, f"This cloud cannot do '{name}' yet.")
        raise Refusal(400, f"There is no such action: {name}")
    if not exists(f"action {name}", call.version):
        raise Refusal(404, f"API version '{text(call.version)}' is not supported on this method.")
    call.require(known.policy)
    known.schema(call.version).check(asked)
    return await known.perform(call, await visible(call, call.path["id"]), asked[name])


async def _reboot(call: Call, row: RowMapping, options: Any) -> Response:
    at, hard = call.dependencies.clock(), options["type"].upper() == "HARD"
    action = Action.REBOOT_HARD if hard else Action.REBOOT
    position = await decide(call, row, action, lambda instance: power.reboot(instance, hard=hard, at=at))
    return empty(202, position=position)


async def _lock(call: Call, row: RowMapping, options: Any) -> Response:
    at = call.dependencies.clock()
    by = _owner(call, row)
    given = options if exists("action lock.locked_reason", call.version) and options else {}
    reason = given.get("locked_reason")
    position = await decide(call, row, Action.LOCK, lambda instance: lock.lock(instance, by=by, reason=reason, at=at))
    return empty(202, position=position)


async def _unlock(call: Call, row: RowMapping, _options: Any) -> Response:
    """What an administrator of another project has locked, only administrators unlock."""
    if row["locked_by"] not in {None, _owner(call, row)}:
        call.require("os_compute_api:os-lock-server:unlock:unlock_override")
    return await simple(Action.UNLOCK, lock.unlock)(call, row, None)


def _owner(call: Call, row: RowMapping) -> str:
    return "owner" if row["project_id"] == call.caller.project_id else "admin"


async def _reset_state(call: Call, row: RowMapping, options: Any) -> Response:
    return await simple(Action.RESET_STATE, reset.reset_state, state=VmState(options["state"]))(call, row, None)


async def _restore(call: Call, row: RowMapping, _options: Any) -> Response:
    """Deleted servers are gone at once in this cloud, so that none can be restored: 409."""
    await require_possible(call, row, Action.RESTORE)
    raise Refusal(501, "This cloud does not keep deleted servers.")


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
_STATE = {
    "type": "object",
    "properties": {"state": {"type": "string", "enum": [VmState.ACTIVE.value, VmState.ERROR.value]}},
    "required": ["state"],
    "additionalProperties": False,
}
_LOCK_ANYHOW = body_schema("lock", {})
_LOCK = body_schema(
    "lock",
    {
        "type": ["object", "null"],
        "properties": {"locked_reason": {"type": "string", "minLength": 1, "maxLength": 255}},
        "additionalProperties": False,
    },
)


def _lock_schema(version: Version) -> BodySchema:
    return _LOCK if exists("action lock.locked_reason", version) else _LOCK_ANYHOW


ACTIONS: Mapping[str, ServerAction] = {
    "os-start": ServerAction(f"{_P}:servers:start", body("os-start"), simple(Action.START, power.start)),
    "os-stop": ServerAction(f"{_P}:servers:stop", body("os-stop"), simple(Action.STOP, power.stop)),
    "reboot": ServerAction(f"{_P}:servers:reboot", body("reboot", _REBOOT), _reboot),
    "os-getConsoleOutput": ServerAction(
        f"{_P}:os-console-output", body("os-getConsoleOutput", _CONSOLE), _console_output
    ),
    "lock": ServerAction(f"{_P}:os-lock-server:lock", _lock_schema, _lock),
    "unlock": ServerAction(f"{_P}:os-lock-server:unlock", body("unlock"), _unlock),
    "pause": ServerAction(f"{_P}:os-pause-server:pause", body("pause"), simple(Action.PAUSE, pause.pause)),
    "unpause": ServerAction(f"{_P}:os-pause-server:unpause", body("unpause"), simple(Action.UNPAUSE, pause.unpause)),
    "suspend": ServerAction(
        f"{_P}:os-suspend-server:suspend", body("suspend"), simple(Action.SUSPEND, suspend.suspend)
    ),
    "resume": ServerAction(f"{_P}:os-suspend-server:resume", body("resume"), simple(Action.RESUME, suspend.resume)),
    "rescue": ServerAction(f"{_P}:os-rescue", body("rescue", RESCUE), rescue_server),
    "unrescue": ServerAction(f"{_P}:os-unrescue", body("unrescue"), simple(Action.UNRESCUE, rescue.unrescue)),
    "rebuild": ServerAction(f"{_P}:servers:rebuild", rebuild_schema, rebuild_server),
    "changePassword": ServerAction(f"{_P}:os-admin-password", body("changePassword", PASSWORD), change_password),
    "trigger_crash_dump": ServerAction(
        f"{_P}:servers:trigger_crash_dump",
        body("trigger_crash_dump", {"type": "null"}),
        simple(Action.CRASH_DUMP, crash_dump.trigger_crash_dump),
    ),
    "createImage": ServerAction(f"{_P}:servers:create_image", body("createImage", IMAGE), create_image),
    "createBackup": ServerAction(f"{_P}:os-create-backup", body("createBackup", BACKUP), create_backup),
    "resize": ServerAction(f"{_P}:servers:resize", body("resize", RESIZE), resize_server),
    "confirmResize": ServerAction(f"{_P}:servers:confirm_resize", body("confirmResize"), confirm),
    "revertResize": ServerAction(
        f"{_P}:servers:revert_resize", body("revertResize"), simple(Action.REVERT_RESIZE, resize.revert_resize)
    ),
    "migrate": ServerAction(f"{_P}:os-migrate-server:migrate", migrate_schema, migrate_server),
    "os-migrateLive": ServerAction(f"{_P}:os-migrate-server:migrate_live", live_schema, live_migrate_server),
    "evacuate": ServerAction(f"{_P}:os-evacuate", evacuate_schema, evacuate_server),
    "shelve": ServerAction(f"{_P}:os-shelve:shelve", body("shelve"), shelve_server),
    "shelveOffload": ServerAction(
        f"{_P}:os-shelve:shelve_offload", body("shelveOffload"), simple(Action.SHELVE_OFFLOAD, offload)
    ),
    "unshelve": ServerAction(f"{_P}:os-shelve:unshelve", unshelve_schema, unshelve_server),
    "os-resetState": ServerAction(f"{_P}:os-admin-actions:reset_state", body("os-resetState", _STATE), _reset_state),
    "restore": ServerAction(f"{_P}:os-deferred-delete:restore", body("restore"), _restore),
    "forceDelete": ServerAction(
        f"{_P}:os-deferred-delete:force", body("forceDelete"), simple(Action.FORCE_DELETE, delete)
    ),
}
"""The actions that are built, by the key of their body."""

NOT_BUILT = frozenset(
    {
        "addFixedIp", "addFloatingIp", "addSecurityGroup", "injectNetworkInfo", "os-getRDPConsole", "os-getSPICEConsole",
        "os-getSerialConsole", "os-getVNCConsole", "removeFixedIp", "removeFloatingIp", "removeSecurityGroup",
        "resetNetwork",
    }
)  # fmt: skip
"""Nova's other actions."""
