"""What takes a server to another host: `resize`, `migrate`, `os-migrateLive`, `evacuate`, and what comes of it.

Source: compute API reference, "Resize Server", "Migrate Server", "Live-Migrate Server", "Evacuate Server".
"""

from functools import lru_cache, partial
from typing import Any

from sqlalchemy import Connection, RowMapping, select
from starlette.responses import Response

from domain.errors import DomainError
from domain.flavor import FLAVOR_PARTS
from domain.instance.evacuation import evacuate
from domain.instance.legality import Action
from domain.instance.live_migration import live_migrate
from domain.instance.resize import confirm_resize, migrate, resize
from domain.project.usage import Ask, amounts_of
from journal.errors import JournalError
from projections.tables import hosts
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.compute.action import ANYTHING, body_schema, decide, require_possible
from services.api.compute.create_checks import FLAVOR, may_use
from services.api.compute.create_server import new_password
from services.api.compute.microversions import Version, exists
from services.api.compute.quota_rows import default_limits
from services.api.errors import Refusal
from services.api.schema import BodySchema, is_true

RESIZE = {
    "type": "object",
    "properties": {
        "flavorRef": {"type": ["string", "integer"], "minLength": 1},
        "OS-DCF:diskConfig": {"type": "string", "enum": ["AUTO", "MANUAL"]},
    },
    "required": ["flavorRef"],
    "additionalProperties": False,
}
_HOST = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[a-zA-Z0-9-._]*$"}
_HOST_OR_ANY = {**_HOST, "type": ["string", "null"]}
_BOOLEAN = {"type": ["boolean", "string"], "format": "boolean"}
_AUTO = {"anyOf": [_BOOLEAN, {"type": "string", "enum": ["auto"]}]}
_MIGRATE = {"type": ["object", "null"], "properties": {"host": _HOST_OR_ANY}, "additionalProperties": False}


@lru_cache(maxsize=128)
def migrate_schema(version: Version) -> BodySchema:
    """A host may be named from 2.56 on; before, whatever the body holds is ignored."""
    return body_schema("migrate", _MIGRATE if exists("action migrate.host", version) else ANYTHING)


@lru_cache(maxsize=128)
def live_schema(version: Version) -> BodySchema:
    """What the body of `os-migrateLive` must look like in a microversion."""
    fields: dict[str, Any] = {"host": _HOST_OR_ANY, "block_migration": _BOOLEAN}
    if exists("action os-migrateLive.block_migration auto", version):
        fields["block_migration"] = _AUTO
    else:
        fields["disk_over_commit"] = _BOOLEAN
    required = list(fields)
    if exists("action os-migrateLive.force", version):
        fields["force"] = _BOOLEAN
    return body_schema("os-migrateLive", _object(fields, required))


@lru_cache(maxsize=128)
def evacuate_schema(version: Version) -> BodySchema:
    """What the body of `evacuate` must look like in a microversion."""
    fields: dict[str, Any] = {"host": _HOST, "adminPass": {"type": "string"}}
    required = []
    if exists("action evacuate.onSharedStorage", version):
        fields["onSharedStorage"] = _BOOLEAN
        required.append("onSharedStorage")
    if exists("action evacuate.force", version):
        fields["force"] = _BOOLEAN
    return body_schema("evacuate", _object(fields, required))


