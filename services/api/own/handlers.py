"""Health, and image bytes for compute hosts."""

from functools import partial

from sqlalchemy import Connection, RowMapping, select
from starlette.responses import Response

from domain.image.image import ImageStatus
from journal.authority import Source
from journal.envelope import Author
from projections.read_model import position_of
from projections.signed_url import opens
from projections.tables import images, instances
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.errors import Refusal
from services.api.image.backups import rotate
from services.api.image.data import content, receive


async def health(call: Call) -> Response:
    """200 with the position of the read model; 503 when that cannot be read."""
    return answer({"status": "ok", "position": await call.dependencies.reads.query(position_of)})


async def image_content(call: Call) -> Response:
    """200 with the bytes, for whoever has a signed URL; 403 when it is not valid or has expired; 404."""
    image_id = call.path["id"]
    _require_signed(call, f"/v1/images/{image_id}/content")
    if not await call.dependencies.reads.query(partial(_is_active, image_id)):
        raise Refusal(404, f"No image found with ID {image_id}")
    return await content(call, image_id, {})


async def upload_image(call: Call) -> Response:
    """204 when the bytes of an image that was made of a server are in the store, for whoever has a signed URL.

    400 for bytes of another format; 403 for a URL that is not valid or has expired; 404; 409 when it has bytes; 413.
    """
    instance_id, image_id = call.path["instance"], call.path["id"]
    _require_signed(call, f"/v1/instances/{instance_id}/images/{image_id}")
    found = await call.dependencies.reads.query(partial(_announced, instance_id, image_id))
    if found is None:
        raise Refusal(404, f"No image found with ID {image_id}")
    row, user_id = found
    author = Author(f"user:{user_id}", Source.API, call.request_id)
    position = await receive(call, row, author)
    await rotate(call, row, author)
    return empty(204, position=position)


def _announced(instance_id: str, image_id: str, connection: Connection) -> tuple[RowMapping, str] | None:
    """The image, and whose server it is made of."""
    image = select(images).where(images.c.id == image_id, images.c.status != ImageStatus.DELETED.value)
    owner = select(instances.c.user_id).where(instances.c.id == instance_id)
    row, user_id = connection.execute(image).mappings().first(), connection.execute(owner).scalar()
    return None if row is None or user_id is None else (row, user_id)


def _require_signed(call: Call, path: str) -> None:
    now = call.dependencies.clock().timestamp()
    expires, signature = call.query.get("expires", ""), call.query.get("signature", "")
    if not signature.isascii() or not opens(path, expires, signature, key=call.dependencies.url_key, now=now):
        raise Refusal(403, "This URL is not valid, or has expired.")


def _is_active(image_id: str, connection: Connection) -> bool:
    found = select(images.c.id).where(images.c.id == image_id, images.c.status == ImageStatus.ACTIVE.value)
    return connection.execute(found).first() is not None
