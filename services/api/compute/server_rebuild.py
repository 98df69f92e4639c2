"""What changes the inside of a server: `rebuild`, `rescue`, `changePassword`.

Source: compute API reference, "Rebuild Server", "Rescue Server", "Change Administrative Password".
"""

import hashlib
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import Connection, RowMapping
from starlette.responses import Response

from domain.image.image import ImageStatus
from domain.instance.legality import Action
from domain.instance.password import change_password as ask_for_password
from domain.instance.rebuild import rebuild
from domain.instance.rescue import rescue
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.compute.action import body_schema, decide, require_possible
from services.api.compute.create_checks import IMAGE, KEY, require_few, require_fit
from services.api.compute.create_schema import METADATA, create_fields
from services.api.compute.create_server import new_password
from services.api.compute.microversions import Version, exists
from services.api.compute.quota_rows import quota_of
from services.api.compute.server_fields import server
from services.api.compute.server_rows import visible
from services.api.errors import Refusal
from services.api.image.visibility import can_see
from services.api.schema import BodySchema

PASSWORD = {
    "type": "object",
    "properties": {"adminPass": {"type": "string"}},
    "required": ["adminPass"],
    "additionalProperties": False,
}
RESCUE = {
    "type": ["object", "null"],
    "properties": {"adminPass": {"type": "string"}, "rescue_image_ref": {"type": "string", "format": "uuid"}},
    "additionalProperties": False,
}
PARTS = ("id", "name", "size", "checksum", "disk_format")
NOT_BUILT = {"personality": "injected files", "trusted_image_certificates": "trusted certificates"}


@lru_cache(maxsize=128)
def rebuild_schema(version: Version) -> BodySchema:
    """What the body must look like in a microversion."""
    fields = create_fields(version)
    asked: dict[str, Any] = {
        "imageRef": {"type": "string", "format": "uuid"},
        "metadata": METADATA,
        "preserve_ephemeral": {"type": ["boolean", "string"], "format": "boolean"},
        **{
            name: fields[name]
            for name in ("name", "adminPass", "OS-DCF:diskConfig", "accessIPv4", "accessIPv6", "personality")
            if name in fields
        },
        **{
            name: fields[name]
            for name in ("description", "hostname", "trusted_image_certificates")
            if exists(f"rebuild.{name}", version)
        },
    }
    if exists("rebuild.key_name", version):
        asked["key_name"] = {"type": ["string", "null"], "minLength": 1, "maxLength": 255}
    if exists("rebuild.user_data", version):
        asked["user_data"] = {"type": ["string", "null"], "format": "base64", "maxLength": 65535}
    return body_schema(
        "rebuild", {"type": "object", "properties": asked, "required": ["imageRef"], "additionalProperties": False}
    )


async def rebuild_server(call: Call, row: RowMapping, options: Any) -> Response:
    """202 with the server and where it is; 400; 404; 409."""
    for name, what in NOT_BUILT.items():
        if options.get(name):
            raise Refusal(501, f"This cloud cannot do {what} yet: leave out '{name}'.")
    quota = await call.dependencies.reads.query(lambda connection: quota_of(connection, row["project_id"]))
    require_few(options.get("metadata", {}), quota.limits["metadata_items"])
    await require_possible(call, row, Action.REBUILD)
    changes = await call.dependencies.reads.query(partial(_changes, call, row, options))
    password = options.get("adminPass") or new_password()
    await call.dependencies.secrets.put(f"instance.{row['id']}.admin_password", password.encode())
    if options.get("user_data"):
        await call.dependencies.secrets.put(f"instance.{row['id']}.user_data", options["user_data"].encode())
    at = call.dependencies.clock()
    position = await decide(call, row, Action.REBUILD, lambda instance: rebuild(instance, changes=changes, at=at))
    after = await visible(call, row["id"])
    base = call.dependencies.public_url
    shown = server(after, base, call.version, admin=call.caller.is_admin, shown=True)
    if not exists("rebuild.shows all", call.version):
        shown = {name: value for name, value in shown.items() if name in _briefly(call.version)}
    shown["adminPass"] = password
    if exists("rebuild.user_data", call.version):
        shown["user_data"] = options.get("user_data")
    return answer({"server": shown}, 202, headers={"Location": f"{base}/v2.1/servers/{row['id']}"}, position=position)


