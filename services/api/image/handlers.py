"""The handlers of the image API. Source: image service API reference v2."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response, StreamingResponse

from domain.errors import DomainError
from domain.image import Image, ImageStatus, create_image, delete_image, uploaded
from journal.errors import AppendConflict
from services.api.answers import POSITION, answer, empty
from services.api.call import Call
from services.api.compute.paging import limit_of
from services.api.errors import Refusal
from services.api.image.bodies import image_body, image_schema, new_image
from services.api.image.rows import changeable, listed, visible
from services.api.image.store import Stored, blocks, exclusive, remove, save, size_of
from services.api.image.visibility import PUBLIC

DEFAULT_LIMIT = 25


async def list_versions(call: Call) -> Response:
    """300, without a token."""
    href = f"{call.dependencies.public_url}/image/v2/"
    version = {"id": "v2.15", "status": "CURRENT", "links": [{"rel": "self", "href": href}]}
    return answer({"versions": [version]}, 300)


async def list_versions_again(call: Call) -> Response:
    """200, without a token."""
    response = await list_versions(call)
    response.status_code = 200
    return response


async def list_images(call: Call) -> Response:
    """200; 400 for a wrong query. Source: "List images"."""
    limit = limit_of(call.query.get("limit") or str(DEFAULT_LIMIT))
    rows = await listed(call, limit)
    asked = {name: value for name, value in call.query.items() if name != "marker"}
    first = f"/v2/images?{urlencode(asked)}" if asked else "/v2/images"
    body: dict[str, Any] = {
        "images": [image_body(row) for row in rows],
        "schema": "/v2/schemas/images",
        "first": first,
    }
    if rows and len(rows) == limit:
        body["next"] = f"/v2/images?{urlencode({**asked, 'marker': rows[-1]['id']})}"
    return answer(body)


async def show_image(call: Call) -> Response:
    """200; 404. Source: "Show image"."""
    return answer(image_body(await visible(call)))


async def create(call: Call) -> Response:
    """201 with where it is; 400; 403; 409 when its id is taken. Source: "Create image"."""
    body = await call.json()
    parts = new_image(body, call.project_id)
    if parts.get("visibility") == PUBLIC:
        call.require("publicize_image")
    image_id = str(UUID(body.get("id") or call.dependencies.new_id()))
    image = create_image(image_id, project_id=call.project_id, at=call.dependencies.clock(), **parts)
    try:
        saved = await call.dependencies.commands.create(image, call.author)
    except AppendConflict:
        raise Refusal(409, f"Image ID {image_id} already exists!") from None
    call.path = {"id": image.id}
    shown = image_body(await visible(call))
    headers = {"Location": f"{call.dependencies.public_url}/image/v2/images/{image.id}"}
    return answer(shown, 201, headers=headers, position=saved.position)


async def upload(call: Call) -> Response:
    """204; 400 for bytes of another format; 403; 404; 409 when it has bytes; 413 when there is no room; 415.

    Source: "Upload binary image data".
    """
    row = await changeable(call)
    if call.request.headers.get("content-type") != "application/octet-stream":
        raise Refusal(415, "Upload the image's bytes with Content-Type: application/octet-stream.")
    store = call.dependencies.image_store
    async with exclusive(store, row["id"]):
        # Looked at again: whoever uploaded before has finished, or nobody has.
        row = await changeable(call)
        if row["status"] != ImageStatus.QUEUED:
            raise Refusal(409, f"Image status transition from {row['status']} to saving is not allowed")
        stored = await save(store, row["id"], row["disk_format"], call.request.stream())
        try:
            position = await _record(call, row["id"], stored)
        except DomainError:  # it was deleted meanwhile
            await remove(store, row["id"])
            raise
    return empty(204, position=position)


async def _record(call: Call, image_id: str, stored: Stored) -> int:
    at = call.dependencies.clock()

    def decide(image: Image) -> None:
        uploaded(
            image,
            size=stored.size,
            virtual_size=stored.virtual_size,
            checksum=stored.checksum,
            checksum_md5=stored.checksum_md5,
            at=at,
        )

    return (await call.dependencies.commands.execute(Image, image_id, decide, call.author)).position


async def download(call: Call) -> Response:
    """200 with the bytes; 204 when there are none yet; 404. Source: "Download binary image data"."""
    row = await visible(call)
    if row["status"] != ImageStatus.ACTIVE:
        return empty(204)
    headers = {"Content-MD5": row["checksum_md5"]}
    return await content(call, row["id"], headers)


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


async def delete(call: Call) -> Response:
    """204; 403; 404; 409 when it is protected. Its bytes go when the event is recorded. Source: "Delete image"."""
    row = await changeable(call)
    if row["protected"]:
        raise Refusal(403, f"Image {row['id']} is protected and cannot be deleted.")
    at = call.dependencies.clock()
    saved = await call.dependencies.commands.execute(
        Image, row["id"], lambda image: delete_image(image, at=at), call.author
    )
    await remove(call.dependencies.image_store, row["id"])
    return empty(204, headers={POSITION: str(saved.position)})


async def list_tasks(call: Call) -> Response:
    """200: there are none."""
    await visible(call)
    return answer({"tasks": []})


async def list_members(call: Call) -> Response:
    """200: there are none."""
    await visible(call)
    return answer({"members": [], "schema": "/v2/schemas/members"})


async def show_schema(call: Call) -> Response:  # noqa: ARG001 -- a handler
    """200."""
    return answer(image_schema())


async def not_built(call: Call) -> Response:
    """501; 404."""
    await visible(call)
    raise Refusal(501, "Images cannot be changed after they were created yet: create another one.")