def _object(fields: dict[str, Any], required: list[str]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": fields, "additionalProperties": False}
    return {**schema, "required": required} if required else schema


async def resize_server(call: Call, row: RowMapping, options: Any) -> Response:
    """202; 400; 403 beyond the quota; 404; 409. Whether a host can take it shows later: then the server is as it was before."""
    await require_possible(call, row, Action.RESIZE)
    flavor_id = str(options["flavorRef"]).rstrip("/").rpartition("/")[2]
    flavor = await call.dependencies.reads.query(partial(_flavor, call, row, flavor_id))
    _require_up(row)
    at = call.dependencies.clock()
    await _reserve_larger(call, row, flavor)
    try:
        position = await decide(call, row, Action.RESIZE, lambda instance: resize(instance, flavor=flavor, at=at))
    except (DomainError, JournalError, Refusal):
        await call.dependencies.commands.settle(
            row["project_id"], row["id"], amounts_of(row["flavor"]), at, call.author
        )
        raise
    return empty(202, position=position)


async def _reserve_larger(call: Call, row: RowMapping, flavor: dict[str, Any]) -> None:
    """Until it is confirmed or reverted it takes the larger of both flavors, of each resource. Raises QuotaExceeded."""
    now, then = amounts_of(row["flavor"]), amounts_of(flavor)
    ask = Ask({row["id"]: {name: max(amount, then[name]) for name, amount in now.items()}})
    defaults = await call.dependencies.reads.query(default_limits)
    commands, at = call.dependencies.commands, call.dependencies.clock()
    await commands.reserve(row["project_id"], ask, defaults, at, call.author)


def _flavor(call: Call, row: RowMapping, flavor_id: str, connection: Connection) -> dict[str, Any]:
    flavor = connection.execute(FLAVOR, {"flavor_id": flavor_id}).mappings().first()
    if flavor is None or not may_use(call, flavor, connection):
        raise Refusal(400, f"Flavor {flavor_id} could not be found.")
    if flavor["id"] == row["flavor_id"]:
        raise Refusal(400, "When resizing, instances must change flavor!")
    if flavor["disk"] == 0 and row["flavor"]["disk"] != 0:
        raise Refusal(400, "Server disk was unable to be resized because: Resize to zero disk flavor is not allowed.")
    return {"id": flavor["id"], **{name: flavor[name] for name in FLAVOR_PARTS}}


def _require_up(row: RowMapping) -> None:
    """The host that a server goes away from must do its part. Raises Refusal 409."""
    if row["host"] is not None and not row["host_up"]:
        raise Refusal(409, "Service is unavailable at this time.")


async def confirm(call: Call, row: RowMapping, _options: Any) -> Response:
    """204; 404; 409."""
    at = call.dependencies.clock()
    position = await decide(call, row, Action.CONFIRM_RESIZE, lambda instance: confirm_resize(instance, at=at))
    return empty(204, position=position)


async def migrate_server(call: Call, row: RowMapping, options: Any) -> Response:
    """202; 400 for a host that there is not, or that it lives on; 404; 409."""
    host = (options or {}).get("host") if exists("action migrate.host", call.version) else None
    await require_possible(call, row, Action.MIGRATE)
    if host is not None:
        call.require("os_compute_api:os-migrate-server:migrate:host")
        if host == row["host"]:
            raise Refusal(400, "Cannot migrate to the host where the server exists.")
        await require_known_host(call, host)
    _require_up(row)
    at = call.dependencies.clock()
    position = await decide(call, row, Action.MIGRATE, lambda instance: migrate(instance, host=host, at=at))
    return empty(202, position=position)


async def live_migrate_server(call: Call, row: RowMapping, options: Any) -> Response:
    """202; 400 for a host that there is not, or that it lives on; 404; 409."""
    host = options["host"]
    _require_host_to_force(options)
    await require_possible(call, row, Action.LIVE_MIGRATE)
    if host is not None:
        call.require("os_compute_api:os-migrate-server:migrate_live:host")
        if host == row["host"]:
            raise Refusal(400, f"Unable to migrate instance ({row['id']}) to current host ({host}).")
        await require_known_host(call, host)
    at = call.dependencies.clock()
    position = await decide(call, row, Action.LIVE_MIGRATE, lambda instance: live_migrate(instance, host=host, at=at))
    return empty(202, position=position)


async def evacuate_server(call: Call, row: RowMapping, options: Any) -> Response:
    """200, with a password before 2.14; 400 while its host is up; 404 for a host that there is not; 409."""
    host = options.get("host")
    _require_host_to_force(options)
    shared = is_true(options.get("onSharedStorage", False))
    if shared and "adminPass" in options:
        raise Refusal(400, "admin password can't be changed on existing disk")
    if shared:
        raise Refusal(501, "This cloud has no shared storage: evacuate with onSharedStorage false.")
    if host is not None:
        await require_known_host(call, host, missing=Refusal(404, f"Compute host {host} not found."))
    if host is not None and host == row["host"]:
        raise Refusal(400, "The target host can't be the same one.")
    await require_possible(call, row, Action.EVACUATE)
    if row["host_up"]:
        raise Refusal(400, f"Compute service of {row['host']} is still in use.")
    password = options.get("adminPass") or new_password()
    await call.dependencies.secrets.put(f"instance.{row['id']}.admin_password", password.encode())
    at, stopped = call.dependencies.clock(), exists("action evacuate ends stopped", call.version)
    ask = partial(evacuate, host=host, stopped=stopped, at=at)
    position = await decide(call, row, Action.EVACUATE, ask)
    if exists("action evacuate.adminPass", call.version):
        return answer({"adminPass": password}, position=position)
    return empty(200, position=position)


def _require_host_to_force(options: Any) -> None:
    if is_true(options.get("force", False)) and not options.get("host"):
        raise Refusal(400, "Can't force to a non-provided destination")


async def require_known_host(call: Call, host: str, missing: Refusal | None = None) -> None:
    """Pass for a host that there is. Raises Refusal 400, or `missing`."""
    known = select(hosts.c.name).where(hosts.c.name == host)
    if await call.dependencies.reads.query(lambda connection: connection.execute(known).first()) is None:
        raise missing or Refusal(400, f"Compute host {host} could not be found.")