@lru_cache(maxsize=128)
def _briefly(version: Version) -> frozenset[str]:
    """What a rebuild shows of a server before 2.75."""
    names = {
        "id", "name", "status", "tenant_id", "user_id", "metadata", "hostId", "image", "flavor", "created", "updated",
        "addresses", "accessIPv4", "accessIPv6", "links", "OS-DCF:diskConfig", "progress", "fault", "locked",
        "description", "tags", "trusted_image_certificates", "server_groups", "locked_reason",
    }  # fmt: skip
    return frozenset(names | ({"key_name"} if exists("rebuild.key_name", version) else set()))


def _changes(call: Call, row: RowMapping, options: Any, connection: Connection) -> dict[str, Any]:
    """What the event holds of what is asked for. Raises Refusal 400."""
    image = _image(call, options["imageRef"], "Cannot find image for rebuild", connection)
    require_fit(row["flavor"], image)
    changes: dict[str, Any] = {"image": {name: image[name] for name in PARTS}}
    for name in ("name", "hostname", "description", "metadata"):
        if name in options:
            changes[name] = options[name]
    if "key_name" in options:
        changes["key"] = _key(call, options["key_name"], connection)
    if "user_data" in options:
        given = options["user_data"]
        changes["user_data_sha256"] = None if given is None else hashlib.sha256(given.encode()).hexdigest()
    return changes


def _key(call: Call, name: str | None, connection: Connection) -> dict[str, str] | None:
    if name is None:
        return None
    found = connection.execute(KEY, {"user_id": call.caller.user_id, "key_name": name}).mappings().first()
    if found is None:
        raise Refusal(400, "Invalid key_name provided.")
    return {"name": found["name"], "public_key": found["public_key"]}


def _image(call: Call, image_id: str, otherwise: str, connection: Connection) -> RowMapping:
    image = connection.execute(IMAGE, {"image_id": image_id}).mappings().first()
    if image is None or not can_see(image, call.caller):
        raise Refusal(400, otherwise)
    return image


async def rescue_server(call: Call, row: RowMapping, options: Any) -> Response:
    """200 with the password of the rescued guest; 400; 404; 409."""
    given = options or {}
    await require_possible(call, row, Action.RESCUE)
    image = await call.dependencies.reads.query(partial(_rescue_image, call, row, given.get("rescue_image_ref")))
    password = given.get("adminPass") or new_password()
    await call.dependencies.secrets.put(f"instance.{row['id']}.rescue_password", password.encode())
    at = call.dependencies.clock()
    position = await decide(call, row, Action.RESCUE, lambda instance: rescue(instance, image=image, at=at))
    return answer({"adminPass": password}, position=position)


def _rescue_image(call: Call, row: RowMapping, image_id: str | None, connection: Connection) -> dict[str, Any]:
    """The image that is asked for, else the one that the server was made from, as it was then. Raises Refusal 400."""
    if image_id is None:
        return dict(row["image"])
    image = _image(call, image_id, f"Image {image_id} could not be found.", connection)
    if image["status"] != ImageStatus.ACTIVE:
        raise Refusal(400, f"Image {image_id} is not active.")
    return {name: image[name] for name in PARTS}


async def change_password(call: Call, row: RowMapping, options: Any) -> Response:
    """202; 404; 409. The password goes to SECRETS, and nothing of it into the log."""
    await require_possible(call, row, Action.CHANGE_PASSWORD)
    await call.dependencies.secrets.put(f"instance.{row['id']}.admin_password", options["adminPass"].encode())
    at = call.dependencies.clock()
    position = await decide(call, row, Action.CHANGE_PASSWORD, lambda instance: ask_for_password(instance, at=at))
    return empty(202, position=position)
