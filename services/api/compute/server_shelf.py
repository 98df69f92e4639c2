"""The shelf: `shelve`, `shelveOffload`, `unshelve`. Source: compute API reference, "Shelve Server", "Unshelve Server"."""

from functools import lru_cache, partial
from typing import Any

from sqlalchemy import Connection, RowMapping
from starlette.responses import Response

from domain.image.image import ImageStatus
from domain.instance.legality import Action
from domain.instance.shelve import shelve, unshelve
from domain.instance.state import VmState
from domain.placement.hosts import DEFAULT_ZONE
from services.api.answers import empty
from services.api.call import Call
from services.api.compute.action import ANYTHING, body_schema, decide, require_possible
from services.api.compute.create_checks import IMAGE
from services.api.compute.microversions import Version, exists
from services.api.compute.server_images import DISK_FORMAT, Announced, announce
from services.api.compute.server_moves import require_known_host
from services.api.compute.server_rebuild import PARTS
from services.api.errors import Refusal
from services.api.schema import BodySchema


@lru_cache(maxsize=128)
def unshelve_schema(version: Version) -> BodySchema:
    """What the body of `unshelve` must look like in a microversion."""
    if not exists("action unshelve.availability_zone", version):
        return body_schema("unshelve", ANYTHING)
    zone: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 255}
    fields: dict[str, Any] = {"availability_zone": zone}
    schema: dict[str, Any] = {"type": ["object", "null"], "properties": fields, "additionalProperties": False}
    if exists("action unshelve.host", version):
        zone["type"] = ["string", "null"]
        fields["host"] = {"type": "string"}
    else:
        schema["required"] = ["availability_zone"]
    return body_schema("unshelve", schema)


async def shelve_server(call: Call, row: RowMapping, _options: Any) -> Response:
    """202; 404; 409. The image of its disk is named after it."""
    ask = partial(shelve, disk_format=DISK_FORMAT, at=call.dependencies.clock())
    image = Announced(f"{row['name']}-shelved", row["project_id"], {"image_type": "snapshot"})
    _image_id, position = await announce(call, row, Action.SHELVE, image, ask)
    return empty(202, position=position)


async def unshelve_server(call: Call, row: RowMapping, options: Any) -> Response:
    """202; 400 for a zone or a host that there is not; 404; 409."""
    given = options or {}
    zone, host = given.get("availability_zone"), given.get("host")
    if not exists("action unshelve.availability_zone", call.version):
        zone = host = None
    await require_possible(call, row, Action.UNSHELVE)
    if (zone or host) and row["vm_state"] != VmState.SHELVED_OFFLOADED:
        raise Refusal(
            409,
            f'Specifying an availability zone or a host when unshelving server "{row["id"]}" with status '
            f'"{row["vm_state"]}" is not supported. The server status must be SHELVED_OFFLOADED.',
        )
    if zone not in {None, DEFAULT_ZONE}:
        raise Refusal(400, f"The requested availability zone is not available: {zone}")
    if host is not None:
        call.require("os_compute_api:os-shelve:unshelve_to_host")
        await require_known_host(call, host)
    image = await call.dependencies.reads.query(partial(_shelved_image, row))
    ask = partial(unshelve, image=image, host=host, at=call.dependencies.clock())
    return empty(202, position=await decide(call, row, Action.UNSHELVE, ask))


def _shelved_image(row: RowMapping, connection: Connection) -> dict[str, Any]:
    image_id = row["shelved_image_id"]
    image = connection.execute(IMAGE, {"image_id": image_id}).mappings().first()
    if image is None or image["status"] != ImageStatus.ACTIVE:
        raise Refusal(400, f"The image {image_id} of the server's disk is not there any more.")
    return {name: image[name] for name in PARTS}
