"""The handlers of the image API. Source: image service API reference v2."""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import RowMapping
from starlette.responses import Response

from domain.image.availability import deactivate, reactivate
from domain.image.change import FormatFixed, change_image, tag_image, untag_image
from domain.image.image import Image, create_image, delete_image
from journal.errors import AppendConflict
from services.api.answers import POSITION, answer, empty
from services.api.call import Call
from services.api.compute.paging import limit_of
from services.api.errors import Refusal
from services.api.image.bodies import TAG_LENGTH, image_body, new_image
from services.api.image.patch import MEDIA_TYPES, changes_of, operations
from services.api.image.rows import changeable, listed, one, visible
from services.api.image.store import remove
from services.api.image.visibility import PUBLIC

DEFAULT_LIMIT = 25


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
    at, hidden = call.dependencies.clock(), parts.pop("hidden")
    image = create_image(image_id, project_id=call.project_id, at=at, **parts)
    change_image(image, {"hidden": hidden}, at=at)
    try:
        saved = await call.dependencies.commands.create(image, call.author)
    except AppendConflict:
        raise Refusal(409, f"Image ID {image_id} already exists!") from None
    call.path = {"id": image.id}
    shown = image_body(await visible(call))
    headers = {"Location": f"{call.dependencies.public_url}/image/v2/images/{image.id}"}
    return answer(shown, 201, headers=headers, position=saved.position)


async def change(call: Call) -> Response:
    """200; 400; 403 for what cannot be changed; 404; 409; 415. Source: "Update image"."""
    row = await changeable(call)
    if call.request.headers.get("content-type", "").partition(";")[0].strip() not in MEDIA_TYPES:
        raise Refusal(415, f"Change an image with Content-Type: {max(MEDIA_TYPES)}.")
    steps, at = operations(await call.json()), call.dependencies.clock()

    def decide(image: Image) -> None:
        # On the image as it is in the log: two patches at once are one after the other.
        change_image(image, changes_of(image, steps, call.require), at=at)

    try:
        saved = await call.dependencies.commands.execute(Image, row["id"], decide, call.author)
    except FormatFixed as error:
        raise Refusal(403, str(error)) from None
    return answer(image_body(await _as_it_is(call)), position=saved.position)


async def _as_it_is(call: Call) -> RowMapping:
    """The image after a change, also when the caller has just given it away."""
    row = await one(call)
    if row is None:
        raise Refusal(404, f"No image found with ID {call.path['id']}")
    return row


async def add_tag(call: Call) -> Response:
    """204; 400; 403; 404. Source: "Add image tag"."""
    tag = call.path["tag"]
    if len(tag) > TAG_LENGTH:
        raise Refusal(400, f"Invalid image tag: it has more than {TAG_LENGTH} characters.")
    return await _decide(call, partial(tag_image, tag=tag, at=call.dependencies.clock()))


async def remove_tag(call: Call) -> Response:
    """204; 403; 404. Source: "Delete image tag"."""
    return await _decide(call, partial(untag_image, tag=call.path["tag"], at=call.dependencies.clock()))


async def take_out_of_use(call: Call) -> Response:
    """204; 403; 404; 409 without bytes. Source: "Deactivate image"."""
    return await _decide(call, partial(deactivate, at=call.dependencies.clock()))


async def bring_into_use(call: Call) -> Response:
    """204; 403; 404; 409 without bytes. Source: "Reactivate image"."""
    return await _decide(call, partial(reactivate, at=call.dependencies.clock()))


async def _decide(call: Call, decide: Callable[[Image], None]) -> Response:
    row = await changeable(call)
    saved = await call.dependencies.commands.execute(Image, row["id"], decide, call.author)
    return empty(204, position=saved.position)


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
