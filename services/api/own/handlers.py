"""Health, and image bytes for compute hosts."""

from functools import partial

from sqlalchemy import Connection, select
from starlette.responses import Response

from domain.image.image import ImageStatus
from projections.read_model import position_of
from projections.signed_url import opens
from projections.tables import images
from services.api.answers import answer
from services.api.call import Call
from services.api.errors import Refusal
from services.api.image.data import content


async def health(call: Call) -> Response:
    """200 with the position of the read model; 503 when that cannot be read."""
    return answer({"status": "ok", "position": await call.dependencies.reads.query(position_of)})


async def image_content(call: Call) -> Response:
    """200 with the bytes, for whoever has a signed URL; 403 when it is not valid or has expired; 404."""
    image_id = call.path["id"]
    path = f"/v1/images/{image_id}/content"
    now = call.dependencies.clock().timestamp()
    expires, signature = call.query.get("expires", ""), call.query.get("signature", "")
    if not signature.isascii() or not opens(path, expires, signature, key=call.dependencies.url_key, now=now):
        raise Refusal(403, "This URL is not valid, or has expired.")
    if not await call.dependencies.reads.query(partial(_is_active, image_id)):
        raise Refusal(404, f"No image found with ID {image_id}")
    return await content(call, image_id, {})


def _is_active(image_id: str, connection: Connection) -> bool:
    found = select(images.c.id).where(images.c.id == image_id, images.c.status == ImageStatus.ACTIVE.value)
    return connection.execute(found).first() is not None
