"""Images of servers: `createImage` and `createBackup`. Source: compute API reference, "Create Image", "Create Server Back Up"."""

from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Announced:
    """An image that is to be made of a server."""

    name: str
    project_id: str
    properties: dict[str, str]


async def create_image(call: Call, row: RowMapping, options: Any) -> Response:
    """202 with the image's id (before 2.45: with where it is); 404; 409."""
    properties = {**options.get("metadata", {}), "image_type": "snapshot"}
    image = Announced(options["name"].strip(), call.project_id, properties)
    ask = partial(snapshot, disk_format=DISK_FORMAT, at=call.dependencies.clock())
    return _told(call, *await announce(call, row, Action.CREATE_IMAGE, image, ask))


async def create_backup(call: Call, row: RowMapping, options: Any) -> Response:
    """202 with the image's id (before 2.45: with where it is); 404; 409. Older backups go when this one has its bytes."""
    backup = {"type": options["backup_type"], "keep": int(options["rotation"])}
    properties = {
        **options.get("metadata", {}),
        "image_type": backup["type"],
        "backup_rotation": str(backup["keep"]),
    }
    image = Announced(options["name"].strip(), call.project_id, properties)
    ask = partial(snapshot, disk_format=DISK_FORMAT, backup=backup, at=call.dependencies.clock())
    return _told(call, *await announce(call, row, Action.CREATE_BACKUP, image, ask))


async def announce(
    call: Call, row: RowMapping, action: Action, announced: Announced, ask: Callable[..., None]
) -> tuple[str, int]:
    """Announce an image of a server's disk, then ask for its bytes (`ask` is given the instance and the image's id).

    Returns the image's id and the position of what was asked. Raises what `decide` raises; then there is no image.
    """
    await require_possible(call, row, action)
    commands, at = call.dependencies.commands, call.dependencies.clock()
    image_id = call.dependencies.new_id()
    image = new_image(
        image_id,
        project_id=announced.project_id,
        name=announced.name,
        disk_format=DISK_FORMAT,
        visibility="private",
        min_disk=row["flavor"]["disk"],
        properties={
            **announced.properties,
            "instance_uuid": row["id"],
            "user_id": call.caller.user_id,
            "owner_id": announced.project_id,
            "base_image_ref": row["image_id"] or "",
        },
        at=at,
    )
    await commands.create(image, call.author)
    try:
        return image_id, await decide(call, row, action, partial(ask, image_id=image_id))
    except DomainError:  # something else was begun meanwhile
        await commands.execute(Image, image_id, partial(discard_image, at=at), call.author)
        raise


def _told(call: Call, image_id: str, position: int) -> Response:
    if exists("action createImage.image_id", call.version):
        return answer({"image_id": image_id}, 202, position=position)
    where = f"{call.dependencies.public_url}/image/v2/images/{image_id}"
    return empty(202, headers={"Location": where}, position=position)
