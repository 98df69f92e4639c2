"""`/images`, from before there was an image API: the same images, as the compute API shows them until 2.35.

Source: compute API reference, "Images (DEPRECATED)". Whoever changes images uses the image API.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, or_, select
from starlette.responses import Response

from domain.image.image import Image, ImageStatus, delete_image
from projections.tables import images
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.compute.links import bookmark, links, next_link, second
from services.api.compute.paging import Order, after, limit_of, page
from services.api.compute.server_filters import moment
from services.api.errors import Refusal
from services.api.image.rows import changeable, visible
from services.api.image.store import remove
from services.api.image.visibility import PUBLIC

STATUS: Mapping[str, tuple[str, int]] = {
    ImageStatus.QUEUED: ("SAVING", 25),
    ImageStatus.ACTIVE: ("ACTIVE", 100),
    ImageStatus.DEACTIVATED: ("UNKNOWN", 0),
    ImageStatus.DELETED: ("DELETED", 0),
}
"""Status in the image API → (status, progress) here."""

NEWEST_FIRST = [Order(images.c.created_position, descending=True)]


async def list_images(call: Call) -> Response:
    """200; 400. Filters: name, status, type, server, minRam, minDisk, changes-since."""
    rows, more = await _listed(call)
    base = call.dependencies.public_url
    return _listing(call, [_brief(row, base) for row in rows], "/v2.1/images", more)


async def list_images_detailed(call: Call) -> Response:
    """The same, in full."""
    rows, more = await _listed(call)
    base = call.dependencies.public_url
    return _listing(call, [_full(row, base) for row in rows], "/v2.1/images/detail", more)


async def show_image(call: Call) -> Response:
    """200; 404."""
    return answer({"image": _full(await _image(call), call.dependencies.public_url)})


async def delete(call: Call) -> Response:
    """204; 403, 404."""
    await _image(call)
    row, at = await changeable(call), call.dependencies.clock()
    saved = await call.dependencies.commands.execute(
        Image, row["id"], lambda image: delete_image(image, at=at), call.author
    )
    await remove(call.dependencies.image_store, row["id"])
    return empty(204, position=saved.position)


async def list_metadata(call: Call) -> Response:
    """200; 404."""
    return answer({"metadata": _metadata(await _image(call))})


async def show_metadata(call: Call) -> Response:
    """200; 404."""
    metadata, key = _metadata(await _image(call)), call.path["key"]
    if key not in metadata:
        raise Refusal(404, "Metadata item was not found")
    return answer({"meta": {key: metadata[key]}})


async def _image(call: Call) -> RowMapping:
    try:
        return await visible(call)
    except Refusal as refusal:
        raise Refusal(refusal.status, "Image not found.") from None


def _listing(call: Call, found: list[dict[str, Any]], path: str, more: str | None) -> Response:
    listing: dict[str, Any] = {"images": found}
    if more is not None:
        listing["images_links"] = next_link(call.dependencies.public_url, path, call.query, more)
    return answer(listing)


async def _listed(call: Call) -> tuple[Sequence[RowMapping], str | None]:
    limit, marker = limit_of(call.query.get("limit")), call.query.get("marker")
    conditions = [images.c.status != ImageStatus.DELETED.value, *_filters(call.query)]
    if not call.caller.is_admin:
        conditions.append(or_(images.c.visibility == PUBLIC, images.c.project_id == call.project_id))
    wanted = select(images).where(*conditions)

    def ask(connection: Connection) -> Sequence[RowMapping]:
        found = wanted
        if marker:
            found = found.where(after(connection, NEWEST_FIRST, images.c.id == marker, f"marker [{marker}] not found"))
        return connection.execute(page(found, NEWEST_FIRST, limit)).mappings().all()

    rows = await call.dependencies.reads.query(ask)
    return rows, rows[-1]["id"] if "limit" in call.query and rows and len(rows) == limit else None


def _filters(query: Mapping[str, str]) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if "name" in query:
        found.append(images.c.name == query["name"])
    if "status" in query:
        named = [each for each, (status, _) in STATUS.items() if status == query["status"].upper()]
        found.append(images.c.status.in_(named))
    if "type" in query:
        found.append(images.c.properties["image_type"].as_string() == query["type"])
    if "server" in query:  # its id, or its URL
        server = query["server"].rstrip("/").rpartition("/")[2]
        found.append(images.c.properties["instance_uuid"].as_string() == server)
    for name, column in (("minRam", images.c.min_ram), ("minDisk", images.c.min_disk)):
        if name in query:
            if not query[name].isdecimal():
                raise Refusal(400, f"Invalid input for query parameters {name}. Value: {query[name]}.")
            found.append(column >= int(query[name][:9]))
    if "changes-since" in query:
        found.append(images.c.updated_at >= moment("changes-since", query["changes-since"]))
    return found


def _brief(row: RowMapping, base: str) -> dict[str, Any]:
    alternate = {
        "rel": "alternate",
        "type": "application/vnd.openstack.image",
        "href": f"{base}/image/v2/images/{row['id']}",
    }
    return {"id": row["id"], "name": row["name"], "links": [*links(base, "images", row["id"]), alternate]}


def _full(row: RowMapping, base: str) -> dict[str, Any]:
    status, progress = STATUS.get(row["status"], ("UNKNOWN", 0))
    body = {
        **_brief(row, base),
        "status": status,
        "progress": progress,
        "minRam": row["min_ram"],
        "minDisk": row["min_disk"],
        "metadata": _metadata(row),
        "created": second(row["created_at"]),
        "updated": second(row["updated_at"]),
        "OS-EXT-IMG-SIZE:size": row["size"] or 0,
    }
    if server := row["properties"].get("instance_uuid"):
        body["server"] = {"id": server, "links": bookmark(base, "servers", server)}
    return body


def _metadata(row: RowMapping) -> dict[str, str]:
    return {name: str(value) for name, value in row["properties"].items()}
