"""The bytes of images: they come once, and go to whoever may see the image.

Source: image service API reference v2, "Image data".
"""

import re

from sqlalchemy import RowMapping
from starlette.responses import Response, StreamingResponse

from domain.errors import DomainError
from domain.image.image import Image, ImageStatus
from domain.image.upload import require_queued, uploaded
from journal.envelope import Author
from services.api.answers import empty
from services.api.call import Call
from services.api.errors import Refusal
from services.api.image.rows import changeable, visible
from services.api.image.store import Stored, blocks, exclusive, remove, require_room, save, size_of

RANGE = re.compile(r"bytes=(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})")


async def upload(call: Call) -> Response:
    """204; 400 for bytes of another format; 403; 404; 409 when it has bytes; 413 when it is too large, or there is no room; 415.

    Source: "Upload binary image data".
    """
    row = await changeable(call)
    if call.request.headers.get("content-type") != "application/octet-stream":
        raise Refusal(415, "Upload the image's bytes with Content-Type: application/octet-stream.")
    return empty(204, position=await receive(call, row, call.author))


async def receive(call: Call, row: RowMapping, author: Author) -> int:
    """Store the bytes of a call for an image, and record that they have come; the event's position.

    Raises Refusal 400 for bytes of another format, 409 when it has bytes, 413 when they are too many, or there is no room.
    """
    store, limit = call.dependencies.image_store, call.dependencies.image_size_limit
    declared = call.request.headers.get("content-length", "")
    await require_room(store, int(declared) if declared.isdecimal() and len(declared) < 19 else 0, limit)  # noqa: PLR2004
    async with exclusive(store, row["id"]):
        # Looked at in the log: whoever uploaded before has finished, or nobody has.
        queued = (await call.dependencies.commands.execute(Image, row["id"], require_queued, author)).aggregate
        disk_format = queued.disk_format
        stored = await save(store, row["id"], disk_format, call.request.stream(), limit=limit)
        try:
            return await _record(call, row["id"], disk_format, stored, author)
        except (DomainError, Refusal):  # it was deleted or changed meanwhile
            await remove(store, row["id"])
            raise


async def _record(call: Call, image_id: str, disk_format: str, stored: Stored, author: Author) -> int:
    at = call.dependencies.clock()

    def decide(image: Image) -> None:
        if image.disk_format != disk_format:  # what the bytes were judged by
            raise Refusal(409, f"The disk format of image {image_id} was changed during the upload: upload it again.")
        uploaded(
            image,
            size=stored.size,
            virtual_size=stored.virtual_size,
            checksum=stored.checksum,
            checksum_md5=stored.checksum_md5,
            at=at,
        )

    return (await call.dependencies.commands.execute(Image, image_id, decide, author)).position


async def download(call: Call) -> Response:
    """200 with the bytes, 206 with those of a range; 204 when there are none yet; 403 while out of use; 404; 416.

    Source: "Download binary image data".
    """
    row = await visible(call)
    if row["status"] == ImageStatus.QUEUED:
        return empty(204)
    if row["status"] == ImageStatus.DEACTIVATED and not call.caller.is_admin:
        raise Refusal(403, "The requested image has been deactivated. Image data download is forbidden.")
    asked = call.request.headers.get("range")
    if asked is None:
        return await content(call, row["id"], {"Content-MD5": row["checksum_md5"]})
    first, last = _range(asked, row["size"])
    return StreamingResponse(
        blocks(call.dependencies.image_store / row["id"], first, last - first + 1),
        206,
        headers={"Content-Length": str(last - first + 1), "Content-Range": f"bytes {first}-{last}/{row['size']}"},
        media_type="application/octet-stream",
    )


def _range(asked: str, size: int) -> tuple[int, int]:
    """The first and the last byte of a range. Raises Refusal 416 for one that the image does not have, or for several."""
    found = RANGE.fullmatch(asked.strip())
    first, last = (found["first"], found["last"]) if found else ("", "")
    if first:
        begin, end = int(first), min(int(last), size - 1) if last else size - 1
    elif last:
        begin, end = max(0, size - int(last)), size - 1
    else:
        begin, end = 1, 0
    if begin > end:
        raise Refusal(
            416, f"The range {asked!r} is none of this image's bytes.", headers={"Content-Range": f"bytes */{size}"}
        )
    return begin, end


async def content(call: Call, image_id: str, headers: dict[str, str]) -> Response:
    """An image's bytes from the store, as they are read. Raises Refusal 404."""
    path = call.dependencies.image_store / image_id
    size = await size_of(path)
    if size is None:
        raise Refusal(404, f"The bytes of image {image_id} are not in the image store.")
    return StreamingResponse(
        blocks(path),
        headers={**headers, "Content-Length": str(size)},
        media_type="application/octet-stream",
    )
