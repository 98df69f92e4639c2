"""Images of servers: `createImage` and `createBackup`. Source: compute API reference, "Create Image", "Create Server Back Up"."""

from functools import partial
from typing import Any

from sqlalchemy import RowMapping
from starlette.responses import Response

from domain.errors import DomainError
from domain.image.image import Image, discard_image
from domain.image.image import create_image as new_image
from domain.instance.legality import Action
from domain.instance.snapshot import snapshot
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.compute.action import decide, require_possible
from services.api.compute.create_schema import METADATA
from services.api.compute.microversions import exists

DISK_FORMAT = "qcow2"

_NAME = {"type": "string", "minLength": 1, "maxLength": 255, "format": "name"}
IMAGE = {
    "type": "object",
    "properties": {"name": _NAME, "metadata": METADATA},
    "required": ["name"],
    "additionalProperties": False,
}
BACKUP = {
    "type": "object",
    "properties": {
        "name": _NAME,
        "backup_type": {"type": "string"},
        "rotation": {"type": ["integer", "string"], "pattern": "^[0-9]{1,9}$", "minimum": 0, "minLength": 1},
        "metadata": METADATA,
    },
    "required": ["name", "backup_type", "rotation"],
    "additionalProperties": False,
}


async def create_image(call: Call, row: RowMapping, options: Any) -> Response:
    """202 with the image's id (before 2.45: with where it is); 404; 409."""
    properties = {**options.get("metadata", {}), "image_type": "snapshot"}
    image_id, position = await _imaged(call, row, options["name"], properties, None)
    return _told(call, image_id, position)


async def create_backup(call: Call, row: RowMapping, options: Any) -> Response:
    """202 with the image's id (before 2.45: with where it is); 404; 409. Older backups go when this one has its bytes."""
    backup = {"type": options["backup_type"], "keep": int(options["rotation"])}
    properties = {
        **options.get("metadata", {}),
        "image_type": backup["type"],
        "backup_rotation": str(backup["keep"]),
    }
    image_id, position = await _imaged(call, row, options["name"], properties, backup)
    return _told(call, image_id, position)


async def _imaged(
    call: Call, row: RowMapping, name: str, properties: dict[str, str], backup: dict[str, Any] | None
) -> tuple[str, int]:
    """Announce the image, then ask the server's host for its bytes. Returns the image's id and a position."""
    action = Action.CREATE_IMAGE if backup is None else Action.CREATE_BACKUP
    await require_possible(call, row, action)
    commands, at = call.dependencies.commands, call.dependencies.clock()
    image_id = call.dependencies.new_id()
    image = new_image(
        image_id,
        project_id=call.project_id,
        name=name.strip(),
        disk_format=DISK_FORMAT,
        visibility="private",
        min_disk=row["flavor"]["disk"],
        properties={
            **properties,
            "instance_uuid": row["id"],
            "user_id": call.caller.user_id,
            "owner_id": call.project_id,
            "base_image_ref": row["image_id"] or "",
        },
        at=at,
    )
    await commands.create(image, call.author)
    ask = partial(snapshot, image_id=image_id, disk_format=DISK_FORMAT, backup=backup, at=at)
    try:
        return image_id, await decide(call, row, action, ask)
    except DomainError:  # something else was begun meanwhile
        await commands.execute(Image, image_id, partial(discard_image, at=at), call.author)
        raise


def _told(call: Call, image_id: str, position: int) -> Response:
    if exists("action createImage.image_id", call.version):
        return answer({"image_id": image_id}, 202, position=position)
    where = f"{call.dependencies.public_url}/image/v2/images/{image_id}"
    return empty(202, headers={"Location": where}, position=position)
